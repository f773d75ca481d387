//! Writes a signal as an answer shows it: what a level does not include is never filled.

use placehub_proto::{
    Encoded,
    v1::{self as proto, AttributeValue, attribute_value::Value},
};

use super::timestamp;
use crate::{
    authn::Agencies,
    model::{Attribute, Body, Header, Level, Severity},
    signals::{Form, Opened},
};

/// The signal as the contract carries it. What was written out before is sent as it is.
pub fn signal(agencies: &Agencies, opened: Opened) -> Encoded {
    match opened {
        Opened::Whole(bytes) => bytes.into(),
        Opened::Labels(header, level) => Encoded::from(&labels(agencies, &header, level)),
    }
}

/// How a signal at detail level is written out: in the bytes of the contract. They follow from the signal and from whom to
/// ring at its owner, which stays as it is while the hub runs.
pub fn form(agencies: Agencies) -> Form {
    Box::new(move |header, body| Encoded::from(&whole(&agencies, header, body)).into())
}

/// A level as the contract carries it.
pub fn level(level: Level) -> proto::DisclosureLevel {
    match level {
        Level::Existence => proto::DisclosureLevel::Existence,
        Level::Headline => proto::DisclosureLevel::Headline,
        Level::Detail => proto::DisclosureLevel::Detail,
    }
}

fn whole(agencies: &Agencies, header: &Header, body: Body) -> proto::Signal {
    proto::Signal {
        detail: Some(detail(header, body)),
        ..labels(agencies, header, Level::Detail)
    }
}

