//! Makes a draft of a hazard of damp and mould.
//! Pure. It names the tenancy and never the tenant, whom such a report does not name.

use placehub_delivery::{
    Untranslatable,
    draft::{attributes, boolean_attribute, date_attribute, instant, text_attribute},
    fields,
};
use placehub_proto::v1::{PersonIdentity, Severity, SignalDraft};

use crate::format::Damp;

pub(super) fn damp(row: Damp) -> Result<SignalDraft, Untranslatable> {
    if row.uprn.is_none() && row.tenancy.is_none() {
        return Err(Untranslatable::new("record", "has neither uprn nor tenancy_id"));
    }
    let occurred = fields::start_of_day(row.reported_on).map_err(|rule| Untranslatable::new("date_reported", rule))?;
    let severity = match (row.made_safe_on, row.emergency || row.breach == Some(true)) {
        (Some(_), _) => Severity::Low,
        (None, true) => Severity::High,
        (None, false) => Severity::Medium,
    };
    let safe = row.made_safe_on.map(|day| format!(", made safe on {day}"));
    Ok(SignalDraft {
        kind: "housing.damp-and-mould".into(),
        source_system: "hazards".into(),
        source_id: row.reference.clone(),
        version: row.version,
        person: row.tenancy.map(|tenancy| PersonIdentity {
            local_references: vec![tenancy],
            ..Default::default()
        }),
        uprn: row.uprn.unwrap_or_default(),
        occurred_at: Some(instant(occurred)),
        severity: severity.into(),
        summary: format!(
            "Damp and mould reported on {}{}",
            row.reported_on,
            safe.unwrap_or_default()
        ),
        attributes: attributes([
            ("hazard_reference", Some(text_attribute(row.reference))),
            ("reported_on", Some(date_attribute(row.reported_on))),
            ("made_safe_on", row.made_safe_on.map(date_attribute)),
            ("breach", row.breach.map(boolean_attribute)),
        ]),
        ..Default::default()
    })
}
