//! Reads a signal that an agency pushes, and checks it against the catalogue.

use std::{collections::BTreeMap, fmt::Display};

use jiff::{SignedDuration, civil::Date};
use placehub_proto::v1::{self as proto, AttributeValue, attribute_value::Value};

use super::{Against, Fields, person};
use crate::{
    catalogue::Kind,
    model::{AreaCode, Attribute, Draft, KindId, Sensitivity, Severity, Source, Stated, Uprn, Violation},
};

/// The draft of a message, found at `field`.
///
/// # Errors
/// Every field that breaks its rule.
pub fn draft(given: &proto::SignalDraft, field: &str, against: Against<'_>) -> Result<Draft, Vec<Violation>> {
    let mut fields = Fields::new();
    let kind = kind(&mut fields, format_args!("{field}.kind"), &given.kind, against);
    let source = source(
        &mut fields,
        format_args!("{field}."),
        &given.source_system,
        &given.source_id,
        given.version,
    );
    let own_uprn = fields.parse_some::<Uprn>(format_args!("{field}.uprn"), &given.uprn);
    let who = given
        .person
        .as_ref()
        .map(|who| person(&mut fields, format_args!("{field}.person"), who, own_uprn));
    let uprn = own_uprn.or(who.as_ref().and_then(|who| who.uprn));
    let stated_area = fields.parse_some::<AreaCode>(format_args!("{field}.area_code"), &given.area_code);
    let area = area(
        &mut fields,
        format_args!("{field}.area_code"),
        stated_area.as_ref(),
        uprn,
        against,
    );
    if given.person.is_none() && given.uprn.is_empty() && given.area_code.is_empty() {
        fields.wrong(field, "must be about a person, an address or an area");
    }
    let occurred_at = fields.past(format_args!("{field}.occurred_at"), given.occurred_at, against.now);
    if given.occurred_at.is_none() {
        fields.wrong(format_args!("{field}.occurred_at"), "must be given");
    }
    let lapses_at = fields.time(format_args!("{field}.lapses_at"), given.lapses_at);
    let severity = severity(given.severity());
    if severity.is_none() {
        fields.wrong(format_args!("{field}.severity"), "must be one of the four severities");
    }
    let asked = raised(given.sensitivity);
    if asked.is_none() {
        fields.wrong(
            format_args!("{field}.sensitivity"),
            "must be one of the three sensitivities, or not stated",
        );
    }
    let summary = fields.text(format_args!("{field}.summary"), &given.summary, 280);
    let attributes = attributes(&mut fields, format_args!("{field}.attributes"), &given.attributes, kind);
    let pointer = fields.text(format_args!("{field}.pointer"), &given.pointer, 500);
    let parsed = match (kind, occurred_at, severity, asked) {
        (Some(kind), Some(occurred_at), Some(severity), Some(asked)) => {
            let retention = SignedDuration::from_hours(24 * i64::from(kind.retention_days));
            let retained = occurred_at.saturating_add(retention).unwrap_or(occurred_at);
            Some(Draft {
                kind: kind.id.clone(),
                source,
                person: who,
                uprn,
                area,
                occurred_at,
                lapses_at: lapses_at.map_or(retained, |asked| asked.min(retained)),
                severity,
                sensitivity: kind.sensitivity.max(asked),
                summary,
                attributes,
                pointer,
                stated: Stated {
                    area: stated_area,
                    lapses_at,
                    sensitivity: asked,
                },
            })
        }
        _ => None,
    };
    fields.finish(parsed)
}

/// The source of a retraction.
///
/// # Errors
/// Every field that breaks its rule.
pub fn retraction(given: &proto::RetractSignalRequest) -> Result<Source, Vec<Violation>> {
    super::report::undone(&given.source_system, &given.source_id, given.version)
}

