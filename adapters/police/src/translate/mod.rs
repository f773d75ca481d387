//! Makes what the hub is told of one incident or street-level crime.
//! Pure. It never puts a name into a summary that it composes.

mod incident;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use placehub_delivery::{
    Content, Untranslatable,
    draft::{attributes, instant, text_attribute},
};
use placehub_proto::v1::{Severity, SignalDraft};

use crate::format::{Crime, CrimeType, Row};

/// What the hub is told of one row: a crime is one signal, an incident may be several.
///
/// # Errors
///
/// `address`, `row` or `markers`, if nothing can be told of whom or where it concerns; `Month`, if no clock can show it.
pub(crate) fn contents(row: Row) -> Result<Vec<Content>, Untranslatable> {
    match row {
        Row::Crime(row) => crime(row).map(|draft| vec![draft.into()]),
        Row::Incident(row) => incident::contents(row),
    }
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
