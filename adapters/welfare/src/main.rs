//! The program `placehub-welfare`: pushes a council's crisis and discretionary awards to the hub.
//! It never decides anything: all that it does is in the library and in `placehub-delivery`.

use std::process::ExitCode;

use placehub_delivery::{
    file::Encodings,
    program::{self, Program},
};

fn main() -> ExitCode {
    program::run(Program {
        name: "placehub-welfare",
        about: "Pushes crisis grants and discretionary housing payments from a council's CSV export to a Placehub hub",
        translate: placehub_welfare::rows,
        encodings: Encodings::Utf8OrWindows1252,
    })
}
