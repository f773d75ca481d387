//! One place's development certificate authority, kept as files in one folder.
//! It never overwrites an authority, and never limits it by URI names, which TLS verifiers refuse wholesale.

mod certificate;
mod revocation;
mod serial;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};

use self::revocation::RevocationList;
use crate::{Error, Result, files, names};

pub use self::certificate::{ClientSpec, thumbprint_of_pem};
pub use self::serial::Serial;

/// How long a revocation list holds: 30 days.
const LIST_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca.key";
const LIST: &str = "crl.pem";
const REVOKED: &str = "revoked.json";

/// An ECDSA P-256 authority for development, which issues the hub's and the agencies' certificates.
///
/// Its folder holds `ca.pem`, `ca.key`, `crl.pem` and `revoked.json`, and what it issues.
/// Private keys are for the owner alone (mode 0600 in a folder of mode 0700, where the system has modes).
/// It keeps nothing of the revocations in memory, so two of one folder agree, so long as one writes at a time.
#[derive(Debug)]
pub struct Pki {
    dir: PathBuf,
    place: String,
    certificate_pem: String,
    signer: rcgen::Issuer<'static, KeyPair>,
}

/// The hub's own certificate, as written to `hub.pem` and `hub.key`.
#[derive(Clone)]
pub struct IssuedServer {
    /// Where the certificate is.
    pub certificate: PathBuf,
    /// Where the private key is.
    pub key: PathBuf,
    /// The certificate, PEM. The authority signs it directly, so the chain is this one.
    pub certificate_pem: String,
    /// The private key, PKCS#8 PEM.
    pub key_pem: String,
    /// Names it in a revocation.
    pub serial: Serial,
}

/// A workload's certificate, as written to `clients/`.
#[derive(Clone)]
pub struct IssuedClient {
    /// Where the certificate is.
    pub certificate: PathBuf,
    /// Where the private key is.
    pub key: PathBuf,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The private key, PKCS#8 PEM.
    pub key_pem: String,
    /// Binds a token to this certificate: `x5t#S256` of RFC 8705, base64url without padding.
    pub thumbprint: String,
    /// Names it in a revocation.
    pub serial: Serial,
}

impl Pki {
    /// Makes an authority for a place (its SPIFFE trust domain), valid ten years from now, with an empty
    /// revocation list that holds 30 days. The folder is made, or taken over and closed to everyone but the owner.
    ///
    /// # Errors
    /// [`Error::Exists`] if the folder has an authority or revocations already, and nothing is changed;
    /// [`Error::Name`] for a place that is no trust domain; [`Error::Write`].
    pub fn create(dir: &Path, place: &str, now: Timestamp) -> Result<Self> {
        names::check_place(place)?;
        for file in [CA_CERTIFICATE, CA_KEY, LIST, REVOKED] {
            let path = dir.join(file);
            if path.exists() {
                return Err(Error::Exists { path });
            }
        }
        let key = certificate::new_key()?;
        let params = certificate::authority(place, now)?;
        let certificate = params.self_signed(&key).map_err(|source| Error::Mint {
            what: "the authority's certificate",
            source,
        })?;
        files::private_folder(dir)?;
        files::create_private(&dir.join(CA_KEY), &key.serialize_pem())?;
        files::replace(&dir.join(CA_CERTIFICATE), &certificate.pem())?;
        let pki = Self {
            dir: dir.to_owned(),
            place: place.to_owned(),
            certificate_pem: certificate.pem(),
            signer: rcgen::Issuer::new(params, key),
        };
        pki.write_crl(now, list_end(now)?)?;
        Ok(pki)
    }

    /// Opens an authority that [`Pki::create`] made.
    ///
    /// # Errors
    /// [`Error::Read`] if there is none; [`Error::Content`] if a file is not what its name says;
    /// [`Error::Mismatch`] if the key is another authority's.
    pub fn open(dir: &Path) -> Result<Self> {
        let certificate_path = dir.join(CA_CERTIFICATE);
        let key_path = dir.join(CA_KEY);
        let certificate_pem = files::read(&certificate_path)?;
        let key = KeyPair::from_pem(&files::read(&key_path)?).map_err(|_| Error::Content {
            path: key_path,
            expected: "a private key",
        })?;
        let (place, public_key) = certificate::read_authority(&certificate_pem).ok_or_else(|| Error::Content {
            path: certificate_path.clone(),
            expected: "the certificate of a place's authority",
        })?;
        if rcgen::PublicKeyData::subject_public_key_info(&key) != public_key {
            return Err(Error::Mismatch { path: certificate_path });
        }
        let signer = rcgen::Issuer::from_ca_cert_pem(&certificate_pem, key).map_err(|source| Error::Mint {
            what: "with the authority's certificate",
            source,
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            place,
            certificate_pem,
            signer,
        })
    }

    /// The folder that holds everything.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The SPIFFE trust domain of every client certificate.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Where the authority's certificate is: the trust anchor of hub and clients alike.
    pub fn ca_path(&self) -> PathBuf {
        self.dir.join(CA_CERTIFICATE)
    }

    /// The authority's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Where the revocation list is.
    pub fn crl_path(&self) -> PathBuf {
        self.dir.join(LIST)
    }

