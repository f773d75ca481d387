//! The number that names a certificate to the authority that issued it.
//! It never comes from a counter, so that it tells nobody how many were issued.

use std::fmt;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A positive serial number of a certificate (RFC 5280, 4.1.2.2), in hexadecimal where it is written.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(Vec<u8>);

impl Serial {
    /// The bytes, most significant first, without leading zeros.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Sixteen random bytes, of which the first is between 0x40 and 0x7f: so the number is positive
    /// and takes sixteen bytes in every encoding.
    pub(super) fn random() -> Result<Self> {
        let mut bytes = [0_u8; 16];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Crypto {
            what: "draw random bytes",
        })?;
        if let Some(first) = bytes.first_mut() {
            *first = (*first & 0x3f) | 0x40;
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Takes the bytes of a certificate's serial number, with or without the zero that DER puts first.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let digits = bytes.iter().copied().skip_while(|byte| *byte == 0);
        Self(digits.collect())
    }

    pub(super) fn to_rcgen(&self) -> rcgen::SerialNumber {
        rcgen::SerialNumber::from_slice(&self.0)
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.to_string()
    }
}

impl TryFrom<String> for Serial {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        hex::decode(text).map(|bytes| Self::from_bytes(&bytes))
    }
}
