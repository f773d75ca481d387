//! `placehub policy list`: the agreements in force at the hub. It looks at nobody's record.

use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::{Agreement, GetPolicySetRequest};
use serde_json::{Value, json};

use super::yes;
use crate::{
    ending::{Ending, Outcome},
    grid::Grid,
    link::LinkArguments,
    moment, out,
};

/// At which hub.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl List {
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let set = link.policies().get_policy_set(link.call(GetPolicySetRequest {})?).await;
        let set = set.map_err(|status| link.fault(status))?.into_inner();
        if self.json {
            let agreements: Vec<Value> = set.agreements.iter().map(agreement).collect();
            out::document(json!({
                "version": set.version,
                "title": set.title,
                "digest": set.digest,
                "loaded_at": moment::json(moment::of_wire(set.loaded_at.as_ref())),
                "agreements": agreements,
                "your_agency": set.your_agency,
                "your_workload": set.your_workload,
                "refused": set.refused.as_ref().map(|refused| json!({
                    "at": moment::json(moment::of_wire(refused.at.as_ref())),
                    "version": refused.version,
                    "digest": refused.digest,
                    "fault": refused.fault,
                })),
            }))?;
        } else {
            let mut grid = Grid::new(["AGREEMENT", "PURPOSE", "PARTIES", "REVIEW BY", "IN FORCE"]);
            for one in &set.agreements {
                let below = vec![one.title.clone()];
                let parties = one.parties.join(", ");
                let cells = [
                    one.id.clone(),
                    one.purpose.clone(),
                    parties,
                    one.review_date.clone(),
                    yes(one.in_force),
                ];
                grid.row_with(cells, below);
            }
            out::line(grid)?;
            out::line(format_args!(
                "{}: version {}, digest {}",
                set.title, set.version, set.digest
            ))?;
            if let Some(refused) = &set.refused {
                let fault = match refused.fault.as_str() {
                    "" => "information governance can see why",
                    fault => fault,
                };
                out::line(format_args!("Newer policies were refused: {fault}"))?;
            }
            out::line(format_args!(
                "The hub takes you for {}, {}.",
                set.your_agency, set.your_workload
            ))?;
        }
        Ok(Ending::Well)
    }
}

fn agreement(one: &Agreement) -> Value {
    json!({
        "id": one.id,
        "title": one.title,
        "parties": one.parties,
        "purpose": one.purpose,
        "review_date": one.review_date,
        "in_force": one.in_force,
        "unsigned": one.unsigned,
    })
}