    /// Issues the hub's certificate for TLS servers, and writes `hub.pem` and `hub.key` over any earlier ones.
    /// It is valid for `localhost`, `127.0.0.1`, `::1`, `name` and `sans` (DNS names or IP addresses).
    ///
    /// # Errors
    /// [`Error::Mint`] if a name is no DNS name; [`Error::Time`]; [`Error::Write`].
    pub fn issue_server(&self, name: &str, sans: &[&str], now: Timestamp, lifetime: Duration) -> Result<IssuedServer> {
        let not_after = end(now, lifetime, "lifetime")?;
        let params = certificate::server(name, sans, now, not_after)?;
        let minted = self.mint(params, &self.dir, "hub")?;
        Ok(IssuedServer {
            certificate: minted.certificate,
            key: minted.key,
            certificate_pem: minted.certificate_pem,
            key_pem: minted.key_pem,
            serial: minted.serial,
        })
    }

    /// Issues a workload's certificate for TLS clients, whose one name is
    /// `spiffe://PLACE/agency/AGENCY/WORKLOAD` (SPIFFE X509-SVID, 2), and writes
    /// `clients/AGENCY-WORKLOAD.pem` and `.key` over any earlier ones.
    ///
    /// # Errors
    /// [`Error::Name`] for an agency or workload that is no plain path segment; [`Error::Time`]; [`Error::Write`].
    pub fn issue_client(
        &self,
        agency: &str,
        workload: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<IssuedClient> {
        names::check_agency(agency)?;
        names::check_workload(workload)?;
        let spec = ClientSpec {
            uri_sans: vec![format!("spiffe://{}/agency/{agency}/{workload}", self.place)],
            not_before: now,
            not_after: end(now, lifetime, "lifetime")?,
        };
        self.mint_client(&format!("{agency}-{workload}"), &spec)
    }

    /// Issues a client certificate with any names and any dates, right or wrong, and writes
    /// `clients/STEM.pem` and `.key`: for proving that a hub refuses the wrong ones.
    ///
    /// # Errors
    /// [`Error::Name`] for a stem that is no plain file name; [`Error::Time`]; [`Error::Mint`] if a URI is
    /// not ASCII; [`Error::Write`].
    pub fn issue_client_as(&self, stem: &str, spec: &ClientSpec) -> Result<IssuedClient> {
        names::check_stem(stem)?;
        self.mint_client(stem, spec)
    }

    /// Revokes a serial number and rewrites `crl.pem` in one step, holding 30 days from now.
    /// What was revoked earlier stays revoked; revoking twice keeps the first time.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Content`], [`Error::Write`]: the serial may then stand in `revoked.json`,
    /// and the next list holds it.
    pub fn revoke(&self, serial: &Serial, now: Timestamp) -> Result<()> {
        let mut list = RevocationList::read(&self.dir.join(REVOKED))?;
        list.add(serial, now);
        self.write_list(list, now, list_end(now)?)
    }

    /// Revokes a certificate that this authority issued, and says which serial that was.
    ///
    /// # Errors
    /// [`Error::NotCertificate`]; [`Error::Foreign`] if another authority signed it; and those of [`Pki::revoke`].
    pub fn revoke_pem(&self, certificate_pem: &str, now: Timestamp) -> Result<Serial> {
        let serial = certificate::serial_signed_by(certificate_pem, &self.certificate_pem)?;
        self.revoke(&serial, now)?;
        Ok(serial)
    }

    /// Rewrites `crl.pem` with everything revoked so far and the dates given, past ones too,
    /// so that a list that has gone stale can be shown to be refused.
    ///
    /// # Errors
    /// [`Error::Mint`] if `next_update` is not after `now`; [`Error::Time`]; and those of [`Pki::revoke`].
    pub fn write_crl(&self, now: Timestamp, next_update: Timestamp) -> Result<()> {
        let list = RevocationList::read(&self.dir.join(REVOKED))?;
        self.write_list(list, now, next_update)
    }

    fn write_list(&self, mut list: RevocationList, now: Timestamp, next: Timestamp) -> Result<()> {
        let pem = list.sign_next(&self.signer, now, next)?;
        // The record goes first: if the list cannot follow, the next one still holds the revocation.
        list.write(&self.dir.join(REVOKED))?;
        files::replace(&self.crl_path(), &pem)
    }

    fn mint_client(&self, stem: &str, spec: &ClientSpec) -> Result<IssuedClient> {
        let folder = self.dir.join("clients");
        files::private_folder(&folder)?;
        self.mint(certificate::client(stem, spec)?, &folder, stem)
    }

    fn mint(&self, mut params: CertificateParams, folder: &Path, stem: &str) -> Result<IssuedClient> {
        let serial = Serial::random()?;
        params.serial_number = Some(serial.to_rcgen());
        let key = certificate::new_key()?;
        let minted = params.signed_by(&key, &self.signer).map_err(|source| Error::Mint {
            what: "the certificate",
            source,
        })?;
        let issued = IssuedClient {
            certificate: folder.join(format!("{stem}.pem")),
            key: folder.join(format!("{stem}.key")),
            certificate_pem: minted.pem(),
            key_pem: key.serialize_pem(),
            thumbprint: certificate::thumbprint(minted.der()),
            serial,
        };
        files::replace_private(&issued.key, &issued.key_pem)?;
        files::replace(&issued.certificate, &issued.certificate_pem)?;
        Ok(issued)
    }
}

impl fmt::Debug for IssuedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedServer")
            .field("certificate", &self.certificate)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IssuedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedClient")
            .field("certificate", &self.certificate)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

fn list_end(now: Timestamp) -> Result<Timestamp> {
    end(now, LIST_LIFETIME, "now")
}

fn end(from: Timestamp, lifetime: Duration, field: &'static str) -> Result<Timestamp> {
    from.checked_add(lifetime).map_err(|_| Error::Time { field })
}
