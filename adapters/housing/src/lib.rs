//! The housing adapter: CSV exports of a landlord's rent accounts and notices, made into drafts of signals.
//! It never pushes by itself and never reads what it does not need.

pub mod format;
mod translate;

#[cfg(test)]
mod tests;

use placehub_delivery::{FileError, Translated};

/// The samples that come with this adapter, by file name: made-up people at made-up addresses.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("arrears.csv", include_bytes!("../samples/arrears.csv")),
    ("notices.csv", include_bytes!("../samples/notices.csv")),
];

/// Makes a draft of each row of a file, or says why there is none. `name` is the file's name, for origins.
///
/// # Errors
///
/// [`FileError`] if the file as a whole cannot be read: not UTF-8, no CSV, or a header that is not known here.
pub fn translate(bytes: &[u8], name: &str) -> Result<Vec<Translated>, FileError> {
    let read = format::read(bytes)?.into_iter();
    Ok(read.map(|one| one.translate(name, translate::draft)).collect())
}
