//! The parties' signatures on agreements: Ed25519, detached, one file a party.
//! Signs and checks bytes; never decides who must sign.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

use super::files::{Files, digest};
use crate::model::{AgencyId, AgreementId, Sector};

/// Who the parties are, whose signatures count, and whether agreements need them.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Whether an agreement that not all owners have signed permits nothing.
    pub required: bool,
    /// The parties' public keys.
    pub keys: BTreeMap<AgencyId, PublicKey>,
    /// Which sort each agency of the place is: an agreement that has one of them as another sort is refused. An agency
    /// that is not listed may be of any.
    pub sectors: BTreeMap<AgencyId, Sector>,
}

/// An Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A key file that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyInvalid {
    /// Not PEM under the right heading.
    #[error("it is not a PEM file under `{0}`")]
    Form(&'static str),
    /// PEM, but of another sort of key.
    #[error("it holds no Ed25519 key")]
    Sort,
}

const PUBLIC: &str = "PUBLIC KEY";
const PRIVATE: &str = "PRIVATE KEY";
/// What comes before the 32 bytes of an Ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410 section 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl PublicKey {
    /// Reads a PEM file (`PUBLIC KEY`, RFC 8410), as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// If it is no such file, or of another sort of key.
    pub fn from_pem(text: &str) -> Result<Self, KeyInvalid> {
        let bytes = pem(text, PUBLIC)?;
        let key = bytes.strip_prefix(&SPKI).ok_or(KeyInvalid::Sort)?;
        key.try_into().map(Self).map_err(|_| KeyInvalid::Sort)
    }

    /// Whether this key signed an agreement for a party.
    fn signed(&self, message: &[u8], signature: &str) -> bool {
        let signature = STANDARD.decode(signature.trim());
        signature.is_ok_and(|bytes| UnparsedPublicKey::new(&ED25519, self.0).verify(message, &bytes).is_ok())
    }
}

/// Signs an agreement for a party, with the party's private key: a PEM file (`PRIVATE KEY`, PKCS#8, Ed25519). Gives the
/// text of the signature's file.
///
/// # Errors
/// If the key cannot be used.
pub fn sign(agreement: &Signable<'_>, party: &AgencyId, key: &str) -> Result<String, KeyInvalid> {
    let bytes = pem(key, PRIVATE)?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes).map_err(|_| KeyInvalid::Sort)?;
    Ok(format!("{}\n", STANDARD.encode(pair.sign(&agreement.message(party)))))
}

/// What a party of an agreement signs.
#[derive(Debug)]
pub struct Signable<'f> {
    id: &'f AgreementId,
    digest: String,
}

impl<'f> Signable<'f> {
    /// The agreement of a folder. `None` if it lacks one of its two files.
    pub fn find(files: &Files, id: &'f AgreementId) -> Option<Self> {
        let names = [format!("agreements/{id}.cedar"), format!("agreements/{id}.toml")];
        let mut both = Vec::new();
        for name in &names {
            both.push((name.as_str(), files.text(name).ok()?));
        }
        let digest = hex::encode(digest(both.into_iter()).finish());
        Some(Self { id, digest })
    }

    /// SHA-256 (hex) over the names, lengths and contents of its two files.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The path of a party's signature within the folder of policies.
    pub fn file(&self, party: &AgencyId) -> String {
        format!("signatures/{}.{party}.sig", self.id)
    }

    /// Whether a party has signed it as it stands now.
    pub fn is_signed_by(&self, party: &AgencyId, files: &Files, trust: &Trust) -> bool {
        let signature = files.text(&self.file(party)).ok();
        let key = trust.keys.get(party);
        key.zip(signature)
            .is_some_and(|(key, signature)| key.signed(&self.message(party), signature))
    }

    /// The bytes that are signed.
    fn message(&self, party: &AgencyId) -> Vec<u8> {
        format!("placehub agreement v1\n{}\n{party}\n{}\n", self.id, self.digest).into_bytes()
    }
}

fn pem(text: &str, heading: &'static str) -> Result<Vec<u8>, KeyInvalid> {
    let (begin, end) = (format!("-----BEGIN {heading}-----"), format!("-----END {heading}-----"));
    let body = text
        .split_once(&begin)
        .and_then(|(_, rest)| rest.split_once(&end))
        .map(|(body, _)| body.split_whitespace().collect::<String>());
    body.and_then(|body| STANDARD.decode(body).ok())
        .ok_or(KeyInvalid::Form(heading))
}
