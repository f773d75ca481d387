//! The questions of an information governance officer: a table of counts over all that answers the question, and the
//! newest entries. It judges nothing.

use anyhow::{Result, bail};
use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::{
    self as proto, DisclosureLevel, EntryCount, ExamineRequest, LedgerEntry, examine_request::Question,
    examine_response::Part,
};
use serde_json::{Value, json};

use super::Span;
use crate::{
    ending::{Ending, Outcome},
    entries,
    grid::Grid,
    link::LinkArguments,
    out, words,
};

/// What is said beneath the flags of who asked about themselves.
const FLAG: &str = "A flag is no verdict: names and postcodes are shared by strangers. What the token or the question \
    did not tell is counted as `not known`.";

/// What a practitioner asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub ledger asked-by --home wigan --as igo-1 --practitioner police/officer-17 --since 30d"
)]
pub(crate) struct AskedBy {
    /// Whose practitioner, and who, as their issuer names them.
    #[arg(long = "practitioner", value_name = "AGENCY/WHO")]
    whose: String,
    #[command(flatten)]
    plain: Plain,
}

/// What left under an agreement.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub ledger left-under --home wigan --as igo-1 --agreement asb-prevention --since 90d"
)]
pub(crate) struct LeftUnder {
    /// The agreement's id.
    #[arg(long, value_name = "AGREEMENT")]
    agreement: String,
    #[command(flatten)]
    plain: Plain,
}

/// Over which time, and how much of the answer.
#[derive(Debug, Args)]
pub(crate) struct Plain {
    #[command(flatten)]
    span: Span,
    /// How many entries to show, the newest first; the counts are over all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    entries: u32,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// What the hub answered.
struct Answer {
    entries: Vec<LedgerEntry>,
    counts: Vec<EntryCount>,
}

impl AskedBy {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let Some((agency, practitioner)) = self.whose.split_once('/') else {
            bail!("`--practitioner` must be AGENCY/WHO, e.g. police/officer-17");
        };
        let asked = proto::AskedBy {
            agency: agency.to_owned(),
            practitioner: practitioner.to_owned(),
        };
        self.plain.answer(Question::AskedBy(asked), now).await
    }
}

impl LeftUnder {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let left = proto::LeftUnder {
            agreement: self.agreement,
        };
        self.plain.answer(Question::LeftUnder(left), now).await
    }
}

impl Plain {
    /// Who was refused.
    pub(super) async fn refusals(self, now: Timestamp) -> Outcome {
        self.answer(Question::Refusals(proto::Refusals {}), now).await
    }

    /// Who named no case.
    pub(super) async fn without_case(self, now: Timestamp) -> Outcome {
        self.answer(Question::WithoutCase(proto::WithoutCase {}), now).await
    }

    /// Who asked about themselves.
    pub(super) async fn near_self(self, now: Timestamp) -> Outcome {
        let as_json = self.json;
        let ending = self.answer(Question::NearSelf(proto::NearSelf {}), now).await?;
        if !as_json {
            out::line(FLAG)?;
        }
        Ok(ending)
    }

    async fn answer(self, question: Question, now: Timestamp) -> Outcome {
        let Answer { entries, counts } = self.ask(question, now).await?;
        if self.json {
            let views: Vec<Value> = entries.iter().map(entries::view).collect();
            let counts: Vec<Value> = counts.iter().map(view).collect();
            out::document(json!({ "counts": counts, "entries": views }))?;
            return Ok(Ending::Well);
        }
        if counts.is_empty() {
            out::line("Nothing in the record answers this. A name that is misspelt finds nothing either.")?;
            return Ok(Ending::Well);
        }
        out::line(table(&counts))?;
        if !entries.is_empty() {
            out::line(format_args!("\nThe newest:\n{}", entries::table(&entries)))?;
        }
        Ok(Ending::Well)
    }

    async fn ask(&self, question: Question, now: Timestamp) -> Result<Answer> {
        let link = self.link.link("desk", now)?;
        let request = ExamineRequest {
            question: Some(question),
            period: self.span.period(now)?,
            entries: Some(self.entries),
        };
        let opened = link.ledger().examine(link.open(request)?).await;
        let mut parts = opened.map_err(|status| link.fault(status))?.into_inner();
        let (mut entries, mut counts) = (Vec::new(), Vec::new());
        while let Some(part) = parts.message().await.map_err(|status| link.fault(status))? {
            match part.part {
                Some(Part::Entry(entry)) => entries.push(entry),
                Some(Part::Count(count)) => counts.push(count),
                None => {}
            }
        }
        Ok(Answer { entries, counts })
    }
}

/// Only the columns that say something in this table.
fn table(counts: &[EntryCount]) -> String {
    let mut columns: Vec<(&str, Vec<String>)> = vec![
        ("DAY", counts.iter().map(|count| count.day.clone()).collect()),
        ("AGENCY", counts.iter().map(|count| count.agency.clone()).collect()),
        ("WHO", counts.iter().map(|count| count.practitioner.clone()).collect()),
        ("KIND", counts.iter().map(|count| count.kind.clone()).collect()),
        ("LEVEL", counts.iter().map(level).collect()),
        ("WHY", counts.iter().map(|count| count.reason.clone()).collect()),
    ];
    columns.retain(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()));
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let mut grid = Grid::new(["COUNTED BY", "ENTRIES", "REFUSED", "SIGNALS"]);
    for (row, count) in counts.iter().enumerate() {
        let cells = columns.iter().filter_map(|(_, cells)| cells.get(row));
        let told: Vec<&str> = cells.map(String::as_str).filter(|cell| !cell.is_empty()).collect();
        grid.row([
            told.join(", "),
            count.entries.to_string(),
            count.refused.to_string(),
            count.signals.to_string(),
        ]);
    }
    format!("By {}:\n{grid}", headings.join(", ").to_lowercase())
}

fn level(count: &EntryCount) -> String {
    match count.level() {
        DisclosureLevel::Unspecified => String::new(),
        level => words::level(level).to_owned(),
    }
}

fn view(count: &EntryCount) -> Value {
    json!({
        "day": count.day,
        "agency": count.agency,
        "practitioner": count.practitioner,
        "kind": count.kind,
        "level": level(count),
        "reason": count.reason,
        "entries": count.entries,
        "refused": count.refused,
        "signals": count.signals,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_only_what_it_counts_by() {
        let count = EntryCount {
            day: "2026-11-20".into(),
            entries: 3,
            refused: 1,
            signals: 7,
            ..EntryCount::default()
        };
        assert_eq!(
            table(&[count]),
            "By day:\nCOUNTED BY  ENTRIES  REFUSED  SIGNALS\n2026-11-20  3        1        7"
        );
    }
}
