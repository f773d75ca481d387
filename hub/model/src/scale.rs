//! The three scales that signals are measured on. Each is ordered from least to most.

use serde::{Deserialize, Serialize};

/// How much of a signal an answer shows. Each level includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// "Known to agency X, ring Y."
    Existence,
    /// Kind, date, area and severity.
    Headline,
    /// Everything.
    Detail,
}

impl Level {
    /// The word that policies, the ledger and the command line use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Existence => "existence",
            Self::Headline => "headline",
            Self::Detail => "detail",
        }
    }

    /// This level and those below it, the most revealing first.
    pub fn downwards(self) -> &'static [Self] {
        match self {
            Self::Existence => &[Self::Existence],
            Self::Headline => &[Self::Headline, Self::Existence],
            Self::Detail => &[Self::Detail, Self::Headline, Self::Existence],
        }
    }
}

/// How urgent the owner thinks a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth acting on in the normal course of work.
    Medium,
    /// Worth acting on today.
    High,
    /// Somebody may come to harm now.
    Critical,
}

impl Severity {
    /// 1 (low) to 4 (critical), as policies see it.
    pub fn rank(self) -> i64 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
            Self::Critical => 4,
        }
    }
}

/// How carefully the law asks a signal to be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Neither special category nor about offences.
    Ordinary,
    /// Special category data (UK GDPR Article 9) or data on offences (Article 10).
    Sensitive,
    /// Data whose wrongful disclosure is an offence or endangers life.
    Restricted,
}

impl Sensitivity {
    /// The word that policies use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Sensitive => "sensitive",
            Self::Restricted => "restricted",
        }
    }
}
