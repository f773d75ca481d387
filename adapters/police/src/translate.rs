//! Makes a draft of one incident or street-level crime.
//! Pure. It never puts a name into a summary that it composes.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use placehub_delivery::{
    Untranslatable,
    draft::{attributes, instant, text_attribute},
};
use placehub_proto::v1::{Sensitivity, Severity, SignalDraft};

use crate::format::{Crime, CrimeType, Incident, IncidentType, Marker, Row};

/// Makes a draft of one row.
///
/// # Errors
///
/// `row`, if it names neither a person nor an address; `Month`, if no clock can show it.
pub(crate) fn draft(row: Row) -> Result<SignalDraft, Untranslatable> {
    match row {
        Row::Crime(row) => crime(row),
        Row::Incident(row) => incident(row),
    }
}

fn incident(row: Incident) -> Result<SignalDraft, Untranslatable> {
    if row.person.is_none() && row.uprn.is_none() {
        return Err(Untranslatable::new("row", "names neither a person nor an address"));
    }
    let marked = |marker: Marker| row.markers.contains(&marker);
    // A marker outranks the type: it is the force's later and graver word on the same incident.
    let incident_type = match row.incident_type {
        _ if marked(Marker::DomesticAbuse) => IncidentType::DomesticAbuse,
        _ if marked(Marker::MissingPerson) => IncidentType::MissingPerson,
        other => other,
    };
    // Neither is told: what they say of somebody's health makes the signal one to handle with more care.
    let careful = marked(Marker::PlaceOfSafety) || marked(Marker::VulnerableAdult);
    let (kind, title) = match incident_type {
        IncidentType::AntiSocialBehaviour => ("police.asb-incident", "Anti-social behaviour"),
        IncidentType::CriminalDamage => ("police.criminal-damage", "Criminal damage"),
        IncidentType::DomesticAbuse => ("police.domestic-abuse-incident", "Domestic abuse incident"),
        IncidentType::MissingPerson => ("police.missing-person", "Person reported missing"),
        IncidentType::Violence => ("police.violence-incident", "Violence"),
    };
    // The catalogue has no outcome for these two: what came of them stays with the force.
    let outcome = match incident_type {
        IncidentType::DomesticAbuse | IncidentType::MissingPerson => None,
        _ => row.outcome.map(text_attribute),
    };
    let asb = incident_type == IncidentType::AntiSocialBehaviour;
    Ok(SignalDraft {
        kind: kind.into(),
        source_system: "incidents".into(),
        source_id: row.incident_ref,
        version: row.version,
        person: row.person,
        uprn: row.uprn.unwrap_or_default(),
        occurred_at: Some(instant(row.reported_at)),
        severity: row.severity.into(),
        sensitivity: if careful {
            Sensitivity::Sensitive
        } else {
            Sensitivity::Unspecified
        }
        .into(),
        summary: row.summary.unwrap_or_else(|| format!("{title} reported")),
        attributes: attributes([
            ("incident_type", asb.then(|| text_attribute("anti-social behaviour"))),
            ("outcome", outcome),
        ]),
        ..Default::default()
    })
}

fn crime(row: Crime) -> Result<SignalDraft, Untranslatable> {
    let month =
        month_start(row.month).ok_or_else(|| Untranslatable::new("Month", "is not a month that a clock can show"))?;
    let (kind, severity) = match row.crime_type {
        CrimeType::AntiSocialBehaviour => ("police.asb-incident", Severity::Low),
        CrimeType::CriminalDamage => ("police.criminal-damage", Severity::Low),
        CrimeType::Other => ("police.crime-report", Severity::Low),
        CrimeType::Violence => ("police.violence-incident", Severity::Medium),
    };
    let version = row.version();
    let place = row
        .location
        .map(|location| format!(", {}", uncapitalised(&location)))
        .unwrap_or_default();
    let summary: String = format!("{}{place}, {}", row.crime_type_name, row.month.strftime("%B %Y"));
    let type_name = |wanted| (row.crime_type == wanted).then(|| text_attribute(row.crime_type_name.to_lowercase()));
    Ok(SignalDraft {
        kind: kind.into(),
        source_system: "data.police.uk".into(),
        version,
        source_id: row.id,
        area_code: row.lsoa,
        occurred_at: Some(instant(month)),
        severity: severity.into(),
        summary: summary.chars().take(280).collect(),
        attributes: attributes([
            ("incident_type", type_name(CrimeType::AntiSocialBehaviour)),
            ("crime_type", type_name(CrimeType::Other)),
            ("outcome", row.outcome.map(text_attribute)),
        ]),
        ..Default::default()
    })
}

/// A published month has no time zone of its own; it starts at midnight UTC.
fn month_start(month: Date) -> Option<Timestamp> {
    month.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp())
}

fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}
