//! An entry as a row of comma-separated values (RFC 4180). Leaves out what has no place in a table: classes and areas.

use std::fmt::Display;

use anyhow::{Context as _, Result};
use csv::{Terminator, WriterBuilder};
use placehub_hub::ledger::{Entry, Subject};

/// The columns, in order.
const COLUMNS: [&str; 24] = [
    "number",
    "at",
    "action",
    "agency",
    "sector",
    "workload",
    "practitioner",
    "roles",
    "about",
    "purpose",
    "gateway",
    "case_reference",
    "level",
    "kinds",
    "sought",
    "allowed",
    "refusal",
    "agreements",
    "rules",
    "shown",
    "withheld",
    "outcome",
    "policy",
    "policy_version",
];

/// The first line, without the line feed that ends it.
///
/// # Errors
/// Never, in practice.
pub(super) fn heading() -> Result<String> {
    line(&COLUMNS.map(str::to_owned))
}

/// The line of an entry, without the line feed that ends it.
///
/// # Errors
/// Never, in practice.
pub(super) fn row(number: u64, entry: &Entry) -> Result<String> {
    let about = match &entry.subject {
        None => String::new(),
        Some(Subject::Address(_)) => "address".to_owned(),
        Some(Subject::Area { code }) => format!("area {code}"),
        Some(Subject::Person(_)) => "person".to_owned(),
    };
    let refusal = entry
        .refusal
        .as_ref()
        .map(|why| format!("{}: {}", why.code, why.reason));
    let shown = entry
        .shown
        .iter()
        .map(|shown| format!("{}:{}", shown.signal.text(), shown.level.word()));
    line(&[
        number.to_string(),
        entry.at.to_string(),
        entry.action.clone(),
        optional(entry.agency.as_ref()),
        optional(entry.sector.as_ref()),
        entry.workload.clone(),
        safe(&entry.practitioner),
        listed(&entry.roles),
        about,
        optional(entry.purpose.as_ref()),
        optional(entry.gateway.as_ref()),
        safe(&entry.case_reference),
        entry.level.map(|level| level.word().to_owned()).unwrap_or_default(),
        listed(&entry.kinds),
        entry.sought.clone(),
        entry.allowed.to_string(),
        refusal.unwrap_or_default(),
        listed(&entry.agreements),
        listed(&entry.rules),
        listed(shown),
        entry.withheld.to_string(),
        entry
            .touched
            .as_ref()
            .map(|touched| touched.outcome.clone())
            .unwrap_or_default(),
        optional(entry.policy.as_ref()),
        optional(entry.policy_version.as_ref()),
    ])
}

/// What a spreadsheet would take for a formula, it is to take for text: an apostrophe goes before it.
fn safe(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn optional(value: Option<&impl Display>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn listed<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    texts.join(" ")
}

fn line(cells: &[String; COLUMNS.len()]) -> Result<String> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(cells).context("cannot write a row")?;
    let bytes = writer.into_inner().context("cannot write a row")?;
    // What prints the line ends it with the line feed.
    Ok(String::from_utf8(bytes)?.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_as_many_cells_as_the_heading_and_no_formula() {
        let entry = Entry {
            case_reference: "=HYPERLINK(\"x\"), or so".into(),
            allowed: true,
            ..Entry::new("2026-01-05T09:00:00Z".parse().unwrap(), "ask")
        };
        let text = format!("{}\n{}\n", heading().unwrap(), row(3, &entry).unwrap());
        assert_eq!(text.matches("\r\n").count(), 2, "lines end as RFC 4180 says");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let headings = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let cell = |name: &str| {
            let place = headings.iter().position(|heading| heading == name).unwrap();
            rows[0][place].to_owned()
        };
        assert_eq!(cell("case_reference"), "'=HYPERLINK(\"x\"), or so");
        assert_eq!((cell("number").as_str(), cell("allowed").as_str()), ("3", "true"));
    }
}
