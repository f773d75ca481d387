//! Splits what a question and a signal can be, only as far as the rules tell things apart.
//! Where rules cannot be read with certainty, Cedar is asked about every single case.

use std::sync::Arc;

use crate::{
    decide::{
        Agreement, PolicySet,
        cedar::{self, Answer},
        class::{Class, Office, Reasons, Standing},
        rule::{Picture, Roles, Rule, Truth},
    },
    model::{AreaCode, Level, Sensitivity, Severity, SubjectSort},
};

/// A part of all that a question and a signal can be; `None` for any.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region {
    case_reference: Option<bool>,
    subject: Option<SubjectSort>,
    on_patch: Option<bool>,
    severity: Option<Severity>,
    sensitivity: Sensitivity,
    about: Option<SubjectSort>,
}

/// What becomes of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decide) enum Outcome {
    /// The question is not taken.
    NotTaken,
    /// This much of the signal is shown.
    Shown(Option<Level>),
}

const SUBJECTS: [SubjectSort; 3] = [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area];
const SEVERITIES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
/// Each thing that regions are told apart by: all its words.
pub(super) const WORDS: [&[&str]; 5] = [
    &["on a person", "on an address", "on an area"],
    &["with a case", "without a case"],
    &["on their patch", "elsewhere"],
    &["low", "medium", "high", "critical"],
    &["about a person", "about an address", "about an area"],
];

/// The asker's patch, as pictures of the matrix have it.
pub(super) fn patch() -> Option<AreaCode> {
    "patch".parse().ok()
}

impl Region {
    /// All that a question can be, and a signal of this sensitivity.
    pub(super) fn whole(sensitivity: Sensitivity) -> Self {
        Self {
            case_reference: None,
            subject: None,
            on_patch: None,
            severity: None,
            sensitivity,
            about: None,
        }
    }

    /// Finds what becomes of everything in it, splitting it where that differs. `judge` gives `None` where it is open.
    pub(super) fn sort(
        self,
        picture: &Picture,
        judge: &mut dyn FnMut(&Picture) -> Option<Outcome>,
        found: &mut Vec<(Self, Outcome)>,
    ) {
        match judge(&self.drawn(picture)) {
            Some(outcome) => found.push((self, outcome)),
            None => self
                .split()
                .into_iter()
                .for_each(|part| part.sort(picture, judge, found)),
        }
    }

    /// That part of it in which this is asked about.
    pub(super) fn on(self, subject: SubjectSort) -> Self {
        Self {
            subject: Some(subject),
            ..self
        }
    }

    /// Its sort of subject, if it is of one.
    pub(super) fn subject(&self) -> Option<SubjectSort> {
        self.subject
    }

    /// Whether a word of one of the things that regions are told apart by fits it.
    pub(super) fn fits(&self, place: usize, word: &str) -> bool {
        let about = |subject: SubjectSort| match subject {
            SubjectSort::Person => "a person",
            SubjectSort::Address => "an address",
            SubjectSort::Area => "an area",
        };
        let is = match place {
            0 => self
                .subject
                .map(|subject| word.strip_prefix("on ") == Some(about(subject))),
            1 => self.case_reference.map(|given| given == (word == "with a case")),
            2 => self.on_patch.map(|on| on == (word == "on their patch")),
            3 => self.severity.map(|severity| severity_word(severity) == word),
            _ => self.about.map(|what| word.strip_prefix("about ") == Some(about(what))),
        };
        is.unwrap_or(true)
    }

    fn drawn(&self, picture: &Picture) -> Picture {
        let elsewhere = || "elsewhere".parse().ok();
        let areas = self.on_patch.map(|on| if on { patch() } else { elsewhere() });
        Picture {
            case_reference: self.case_reference,
            subject: self.subject,
            areas: areas.map(|area| area.into_iter().collect()),
            severity: self.severity,
            sensitivity: Some(self.sensitivity),
            about: self.about,
            ..picture.clone()
        }
    }

