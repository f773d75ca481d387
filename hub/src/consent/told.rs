//! What a person's statements come to for one reader and one purpose, if it is the same of every signal, as it mostly is.
//! Never judges, and never holds what was said.

use jiff::Timestamp;

use super::{Recorded, begins_later, fact_of, is_in_force, speaks_to};
use crate::model::{AgencyId, ConsentFact, PurposeId};

/// What statements come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// What they say of any signal.
    pub(super) fact: ConsentFact,
    /// From when on they say so.
    from: Timestamp,
    /// When what they say may change with the time.
    until: Timestamp,
}

impl Told {
    /// What statements come to, of which the first that covers a question counts; `None` if one of them speaks of certain
    /// signals only.
    pub(super) fn of(statements: &[Recorded], reader: &AgencyId, purpose: &PurposeId, now: Timestamp) -> Option<Self> {
        let (mut from, mut until, mut counts) = (Timestamp::MIN, Timestamp::MAX, None);
        for recorded in statements {
            let scope = &recorded.statement.scope;
            if !speaks_to(scope, reader, purpose) {
                continue;
            }
            if !scope.kinds.is_empty() || !scope.from.is_empty() {
                return None;
            }
            let begins = Some(recorded.statement.valid_from).filter(|_| begins_later(recorded));
            for turn in begins.into_iter().chain(recorded.statement.valid_until) {
                match turn <= now {
                    true => from = from.max(turn),
                    false => until = until.min(turn),
                }
            }
            counts = counts.or(Some(recorded).filter(|recorded| is_in_force(recorded, now)));
        }
        let fact = fact_of(counts);
        Some(Self { fact, from, until })
    }

    /// Whether it is so at this time.
    pub(super) fn holds_at(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}
