//! The NHS adapter: HL7 v2 ADT messages, FHIR R4 resources and notifications, made into what the hub is told by a mapping.
//! It never pushes by itself, and never reads what it does not need: no diagnosis, no clinical note.

pub mod format;
pub mod http;
pub mod mapping;
pub mod mllp;
mod settings;
mod translate;

#[cfg(test)]
mod tests;

use std::{
    io::Cursor,
    sync::{Arc, LazyLock},
};

use placehub_delivery::{FileError, Input, Rows, Translated, clock, draft};

pub use format::Reading;
pub use settings::{FORMATS, open};

/// The samples that come with this adapter, by file name: made-up people at made-up addresses.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("discharge.hl7", include_bytes!("../samples/discharge.hl7")),
    ("encounter.json", include_bytes!("../samples/encounter.json")),
    ("flags.json", include_bytes!("../samples/flags.json")),
    ("gp-change.json", include_bytes!("../samples/gp-change.json")),
];

/// Says what the hub is to be told of each message or resource of a file, or why there is nothing. `name` is the file's name,
/// for origins.
///
/// # Errors
///
/// [`FileError`] if the file as a whole cannot be read: neither HL7 v2 nor FHIR JSON, or JSON that is too long.
pub fn rows(input: Input, name: &str, reading: &Arc<Reading>) -> Result<Rows, FileError> {
    let facts = format::read(input, reading, clock::now())?;
    Ok(draft::translated(facts, name, translate::content))
}

/// As [`rows`], for a small file that is in memory already, read by the mapping that comes with the adapter.
///
/// # Errors
///
/// As [`rows`].
pub fn translate(bytes: &[u8], name: &str) -> Result<Vec<Translated>, FileError> {
    static USUAL: LazyLock<Result<Arc<Reading>, mapping::Error>> = LazyLock::new(|| Reading::usual().map(Arc::new));
    let reading = USUAL.as_ref().map_err(|error| FileError::Malformed {
        format: "readable by the mapping",
        rule: error.to_string(),
    })?;
    rows(Box::new(Cursor::new(bytes.to_vec())), name, reading)?.collect()
}
