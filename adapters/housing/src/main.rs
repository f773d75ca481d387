//! The program `placehub-housing`: pushes what a landlord knows of its tenancies to the hub.
//! It never decides anything: all that it does is in the library and in `placehub-delivery`.

use std::process::ExitCode;

use placehub_delivery::{
    file::Encodings,
    program::{self, Opened, Program},
};

fn main() -> ExitCode {
    program::run(Program {
        name: "placehub-housing",
        about: "Pushes rent arrears, notices, cases, evictions and hazards from a landlord's exports to a Placehub hub",
        open: |_| Ok(Opened::files(placehub_housing::KINDS, placehub_housing::rows)),
        encodings: Encodings::Utf8OrWindows1252,
        listeners: &[],
        formats: "",
        beside: &[],
    })
}
