//! Reads FHIR R4 encounters, alone or in a Bundle, with UK Core's identifiers and extensions.
//! Pure. It never follows a reference out of the file.

use std::sync::Arc;

use placehub_delivery::{
    FileError, Piece, Placed, Untranslatable,
    fields::{self, Nhs},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Event, Patient, What,
    fhir_resources::{Address, Bundle, Encounter, Entry, Extension, Identifier, Patient as Resource},
    mns,
};

/// The system of NHS numbers (UK Core, Identifier).
const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// "Number present and verified" (UK Core, NHSNumberVerificationStatus).
const VERIFIED: &str = "01";

/// Reads each encounter of the text, which begins with `{`.
pub(super) fn read(text: &str) -> Result<Vec<Placed<Event>>, FileError> {
    let malformed = |rule: String| FileError::Malformed {
        format: "FHIR JSON",
        rule,
    };
    // serde_json's own message may repeat a value; its place in the file does not.
    let place = |error: serde_json::Error| malformed(format!("line {}, column {}", error.line(), error.column()));
    let root: Value = serde_json::from_str(text).map_err(place)?;
    if let Some(content) = mns::read(&root) {
        return Ok(vec![Placed {
            place: "signal".into(),
            content,
            piece: Piece::Text(text.into()),
        }]);
    }
    let entries = match resource_type(&root) {
        "Bundle" => {
            serde_json::from_value::<Bundle>(root)
                .map_err(|_| malformed("Bundle is malformed".into()))?
                .entry
        }
        _ => vec![Entry {
            full_url: String::new(),
            resource: root,
        }],
    };
    // An encounter is of no use without the patient beside it.
    let whole: Arc<str> = text.into();
    let encounters = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| resource_type(&entry.resource) == "Encounter");
    let events: Vec<_> = encounters
        .map(|(index, entry)| Placed {
            place: format!("entry {}", index + 1),
            content: event(&entry.resource, &entries),
            piece: Piece::Text(whole.clone()),
        })
        .collect();
    if events.is_empty() {
        Err(malformed("it holds no Encounter".into()))
    } else {
        Ok(events)
    }
}

fn event(resource: &Value, entries: &[Entry]) -> Result<Event, Untranslatable> {
    let encounter: Encounter = parse(resource, "Encounter")?;
    let what = what(&encounter)?;
    let (field, text) = match what {
        What::Discharge { .. } => ("period.end", &encounter.period.end),
        _ => ("period.start", &encounter.period.start),
    };
    if text.is_empty() {
        return Err(Untranslatable::new(field, "is missing"));
    }
    let at =
        fields::moment(text).map_err(|_| Untranslatable::new(field, "is not a FHIR dateTime to the day at least"))?;
    let (system, id) = name(&encounter)?;
    Ok(Event {
        at,
        patient: patient(&find_patient(&encounter, entries)?)?,
        what,
        system,
        id,
        version: fields::version(&encounter.meta.version_id).unwrap_or(1),
        pointer: String::new(),
    })
}

/// Class and status say what happened (v3 ActCode, EncounterStatus).
fn what(encounter: &Encounter) -> Result<What, Untranslatable> {
    let stay = &encounter.hospitalization;
    let words = |concept: Option<&str>| concept.and_then(|words| fields::phrase(words).ok());
    match (encounter.class.code.as_str(), encounter.status.as_str()) {
        ("IMP", "in-progress") => {
            let method = stay.extension.iter().find(|it| it.url.contains("AdmissionMethod"));
            let method = method
                .and_then(|it| it.value_codeable_concept.words())
                .or(stay.admit_source.words());
            Ok(What::Admission { method: words(method) })
        }
        ("IMP", "finished") => Ok(What::Discharge {
            destination: words(stay.discharge_disposition.words()),
        }),
        ("EMER", "arrived" | "triaged" | "in-progress" | "onleave" | "finished") => {
            Ok(What::EmergencyAttendance { arrival_mode: None })
        }
        ("IMP" | "EMER", _) => Err(Untranslatable::new("Encounter.status", "is one that carries no signal")),
        _ => Err(Untranslatable::new(
            "Encounter.class",
            "is neither IMP nor EMER: it carries no signal",
        )),
    }
}

/// The encounter's own identifier, or its id on the server, with the system that gave it.
fn name(encounter: &Encounter) -> Result<(String, String), Untranslatable> {
    let known = |it: &&Identifier| !it.value.is_empty() && (1..=64).contains(&it.system.chars().count());
    let (system, id) = match encounter.identifier.iter().find(known) {
        Some(identifier) => (identifier.system.as_str(), &identifier.value),
        None => ("fhir", &encounter.id),
    };
    let id = fields::label(id).map_err(|rule| Untranslatable::new("Encounter.identifier", rule))?;
    Ok((system.to_owned(), id))
}

