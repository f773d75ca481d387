//! One entry: who asked what, why, what was decided by which rules, and which signals were shown.
//! Never holds the content of a signal, nor a clear identifier of the person or address that is asked about.

mod class;
mod encode;
mod parts;
#[cfg(test)]
mod tests;
mod text;

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::Deserialize;

pub use text::{Format, Hex, HexInvalid};

pub use class::Class;
pub use parts::{Change, Commitment, Hidden, Near, Refusal, Remainder, Shown, Subject, Touched};
use placehub_model::{AgencyId, AgreementId, AreaCode, GatewayId, KindId, Level, PolicyVersion, PurposeId, Sector};
use text::{moment, optional_moment, print_moment};

use crate::tree::{Hash, leaf_hash};

/// The longest entry, in bytes. What stores and checks entries never needs more room for one.
pub const LONGEST: usize = 128 * 1024;

/// Where the time stands in an encoding.
const TIME: usize = r#"{"v":1,"at":""#.len();

/// An entry of the ledger, in the order of its fields in `FORMAT.md`. Prints as its action alone.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Version of the format.
    pub v: Format,
    /// When the hub decided, to the microsecond.
    #[serde(deserialize_with = "moment")]
    pub at: Timestamp,
    /// What was done: lower-case words joined by hyphens, e.g. `ask`, `list-consents`, `policies-loaded`.
    pub action: String,
    /// The agency that acted. `None`: the hub itself.
    #[serde(default)]
    pub agency: Option<AgencyId>,
    /// The sort of that agency.
    #[serde(default)]
    pub sector: Option<Sector>,
    /// The workload whose certificate was used, or empty.
    #[serde(default)]
    pub workload: String,
    /// SHA-256 of the client certificate (RFC 8705 thumbprint).
    #[serde(default)]
    pub certificate: Option<Hex<32>>,
    /// The practitioner, by the subject of their token; empty for a workload.
    #[serde(default)]
    pub practitioner: String,
    /// The practitioner's roles.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// The practitioner's teams.
    #[serde(default)]
    pub teams: BTreeSet<String>,
    /// The practitioner's patch.
    #[serde(default)]
    pub areas: BTreeSet<AreaCode>,
    /// About whom or where.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// For an address or area: its area and every area around it.
    #[serde(default)]
    pub reach: BTreeSet<AreaCode>,
    /// Why.
    #[serde(default)]
    pub purpose: Option<PurposeId>,
    /// The law relied on.
    #[serde(default)]
    pub gateway: Option<GatewayId>,
    /// The asker's own case number, or empty.
    #[serde(default)]
    pub case_reference: String,
    /// At most this much was asked for.
    #[serde(default)]
    pub level: Option<Level>,
    /// Only what happened at or after this was asked for.
    #[serde(default, deserialize_with = "optional_moment")]
    pub since: Option<Timestamp>,
    /// Only what happened before this was asked for.
    #[serde(default, deserialize_with = "optional_moment")]
    pub until: Option<Timestamp>,
    /// Only these kinds were asked for; empty for all.
    #[serde(default)]
    pub kinds: BTreeSet<KindId>,
    /// Whether the asker asked about a name or a home of their own, as far as that is known.
    #[serde(default)]
    pub near: Near,
    /// What a look at the record was for: a practitioner as `AGENCY/SUBJECT`, an agreement, or an entry's number.
    #[serde(default)]
    pub sought: String,
    /// Whether it was answered.
    pub allowed: bool,
    /// Why it was refused: there exactly if it was.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    /// SHA-256 over the policy set that decided.
    #[serde(default)]
    pub policy: Option<Hex<32>>,
    /// The version of that set, as it calls itself.
    #[serde(default)]
    pub policy_version: Option<PolicyVersion>,
    /// The agreements that allowed it.
    #[serde(default)]
    pub agreements: BTreeSet<AgreementId>,
    /// The rules that decided it.
    #[serde(default)]
    pub rules: BTreeSet<String>,
    /// What was shown; nothing if it was refused.
    #[serde(default)]
    pub shown: Vec<Shown>,
    /// What a watch was told to take off its reader's screen.
    #[serde(default)]
    pub hidden: Vec<Hidden>,
    /// What was decided on, class by class: enough to decide again later.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// What was withheld beyond the classes that an entry has room for.
    #[serde(default)]
    pub remainder: Vec<Remainder>,
    /// What a write did.
    #[serde(default)]
    pub touched: Option<Touched>,
    /// What the hub itself was changed from and to.
    #[serde(default)]
    pub change: Option<Change>,
    /// What the hub forgot because it had lapsed.
    #[serde(default)]
    pub swept: Vec<Remainder>,
    /// How many signals were withheld.
    #[serde(default)]
    pub withheld: u32,
}

/// An entry in its encoding, hashed, whose place in time can still be moved. Prints as its length alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    bytes: Vec<u8>,
    leaf: Hash,
    at: Timestamp,
}

