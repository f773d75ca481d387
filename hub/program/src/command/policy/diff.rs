//! `placehub policy diff`: what changes between two folders of policies, in words. It changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::Args;
use placehub_hub::decide::{PolicySet, Row};
use serde_json::{Value, json};

use super::open;
use crate::{
    ending::{Ending, Outcome},
    out,
};

/// Which two.
#[derive(Debug, Args)]
#[command(after_help = "The exit code is 1 if anything differs.")]
pub(crate) struct Diff {
    /// The folder with the rules as they are.
    old: PathBuf,
    /// The folder with the rules as they are to be.
    new: PathBuf,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

/// One thing that differs: what it is, and what it was and is to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) what: String,
    old: Option<String>,
    new: Option<String>,
}

impl Diff {
    pub(super) fn run(self) -> Outcome {
        let (old, new) = (open(&self.old)?.1, open(&self.new)?.1);
        let (set, rules, particulars) = (set(&old, &new), rules(&old, &new), particulars(&old, &new));
        let (catalogue, matrix) = (catalogue(&old, &new), matrix(&old, &new));
        let same = [&set, &rules, &particulars, &catalogue, &matrix]
            .iter()
            .all(|changes| changes.is_empty());
        if self.json {
            let list = |changes: &[Change]| -> Vec<Value> {
                let one = |change: &Change| json!({ "what": change.what, "old": change.old, "new": change.new });
                changes.iter().map(one).collect()
            };
            out::document(json!({
                "same": same,
                "old": old.digest(),
                "new": new.digest(),
                "set": list(&set),
                "rules": list(&rules),
                "particulars": list(&particulars),
                "catalogue": list(&catalogue),
                "matrix": list(&matrix),
            }))?;
        } else {
            for (heading, changes) in [
                ("The set", &set),
                ("Rules", &rules),
                ("Particulars", &particulars),
                ("Catalogue", &catalogue),
                ("Who may see what", &matrix),
            ] {
                if !changes.is_empty() {
                    out::line(heading)?;
                }
                for change in changes {
                    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "(not there)".to_owned());
                    out::line(format_args!(
                        "  {}\n    - {}\n    + {}",
                        change.what,
                        side(&change.old),
                        side(&change.new)
                    ))?;
                }
            }
            if rules.is_empty() && particulars.is_empty() && matrix.is_empty() {
                out::line("Both permit the same, by the same rules.")?;
            }
        }
        Ok(if same { Ending::Well } else { Ending::Finding })
    }
}

fn change(what: String, old: Option<String>, new: Option<String>) -> Option<Change> {
    (old != new).then_some(Change { what, old, new })
}

/// What differs in what the sets say of themselves.
fn set(old: &PolicySet, new: &PolicySet) -> Vec<Change> {
    let both = |told: &dyn Fn(&PolicySet) -> String| (Some(told(old)), Some(told(new)));
    let facts = [
        ("version", both(&|set| set.version().to_string())),
        ("title", both(&|set| set.title().to_owned())),
    ];
    let changes = facts.into_iter();
    changes
        .filter_map(|(what, (old, new))| change(what.to_owned(), old, new))
        .collect()
}

fn rules(old: &PolicySet, new: &PolicySet) -> Vec<Change> {
    let ids: BTreeSet<&str> = old.rules().chain(new.rules()).map(|rule| rule.id.as_str()).collect();
    let told = |set: &PolicySet, id: &str| {
        set.rule(id)
            .map(|rule| format!("{rule}. \u{201c}{}\u{201d}", rule.reason))
    };
    ids.into_iter()
        .filter_map(|id| change(format!("`{id}`"), told(old, id), told(new, id)))
        .collect()
}

