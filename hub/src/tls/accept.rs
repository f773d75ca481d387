//! Takes connections, makes the TLS handshakes, and hands over those that pass.
//! It never lets a slow or a rude stranger hold up the others, and never logs what one sent.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustls::pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;
use tracing::{debug, info, warn};

use super::Live;

const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
const HANDSHAKES_AT_ONCE: usize = 512;
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection whose client showed a certificate of a trusted authority. What that certificate says was read once,
/// and goes with every request as [`Origin`].
#[derive(Debug)]
pub struct Connection<I> {
    stream: TlsStream<TcpStream>,
    origin: Origin<I>,
}

/// Where a request comes from: `request.extensions().get::<Origin<I>>()`.
#[derive(Debug, Clone)]
pub struct Origin<I> {
    /// The other end, as TCP sees it: possibly a proxy.
    pub remote: SocketAddr,
    /// What the client's certificate was found to be.
    pub identity: I,
}

/// Takes connections from a bound listener until `stop`, for tonic's `serve_with_incoming`.
///
/// `identify` reads the client's own certificate, once a connection, after the handshake has proved its key.
/// It does not refuse: what it found wrong travels with the requests, which can then be answered clearly.
/// A handshake has five seconds; there are at most 512 at once, and further ones wait to be accepted.
/// When the process is out of file descriptors it waits, up to a second at a time.
/// Must be called within a tokio runtime. The listener closes at `stop`, or when the stream is dropped.
pub fn listen<I, F>(
    listener: TcpListener,
    live: Arc<Live>,
    identify: F,
    stop: CancellationToken,
) -> impl Stream<Item = io::Result<Connection<I>>> + Send + use<I, F>
where
    I: Clone + Send + Sync + 'static,
    F: Fn(&CertificateDer<'_>) -> I + Send + Sync + 'static,
{
    let (ready, connections) = mpsc::channel(64);
    let door = Arc::new(Door { live, identify, ready });
    tokio::spawn(take(listener, door, stop));
    ReceiverStream::new(connections)
}

struct Door<I, F> {
    live: Arc<Live>,
    identify: F,
    ready: mpsc::Sender<io::Result<Connection<I>>>,
}

async fn take<I, F>(listener: TcpListener, door: Arc<Door<I, F>>, stop: CancellationToken)
where
    I: Clone + Send + Sync + 'static,
    F: Fn(&CertificateDer<'_>) -> I + Send + Sync + 'static,
{
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_AT_ONCE));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            () = door.ready.closed() => return,
            accepted = next(&listener, &handshakes) => accepted,
        };
        let Some((tcp, remote, place)) = accepted else {
            return;
        };
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            door.admit(tcp, remote).await;
            drop(place);
        });
    }
}

/// The next connection and a place among the handshakes; none only if the places are closed, which nobody does.
async fn next(
    listener: &TcpListener,
    handshakes: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(handshakes).acquire_owned().await.ok()?;
    let mut pause = SHORTEST_PAUSE;
    loop {
        match listener.accept().await {
            Ok((tcp, remote)) => return Some((tcp, remote, place)),
            Err(error) if concerns_one_connection(&error) => {
                debug!(reason = %error, "connection lost before it was accepted");
            }
            Err(error) => {
                warn!(reason = %error, pause_ms = pause.as_millis(), "cannot accept connections");
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

impl<I, F: Fn(&CertificateDer<'_>) -> I> Door<I, F> {
    async fn admit(&self, tcp: TcpStream, remote: SocketAddr) {
        match timeout(HANDSHAKE_TIME, self.shake_hands(tcp, remote)).await {
            Ok(Ok(connection)) => {
                if self.ready.send(Ok(connection)).await.is_err() {
                    debug!(%remote, "connection dropped: the hub is stopping");
                }
            }
            // The library's messages name a rule of TLS or of certificates, never what was sent.
            Ok(Err(error)) => info!(%remote, reason = %error, "handshake refused"),
            Err(_) => info!(%remote, "handshake took too long"),
        }
    }

    async fn shake_hands(&self, tcp: TcpStream, remote: SocketAddr) -> io::Result<Connection<I>> {
        tcp.set_nodelay(true)?;
        let config = Arc::clone(self.live.material().config());
        let stream = TlsAcceptor::from(config).accept(tcp).await?;
        let identity = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(&self.identify)
            .ok_or_else(|| io::Error::other("no client certificate"))?;
        Ok(Connection {
            stream,
            origin: Origin { remote, identity },
        })
    }
}

impl<I: Clone + Send + Sync + 'static> Connected for Connection<I> {
    type ConnectInfo = Origin<I>;

    fn connect_info(&self) -> Origin<I> {
        self.origin.clone()
    }
}

impl<I: Unpin> AsyncRead for Connection<I> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<I: Unpin> AsyncWrite for Connection<I> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
