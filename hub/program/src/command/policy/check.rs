//! `placehub policy check`: checks a folder of policies as the hub would at its start, and with the hub's settings also whose
//! signatures they have. It changes nothing, and asks no hub.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use jiff::Timestamp;
use placehub_hub::{
    config::Config,
    decide::{Agreement, Files, PolicySet, Signable, Trust},
    hub::trust,
    model::AgencyId,
};
use serde_json::{Value, json};

use super::yes;
use crate::{
    ending::{Ending, Outcome, sentence},
    grid::Grid,
    out,
};

/// Days before an agreement lapses from which it is told.
const LAPSES_SOON: i32 = 60;

/// Which folder.
#[derive(Debug, Args)]
#[command(
    after_help = "With `--config`, the exit code is 1 also if an agreement lacks a signature that the settings ask for."
)]
pub(crate) struct Check {
    /// The folder [default: that of the settings].
    #[arg(required_unless_present = "config")]
    dir: Option<PathBuf>,
    /// Check signatures too, with the parties' keys in these settings of a hub, e.g. placehub.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

/// How a party's signature of an agreement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signature {
    Missing,
    NoKey,
    OfOther,
    Signed,
}

/// What the hub's settings say.
struct Checked {
    files: Files,
    trust: Trust,
}

impl Check {
    pub(super) fn run(self, now: Timestamp) -> Outcome {
        let config = self.config.as_deref().map(Config::load).transpose()?;
        let trust = config.as_ref().map(trust).transpose()?;
        let dir = self.dir.or(config.map(|config| config.policies.folder));
        let dir = dir.context("which folder of policies?")?;
        let set = match PolicySet::load_trusting(&dir, &trust.clone().unwrap_or_default()) {
            Ok(set) => set,
            Err(error) => {
                let why = sentence(&anyhow::Error::from(error));
                match self.json {
                    true => out::document(json!({ "ok": false, "fault": why }))?,
                    false => out::line(format_args!("{}: {why}", dir.display()))?,
                }
                return Ok(Ending::Finding);
            }
        };
        let checked = match trust {
            Some(trust) => Some(Checked {
                files: Files::read(&dir)?,
                trust,
            }),
            None => None,
        };
        let lacking = set.agreements().iter().any(|one| !one.unsigned().is_empty());
        match self.json {
            true => document(&set, checked.as_ref(), !lacking, now)?,
            false => tell(&set, checked.as_ref(), now)?,
        }
        Ok(if lacking { Ending::Finding } else { Ending::Well })
    }
}

impl Checked {
    /// Each party whose signals the agreement opens, and how its signature stands.
    fn signatures(&self, set: &PolicySet, one: &Agreement) -> Vec<(AgencyId, Signature)> {
        let signable = Signable::find(&self.files, one.id());
        let how = |party: &AgencyId| match &signable {
            None => Signature::Missing,
            Some(signable) if self.files.text(&signable.file(party)).is_err() => Signature::Missing,
            Some(_) if !self.trust.keys.contains_key(party) => Signature::NoKey,
            Some(signable) if signable.is_signed_by(party, &self.files, &self.trust) => Signature::Signed,
            Some(_) => Signature::OfOther,
        };
        let owners = one.particulars().owners(set.catalogue()).into_iter();
        owners.map(|party| (party.clone(), how(&party))).collect()
    }
}

impl Signature {
    fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NoKey => "no-key",
            Self::OfOther => "not-of-these-files",
            Self::Signed => "signed",
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Missing => "UNSIGNED by",
            Self::NoKey => "UNSIGNED, as the settings have no key to check it with, by",
            Self::OfOther => "UNSIGNED, as the signature is of other files or by another key, by",
            Self::Signed => "SIGNED by",
        }
    }
}

fn document(set: &PolicySet, checked: Option<&Checked>, ok: bool, now: Timestamp) -> Result<()> {
    let signatures = |one: &Agreement| {
        checked.map(|checked| {
            let signatures = checked.signatures(set, one).into_iter();
            let signature = |(party, how): (AgencyId, Signature)| json!({ "party": party.as_str(), "is": how.word() });
            signatures.map(signature).collect::<Vec<Value>>()
        })
    };
    let agreements: Vec<Value> = set
        .agreements()
        .iter()
        .map(|one| {
            let particulars = one.particulars();
            json!({
                "id": one.id().to_string(),
                "title": particulars.title,
                "purpose": particulars.purpose.to_string(),
                "review_date": particulars.review_date.to_string(),
                "days_left": particulars.days_left(now),
                "in_force": one.in_force(now),
                "signatures": signatures(one),
            })
        })
        .collect();
    out::document(json!({
        "ok": ok,
        "version": set.version().as_str(),
        "title": set.title(),
        "digest": set.digest(),
        "rules": set.rule_count(),
        "signatures_required": checked.map(|checked| checked.trust.required),
        "agreements": agreements,
    }))
}

fn tell(set: &PolicySet, checked: Option<&Checked>, now: Timestamp) -> Result<()> {
    let (rules, count) = (set.rule_count(), set.agreements().len());
    out::line(format_args!("{rules} rules in {count} agreements, all well."))?;
    let mut grid = Grid::new(["AGREEMENT", "PURPOSE", "REVIEW BY", "IN FORCE"]);
    for one in set.agreements() {
        let particulars = one.particulars();
        let cells = [
            one.id().to_string(),
            particulars.purpose.to_string(),
            particulars.review_date.to_string(),
            yes(one.in_force(now)),
        ];
        let signatures = checked.map(|checked| checked.signatures(set, one)).unwrap_or_default();
        let mut below: Vec<String> = [
            Signature::Signed,
            Signature::Missing,
            Signature::NoKey,
            Signature::OfOther,
        ]
        .into_iter()
        .filter_map(|wanted| {
            let parties = signatures.iter().filter(|(_, how)| *how == wanted);
            let parties: Vec<String> = parties.map(|(party, _)| format!("`{party}`")).collect();
            (!parties.is_empty()).then(|| format!("{} {}", wanted.told(), parties.join(", ")))
        })
        .collect();
        match particulars.days_left(now) {
            left if left < 0 => below.push("lapsed: review it".to_owned()),
            left if left <= LAPSES_SOON => below.push(format!("lapses in {left} days: review it")),
            _ => {}
        }
        grid.row_with(cells, below);
    }
    out::line(grid)?;
    if checked.is_some_and(|checked| !checked.trust.required) {
        out::line("The settings ask for no signatures, so none is needed.")?;
    }
    out::line(format_args!("Version {}, digest {}", set.version(), set.digest()))
}
