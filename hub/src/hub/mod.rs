//! A hub: opened from its settings, then serving until told to stop. The only room that knows all rooms.

mod figures;
mod learning;
mod reload;
#[cfg(test)]
mod tests;

use std::{
    net::{SocketAddr, TcpListener as Socket},
    sync::Arc,
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::SignedDuration;
use placehub_proto::{
    DESCRIPTORS,
    ready::signal_service_server::SignalServiceServer,
    v1::{
        catalogue_service_server::CatalogueServiceServer, consent_service_server::ConsentServiceServer,
        identity_service_server::IdentityServiceServer, ledger_service_server::LedgerServiceServer,
        policy_service_server::PolicyServiceServer,
    },
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_health::pb::{FILE_DESCRIPTOR_SET as HEALTH, health_server::HealthServer};
use tower::util::MapResponseLayer;

use crate::{
    authn::{self, Agencies, Authenticator},
    changes::{self, Bell},
    clock::Clock,
    config::Config,
    decide,
    gate::Gate,
    inspect::Inspection,
    keys::{self, Keyring, Keys},
    ledger::{self, Ledger, Signer},
    metrics::{self, Calls, Counting},
    place::{self, Places},
    publish::Publisher,
    rpc::{self, CatalogueDesk, Consents, House, Identities, LedgerDesk, Policies, Pulse, SignalDesk},
    signals::Signals,
    store::{self, Committer, Counted, Disk, Hooks, Store},
    tables,
    tls::{self, Live},
    wire,
};

pub use reload::{Reloaded, Reloader, trust};

/// Why a hub could not be opened, reloaded or served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The agencies or their issuers' keys.
    #[error("the agencies or their issuers cannot be used")]
    Agencies(#[source] authn::LoadError),
    /// The keyring.
    #[error("the keys cannot be used")]
    Keys(#[source] keys::Error),
    /// The ledger's own key.
    #[error("the ledger key {path} cannot be used: {why}")]
    LedgerKey {
        /// Its file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The figures for monitoring cannot be shown.
    #[error("cannot listen on {listen} for the metrics")]
    Metrics {
        /// Where.
        listen: SocketAddr,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// The stored ledger is not one that this key signed.
    #[error("the stored ledger cannot be continued")]
    Ledger(#[source] ledger::Error),
    /// A witness's authority.
    #[error("a witness of the ledger cannot be used")]
    Witness(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The tables of the place.
    #[error("the tables of the place cannot be used")]
    Places(#[source] place::Error),
    /// The policies.
    #[error("the policies cannot be used")]
    Policies(#[source] decide::Error),
    /// The public key of a party of the agreements.
    #[error("the key {path} of the policies cannot be used: {why}")]
    PolicyKey {
        /// Its file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// What became of policies could not be recorded, so nothing changed.
    #[error("the change of policies cannot be recorded")]
    Unrecorded(#[source] crate::gate::Error),
    /// Serving ended with an error.
    #[error("the hub stopped serving")]
    Serving(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store.
    #[error("the store cannot be used")]
    Store(#[source] store::Error),
    /// The certificates.
    #[error("the certificates cannot be used")]
    Tls(#[source] tls::Error),
}

/// How often lapsed signals and old cursors are forgotten.
const SWEEP: Duration = Duration::from_secs(3600);
/// How long after its start a hub sweeps for the first time: it is to serve first.
const FIRST_SWEEP: Duration = Duration::from_secs(60);

/// A hub that is open: its store is locked, its keys and policies are read.
pub struct Hub {
    house: Arc<House>,
    live: Arc<Live>,
    config: Config,
    reloader: Reloader,
    /// How the policies' files looked before they were read.
    looked: Vec<String>,
    /// Where figures for monitoring are shown.
    metrics: Option<Socket>,
}

impl Hub {
    /// Opens a hub on its disk.
    ///
    /// # Errors
    /// Names what cannot be used, and why.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let disk = Disk::open(&config.store.folder).map_err(Error::Store)?;
        Self::open_on(config, clock, Arc::new(disk))
    }

    /// Opens a hub on a store that is open already.
    ///
    /// # Errors
    /// Names what cannot be used, and why.
    pub fn open_on(config: Config, clock: Arc<dyn Clock>, store: Arc<dyn Store>) -> Result<Self, Error> {
        let metrics = config.metrics.map(|metrics| listen(metrics.listen)).transpose()?;
        let live = Arc::new(Live::open(config.tls.clone()).map_err(Error::Tls)?);
        let agencies = Agencies::new(config.agency.clone()).map_err(Error::Agencies)?;
        let authenticator = Authenticator::open(&config.place, &config.tokens.audience, agencies.clone(), live.clone())
            .map_err(Error::Agencies)?;
        let looked = reload::look(&config.policies);
        let places = Places::load(&config.places.folder).map_err(Error::Places)?;
        let keyring = Keyring::open(&config.keys.keyring, &config.keys.hub_key).map_err(Error::Keys)?;
        let ledger = Arc::new(Ledger::new(signer(&config)?));
        // From here on everything reads and writes through it, so that what is remembered of the store is never older.
        let store = Counted::new(store, tables::topic).remembering(tables::is_alone);
        let store = Arc::new(store.knowing(&[tables::SIGNAL]));
        let bell = Bell::new(changes::last(&*store).map_err(Error::Store)?);
        let now = clock.now();
        let committer = committer(store.clone(), ledger.clone(), bell.clone())?;
        let policies = match reload::policies(&config) {
            Ok(policies) => policies,
            Err(why) => {
                reload::refuse(&config, (committer, ledger), &why, now);
                return Err(why);
            }
        };
        let publisher = Publisher::open((store.clone(), committer.clone()), clock.clone(), config.ledger.clone())
            .map_err(|why| Error::Witness(Box::new(why)))?;
        let keys = Arc::new(Keys::of(keyring));
        let house = House {
            gate: Gate::new(
                (store.clone(), committer),
                ledger,
                keys.clone(),
                Arc::new(places),
                policies,
            ),
            signals: Signals::new(store.clone(), keys.clone(), wire::form(agencies.clone())),
            inspection: Inspection::new(store, keys),
            publisher,
            authenticator: Arc::new(authenticator),
            agencies,
            bell,
            clock,
            limits: config.limits,
            loaded_at: ArcSwap::from_pointee(now),
            refused: ArcSwapOption::empty(),
            live: live.clone(),
            stopping: CancellationToken::new(),
        };
        let house = Arc::new(house);
        Ok(Self {
            reloader: Reloader::new(&house, &live, &config),
            house,
            live,
            config,
            looked,
            metrics,
        })
    }

    /// Where figures for monitoring are to be shown, once the hub serves.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|socket| socket.local_addr().ok())
    }

    /// Reads again what may change, while the hub serves.
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// What others need to check the ledger's signatures, as text (C2SP vkey).
    pub fn ledger_key(&self) -> String {
        self.house.gate.verifier_key().to_string()
    }

    /// Serves until told to stop, then ends open streams with a hint to come again, and drains within the limit.
    ///
    /// # Errors
    /// If the ledger cannot be continued, or serving fails.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), Error> {
        let Self {
            house,
            live,
            config,
            reloader,
            looked,
            metrics,
        } = self;
        let calls = Calls::of(DESCRIPTORS);
        let serving = |why: tonic_reflection::server::Error| Error::Serving(Box::new(why));
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(HEALTH)
        };
        let reflections = (
            reflection().build_v1().map_err(serving)?,
            reflection().build_v1alpha().map_err(serving)?,
        );
        // A ledger that was put back must not be gone on with, by as much as its first entry, before witnesses have seen it.
        let waits = house.publisher.begin();
        if !waits {
            reloader.begin().await?;
            house.publisher.begun();
        }
        // What can fail has been done: whatever begins from here on is ended below.
        let showing = show(metrics, &house, &calls)?;
        let sweeping = tokio::spawn(sweep(house.clone()));
        let last = CancellationToken::new();
        let publishing = tokio::spawn({
            let (house, last) = (house.clone(), last.clone());
            async move { house.publisher.run(last).await }
        });
        let keeping = tokio::spawn({
            let house = house.clone();
            async move {
                if waits {
                    house.publisher.seen().await;
                    match reloader.begin().await {
                        Ok(()) => house.publisher.begun(),
                        Err(why) => return tracing::error!(why = %why, "the hub cannot begin, and stays closed"),
                    }
                }
                reloader.keep_up(looked).await;
            }
        });
        // Before it serves, so that a hub with few signals knows them all from the first call on.
        let wait = learning::look(&house).await;
        let learning = tokio::spawn(learning::go_on(house.clone(), wait));
        let limits = config.limits;
        let authenticator = house.authenticator.clone();
        let accepting = shutdown.child_token();
        let incoming = tls::listen(
            listener,
            live,
            move |certificate| authenticator.identify(certificate),
            accepting,
        );
        let most = limits.message_bytes;
        let router = Server::builder()
            .max_connection_age(Duration::from_secs(60 * limits.connection_minutes))
            .max_connection_age_grace(Duration::from_secs(limits.drain_seconds))
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(20)))
            .max_concurrent_streams(256)
            .layer(Counting(calls))
            .layer(MapResponseLayer::new(rpc::explained))
            .add_service(reflections.0)
            .add_service(reflections.1)
            .add_service(HealthServer::new(Pulse(house.clone())))
            .add_service(CatalogueServiceServer::new(CatalogueDesk(house.clone())).max_decoding_message_size(most))
            .add_service(SignalServiceServer::new(SignalDesk(house.clone())).max_decoding_message_size(most))
            .add_service(ConsentServiceServer::new(Consents(house.clone())).max_decoding_message_size(most))
            .add_service(IdentityServiceServer::new(Identities(house.clone())).max_decoding_message_size(most))
            .add_service(LedgerServiceServer::new(LedgerDesk(house.clone())).max_decoding_message_size(most))
            .add_service(PolicyServiceServer::new(Policies(house.clone())).max_decoding_message_size(most));
        let served = router.serve_with_incoming_shutdown(incoming, shutdown.clone().cancelled_owned());
        let late = async {
            shutdown.cancelled().await;
            // Not in the signal that the server waits for: it drops that as soon as `incoming` ends, which is now too.
            house.stopping.cancel();
            tokio::time::sleep(Duration::from_secs(limits.drain_seconds)).await;
        };
        let outcome = tokio::select! {
            outcome = served => outcome.map_err(|why| Error::Serving(Box::new(why))),
            () = late => {
                tracing::warn!(seconds = limits.drain_seconds, "some calls did not end in time");
                Ok(())
            }
        };
        // However it came to this.
        house.stopping.cancel();
        for task in [sweeping, keeping].into_iter().chain(showing) {
            task.abort();
            // Cut short or not, it no longer holds the store.
            let _ended = task.await;
        }
        // It ends with the look that it is at.
        let _learnt = learning.await;
        house.gate.stop().await;
        last.cancel();
        // Only a panic ends it otherwise, and there is nothing to be done about that here.
        let _published = publishing.await;
        outcome
    }
}

/// Forgets, a minute from now and then every hour, what has lapsed and what no cursor can ask for any more.
async fn sweep(house: Arc<House>) {
    let first = tokio::time::Instant::now() + FIRST_SWEEP;
    let mut hourly = tokio::time::interval_at(first, SWEEP);
    loop {
        hourly.tick().await;
        let days = SignedDuration::from_hours(24 * house.limits.cursor_days);
        match house.gate.sweep(days, house.clock.now()).await {
            Ok(swept) => tracing::info!(signals = swept.signals, rows = swept.rows, "swept"),
            Err(why) => tracing::error!(why = %why, "the sweep failed; it is tried again in an hour"),
        }
        house.signals.tidy();
    }
}

/// Listens for those who read the figures. At the start, so that a hub which cannot be watched as its settings say is not
/// started unwatched.
fn listen(listen: SocketAddr) -> Result<Socket, Error> {
    let bound = Socket::bind(listen).and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
    bound.map_err(|source| Error::Metrics { listen, source })
}

fn show(socket: Option<Socket>, house: &Arc<House>, calls: &Arc<Calls>) -> Result<Option<JoinHandle<()>>, Error> {
    let Some(socket) = socket else {
        return Ok(None);
    };
    let listener = TcpListener::from_std(socket).map_err(|why| Error::Serving(Box::new(why)))?;
    let (house, calls) = (house.clone(), calls.clone());
    Ok(Some(tokio::spawn(metrics::serve(listener, move || {
        figures::text(&house, &calls)
    }))))
}

/// The one thread that writes, which signs the ledger's head in each batch.
fn committer(store: Arc<dyn Store>, ledger: Arc<Ledger>, bell: Bell) -> Result<Committer, Error> {
    ledger::check_key(&*store, ledger.verifier_key()).map_err(Error::Ledger)?;
    let hooks = Hooks {
        seal: Box::new(move |txn| {
            changes::gather(txn)?;
            ledger.complete(txn)
        }),
        committed: Box::new(move |changes| bell.ring(changes)),
    };
    Committer::start(store, hooks).map_err(Error::Store)
}

fn signer(config: &Config) -> Result<Signer, Error> {
    let path = &config.keys.ledger_key;
    let wrong = |why: String| Error::LedgerKey {
        path: path.display().to_string(),
        why,
    };
    let bytes = std::fs::read(path).map_err(|why| wrong(why.to_string()))?;
    Signer::from_pkcs8(&config.node, &bytes).map_err(|why| wrong(why.to_string()))
}
