//! Makes a draft of council tax arrears.
//! Pure. It never puts a name into a summary.

use jiff::civil::Date;
use placehub_delivery::{
    Untranslatable,
    draft::{attributes, boolean_attribute, instant, integer_attribute},
    fields,
};
use placehub_proto::v1::{Severity, SignalDraft};

use crate::format::Arrears;

/// An account has one signal a tax year, and each later balance corrects it.
pub(super) fn arrears(row: Arrears) -> Result<SignalDraft, Untranslatable> {
    let occurred = fields::start_of_day(row.as_of).map_err(|rule| Untranslatable::new("as_of", rule))?;
    let (severity, order) = match row.liability_order {
        true => (Severity::High, ", liability order made"),
        false => (Severity::Medium, ""),
    };
    Ok(SignalDraft {
        kind: "welfare.council-tax-arrears".into(),
        source_system: "council-tax".into(),
        source_id: format!("{}:{}", row.account_ref, tax_year(row.as_of)),
        version: fields::day_version(row.as_of),
        person: Some(row.person),
        uprn: row.uprn.unwrap_or_default(),
        occurred_at: Some(instant(occurred)),
        severity: severity.into(),
        summary: format!("Council tax arrears: {}{order}", fields::pounds(row.pence)),
        attributes: attributes([
            ("pence", Some(integer_attribute(row.pence))),
            ("liability_order", Some(boolean_attribute(row.liability_order))),
        ]),
        ..Default::default()
    })
}

/// The calendar year in which the financial year began: it begins on 1 April (Local Government Finance Act 1992 s.116).
fn tax_year(day: Date) -> i16 {
    if day.month() < 4 { day.year() - 1 } else { day.year() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_year_begins_in_april() {
        let years = [(2027, 3, 31), (2027, 4, 1)].map(|(year, month, day)| tax_year(Date::constant(year, month, day)));
        assert_eq!(years, [2026, 2027]);
    }
}
