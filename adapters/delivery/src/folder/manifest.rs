//! What a sender says of its file in `NAME.manifest`: how many rows it has, and its digest.
//! It never lets a file pass that differs from its manifest.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The manifest of a file: JSON with one or both of `rows` and `sha256`; anything else in it is passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Manifest {
    /// Rows without the header, or messages.
    pub(crate) rows: Option<u64>,
    /// SHA-256 of the file in hexadecimal digits.
    pub(crate) sha256: Option<String>,
}

/// The manifest's place beside its file.
pub(crate) fn beside(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".manifest");
    path.into()
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// The rule it broke.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| {
            format!(
                "is not JSON as it should be (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        if manifest == Self::default() {
            return Err("states neither rows nor sha256".into());
        }
        Ok(manifest)
    }

    /// Compares the digest.
    ///
    /// # Errors
    ///
    /// The rule it broke.
    pub(crate) fn check_digest(&self, sha256: &str) -> Result<(), String> {
        match &self.sha256 {
            Some(stated) if !stated.trim().eq_ignore_ascii_case(sha256) => {
                Err(format!("states another SHA-256 than the file has, {sha256}"))
            }
            _ => Ok(()),
        }
    }

    /// Compares the number of rows.
    ///
    /// # Errors
    ///
    /// The rule it broke.
    pub(crate) fn check_rows(&self, rows: u64) -> Result<(), String> {
        match self.rows {
            Some(stated) if stated != rows => Err(format!("states {stated} rows, and the file has {rows}")),
            _ => Ok(()),
        }
    }
}

/// Counts rows or messages, of each of which there may be several things to tell, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Rowcount {
    rows: u64,
    last: String,
}

impl Rowcount {
    /// Counts what stands at this place, unless the last one stood there too.
    pub(crate) fn add(&mut self, origin: &str) {
        if self.rows == 0 || self.last != origin {
            self.rows += 1;
            origin.clone_into(&mut self.last);
        }
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_states_nothing_is_refused() {
        assert!(Manifest::parse(b"{}").is_err());
        assert!(Manifest::parse(b"{\"rows\": \"3\"}").is_err());
        assert_eq!(
            Manifest::parse(b"{\"rows\": 3, \"made_by\": \"x\"}").unwrap().rows,
            Some(3)
        );
    }

    #[test]
    fn a_row_of_which_two_things_are_told_is_one_row() {
        let mut rows = Rowcount::default();
        for origin in ["a row 2", "a row 2", "a row 3"] {
            rows.add(origin);
        }
        assert_eq!(rows.count(), 2);
    }

    #[test]
    fn a_digest_may_be_in_capitals() {
        let manifest = Manifest::parse(b"{\"sha256\": \"AB01\"}").unwrap();
        assert!(manifest.check_digest("ab01").is_ok());
        assert!(manifest.check_digest("ab02").is_err());
        assert!(manifest.check_rows(7).is_ok());
    }
}
