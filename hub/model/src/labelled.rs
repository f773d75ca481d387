//! What the rules can tell of a signal by its labels alone: signals of one sort differ in nothing that they look at.
//! Never holds whom or which.

use std::sync::Arc;

use super::{AgencyId, AreaCode, Header, KindId, Sensitivity, Severity, SubjectSort};

/// A signal's labels, and their sort, which is mostly shared with others of that sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The labels.
    pub header: Arc<Header>,
    /// Their sort.
    pub sort: Arc<Sort>,
}

/// What rules can tell of labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sort {
    /// What sort of fact.
    pub kind: KindId,
    /// Whose.
    pub owner: AgencyId,
    /// How urgent.
    pub severity: Severity,
    /// How carefully to handle.
    pub sensitivity: Sensitivity,
    /// The smallest area known.
    pub area: Option<AreaCode>,
    /// What the signal is about.
    pub about: SubjectSort,
}

impl Sort {
    /// The sort of labels.
    pub fn of(header: &Header) -> Self {
        let about = match (header.person, header.address) {
            (Some(_), _) => SubjectSort::Person,
            (None, Some(_)) => SubjectSort::Address,
            (None, None) => SubjectSort::Area,
        };
        Self {
            kind: header.kind.clone(),
            owner: header.owner.clone(),
            severity: header.severity,
            sensitivity: header.sensitivity,
            area: header.area.clone(),
            about,
        }
    }
}

impl From<Header> for Labelled {
    fn from(header: Header) -> Self {
        Self {
            sort: Arc::new(Sort::of(&header)),
            header: Arc::new(header),
        }
    }
}
