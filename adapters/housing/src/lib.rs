//! The housing adapter: a landlord's exports of rent accounts, notices, cases, evictions and hazards, made into drafts of signals.
//! It never pushes by itself and never reads what it does not need.

pub mod format;
mod translate;

#[cfg(test)]
mod tests;

use std::io::Cursor;

use placehub_delivery::{FileError, Input, Rows, Translated, catalogue::Need, draft};

/// The kinds that it may push.
pub const KINDS: &[Need] = &[
    Need::of("housing.asb-case"),
    Need::of("housing.damp-and-mould"),
    Need::of("housing.eviction"),
    Need::of("housing.notice-seeking-possession"),
    Need::of("housing.rent-arrears"),
];

/// Samples for a demonstration, by file name: made-up people at made-up addresses.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("arrears.csv", include_bytes!("../samples/arrears.csv")),
    ("notices.csv", include_bytes!("../samples/notices.csv")),
    ("asb-cases.csv", include_bytes!("../samples/asb-cases.csv")),
    ("evictions.csv", include_bytes!("../samples/evictions.csv")),
    ("damp-and-mould.json", include_bytes!("../samples/damp-and-mould.json")),
];

/// Makes a draft of each row of a file as it is read, or says why there is none. `name` is the file's name, for origins.
///
/// # Errors
///
/// [`FileError`] if nothing can be read from the file: not UTF-8, no CSV, or a header that is not known here.
pub fn rows(input: Input, name: &str) -> Result<Rows, FileError> {
    Ok(draft::translated(format::read(input)?, name, translate::draft))
}

/// As [`rows`], for a small file that is in memory already.
///
/// # Errors
///
/// [`FileError`] if any of the file cannot be read.
pub fn translate(bytes: &[u8], name: &str) -> Result<Vec<Translated>, FileError> {
    rows(Box::new(Cursor::new(bytes.to_vec())), name)?.collect()
}
