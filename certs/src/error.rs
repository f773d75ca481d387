//! Says why a certificate, a list or a token could not be made.
//! It never carries a key, a token or a person's name.

use std::path::PathBuf;

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a development certificate, revocation list, key or token was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key or authority is there already, and would have been lost.
    #[error("{path} already exists and is not overwritten")]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file was read, but is not what its name says.
    #[error("{path} does not hold {expected}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// A private key and the certificate or key set beside it do not belong together.
    #[error("{path} does not belong to the private key beside it")]
    Mismatch {
        /// The public half.
        path: PathBuf,
    },
    /// A name breaks a rule.
    #[error("{field} must be {rule}")]
    Name {
        /// Which argument.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A time lies before 1970 or beyond the year 9999.
    #[error("{field} must lie between the years 1970 and 9999")]
    Time {
        /// Which argument.
        field: &'static str,
    },
    /// A text holds no certificate in PEM.
    #[error("the text holds no PEM certificate")]
    NotCertificate,
    /// A certificate was signed by another authority, which alone can revoke it.
    #[error("the certificate was not issued by this authority")]
    Foreign,
    /// The certificate library refused.
    #[error("cannot mint {what}")]
    Mint {
        /// What was to be made.
        what: &'static str,
        /// Why not.
        source: rcgen::Error,
    },
    /// The operating system gave no random bytes, or the key would not sign.
    #[error("cannot {what}")]
    Crypto {
        /// What was being done.
        what: &'static str,
    },
    /// A value has no JSON form.
    #[error("cannot write {what} as JSON")]
    Json {
        /// What was being written.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
}