/// Bytes or values that are not an entry of this format. Never holds a value of the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryInvalid {
    /// JSON, but not the one way to write this entry.
    #[error("it is not in the canonical form")]
    Canonical,
    /// Not JSON of this format.
    #[error("it is not JSON of this format from byte {byte} on")]
    Json {
        /// How far it could be read.
        byte: usize,
    },
    /// It contradicts itself.
    #[error("it breaks the rule that {0}")]
    Rule(&'static str),
}

impl Entry {
    /// An entry with nothing in it but a refusal to come: closed until told otherwise.
    pub fn new(at: Timestamp, action: impl Into<String>) -> Self {
        Self {
            v: Format::V1,
            at,
            action: action.into(),
            agency: None,
            sector: None,
            workload: String::new(),
            certificate: None,
            practitioner: String::new(),
            roles: BTreeSet::new(),
            teams: BTreeSet::new(),
            areas: BTreeSet::new(),
            subject: None,
            reach: BTreeSet::new(),
            purpose: None,
            gateway: None,
            case_reference: String::new(),
            level: None,
            since: None,
            until: None,
            kinds: BTreeSet::new(),
            near: Near::default(),
            sought: String::new(),
            allowed: false,
            refusal: None,
            policy: None,
            policy_version: None,
            agreements: BTreeSet::new(),
            rules: BTreeSet::new(),
            shown: Vec::new(),
            hidden: Vec::new(),
            classes: Vec::new(),
            remainder: Vec::new(),
            touched: None,
            change: None,
            swept: Vec::new(),
            withheld: 0,
        }
    }

    /// The one canonical encoding: compact JSON, fields in declared order, empty ones left out.
    ///
    /// # Errors
    /// If the entry contradicts itself, is longer than [`LONGEST`], or has a time whose year is not of four digits.
    pub fn encode(&self) -> Result<Vec<u8>, EntryInvalid> {
        self.check()?;
        let bytes = encode::encode(self).map_err(|_| EntryInvalid::Rule("years have four digits"))?;
        if bytes.len() > LONGEST {
            return Err(EntryInvalid::Rule("an entry has at most 131072 bytes"));
        }
        Ok(bytes)
    }

    /// The entry of its canonical encoding.
    ///
    /// # Errors
    /// If the bytes are anything but what [`Entry::encode`] makes of an entry.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryInvalid> {
        let entry: Self = serde_json::from_slice(bytes).map_err(|error| EntryInvalid::Json { byte: error.column() })?;
        if entry.encode()? == bytes {
            Ok(entry)
        } else {
            Err(EntryInvalid::Canonical)
        }
    }

    /// The entry in its encoding, before its place in the ledger is known.
    ///
    /// # Errors
    /// As for [`Entry::encode`].
    pub fn write(&self) -> Result<Written, EntryInvalid> {
        let bytes = self.encode()?;
        Ok(Written {
            leaf: leaf_hash(&bytes),
            bytes,
            at: to_microsecond(self.at),
        })
    }

    fn check(&self) -> Result<(), EntryInvalid> {
        let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        let named = self.action.len() <= 64 && self.action.split('-').all(word);
        let explained = self.allowed == self.refusal.is_none();
        let closed = self.allowed || (self.shown.is_empty() && self.hidden.is_empty());
        let spoken_for = self.policy.is_some() || self.policy_version.is_none();
        for (kept, rule) in [
            (
                named,
                "an action is lower-case words joined by hyphens, at most 64 characters",
            ),
            (
                explained,
                "a refused request has a refusal, and an allowed one has none",
            ),
            (closed, "a refused request shows nothing"),
            (spoken_for, "there is no version without the policies that it is of"),
        ] {
            if !kept {
                return Err(EntryInvalid::Rule(rule));
            }
        }
        Ok(())
    }
}

impl Written {
    /// When it was decided, to the microsecond.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The same entry with another time. A time has a fixed place and width, so nothing else of the encoding moves.
    ///
    /// # Errors
    /// If the year of the time is not of four digits.
    pub fn at_time(mut self, at: Timestamp) -> Result<Self, EntryInvalid> {
        if at != self.at {
            let text = print_moment(at).ok_or(EntryInvalid::Rule("years have four digits"))?;
            let place = self.bytes.get_mut(TIME..TIME + text.len());
            place.ok_or(EntryInvalid::Canonical)?.copy_from_slice(text.as_bytes());
            self.leaf = leaf_hash(&self.bytes);
            self.at = at;
        }
        Ok(self)
    }

    /// The bytes that are hashed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Their hash as a leaf of the tree.
    pub fn leaf(&self) -> Hash {
        self.leaf
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({} bytes)", self.bytes.len())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.action)
    }
}

/// The time without what is smaller than a microsecond, which the format does not hold.
fn to_microsecond(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
