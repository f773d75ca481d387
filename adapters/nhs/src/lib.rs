//! The NHS adapter: HL7 v2 ADT messages, FHIR R4 encounters and notifications, made into drafts of signals.
//! It never pushes by itself, and never reads what it does not need: no diagnosis, no clinical note.

pub mod format;
pub mod mllp;
mod translate;

#[cfg(test)]
mod tests;

use std::io::{Cursor, Read};

use placehub_delivery::{FileError, Input, Rows, Translated, draft, program::Listen};

/// The listeners that the program runs beside its folder, if its settings ask for them.
pub const LISTENERS: &[Listen] = &[Listen {
    table: "mllp",
    source: |socket| Box::new(mllp::Listener::new(socket, mllp::Limits::USUAL)),
}];

/// The longest file that is read, in bytes: a bundle is read whole.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The samples that come with this adapter, by file name: made-up people at made-up addresses.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("discharge.hl7", include_bytes!("../samples/discharge.hl7")),
    ("encounter.json", include_bytes!("../samples/encounter.json")),
];

/// Makes a draft of each message or encounter of a file, or says why there is none. `name` is the file's name, for origins.
///
/// # Errors
///
/// [`FileError`] if the file as a whole cannot be read: not UTF-8, too long, or neither HL7 v2 nor FHIR JSON.
pub fn rows(mut input: Input, name: &str) -> Result<Rows, FileError> {
    let mut bytes = Vec::new();
    let read = input.by_ref().take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| FileError::Unreadable {
        rule: error.kind().to_string(),
    })?;
    if bytes.len() as u64 > LONGEST {
        let rule = "it is longer than 64 MiB".to_owned();
        return Err(FileError::Malformed {
            format: "HL7 v2 or FHIR JSON",
            rule,
        });
    }
    let events = Box::new(format::read(&bytes)?.into_iter().map(Ok));
    Ok(draft::translated(events, name, translate::draft))
}

/// As [`rows`], for a small file that is in memory already.
///
/// # Errors
///
/// As [`rows`].
pub fn translate(bytes: &[u8], name: &str) -> Result<Vec<Translated>, FileError> {
    rows(Box::new(Cursor::new(bytes.to_vec())), name)?.collect()
}
