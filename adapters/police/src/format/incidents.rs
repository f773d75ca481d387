//! Reads a row of the force's own incident extract: an incident, and one of the people in it.
//! Pure. It never repeats a value in a refusal, and never reads who reported an incident.

use std::collections::BTreeSet;

use jiff::Timestamp;
use placehub_delivery::{Untranslatable, fields, identity, table::Cells};
use placehub_proto::v1::{PersonIdentity, Severity};

use crate::addresses::Addresses;

/// The columns without which there is no incident extract.
pub(super) const COLUMNS: &[&str] = &["incident_number", "opened", "category", "markers", "uprn", "grade"];

/// An incident, as it concerns one person or one address.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// The force's number.
    pub number: String,
    /// Starts at 1 and rises with each correction of the incident.
    pub version: u64,
    /// When it was opened.
    pub opened: Timestamp,
    /// What sort of incident.
    pub category: Category,
    /// What the force marked it with, what its category says of that included.
    pub markers: BTreeSet<Marker>,
    /// Where it happened, if the row says so, or its address is a known one.
    pub uprn: Option<String>,
    /// Whether the row has an address that is not a known one.
    pub address_unknown: bool,
    /// Whom it is about.
    pub party: Party,
    /// How urgent, by how the call was graded and by the risk.
    pub severity: Severity,
    /// How great the force takes the risk to be.
    pub risk: Option<String>,
    /// The force's line of text, which must hold no name.
    pub summary: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
}

/// What sort of incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// `asb`
    AntiSocialBehaviour,
    /// `concern`, for somebody's safety: told of by its markers alone.
    Concern,
    /// `criminal-damage`
    CriminalDamage,
    /// `domestic-abuse`, which is a marker too.
    DomesticAbuse,
    /// `missing`, which is a marker too.
    Missing,
    /// `violence`
    Violence,
}

/// What the force marked an incident with. The order is that of precedence: see `translate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Marker {
    /// `domestic-abuse`
    DomesticAbuse,
    /// `s136`: taken to a place of safety (Mental Health Act 1983 s.136).
    PlaceOfSafety,
    /// `missing`
    Missing,
    /// `vulnerable-adult`
    VulnerableAdult,
}

/// Whom a row is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Party {
    /// Nobody who is named.
    Nobody,
    /// Whoever reported the incident, of whom nothing is read but the number among its people.
    Reporter(Option<u64>),
    /// Somebody in it, and their number among its people.
    Person(Box<PersonIdentity>, Role, u64),
}

/// The part of a person in an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whom it happened to.
    Victim,
    /// Who is suspected, missing, detained, or otherwise at the heart of it.
    Subject,
}

impl Role {
    /// The role in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Victim => "victim",
            Self::Subject => "subject",
        }
    }
}

pub(super) fn incident(cells: &Cells<'_>, addresses: &Addresses) -> Result<Incident, Untranslatable> {
    let category = cells.required("category", category)?;
    let mut markers = cells.optional("markers", markers)?.unwrap_or_default();
    markers.extend(match category {
        Category::DomesticAbuse => Some(Marker::DomesticAbuse),
        Category::Missing => Some(Marker::Missing),
        _ => None,
    });
    let graded = cells.required("grade", grade)?;
    let risk = cells.optional("risk", risk)?;
    let stated = cells.optional("uprn", fields::uprn)?;
    let address = cells.optional("address", |text| Ok(addresses.uprn(text)))?;
    Ok(Incident {
        number: cells.required("incident_number", number)?,
        version: cells.optional("version", fields::version)?.unwrap_or(1),
        opened: cells.required("opened", fields::moment)?,
        category,
        markers,
        address_unknown: stated.is_none() && address == Some(None),
        uprn: stated.or(address.flatten()),
        party: party(cells)?,
        severity: match risk {
            Some("high") => graded.max(Severity::High),
            _ => graded,
        },
        risk: risk.map(str::to_owned),
        summary: cells.optional("summary", fields::summary)?,
        outcome: cells.optional("outcome", fields::phrase)?,
    })
}

fn party(cells: &Cells<'_>) -> Result<Party, Untranslatable> {
    let empty = |column| Untranslatable::new(column, "is empty, though the row names a person");
    let number = cells.optional("person_no", fields::version)?;
    let role = match cells.optional("role", role)? {
        Some(Some(role)) => Some(role),
        Some(None) => return Ok(Party::Reporter(number)),
        None => None,
    };
    let Some(person) = identity::person(cells)? else {
        return Ok(Party::Nobody);
    };
    let role = role.ok_or_else(|| empty("role"))?;
    Ok(Party::Person(
        Box::new(person),
        role,
        number.ok_or_else(|| empty("person_no"))?,
    ))
}

/// `None` is the reporter.
fn role(text: &str) -> Result<Option<Role>, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "victim" => Ok(Some(Role::Victim)),
        "subject" => Ok(Some(Role::Subject)),
        "reporter" => Ok(None),
        _ => Err("is not victim, subject or reporter"),
    }
}

/// Short enough for a signal's id, with a person's number and a marker behind it.
fn number(text: &str) -> Result<String, &'static str> {
    let short = fields::label(text).ok().filter(|text| text.chars().count() <= 64);
    short.ok_or("is not 1 to 64 characters on one line")
}

fn category(text: &str) -> Result<Category, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "asb" => Ok(Category::AntiSocialBehaviour),
        "concern" => Ok(Category::Concern),
        "criminal-damage" => Ok(Category::CriminalDamage),
        "domestic-abuse" => Ok(Category::DomesticAbuse),
        "missing" => Ok(Category::Missing),
        "violence" => Ok(Category::Violence),
        _ => Err("is not asb, concern, criminal-damage, domestic-abuse, missing or violence"),
    }
}

/// One marker that is not understood refuses them all: a misspelt one must not make an incident an ordinary one.
fn markers(text: &str) -> Result<BTreeSet<Marker>, &'static str> {
    let words = text.split(';').map(str::trim).filter(|word| !word.is_empty());
    let read = words.map(|word| match word.to_ascii_lowercase().as_str() {
        "domestic-abuse" => Ok(Marker::DomesticAbuse),
        "missing" => Ok(Marker::Missing),
        "s136" | "s.136" => Ok(Marker::PlaceOfSafety),
        "vulnerable-adult" => Ok(Marker::VulnerableAdult),
        _ => Err("is not domestic-abuse, missing, s136 or vulnerable-adult, with semicolons between them"),
    });
    read.collect()
}

/// The grades of the National Call Handling Standards (ACPO and Home Office, 2005), by word or by number.
fn grade(text: &str) -> Result<Severity, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "emergency" | "1" => Ok(Severity::High),
        "priority" | "2" => Ok(Severity::Medium),
        "scheduled" | "3" | "resolution" | "4" => Ok(Severity::Low),
        _ => Err("is not emergency, priority, scheduled or resolution, nor 1 to 4"),
    }
}

/// Standard, medium and high grade domestic abuse (DASH 2009); no apparent, low, medium and high grade missing people
/// (College of Policing, Authorised Professional Practice on missing persons).
fn risk(text: &str) -> Result<&'static str, &'static str> {
    let words = ["no-apparent", "low", "standard", "medium", "high"];
    let word = words.into_iter().find(|word| text.eq_ignore_ascii_case(word));
    word.ok_or("is not no-apparent, low, standard, medium or high")
}
