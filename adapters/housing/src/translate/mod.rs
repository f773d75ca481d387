//! Makes a draft of one row of a landlord's exports.
//! Pure. It never puts a name into a summary.

mod conduct;
mod damp;

use placehub_delivery::{
    Untranslatable,
    draft::{attributes, date_attribute, instant, integer_attribute, text_attribute},
    fields,
};
use placehub_proto::v1::{Severity, SignalDraft};

use crate::format::{Arrears, Notice, Row};

/// Makes a draft of one row.
///
/// # Errors
///
/// The field whose value has no place in a signal.
pub(crate) fn draft(row: Row) -> Result<SignalDraft, Untranslatable> {
    match row {
        Row::Arrears(row) => arrears(row),
        Row::Case(row) => conduct::case(row),
        Row::Damp(row) => damp::damp(row),
        Row::Eviction(row) => conduct::eviction(row),
        Row::Notice(row) => notice(row),
    }
}

/// A tenancy has one signal a month, and each later balance of that month corrects it: the version is the day of the month.
fn arrears(row: Arrears) -> Result<SignalDraft, Untranslatable> {
    let occurred = fields::start_of_day(row.as_of).map_err(|rule| Untranslatable::new("as_of", rule))?;
    let severity = match row.weeks {
        ..4 => Severity::Low,
        4..8 => Severity::Medium,
        8.. => Severity::High,
    };
    let weeks = if row.weeks == 1 { "week" } else { "weeks" };
    Ok(SignalDraft {
        kind: "housing.rent-arrears".into(),
        source_system: "rent-accounts".into(),
        source_id: format!("{}:{:04}-{:02}", row.tenancy_ref, row.as_of.year(), row.as_of.month()),
        version: row.as_of.day().unsigned_abs().into(),
        person: Some(row.person),
        uprn: row.uprn.unwrap_or_default(),
        occurred_at: Some(instant(occurred)),
        severity: severity.into(),
        summary: format!("Rent arrears: {} {weeks}, {}", row.weeks, fields::pounds(row.pence)),
        attributes: attributes([
            ("weeks", Some(integer_attribute(row.weeks))),
            ("pence", Some(integer_attribute(row.pence))),
        ]),
        ..Default::default()
    })
}

fn notice(row: Notice) -> Result<SignalDraft, Untranslatable> {
    let occurred = fields::start_of_day(row.served_on).map_err(|rule| Untranslatable::new("served_on", rule))?;
    let end = row
        .expires_on
        .map(|date| format!(", expires on {date}"))
        .unwrap_or_default();
    Ok(SignalDraft {
        kind: "housing.notice-seeking-possession".into(),
        source_system: "notices".into(),
        source_id: row.notice_ref,
        version: row.version,
        person: Some(row.person),
        uprn: row.uprn.unwrap_or_default(),
        occurred_at: Some(instant(occurred)),
        severity: Severity::High.into(),
        summary: format!("Notice seeking possession served on {}{end}", row.served_on),
        attributes: attributes([
            ("notice_type", Some(text_attribute(row.notice_type))),
            ("served_on", Some(date_attribute(row.served_on))),
            ("expires_on", row.expires_on.map(date_attribute)),
        ]),
        ..Default::default()
    })
}
