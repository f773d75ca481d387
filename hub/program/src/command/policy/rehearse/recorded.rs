//! Takes recorded decisions apart, gathers those that are alike, and decides each sort anew, once.
//! It looks at standing, reasons and classes alone; what else an entry holds is passed over.

use std::{collections::HashMap, sync::Arc, thread};

use anyhow::{Context as _, Result, anyhow};
use jiff::Timestamp;
use placehub_hub::{
    decide::{self, Office, PolicySet, Reasons, Standing},
    ledger::{Entry, Subject},
    model::{Level, SubjectSort},
};
use serde::Deserialize;

use super::report::{Change, Report, Sight};

/// What a recorded question is decided on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    who: Standing,
    why: Reasons,
    cap: Level,
    kinds: bool,
}

/// A class, what was decided on it, and how many signals it held.
type Recorded = (decide::Class, Option<Level>, u32);

/// Recorded decisions, gathered by what they were decided on.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    since: Option<Timestamp>,
    entries: u64,
    decisions: u64,
    not_replayed: u64,
    questions: HashMap<Asked, Question>,
}

/// Questions of one sort: which were answered, which refused, and what was decided on the classes that came with them.
#[derive(Debug, Default)]
struct Question {
    answered: Change,
    refused: Change,
    classes: HashMap<(decide::Class, Option<Level>), Change>,
}

/// A line of an export.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbered {
    number: u64,
    entry: Entry,
}

impl Gathered {
    pub(super) fn since(since: Option<Timestamp>) -> Self {
        Self {
            since,
            ..Self::default()
        }
    }

    /// Takes up an entry, if it records a question: one of this number, or one that says its own, as `ledger export`
    /// writes it.
    ///
    /// # Errors
    /// If the bytes are no entry.
    pub(super) fn take(&mut self, number: u64, bytes: &[u8]) -> Result<()> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let read = read(number, bytes);
        let Numbered { number, entry } = read.with_context(|| format!("entry {number} is no entry of a ledger"))?;
        self.entries += 1;
        let question = matches!(entry.action.as_str(), "ask" | "watch");
        if !question || self.since.is_some_and(|since| entry.at < since) {
            return Ok(());
        }
        let (allowed, classes) = (entry.allowed, entry.classes.len().max(1));
        self.not_replayed += u64::try_from(entry.remainder.len()).unwrap_or_default();
        let Some((asked, classes)) = taken_apart(entry) else {
            self.not_replayed += u64::try_from(classes).unwrap_or_default();
            return Ok(());
        };
        self.decisions += 1;
        let question = self.questions.entry(asked).or_default();
        let whole = if allowed {
            &mut question.answered
        } else {
            &mut question.refused
        };
        whole.note(number, 0);
        for (class, level, count) in classes {
            question
                .classes
                .entry((class, level))
                .or_default()
                .note(number, u64::from(count));
        }
        Ok(())
    }

    /// Adds what another thread gathered.
    pub(super) fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.decisions += other.decisions;
        self.not_replayed += other.not_replayed;
        for (asked, question) in other.questions {
            let known = self.questions.entry(asked).or_default();
            known.answered.add(question.answered);
            known.refused.add(question.refused);
            for (class, change) in question.classes {
                known.classes.entry(class).or_default().add(change);
            }
        }
    }

    /// Decides each sort of question and each class anew, once, on so many threads.
    pub(super) fn decide(self, set: &PolicySet, now: Timestamp, threads: usize) -> Result<Report> {
        let mut report = Report::of(self.entries, self.decisions, self.not_replayed);
        let questions: Vec<(Asked, Question)> = self.questions.into_iter().collect();
        let share = questions.len().div_ceil(threads.max(1)).max(1);
        let parts: Vec<Result<Report>> = thread::scope(|scope| {
            let running: Vec<_> = questions
                .chunks(share)
                .map(|questions| {
                    scope.spawn(move || {
                        let mut report = Report::default();
                        questions
                            .iter()
                            .for_each(|(asked, question)| replay(set, asked, question, now, &mut report));
                        report
                    })
                })
                .collect();
            let joined = running
                .into_iter()
                .map(|one| one.join().map_err(|_| anyhow!("a part of the rehearsal broke off")));
            joined.collect()
        });
        for part in parts {
            report.add(part?);
        }
        Ok(report)
    }
}

