//! What was decided on a class: signals that no rule can tell apart. One value that the decision and its record share.
//! Never holds whom or which.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
};

use super::{AgencyId, AreaCode, ConsentFact, KindId, Level, Sensitivity, Severity, SubjectSort};

/// A class of signals, and what was decided on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What sort of fact.
    pub kind: KindId,
    /// Whose.
    pub owner: AgencyId,
    /// How carefully to handle.
    pub sensitivity: Sensitivity,
    /// How urgent.
    pub severity: Severity,
    /// Its area and every area around it.
    pub areas: BTreeSet<AreaCode>,
    /// What the signals are about.
    pub about: SubjectSort,
    /// What the person said that covers the question.
    pub consent: ConsentFact,
    /// Whether the person had died.
    pub deceased: bool,
    /// How much was allowed; `None`: nothing.
    pub level: Option<Level>,
    /// The rules that decided it.
    pub rules: BTreeSet<String>,
}

/// A judgement that many records share, and how it is written in them, once it was.
#[derive(Clone)]
pub struct Shared(Arc<(Judged, OnceLock<Box<str>>)>);

impl Shared {
    /// What was decided.
    pub fn judged(&self) -> &Judged {
        &self.0.0
    }

    /// How it is written in a record, if it was written before.
    pub fn text(&self) -> &OnceLock<Box<str>> {
        &self.0.1
    }
}

impl From<Judged> for Shared {
    fn from(judged: Judged) -> Self {
        Self(Arc::new((judged, OnceLock::new())))
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.judged() == other.judged()
    }
}

impl Eq for Shared {}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.judged().fmt(f)
    }
}
