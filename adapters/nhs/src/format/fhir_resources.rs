//! The parts of FHIR R4 resources that the adapter reads: Bundle, Encounter, Patient.
//! Reading is tolerant: what is not named here is passed over, and every element may be absent.

use serde::Deserialize;
use serde_json::Value;

/// A resource as it stands in a file, its type not yet looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bundle {
    #[serde(default)]
    pub(super) entry: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) full_url: String,
    #[serde(default)]
    pub(super) resource: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Encounter {
    pub(super) id: String,
    pub(super) meta: Meta,
    pub(super) identifier: Vec<Identifier>,
    pub(super) status: String,
    pub(super) class: Coding,
    pub(super) subject: Reference,
    pub(super) period: Period,
    pub(super) hospitalization: Hospitalization,
    pub(super) contained: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Patient {
    pub(super) identifier: Vec<Identifier>,
    pub(super) name: Vec<HumanName>,
    pub(super) birth_date: String,
    pub(super) address: Vec<Address>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) version_id: String,
}

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
pub(super) struct Hospitalization {
    pub(super) admit_source: CodeableConcept,
    pub(super) discharge_disposition: CodeableConcept,
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
    pub(super) text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Coding {
    pub(super) code: String,
    pub(super) display: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Reference {
    pub(super) reference: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Period {
    pub(super) start: String,
    pub(super) end: String,
}

impl CodeableConcept {
    /// The concept in words: its text, else a code's display, else a code.
    pub(super) fn words(&self) -> Option<&str> {
        let displays = self.coding.iter().map(|coding| coding.display.as_str());
        let codes = self.coding.iter().map(|coding| coding.code.as_str());
        std::iter::once(self.text.as_str())
            .chain(displays)
            .chain(codes)
            .find(|text| !text.is_empty())
    }
}
