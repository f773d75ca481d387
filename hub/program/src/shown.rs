//! Signals and events as an answer shows them: as a table that a council officer can read, and as JSON.
//! It shows what the hub showed, and guesses nothing.

use placehub_proto::v1::{
    AttributeValue, DisclosureLevel, PersonIdentity, Signal, SignalDetail, attribute_value::Value,
};
use serde_json::{Map, Value as Json, json};

use crate::{grid::Grid, moment, words};

/// A table of signals: one row each, and below it what is shown in detail.
pub(crate) fn table(signals: &[Signal]) -> Grid<6> {
    let mut grid = Grid::new(["WHEN", "AGENCY", "WHAT", "AREA", "SEVERITY", "SHOWN"]);
    for signal in signals {
        let level = words::level(signal.level()).to_owned();
        let below = signal.detail.as_ref().map(detail_lines).unwrap_or_default();
        if signal.level() == DisclosureLevel::Existence {
            let whom = format!("known to them; ask {}", signal.owner_contact);
            grid.row([
                "-".into(),
                signal.owner_agency.clone(),
                whom,
                "-".into(),
                "-".into(),
                level,
            ]);
        } else {
            let when = moment::shown(moment::of_wire(signal.occurred_at.as_ref()));
            let severity = words::severity(signal.severity()).to_owned();
            let cells = [
                when,
                signal.owner_agency.clone(),
                signal.kind.clone(),
                dash(&signal.area_code),
                severity,
                level,
            ];
            grid.row_with(cells, below);
        }
    }
    grid
}

/// A signal as JSON, with the contract's field names; what is not shown is left out.
pub(crate) fn view(signal: &Signal) -> Json {
    let mut object = Map::new();
    put(&mut object, "level", words::level(signal.level()));
    put(&mut object, "owner_agency", &signal.owner_agency);
    put(&mut object, "owner_contact", &signal.owner_contact);
    put(&mut object, "id", &signal.id);
    put(&mut object, "kind", &signal.kind);
    put_time(&mut object, "occurred_at", signal.occurred_at.as_ref());
    put(&mut object, "area_code", &signal.area_code);
    if signal.severity != 0 {
        put(&mut object, "severity", words::severity(signal.severity()));
    }
    if let Some(detail) = &signal.detail {
        object.insert("detail".into(), detail_view(detail));
    }
    Json::Object(object)
}

fn detail_lines(detail: &SignalDetail) -> Vec<String> {
    let mut lines = vec![detail.summary.clone()];
    let attributes: Vec<String> = detail
        .attributes
        .iter()
        .map(|(name, value)| format!("{name}: {}", spoken(value)))
        .collect();
    lines.push(attributes.join("; "));
    if let Some(person) = &detail.person {
        lines.push(about(person));
    }
    if !detail.uprn.is_empty() {
        lines.push(format!("address {}", detail.uprn));
    }
    if !detail.pointer.is_empty() {
        lines.push(format!("more at {}", detail.pointer));
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn about(person: &PersonIdentity) -> String {
    let parts = [
        (
            "",
            format!("{} {}", person.given_name, person.family_name)
                .trim()
                .to_owned(),
        ),
        ("born ", person.birth_date.clone()),
        ("NHS ", person.nhs_number.clone()),
        ("NHS (unverified) ", person.unverified_nhs_number.clone()),
        ("", person.postcode.clone()),
    ];
    let told: Vec<String> = parts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(word, value)| format!("{word}{value}"))
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => format!("about {}", told.join(", ")),
    }
}

fn spoken(value: &AttributeValue) -> String {
    match &value.value {
        Some(Value::TextValue(text)) => text.clone(),
        Some(Value::IntegerValue(number)) => number.to_string(),
        Some(Value::BooleanValue(true)) => "yes".into(),
        Some(Value::BooleanValue(false)) => "no".into(),
        Some(Value::DateValue(date)) => date.clone(),
        None => "-".into(),
    }
}

