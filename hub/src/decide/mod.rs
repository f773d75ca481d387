//! Decides: (caller, question, headers, consent facts, now) → `Decision`. Cedar lives here and nowhere else.
//! Pure: no I/O but reading policy files when told to, no clock, no ledger. Names no agency.
//!
//! A decision is made for each class of signals, not for each signal. An agreement's rules are evaluated together with
//! those of `base.cedar` and with nothing else, so what one agreement forbids binds that agreement, and what base
//! forbids binds all.

mod bounds;
mod cases;
mod cedar;
mod class;
mod closed;
mod decision;
mod depth;
mod edition;
mod error;
mod explain;
mod files;
mod load;
mod matrix;
mod particulars;
mod reader;
mod replay;
mod rule;
mod ruling;
mod sift;
mod signature;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use quick_cache::sync::Cache;

pub use cases::{Case, Cases, Coverage, Unguarded};
pub use class::{Circumstances, Class, Office, Reasons, Standing};
pub use decision::{Decision, Deed, Operation, Refusal, RefusalCode, Shown, Tally};
pub use edition::Edition;
pub use error::Error;
pub use explain::{Explanation, Outlook, Taken, Unmet};
pub use files::Files;
pub use matrix::{Cell, Matrix, Row};
pub use particulars::{Opens, Particulars, Party, Roles, Terms};
pub use replay::Replay;
pub use rule::{Clause, Rule};
pub use ruling::Ruling;
pub use sift::Sift;
pub use signature::{KeyInvalid, PublicKey, Signable, Trust, sign};

use self::ruling::Takers;
use crate::{
    authn::Caller,
    catalogue::Catalogue,
    model::{AgencyId, AgreementId, Level, PolicyVersion},
};

/// How many rulings on classes a policy set keeps. A place has some hundreds of classes a day. As many, at most, are
/// kept of who may put which question, of the agreements in force for it, and of answers on operations.
const RULINGS_KEPT: usize = 16_384;

/// A set of policies, checked whole. It never changes; a reload makes another.
pub struct PolicySet {
    digest: Arc<str>,
    edition: Edition,
    schema: cedar_policy::Schema,
    types: cedar::Types,
    operation: cedar_policy::PolicySet,
    agreements: Vec<Agreement>,
    rules: BTreeMap<String, Arc<Rule>>,
    catalogue: Catalogue,
    rulings: Cache<ruling::Key, Arc<Ruling>>,
    takers: Cache<(Arc<Standing>, Arc<Reasons>), Takers>,
    /// Those of a question of which some agreements are not in force.
    in_force: Cache<(u64, Arc<[usize]>), u64>,
    /// How many numbers were given to `takers` and `in_force`.
    numbers: AtomicU64,
    operations: Cache<(Standing, Operation), cedar::Answer>,
}

/// An agreement: its particulars, and its rules together with those of `base.cedar`.
pub struct Agreement {
    id: AgreementId,
    particulars: Particulars,
    slice: cedar_policy::PolicySet,
    unsigned: Vec<AgencyId>,
}

/// What one agreement says on a class. Does not depend on time: whether the agreement is in force is looked at apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    agreement: usize,
    level: Level,
    rules: Vec<String>,
}

impl PolicySet {
    /// SHA-256 (hex) over all files of the set that have a say in decisions, and over which signatures it lacks.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the set calls itself.
    pub fn version(&self) -> &PolicyVersion {
        &self.edition.version
    }

    /// The set's title.
    pub fn title(&self) -> &str {
        &self.edition.title
    }

    /// The catalogue that the set was checked against.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The agreements, by id.
    pub fn agreements(&self) -> &[Agreement] {
        &self.agreements
    }

