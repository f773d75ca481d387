//! A hub in this process, on a free port and on a store of the test's choosing.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    ops::ControlFlow,
    sync::Arc,
};

use jiff::Timestamp;
use placehub_certs::IssuedClient;
use placehub_hub::{
    hub::{self, Reloader},
    store::{Memory, Read, Store},
};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;

use super::{
    Client, Place, Practitioner, Presents, cast,
    client::{channel, channel_with},
    watcher::PATIENCE,
};

/// A hub that serves until it is stopped or dropped.
pub(crate) struct Hub {
    /// Where it serves.
    pub(crate) address: SocketAddr,
    /// What it was started from.
    pub(crate) place: Arc<Place>,
    /// Its store.
    pub(crate) store: Arc<dyn Store>,
    /// Reads again what may change.
    pub(crate) reloader: Reloader,
    /// Where it shows figures for monitoring, if its settings say so.
    pub(crate) metrics: Option<SocketAddr>,
    /// What its ledger is checked with (C2SP vkey).
    pub(crate) ledger_key: String,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), hub::Error>>,
}

impl Hub {
    /// A hub of a new place, in memory.
    pub(crate) async fn fresh() -> Self {
        Self::start(&Place::new(), Arc::new(Memory::new())).await
    }

    /// A hub of this place on this store, which may hold what an earlier hub of the place left. It serves by the time that
    /// this returns.
    pub(crate) async fn start(place: &Arc<Place>, store: Arc<dyn Store>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let opened = hub::Hub::open_on(place.config(), place.clock.clone(), store.clone()).unwrap();
        let shutdown = CancellationToken::new();
        let (reloader, ledger_key, metrics) = (opened.reloader(), opened.ledger_key(), opened.metrics());
        let serving = tokio::spawn(opened.serve(listener, shutdown.clone()));
        let hub = Self {
            address,
            place: place.clone(),
            store,
            reloader,
            metrics,
            ledger_key,
            shutdown,
            serving,
        };
        // Whatever it answers, even a refusal, it answers only once it serves.
        let mut health = hub.adapter("housing").health;
        let _any = timeout(PATIENCE, health.check(HealthCheckRequest::default())).await;
        hub
    }

    /// Tells it to stop, without waiting.
    pub(crate) fn tell_to_stop(&self) {
        self.shutdown.cancel();
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.serving).await.unwrap().unwrap();
    }

    /// An agency's adapter: its certificate alone.
    pub(crate) fn adapter(&self, agency: &str) -> Client {
        Client::over(self.channel(agency, "adapter"), Presents::Nothing)
    }

    /// A practitioner at their agency's desk, with a new token at every call.
    pub(crate) fn desk(&self, agency: &str, subject: &str, roles: &[&str], areas: &[&str]) -> Client {
        self.practitioner(Practitioner::new(agency, subject, roles, areas))
    }

    /// A practitioner of the cast, with a new token at every call.
    pub(crate) fn as_cast(&self, subject: &str) -> Client {
        self.practitioner(cast(subject))
    }

    /// A practitioner at their agency's desk, with a new token at every call.
    pub(crate) fn practitioner(&self, who: Practitioner) -> Client {
        let channel = self.channel(&who.agency, "desk");
        Client::over(channel, Presents::Fresh(self.place.clone(), who))
    }

    /// A workload that shows this very token.
    pub(crate) fn with_token(&self, agency: &str, workload: &str, token: &str) -> Client {
        Client::over(self.channel(agency, workload), Presents::This(token.to_owned()))
    }

    /// A caller with a certificate of the test's own making, without a token.
    pub(crate) fn with_certificate(&self, identity: &IssuedClient) -> Client {
        let channel = channel_with(self.place.pki.ca_pem(), identity, self.address);
        Client::over(channel, Presents::Nothing)
    }

    /// A channel of a workload, which connects at its first call.
    pub(crate) fn channel(&self, agency: &str, workload: &str) -> Channel {
        channel(&self.place, agency, workload, self.address)
    }

    /// So many times 24 hours before the hub's time.
    pub(crate) fn days_ago(&self, days: i64) -> Timestamp {
        self.place.clock.days_ago(days)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.serving.abort();
    }
}

/// Every key and value of a store.
pub(crate) fn contents(store: &(impl Read + ?Sized)) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let visited = store.scan(&[], &[u8::MAX; 64], &mut |key, value| {
        found.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    });
    visited.unwrap();
    found
}
