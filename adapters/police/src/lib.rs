//! The police adapter: a force's own incident export and data.police.uk's street-level crimes, as CSV or as JSON, made into drafts of signals.
//! It never pushes by itself and never reads what it does not need.

pub mod format;
mod translate;

#[cfg(test)]
mod tests;

use std::io::Cursor;

use placehub_delivery::{FileError, Input, Rows, Translated, draft};

/// Samples for a demonstration, by file name: made-up people at made-up addresses.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("incidents.csv", include_bytes!("../samples/incidents.csv")),
    ("street.csv", include_bytes!("../samples/street.csv")),
];

/// Makes a draft of each row of a file as it is read, or says why there is none. `name` is the file's name, for origins.
///
/// # Errors
///
/// [`FileError`] if nothing can be read from the file: not UTF-8, no CSV, or a header that is not known here.
pub fn rows(input: Input, name: &str) -> Result<Rows, FileError> {
    Ok(draft::translated(format::read(input, name)?, name, translate::draft))
}

/// As [`rows`], for a small file that is in memory already.
///
/// # Errors
///
/// [`FileError`] if any of the file cannot be read.
pub fn translate(bytes: &[u8], name: &str) -> Result<Vec<Translated>, FileError> {
    rows(Box::new(Cursor::new(bytes.to_vec())), name)?.collect()
}