/// All of a signal but its content, which is shown at detail level alone.
fn labels(agencies: &Agencies, header: &Header, shown: Level) -> proto::Signal {
    let owner = agencies.find(&header.owner);
    let existence = proto::Signal {
        level: level(shown).into(),
        owner_agency: header.owner.as_str().to_owned(),
        owner_contact: owner.map(|owner| owner.contact.clone()).unwrap_or_default(),
        ..proto::Signal::default()
    };
    if shown == Level::Existence {
        return existence;
    }
    let area = header.area.as_ref().map(|area| area.as_str().to_owned());
    proto::Signal {
        id: header.id.text(),
        kind: header.kind.as_str().to_owned(),
        occurred_at: Some(timestamp(header.occurred_at)),
        area_code: area.unwrap_or_default(),
        severity: severity(header.severity).into(),
        ..existence
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

fn detail(header: &Header, body: Body) -> proto::SignalDetail {
    let attributes = body.attributes.into_iter();
    proto::SignalDetail {
        summary: body.summary,
        attributes: attributes.map(|(name, value)| (name, attribute(value))).collect(),
        person: body.person.map(|who| proto::PersonIdentity {
            nhs_number: who.nhs_number,
            unverified_nhs_number: who.unverified_nhs_number,
            local_references: Vec::new(),
            family_name: who.family_name,
            given_name: who.given_name,
            birth_date: who.birth_date,
            postcode: who.postcode,
            uprn: who.uprn,
        }),
        uprn: body.uprn,
        lapses_at: Some(timestamp(header.lapses_at)),
        version: header.version,
        pointer: body.pointer,
    }
}

fn attribute(attribute: Attribute) -> AttributeValue {
    AttributeValue {
        value: Some(match attribute {
            Attribute::Boolean(yes) => Value::BooleanValue(yes),
            Attribute::Date(date) => Value::DateValue(date),
            Attribute::Integer(number) => Value::IntegerValue(number),
            Attribute::Text(text) => Value::TextValue(text),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use placehub_proto::ready;
    use prop::{collection::btree_map, option, sample::select};
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::{
        authn::Agency,
        model::{BodyPerson, Sensitivity, SignalId},
    };

    const CONTACT: &str = "01942 000000, tenancy team";

    fn agencies() -> Agencies {
        let housing = Agency {
            id: "housing".parse().unwrap(),
            sector: "housing".parse().unwrap(),
            name: "Housing".to_owned(),
            contact: CONTACT.to_owned(),
            issuer: None,
        };
        Agencies::new([housing]).unwrap()
    }

    fn any_header() -> impl Strategy<Value = Header> {
        let owners = select(vec!["housing", "not-registered"]);
        let areas = option::of(Just("E01006283".parse().unwrap()));
        let severities = select(vec![
            Severity::Low,
            Severity::Medium,
            Severity::High,
            Severity::Critical,
        ]);
        let times = || -62_135_596_800_000_000..253_402_207_200_000_000_i64;
        let of = move |(id, version, owner, area, severity, occurred_at, lapses_at): (_, _, &str, _, _, _, _)| Header {
            id: SignalId(id),
            version,
            kind: "housing.rent-arrears".parse().unwrap(),
            owner: owner.parse().unwrap(),
            person: None,
            address: None,
            area,
            occurred_at: jiff::Timestamp::from_microsecond(occurred_at).unwrap(),
            lapses_at: jiff::Timestamp::from_microsecond(lapses_at).unwrap(),
            severity,
            sensitivity: Sensitivity::Ordinary,
        };
        (
            any::<[u8; 16]>(),
            any::<u64>(),
            owners,
            areas,
            severities,
            times(),
            times(),
        )
            .prop_map(of)
    }

    fn any_body() -> impl Strategy<Value = Body> {
        let attribute = prop_oneof![
            any::<bool>().prop_map(Attribute::Boolean),
            any::<String>().prop_map(Attribute::Date),
            any::<i64>().prop_map(Attribute::Integer),
            any::<String>().prop_map(Attribute::Text),
        ];
        let person =
            any::<[String; 7]>().prop_map(|[number, unverified, family, given, born, postcode, uprn]| BodyPerson {
                nhs_number: number,
                unverified_nhs_number: unverified,
                family_name: family,
                given_name: given,
                birth_date: born,
                postcode,
                uprn,
            });
        let of = |([summary, pointer, uprn], attributes, person): ([String; 3], _, _)| Body {
            summary,
            attributes,
            pointer,
            uprn,
            person,
        };
        (
            any::<[String; 3]>(),
            btree_map(any::<String>(), attribute, 0..8),
            option::of(person),
        )
            .prop_map(of)
    }

    /// As a client of version 1 reads it, in an answer with others.
    fn read(signal: Encoded) -> proto::Signal {
        let answer = ready::AskSignalsResponse {
            signals: vec![Encoded::default(), signal.clone(), signal],
            next_page_token: "more".to_owned(),
            ledger_entry: 7,
        };
        let bytes = answer.encode_to_vec();
        let mut answer = proto::AskSignalsResponse::decode(&*bytes).unwrap();
        assert_eq!(answer.encode_to_vec(), bytes, "version 1 writes the same");
        answer.signals.remove(1)
    }

    proptest! {
        #[test]
        fn a_signal_that_was_written_out_before_reads_as_if_it_were_written_now(header in any_header(), body in any_body()) {
            let written = form(agencies())(&header, body.clone());
            let shown = read(signal(&agencies(), Opened::Whole(written)));
            prop_assert_eq!(&shown, &whole(&agencies(), &header, body.clone()));
            let detail = shown.detail.unwrap();
            prop_assert_eq!((detail.summary, detail.pointer, detail.uprn), (body.summary, body.pointer, body.uprn));
            prop_assert_eq!((detail.version, detail.lapses_at), (header.version, Some(timestamp(header.lapses_at))));
            prop_assert!(detail.attributes.keys().eq(body.attributes.keys()));
            prop_assert_eq!(detail.person.is_some(), body.person.is_some());
        }

        #[test]
        fn a_headline_shows_the_labels_and_existence_no_more_than_whom_to_ring(header in any_header()) {
            let shown = |level| read(signal(&agencies(), Opened::Labels(Arc::new(header.clone()), level)));
            let headline = shown(Level::Headline);
            prop_assert_eq!((&headline.id, headline.kind.as_str()), (&header.id.text(), "housing.rent-arrears"));
            prop_assert_eq!((headline.occurred_at, &headline.detail), (Some(timestamp(header.occurred_at)), &None));
            let registered = header.owner.as_str() == "housing";
            let existence = proto::Signal {
                level: proto::DisclosureLevel::Existence.into(),
                owner_agency: header.owner.to_string(),
                owner_contact: if registered { CONTACT.to_owned() } else { String::new() },
                ..Default::default()
            };
            prop_assert_eq!(shown(Level::Existence), existence);
        }
    }
}
