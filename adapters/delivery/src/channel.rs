//! Makes the mutual TLS connection to the hub.
//! It never connects without TLS, and never without this adapter's own certificate.

use std::time::Duration;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::settings::Settings;

/// How long a connection may take to come about, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a silent connection is left before the hub is asked for a sign of life.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Why no connection can be made from the settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The hub's address is not a URL.
    #[error("`hub` is not a URL")]
    Hub(#[source] tonic::transport::Error),
    /// The certificates or the key cannot be used, or the key is not the certificate's own.
    #[error("`ca`, `certificate` and `key` do not make a TLS identity")]
    Tls(#[source] tonic::transport::Error),
}

/// Prepares the channel to the hub. The connection itself is made at first use, and made again whenever it is lost;
/// so this must be called within a tokio runtime, and succeeds even when the hub is down.
///
/// # Errors
///
/// [`Error`] if the address or the certificates are of no use.
pub fn channel(settings: &Settings) -> Result<Channel, Error> {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&settings.ca))
        .identity(Identity::from_pem(&settings.certificate, &settings.key))
        .timeout(CONNECT_TIMEOUT);
    if let Some(name) = &settings.server_name {
        tls = tls.domain_name(name);
    }
    let endpoint = Endpoint::from_shared(settings.hub.clone())
        .and_then(|endpoint| endpoint.user_agent(concat!("placehub-delivery/", env!("CARGO_PKG_VERSION"))))
        .map_err(Error::Hub)?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(Some(KEEPALIVE))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(CONNECT_TIMEOUT)
        .keep_alive_while_idle(true)
        .tls_config(tls)
        .map_err(Error::Tls)?;
    Ok(endpoint.connect_lazy())
}
