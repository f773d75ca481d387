//! Reads who a resource is about, from a Patient with UK Core's identifiers and extensions, or from an identifier alone.
//! Pure. It never matches on an NHS number that the source has not verified.

use placehub_delivery::{
    Untranslatable,
    fields::{self, Nhs},
};

use super::{
    Text,
    element::Element,
    resources::{Address, Extension, HumanName, Identifier, Reference},
};
use crate::{format::Patient, mapping::Record};

/// The system of NHS numbers (UK Core, Identifier).
const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// "Number present and verified" (UK Core, NHSNumberVerificationStatus).
const VERIFIED: &str = "01";

/// Follows a reference of the resource: into it (`#id`), to an entry of the Bundle, or to nothing but an identifier.
pub(super) fn referred(element: &Element<'_>, key: &str, text: &Text<'_>) -> Result<Patient, Untranslatable> {
    let reference: Reference = element.parse(key)?;
    let found = match reference.reference.strip_prefix('#') {
        Some(id) => element.contained(id),
        None => text.find(&reference.reference, "Patient"),
    };
    if let Some(patient) = found.filter(|found| found.resource_type() == "Patient") {
        return read(&patient);
    }
    if reference.identifier.value.is_empty() {
        let rule = "refers to no Patient in this file, and has no identifier";
        return Err(Untranslatable::new(element.place(key), rule));
    }
    let mut patient = Patient::default();
    identify(&reference.identifier, &mut patient)
        .map_err(|rule| Untranslatable::new(element.place(&format!("{key}.identifier")), rule))?;
    Ok(patient)
}

/// Reads a Patient.
pub(super) fn read(element: &Element<'_>) -> Result<Patient, Untranslatable> {
    let refuse = |path: &str| {
        let place = element.place(path);
        move |rule: &'static str| Untranslatable::new(place, rule)
    };
    let names: Vec<HumanName> = element.parse("name")?;
    let name = names.iter().find(|name| name.used_as == "official").or(names.first());
    let label = |text: &str, path: &str| match text.trim() {
        "" => Ok(None),
        text => fields::label(text).map(Some).map_err(refuse(path)),
    };
    let addresses: Vec<Address> = element.parse("address")?;
    let home = addresses.iter().find(|address| address.used_as == "home");
    let home = home.or(addresses.first());
    let birth_date: String = element.parse("birthDate")?;
    let mut patient = Patient {
        family_name: name.map_or(Ok(None), |name| label(&name.family, "name.family"))?,
        given_name: name.map_or(Ok(None), |name| label(&name.given.join(" "), "name.given"))?,
        // FHIR allows a year or a month alone, which is no birth date for the hub.
        birth_date: match birth_date.len() {
            ..=7 => None,
            _ => Some(fields::date(&birth_date).map_err(refuse("birthDate"))?),
        },
        // Patients from abroad have postcodes that mean nothing to the hub.
        postcode: home.and_then(|home| fields::postcode(&home.postal_code).ok()),
        uprn: home.and_then(uprn),
        ..Default::default()
    };
    let identifiers: Vec<Identifier> = element.parse("identifier")?;
    for (at, identifier) in identifiers.iter().enumerate() {
        identify(identifier, &mut patient)
            .map_err(|rule| Untranslatable::new(element.place(&format!("identifier[{at}].value")), rule))?;
    }
    Ok(patient)
}

/// Takes one identifier. An NHS number that the source says it has not verified is kept apart, whatever its check digit.
fn identify(identifier: &Identifier, patient: &mut Patient) -> Result<(), String> {
    if identifier.system != NHS_NUMBER {
        patient.refer(&identifier.system, &identifier.value);
        return Ok(());
    }
    let nhs = fields::nhs(&identifier.value).map_err(|rule| format!("NHS number {rule}"))?;
    let mut statuses = identifier.extension.iter();
    let status = statuses.find(|it| it.url.contains("NHSNumberVerificationStatus"));
    let verified = status.is_none_or(|it| {
        let codings = &it.value_codeable_concept.coding;
        codings.iter().any(|coding| coding.code == VERIFIED)
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
    let mut keys = address.extension.iter().filter(|it| it.url.contains("AddressKey"));
    keys.find_map(|key| {
        let part = |url: &str| key.extension.iter().find(|part| part.url == url);
        let kind: &Extension = part("type")?;
        let coded = &kind.value_codeable_concept.coding;
        let is_uprn = kind.value_coding.code == "UPRN" || coded.iter().any(|coding| coding.code == "UPRN");
        is_uprn
            .then(|| fields::uprn(&part("value")?.value_string).ok())
            .flatten()
    })
}
