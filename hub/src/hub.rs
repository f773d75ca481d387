//! A hub: opened from its settings, then serving until told to stop. The only file that knows all rooms.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jiff::SignedDuration;
use placehub_proto::{
    DESCRIPTORS,
    v1::{
        consent_service_server::ConsentServiceServer, ledger_service_server::LedgerServiceServer,
        policy_service_server::PolicyServiceServer, signal_service_server::SignalServiceServer,
    },
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_health::pb::{FILE_DESCRIPTOR_SET as HEALTH, health_server::HealthServer};
use tower::util::MapResponseLayer;

use crate::{
    authn::{self, Agencies, Authenticator},
    changes::{self, Bell},
    clock::Clock,
    config::Config,
    decide::{self, PolicySet},
    gate::Gate,
    inspect::Inspection,
    keys::{self, Keyring, Keys},
    ledger::{self, Ledger, Signer, read},
    place::{self, Places},
    rpc::{self, Consents, House, LedgerDesk, Policies, Pulse, SignalDesk},
    signals::Signals,
    store::{self, Committer, Disk, Hooks, Store},
    tls::{self, Live},
};

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
    /// The stored ledger is not one that this key signed.
    #[error("the stored ledger cannot be continued")]
    Ledger(#[source] ledger::Error),
    /// The tables of the place.
    #[error("the tables of the place cannot be used")]
    Places(#[source] place::Error),
    /// The policies.
    #[error("the policies cannot be used")]
    Policies(#[source] decide::Error),
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

/// A hub that is open: its store is locked, its keys and policies are read.
pub struct Hub {
    house: Arc<House>,
    live: Arc<Live>,
    config: Config,
}

/// Reads again what may change while a hub serves.
#[derive(Clone)]
pub struct Reloader {
    house: Arc<House>,
    live: Arc<Live>,
    config: Config,
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
        let live = Arc::new(Live::open(config.tls.clone()).map_err(Error::Tls)?);
        let agencies = Agencies::new(config.agency.clone()).map_err(Error::Agencies)?;
        let authenticator = Authenticator::open(&config.place, &config.tokens.audience, agencies.clone(), live.clone())
            .map_err(Error::Agencies)?;
        let policies = PolicySet::load(&config.policies.folder).map_err(Error::Policies)?;
        let places = Places::load(&config.places.folder).map_err(Error::Places)?;
        let keyring = Keyring::open(&config.keys.keyring, &config.keys.hub_key).map_err(Error::Keys)?;
        let ledger = Arc::new(Ledger::new(signer(&config)?));
        let bell = Bell::new();
        let now = clock.now();
        let committer = committer(store.clone(), ledger.clone(), bell.clone())?;
        let keys = Arc::new(Keys::of(keyring));
        let house = House {
            gate: Gate {
                store: store.clone(),
                committer,
                ledger,
                keys: keys.clone(),
                places: Arc::new(places),
                policies: Arc::new(ArcSwap::from_pointee(policies)),
            },
            signals: Signals::new(store.clone(), keys),
            inspection: Inspection::new(store),
            authenticator: Arc::new(authenticator),
            agencies,
            bell,
            clock,
            limits: config.limits,
            loaded_at: ArcSwap::from_pointee(now),
            stopping: CancellationToken::new(),
        };
        Ok(Self {
            house: Arc::new(house),
            live,
            config,
        })
    }

    /// Reads again what may change, while the hub serves.
    pub fn reloader(&self) -> Reloader {
        Reloader {
            house: self.house.clone(),
            live: self.live.clone(),
            config: self.config.clone(),
        }
    }

    /// What others need to check the ledger's signatures, as text (C2SP vkey).
    pub fn ledger_key(&self) -> String {
        self.house.gate.ledger.verifier_key().to_string()
    }

    /// Serves until told to stop, then ends open streams with a hint to come again, and drains within the limit.
    ///
    /// # Errors
    /// If the ledger cannot be continued, or serving fails.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), Error> {
        self.sweep().await?;
        let Self { house, live, config } = self;
        let limits = config.limits;
        let authenticator = house.authenticator.clone();
        let accepting = shutdown.child_token();
        let incoming = tls::listen(
            listener,
            live,
            move |certificate| authenticator.identify(certificate),
            accepting,
        );
        let reflection = |version: &str| {
            tracing::debug!(version, "reflection");
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(HEALTH)
        };
        let serving = |why: tonic_reflection::server::Error| Error::Serving(Box::new(why));
        let most = limits.message_bytes;
        let router = Server::builder()
            .max_connection_age(Duration::from_secs(60 * limits.connection_minutes))
            .max_connection_age_grace(Duration::from_secs(limits.drain_seconds))
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(20)))
            .max_concurrent_streams(256)
            .layer(MapResponseLayer::new(rpc::explained))
            .add_service(reflection("v1").build_v1().map_err(serving)?)
            .add_service(reflection("v1alpha").build_v1alpha().map_err(serving)?)
            .add_service(HealthServer::new(Pulse(house.clone())))
            .add_service(SignalServiceServer::new(SignalDesk(house.clone())).max_decoding_message_size(most))
            .add_service(ConsentServiceServer::new(Consents(house.clone())).max_decoding_message_size(most))
            .add_service(LedgerServiceServer::new(LedgerDesk(house.clone())).max_decoding_message_size(most))
            .add_service(PolicyServiceServer::new(Policies(house.clone())).max_decoding_message_size(most));
        let stopping = house.stopping.clone();
        let told = shutdown.clone();
        let stop = async move {
            told.cancelled().await;
            stopping.cancel();
        };
        let served = router.serve_with_incoming_shutdown(incoming, stop);
        let late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(Duration::from_secs(limits.drain_seconds)).await;
        };
        let outcome = tokio::select! {
            outcome = served => outcome.map_err(|why| Error::Serving(Box::new(why))),
            () = late => {
                tracing::warn!(seconds = limits.drain_seconds, "some calls did not end in time");
                Ok(())
            }
        };
        house.gate.committer.stop().await;
        outcome
    }

    /// Forgets what no cursor can ask for any more.
    async fn sweep(&self) -> Result<(), Error> {
        let keep = SignedDuration::from_hours(24 * self.config.limits.cursor_days);
        let before = self
            .house
            .clock
            .now()
            .saturating_sub(keep)
            .unwrap_or(jiff::Timestamp::MIN);
        let swept = self
            .house
            .gate
            .committer
            .commit(move |txn| changes::forget(txn, before))
            .await;
        swept
            .map_err(|why| Error::Serving(Box::new(why)))?
            .map_err(Error::Store)?;
        Ok(())
    }
}

