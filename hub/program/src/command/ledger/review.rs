//! `placehub ledger review`: what access logs have left out, and whether it is to be told. It shows entries, and nobody's
//! name.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use placehub_proto::v1::{HeldEntry, ListHeldEntriesRequest, ReviewHeldEntryRequest, ReviewOutcome};
use serde_json::{Value, json};

use crate::{
    ending::{Ending, Outcome},
    entries,
    grid::Grid,
    link::LinkArguments,
    moment, out,
};

/// What to do with what is held back.
#[derive(Debug, Subcommand)]
pub(crate) enum Review {
    /// List what access logs have left out.
    List(Box<List>),
    /// Let access logs tell of an entry from now on.
    Release(Box<Verdict>),
    /// Keep an entry out of access logs.
    Keep(Box<Verdict>),
}

/// Which of them.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Also those that were reviewed.
    #[arg(long)]
    reviewed: bool,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// Which entry, and why.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub ledger review release 17 --home wigan --as igo-1 --reason \"the enquiry is closed\""
)]
pub(crate) struct Verdict {
    /// The entry's number.
    number: u64,
    /// Whose logs: the entry in which the log was asked for, as the list has it. Needed if it is held from several people.
    #[arg(long, value_name = "NUMBER")]
    asked_in: Option<u64>,
    /// Why, without personal data: it stands in the ledger for ever.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl Review {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        match self {
            Self::List(list) => list.run(now).await,
            Self::Release(verdict) => verdict.run(ReviewOutcome::Released, now).await,
            Self::Keep(verdict) => verdict.run(ReviewOutcome::Kept, now).await,
        }
    }
}

impl List {
    async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let mut request = ListHeldEntriesRequest {
            reviewed_too: self.reviewed,
            page_size: 200,
            page_token: String::new(),
        };
        let mut held = Vec::new();
        loop {
            let page = link.ledger().list_held_entries(link.call(request.clone())?).await;
            let page = page.map_err(|status| link.fault(status))?.into_inner();
            held.extend(page.held);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        if self.json {
            let views: Vec<Value> = held.iter().map(view).collect();
            out::document(json!({ "held": views }))?;
        } else if held.is_empty() {
            out::line("No access log has left anything out that is still to be reviewed.")?;
        } else {
            out::line(table(&held))?;
        }
        Ok(Ending::Well)
    }
}

impl Verdict {
    async fn run(self, outcome: ReviewOutcome, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let request = ReviewHeldEntryRequest {
            number: self.number,
            outcome: outcome.into(),
            reason: self.reason,
            asked_in: self.asked_in,
        };
        let reviewed = link.ledger().review_held_entry(link.call(request)?).await;
        let entry = reviewed.map_err(|status| link.fault(status))?.into_inner().ledger_entry;
        if self.json {
            out::document(json!({ "number": self.number, "outcome": word(outcome), "ledger_entry": entry }))?;
        } else {
            out::line(format_args!(
                "Entry {} is {} (entry {entry}).",
                self.number,
                word(outcome)
            ))?;
        }
        Ok(Ending::Well)
    }
}

fn table(held: &[HeldEntry]) -> Grid<6> {
    let mut grid = Grid::new(["ENTRY", "WHEN", "AGENCY", "PURPOSE", "ASKED FOR IN", "STATE"]);
    for one in held {
        let entry = one.entry.clone().unwrap_or_default();
        let cells = [
            entry.number.to_string(),
            moment::shown(moment::of_wire(entry.decided_at.as_ref())),
            entry.agency,
            entry.purpose,
            one.asked_in.to_string(),
            word(one.outcome()).to_owned(),
        ];
        grid.row_with(cells, vec![format!("held {}", one.why)]);
    }
    grid
}

fn view(held: &HeldEntry) -> Value {
    json!({
        "entry": held.entry.as_ref().map(entries::view),
        "why": held.why,
        "asked_at": moment::json(moment::of_wire(held.asked_at.as_ref())),
        "asked_in": held.asked_in,
        "outcome": word(held.outcome()),
        "reviewed_in": held.reviewed_in,
    })
}

fn word(outcome: ReviewOutcome) -> &'static str {
    match outcome {
        ReviewOutcome::Unspecified => "to be reviewed",
        ReviewOutcome::Kept => "kept",
        ReviewOutcome::Released => "released",
    }
}
