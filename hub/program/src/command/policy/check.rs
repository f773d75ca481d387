//! `placehub policy check`: checks a folder of policies as the hub would at its start. It changes nothing.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use placehub_hub::decide::PolicySet;
use serde_json::{Value, json};

use super::yes;
use crate::{
    ending::{Ending, Outcome, sentence},
    grid::Grid,
    out,
};

/// Which folder.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The folder.
    dir: PathBuf,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, now: Timestamp) -> Outcome {
        let set = match PolicySet::load(&self.dir) {
            Ok(set) => set,
            Err(error) => {
                let why = sentence(&anyhow::Error::from(error));
                match self.json {
                    true => out::document(json!({ "ok": false, "fault": why }))?,
                    false => out::line(format_args!("{}: {why}", self.dir.display()))?,
                }
                return Ok(Ending::Finding);
            }
        };
        if self.json {
            let agreements: Vec<Value> = set
                .agreements()
                .iter()
                .map(|one| {
                    json!({
                        "id": one.id().to_string(),
                        "title": one.particulars().title,
                        "purpose": one.particulars().purpose.to_string(),
                        "review_date": one.particulars().review_date.to_string(),
                        "in_force": one.particulars().in_force(now),
                    })
                })
                .collect();
            out::document(json!({
                "ok": true,
                "version": set.version().as_str(),
                "title": set.title(),
                "digest": set.digest(),
                "rules": set.rule_count(),
                "agreements": agreements,
            }))?;
        } else {
            out::line(format_args!(
                "{} rules in {} agreements, all well.",
                set.rule_count(),
                set.agreements().len()
            ))?;
            let mut grid = Grid::new(["AGREEMENT", "PURPOSE", "REVIEW BY", "IN FORCE"]);
            for one in set.agreements() {
                let particulars = one.particulars();
                grid.row([
                    one.id().to_string(),
                    particulars.purpose.to_string(),
                    particulars.review_date.to_string(),
                    yes(particulars.in_force(now)),
                ]);
            }
            out::line(grid)?;
            out::line(format_args!("Version {}, digest {}", set.version(), set.digest()))?;
        }
        Ok(Ending::Well)
    }
}
