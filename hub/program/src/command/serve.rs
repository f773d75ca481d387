//! `placehub serve`: configuration, open, listen, serve, drain. It decides nothing itself.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use clap::Args;
use placehub_hub::{
    clock::SystemClock,
    config::Config,
    hub::{Hub, Reloaded, Reloader},
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    ending::{Ending, Outcome, Stop, sentence},
    logs::LogArguments,
    out,
};

/// Which hub.
#[derive(Debug, Args)]
#[command(
    after_help = "SIGHUP reads certificates, revocations, key sets and policies anew; what cannot be used leaves \
    the old in force.\nSIGTERM or Ctrl-C stops: open calls have some seconds to end.\nA thread for each core \
    answers, and of up to four each is kept to its core; TOKIO_WORKER_THREADS says how many instead, and keeps none."
)]
pub(crate) struct Serve {
    /// The configuration, e.g. placehub.toml.
    #[arg(long, env = "PLACEHUB_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Write the address into this file, whole, once the hub is ready.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    log: LogArguments,
}

impl Serve {
    /// Serves until told to stop.
    pub(super) async fn run(self) -> Outcome {
        self.log.start()?;
        let config = Config::load(&self.config)?;
        let listen = config.listen;
        let hub = open(config).await?;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))
            .context(Stop::NotServing)?;
        let address = listener.local_addr().context(Stop::NotServing)?;
        // The handlers stand before anyone is told that the hub is ready, so that no early signal is lost.
        let signals = Signals::new().context("cannot wait for signals")?;
        let stop = CancellationToken::new();
        tokio::spawn(signals.heed(hub.reloader(), stop.clone()));
        if let Some(file) = &self.ready_file {
            tell_ready(file, address)?;
        }
        match out::line(format_args!("listening on {address}")) {
            // A hub goes on serving when whoever started it has stopped reading.
            Err(error) if !out::is_closed(&error) => return Err(error),
            _ => {}
        }
        hub.serve(listener, stop).await.context(Stop::NotServing)?;
        tracing::info!("stopped");
        Ok(Ending::Well)
    }
}

/// Opens a hub, away from the threads that answer.
///
/// # Errors
/// Why it cannot run.
pub(super) async fn open(config: Config) -> Result<Hub> {
    let opened = tokio::task::spawn_blocking(move || Hub::open(config, Arc::new(SystemClock))).await;
    opened
        .context("opening the hub was cut short")?
        .context(Stop::NotServing)
}

struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn heed(mut self, reloader: Reloader, stop: CancellationToken) {
        loop {
            tokio::select! {
                _ = self.hang_up.recv() => reload(&reloader).await,
                _ = self.interrupt.recv() => break,
                _ = self.terminate.recv() => break,
            }
        }
        tracing::info!("stopping");
        stop.cancel();
    }
}

async fn reload(reloader: &Reloader) {
    let Reloaded { taken, failed } = reloader.reload("signal").await;
    tracing::info!(reloaded = taken.join(", "), "reloaded");
    for error in failed {
        tracing::error!(
            why = sentence(&error.into()),
            "not reloaded: what was in force stays in force"
        );
    }
}

/// Whoever waits for the file never sees a part of it.
fn tell_ready(file: &Path, address: SocketAddr) -> Result<()> {
    let mut draft = file.as_os_str().to_owned();
    draft.push(".new");
    fs::write(&draft, format!("{address}\n"))
        .and_then(|()| fs::rename(&draft, file))
        .with_context(|| format!("cannot write {} (`--ready-file`)", file.display()))
}