fn detail_view(detail: &SignalDetail) -> Json {
    let mut object = Map::new();
    put(&mut object, "summary", &detail.summary);
    let attributes: Map<String, Json> = detail
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), attribute_view(value)))
        .collect();
    object.insert("attributes".into(), attributes.into());
    if let Some(person) = &detail.person {
        object.insert("person".into(), person_view(person));
    }
    put(&mut object, "uprn", &detail.uprn);
    put_time(&mut object, "lapses_at", detail.lapses_at.as_ref());
    object.insert("version".into(), detail.version.into());
    put(&mut object, "pointer", &detail.pointer);
    Json::Object(object)
}

fn person_view(person: &PersonIdentity) -> Json {
    let mut object = Map::new();
    for (name, value) in [
        ("nhs_number", &person.nhs_number),
        ("unverified_nhs_number", &person.unverified_nhs_number),
        ("family_name", &person.family_name),
        ("given_name", &person.given_name),
        ("birth_date", &person.birth_date),
        ("postcode", &person.postcode),
        ("uprn", &person.uprn),
    ] {
        put(&mut object, name, value);
    }
    Json::Object(object)
}

fn attribute_view(value: &AttributeValue) -> Json {
    match &value.value {
        Some(Value::TextValue(text)) => json!(text),
        Some(Value::IntegerValue(number)) => json!(number),
        Some(Value::BooleanValue(yes)) => json!(yes),
        Some(Value::DateValue(date)) => json!({ "date": date }),
        None => Json::Null,
    }
}

fn put(object: &mut Map<String, Json>, name: &str, value: &str) {
    if !value.is_empty() {
        object.insert(name.to_owned(), value.into());
    }
}

fn put_time(object: &mut Map<String, Json>, name: &str, at: Option<&prost_types::Timestamp>) {
    if let Some(at) = moment::of_wire(at) {
        object.insert(name.to_owned(), at.to_string().into());
    }
}

fn dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use placehub_proto::v1::Severity;

    use super::*;

    fn headline() -> Signal {
        Signal {
            level: DisclosureLevel::Headline.into(),
            owner_agency: "police".into(),
            owner_contact: "desk".into(),
            id: "1".into(),
            kind: "police.asb-incident".into(),
            occurred_at: Some(prost_types::Timestamp {
                seconds: 1_794_000_000,
                nanos: 0,
            }),
            area_code: "E01006283".into(),
            severity: Severity::Medium.into(),
            detail: None,
        }
    }

    #[test]
    fn a_headline_has_no_detail_in_either_form() {
        assert_eq!(view(&headline()).get("detail"), None);
        assert_eq!(table(&[headline()]).to_string().lines().count(), 2);
    }

    #[test]
    fn existence_tells_whom_to_ask_and_nothing_else() {
        let existence = Signal {
            level: DisclosureLevel::Existence.into(),
            owner_agency: "housing".into(),
            owner_contact: "tenancy team".into(),
            ..Default::default()
        };
        let fields = json!({ "level": "existence", "owner_agency": "housing", "owner_contact": "tenancy team" });
        assert_eq!(view(&existence), fields);
        assert!(table(&[existence]).to_string().contains("ask tenancy team"));
    }

    #[test]
    fn a_detail_is_told_below_its_row() {
        let attributes = [
            (
                "weeks".to_owned(),
                AttributeValue {
                    value: Some(Value::IntegerValue(9)),
                },
            ),
            (
                "open".to_owned(),
                AttributeValue {
                    value: Some(Value::BooleanValue(true)),
                },
            ),
        ]
        .into();
        let detail = SignalDetail {
            summary: "In arrears".into(),
            attributes,
            ..Default::default()
        };
        let signal = Signal {
            level: DisclosureLevel::Detail.into(),
            detail: Some(detail),
            ..headline()
        };
        let told = table(&[signal]).to_string();
        assert!(told.contains("\n    In arrears\n    open: yes; weeks: 9"), "{told}");
    }
}
