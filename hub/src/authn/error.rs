//! Why a caller is not believed, and why the register of agencies or their keys cannot be used.
//! It never carries a token, a claim or a name out of one: only the rule that was broken.

use std::path::PathBuf;

use crate::model::AgencyId;

/// Why a request has no [`super::Caller`]. Cheap to copy, since it may stay with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The certificate is not one of an agency of this place.
    #[error("the client certificate is not one of this place's agencies: {rule}")]
    CertificateUnknown {
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The connection has outlived the client's certificate.
    #[error("the client certificate has expired")]
    CertificateExpired,
    /// A revocation list names the certificate.
    #[error("the client certificate has been revoked")]
    CertificateRevoked,
    /// The hub's revocation list is past its next update, so no certificate can be relied on.
    /// Not the caller's fault: the hub is closed until its operator loads a newer list.
    #[error("the hub's revocation list is out of date")]
    RevocationStale,
    /// The request needs a practitioner, and carries no token.
    #[error("this call needs a practitioner's token")]
    TokenMissing,
    /// The token breaks a rule.
    #[error("the token is refused: {rule}")]
    TokenInvalid {
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The token was right and is over.
    #[error("the token has expired")]
    TokenExpired,
    /// The token is right, but belongs to another client certificate or to none (RFC 8705, 3).
    #[error("the token is not bound to this client certificate")]
    TokenNotBound,
}

/// Why the register of agencies or the keys of their issuers cannot be used. What was in force before stays so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The place is no SPIFFE trust domain.
    #[error("the place must be a SPIFFE trust domain, such as wigan.placehub.example")]
    Place,
    /// The audience is empty.
    #[error("the audience of tokens must not be empty")]
    Audience,
    /// Two agencies have one id.
    #[error("agency {id} is registered twice")]
    Twice {
        /// The id.
        id: AgencyId,
    },
    /// Two agencies have one issuer, which could then speak for either.
    #[error("agencies {one} and {other} have the same issuer url")]
    SharedIssuer {
        /// The one registered first.
        one: AgencyId,
        /// The other.
        other: AgencyId,
    },
    /// An issuer's url is not of the form that `iss` has.
    #[error("the issuer url of agency {id} must begin with https:// and hold no space")]
    IssuerUrl {
        /// The agency.
        id: AgencyId,
    },
    /// A key set could not be read.
    #[error("cannot read the key set {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A key set breaks a rule.
    #[error("the key set {path} cannot be used: {rule}")]
    Keys {
        /// The file.
        path: PathBuf,
        /// The rule.
        rule: &'static str,
    },
}
