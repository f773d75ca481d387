//! A bare TLS handshake with the hub, for `doctor`: it tells more than a call can.
//! TLS 1.3 lets a client believe that all is well until the hub's first bytes; so those are waited for too.

use std::{io, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use placehub_delivery::Settings;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::TLS13,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tonic::transport::Uri;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::Fault;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The start of an HTTP/2 connection (RFC 9113, section 3.4): the preface and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What a handshake showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Met {
    /// When the hub's certificate expires.
    pub(crate) hub_until: Timestamp,
    /// When this client's certificate expires.
    pub(crate) own_until: Timestamp,
}

/// Shakes hands with the hub and waits for its first bytes.
///
/// # Errors
/// A [`Fault`] for what the hub or the network did; another error if the settings cannot be used.
pub(crate) async fn meet(settings: &Settings) -> Result<Met> {
    let hub = settings.hub.as_str();
    let uri: Uri = hub.parse().context("the hub's URL cannot be understood")?;
    let Some(host) = uri.host() else {
        bail!("the hub's URL names no host")
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = settings.server_name.as_deref().unwrap_or(bare).to_owned();
    let name = ServerName::try_from(name).context("the hub's name is no host name")?;
    let chain = certificates(&settings.certificate)?;
    let own_until = expiry(chain.first())?;
    let connector = TlsConnector::from(Arc::new(config(settings, chain)?));

    let system = |error: io::Error| Fault::unreachable(hub, &error);
    let tcp = in_time(TcpStream::connect((bare, uri.port_u16().unwrap_or(443))))
        .await
        .map_err(system)?;
    let mut stream = in_time(connector.connect(name, tcp))
        .await
        .map_err(|error| of_io(hub, &error))?;
    let hub_until = expiry(stream.get_ref().1.peer_certificates().and_then(<[_]>::first))?;
    in_time(stream.write_all(PREFACE))
        .await
        .map_err(|error| of_io(hub, &error))?;
    let mut first = [0; 9];
    match in_time(stream.read(&mut first)).await {
        Ok(0) => Err(Fault::refused_certificate(hub, super::fault::CLOSED).into()),
        Ok(_) => Ok(Met { hub_until, own_until }),
        Err(error) => Err(of_io(hub, &error).into()),
    }
}

fn config(settings: &Settings, chain: Vec<CertificateDer<'static>>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(&settings.ca)? {
        roots.add(authority).context("the hub's authority cannot be used")?;
    }
    let key = PrivateKeyDer::from_pem_slice(&settings.key).context("the private key cannot be read")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .context("TLS 1.3 is not to be had")?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .context("this client's certificate and private key do not belong together")?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .context("a certificate cannot be read")
}

fn expiry(certificate: Option<&CertificateDer<'_>>) -> Result<Timestamp> {
    certificate
        .and_then(|der| X509Certificate::from_der(der).ok())
        .and_then(|(_, certificate)| Timestamp::from_second(certificate.validity().not_after.timestamp()).ok())
        .context("a certificate cannot be read")
}

fn of_io(hub: &str, error: &io::Error) -> Fault {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls.and_then(|tls| Fault::of_tls(hub, tls)) {
        Some(fault) => fault,
        None if error.kind() == io::ErrorKind::UnexpectedEof => Fault::refused_certificate(hub, super::fault::CLOSED),
        None if error.kind() == io::ErrorKind::ConnectionReset => Fault::refused_certificate(hub, super::fault::CLOSED),
        None => Fault::unreachable(hub, error),
    }
}

async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, step)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
