//! `placehub policy agreements`: which agreements of a folder lapse soon. It changes nothing.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::open;
use crate::{
    ending::{Ending, Outcome},
    grid::Grid,
    out,
};

/// Of which folder, and how soon.
#[derive(Debug, Args)]
#[command(after_help = "The exit code is 1 if there is one.")]
pub(crate) struct Agreements {
    /// The folder.
    dir: PathBuf,
    /// How soon, in days. Those that have lapsed already are told too.
    #[arg(long, value_name = "DAYS", default_value_t = 60)]
    within: i32,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Agreements {
    pub(super) fn run(self, now: Timestamp) -> Outcome {
        let set = open(&self.dir)?.1;
        let days = |one: &placehub_hub::decide::Agreement| one.particulars().days_left(now);
        let mut soon: Vec<_> = set.agreements().iter().filter(|one| days(one) <= self.within).collect();
        soon.sort_by_key(|one| days(one));
        if self.json {
            let soon: Vec<Value> = soon
                .iter()
                .map(|one| {
                    json!({
                        "id": one.id().to_string(),
                        "title": one.particulars().title,
                        "review_date": one.particulars().review_date.to_string(),
                        "days_left": days(one),
                        "contact": one.particulars().contact,
                    })
                })
                .collect();
            out::document(json!({ "ok": soon.is_empty(), "within_days": self.within, "agreements": soon }))?;
        } else if soon.is_empty() {
            out::line(format_args!(
                "None of {} agreements lapses within {} days.",
                set.agreements().len(),
                self.within
            ))?;
        } else {
            let mut grid = Grid::new(["AGREEMENT", "REVIEW BY", "DAYS LEFT", "CONTACT"]);
            for one in &soon {
                let left = days(one);
                let left = if left < 0 {
                    "lapsed".to_owned()
                } else {
                    left.to_string()
                };
                let particulars = one.particulars();
                grid.row([
                    one.id().to_string(),
                    particulars.review_date.to_string(),
                    left,
                    particulars.contact.clone(),
                ]);
            }
            out::line(grid)?;
        }
        Ok(if soon.is_empty() { Ending::Well } else { Ending::Finding })
    }
}
