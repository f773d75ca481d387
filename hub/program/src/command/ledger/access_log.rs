//! `placehub ledger access-log`: a person's access log, ready to be handed to the person. It never says whether anything
//! is left out, and names no member of staff.

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::{MakeAccessLogRequest, MakeAccessLogResponse};
use serde_json::{Value, json};

use super::{Span, Whom};
use crate::{
    ending::{Ending, Outcome},
    grid::plain,
    link::LinkArguments,
    moment, out,
};

/// What stands above every log.
const HEAD: &str = "Who asked about you, when and why (UK GDPR Article 15).";
/// What stands below every log, whether anything is left out or not.
const FOOT: &str = "The law lets or makes services withhold some entries from a log like this. We neither confirm nor deny \
    whether there are any.\nYou may ask for this log to be made again, and you may complain to the Information \
    Commissioner (ico.org.uk).";

/// Whose log.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub ledger access-log --home wigan --as igo-1 --person \"999 000 1006\"\n\n\
    What is held back goes on the list of `placehub ledger review list`."
)]
pub(crate) struct AccessLog {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    span: Span,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl AccessLog {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let request = MakeAccessLogRequest {
            person: Some(self.whom.person()?),
            period: self.span.period(now)?,
            references_of: self.whom.references_of,
        };
        let opened = link.ledger().make_access_log(link.open(request)?).await;
        let mut lines = opened.map_err(|status| link.fault(status))?.into_inner();
        let mut log = Vec::new();
        // All of it first: half a log must not look like a whole one.
        while let Some(line) = lines.message().await.map_err(|status| link.fault(status))? {
            log.push(line);
        }
        if self.json {
            let views: Vec<Value> = log.iter().map(view).collect();
            out::document(json!({ "accesses": views, "note": FOOT }))?;
        } else {
            print(&log)?;
        }
        Ok(Ending::Well)
    }
}

fn print(log: &[MakeAccessLogResponse]) -> Result<()> {
    out::line(HEAD)?;
    if log.is_empty() {
        out::line("\nThere is nothing that we can tell you of.")?;
    }
    for line in log {
        out::line(format_args!("\n{}", paragraph(line)))?;
    }
    out::line(format_args!("\n{FOOT}"))
}

/// One access in words.
fn paragraph(line: &MakeAccessLogResponse) -> String {
    let who = match line.roles.is_empty() {
        true => plain(&line.agency),
        false => format!("{} ({})", plain(&line.agency), plain(&line.roles.join(", "))),
    };
    let mut told = format!(
        "{}  {who}\n    {}",
        moment::shown(moment::of_wire(line.at.as_ref())),
        plain(&line.what)
    );
    if !line.purpose.is_empty() {
        told.push_str(&format!("\n    Why: {}.", plain(&line.purpose)));
    }
    if !line.law.is_empty() {
        told.push_str(&format!("\n    The law relied on: {}.", plain(&line.law)));
    }
    told.push_str(&format!("\n    Our reference: entry {}", line.number));
    told
}

fn view(line: &MakeAccessLogResponse) -> Value {
    json!({
        "number": line.number,
        "at": moment::json(moment::of_wire(line.at.as_ref())),
        "agency": line.agency,
        "roles": line.roles,
        "purpose": line.purpose,
        "law": line.law,
        "what": line.what,
    })
}
