//! Signs development tokens for the practitioners of one agency, with a key that can be rotated.
//! It never checks what a token claims: proving that a hub refuses the wrong ones needs wrong ones.

mod keyset;
#[cfg(test)]
mod tests;
mod token;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::KeyPair;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use self::keyset::{Jwk, KeySet};
use crate::{Error, Result, files, names};

pub use self::token::{Own, TokenSpec};

/// An agency's token issuer: an ES256 key in `issuers/AGENCY.key`, and its public half as a JSON Web Key Set
/// (RFC 7517) in `issuers/AGENCY.jwks.json`, which is what a hub reads.
#[derive(Debug)]
pub struct Issuer {
    folder: PathBuf,
    agency: String,
    url: String,
    key: EcdsaKeyPair,
    jwk: Jwk,
}

/// What a rotation does with the key before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousKey {
    /// Leave it in the key set, so that tokens in flight still verify until they expire.
    Keep,
    /// Take it out, so that nothing it signed verifies any more.
    Withdraw,
}

/// The `iss` that an agency's issuer goes by in a development place: `https://AGENCY.PLACE/issuer`.
/// Nothing is ever fetched from it.
pub fn issuer_url(agency: &str, place: &str) -> String {
    format!("https://{agency}.{place}/issuer")
}

impl Issuer {
    /// Makes an issuer for an agency in the folder of a PKI. `url` is what its tokens say as `iss`.
    ///
    /// # Errors
    /// [`Error::Exists`] if the agency has a key already, which then stays; [`Error::Name`]; [`Error::Write`].
    pub fn create(dir: &Path, agency: &str, url: &str) -> Result<Self> {
        names::check_agency(agency)?;
        let folder = dir.join("issuers");
        files::private_folder(&folder)?;
        let pem = new_key()?;
        let issuer = Self::with_key(folder, agency, url, &pem)?;
        files::create_private(&issuer.key_path(), &pem)?;
        KeySet::of(vec![issuer.jwk.clone()]).write(&issuer.jwks_path())?;
        Ok(issuer)
    }

    /// Opens an issuer that [`Issuer::create`] made.
    ///
    /// # Errors
    /// [`Error::Read`] if there is none; [`Error::Content`] if a file is not what its name says;
    /// [`Error::Mismatch`] if the key set does not publish the key.
    pub fn open(dir: &Path, agency: &str, url: &str) -> Result<Self> {
        names::check_agency(agency)?;
        let folder = dir.join("issuers");
        let pem = files::read(&key_file(&folder, agency))?;
        let issuer = Self::with_key(folder, agency, url, &pem)?;
        if KeySet::read(&issuer.jwks_path())?.holds(&issuer.jwk) {
            Ok(issuer)
        } else {
            Err(Error::Mismatch {
                path: issuer.jwks_path(),
            })
        }
    }

    /// The agency whose practitioners it speaks for.
    pub fn agency(&self) -> &str {
        &self.agency
    }

    /// The `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The id of the key it signs with now: the key's own thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        self.jwk.kid()
    }

    /// Where the private key is.
    pub fn key_path(&self) -> PathBuf {
        key_file(&self.folder, &self.agency)
    }

    /// Where the public key set is.
    pub fn jwks_path(&self) -> PathBuf {
        self.folder.join(format!("{}.jwks.json", self.agency))
    }

    /// Replaces the signing key. The key set is published before the new key signs anything;
    /// it holds the new key, and the one before if that is kept, but none older.
    ///
    /// # Errors
    /// [`Error::Write`]: this issuer goes on signing with the key before. If it was the key that could not be
    /// written, the key set may name the new one already, and rotating again puts that right.
    pub fn rotate(&mut self, previous: PreviousKey) -> Result<()> {
        let pem = new_key()?;
        let next = Self::with_key(self.folder.clone(), &self.agency, &self.url, &pem)?;
        let mut keys = vec![next.jwk.clone()];
        if previous == PreviousKey::Keep {
            keys.push(self.jwk.clone());
        }
        KeySet::of(keys).write(&self.jwks_path())?;
        files::replace_private(&self.key_path(), &pem)?;
        *self = next;
        Ok(())
    }

    /// Signs a token bound to a client certificate (RFC 8705, 3.1), with a fresh `jti`.
    ///
    /// # Errors
    /// [`Error::Time`] if it would expire after the year 9999; [`Error::Crypto`].
    pub fn token(&self, spec: &TokenSpec) -> Result<String> {
        self.sign_raw(&self.header().to_string(), &self.claims(spec)?.to_string())
    }

    /// Signs a token and writes it to `tokens/AGENCY/SUBJECT.jwt` (mode 0600) over any earlier one, under the
    /// issuer's own agency. Returns where it is.
    ///
    /// # Errors
    /// [`Error::Name`] if the subject is no plain file name; those of [`Issuer::token`]; [`Error::Write`].
    pub fn write_token(&self, spec: &TokenSpec) -> Result<PathBuf> {
        names::check_stem(&spec.subject)?;
        let token = self.token(spec)?;
        let tokens = self.folder.with_file_name("tokens");
        let folder = tokens.join(&self.agency);
        files::private_folder(&tokens)?;
        files::private_folder(&folder)?;
        let path = folder.join(format!("{}.jwt", spec.subject));
        files::replace_private(&path, &token)?;
        Ok(path)
    }

    /// The header of its tokens: `alg` ES256, `typ` JWT and the `kid`; a start for a wrong one.
    pub fn header(&self) -> Value {
        json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid() })
    }

    /// The claims of a token (RFC 7519, 4, with `agency`, `roles`, `teams`, `areas` and `cnf`), with a fresh `jti`;
    /// a start for wrong ones. Times are whole seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Time`] if it would expire after the year 9999.
    pub fn claims(&self, spec: &TokenSpec) -> Result<Value> {
        spec.claims(&self.url)
    }

    /// Signs any header and any claims with the ES256 key, even text that is no JSON:
    /// for proving that a hub refuses them. The result has the JWS compact form (RFC 7515, 7.1).
    ///
    /// # Errors
    /// [`Error::Crypto`] if the system gives no random bytes.
    pub fn sign_raw(&self, header_json: &str, claims_json: &str) -> Result<String> {
        let signed = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(header_json),
            BASE64_URL_SAFE_NO_PAD.encode(claims_json)
        );
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|_| Error::Crypto { what: "sign a token" })?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    fn with_key(folder: PathBuf, agency: &str, url: &str, pem: &str) -> Result<Self> {
        let not_a_key = || Error::Content {
            path: key_file(&folder, agency),
            expected: "a P-256 private key",
        };
        let der = KeyPair::from_pem(pem).map_err(|_| not_a_key())?.serialize_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new())
            .map_err(|_| not_a_key())?;
        let jwk = Jwk::of(key.public_key().as_ref()).ok_or_else(not_a_key)?;
        Ok(Self {
            folder,
            agency: agency.to_owned(),
            url: url.to_owned(),
            key,
            jwk,
        })
    }
}

fn key_file(folder: &Path, agency: &str) -> PathBuf {
    folder.join(format!("{agency}.key"))
}

fn new_key() -> Result<String> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
        .map(|key| key.serialize_pem())
        .map_err(|source| Error::Mint {
            what: "a signing key",
            source,
        })
}
