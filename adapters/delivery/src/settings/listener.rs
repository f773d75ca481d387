//! The table of a listener, such as `[mllp]`: its address, and the TLS it speaks.
//! It never reads the files that it names: [`crate::listen`] does, anew whenever they change.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::Error;

/// Where to listen, and with which certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// The TLS it speaks; none on a connection in the clear.
    pub tls: Option<TlsFiles>,
}

/// The files of a listener's TLS. All PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The listener's certificate, followed by those between it and its authority.
    pub certificate: PathBuf,
    /// The private key of that certificate.
    pub key: PathBuf,
    /// The authority of the certificates that senders must show; none if they need not show one.
    pub client_ca: Option<PathBuf>,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    listen: SocketAddr,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
}

impl Listener {
    /// Checks a table of this name, e.g. `mllp`. HTTP in the clear is for this machine alone; whether MLLP is, the trust's own
    /// network decides.
    pub(super) fn parse(table: &'static str, written: Written, file: &Path) -> Result<Self, Error> {
        let refuse = |key, rule| Error::Key {
            file: file.to_path_buf(),
            key,
            rule,
        };
        let home = file.parent().unwrap_or(Path::new(""));
        let tls = match (written.certificate, written.key, written.client_ca) {
            (Some(certificate), Some(key), client_ca) => Some(TlsFiles {
                certificate: home.join(certificate),
                key: home.join(key),
                client_ca: client_ca.map(|path| home.join(path)),
            }),
            (None, None, None) => None,
            (Some(_), None, _) => return Err(refuse(table, "has a `certificate` and no `key`")),
            (None, Some(_), _) => return Err(refuse(table, "has a `key` and no `certificate`")),
            (None, None, Some(_)) => return Err(refuse(table, "has a `client_ca` and no `certificate` of its own")),
        };
        if table == "http" && tls.is_none() && !written.listen.ip().is_loopback() {
            let rule = "needs a `certificate` and a `key`, or an address of this machine alone, such as 127.0.0.1:8080";
            return Err(refuse(table, rule));
        }
        Ok(Self {
            address: written.listen,
            tls,
        })
    }
}
