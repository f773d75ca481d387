//! Reads a row of the force's own incident export.
//! Pure. It never repeats a value in a refusal.

use std::collections::BTreeSet;

use jiff::Timestamp;
use placehub_delivery::{Untranslatable, fields, identity, table::Cells};
use placehub_proto::v1::{PersonIdentity, Severity};

/// The columns without which there is no incident export. `grade`, `markers`, `version`, `role` and columns on a person may
/// follow.
pub(super) const COLUMNS: &[&str] = &[
    "incident_ref",
    "reported_at",
    "type",
    "uprn",
    "severity",
    "summary",
    "outcome",
];

/// An incident as the force reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// The force's reference.
    pub incident_ref: String,
    /// Starts at 1 and rises with each correction of the incident.
    pub version: u64,
    /// When it was reported.
    pub reported_at: Timestamp,
    /// What sort of incident.
    pub incident_type: IncidentType,
    /// Where it happened.
    pub uprn: Option<String>,
    /// Whom it is about, if the row says so: never whoever reported it.
    pub person: Option<PersonIdentity>,
    /// What the force has marked it with.
    pub markers: BTreeSet<Marker>,
    /// The force's judgement.
    pub severity: Severity,
    /// The force's line of text, which must hold no name.
    pub summary: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
}

/// What sort of incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentType {
    /// `asb`
    AntiSocialBehaviour,
    /// `criminal-damage`
    CriminalDamage,
    /// `domestic-abuse`
    DomesticAbuse,
    /// `missing`
    MissingPerson,
    /// `violence`
    Violence,
}

/// What a force marks an incident with, whatever its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Marker {
    /// `domestic-abuse`
    DomesticAbuse,
    /// `missing`
    MissingPerson,
    /// `s136`: somebody was taken to a place of safety (Mental Health Act 1983 s.136).
    PlaceOfSafety,
    /// `vulnerable-adult`
    VulnerableAdult,
}

pub(super) fn incident(cells: &Cells<'_>) -> Result<Incident, Untranslatable> {
    Ok(Incident {
        incident_ref: cells.required("incident_ref", fields::label)?,
        version: cells.optional("version", fields::version)?.unwrap_or(1),
        reported_at: cells.required("reported_at", fields::moment)?,
        incident_type: cells.required("type", incident_type)?,
        uprn: cells.optional("uprn", fields::uprn)?,
        person: person(cells)?,
        markers: cells.optional("markers", markers)?.unwrap_or_default(),
        severity: match cells.optional("severity", fields::severity)? {
            Some(severity) => severity,
            None => cells
                .optional("grade", grade)?
                .ok_or_else(|| Untranslatable::new("severity", "is empty, and so is `grade`"))?,
        },
        summary: cells.optional("summary", fields::summary)?,
        outcome: cells.optional("outcome", fields::phrase)?,
    })
}

/// The person whom the incident is about. Where there is a column `role`, a row that names somebody must say who they are in
/// it; of a reporter nothing is read.
fn person(cells: &Cells<'_>) -> Result<Option<PersonIdentity>, Untranslatable> {
    let role = cells.optional("role", role)?;
    if role == Some(Role::Reporter) {
        return Ok(None);
    }
    let person = identity::person(cells)?;
    if person.is_some() && role.is_none() && cells.has("role") {
        return Err(Untranslatable::new("role", "is empty, and the row names a person"));
    }
    Ok(person)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Reporter,
    Subject,
    Victim,
}

fn role(text: &str) -> Result<Role, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "reporter" => Ok(Role::Reporter),
        "subject" => Ok(Role::Subject),
        "victim" => Ok(Role::Victim),
        _ => Err("is not victim, subject or reporter"),
    }
}

fn markers(text: &str) -> Result<BTreeSet<Marker>, &'static str> {
    let each = text.split(';').map(str::trim).filter(|word| !word.is_empty());
    each.map(|word| match word.to_ascii_lowercase().as_str() {
        "domestic-abuse" => Ok(Marker::DomesticAbuse),
        "missing" => Ok(Marker::MissingPerson),
        "s136" => Ok(Marker::PlaceOfSafety),
        "vulnerable-adult" => Ok(Marker::VulnerableAdult),
        _ => Err("holds another word than domestic-abuse, missing, s136 and vulnerable-adult"),
    })
    .collect()
}

/// The grade of a call, by number or in words (National Call Handling Standards), as the severity that it stands for.
fn grade(text: &str) -> Result<Severity, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "emergency" => Ok(Severity::High),
        "2" | "priority" => Ok(Severity::Medium),
        "3" | "scheduled" | "4" | "resolution" => Ok(Severity::Low),
        _ => Err("is not 1 to 4, nor emergency, priority, scheduled or resolution"),
    }
}

fn incident_type(text: &str) -> Result<IncidentType, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "asb" => Ok(IncidentType::AntiSocialBehaviour),
        "criminal-damage" => Ok(IncidentType::CriminalDamage),
        "domestic-abuse" => Ok(IncidentType::DomesticAbuse),
        "missing" => Ok(IncidentType::MissingPerson),
        "violence" => Ok(IncidentType::Violence),
        _ => Err("is not asb, criminal-damage, domestic-abuse, missing or violence"),
    }
}
