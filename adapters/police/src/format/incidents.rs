//! Reads a row of the force's own incident export.
//! Pure. It never repeats a value in a refusal.

use jiff::Timestamp;
use placehub_delivery::{Untranslatable, fields, identity, table::Cells};
use placehub_proto::v1::{PersonIdentity, Severity};

/// The columns without which there is no incident export. Columns on a person may follow.
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
    /// Whom it is about, if the row says so.
    pub person: Option<PersonIdentity>,
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

pub(super) fn incident(cells: &Cells<'_>) -> Result<Incident, Untranslatable> {
    Ok(Incident {
        incident_ref: cells.required("incident_ref", fields::label)?,
        version: cells.optional("version", fields::version)?.unwrap_or(1),
        reported_at: cells.required("reported_at", fields::moment)?,
        incident_type: cells.required("type", incident_type)?,
        uprn: cells.optional("uprn", fields::uprn)?,
        person: identity::person(cells)?,
        severity: cells.required("severity", fields::severity)?,
        summary: cells.optional("summary", fields::summary)?,
        outcome: cells.optional("outcome", fields::phrase)?,
    })
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
