//! The program `placehub-housing`: pushes a landlord's arrears and notices to the hub.
//! It never decides anything: all that it does is in the library and in `placehub-delivery`.

use std::process::ExitCode;

use placehub_delivery::{
    file::Encodings,
    program::{self, Program},
};

fn main() -> ExitCode {
    program::run(Program {
        name: "placehub-housing",
        about: "Pushes rent arrears and notices from a landlord's CSV exports to a Placehub hub",
        translate: placehub_housing::rows,
        encodings: Encodings::Utf8OrWindows1252,
    })
}
