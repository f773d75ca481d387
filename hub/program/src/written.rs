//! Reads signal drafts from JSON: the contract's field names, enumerations as words, times as text.
//! It is the form that the adapters' `check --json` shows. A refusal names the field, never its value.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;
use placehub_delivery::{draft, fields};
use placehub_proto::v1::{
    AttributeValue, LocalReference, PersonIdentity, Sensitivity, SignalDraft, attribute_value::Value,
};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::moment;

/// What a file of drafts looks like, for `--help`.
pub(crate) const FORM: &str = r#"A file holds one draft, or an array of drafts:
  {
    "kind": "housing.rent-arrears",
    "source_system": "rents", "source_id": "T-1:2026-11", "version": 1,
    "person": { "nhs_number": "9990001006", "family_name": "Sample", "given_name": "Alex",
                "birth_date": "1958-03-14", "postcode": "WN99 9AA",
                "local_references": [{ "system": "tenancy", "value": "T-1" }] },
    "uprn": "999000000101",
    "occurred_at": "2026-11-09T09:00:00Z",
    "severity": "medium",
    "summary": "Rent arrears: 9 weeks",
    "attributes": { "weeks": 9, "pence": 81240 }
  }
Attributes are text, whole numbers, true or false, and dates as { "date": "2026-11-09" }.
Also known: "area_code", "lapses_at", "sensitivity", "pointer". "version" is 1 if left out."#;

/// Reads one draft or an array of drafts, each with its origin: the file's name and its number in it.
///
/// # Errors
/// The item and the field that is wrong.
pub(crate) fn drafts(text: &str, file: &str) -> Result<Vec<(String, SignalDraft)>> {
    let json: Json = serde_json::from_str(text)
        .map_err(|why| anyhow!("{file} is not JSON: line {}, column {}", why.line(), why.column()))?;
    let items = match json {
        Json::Array(items) => items,
        one => vec![one],
    };
    let named = |index: usize| format!("{file} item {}", index + 1);
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| Ok((named(index), read(item).context(named(index))?)))
        .collect()
}

