//! The demo's stage: a temporary folder as `init` makes it, and a hub in this process that serves from it on a free port.
//! Clients reach it over the network like any other, through mutual TLS.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context as _, Result};
use placehub_delivery::Settings;
use placehub_hub::ledger::VerifierKey;
use placehub_hub::{config::Config, hub};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::narrator::{Narrator, millis};
use crate::{
    cast,
    command::{init, ledger, now, serve},
    home::{CONFIG, Home, LEDGER_PUB},
    link::Link,
};

/// The place of the cast.
const PLACE: &str = "wigan.placehub.example";
/// A heartbeat each second, so that "nothing more came" is soon known.
const LIMITS: &str = "heartbeat_seconds = 1\n";

/// A hub that serves, and the way to it.
pub(super) struct Stage {
    folder: TempDir,
    home: Home,
    stop: CancellationToken,
    hub: JoinHandle<Result<(), hub::Error>>,
}

impl Stage {
    /// Makes the folder, opens the hub and starts it.
    ///
    /// # Errors
    /// If any of it cannot be had.
    pub(super) async fn set(narrator: &mut Narrator) -> Result<Self> {
        narrator
            .step("A place is set up: authority, certificates, keys, policies, tables of areas; and its hub starts")?;
        let began = Instant::now();
        let folder = tempfile::Builder::new()
            .prefix("placehub-demo-")
            .tempdir()
            .context("no temporary folder")?;
        // Bound before the settings are written, so that they name the port that the system gave.
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let listen = listener.local_addr()?;
        let dir = folder.path().join("place");
        init::make(&dir, PLACE, listen, &[], LIMITS, now())?;
        let config = Config::load(&dir.join(CONFIG))?;
        let hub = serve::open(config).await?;
        let stop = CancellationToken::new();
        let hub = tokio::spawn(hub.serve(listener, stop.clone()));
        narrator.say(format_args!(
            "The hub of {PLACE} listens on {listen}, with its store in a temporary folder."
        ))?;
        narrator.measure("start_ms", millis(began));
        Ok(Self {
            home: Home::open(&dir)?,
            folder,
            stop,
            hub,
        })
    }

    /// The folder that `init` made.
    pub(super) fn home(&self) -> PathBuf {
        self.folder.path().join("place")
    }

    /// The way of a practitioner of the cast, with their agency's desk and a fresh token.
    ///
    /// # Errors
    /// If there is no such practitioner, or their token cannot be made.
    pub(super) fn desk(&self, subject: &str) -> Result<Link> {
        let who = cast::find(subject).context("nobody of this name is in the cast")?;
        let token = self.home.token(who, who.agency, "desk", now())?;
        Link::new(self.home.settings(who.agency, "desk")?, Some(token))
    }

    /// What an agency's adapter needs, with its own certificate.
    ///
    /// # Errors
    /// If the agency has no adapter.
    pub(super) fn adapter(&self, agency: &str) -> Result<Settings> {
        self.home.settings(agency, "adapter")
    }

    /// The key that checks the ledger.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub(super) fn ledger_key(&self) -> Result<VerifierKey> {
        ledger::read_key(&self.home().join(LEDGER_PUB))
    }

    /// Stops the hub, waits until it has drained, and removes the folder.
    ///
    /// # Errors
    /// If the hub did not end well, or the folder cannot be removed.
    pub(super) async fn strike(self) -> Result<()> {
        self.stop.cancel();
        self.hub
            .await
            .context("the hub was cut short")?
            .context("the hub did not end well")?;
        self.folder.close().context("the temporary folder cannot be removed")
    }
}
