//! The parts of FHIR R4 resources that are read in a type of their own: identifiers, names, addresses, references, periods.
//! Reading is tolerant: what is not named here is passed over, and every element may be absent.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Identifier {
    pub(super) system: String,
    pub(super) value: String,
    pub(super) extension: Vec<Extension>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HumanName {
    #[serde(rename = "use")]
    pub(super) used_as: String,
    pub(super) family: String,
    pub(super) given: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Address {
    #[serde(rename = "use")]
    pub(super) used_as: String,
    pub(super) postal_code: String,
    pub(super) extension: Vec<Extension>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Extension {
    pub(super) url: String,
    pub(super) extension: Vec<Extension>,
    pub(super) value_coding: Coding,
    pub(super) value_codeable_concept: CodeableConcept,
    pub(super) value_string: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CodeableConcept {
    pub(super) coding: Vec<Coding>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Coding {
    pub(super) code: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Reference {
    pub(super) reference: String,
    pub(super) identifier: Identifier,
}
