//! What was decided on a class of signals, for all questions that no rule can tell apart. Remembered, and shared by them.
//! Never depends on anything that it is not remembered under.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::{Circumstances, Class, PolicySet, Reasons, Standing};
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
                let counts = |index: &usize| asked.takers.agreements.contains(index);
                let in_force = verdicts.iter().filter(|verdict| counts(&verdict.agreement));
                let told = |level: &Level| *level > Level::Existence || asked.tells_existence;
                let level = in_force.clone().map(|verdict| verdict.level).max().filter(told);
                let deciding = in_force.filter(|verdict| Some(verdict.level) == level);
                let rules = deciding.clone().flat_map(|verdict| verdict.rules.clone()).collect();
                let agreements =
                    deciding.filter_map(|verdict| Some(self.agreements.get(verdict.agreement)?.id.clone()));
                let ruling = Arc::new(Ruling::new(class, level, rules, agreements.collect()));
                self.rulings.insert(key, ruling.clone());
                ruling
            }
            None => Arc::new(Ruling::new(class, None, BTreeSet::new(), BTreeSet::new())),
        }
    }
}

impl Ruling {
    fn new(class: Class, level: Option<Level>, rules: BTreeSet<String>, agreements: BTreeSet<AgreementId>) -> Self {
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
            level,
            rules,
        };
        Self {
            print: hasher.finish(),
            judged: judged.into(),
            class,
            agreements,
        }
    }

    /// How much may be seen; `None` for nothing.
    pub fn level(&self) -> Option<Level> {
        self.judged.judged().level
    }
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
