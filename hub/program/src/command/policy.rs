//! `placehub policy`: checks a folder of policies, lists those in force, and explains what they allow.
//! It looks at nobody's record.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use placehub_hub::decide::PolicySet;
use placehub_proto::v1::{
    Agreement, ExplainQuestionRequest, ExplainQuestionResponse, GetPolicySetRequest, KindOutlook, QuestionSort,
    SubjectSort,
};
use serde_json::{Value, json};

use crate::{
    ending::{Ending, Outcome, sentence},
    grid::Grid,
    link::LinkArguments,
    moment, out,
    words::{self, Sort},
};

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Check a folder of policies as the hub would at its start.
    Check(Check),
    /// Say what a question of this sort could show you, with consent and without, and by which rules.
    Explain(Box<Explain>),
    /// List the agreements in force at the hub.
    List(Box<List>),
}

/// Which folder.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The folder.
    dir: PathBuf,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

/// Which sort of question.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub policy explain --home wigan --as officer-42 --subject person \\\n    \
    --purpose homelessness-prevention"
)]
pub(crate) struct Explain {
    /// What it would be about.
    #[arg(long)]
    subject: Sort,
    /// Why.
    #[arg(long, value_name = "PURPOSE")]
    purpose: String,
    /// The law relied on instead of consent.
    #[arg(long, value_name = "GATEWAY", default_value = "", hide_default_value = true)]
    gateway: String,
    /// As if a case reference were given.
    #[arg(long)]
    with_case: bool,
    /// The area in which the address or area lies [default: one within your patch].
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    area: String,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// At which hub.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl Policy {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        match self {
            Self::Check(check) => check.run(now),
            Self::Explain(explain) => explain.run(now).await,
            Self::List(list) => list.run(now).await,
        }
    }
}

impl Check {
    fn run(self, now: Timestamp) -> Outcome {
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
            let (digest, rules) = (set.digest(), set.rule_count());
            out::document(json!({ "ok": true, "digest": digest, "rules": rules, "agreements": agreements }))?;
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
            out::line(format_args!("Digest {}", set.digest()))?;
        }
        Ok(Ending::Well)
    }
}

impl Explain {
    async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let question = QuestionSort {
            subject: SubjectSort::from(self.subject).into(),
            purpose: self.purpose,
            gateway: self.gateway,
            with_case_reference: self.with_case,
            area_code: self.area,
        };
        let request = ExplainQuestionRequest {
            question: Some(question),
        };
        let explained = link.policies().explain_question(link.call(request)?).await;
        let explained = explained.map_err(|status| link.fault(status))?.into_inner();
        if self.json {
            let outlooks: Vec<Value> = explained.outlooks.iter().map(outlook).collect();
            out::document(json!({ "allowed": explained.allowed, "reason": explained.reason, "outlooks": outlooks }))?;
        } else {
            tell(&explained)?;
        }
        Ok(if explained.allowed {
            Ending::Well
        } else {
            Ending::Finding
        })
    }
}

impl List {
    async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let set = link.policies().get_policy_set(link.call(GetPolicySetRequest {})?).await;
        let set = set.map_err(|status| link.fault(status))?.into_inner();
        if self.json {
            let agreements: Vec<Value> = set.agreements.iter().map(agreement).collect();
            out::document(json!({
                "digest": set.digest,
                "loaded_at": moment::json(moment::of_wire(set.loaded_at.as_ref())),
                "agreements": agreements,
                "your_agency": set.your_agency,
                "your_workload": set.your_workload,
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
            out::line(format_args!("Digest {}", set.digest))?;
            out::line(format_args!(
                "The hub takes you for {}, {}.",
                set.your_agency, set.your_workload
            ))?;
        }
        Ok(Ending::Well)
    }
}

fn tell(explained: &ExplainQuestionResponse) -> Result<()> {
    if !explained.allowed {
        return out::line(format_args!("Such a question would be refused: {}", explained.reason));
    }
    let mut grid = Grid::new(["KIND", "OF", "WITH CONSENT", "WITHOUT"]);
    let shows = |one: &&KindOutlook| one.with_consent != 0 || one.without_consent != 0;
    for one in explained.outlooks.iter().filter(shows) {
        let below = one
            .rules
            .iter()
            .map(|rule| format!("{}: {}", rule.id, rule.reason))
            .collect();
        let cells = [
            one.kind.clone(),
            one.owner_agency.clone(),
            words::level(one.with_consent()).to_owned(),
            words::level(one.without_consent()).to_owned(),
        ];
        grid.row_with(cells, below);
    }
    out::line(grid)?;
    let hidden = explained.outlooks.iter().filter(|one| !shows(one)).count();
    out::line(format_args!("Of {hidden} other kinds nothing would be shown."))
}

fn agreement(one: &Agreement) -> Value {
    json!({
        "id": one.id,
        "title": one.title,
        "parties": one.parties,
        "purpose": one.purpose,
        "review_date": one.review_date,
        "in_force": one.in_force,
    })
}

fn outlook(one: &KindOutlook) -> Value {
    let rules: Vec<Value> = one
        .rules
        .iter()
        .map(|rule| json!({ "id": rule.id, "agreement": rule.agreement, "reason": rule.reason }))
        .collect();
    json!({
        "kind": one.kind,
        "owner_agency": one.owner_agency,
        "with_consent": words::level(one.with_consent()),
        "without_consent": words::level(one.without_consent()),
        "rules": rules,
    })
}

fn yes(holds: bool) -> String {
    if holds { "yes".to_owned() } else { "no".to_owned() }
}
