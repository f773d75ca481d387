//! Signals: what an agency pushes (`Draft`), the labels that decisions are made on (`Header`),
//! and the content that decisions never read (`Body`).

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AgencyId, AreaCode, Identity, KindId, Sensitivity, Severity, Uprn};

/// The hub's id of a signal: a UUID, the same for every version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SignalId(pub [u8; 16]);

/// The hub's id of a person: 16 random bytes. Prints as `Person(…)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PersonId(pub [u8; 16]);

/// How an owner names a signal. With the owner and the version it names the signal for ever.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// The owner's system.
    pub system: String,
    /// The fact's id in that system. May hold personal references, so it is never stored in the clear.
    pub id: String,
    /// From 1, rising with each correction.
    pub version: u64,
}

/// One small fact as its owner pushes it, checked against the catalogue.
#[derive(Clone, PartialEq)]
pub struct Draft {
    /// What sort of fact.
    pub kind: KindId,
    /// How the owner names it.
    pub source: Source,
    /// Whom it is about.
    pub person: Option<Identity>,
    /// Where.
    pub uprn: Option<Uprn>,
    /// The area: as given, or derived from the address.
    pub area: Option<AreaCode>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it lapses: the earlier of the owner's word and the catalogue's retention.
    pub lapses_at: Timestamp,
    /// How urgent.
    pub severity: Severity,
    /// The higher of the owner's word and the catalogue's.
    pub sensitivity: Sensitivity,
    /// One line for a human.
    pub summary: String,
    /// Typed attributes.
    pub attributes: BTreeMap<String, Attribute>,
    /// Where an authorised reader may ask for more.
    pub pointer: String,
    /// What the owner stated before the catalogue and the tables of the place were looked at.
    pub stated: Stated,
}

/// What an owner stated of a signal, as pushed. Two pushes of one version must state the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// The area.
    pub area: Option<AreaCode>,
    /// When it lapses.
    pub lapses_at: Option<Timestamp>,
    /// How carefully to handle it.
    pub sensitivity: Sensitivity,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attribute {
    /// Yes or no.
    Boolean(bool),
    /// A date, `YYYY-MM-DD`.
    Date(String),
    /// A whole number; the attribute's name carries the unit.
    Integer(i64),
    /// Text.
    Text(String),
}

/// The labels of a signal. Decisions are made on these alone; it says nothing of the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Which signal.
    pub id: SignalId,
    /// Which correction of it.
    pub version: u64,
    /// What sort of fact.
    pub kind: KindId,
    /// Whose it is.
    pub owner: AgencyId,
    /// Whom it is about.
    pub person: Option<PersonId>,
    /// Keyed hash of the address.
    pub address: Option<[u8; 16]>,
    /// The smallest area known.
    pub area: Option<AreaCode>,
    /// When it happened.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub occurred_at: Timestamp,
    /// When it lapses.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub lapses_at: Timestamp,
    /// How urgent.
    pub severity: Severity,
    /// How carefully to handle.
    pub sensitivity: Sensitivity,
}

/// The content of a signal. Only ever stored sealed; prints as `Body(…)`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// One line for a human.
    pub summary: String,
    /// Typed attributes.
    pub attributes: BTreeMap<String, Attribute>,
    /// Where to ask for more.
    pub pointer: String,
    /// The address, twelve digits, or empty.
    pub uprn: String,
    /// Whom it is about, as far as a reader at detail level needs it.
    pub person: Option<BodyPerson>,
}

/// The person of a body: demographics as the owner gave them, without local references.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyPerson {
    /// Ten digits, or empty.
    pub nhs_number: String,
    /// Ten digits that could not be verified, or empty.
    pub unverified_nhs_number: String,
    /// Family name, or empty.
    pub family_name: String,
    /// Given names, or empty.
    pub given_name: String,
    /// `YYYY-MM-DD`, or empty.
    pub birth_date: String,
    /// Postcode, or empty.
    pub postcode: String,
    /// UPRN of the home, twelve digits, or empty.
    pub uprn: String,
}

impl SignalId {
    /// The usual hyphenated form of a UUID.
    pub fn text(self) -> String {
        uuid::Uuid::from_bytes(self.0).to_string()
    }
}

impl Draft {
    /// The content, apart from the labels.
    pub fn body(&self) -> Body {
        let digits = |uprn: Option<Uprn>| uprn.map(Uprn::twelve_digits).unwrap_or_default();
        Body {
            summary: self.summary.clone(),
            attributes: self.attributes.clone(),
            pointer: self.pointer.clone(),
            uprn: digits(self.uprn),
            person: self.person.as_ref().map(|who| BodyPerson {
                nhs_number: who.nhs_number.as_ref().map(|n| n.digits()).unwrap_or_default(),
                unverified_nhs_number: who.unverified_nhs_number.clone().unwrap_or_default(),
                family_name: who.family_name.clone(),
                given_name: who.given_name.clone(),
                birth_date: who.birth_date.map(|d| d.date().to_string()).unwrap_or_default(),
                postcode: who.postcode.as_ref().map(|p| p.as_str().to_owned()).unwrap_or_default(),
                uprn: digits(who.uprn),
            }),
        }
    }
}

macro_rules! redacted {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

redacted!(Source Draft Attribute Body BodyPerson);

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(…)")
    }
}
