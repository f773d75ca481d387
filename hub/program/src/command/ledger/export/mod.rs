//! `placehub ledger export`: takes entries away, one at a time, so that a long ledger needs no more memory than a short one.
//! It changes nothing that was recorded, and leaves nothing out.

mod audit_event;
mod table;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use placehub_hub::ledger::Entry;
use placehub_proto::v1::ExportLedgerRequest;

use super::{Span, take_away};
use crate::{
    ending::{Ending, Outcome},
    link::LinkArguments,
    out,
};

/// In which form, and over which time.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    placehub ledger export --home wigan --as igo-1 --format csv --since 2026-11-01 > november.csv\n  \
    placehub ledger export --home wigan --as igo-1 --format audit-event --since 24h")]
pub(crate) struct Export {
    /// The form.
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    link: LinkArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON document a line: the entry's number, and the entry exactly as it was hashed.
    Ndjson,
    /// A table (RFC 4180) with the columns that most questions need.
    Csv,
    /// One FHIR R4 AuditEvent a line, with the codes of IHE Basic Audit Log Patterns.
    AuditEvent,
}

impl Export {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let request = ExportLedgerRequest {
            period: self.span.period(now)?,
            ..ExportLedgerRequest::default()
        };
        if self.format == Format::Csv {
            out::line(table::heading()?)?;
        }
        take_away(&link, request, |number, row| {
            out::line(self.format.write(number, &row.entry.unwrap_or_default(), link.hub())?)
        })
        .await?;
        Ok(Ending::Well)
    }
}

impl Format {
    fn write(self, number: u64, raw: &[u8], hub: &str) -> Result<String> {
        let text = std::str::from_utf8(raw).context("the hub sent an entry that is no text")?;
        let entry = || Entry::parse(raw).with_context(|| format!("entry {number} is not of this format"));
        match self {
            Self::AuditEvent => Ok(audit_event::of(number, &entry()?, hub).to_string()),
            Self::Csv => table::row(number, &entry()?),
            Self::Ndjson => Ok(format!(r#"{{"number":{number},"entry":{text}}}"#)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_ndjson_holds_the_very_bytes_that_were_hashed() {
        let raw = br#"{"v":1,"at":"2026-01-05T09:00:00.000000Z","action":"swept","allowed":true}"#;
        let line = Format::Ndjson.write(7, raw, "").unwrap();
        assert_eq!(
            line,
            format!(r#"{{"number":7,"entry":{}}}"#, std::str::from_utf8(raw).unwrap())
        );
    }
}
