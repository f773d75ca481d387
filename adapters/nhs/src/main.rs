//! The program `placehub-nhs`: pushes hospital events and notifications to the hub.
//! It never decides anything: all that it does is in the library and in `placehub-delivery`.

use std::process::ExitCode;

use placehub_delivery::{
    file::Encodings,
    program::{self, Program},
};
use placehub_nhs::mapping::Mapping;

fn main() -> ExitCode {
    program::run(Program {
        name: "placehub-nhs",
        about: "Pushes hospital admissions, discharges and emergency attendances from HL7 v2 ADT or FHIR R4, flags, episodes, consents and notifications to a Placehub hub",
        open: placehub_nhs::open,
        encodings: Encodings::Stated,
        listeners: &["mllp", "http"],
        formats: placehub_nhs::FORMATS,
        beside: &[("mapping.toml", Mapping::USUAL)],
    })
}
