//! Remembers what was revoked, and signs it as a certificate revocation list (RFC 5280, 5).
//! It never forgets a revocation, and never numbers two lists alike.

use std::path::Path;

use jiff::Timestamp;
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, SigningKey};
use serde::{Deserialize, Serialize};

use super::Serial;
use super::certificate::since_1970;
use crate::{Error, Result, files};

/// Everything revoked so far, and the number of the last list signed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevocationList {
    number: u64,
    revoked: Vec<Revoked>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    serial: Serial,
    at: Timestamp,
}

impl RevocationList {
    /// Reads the record; an authority that has none has revoked nothing.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = match files::read(path) {
            Ok(text) => text,
            Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(other) => return Err(other),
        };
        serde_json::from_str(&text).map_err(|_| Error::Content {
            path: path.to_owned(),
            expected: "a record of revocations",
        })
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|source| Error::Json {
            what: "the record of revocations",
            source,
        })?;
        files::replace(path, &format!("{text}\n"))
    }

    /// Adds a serial, unless it is there: the first time stands.
    pub(super) fn add(&mut self, serial: &Serial, at: Timestamp) {
        if !self.revoked.iter().any(|known| known.serial == *serial) {
            self.revoked.push(Revoked {
                serial: serial.clone(),
                at,
            });
        }
    }

    /// Signs the next list, PEM, and takes its number.
    pub(super) fn sign_next(
        &mut self,
        signer: &rcgen::Issuer<'_, impl SigningKey>,
        this_update: Timestamp,
        next_update: Timestamp,
    ) -> Result<String> {
        self.number = self.number.saturating_add(1);
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let revoked_certs = self
            .revoked
            .iter()
            .map(|revoked| {
                Ok(RevokedCertParams {
                    serial_number: revoked.serial.to_rcgen(),
                    revocation_time: epoch + since_1970(revoked.at, "revoked at")?,
                    // RFC 5280, 5.3.1: where no reason is given, the entry is left out.
                    reason_code: None,
                    invalidity_date: None,
                })
            })
            .collect::<Result<_>>()?;
        CertificateRevocationListParams {
            this_update: epoch + since_1970(this_update, "this update")?,
            next_update: epoch + since_1970(next_update, "next update")?,
            crl_number: SerialNumber::from(self.number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(signer)
        .and_then(|list| list.pem())
        .map_err(|source| Error::Mint {
            what: "the revocation list",
            source,
        })
    }
}
