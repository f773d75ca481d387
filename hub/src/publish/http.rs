//! One HTTP/1.1 request to a witness. Never waits long, never reads much, and follows no redirection.

use std::{path::Path, sync::Arc, time::Duration};

use http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// How long a request may take, from the first packet to the last. No test is about it, and a busy machine is slow.
const LIMIT: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 2 });
/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authority of its certificate cannot be used.
    #[error("the authority {path} cannot be used")]
    Authority {
        /// Its file.
        path: String,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection or the exchange failed.
    #[error("it cannot be reached")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("it does not answer in time")]
    Slow,
    /// The URL is `https://`, and no authority is given.
    #[error("an https:// witness needs `ca`, the authority of its certificate")]
    WithoutAuthority,
}

/// A place to post to.
pub(super) struct Target {
    uri: Uri,
    tls: Option<TlsConnector>,
}

impl Target {
    /// The method `name` under a prefix.
    pub(super) fn open(prefix: &Uri, name: &str, ca: Option<&Path>) -> Result<Self, Error> {
        let path = format!("{}/{name}", prefix.path().trim_end_matches('/'));
        let mut parts = prefix.clone().into_parts();
        parts.path_and_query = Some(path.parse().map_err(broken)?);
        let tls = match (prefix.scheme_str(), ca) {
            (Some("https"), Some(ca)) => Some(connector(ca)?),
            (Some("https"), None) => return Err(Error::WithoutAuthority),
            _ => None,
        };
        Ok(Self {
            uri: Uri::from_parts(parts).map_err(broken)?,
            tls,
        })
    }

    /// Posts a text, and gives the status and the text of the answer.
    pub(super) async fn post(&self, body: String) -> Result<(u16, String), Error> {
        tokio::time::timeout(LIMIT, self.exchange(body))
            .await
            .map_err(|_| Error::Slow)?
    }

    async fn exchange(&self, body: String) -> Result<(u16, String), Error> {
        let host = self.uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = self.uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let stream = TcpStream::connect((bare.as_str(), port)).await.map_err(broken)?;
        match &self.tls {
            None => self.speak(stream, body).await,
            Some(tls) => {
                let name = ServerName::try_from(bare).map_err(broken)?;
                self.speak(tls.connect(name, stream).await.map_err(broken)?, body).await
            }
        }
    }

    async fn speak<S>(&self, stream: S, body: String) -> Result<(u16, String), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let driving = tokio::spawn(connection);
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(header::CONNECTION, "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(broken)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let read = Limited::new(response.into_body(), LARGEST).collect().await;
        driving.abort();
        let text = String::from_utf8(read.map_err(Error::Broken)?.to_bytes().to_vec()).map_err(broken)?;
        Ok((status, text))
    }
}

fn connector(ca: &Path) -> Result<TlsConnector, Error> {
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| Error::Authority {
        path: ca.display().to_string(),
        source,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|why| wrong(why.into()))? {
        let certificate = certificate.map_err(|why| wrong(why.into()))?;
        roots.add(certificate).map_err(|why| wrong(why.into()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|why| wrong(why.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn broken(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Broken(why.into())
}
