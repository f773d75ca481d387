//! The program `placehub-nhs`: pushes hospital events and notifications to the hub.
//! It never decides anything: all that it does is in the library and in `placehub-delivery`.

use std::process::ExitCode;

use placehub_delivery::{
    file::Encodings,
    program::{self, Program},
};

fn main() -> ExitCode {
    program::run(Program {
        name: "placehub-nhs",
        about: "Pushes hospital admissions, discharges and emergency attendances from HL7 v2 ADT or FHIR R4, and notifications of change of practice, death and reasonable adjustments, to a Placehub hub",
        translate: placehub_nhs::rows,
        encodings: Encodings::Utf8,
        listeners: placehub_nhs::LISTENERS,
    })
}
