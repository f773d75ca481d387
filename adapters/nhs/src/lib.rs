//! The NHS adapter: HL7 v2 ADT messages and FHIR R4 encounters, made into drafts of signals.
//! It never pushes by itself, and never reads what it does not need: no diagnosis, no clinical note.

pub mod format;
mod translate;

#[cfg(test)]
mod tests;

use placehub_delivery::{FileError, Translated};

/// The samples that come with this adapter, by file name: made-up people at made-up addresses.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("discharge.hl7", include_bytes!("../samples/discharge.hl7")),
    ("encounter.json", include_bytes!("../samples/encounter.json")),
];

/// Makes a draft of each message or encounter of a file, or says why there is none. `name` is the file's name, for origins.
///
/// # Errors
///
/// [`FileError`] if the file as a whole cannot be read: not UTF-8, or neither HL7 v2 nor FHIR JSON.
pub fn translate(bytes: &[u8], name: &str) -> Result<Vec<Translated>, FileError> {
    let read = format::read(bytes)?.into_iter();
    Ok(read.map(|one| one.translate(name, translate::draft)).collect())
}
