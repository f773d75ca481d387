//! What somebody asks, about whom or where, and why.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AreaCode, GatewayId, Identity, KindId, Level, PurposeId, Uprn};

/// A question. The reasons are part of it: they decide the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// About whom or where.
    pub subject: Subject,
    /// Why.
    pub purpose: PurposeId,
    /// The law relied on; `none` for consent alone.
    pub gateway: GatewayId,
    /// The asker's own case number, or empty.
    pub case_reference: String,
    /// Only what happened at or after this.
    pub since: Option<Timestamp>,
    /// Only what happened before this.
    pub until: Option<Timestamp>,
    /// At most this much.
    pub level: Level,
    /// Only these kinds; empty for all.
    pub kinds: BTreeSet<KindId>,
}

/// About whom or where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An address.
    Address(Uprn),
    /// An area.
    Area(AreaCode),
    /// A person.
    Person(Box<Identity>),
}

/// The sort of a subject, which is all of it that policies see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectSort {
    /// An address.
    Address,
    /// An area.
    Area,
    /// A person.
    Person,
}

impl Question {
    /// Whether the answer may tell that an agency knows the subject, without more.
    pub fn tells_existence(&self) -> bool {
        self.subject.sort().tells_existence(!self.kinds.is_empty())
    }
}

impl Subject {
    /// Its sort.
    pub fn sort(&self) -> SubjectSort {
        match self {
            Self::Address(_) => SubjectSort::Address,
            Self::Area(_) => SubjectSort::Area,
            Self::Person(_) => SubjectSort::Person,
        }
    }
}

impl SubjectSort {
    /// Whether an answer about such a subject may tell that an agency knows it, without more. A line that says so must
    /// give away neither a kind nor a time nor a number, so it answers a question about a person or an address as a
    /// whole, over all that has not lapsed, and none that asks for certain kinds (`kinds`).
    pub fn tells_existence(self, kinds: bool) -> bool {
        !kinds && self != Self::Area
    }

    /// The word that policies and the ledger use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Area => "area",
            Self::Person => "person",
        }
    }
}
