//! `placehub ledger show`: all of one entry, in words, with the proof that it is in the ledger. It tells what was
//! recorded, and judges nothing.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use clap::Args;
use jiff::Timestamp;
use placehub_hub::ledger::{Class, Entry};
use placehub_proto::v1::{GetEntryRequest, GetEntryResponse};
use serde_json::{Value, json};

use super::proofs::{self, KeyArgument};
use crate::{
    ending::{Ending, Outcome},
    entries,
    grid::plain,
    link::LinkArguments,
    out,
};

/// Which entry.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  placehub ledger show 17 --home wigan --as igo-1")]
pub(crate) struct Show {
    /// Its number.
    number: u64,
    #[command(flatten)]
    key: KeyArgument,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl Show {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let request = GetEntryRequest { number: self.number };
        let answer = link.ledger().get_entry(link.call(request)?).await;
        let answer = answer.map_err(|status| link.fault(status))?.into_inner();
        let entry = answer.entry.as_ref().context("the hub sent no entry")?;
        let recorded = Entry::parse(&entry.raw).context("the hub sent an entry that is none")?;
        let keys = self.key.find(&self.link)?;
        let proven = match keys.is_empty() {
            true => None,
            false => Some(proofs::prove(&link, (self.number, false), &keys).await?),
        };
        let proof = proven.as_ref().map(|proven| proven.of(&entry.raw)).transpose()?;
        if self.json {
            let recorded: Value = serde_json::from_slice(&entry.raw)?;
            let rules: Vec<Value> = answer
                .rules
                .iter()
                .map(|rule| json!({ "id": rule.id, "agreement": rule.agreement, "reason": rule.reason }))
                .collect();
            out::document(json!({
                "entry": entries::view(entry),
                "recorded": recorded,
                "rules": rules,
                "policies_in_force": answer.policies_in_force,
                "proof": proof,
            }))?;
        } else {
            out::line(entries::table(std::slice::from_ref(entry)))?;
            out::line(words(&recorded, &answer)?)?;
            out::line(match &proven {
                Some(proven) => format!(
                    "\nProved to be in the ledger, by its signed head of {} entries.",
                    proven.size()
                ),
                None => "\nNot proved: give --key-file FILE to have its place in the ledger proved.".to_owned(),
            })?;
        }
        Ok(Ending::Well)
    }
}

fn words(entry: &Entry, answer: &GetEntryResponse) -> Result<String> {
    let mut told = String::new();
    if let Some(policy) = &entry.policy {
        let now = if answer.policies_in_force {
            "are"
        } else {
            "are no longer"
        };
        let version = entry
            .policy_version
            .as_ref()
            .map(|version| format!("{version}, digest "))
            .unwrap_or_default();
        writeln!(told, "\nDecided by policies {version}{policy}, which {now} in force.")?;
    }
    for rule in &answer.rules {
        writeln!(told, "  {}: {}", plain(&rule.id), plain(&rule.reason))?;
    }
    if !entry.classes.is_empty() {
        writeln!(told, "\nDecided on:")?;
        for class in &entry.classes {
            writeln!(told, "  {}", decided(class))?;
        }
    }
    for rest in &entry.remainder {
        writeln!(
            told,
            "  {} more of {} from {}: withheld",
            rest.count, rest.kind, rest.owner
        )?;
    }
    for hidden in &entry.hidden {
        let what = hidden
            .signal
            .map_or_else(|| "the line of".to_owned(), |id| format!("signal {} of", id.text()));
        writeln!(told, "Taken off the screen: {what} {}", hidden.owner)?;
    }
    if let Some(touched) = &entry.touched {
        let why = if touched.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", plain(&touched.reason))
        };
        writeln!(told, "Outcome: {}{why}", touched.outcome)?;
    }
    for swept in &entry.swept {
        writeln!(
            told,
            "Forgotten: {} of {} from {}",
            swept.count, swept.kind, swept.owner
        )?;
    }
    writeln!(
        told,
        "\nAs it was hashed:\n{}",
        plain(std::str::from_utf8(&entry.encode()?)?)
    )?;
    Ok(told.trim_end().to_owned())
}

/// A class in a sentence: what, how much of it, and what the person had said then.
fn decided(class: &Class) -> String {
    let level = class.level.map_or("withheld", |level| level.word());
    let consent = match class.consent.word() {
        "none" => "nobody had said anything about sharing it",
        "given" => "consent stood",
        "refused" => "consent had been refused",
        _ => "consent had been withdrawn",
    };
    format!(
        "{} of {} from {}: {level}; {consent}",
        class.count, class.kind, class.owner
    )
}
