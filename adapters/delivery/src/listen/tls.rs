//! The TLS of a listener, read anew when its files change, so that a certificate is replaced without a restart.
//! It never listens with half of a change: files that do not go together leave those in force that did.

use std::{fs, path::Path, sync::Arc, time::SystemTime};

use parking_lot::Mutex;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio_rustls::TlsAcceptor;

use super::Error;
use crate::{folder::chain, settings::TlsFiles};

/// Certificate, key and authority, as they are on the disk.
#[derive(Debug)]
pub(super) struct Tls {
    files: TlsFiles,
    protocol: Option<&'static str>,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    /// When each file was changed, and how long it was: what was looked at last, in force or not.
    looked: Vec<(SystemTime, u64)>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    pub(super) fn load(files: TlsFiles, protocol: Option<&'static str>) -> Result<Self, Error> {
        let current = Current {
            looked: looks(&files),
            config: Arc::new(config(&files, protocol)?),
        };
        Ok(Self {
            files,
            protocol,
            current: Mutex::new(current),
        })
    }

    /// For the next connection. What was resumed under an older certificate is not resumed under a new one.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock();
        let looked = looks(&self.files);
        if looked != current.looked {
            current.looked = looked;
            match config(&self.files, self.protocol) {
                Ok(config) => {
                    current.config = Arc::new(config);
                    tracing::info!("the listener's certificate was read anew");
                }
                Err(error) => {
                    tracing::error!(cause = %chain(&error), "the listener's certificate stays as it was");
                }
            }
        }
        TlsAcceptor::from(current.config.clone())
    }
}

fn looks(files: &TlsFiles) -> Vec<(SystemTime, u64)> {
    let paths = [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()];
    let look = |path: &Path| {
        let about = fs::metadata(path).ok();
        let changed = about.as_ref().and_then(|about| about.modified().ok());
        (
            changed.unwrap_or(SystemTime::UNIX_EPOCH),
            about.map_or(0, |about| about.len()),
        )
    };
    paths.into_iter().flatten().map(|path| look(path)).collect()
}

fn config(files: &TlsFiles, protocol: Option<&'static str>) -> Result<ServerConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let certificates = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).map_err(|_| Error::File {
        path: files.key.clone(),
        rule: "holds no private key in PEM",
    })?;
    // Integration engines that speak no TLS 1.3 are still about; rustls offers nothing of 1.2 that is known to be weak.
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(together)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in self::certificates(path)? {
                roots.add(certificate).map_err(together)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(together)?)
        }
    };
    let mut config = builder.with_single_cert(certificates, key).map_err(together)?;
    config.alpn_protocols = protocol.into_iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = read(path)?;
    let all: Option<Vec<_>> = CertificateDer::pem_slice_iter(&pem).map(Result::ok).collect();
    all.filter(|all| !all.is_empty()).ok_or_else(|| Error::File {
        path: path.to_path_buf(),
        rule: "holds no certificate in PEM",
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|_| Error::File {
        path: path.to_path_buf(),
        rule: "cannot be read",
    })
}

fn together(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Together(Box::new(error))
}
