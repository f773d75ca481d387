//! Takes a recorded decision apart and decides it anew, each sort of question and class once.
//! It looks at standing, reasons and classes alone; what else an entry holds is passed over.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use placehub_hub::{
    decide::{self, Office, PolicySet, Reasons, Replay, Standing},
    ledger::{Entry, Subject},
    model::{Level, SubjectSort},
};

use super::report::{Report, Sight};

/// What a recorded question is decided on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    who: Standing,
    why: Reasons,
    cap: Level,
    kinds: bool,
}

/// A rehearsal in the course of being made, by one thread.
pub(super) struct Rehearsal<'p> {
    set: &'p PolicySet,
    since: Option<Timestamp>,
    now: Timestamp,
    known: HashMap<Asked, Known<'p>>,
    report: Report,
}

/// A question that was met before, and what was decided on the classes that came with it.
struct Known<'p> {
    replay: Replay<'p>,
    levels: HashMap<decide::Class, Option<Level>>,
}

impl<'p> Rehearsal<'p> {
    pub(super) fn new(set: &'p PolicySet, since: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            set,
            since,
            now,
            known: HashMap::new(),
            report: Report::default(),
        }
    }

    pub(super) fn into_report(self) -> Report {
        self.report
    }

    /// Decides an entry anew, if it records a question.
    ///
    /// # Errors
    /// If the bytes are no entry.
    pub(super) fn replay(&mut self, number: u64, bytes: &[u8]) -> Result<()> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let entry: Entry =
            serde_json::from_slice(bytes).with_context(|| format!("entry {number} is no entry of a ledger"))?;
        self.report.entries += 1;
        let question = matches!(entry.action.as_str(), "ask" | "watch");
        if !question || self.since.is_some_and(|since| entry.at < since) {
            return Ok(());
        }
        let (allowed, sample, remainder) = (entry.allowed, entry.classes.len(), entry.remainder.len());
        self.report.not_replayed += u64::try_from(remainder).unwrap_or_default();
        let Some((asked, classes)) = taken_apart(entry) else {
            self.report.not_replayed += u64::try_from(sample.max(1)).unwrap_or_default();
            return Ok(());
        };
        self.report.decisions += 1;
        let roles: BTreeSet<String> = asked
            .who
            .practitioner
            .iter()
            .flat_map(|office| office.roles.clone())
            .collect();
        let (agency, purpose) = (asked.who.agency.clone(), asked.why.purpose.clone());
        if !self.known.contains_key(&asked) {
            let Asked { who, why, cap, kinds } = asked.clone();
            let replay = self.set.replay(who, why, cap, kinds, self.now);
            let levels = HashMap::new();
            self.known.insert(asked.clone(), Known { replay, levels });
        }
        let Some(known) = self.known.get_mut(&asked) else {
            return Ok(());
        };
        let sight = |kind: String, owner: String, was: String, would_be: String| Sight {
            agency: agency.to_string(),
            roles: roles.iter().cloned().collect::<Vec<_>>().join(" + "),
            purpose: purpose.to_string(),
            kind,
            owner,
            was,
            would_be,
        };
        if known.replay.is_taken() != allowed {
            let word = |taken: bool| if taken { "answered" } else { "refused" }.to_owned();
            let which = sight(String::new(), String::new(), word(allowed), word(!allowed));
            let change = if allowed {
                self.report.losses(which)
            } else {
                self.report.gains(which)
            };
            change.note(number, 0);
        }
        for (class, recorded, count) in classes {
            let level = match known.levels.get(&class) {
                Some(level) => *level,
                None => {
                    let level = known.replay.is_taken().then(|| known.replay.level(&class)).flatten();
                    known.levels.insert(class.clone(), level);
                    level
                }
            };
            if level != recorded {
                let word = |level: Option<Level>| level.map_or("nothing", Level::word).to_owned();
                let which = sight(
                    class.kind.to_string(),
                    class.owner.to_string(),
                    word(recorded),
                    word(level),
                );
                let change = if level > recorded {
                    self.report.gains(which)
                } else {
                    self.report.losses(which)
                };
                change.note(number, u64::from(count));
            }
        }
        Ok(())
    }
}

/// What a question was decided on: classes, each with what was decided and how many signals it held. `None` if the entry
/// does not say enough.
fn taken_apart(entry: Entry) -> Option<(Asked, Vec<(decide::Class, Option<Level>, u32)>)> {
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
        };
        (again, class.level, class.count)
    });
    Some((asked, classes.collect()))
}
