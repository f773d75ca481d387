//! Mutual TLS 1.3: what the hub presents, whom it lets in, and what has been revoked.
//! It never says which agency a certificate is; it never logs what a stranger sent.
//!
//! Everything is read from files and replaced as one piece, without a restart.
//! A revocation list bites twice: at every new handshake, and, because an open connection outlives a revocation,
//! at every request, where `authn` asks [`Revoked`]. A list past its next update closes both.

mod accept;
mod live;
mod material;
mod revocation;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use accept::{Connection, Origin, listen};
pub use live::Live;
pub use material::{Material, Paths};
pub use revocation::{CertificateName, Revoked, Standing};

/// Why the files that TLS needs cannot be used. Nothing of them is then in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A file was read, but is not what its setting says.
    #[error("{path} does not hold {expected} in PEM")]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The hub's certificate is another key's, or of a sort that TLS cannot use.
    #[error("the certificate in {certificate} cannot be used with the private key in {key}")]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
        /// What the TLS library said.
        #[source]
        source: rustls::Error,
    },
    /// A client authority cannot be trusted as it stands.
    #[error("{path} holds an authority that cannot be used")]
    Authority {
        /// The file.
        path: PathBuf,
        /// What the TLS library said.
        #[source]
        source: rustls::Error,
    },
    /// A revocation list breaks a rule.
    #[error("the revocation list {path} {fault}")]
    List {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The authorities and lists were read, but do not make a verifier of client certificates.
    #[error("client certificates cannot be verified with {path}")]
    Verifier {
        /// The authorities.
        path: PathBuf,
        /// What the TLS library said.
        #[source]
        source: rustls::server::VerifierBuilderError,
    },
    /// The cryptography at hand does not do TLS 1.3.
    #[error("TLS 1.3 is not to be had")]
    Protocol {
        /// What the TLS library said.
        #[source]
        source: rustls::Error,
    },
}