/// An entry, bare or with its number. What cannot be read is told by the form that it fits for longer.
fn read(number: u64, bytes: &[u8]) -> serde_json::Result<Numbered> {
    let bare = serde_json::from_slice(bytes).map(|entry| Numbered { number, entry });
    bare.or_else(|why| {
        let numbered = serde_json::from_slice(bytes);
        numbered.map_err(|other: serde_json::Error| if other.column() > why.column() { other } else { why })
    })
}

fn replay(set: &PolicySet, asked: &Asked, question: &Question, now: Timestamp, report: &mut Report) {
    let Asked { who, why, cap, kinds } = asked;
    let again = set.replay(who.clone(), why.clone(), *cap, *kinds, now);
    let roles: Vec<&str> = who
        .practitioner
        .iter()
        .flat_map(|office| &office.roles)
        .map(String::as_str)
        .collect();
    let sight = |kind: &str, owner: &str, was: &str, would_be: &str| Sight {
        agency: who.agency.to_string(),
        roles: roles.join(" + "),
        purpose: why.purpose.to_string(),
        kind: kind.to_owned(),
        owner: owner.to_owned(),
        was: was.to_owned(),
        would_be: would_be.to_owned(),
    };
    let taken = again.is_taken();
    if taken && !question.refused.is_empty() {
        report
            .gains(sight("", "", "refused", "answered"))
            .add(question.refused.clone());
    }
    if !taken && !question.answered.is_empty() {
        report
            .losses(sight("", "", "answered", "refused"))
            .add(question.answered.clone());
    }
    for ((class, recorded), change) in &question.classes {
        let level = taken.then(|| again.level(class)).flatten();
        if level == *recorded {
            continue;
        }
        let word = |level: Option<Level>| level.map_or("nothing", Level::word);
        let which = sight(class.kind.as_str(), class.owner.as_str(), word(*recorded), word(level));
        let changes = if level > *recorded {
            report.gains(which)
        } else {
            report.losses(which)
        };
        changes.add(change.clone());
    }
}

/// What a question was decided on: classes, each with what was decided and how many signals it held. `None` if the entry
/// does not say enough.
fn taken_apart(entry: Entry) -> Option<(Asked, Vec<Recorded>)> {
    let subject = match entry.subject? {
        Subject::Address(_) => SubjectSort::Address,
        Subject::Area { .. } => SubjectSort::Area,
        Subject::Person(_) => SubjectSort::Person,
    };
    let asked = Asked {
        who: Standing {
            agency: entry.agency?,
            sector: entry.sector?,
            practitioner: Some(Office {
                roles: entry.roles,
                teams: entry.teams,
                areas: entry.areas,
            }),
        },
        why: Reasons {
            subject,
            purpose: entry.purpose?,
            gateway: entry.gateway?,
            case_reference: !entry.case_reference.is_empty(),
            areas: entry.reach.into_iter().collect(),
        },
        cap: entry.level?,
        kinds: !entry.kinds.is_empty(),
    };
    let classes = entry.classes.into_iter().map(|class| {
        let areas: Arc<[_]> = class.areas.into_iter().collect();
        let again = decide::Class {
            kind: class.kind,
            owner: class.owner,
            severity: class.severity,
            sensitivity: class.sensitivity,
            areas,
            about: class.about,
            consent: class.consent,
            deceased: class.deceased,
        };
        (again, class.level, class.count)
    });
    Some((asked, classes.collect()))
}
