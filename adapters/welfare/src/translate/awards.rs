//! Makes a draft of one award.
//! Pure. It never puts a name into a summary.

use placehub_delivery::{
    Untranslatable,
    draft::{attributes, instant, integer_attribute, text_attribute},
    fields,
};
use placehub_proto::v1::{Severity, SignalDraft};

use crate::format::{Award, Scheme};

/// Makes a draft of one award.
///
/// # Errors
///
/// `row`, if it names neither a person nor an address; `awarded_on`, if no clock can show that day.
pub(super) fn award(award: Award) -> Result<SignalDraft, Untranslatable> {
    if award.person.is_none() && award.uprn.is_none() {
        return Err(Untranslatable::new("row", "names neither a person nor an address"));
    }
    let occurred = fields::start_of_day(award.awarded_on).map_err(|rule| Untranslatable::new("awarded_on", rule))?;
    let (kind, severity, title, scheme) = match award.scheme {
        Scheme::Crisis => ("welfare.crisis-grant", Severity::Medium, "Crisis grant", Some("crisis")),
        Scheme::HouseholdSupportFund => (
            "welfare.crisis-grant",
            Severity::Medium,
            "Household Support Fund grant",
            Some("hsf"),
        ),
        Scheme::DiscretionaryHousingPayment => (
            "welfare.discretionary-housing-payment",
            Severity::Low,
            "Discretionary housing payment",
            None,
        ),
    };
    Ok(SignalDraft {
        kind: kind.into(),
        source_system: "awards".into(),
        source_id: award.award_ref,
        version: award.version,
        person: award.person,
        uprn: award.uprn.unwrap_or_default(),
        occurred_at: Some(instant(occurred)),
        severity: severity.into(),
        summary: format!("{title}: {}", fields::pounds(award.pence)),
        attributes: attributes([
            ("pence", Some(integer_attribute(award.pence))),
            ("scheme", scheme.map(text_attribute)),
        ]),
        ..Default::default()
    })
}
