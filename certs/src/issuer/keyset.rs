//! The public keys of an issuer, in the form that a hub reads.
//! It never holds a private key.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, files};

/// A JSON Web Key Set (RFC 7517, 5).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeySet {
    keys: Vec<Jwk>,
}

/// An elliptic-curve public key that verifies ES256 signatures (RFC 7518, 6.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    kid: String,
    alg: String,
    #[serde(rename = "use")]
    purpose: String,
}

impl KeySet {
    pub(super) fn of(keys: Vec<Jwk>) -> Self {
        Self { keys }
    }

    pub(super) fn read(path: &Path) -> Result<Self> {
        serde_json::from_str(&files::read(path)?).map_err(|_| Error::Content {
            path: path.to_owned(),
            expected: "a set of ES256 public keys",
        })
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|source| Error::Json {
            what: "the key set",
            source,
        })?;
        files::replace(path, &format!("{text}\n"))
    }

    pub(super) fn holds(&self, key: &Jwk) -> bool {
        self.keys.contains(key)
    }
}

impl Jwk {
    /// Reads an uncompressed P-256 point (SEC 1, 2.3.3): 0x04, then 32 bytes each of x and y.
    pub(super) fn of(point: &[u8]) -> Option<Self> {
        let [0x04, coordinates @ ..] = point else {
            return None;
        };
        let (x, y) = coordinates.split_at_checked(32)?;
        if y.len() != 32 {
            return None;
        }
        let x = BASE64_URL_SAFE_NO_PAD.encode(x);
        let y = BASE64_URL_SAFE_NO_PAD.encode(y);
        // RFC 7638, 3: the required members alone, in alphabetical order, without spaces.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Some(Self {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x,
            y,
            kid: BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())),
            alg: "ES256".to_owned(),
            purpose: "sig".to_owned(),
        })
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }
}
