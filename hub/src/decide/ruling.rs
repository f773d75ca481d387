//! What was decided on a class of signals, for all questions that no rule can tell apart. Remembered, and shared by them.
//! Never depends on anything that it is not remembered under.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::{Agreement, Circumstances, Class, PolicySet, Reasons, Standing, Verdict};
use crate::model::{AgreementId, AreaCode, Judged, Level, Shared, Sort};

/// What was decided on a class.
#[derive(Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The class.
    pub class: Class,
    /// What was decided, in the words of the record.
    pub judged: Shared,
    /// The agreements that permit it.
    pub agreements: BTreeSet<AgreementId>,
    /// A hash of the class.
    print: u64,
}

/// Rulings on equal classes are the same here: of one question, whose rulings they all are.
#[derive(Debug, Clone)]
pub(super) struct Same(pub(super) Arc<Ruling>);

/// The agreements that take a question of somebody's standing, for their reasons.
#[derive(Debug, Clone)]
pub(super) struct Takers {
    /// Under which rulings are remembered, so that standing, reasons and agreements are looked up once a question. No
    /// others have it, nor these if they were forgotten in between.
    pub(super) number: u64,
    pub(super) agreements: Arc<[usize]>,
}

/// A question, as far as a ruling depends on it.
pub(super) struct Asked<'q> {
    pub(super) takers: &'q Takers,
    pub(super) who: &'q Standing,
    pub(super) why: &'q Reasons,
    pub(super) cap: Level,
    pub(super) tells_existence: bool,
}

/// What rulings are remembered under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    number: u64,
    cap: Level,
    tells_existence: bool,
    person: Circumstances,
    sort: Arc<Sort>,
}

impl PolicySet {
    /// What the agreements that take a question decide on signals of a sort, in these areas: from memory or from Cedar.
    pub(super) fn ruling(
        &self,
        asked: &Asked<'_>,
        sort: &Arc<Sort>,
        person: Circumstances,
        areas: Arc<[AreaCode]>,
    ) -> Arc<Ruling> {
        let key = Key {
            number: asked.takers.number,
            cap: asked.cap,
            tells_existence: asked.tells_existence,
            person,
            sort: sort.clone(),
        };
        if let Some(known) = self.rulings.get(&key).filter(|known| known.class.areas == areas) {
            return known;
        }
        let class = Class::of(sort, areas, person);
        match self.verdicts(asked.who, asked.why, &class, asked.cap) {
            Some(verdicts) => {
                let deciding = deciding(verdicts, &asked.takers.agreements, asked.tells_existence);
                let ruling = Arc::new(Ruling::new(class, &self.agreements, &deciding));
                self.rulings.insert(key, ruling.clone());
                ruling
            }
            None => Arc::new(Ruling::new(class, &self.agreements, &[])),
        }
    }
}

impl Ruling {
    fn new(class: Class, agreements: &[Agreement], deciding: &[Verdict]) -> Self {
        let of = |verdict: &Verdict| Some(agreements.get(verdict.agreement)?.id.clone());
        let mut hasher = DefaultHasher::new();
        class.hash(&mut hasher);
        let judged = Judged {
            kind: class.kind.clone(),
            owner: class.owner.clone(),
            sensitivity: class.sensitivity,
            severity: class.severity,
            areas: class.areas.iter().cloned().collect(),
            about: class.about,
            consent: class.consent,
            deceased: class.deceased,
            level: level(deciding),
            rules: deciding.iter().flat_map(|verdict| verdict.rules.clone()).collect(),
        };
        Self {
            print: hasher.finish(),
            judged: judged.into(),
            class,
            agreements: deciding.iter().filter_map(of).collect(),
        }
    }

    /// How much may be seen; `None` for nothing.
    pub fn level(&self) -> Option<Level> {
        self.judged.judged().level
    }
}

/// Of what agreements say on a class, what decides it: the highest level that those say that take the question, if the
/// answer may tell it.
pub(super) fn deciding(mut verdicts: Vec<Verdict>, takers: &[usize], tells_existence: bool) -> Vec<Verdict> {
    verdicts.retain(|verdict| takers.contains(&verdict.agreement));
    let highest = verdicts.iter().map(|verdict| verdict.level).max();
    let told = highest.filter(|level| *level > Level::Existence || tells_existence);
    verdicts.retain(|verdict| Some(verdict.level) == told);
    verdicts
}

/// How much those allow that decide; `None` for nothing.
pub(super) fn level(deciding: &[Verdict]) -> Option<Level> {
    deciding.first().map(|verdict| verdict.level)
}

impl PartialEq for Same {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.class == other.0.class
    }
}

impl Eq for Same {}

impl Hash for Same {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.print);
    }
}
