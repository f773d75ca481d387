//! What people said about sharing, and what of it bears on a question. Facts, never verdicts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AgencyId, KindId, PurposeId};

/// The hub's id of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementId(pub [u8; 16]);

/// What a person said, as an agency took it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// What they said.
    pub stance: Stance,
    /// What it is about.
    pub scope: Scope,
    /// When they said it; never later than when the hub recorded it.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub said_at: Timestamp,
    /// From when it holds.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub valid_from: Timestamp,
    /// Until when it holds (exclusive), if they set an end.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    pub valid_until: Option<Timestamp>,
    /// How they said it.
    pub method: Method,
    /// Where the agency keeps the evidence, or empty.
    pub evidence_reference: String,
}

/// The scope of a statement. An empty set means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Which kinds.
    pub kinds: BTreeSet<KindId>,
    /// Signals of which agencies.
    pub from: BTreeSet<AgencyId>,
    /// Shown to which agencies.
    pub to: BTreeSet<AgencyId>,
    /// For which purposes.
    pub purposes: BTreeSet<PurposeId>,
}

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stance {
    /// "You may."
    Given,
    /// "You may not."
    Refused,
    /// "No longer."
    Withdrawn,
}

/// How a person said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// In an electronic service.
    Electronic,
    /// Through somebody who may speak for them.
    Representative,
    /// In speech.
    Spoken,
    /// On a signed form.
    Written,
}

/// What the statements of a person say on one question, for one class of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsentFact {
    /// The latest that covers it is a consent.
    Given,
    /// Nothing covers it.
    None,
    /// The latest that covers it is a refusal.
    Refused,
    /// The latest that covers it is a withdrawal.
    Withdrawn,
}

impl Stance {
    /// The word that policies use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl ConsentFact {
    /// The word that policies use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::None => "none",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}
