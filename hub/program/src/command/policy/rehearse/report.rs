//! What a rehearsal found: who would gain and who would lose sight of what, how often, and in which entries to look.
//! It adds up and prints; it decides nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::Result;
use placehub_hub::decide::PolicySet;
use serde_json::{Value, json};

use crate::{ending::Ending, grid::Grid, out};

/// How many entries are named as samples of a change.
const SAMPLES: usize = 5;

/// What a rehearsal found.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Entries read.
    entries: u64,
    /// Questions decided anew.
    decisions: u64,
    /// Classes that could not be decided anew: their entry says too little of them.
    not_replayed: u64,
    gains: BTreeMap<Sight, Change>,
    losses: BTreeMap<Sight, Change>,
}

/// Whose sight of what would change, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Sight {
    /// The asker's agency.
    pub(super) agency: String,
    /// Their roles.
    pub(super) roles: String,
    /// The purpose.
    pub(super) purpose: String,
    /// The kind; empty for the question as a whole.
    pub(super) kind: String,
    /// Its owner.
    pub(super) owner: String,
    /// What was shown.
    pub(super) was: String,
    /// What would be shown.
    pub(super) would_be: String,
}

/// How often.
#[derive(Debug, Default)]
pub(super) struct Change {
    questions: u64,
    signals: u64,
    samples: BTreeSet<u64>,
}

impl Change {
    /// Adds entries, none of which was added before, and how many signals it is about in them.
    pub(super) fn note(&mut self, entries: &BTreeSet<u64>, signals: u64) {
        self.questions += u64::try_from(entries.len()).unwrap_or_default();
        self.signals += signals;
        self.samples.extend(entries.iter().take(SAMPLES));
        self.thin();
    }

    fn add(&mut self, other: Self) {
        self.questions += other.questions;
        self.signals += other.signals;
        self.samples.extend(other.samples);
        self.thin();
    }

    fn thin(&mut self) {
        while self.samples.len() > SAMPLES {
            self.samples.pop_last();
        }
    }
}

impl Report {
    /// Of so many entries, of which so many record decisions, and so many classes that say too little.
    pub(super) fn of(entries: u64, decisions: u64, not_replayed: u64) -> Self {
        Self {
            entries,
            decisions,
            not_replayed,
            ..Self::default()
        }
    }

    /// Whose sight of what would change: more would be seen, or less.
    pub(super) fn change(&mut self, sight: Sight, more: bool) -> &mut Change {
        let changes = if more { &mut self.gains } else { &mut self.losses };
        changes.entry(sight).or_default()
    }

    /// Adds what another part found.
    pub(super) fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.decisions += other.decisions;
        self.not_replayed += other.not_replayed;
        for (into, from) in [(&mut self.gains, other.gains), (&mut self.losses, other.losses)] {
            for (sight, change) in from {
                into.entry(sight).or_default().add(change);
            }
        }
    }

    /// Of each gain, how many questions and how many signals.
    #[cfg(test)]
    pub(super) fn gained(&self) -> Vec<(u64, u64)> {
        let gains = self.gains.values();
        gains.map(|change| (change.questions, change.signals)).collect()
    }

    /// Prints it.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub(super) fn print(&self, set: &PolicySet, took: Duration, as_json: bool) -> Result<Ending> {
        let same = self.gains.is_empty() && self.losses.is_empty();
        let seconds = took.as_secs_f64();
        if as_json {
            out::document(json!({
                "same": same,
                "candidate": set.digest(),
                "candidate_version": set.version().as_str(),
                "entries": self.entries,
                "decisions": self.decisions,
                "not_replayed": self.not_replayed,
                "seconds": seconds,
                "gains": list(&self.gains),
                "losses": list(&self.losses),
            }))?;
        } else {
            for (heading, changes) in [("GAINS", &self.gains), ("LOSSES", &self.losses)] {
                if changes.is_empty() {
                    continue;
                }
                let mut grid = Grid::new([heading, "WAS", "WOULD BE", "QUESTIONS", "SIGNALS", "SUCH AS ENTRY"]);
                for (sight, change) in changes {
                    let what = match sight.kind.as_str() {
                        "" => "the whole question".to_owned(),
                        kind => format!("{kind} of {}", sight.owner),
                    };
                    let samples: Vec<String> = change.samples.iter().map(ToString::to_string).collect();
                    grid.row([
                        format!("{} of {}: {what}, for {}", sight.roles, sight.agency, sight.purpose),
                        sight.was.clone(),
                        sight.would_be.clone(),
                        change.questions.to_string(),
                        change.signals.to_string(),
                        samples.join(", "),
                    ]);
                }
                out::line(format_args!("{grid}\n"))?;
            }
            let verdict = if same {
                "Nobody would gain or lose sight of anything"
            } else {
                "That is all that would change"
            };
            out::line(format_args!(
                "{verdict}: {} decisions of {} entries, decided anew in {seconds:.1} s.",
                self.decisions, self.entries
            ))?;
            if self.not_replayed > 0 {
                out::line(format_args!(
                    "{} classes of signals were not decided anew: their entries say too little of them.",
                    self.not_replayed
                ))?;
            }
        }
        Ok(if same { Ending::Well } else { Ending::Finding })
    }
}

fn list(changes: &BTreeMap<Sight, Change>) -> Vec<Value> {
    let one = |(sight, change): (&Sight, &Change)| {
        json!({
            "agency": sight.agency,
            "roles": sight.roles,
            "purpose": sight.purpose,
            "kind": sight.kind,
            "owner": sight.owner,
            "was": sight.was,
            "would_be": sight.would_be,
            "questions": change.questions,
            "signals": change.signals,
            "entries": change.samples,
        })
    };
    changes.iter().map(one).collect()
}
