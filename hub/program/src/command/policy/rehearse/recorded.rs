//! Takes recorded decisions apart, gathers those that are alike, and decides each sort anew, once.
//! It looks at standing, reasons and classes alone; what else an entry holds is passed over.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    thread,
};

use anyhow::{Context as _, Result, anyhow};
use jiff::Timestamp;
use placehub_hub::{
    decide::{self, Office, PolicySet, Reasons, Standing},
    ledger::{Entry, Subject},
    model::{Level, SubjectSort},
};
use serde::Deserialize;

use super::{
    numbers::Numbers,
    report::{Report, Sight},
};

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
    answered: Numbers,
    refused: Numbers,
    classes: HashMap<(decide::Class, Option<Level>), Held>,
}

/// The entries that a class is in, and how many signals it held in all of them.
#[derive(Debug, Default)]
struct Held {
    entries: Numbers,
    signals: u64,
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
        whole.note(number);
        for (class, level, count) in classes {
            let held = question.classes.entry((class, level)).or_default();
            held.entries.note(number);
            held.signals += u64::from(count);
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
            for (class, held) in question.classes {
                let known = known.classes.entry(class).or_default();
                known.entries.add(held.entries);
                known.signals += held.signals;
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
    let (whole, was, would_be) = match taken {
        true => (&question.refused, "refused", "answered"),
        false => (&question.answered, "answered", "refused"),
    };
    if !whole.is_empty() {
        let change = report.change(sight("", "", was, would_be), taken);
        change.note(&whole.iter().collect(), 0);
    }
    // A question that holds several classes of one sight is one question.
    let mut changes: HashMap<(Sight, bool), (BTreeSet<u64>, u64)> = HashMap::new();
    for ((class, recorded), held) in &question.classes {
        let level = taken.then(|| again.level(class)).flatten();
        if level == *recorded {
            continue;
        }
        let word = |level: Option<Level>| level.map_or("nothing", Level::word);
        let which = sight(class.kind.as_str(), class.owner.as_str(), word(*recorded), word(level));
        let (entries, signals) = changes.entry((which, level > *recorded)).or_default();
        entries.extend(held.entries.iter());
        *signals += held.signals;
    }
    for ((which, more), (entries, signals)) in changes {
        report.change(which, more).note(&entries, signals);
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
        let areas: Arc<[_]> = class.areas.iter().cloned().collect();
        let again = decide::Class {
            kind: class.kind.clone(),
            owner: class.owner.clone(),
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

#[cfg(test)]
mod tests {
    use placehub_hub::model::{Judged, Severity};

    use super::{super::made_up, *};

    fn rehearsed(set: &PolicySet, entries: &[Entry]) -> Report {
        let mut gathered = Gathered::since(None);
        for (number, entry) in (0..).zip(entries) {
            gathered.take(number, &entry.encode().unwrap()).unwrap();
        }
        gathered
            .decide(set, "2026-06-01T00:00:00Z".parse().unwrap(), 2)
            .unwrap()
    }

    #[test]
    fn a_question_that_holds_several_classes_of_one_sight_is_one_question() {
        let files: decide::Files = crate::embedded::POLICIES.iter().copied().collect();
        let set = PolicySet::of(&files, &decide::Trust::default()).unwrap();
        let one = made_up::entries(&set).unwrap().into_iter().find_map(|bytes| {
            let mut entry = Entry::parse(&bytes).unwrap();
            entry.classes.truncate(1);
            let gained = rehearsed(&set, &[entry.clone()]).gained();
            (gained == [(1, 1)]).then_some(entry)
        });
        let one = one.expect("somebody would see what no entry says they saw");
        let mut both = one.clone();
        both.classes.extend(one.classes.clone());
        let severity = match one.classes[0].severity {
            Severity::High => Severity::Critical,
            _ => Severity::High,
        };
        let judged = one.classes[0].judged.judged().clone();
        both.classes[1].judged = Judged { severity, ..judged }.into();
        assert_eq!(rehearsed(&set, &[both.clone()]).gained(), [(1, 2)]);
        assert_eq!(rehearsed(&set, &[both.clone(), one, both]).gained(), [(3, 5)]);
    }
}
