//! The files behind TLS, read and checked together: the hub's certificate and key, the authorities of clients, and
//! their revocation lists. It never speaks anything but TLS 1.3, and never uses half of what it read.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::TLS13,
};
use serde::Deserialize;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use super::{Error, Revoked};

/// Where the files are. All are PEM (RFC 7468).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// The hub's certificate, followed by any intermediate authorities.
    pub certificate: PathBuf,
    /// The hub's private key (PKCS#8, PKCS#1 or SEC 1).
    pub key: PathBuf,
    /// The authorities that agencies' client certificates are issued by, one or more.
    pub client_ca: PathBuf,
    /// The revocation lists of those authorities, one for each. Without it nothing can be revoked.
    pub revocation_list: Option<PathBuf>,
}

impl Paths {
    /// All paths, so that settings can take relative ones from their own folder.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.certificate, &mut self.key, &mut self.client_ca]
            .into_iter()
            .chain(&mut self.revocation_list)
    }
}

/// What was read, ready for handshakes. Made whole or not at all.
#[derive(Debug)]
pub struct Material {
    config: Arc<ServerConfig>,
    revoked: Arc<Revoked>,
    not_after: Timestamp,
}

impl Material {
    /// Reads and checks all files. The key must be the certificate's; a revocation list must be signed by an
    /// authority beside it, and each authority must have one. Dates are not judged here: a list past its next update
    /// loads, and then every handshake is refused.
    ///
    /// # Errors
    /// [`Error`], naming the file and what is wrong with it.
    pub fn load(paths: &Paths) -> Result<Self, Error> {
        let chain: Vec<CertificateDer<'static>> = sections(&paths.certificate, "a certificate")?;
        let not_after = expiry(&chain, &paths.certificate)?;
        let authorities: Vec<CertificateDer<'static>> = sections(&paths.client_ca, "a certificate")?;
        let lists: Vec<CertificateRevocationListDer<'static>> = match &paths.revocation_list {
            Some(path) => sections(path, "a revocation list")?,
            None => Vec::new(),
        };
        let revoked = match &paths.revocation_list {
            Some(path) => Revoked::read(&lists, &authorities, path)?,
            None => Revoked::default(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(&provider, authorities, lists, &paths.client_ca)?;
        Ok(Self {
            config: Arc::new(configure(provider, verifier, chain, paths)?),
            revoked: Arc::new(revoked),
            not_after,
        })
    }

    /// What a handshake is made with.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// What has been revoked, for the check at every request.
    pub fn revoked(&self) -> &Arc<Revoked> {
        &self.revoked
    }

    /// When the hub's own certificate expires.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whole days until the hub's own certificate expires; negative once it has.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        let seconds = self.not_after.as_second().saturating_sub(now.as_second());
        seconds.div_euclid(24 * 60 * 60)
    }
}

fn verifier(
    provider: &Arc<CryptoProvider>,
    authorities: Vec<CertificateDer<'static>>,
    lists: Vec<CertificateRevocationListDer<'static>>,
    path: &Path,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|source| Error::Authority {
            path: path.to_owned(),
            source,
        })?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .with_crls(lists)
        .enforce_revocation_expiration()
        .build()
        .map_err(|source| Error::Verifier {
            path: path.to_owned(),
            source,
        })
}

fn configure(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ClientCertVerifier>,
    chain: Vec<CertificateDer<'static>>,
    paths: &Paths,
) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|source| Error::Protocol { source })?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, private_key(&paths.key)?)
        .map_err(|source| Error::Pair {
            certificate: paths.certificate.clone(),
            key: paths.key.clone(),
            source,
        })?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session is not shown to the verifier, so a revoked client could resume. There are none.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let text = Zeroizing::new(read(path)?);
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| Error::Content {
        path: path.to_owned(),
        expected: "a private key",
    })
}

fn expiry(chain: &[CertificateDer<'static>], path: &Path) -> Result<Timestamp, Error> {
    chain
        .first()
        .and_then(|leaf| X509Certificate::from_der(leaf).ok())
        .and_then(|(_, leaf)| Timestamp::from_second(leaf.validity().not_after.timestamp()).ok())
        .ok_or_else(|| Error::Content {
            path: path.to_owned(),
            expected: "an X.509 certificate",
        })
}

fn sections<T: PemObject>(path: &Path, expected: &'static str) -> Result<Vec<T>, Error> {
    let text = read(path)?;
    match T::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>() {
        Ok(sections) if !sections.is_empty() => Ok(sections),
        _ => Err(Error::Content {
            path: path.to_owned(),
            expected,
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Unreadable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_with_an_unknown_name_are_refused() {
        let text = "certificate = 'a'\nkey = 'b'\nclient_ca = 'c'\n";
        assert!(toml::from_str::<Paths>(text).is_ok());
        assert!(toml::from_str::<Paths>(&format!("{text}client_auth = 'none'")).is_err());
    }

    #[test]
    fn every_path_can_be_moved() {
        let text = "certificate = 'a'\nkey = 'b'\nclient_ca = 'c'\nrevocation_list = 'd'";
        let mut paths: Paths = toml::from_str(text).unwrap();
        assert_eq!(paths.paths_mut().count(), 4);
    }
}
