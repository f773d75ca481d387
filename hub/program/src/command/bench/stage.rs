//! Where the two stand that are compared: the hub and the bare server in one runtime of this process, each behind the same
//! TLS on a port of its own; whoever calls them runs in another runtime.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use placehub_hub::{
    clock::SystemClock,
    hub::{self, Hub},
    tls::{self, Live},
};
use placehub_proto::v1::signal_service_server::SignalServiceServer;
use tokio::{
    runtime::{Handle, Runtime},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::{
    bare::{Bare, Shelf},
    load::{self, Loaded},
    place::Place,
    tap::Tap,
    town::Town,
};
use crate::{command::now, cores, link::Link};

/// Connections to each server in cases with more than one call in flight.
pub(super) const CONNECTIONS: usize = 4;
/// The desk of those who ask.
pub(super) const HOUSING: (&str, &str) = ("housing", "housing-officer");
/// The desk of those who take down what people say.
pub(super) const WELFARE: (&str, &str) = ("welfare", "welfare-adviser");

/// For how long a hub that has ended may hold its store.
const PATIENCE: Duration = Duration::from_secs(10);

/// The runtime of both servers. It may not be waited for where calls are made, so that when it goes, it is left behind.
struct Background(Option<Runtime>);

/// One of the two that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party {
    Bare,
    Hub,
}

/// Both servers, and a town that the hub has been told.
pub(super) struct Stage {
    /// The town.
    pub(super) town: Town,
    /// The folder of the hub's place.
    pub(super) place: Place,
    /// What the bare server answers.
    pub(super) shelf: Shelf,
    /// How the town was loaded.
    pub(super) loaded: Loaded,
    folder: PathBuf,
    bare: SocketAddr,
    hub: Serving,
    _runtime: Background,
}

/// The hub, while it serves.
struct Serving {
    tap: Arc<Tap>,
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<Result<(), hub::Error>>,
}

impl Stage {
    /// Starts both, and has the agencies push the town. The hub is then stopped and started again, with all of the town in
    /// sled, so that nothing that the town left to do is done while something is measured.
    ///
    /// # Errors
    /// If any of it fails.
    pub(super) async fn set(folder: &Path, seed: u64, size: u64) -> Result<Self> {
        let runtime = Background::start()?;
        let town = Town::new(seed, size, now());
        let (port, bare_port, shelf) = (port()?, port()?, Shelf::default());
        let bare = bare_port.local_addr()?;
        let place = Place::make(&folder.join("place"), port.local_addr()?, &town)?;
        let live = Arc::new(Live::open(place.config()?.tls)?);
        runtime
            .handle()?
            .spawn(serve_bare(bare_port, live, Bare::new(shelf.clone())));
        let first = Serving::start(&place, &port, runtime.handle()?).await?;
        let loaded = load::all(&place, first.address, &town).await;
        let stopped = first.stop().await;
        let loaded = loaded?;
        stopped?;
        let hub = Serving::start(&place, &port, runtime.handle()?).await?;
        hub.rest().await?;
        Ok(Self {
            folder: folder.to_owned(),
            town,
            place,
            shelf,
            loaded,
            bare,
            hub,
            _runtime: runtime,
        })
    }

    /// Where one of the two listens.
    pub(super) fn address(&self, server: Party) -> SocketAddr {
        match server {
            Party::Bare => self.bare,
            Party::Hub => self.hub.address,
        }
    }

    /// Desks of housing officers, each with its own connection to a server and its own token.
    ///
    /// # Errors
    /// If a token cannot be made.
    pub(super) fn desks(&self, server: Party, count: usize) -> Result<Arc<[Link]>> {
        let desk = |number| self.place.desk(HOUSING, number, self.address(server));
        (0..count).map(desk).collect()
    }

    /// Adapters of the landlord, each with its own connection to a server.
    ///
    /// # Errors
    /// If the adapter's settings cannot be read.
    pub(super) fn adapters(&self, server: Party, count: usize) -> Result<Arc<[Link]>> {
        let adapter = |_| self.place.adapter("housing", self.address(server));
        (0..count).map(adapter).collect()
    }

    /// The hub's store.
    pub(super) fn tap(&self) -> &Tap {
        &self.hub.tap
    }

    /// Waits until the hub's store is bringing nothing into sled, so that this does not run beside what is timed next. What lies
    /// in a file of the journal that is not full yet stays there.
    ///
    /// # Errors
    /// If it has failed.
    pub(super) async fn rest(&self) -> Result<()> {
        self.hub.rest().await
    }

    /// A folder on the disk that is measured.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops both servers and waits for the hub to end.
    ///
    /// # Errors
    /// If the hub did not end well.
    pub(super) async fn strike(self) -> Result<()> {
        self.hub.stop().await
    }
}

impl Serving {
    /// Opens the hub of a place, and has it serve on a port.
    async fn start(place: &Place, port: &TcpListener, runtime: &Handle) -> Result<Self> {
        let config = place.config()?;
        let opened = runtime.spawn_blocking(move || {
            let tap = Tap::open(&config.store.folder).context("the hub's store cannot be opened")?;
            let hub = Hub::open_on(config, Arc::new(SystemClock), tap.clone());
            anyhow::Ok((tap, hub.context("the hub cannot be opened")?))
        });
        let (tap, opened) = opened.await??;
        let (listener, stop) = (port.try_clone()?, CancellationToken::new());
        let (address, stopped) = (listener.local_addr()?, stop.clone());
        let served = runtime.spawn(async move {
            let listener =
                tokio::net::TcpListener::from_std(listener).map_err(|why| hub::Error::Serving(why.into()))?;
            opened.serve(listener, stopped).await
        });
        Ok(Self {
            tap,
            address,
            stop,
            served,
        })
    }

    async fn rest(&self) -> Result<()> {
        let tap = self.tap.clone();
        Ok(tokio::task::spawn_blocking(move || tap.rest()).await??)
    }

    /// Has the hub end and let go of its store, so that it can be opened again.
    async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let ended = self.served.await;
        ended
            .context("the hub was cut short")?
            .context("the hub did not end well")?;
        let began = Instant::now();
        // Tasks that were told to end hold it a moment longer.
        while Arc::strong_count(&self.tap) > 1 {
            if began.elapsed() > PATIENCE {
                bail!("the hub does not let go of its store");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

impl Background {
    fn start() -> Result<Self> {
        Ok(Self(Some(cores::runtime("server")?)))
    }

    fn handle(&self) -> Result<&Handle> {
        self.0
            .as_ref()
            .map(Runtime::handle)
            .context("the servers have no runtime")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A port that the system gives.
fn port() -> Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The same transport as the hub's: handshake, connection and stream limits.
async fn serve_bare(listener: TcpListener, live: Arc<Live>, bare: Bare) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    // It goes with its runtime.
    let incoming = tls::listen(listener, live, |_| (), CancellationToken::new());
    let served = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .max_concurrent_streams(256)
        .add_service(SignalServiceServer::new(bare))
        .serve_with_incoming(incoming);
    if let Err(why) = served.await {
        tracing::error!(why = %why, "the bare server stopped serving");
    }
}