/// How a sender names what it says. `under` is what goes before the names of the three fields: that of the message in which
/// they stand and a dot, or nothing.
pub(super) fn source(fields: &mut Fields, under: impl Display + Copy, system: &str, id: &str, number: u64) -> Source {
    Source {
        system: fields.some_text(format_args!("{under}source_system"), system, 64),
        id: fields.some_text(format_args!("{under}source_id"), id, 128),
        version: version(fields, format_args!("{under}version"), number),
    }
}

fn version(fields: &mut Fields, field: impl Display + Copy, version: u64) -> u64 {
    if version == 0 || version > i64::MAX.unsigned_abs() {
        fields.wrong(field, "must be from 1 to 9223372036854775807");
    }
    version
}

fn kind<'c>(fields: &mut Fields, field: impl Display + Copy, given: &str, against: Against<'c>) -> Option<&'c Kind> {
    let kind = given.parse::<KindId>().ok().and_then(|id| against.catalogue.kind(&id));
    if kind.is_none() {
        fields.wrong(field, "must be a kind of the hub's catalogue");
    }
    kind
}

fn area(
    fields: &mut Fields,
    field: impl Display + Copy,
    stated: Option<&AreaCode>,
    uprn: Option<Uprn>,
    against: Against<'_>,
) -> Option<AreaCode> {
    if let Some(area) = uprn.and_then(|uprn| against.places.area_of(uprn)) {
        return Some(area.clone());
    }
    if stated.is_some_and(|area| !against.places.knows(area)) {
        fields.wrong(field, "must be an area of this place");
    }
    stated.cloned()
}

fn severity(given: proto::Severity) -> Option<Severity> {
    match given {
        proto::Severity::Unspecified => None,
        proto::Severity::Low => Some(Severity::Low),
        proto::Severity::Medium => Some(Severity::Medium),
        proto::Severity::High => Some(Severity::High),
        proto::Severity::Critical => Some(Severity::Critical),
    }
}

/// What the owner asks for; `None` for a sensitivity that this version of the hub does not know, which may be a higher one.
fn raised(given: i32) -> Option<Sensitivity> {
    match proto::Sensitivity::try_from(given).ok()? {
        proto::Sensitivity::Unspecified | proto::Sensitivity::Ordinary => Some(Sensitivity::Ordinary),
        proto::Sensitivity::Sensitive => Some(Sensitivity::Sensitive),
        proto::Sensitivity::Restricted => Some(Sensitivity::Restricted),
    }
}

fn attributes(
    fields: &mut Fields,
    field: impl Display + Copy,
    given: &std::collections::HashMap<String, AttributeValue>,
    kind: Option<&Kind>,
) -> BTreeMap<String, Attribute> {
    let Some(kind) = kind else {
        return BTreeMap::new();
    };
    let sorted: BTreeMap<_, _> = given.iter().collect();
    let mut read = BTreeMap::new();
    for (name, value) in sorted {
        let Some(expected) = kind.attributes.get(name) else {
            fields.wrong(
                field,
                format_args!("has an attribute that `{}` does not declare", kind.id),
            );
            continue;
        };
        let here = format_args!("{field}.{name}");
        match &value.value {
            Some(Value::DateValue(date)) if !is_date(date) => fields.wrong(here, "must be a date written YYYY-MM-DD"),
            Some(given) => {
                let attribute = match given {
                    Value::BooleanValue(yes) => Attribute::Boolean(*yes),
                    Value::DateValue(date) => Attribute::Date(date.clone()),
                    Value::IntegerValue(number) => Attribute::Integer(*number),
                    Value::TextValue(text) => Attribute::Text(fields.text(here, text, 200)),
                };
                if expected.fits(&attribute) {
                    read.insert(name.clone(), attribute);
                } else {
                    fields.wrong(here, format_args!("must be of the type {}", expected.word()));
                }
            }
            None => fields.wrong(here, format_args!("must be of the type {}", expected.word())),
        }
    }
    read
}

fn is_date(text: &str) -> bool {
    text.parse::<Date>().is_ok_and(|date| date.to_string() == text)
}