    /// Its parts, by the first thing that is not told apart yet. A question about a person shows what is about them.
    fn split(self) -> Vec<Self> {
        let whole = self;
        if self.subject.is_none() {
            let about = |subject| (subject == SubjectSort::Person).then_some(SubjectSort::Person);
            let parts = SUBJECTS.map(|subject| Self {
                subject: Some(subject),
                about: about(subject),
                ..whole
            });
            return parts.into();
        }
        if self.case_reference.is_none() {
            return [true, false]
                .map(|given| Self {
                    case_reference: Some(given),
                    ..whole
                })
                .into();
        }
        if self.on_patch.is_none() {
            return [true, false]
                .map(|on| Self {
                    on_patch: Some(on),
                    ..whole
                })
                .into();
        }
        if self.severity.is_none() {
            return SEVERITIES
                .map(|severity| Self {
                    severity: Some(severity),
                    ..whole
                })
                .into();
        }
        match self.about {
            None => SUBJECTS
                .map(|about| Self {
                    about: Some(about),
                    ..whole
                })
                .into(),
            Some(_) => Vec::new(),
        }
    }
}

impl PolicySet {
    /// What is shown of whatever fits a picture, if it is the same for all of it.
    pub(in crate::decide) fn judged(
        &self,
        agreement: &Agreement,
        rules: &[Arc<Rule>],
        picture: &Picture,
    ) -> Option<Outcome> {
        let areas = match picture.subject {
            Some(SubjectSort::Person) => Some(Arc::default()),
            Some(_) => picture.areas.clone(),
            None => None,
        };
        let asked = Picture {
            action: "ask",
            areas,
            ..picture.clone()
        };
        match permitted(rules, &asked) {
            Truth::No => return Some(Outcome::NotTaken),
            Truth::Open => return self.settled(agreement, picture),
            Truth::Yes => {}
        }
        for level in Level::Detail.downwards() {
            let seen = Picture {
                action: level.word(),
                ..picture.clone()
            };
            match permitted(rules, &seen) {
                Truth::No => {}
                Truth::Open => return self.settled(agreement, picture),
                Truth::Yes => return told(*level, picture.subject),
            }
        }
        Some(Outcome::Shown(None))
    }

    /// What Cedar says, if the picture leaves nothing open.
    pub(in crate::decide) fn settled(&self, agreement: &Agreement, picture: &Picture) -> Option<Outcome> {
        let Picture { agency, roles, .. } = picture;
        let (agency, sector) = agency.clone()?;
        let (owner, owner_sector) = picture.owner.clone()?;
        let Roles::Are(roles) = roles.clone() else {
            return None;
        };
        let who = Standing {
            agency,
            sector,
            practitioner: Some(Office {
                roles,
                teams: picture.teams.clone()?,
                areas: picture.patch.clone()?,
            }),
        };
        let (subject, areas) = (picture.subject?, picture.areas.clone()?);
        let why = Reasons {
            subject,
            purpose: picture.purpose.clone()?,
            gateway: picture.gateway.clone()?,
            case_reference: picture.case_reference?,
            areas: if subject == SubjectSort::Person {
                Arc::default()
            } else {
                areas.clone()
            },
        };
        let class = Class {
            kind: picture.kind.clone()?,
            owner,
            severity: picture.severity?,
            sensitivity: picture.sensitivity?,
            areas,
            about: picture.about?,
            consent: picture.consent?,
            deceased: picture.deceased?,
        };
        let (schema, types, slice) = (&self.schema, &self.types, &agreement.slice);
        if !matches!(cedar::ask(schema, types, slice, &who, &why), Answer::Allow(_)) {
            return Some(Outcome::NotTaken);
        }
        let case = (&class, &owner_sector);
        let seen = |level: &&Level| {
            matches!(
                cedar::see(schema, types, slice, (&who, &why), case, **level),
                Answer::Allow(_)
            )
        };
        match Level::Detail.downwards().iter().find(seen) {
            Some(level) => told(*level, Some(subject)),
            None => Some(Outcome::Shown(None)),
        }
    }
}

/// At existence level nothing is told in answer to a question about an area. Open while the sort of subject is.
fn told(level: Level, subject: Option<SubjectSort>) -> Option<Outcome> {
    match (level, subject) {
        (Level::Existence, None) => None,
        (Level::Existence, Some(SubjectSort::Area)) => Some(Outcome::Shown(None)),
        _ => Some(Outcome::Shown(Some(level))),
    }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// Whether rules permit what a picture shows.
pub(in crate::decide) fn permitted(rules: &[Arc<Rule>], picture: &Picture) -> Truth {
    let best = |permits: bool| {
        let of_effect = rules.iter().filter(|rule| rule.permits == permits);
        of_effect.map(|rule| rule.applies(picture)).max().unwrap_or(Truth::No)
    };
    best(true).min(best(false).not())
}