/// What differs between the particulars of agreements.
pub(super) fn particulars(old: &PolicySet, new: &PolicySet) -> Vec<Change> {
    let mut found = Vec::new();
    let ids: BTreeSet<_> = old
        .agreements()
        .iter()
        .chain(new.agreements())
        .map(|one| one.id())
        .collect();
    for id in ids {
        let of = |set: &PolicySet| {
            set.agreements()
                .iter()
                .find(|one| one.id() == id)
                .map(|one| one.particulars().clone())
        };
        let (old, new) = (of(old), of(new));
        let both = |told: &dyn Fn(&placehub_hub::decide::Particulars) -> String| {
            (old.as_ref().map(told), new.as_ref().map(told))
        };
        let facts = [
            ("title", both(&|one| one.title.clone())),
            ("purpose", both(&|one| one.purpose.to_string())),
            ("gateways", both(&|one| format!("{:?}", one.gateways))),
            (
                "in force",
                both(&|one| format!("from {} to {}", one.in_force_from, one.review_date)),
            ),
            ("impact assessment", both(&|one| one.dpia_reference.clone())),
            ("contact", both(&|one| one.contact.clone())),
            ("parties and their lawful basis", both(&|one| parties(one))),
            ("who may ask", both(&|one| format!("{:?}", one.askers))),
        ];
        found.extend(
            facts
                .into_iter()
                .filter_map(|(what, (old, new))| change(format!("`{id}`: {what}"), old, new)),
        );
        let opens = both(&|one| {
            let opens = one.opens.iter().map(|opens| {
                format!(
                    "{:?} to {:?} at most at {} ({:?}{})",
                    opens.kinds,
                    opens.to,
                    opens.level.word(),
                    opens.consent,
                    opens
                        .authority
                        .as_ref()
                        .map_or_else(String::new, |law| format!("; authority: {law}")),
                )
            });
            opens.collect::<Vec<_>>().join("; ")
        });
        found.extend(change(format!("`{id}`: what it opens"), opens.0, opens.1));
    }
    found
}

/// What differs between the kinds, purposes and gateways that there are.
pub(super) fn catalogue(old: &PolicySet, new: &PolicySet) -> Vec<Change> {
    let told = |set: &PolicySet| -> BTreeMap<String, String> {
        let catalogue = set.catalogue();
        let kinds = catalogue.kinds().map(|kind| {
            let says = format!(
                "{}; owned by {}; {}; closed by: {}; kept for {} days; told: {:?}; {:?}",
                kind.title,
                kind.owner,
                kind.sensitivity.word(),
                kind.closed_by.as_deref().unwrap_or("no law"),
                kind.retention_days,
                kind.disclosure,
                kind.attributes,
            );
            (format!("the kind `{}`", kind.id), says)
        });
        let purposes = catalogue.purposes().map(|purpose| {
            let says = format!("{}; told: {:?}", purpose.title, purpose.disclosure);
            (format!("the purpose `{}`", purpose.id), says)
        });
        let gateways = catalogue.gateways().map(|gateway| {
            let says = format!("{}; {}", gateway.title, gateway.law);
            (format!("the gateway `{}`", gateway.id), says)
        });
        kinds.chain(purposes).chain(gateways).collect()
    };
    let (old, new) = (told(old), told(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| change(name.clone(), old.get(name).cloned(), new.get(name).cloned()))
        .collect()
}

fn parties(of: &placehub_hub::decide::Particulars) -> String {
    let party = |party: &placehub_hub::decide::Party| {
        format!(
            "{} ({}; {}; {}; {}; {})",
            party.agency, party.sector, party.role, party.article_6, party.article_9, party.dpa_2018
        )
    };
    of.party.iter().map(party).collect::<Vec<_>>().join(", ")
}

fn matrix(old: &PolicySet, new: &PolicySet) -> Vec<Change> {
    let (old, new) = (old.matrix().rows, new.matrix().rows);
    let key = |row: &Row| {
        format!(
            "{}: {} of {}, relying on {}: {} of {}",
            row.agreement, row.role, row.agency, row.gateway, row.kind, row.owner
        )
    };
    let told = |rows: &[Row], wanted: &str| {
        let row = rows.iter().find(|row| key(row) == wanted)?;
        let asks: Vec<String> = row
            .asks
            .iter()
            .map(|(subject, needs)| format!("{} {}", subject.word(), needs.join(", ")))
            .collect();
        row.shows()
            .then(|| format!("{} [asked on {}]", row.columns().join(" / "), asks.join("; ")))
    };
    let keys: BTreeSet<String> = old.iter().chain(&new).map(key).collect();
    keys.into_iter()
        .filter_map(|one| change(one.clone(), told(&old, &one), told(&new, &one)))
        .collect()
}