/// Reads an attribute from `NAME=VALUE`: a whole number, true or false, and a date are taken as such;
/// `NAME:text=VALUE` keeps any of them as text.
///
/// # Errors
/// If it has not this form.
pub(crate) fn attribute(text: &str) -> Result<(String, AttributeValue)> {
    let (name, value) = text.split_once('=').context("`--attr` must be NAME=VALUE")?;
    let (name, as_text) = match name.strip_suffix(":text") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let value = match value {
        text if as_text => Value::TextValue(text.to_owned()),
        "true" => Value::BooleanValue(true),
        "false" => Value::BooleanValue(false),
        other => match (other.parse::<i64>(), other.parse::<jiff::civil::Date>()) {
            (Ok(number), _) => Value::IntegerValue(number),
            (_, Ok(_)) if other.len() == 10 => Value::DateValue(other.to_owned()),
            _ => Value::TextValue(other.to_owned()),
        },
    };
    Ok((name.to_owned(), AttributeValue { value: Some(value) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: String,
    source_system: String,
    source_id: String,
    #[serde(default = "first")]
    version: u64,
    person: Option<WrittenPerson>,
    #[serde(default)]
    uprn: String,
    #[serde(default)]
    area_code: String,
    occurred_at: String,
    lapses_at: Option<String>,
    severity: String,
    sensitivity: Option<String>,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    attributes: BTreeMap<String, Json>,
    #[serde(default)]
    pointer: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenPerson {
    nhs_number: String,
    unverified_nhs_number: String,
    local_references: Vec<WrittenReference>,
    family_name: String,
    given_name: String,
    birth_date: String,
    postcode: String,
    uprn: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReference {
    system: String,
    value: String,
}

fn first() -> u64 {
    1
}

fn read(item: Json) -> Result<SignalDraft> {
    let Json::Object(ref fields) = item else {
        bail!("must be an object")
    };
    // serde's own words on a value of the wrong type would repeat it; the name of the field is enough.
    let guilty = fields.keys().find(|name| !KNOWN.contains(&name.as_str())).cloned();
    if let Some(unknown) = guilty {
        bail!("`{unknown}` is not a field of a draft");
    }
    let written: Written = serde_json::from_value(item).map_err(|why| anyhow!(without_values(&why.to_string())))?;
    let severity = fields::severity(&written.severity).map_err(|rule| anyhow!("`severity` {rule}"))?;
    Ok(SignalDraft {
        kind: written.kind,
        source_system: written.source_system,
        source_id: written.source_id,
        version: written.version,
        person: written.person.map(PersonIdentity::from),
        uprn: written.uprn,
        area_code: written.area_code,
        occurred_at: Some(moment::to_wire(time("occurred_at", &written.occurred_at)?)),
        lapses_at: written
            .lapses_at
            .map(|text| time("lapses_at", &text))
            .transpose()?
            .map(moment::to_wire),
        severity: severity.into(),
        sensitivity: sensitivity(written.sensitivity.as_deref())?.into(),
        summary: written.summary,
        attributes: written
            .attributes
            .into_iter()
            .map(|(name, value)| Ok((name.clone(), of_json(&name, value)?)))
            .collect::<Result<HashMap<_, _>>>()?,
        pointer: written.pointer,
    })
}

const KNOWN: [&str; 14] = [
    "kind",
    "source_system",
    "source_id",
    "version",
    "person",
    "uprn",
    "area_code",
    "occurred_at",
    "lapses_at",
    "severity",
    "sensitivity",
    "summary",
    "attributes",
    "pointer",
];

/// serde says `invalid type: string "…", expected …`: what was found is left out.
fn without_values(told: &str) -> String {
    match (told.strip_prefix("invalid "), told.rsplit_once(", expected ")) {
        (Some(_), Some((_, expected))) => format!("a field is not of its type: expected {expected}"),
        _ => told.to_owned(),
    }
}

fn time(field: &str, text: &str) -> Result<Timestamp> {
    fields::moment(text).map_err(|rule| anyhow!("`{field}` {rule}"))
}

fn sensitivity(word: Option<&str>) -> Result<Sensitivity> {
    match word {
        None => Ok(Sensitivity::Unspecified),
        Some("ordinary") => Ok(Sensitivity::Ordinary),
        Some("sensitive") => Ok(Sensitivity::Sensitive),
        Some("restricted") => Ok(Sensitivity::Restricted),
        Some(_) => bail!("`sensitivity` is not ordinary, sensitive or restricted"),
    }
}

fn of_json(name: &str, value: Json) -> Result<AttributeValue> {
    let refused =
        || anyhow!("`attributes.{name}` is not text, a whole number, true or false, or a date as {{\"date\": …}}");
    let value = match value {
        Json::Bool(yes) => Value::BooleanValue(yes),
        Json::Number(number) => return number.as_i64().map(draft::integer_attribute).ok_or_else(refused),
        Json::String(text) => Value::TextValue(text),
        Json::Object(fields) if fields.len() == 1 => match fields.get("date").and_then(Json::as_str) {
            Some(date) => Value::DateValue(date.to_owned()),
            None => return Err(refused()),
        },
        _ => return Err(refused()),
    };
    Ok(AttributeValue { value: Some(value) })
}

impl From<WrittenPerson> for PersonIdentity {
    fn from(written: WrittenPerson) -> Self {
        let reference = |one: WrittenReference| LocalReference {
            system: one.system,
            value: one.value,
        };
        Self {
            nhs_number: written.nhs_number,
            unverified_nhs_number: written.unverified_nhs_number,
            local_references: written.local_references.into_iter().map(reference).collect(),
            family_name: written.family_name,
            given_name: written.given_name,
            birth_date: written.birth_date,
            postcode: written.postcode,
            uprn: written.uprn,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Json {
        json!({
            "kind": "housing.rent-arrears",
            "source_system": "rents",
            "source_id": "T-1",
            "person": { "family_name": "Sample", "local_references": [{ "system": "tenancy", "value": "T-1" }] },
            "occurred_at": "2026-11-09T09:00:00Z",
            "severity": "high",
            "attributes": { "weeks": 9, "open": true, "note": "x", "on": { "date": "2026-11-09" } }
        })
    }

    #[test]
    fn what_an_adapter_shows_can_be_pushed_by_hand() {
        let (_, read) = drafts(&sample().to_string(), "f").unwrap().remove(0);
        let (_, again) = drafts(&draft::view(&read).to_string(), "f").unwrap().remove(0);
        assert_eq!(read, again);
        assert_eq!(read.version, 1);
    }

    #[test]
    fn every_item_of_an_array_has_its_number() {
        let text = json!([sample(), sample()]).to_string();
        let origins: Vec<String> = drafts(&text, "f.json")
            .unwrap()
            .into_iter()
            .map(|(origin, _)| origin)
            .collect();
        assert_eq!(origins, ["f.json item 1", "f.json item 2"]);
    }

    #[test]
    fn a_mistake_names_the_field_and_never_its_value() {
        for (field, value) in [
            ("occurred_at", json!("secret")),
            ("severity", json!("secret")),
            ("sensitivity", json!("secret")),
            ("person", json!("secret")),
            ("kind", json!(["secret"])),
            ("attributes", json!({ "weeks": ["secret"] })),
            ("colour", json!("secret")),
        ] {
            let mut wrong = sample();
            wrong[field] = value;
            let told = format!("{:#}", drafts(&wrong.to_string(), "f").unwrap_err());
            assert!(told.contains("f item 1") && !told.contains("secret"), "{field}: {told}");
        }
        let told = format!("{:#}", drafts("{\"kind\": secret}", "f").unwrap_err());
        assert!(told.contains("line 1") && !told.contains("secret"), "{told}");
    }

    #[test]
    fn an_attribute_on_the_command_line_takes_the_type_it_looks_like() {
        let read = |text: &str| attribute(text).unwrap().1.value.unwrap();
        assert_eq!(read("weeks=9"), Value::IntegerValue(9));
        assert_eq!(read("open=true"), Value::BooleanValue(true));
        assert_eq!(read("on=2026-11-09"), Value::DateValue("2026-11-09".into()));
        assert_eq!(read("practice:text=2026"), Value::TextValue("2026".into()));
        assert_eq!(read("note=a=b"), Value::TextValue("a=b".into()));
        assert!(attribute("weeks").is_err());
    }
}
