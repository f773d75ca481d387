//! The welfare adapter: a council's CSV exports of awards, council tax arrears and notices on universal credit, made into drafts of signals.
//! It never pushes by itself and never reads what it does not need.

pub mod format;
mod translate;

#[cfg(test)]
mod tests;

use std::io::Cursor;

use placehub_delivery::{FileError, Input, Rows, Translated, catalogue::Need, draft};

/// The kinds that it may push. Those of the last two are social-security information: this adapter sends nothing to a hub that
/// does not keep them closed to whoever has no lawful authority (Social Security Administration Act 1992 s.123).
pub const KINDS: &[Need] = &[
    Need::of("welfare.crisis-grant"),
    Need::of("welfare.discretionary-housing-payment"),
    Need::of("welfare.council-tax-arrears"),
    Need::closed("welfare.universal-credit-deduction"),
    Need::closed("welfare.benefit-sanction"),
];

/// Samples for a demonstration, by file name: made-up people at made-up addresses.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("crisis-grants.csv", include_bytes!("../samples/crisis-grants.csv")),
    ("council-tax.csv", include_bytes!("../samples/council-tax.csv")),
    ("deductions.csv", include_bytes!("../samples/deductions.csv")),
    ("sanctions.csv", include_bytes!("../samples/sanctions.csv")),
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
