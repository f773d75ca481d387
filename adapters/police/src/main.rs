//! The program `placehub-police`: pushes incidents and street-level crimes to the hub.
//! It never decides anything: all that it does is in the library and in `placehub-delivery`.

use std::process::ExitCode;

use placehub_delivery::{
    file::Encodings,
    program::{self, Program},
};

fn main() -> ExitCode {
    program::run(Program {
        name: "placehub-police",
        about: "Pushes incidents and street-level crimes from a police force's CSV files or the police API's JSON to a Placehub hub",
        open: placehub_police::open,
        encodings: Encodings::Utf8OrWindows1252,
        listeners: &[],
        formats: placehub_police::FORMATS,
        beside: &[],
    })
}
