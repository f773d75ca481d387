//! A hub in a process of its own, as an operator starts and stops it.
//! Never asks it anything.

use std::{
    fs,
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};

use super::{measure::processor_time, place::Place};
use crate::home::CONFIG;

/// How long a hub may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a hub may take to come to rest: one with ten million signals looks through them for minutes.
const REST: Duration = Duration::from_secs(1800);
/// A hub that takes no more than a hundredth of a core for so long is taken to be at rest. What it brings into sled, and its
/// look through its signals, take a good part of one, unless the disk needs several milliseconds for a page.
const QUIET: Duration = Duration::from_secs(1);

/// A hub in a process of its own.
pub(super) struct Served {
    child: Child,
    /// How long it took until it said that it was ready.
    pub(super) start: Duration,
}

impl Served {
    /// Starts the hub of a place, and waits until it says that it is ready: its socket listens then.
    ///
    /// # Errors
    /// If it does not start.
    pub(super) async fn start(place: &Place) -> Result<Self> {
        let ready = place.dir().join("ready");
        if ready.exists() {
            fs::remove_file(&ready)?;
        }
        let program = std::env::current_exe().context("this program cannot find itself")?;
        let began = Instant::now();
        let mut child = Command::new(program)
            .arg("serve")
            .args(["--config".as_ref(), place.dir().join(CONFIG).as_os_str()])
            .args(["--ready-file".as_ref(), ready.as_os_str()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("the hub cannot be started")?;
        while fs::read_to_string(&ready)
            .ok()
            .and_then(|at| at.trim().parse::<SocketAddr>().ok())
            .is_none()
        {
            if began.elapsed() > PATIENCE || child.try_wait()?.is_some() {
                bail!("the hub does not start");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Self {
            child,
            start: began.elapsed(),
        })
    }

    /// Waits until it does nothing of itself any more: it brings nothing into sled, and knows its signals. Tells how long that
    /// took.
    ///
    /// # Errors
    /// If it has ended, does not come to rest, or the system does not tell its processor time.
    pub(super) async fn rest(&mut self) -> Result<Duration> {
        let process = self.process()?;
        let began = Instant::now();
        let mut before = Duration::ZERO;
        loop {
            let now = processor_time(&process, |_| true);
            if self.child.try_wait()?.is_some() || now.is_zero() {
                bail!("the hub has ended, or nothing tells its processor time");
            }
            // A thread that has ended takes its time with it.
            if now.abs_diff(before) < QUIET / 100 {
                return Ok(began.elapsed().saturating_sub(QUIET));
            }
            if began.elapsed() > REST {
                bail!("the hub does not come to rest");
            }
            before = now;
            tokio::time::sleep(QUIET).await;
        }
    }

    /// Resident memory in megabytes.
    pub(super) fn resident(&self) -> Result<f64> {
        let process = self.process()?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: Option<f64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        Ok(kilobytes.context("the system does not tell the hub's memory")? * 1024.0 / 1e6)
    }

    /// Has it stop as an operator would, and waits for its end.
    ///
    /// # Errors
    /// If it does not end well.
    pub(super) async fn stop(&mut self) -> Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.process()?]).status().await;
        if !told.context("cannot run `kill`")?.success() {
            bail!("the hub cannot be told to stop");
        }
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        match ended.context("the hub does not stop")??.success() {
            true => Ok(()),
            false => bail!("the hub did not end well"),
        }
    }

    fn process(&self) -> Result<String> {
        Ok(self.child.id().context("the hub has ended by itself")?.to_string())
    }
}
