//! Makes a draft of a case of anti-social behaviour or of an eviction.
//! Pure. It never puts a name or the landlord's free words into a summary.

use placehub_delivery::{
    Untranslatable,
    draft::{attributes, boolean_attribute, date_attribute, instant, text_attribute},
    fields,
};
use placehub_proto::v1::{Severity, SignalDraft};

use crate::format::{Case, Eviction};

pub(super) fn case(row: Case) -> Result<SignalDraft, Untranslatable> {
    let occurred = fields::start_of_day(row.opened_on).map_err(|rule| Untranslatable::new("opened_on", rule))?;
    let (severity, state) = match row.open {
        true => (Severity::Medium, "open"),
        false => (Severity::Low, "closed"),
    };
    Ok(SignalDraft {
        kind: "housing.asb-case".into(),
        source_system: "asb-cases".into(),
        source_id: row.case_ref,
        version: row.version,
        person: Some(row.person),
        uprn: row.uprn.unwrap_or_default(),
        occurred_at: Some(instant(occurred)),
        severity: severity.into(),
        summary: format!(
            "Anti-social behaviour case of the landlord from {}, {state}",
            row.opened_on
        ),
        attributes: attributes([
            ("case_type", Some(text_attribute(row.case_type))),
            ("open", Some(boolean_attribute(row.open))),
        ]),
        ..Default::default()
    })
}

pub(super) fn eviction(row: Eviction) -> Result<SignalDraft, Untranslatable> {
    let occurred = fields::start_of_day(row.evicted_on).map_err(|rule| Untranslatable::new("evicted_on", rule))?;
    Ok(SignalDraft {
        kind: "housing.eviction".into(),
        source_system: "evictions".into(),
        source_id: row.eviction_ref,
        version: row.version,
        person: Some(row.person),
        uprn: row.uprn.unwrap_or_default(),
        occurred_at: Some(instant(occurred)),
        severity: Severity::High.into(),
        summary: format!("Evicted on {}", row.evicted_on),
        attributes: attributes([("evicted_on", Some(date_attribute(row.evicted_on)))]),
        ..Default::default()
    })
}
