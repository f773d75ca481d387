//! Listens on a socket: accepts connections, never more than so many at a time, over TLS if the settings say so.
//! It never reads a message: that is for whoever asked it to listen.

mod tls;

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener as Socket},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::settings::Listener;
use tls::Tls;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A bound socket, and the TLS that is spoken on it.
#[derive(Debug)]
pub struct Door {
    socket: Socket,
    tls: Option<Tls>,
}

/// A connection, in the clear or over TLS.
pub type Connection = Box<dyn Stream>;

/// What bytes come over and go back on.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why nothing can be listened for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A file that the table names cannot be read, or does not hold what it should.
    #[error("{} {rule}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// Certificate, key and authority do not go together.
    #[error("`certificate`, `key` and `client_ca` do not go together")]
    Together(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Door {
    /// Binds the address that the settings name, and reads the files of its TLS. `protocol` is what TLS may be asked for
    /// (ALPN), e.g. `http/1.1`; none if the protocol has no name.
    ///
    /// # Errors
    ///
    /// [`Error`] with the address or the file.
    pub fn open(listener: &Listener, protocol: Option<&'static str>) -> Result<Self, Error> {
        let tls = listener
            .tls
            .clone()
            .map(|files| Tls::load(files, protocol))
            .transpose()?;
        let address = listener.address;
        let socket = Socket::bind(address).and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        let socket = socket.map_err(|source| Error::Bind { address, source })?;
        Ok(Self { socket, tls })
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Whether TLS is spoken on it.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Has each connection served by `each`, at most `most` at a time; further ones wait to be accepted.
    /// After `stop`, those that are open are waited for.
    ///
    /// # Errors
    ///
    /// What the system says, if the socket is of no use.
    pub async fn serve<F>(
        self,
        most: usize,
        stop: &CancellationToken,
        each: impl Fn(Connection) -> F + Clone + Send + 'static,
    ) -> io::Result<()>
    where
        F: Future<Output = ()> + Send,
    {
        let socket = TcpListener::from_std(self.socket)?;
        let places = Arc::new(Semaphore::new(most));
        let mut connections = JoinSet::new();
        loop {
            let accepted = async {
                let place = places.clone().acquire_owned().await;
                (place, socket.accept().await)
            };
            let Some((place, accepted)) = stop.run_until_cancelled(accepted).await else {
                break;
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) => {
                    let (each, acceptor) = (each.clone(), self.tls.as_ref().map(Tls::acceptor));
                    connections.spawn(async move {
                        if let Some(connection) = begin(stream, acceptor).await {
                            each(connection).await;
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(cause = %error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        // What is being taken is still answered.
        while connections.join_next().await.is_some() {}
        Ok(())
    }
}

/// Shakes hands, if TLS is spoken. Whoever cannot is let go.
async fn begin(stream: TcpStream, acceptor: Option<TlsAcceptor>) -> Option<Connection> {
    let Some(acceptor) = acceptor else {
        return Some(Box::new(stream));
    };
    match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(Box::new(stream)),
        Ok(Err(error)) => {
            tracing::warn!(cause = %error, "a sender is refused in the TLS handshake");
            None
        }
        Err(_) => None,
    }
}
