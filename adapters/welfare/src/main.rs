//! The program `placehub-welfare`: pushes what a council's welfare service knows to the hub.
//! It never decides anything: all that it does is in the library and in `placehub-delivery`.

use std::process::ExitCode;

use placehub_delivery::{
    file::Encodings,
    program::{self, Opened, Program},
};

fn main() -> ExitCode {
    program::run(Program {
        name: "placehub-welfare",
        about: "Pushes awards, council tax arrears and notices on universal credit from a council's CSV exports to a Placehub hub",
        open: |_| Ok(Opened::files(placehub_welfare::KINDS, placehub_welfare::rows)),
        encodings: Encodings::Utf8OrWindows1252,
        listeners: &[],
        formats: "",
        beside: &[],
    })
}