impl Reloader {
    /// Reads certificates, the revocation list, the issuers' keys and the policies again. What cannot be used leaves
    /// what was in force before in force; everything else is taken. Says what was taken.
    ///
    /// # Errors
    /// All that could not be used.
    pub fn reload(&self) -> Result<Vec<String>, Vec<Error>> {
        let mut taken = Vec::new();
        let mut failed = Vec::new();
        let mut note = |what: String, done: Result<(), Error>| match done {
            Ok(()) => taken.push(what),
            Err(why) => failed.push(why),
        };
        note(
            "certificates and revocation list".to_owned(),
            self.live.reload().map_err(Error::Tls),
        );
        note(
            "issuers' keys".to_owned(),
            self.house.authenticator.reload().map_err(Error::Agencies),
        );
        let policies = PolicySet::load(&self.config.policies.folder).map_err(Error::Policies);
        match policies {
            Ok(policies) => {
                note(format!("policies {}", policies.digest()), Ok(()));
                self.house.gate.policies.store(Arc::new(policies));
                self.house.loaded_at.store(Arc::new(self.house.clock.now()));
            }
            Err(why) => note(String::new(), Err(why)),
        }
        if failed.is_empty() { Ok(taken) } else { Err(failed) }
    }
}

/// The one thread that writes, which signs the ledger's head in each batch.
fn committer(store: Arc<dyn Store>, ledger: Arc<Ledger>, bell: Bell) -> Result<Committer, Error> {
    if let Some(checkpoint) = read::checkpoint(&*store).map_err(Error::Ledger)? {
        ledger
            .verifier_key()
            .open(&checkpoint)
            .map_err(|why| Error::Ledger(ledger::Error::Checkpoint(why)))?;
    }
    let hooks = Hooks {
        seal: Box::new(move |txn| {
            ledger.seal(txn).map_err(|why| store::Error::Engine {
                doing: "sign the ledger's head",
                source: Box::new(why),
            })
        }),
        committed: Box::new(move || bell.ring()),
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
