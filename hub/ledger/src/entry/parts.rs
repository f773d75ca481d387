//! The parts of an entry: about whom, what was shown and hidden, what was decided on, what a write did.
//! Never holds the content of a signal, nor a name, number or address of a person.

use std::fmt;

use placehub_model::{AgencyId, AreaCode, KindId, Level, PolicyVersion, SignalId};
use serde::{Deserialize, Serialize};

use super::text::{Hex, optional_uuid, uuid};

/// About whom or where, muted: without the opening of a commitment, nobody can tell who it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sort", rename_all = "lowercase")]
pub enum Subject {
    /// A person.
    Person(Commitment),
    /// An address.
    Address(Commitment),
    /// An area, which is no personal data.
    Area {
        /// Its code.
        code: AreaCode,
    },
}

/// A keyed hash of a salt and a subject. Whoever erases the subject's key makes it mute for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// Random, and fresh for each entry.
    pub salt: Hex<16>,
    /// The keyed hash.
    pub commitment: Hex<32>,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The reason's code in the contract, e.g. `NOT_PERMITTED`.
    pub code: String,
    /// The reason in a sentence, without personal data.
    pub reason: String,
}

/// A signal that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Which.
    #[serde(with = "uuid")]
    pub signal: SignalId,
    /// How much of it.
    pub level: Level,
    /// Which correction of it.
    pub version: u64,
}

/// Something that a watch was told to take off its reader's screen, because it may no longer be seen there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// Which signal; `None`: the line that says no more than that the owner knows the subject.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_uuid")]
    pub signal: Option<SignalId>,
    /// Whose.
    pub owner: AgencyId,
}

/// Whether who asks shares something with whom they ask about: `None` where the issuer's token or the question did not
/// say enough to compare. A reason to look closer, and never a verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Near {
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<bool>,
    /// The address, by UPRN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<bool>,
    /// The postcode, which is some fifteen homes: most often one side of a street.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<bool>,
}

/// So many signals of a kind and an owner. Of those that were withheld and of whose classes an entry had no room to tell
/// more: they cannot be decided again. Of those that were swept: that is all that is said of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remainder {
    /// What sort of fact.
    pub kind: KindId,
    /// Whose.
    pub owner: AgencyId,
    /// How many signals.
    pub count: u32,
}

/// A change of the hub itself: of its policies or of its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What was before: a digest in hexadecimal or a verifier key. Empty if there was nothing.
    pub from: String,
    /// What is now; if the change was refused, what was to be. Empty if that cannot be told.
    pub to: String,
    /// Who or what changed it, in words, e.g. `start`, `signal`, `files changed`.
    pub by: String,
    /// The version of the policies that were before, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_version: Option<PolicyVersion>,
    /// The version of those that are now or were to be, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_version: Option<PolicyVersion>,
}

/// What a write did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touched {
    /// The signal, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_uuid")]
    pub signal: Option<SignalId>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The entry of this ledger, if a review was of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// The statement, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Hex<16>>,
    /// What became of it, in a word of the contract, e.g. `recorded`.
    pub outcome: String,
    /// Why, in the words of whoever did it, without personal data; or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Near {
    /// Whether anything is shared.
    pub fn is_near(&self) -> bool {
        [self.name, self.address, self.street].contains(&Some(true))
    }

    /// Whether nothing could be compared.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(…)")
    }
}
