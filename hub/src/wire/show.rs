//! Writes a signal as an answer shows it: what a level does not include is never filled.

use placehub_proto::v1::{self as proto, AttributeValue, attribute_value::Value};

use super::timestamp;
use crate::{
    model::{Attribute, Body, Header, Level, Severity},
    signals::Opened,
};

/// The signal as the contract carries it; `contact` is whom to ring at its owner.
pub fn signal(opened: Opened, contact: String) -> proto::Signal {
    let Opened {
        header,
        level: shown,
        body,
    } = opened;
    let existence = proto::Signal {
        level: level(shown).into(),
        owner_agency: header.owner.to_string(),
        owner_contact: contact,
        ..proto::Signal::default()
    };
    if shown == Level::Existence {
        return existence;
    }
    proto::Signal {
        id: header.id.text(),
        kind: header.kind.to_string(),
        occurred_at: Some(timestamp(header.occurred_at)),
        area_code: header.area.as_ref().map(ToString::to_string).unwrap_or_default(),
        severity: severity(header.severity).into(),
        detail: body
            .filter(|_| shown == Level::Detail)
            .map(|body| detail(&header, &body)),
        ..existence
    }
}

/// A level as the contract carries it.
pub fn level(level: Level) -> proto::DisclosureLevel {
    match level {
        Level::Existence => proto::DisclosureLevel::Existence,
        Level::Headline => proto::DisclosureLevel::Headline,
        Level::Detail => proto::DisclosureLevel::Detail,
    }
}

fn severity(severity: Severity) -> proto::Severity {
    match severity {
        Severity::Low => proto::Severity::Low,
        Severity::Medium => proto::Severity::Medium,
        Severity::High => proto::Severity::High,
        Severity::Critical => proto::Severity::Critical,
    }
}

fn detail(header: &Header, body: &Body) -> proto::SignalDetail {
    proto::SignalDetail {
        summary: body.summary.clone(),
        attributes: body
            .attributes
            .iter()
            .map(|(name, value)| (name.clone(), attribute(value)))
            .collect(),
        person: body.person.as_ref().map(|who| proto::PersonIdentity {
            nhs_number: who.nhs_number.clone(),
            unverified_nhs_number: who.unverified_nhs_number.clone(),
            local_references: Vec::new(),
            family_name: who.family_name.clone(),
            given_name: who.given_name.clone(),
            birth_date: who.birth_date.clone(),
            postcode: who.postcode.clone(),
            uprn: who.uprn.clone(),
        }),
        uprn: body.uprn.clone(),
        lapses_at: Some(timestamp(header.lapses_at)),
        version: header.version,
        pointer: body.pointer.clone(),
    }
}

fn attribute(attribute: &Attribute) -> AttributeValue {
    AttributeValue {
        value: Some(match attribute {
            Attribute::Boolean(yes) => Value::BooleanValue(*yes),
            Attribute::Date(date) => Value::DateValue(date.clone()),
            Attribute::Integer(number) => Value::IntegerValue(*number),
            Attribute::Text(text) => Value::TextValue(text.clone()),
        }),
    }
}
