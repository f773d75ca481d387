//! Entries of the ledger, as a table and as JSON. It shows what the hub's answer holds, and checks nothing.

use std::collections::BTreeMap;

use placehub_proto::v1::LedgerEntry;
use serde_json::{Value, json};

use crate::{ending::Ending, grid::Grid, moment, out, words};

/// Prints entries and says whether there are more.
///
/// # Errors
/// If they cannot be printed.
pub(crate) fn print(entries: &[LedgerEntry], next_page_token: &str, as_json: bool) -> anyhow::Result<Ending> {
    if as_json {
        let views: Vec<Value> = entries.iter().map(view).collect();
        out::document(json!({ "entries": views, "next_page_token": next_page_token }))?;
    } else {
        out::line(table(entries))?;
        if !next_page_token.is_empty() {
            out::line("There is more: add --all, or --page-token with the token that --json shows.")?;
        }
    }
    Ok(Ending::Well)
}

/// A table of entries.
pub(crate) fn table(entries: &[LedgerEntry]) -> Grid<7> {
    let mut grid = Grid::new(["ENTRY", "WHEN", "WHO", "DID", "ABOUT", "WHY", "OUTCOME"]);
    for entry in entries {
        let below = match entry.refusal.as_str() {
            "" => Vec::new(),
            refusal => vec![refusal.to_owned()],
        };
        let cells = [
            entry.number.to_string(),
            moment::shown(moment::of_wire(entry.decided_at.as_ref())),
            who(entry),
            entry.action.clone(),
            dash(about(entry)),
            dash(&why(entry)),
            outcome(entry),
        ];
        grid.row_with(cells, below);
    }
    grid
}

/// An entry as JSON, with the contract's field names. Its bytes are text already, and stand there as such.
pub(crate) fn view(entry: &LedgerEntry) -> Value {
    let shown: Vec<Value> = entry
        .shown
        .iter()
        .map(|one| json!({ "signal_id": one.signal_id, "level": words::level(one.level()) }))
        .collect();
    json!({
        "number": entry.number,
        "decided_at": moment::json(moment::of_wire(entry.decided_at.as_ref())),
        "action": entry.action,
        "agency": entry.agency,
        "workload": entry.workload,
        "practitioner": entry.practitioner,
        "roles": entry.roles,
        "subject": entry.subject,
        "purpose": entry.purpose,
        "gateway": entry.gateway,
        "case_reference": entry.case_reference,
        "allowed": entry.allowed,
        "refusal": entry.refusal,
        "agreements": entry.agreements,
        "policy_digest": entry.policy_digest,
        "policy_version": entry.policy_version,
        "shown": shown,
        "withheld": entry.withheld,
        "certificate": entry.certificate,
        "sought": entry.sought,
        "raw": String::from_utf8_lossy(&entry.raw),
    })
}

fn who(entry: &LedgerEntry) -> String {
    let name = if entry.practitioner.is_empty() {
        &entry.workload
    } else {
        &entry.practitioner
    };
    match entry.agency.as_str() {
        "" => "the hub".to_owned(),
        agency => format!("{name} ({agency})"),
    }
}

fn why(entry: &LedgerEntry) -> String {
    let gateway = match entry.gateway.as_str() {
        "none" => "no gateway",
        gateway => gateway,
    };
    let given = [entry.purpose.as_str(), gateway, &entry.case_reference];
    let given: Vec<&str> = given.into_iter().filter(|text| !text.is_empty()).collect();
    given.join(", ")
}

fn outcome(entry: &LedgerEntry) -> String {
    match (entry.allowed, entry.shown.len(), entry.withheld) {
        (false, ..) => "refused".into(),
        (true, 0, 0) if entry.purpose.is_empty() => "done".into(),
        (true, 0, withheld) => format!("nothing shown, {withheld} withheld"),
        (true, _, withheld) => format!("shown {}, {withheld} withheld", levels(entry)),
    }
}

/// How much was shown at which level, the most telling first.
fn levels(entry: &LedgerEntry) -> String {
    let mut counts = BTreeMap::new();
    for shown in &entry.shown {
        *counts.entry(shown.level()).or_insert(0_usize) += 1;
    }
    let told = counts
        .iter()
        .rev()
        .map(|(level, count)| format!("{count} {}", words::level(*level)));
    told.collect::<Vec<_>>().join(", ")
}

/// What a look at the record was for stands where others have whom they asked about.
fn about(entry: &LedgerEntry) -> &str {
    if entry.subject.is_empty() {
        &entry.sought
    } else {
        &entry.subject
    }
}

fn dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_reason() {
        let entry = LedgerEntry {
            agency: "police".into(),
            practitioner: "officer-17".into(),
            purpose: "homelessness-prevention".into(),
            refusal: "no agreement".into(),
            ..Default::default()
        };
        let told = table(&[entry]).to_string();
        assert!(
            told.contains("officer-17 (police)") && told.contains("refused\n    no agreement"),
            "{told}"
        );
    }

    #[test]
    fn what_was_shown_is_told_with_its_levels_and_a_question_that_found_nothing_as_such() {
        use placehub_proto::v1::{DisclosureLevel, ShownSignal};
        let shown = [
            DisclosureLevel::Existence,
            DisclosureLevel::Detail,
            DisclosureLevel::Detail,
        ];
        let mut entry = LedgerEntry {
            allowed: true,
            purpose: "homelessness-prevention".into(),
            gateway: "none".into(),
            withheld: 4,
            ..Default::default()
        };
        entry.shown = shown
            .map(|level| ShownSignal {
                level: level.into(),
                ..Default::default()
            })
            .to_vec();
        assert_eq!(outcome(&entry), "shown 2 detail, 1 existence, 4 withheld");
        assert_eq!(why(&entry), "homelessness-prevention, no gateway");
        entry.shown.clear();
        assert_eq!(outcome(&entry), "nothing shown, 4 withheld");
        entry.purpose.clear();
        entry.withheld = 0;
        assert_eq!(outcome(&entry), "done");
    }
}
