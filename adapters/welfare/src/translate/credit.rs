//! Makes a draft of a notice on universal credit.
//! Pure. It never lets such a draft pass as anything but restricted: disclosure without authority is an offence
//! (Social Security Administration Act 1992 s.123).

use placehub_delivery::{
    Untranslatable,
    draft::{attributes, date_attribute, instant, integer_attribute, text_attribute},
    fields,
};
use placehub_proto::v1::{Sensitivity, Severity, SignalDraft};

use crate::format::{Deduction, Sanction};

pub(super) fn deduction(row: Deduction) -> Result<SignalDraft, Untranslatable> {
    let decided = fields::start_of_day(row.decided_on).map_err(|rule| Untranslatable::new("decided_on", rule))?;
    Ok(SignalDraft {
        kind: "welfare.universal-credit-deduction".into(),
        source_system: "universal-credit-deductions".into(),
        source_id: row.deduction_ref,
        version: row.version,
        person: Some(row.person),
        occurred_at: Some(instant(decided)),
        severity: Severity::Medium.into(),
        sensitivity: Sensitivity::Restricted.into(),
        summary: format!("Deduction from universal credit: {} a month", fields::pounds(row.pence)),
        attributes: attributes([
            ("reason", Some(text_attribute(row.reason))),
            ("pence", Some(integer_attribute(row.pence))),
        ]),
        ..Default::default()
    })
}

pub(super) fn sanction(row: Sanction) -> Result<SignalDraft, Untranslatable> {
    let starts = fields::start_of_day(row.starts_on).map_err(|rule| Untranslatable::new("starts_on", rule))?;
    let end = row.ends_on.map(|day| format!(" to {day}")).unwrap_or_default();
    Ok(SignalDraft {
        kind: "welfare.benefit-sanction".into(),
        source_system: "universal-credit-sanctions".into(),
        source_id: row.sanction_ref,
        version: row.version,
        person: Some(row.person),
        occurred_at: Some(instant(starts)),
        severity: Severity::High.into(),
        sensitivity: Sensitivity::Restricted.into(),
        summary: format!("Universal credit sanction from {}{end}", row.starts_on),
        attributes: attributes([
            ("starts_on", Some(date_attribute(row.starts_on))),
            ("ends_on", row.ends_on.map(date_attribute)),
        ]),
        ..Default::default()
    })
}