    /// The rule of an id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.get(id).map(|rule| &**rule)
    }

    /// All rules, by id.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values().map(|rule| &**rule)
    }

    /// How many rules there are.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// The words that its rules use.
    #[cfg(feature = "prove")]
    pub(crate) fn schema(&self) -> &cedar_policy::Schema {
        &self.schema
    }

    /// The rules that are evaluated together: of each agreement with the base, and of the running of the hub.
    #[cfg(feature = "prove")]
    pub(crate) fn slices(&self) -> Vec<(String, &cedar_policy::PolicySet)> {
        let agreements = self
            .agreements
            .iter()
            .map(|agreement| (agreement.id.to_string(), &agreement.slice));
        agreements.chain([("operation".to_owned(), &self.operation)]).collect()
    }

    /// Decides on one of the things that run the hub.
    pub fn operate(&self, caller: &Caller, operation: Operation, now: Timestamp) -> Decision {
        let answer = self.answer(Standing::of(caller), &operation);
        let (refusal, rules) = match answer {
            cedar::Answer::Allow(rules) => (None, rules),
            cedar::Answer::Deny(rules) => (Some(self.refuse_operation(&operation, &rules)), rules),
            cedar::Answer::Fault(why) => {
                tracing::error!(action = operation.word(), why, "policy evaluation failed: refused");
                (Some(explain::faulty()), Vec::new())
            }
        };
        Decision {
            at: now,
            caller: caller.clone(),
            deed: Deed::Operate(operation),
            reach: Arc::default(),
            refusal,
            policy: self.digest.clone(),
            version: self.edition.version.clone(),
            agreements: BTreeSet::new(),
            rules: rules.into_iter().collect(),
            shown: Vec::new(),
            tally: Vec::new(),
        }
    }

    /// What Cedar says on an operation, from the cache if it was asked before. A fault is not remembered.
    fn answer(&self, standing: Standing, operation: &Operation) -> cedar::Answer {
        let key = (standing, operation.clone());
        if let Some(known) = self.operations.get(&key) {
            return known;
        }
        let answer = cedar::operate(&self.schema, &self.types, &self.operation, &key.0, operation);
        if !matches!(answer, cedar::Answer::Fault(_)) {
            self.operations.insert(key, answer.clone());
        }
        answer
    }

    /// Whether a question may be put at all, and under which agreements that are in force.
    fn take(&self, who: &Arc<Standing>, why: &Arc<Reasons>, now: Timestamp) -> Result<Takers, Refusal> {
        let in_force = |index: &usize| self.agreements.get(*index).is_some_and(|a| a.in_force(now));
        let Takers { number, agreements } = self.takers(who, why)?;
        if !agreements.is_empty() && agreements.iter().all(in_force) {
            return Ok(Takers { number, agreements });
        }
        let agreements: Arc<[usize]> = agreements.iter().copied().filter(in_force).collect();
        if agreements.is_empty() {
            return Err(self.why_not(who, why, now));
        }
        let key = (number, agreements.clone());
        let known = self.in_force.get(&key);
        let number = known.unwrap_or_else(|| {
            let number = self.next_number();
            self.in_force.insert(key, number);
            number
        });
        Ok(Takers { number, agreements })
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The agreements that take a question, in force or not, from the cache or from Cedar.
    fn takers(&self, who: &Arc<Standing>, why: &Arc<Reasons>) -> Result<Takers, Refusal> {
        let key = (who.clone(), why.clone());
        if let Some(known) = self.takers.get(&key) {
            return Ok(known);
        }
        let found = Takers {
            number: self.next_number(),
            agreements: self.takers_anew(who, why)?.into(),
        };
        self.takers.insert(key, found.clone());
        Ok(found)
    }

    fn takers_anew(&self, who: &Standing, why: &Reasons) -> Result<Vec<usize>, Refusal> {
        let mut found = Vec::new();
        for (index, agreement) in self.serving(who, why) {
            match cedar::ask(&self.schema, &self.types, &agreement.slice, who, why) {
                cedar::Answer::Allow(_) => found.push(index),
                cedar::Answer::Deny(_) => {}
                cedar::Answer::Fault(fault) => {
                    tracing::error!(agreement = %agreement.id, fault, "policy evaluation failed: refused");
                    return Err(explain::faulty());
                }
            }
        }
        Ok(found)
    }

    /// What each agreement for the purpose says on a class. `None` if the evaluation met an error: then nothing is
    /// permitted, and nothing is to be remembered.
    fn verdicts(&self, who: &Standing, why: &Reasons, class: &Class, cap: Level) -> Option<Vec<Verdict>> {
        let kind = self.catalogue.kind(&class.kind)?;
        let mut found = Vec::new();
        for (index, agreement) in self.agreements.iter().enumerate() {
            // Whatever its rules say: only parties share under an agreement, and only signals of their own sort.
            let particulars = &agreement.particulars;
            let mut owners = particulars.of_sector(&kind.owner);
            if particulars.purpose != why.purpose || !owners.any(|party| party.agency == class.owner) {
                continue;
            }
            for level in cap.downwards() {
                let (slice, case) = (&agreement.slice, (class, &kind.owner));
                match cedar::see(&self.schema, &self.types, slice, (who, why), case, *level) {
                    cedar::Answer::Allow(rules) => {
                        found.push(Verdict {
                            agreement: index,
                            level: *level,
                            rules,
                        });
                        break;
                    }
                    cedar::Answer::Deny(_) => {}
                    cedar::Answer::Fault(fault) => {
                        let (agreement, kind) = (&agreement.id, &class.kind);
                        tracing::error!(%agreement, %kind, fault, "policy evaluation failed: withheld");
                        return None;
                    }
                }
            }
        }
        Some(found)
    }

    /// The agreements that a question may be put under, in force or not: for its purpose, relying on its gateway,
    /// signed by the asker's agency.
    fn serving(&self, who: &Standing, why: &Reasons) -> impl Iterator<Item = (usize, &Agreement)> {
        self.agreements.iter().enumerate().filter(move |(_, agreement)| {
            let particulars = &agreement.particulars;
            particulars.purpose == why.purpose
                && particulars.gateways.contains(&why.gateway)
                && particulars.binds(&who.agency)
        })
    }
}

impl Agreement {
    /// Its id.
    pub fn id(&self) -> &AgreementId {
        &self.id
    }

    /// Its particulars.
    pub fn particulars(&self) -> &Particulars {
        &self.particulars
    }

    /// The parties whose signature is asked for and missing, or is not of these two files. Until they have signed, it
    /// permits nothing.
    pub fn unsigned(&self) -> &[AgencyId] {
        &self.unsigned
    }

    /// Whether it may permit anything at this moment.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.unsigned.is_empty() && self.particulars.in_force(now)
    }
}

impl Standing {
    /// What counts of a caller.
    pub fn of(caller: &Caller) -> Self {
        Self {
            agency: caller.agency().clone(),
            sector: caller.sector().clone(),
            practitioner: caller.practitioner().map(|practitioner| Office {
                roles: practitioner.roles.clone(),
                teams: practitioner.teams.clone(),
                areas: practitioner.areas.clone(),
            }),
        }
    }
}
