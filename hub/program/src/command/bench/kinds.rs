//! The kinds of a generated town: who owns them, how common they are, and what the repository's policies let a housing
//! officer see of them in a question about a consenting person. The bench checks each answer against this.

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};
use placehub_delivery::draft::{attributes, integer_attribute, text_attribute};
use placehub_proto::v1::{AttributeValue, DisclosureLevel, attribute_value::Value};

use super::chance::Chance;

/// A kind as the town uses it.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its id in the catalogue.
    pub(super) id: &'static str,
    /// The agency that pushes it.
    pub(super) agency: &'static str,
    /// How many of the 25 signals of a well-known person are of it.
    pub(super) slots: u64,
    /// How many in a thousand of all other signals are of it.
    pub(super) share: u64,
    /// What a housing officer sees of it about a person who gave consent.
    pub(super) seen: Option<DisclosureLevel>,
}

/// The agencies that push.
pub(super) const AGENCIES: [&str; 4] = ["health", "police", "housing", "welfare"];

/// Signals of a well-known person.
pub(super) const SLOTS: u64 = 25;

const DETAIL: Option<DisclosureLevel> = Some(DisclosureLevel::Detail);
const HEADLINE: Option<DisclosureLevel> = Some(DisclosureLevel::Headline);

/// The kinds. Slots add up to [`SLOTS`], shares to a thousand.
pub(super) const KINDS: [Kind; 14] = [
    kind("housing.rent-arrears", "housing", 6, 240, DETAIL),
    kind("police.asb-incident", "police", 1, 190, None),
    kind("health.emergency-attendance", "health", 2, 130, None),
    kind("police.crime-report", "police", 0, 90, None),
    kind("welfare.council-tax-arrears", "welfare", 2, 80, DETAIL),
    kind("housing.asb-case", "housing", 2, 60, DETAIL),
    kind("health.hospital-discharge", "health", 3, 50, HEADLINE),
    kind("welfare.crisis-grant", "welfare", 3, 40, DETAIL),
    kind("welfare.discretionary-housing-payment", "welfare", 2, 30, DETAIL),
    kind("housing.damp-and-mould", "housing", 1, 30, DETAIL),
    kind("welfare.universal-credit-deduction", "welfare", 1, 20, None),
    kind("police.domestic-abuse-incident", "police", 0, 15, None),
    kind("housing.notice-seeking-possession", "housing", 1, 15, DETAIL),
    kind("welfare.benefit-sanction", "welfare", 1, 10, None),
];

/// The kind of the `slot`th signal of a well-known person.
pub(super) fn of_slot(slot: u64) -> &'static Kind {
    along(slot, |kind| kind.slots)
}

/// A kind, common ones more often; of one agency, if one is named.
pub(super) fn drawn(chance: &mut Chance, agency: Option<&str>) -> &'static Kind {
    let fits = |kind: &Kind| agency.is_none_or(|agency| agency == kind.agency);
    let whole = KINDS.iter().filter(|kind| fits(kind)).map(|kind| kind.share).sum();
    along(chance.below(whole), |kind| if fits(kind) { kind.share } else { 0 })
}

/// How many of a well-known person's signals a housing officer sees, at detail and at headline.
pub(super) fn seen_of_person() -> (u64, u64) {
    let at = |level| {
        let kinds = KINDS.iter().filter(move |kind| kind.seen == Some(level));
        kinds.map(|kind| kind.slots).sum()
    };
    (at(DisclosureLevel::Detail), at(DisclosureLevel::Headline))
}

/// What the catalogue has a signal of this kind say, made up.
pub(super) fn content(kind: &Kind, occurred_at: Timestamp, chance: &mut Chance) -> HashMap<String, AttributeValue> {
    let number = |value: u64| Some(integer_attribute(i64::try_from(value).unwrap_or_default()));
    let text = |value: &str| Some(text_attribute(value));
    let yes = |value| {
        Some(AttributeValue {
            value: Some(Value::BooleanValue(value)),
        })
    };
    let day = occurred_at.to_zoned(TimeZone::UTC).date().to_string();
    let day = Some(AttributeValue {
        value: Some(Value::DateValue(day)),
    });
    let pence = 1_000 + chance.below(300_000);
    match kind.id {
        "housing.rent-arrears" => attributes([("weeks", number(1 + chance.skewed(40))), ("pence", number(pence))]),
        "housing.asb-case" => attributes([
            ("case_type", text(chance.word(&["noise", "rubbish", "threats"]))),
            ("open", yes(true)),
        ]),
        "housing.damp-and-mould" => attributes([("hazard_reference", text("HZ-2026-004711")), ("reported_on", day)]),
        "housing.notice-seeking-possession" => attributes([("notice_type", text("section 8")), ("served_on", day)]),
        "police.asb-incident" => attributes([
            (
                "incident_type",
                text(chance.word(&["nuisance", "environmental", "personal"])),
            ),
            ("outcome", text("attended")),
        ]),
        "police.crime-report" => attributes([("crime_type", text("theft")), ("outcome", text("under investigation"))]),
        "police.domestic-abuse-incident" => attributes([("risk_grade", text("standard"))]),
        "health.emergency-attendance" => attributes([("arrival_mode", text(chance.word(&["ambulance", "walked in"])))]),
        "health.hospital-discharge" => attributes([
            ("destination", text("usual residence")),
            ("support_needed", yes(chance.below(3) == 0)),
            ("discharged_on", day),
        ]),
        "welfare.crisis-grant" => attributes([("pence", number(pence)), ("scheme", text("household support"))]),
        "welfare.discretionary-housing-payment" => attributes([("pence", number(pence)), ("weeks", number(13))]),
        "welfare.council-tax-arrears" => attributes([("pence", number(pence)), ("liability_order", yes(true))]),
        "welfare.benefit-sanction" => attributes([("starts_on", day)]),
        "welfare.universal-credit-deduction" => attributes([("reason", text("advance")), ("pence", number(pence))]),
        _ => HashMap::new(),
    }
}

/// The kind at which so much of a weight, kind after kind, is used up.
fn along(mut left: u64, weight: impl Fn(&Kind) -> u64) -> &'static Kind {
    let [first, ..] = &KINDS;
    let found = KINDS.iter().find(|kind| {
        let here = left < weight(kind);
        left = left.saturating_sub(weight(kind));
        here
    });
    found.unwrap_or(first)
}

const fn kind(id: &'static str, agency: &'static str, slots: u64, share: u64, seen: Option<DisclosureLevel>) -> Kind {
    Kind {
        id,
        agency,
        slots,
        share,
        seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_known_person_has_twenty_five_signals_of_which_twenty_are_seen() {
        assert_eq!(KINDS.iter().map(|kind| kind.slots).sum::<u64>(), SLOTS);
        assert_eq!(KINDS.iter().map(|kind| kind.share).sum::<u64>(), 1000);
        assert_eq!(seen_of_person(), (17, 3));
        let seen = (0..SLOTS).filter(|slot| of_slot(*slot).seen.is_some()).count();
        assert_eq!(seen, 20);
    }

    #[test]
    fn a_kind_drawn_for_an_agency_is_one_of_its_own() {
        let mut chance = Chance::new(1, 1);
        for _ in 0..200 {
            assert_eq!(drawn(&mut chance, Some("welfare")).agency, "welfare");
        }
    }
}
