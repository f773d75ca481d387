//! Reads a report of damp and mould, in JSON with the field names of the open damp and mould data model.
//! Pure. It never reads what the tenant said or what was found, only that there is a hazard and how far it has been dealt with.

use jiff::civil::Date;
use placehub_delivery::{Untranslatable, fields, json};
use placehub_proto::v1::LocalReference;
use serde_json::Value;

/// A hazard of damp and mould in a home (Hazards in Social Housing (Prescribed Requirements) (England) Regulations 2025).
#[derive(Debug, Clone, PartialEq)]
pub struct Damp {
    /// `hazard_report_reference`
    pub reference: String,
    /// `version`, or else the day of `last_updated`, or else how far the hazard has been dealt with: each step is higher.
    pub version: u64,
    /// `uprn`
    pub uprn: Option<String>,
    /// `tenancy_id`
    pub tenancy: Option<LocalReference>,
    /// `date_reported`
    pub reported_on: Date,
    /// `made_safe_date`
    pub made_safe_on: Option<Date>,
    /// `emergency_action_taken`
    pub emergency: bool,
    /// `sla_breach_flag`, if the landlord states it.
    pub breach: Option<bool>,
}

pub(super) fn damp(record: &Value) -> Result<Damp, Untranslatable> {
    let made_safe_on = json::optional(record, "/made_safe_date", day)?;
    let breach = json::optional(record, "/sla_breach_flag", fields::yes_or_no)?;
    let stated = json::optional(record, "/version", fields::version)?;
    let updated = json::optional(record, "/last_updated", day)?;
    let step = 1 + u64::from(breach == Some(true)) + 2 * u64::from(made_safe_on.is_some());
    let tenancy = json::optional(record, "/tenancy_id", reference)?;
    Ok(Damp {
        reference: json::required(record, "/hazard_report_reference", fields::label)?,
        version: stated.or(updated.map(fields::day_version)).unwrap_or(step),
        uprn: json::optional(record, "/uprn", fields::uprn)?,
        tenancy: tenancy.map(|value| LocalReference {
            system: "tenancy".into(),
            value,
        }),
        reported_on: json::required(record, "/date_reported", day)?,
        made_safe_on,
        emergency: json::optional(record, "/emergency_action_taken", fields::yes_or_no)?.unwrap_or(false),
        breach,
    })
}

/// A day, or the UK day of an instant.
fn day(text: &str) -> Result<Date, &'static str> {
    fields::date(text)
        .or_else(|_| fields::moment(text).map(fields::uk_day))
        .map_err(|_| "is not a date (YYYY-MM-DD) or a date and time")
}

fn reference(text: &str) -> Result<String, &'static str> {
    fields::label(text)
        .ok()
        .filter(|text| text.chars().count() <= 64)
        .ok_or("is not 1 to 64 characters on one line")
}