/// Follows the subject: into the encounter (`#id`), or to an entry of the bundle by full URL or `Patient/id`.
fn find_patient(encounter: &Encounter, entries: &[Entry]) -> Result<Resource, Untranslatable> {
    let reference = encounter.subject.reference.as_str();
    let wanted = reference
        .strip_prefix('#')
        .or_else(|| reference.strip_prefix("Patient/"));
    let has_id = |resource: &&Value| wanted.is_some_and(|id| resource.get("id").and_then(Value::as_str) == Some(id));
    let inside = encounter.contained.iter().filter(|_| reference.starts_with('#'));
    let beside = entries.iter().filter(|_| !reference.starts_with('#'));
    let by_url = beside
        .clone()
        .filter(|entry| !reference.is_empty() && entry.full_url == reference);
    let by_url = by_url.map(|entry| &entry.resource);
    let by_id = inside.chain(beside.map(|entry| &entry.resource)).filter(has_id);
    let found = by_url
        .chain(by_id)
        .find(|resource| resource_type(resource) == "Patient");
    parse(
        found.ok_or_else(|| Untranslatable::new("Encounter.subject", "refers to no Patient in this file"))?,
        "Patient",
    )
}

fn patient(resource: &Resource) -> Result<Patient, Untranslatable> {
    let name = resource
        .name
        .iter()
        .find(|name| name.used_as == "official")
        .or(resource.name.first());
    let label = |text: &str, field: &str| match text.trim() {
        "" => Ok(None),
        text => fields::label(text)
            .map(Some)
            .map_err(|rule| Untranslatable::new(field, rule)),
    };
    let home = resource
        .address
        .iter()
        .find(|address| address.used_as == "home")
        .or(resource.address.first());
    let mut patient = Patient {
        family_name: name.map_or(Ok(None), |name| label(&name.family, "Patient.name.family"))?,
        given_name: name.map_or(Ok(None), |name| label(&name.given.join(" "), "Patient.name.given"))?,
        // FHIR allows a year or a month alone, which is no birth date for the hub.
        birth_date: match resource.birth_date.len() {
            ..=7 => None,
            _ => Some(
                fields::date(&resource.birth_date).map_err(|rule| Untranslatable::new("Patient.birthDate", rule))?,
            ),
        },
        // Patients from abroad have postcodes that mean nothing to the hub.
        postcode: home.and_then(|home| fields::postcode(&home.postal_code).ok()),
        uprn: home.and_then(uprn),
        ..Default::default()
    };
    for identifier in &resource.identifier {
        identify(identifier, &mut patient)?;
    }
    Ok(patient)
}

/// Takes one identifier. An NHS number that the source says it has not verified is kept apart, whatever its check digit.
fn identify(identifier: &Identifier, patient: &mut Patient) -> Result<(), Untranslatable> {
    if identifier.system != NHS_NUMBER {
        patient.refer(&identifier.system, &identifier.value);
        return Ok(());
    }
    let nhs = fields::nhs(&identifier.value);
    let nhs = nhs.map_err(|rule| Untranslatable::new("Patient.identifier", format!("NHS number {rule}")))?;
    let status = identifier
        .extension
        .iter()
        .find(|it| it.url.contains("NHSNumberVerificationStatus"));
    let verified = status.is_none_or(|it| {
        it.value_codeable_concept
            .coding
            .iter()
            .any(|coding| coding.code == VERIFIED)
    });
    let nhs = match nhs {
        Nhs::Checked(digits) if !verified => Nhs::Unchecked(digits),
        nhs => nhs,
    };
    if !matches!(patient.nhs, Some(Nhs::Checked(_))) {
        patient.nhs = Some(nhs);
    }
    Ok(())
}

/// UK Core's AddressKey extension: a `type` whose code is UPRN, beside a `value`.
fn uprn(address: &Address) -> Option<String> {
    let part = |key: &'_ Extension, url: &str| key.extension.iter().position(|part| part.url == url);
    let keys = address
        .extension
        .iter()
        .filter(|extension| extension.url.contains("AddressKey"));
    keys.filter_map(|key| {
        let kind = key.extension.get(part(key, "type")?)?;
        let value = key.extension.get(part(key, "value")?)?;
        let is_uprn = kind.value_coding.code == "UPRN"
            || kind
                .value_codeable_concept
                .coding
                .iter()
                .any(|coding| coding.code == "UPRN");
        is_uprn.then(|| fields::uprn(&value.value_string).ok()).flatten()
    })
    .next()
}

fn parse<T: DeserializeOwned>(resource: &Value, name: &str) -> Result<T, Untranslatable> {
    T::deserialize(resource).map_err(|_| Untranslatable::new(name, "is not shaped as in FHIR R4"))
}

fn resource_type(resource: &Value) -> &str {
    resource.get("resourceType").and_then(Value::as_str).unwrap_or_default()
}
