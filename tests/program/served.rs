//! A hub in a process of its own, that can be told to stop, told to read anew, and killed.
//! Whoever drops it kills it.

use std::{
    net::SocketAddr,
    process::ExitStatus,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

/// Longer than a hub takes for anything that it is told to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that serves.
pub(crate) struct Served {
    /// Where.
    pub(crate) address: SocketAddr,
    child: Child,
    log: Log,
    /// Open to its end: a hub that nobody reads any more is another test.
    _out: Lines<BufReader<ChildStdout>>,
}

/// What a process says on standard error.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
    reading: JoinHandle<()>,
}

impl Served {
    /// Starts `placehub serve`, and waits until it says where it listens.
    pub(crate) async fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = timeout(PATIENCE, out.next_line())
            .await
            .expect("it says nothing")
            .unwrap();
        let Some(first) = first else {
            let ended = child.wait().await.unwrap();
            panic!("the hub ended with {ended}: {}", log.end().await)
        };
        let address = first.strip_prefix("listening on ").expect("another first line");
        Self {
            address: address.parse().unwrap(),
            child,
            log,
            _out: out,
        }
    }

    /// Kills it as a power cut would (SIGKILL), and waits until the system has taken it away.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends it a signal by name, e.g. `HUP`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it has ended");
        let mut command = Command::new("kill");
        command.arg(format!("-{name}")).arg(id.to_string());
        assert!(command.status().await.unwrap().success());
    }

    /// Waits for its end; returns how it ended, and all that it logged.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let ended = timeout(PATIENCE, self.child.wait()).await.expect("it does not end");
        (ended.unwrap(), self.log.end().await)
    }

    /// Tells it to stop, and asserts that it ends well; returns all that it logged.
    pub(crate) async fn stop(self) -> String {
        self.signal("TERM").await;
        let (ended, log) = self.end().await;
        assert!(ended.success(), "{ended}: {log}");
        log
    }

    /// Waits until a line of the log holds this text.
    pub(crate) async fn logs(&mut self, text: &str) {
        self.log.says(text).await;
    }
}

impl Log {
    /// Reads on until the process ends.
    pub(crate) fn of(err: ChildStderr) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (told, count) = watch::channel(0);
        let kept = lines.clone();
        let reading = tokio::spawn(async move {
            let mut read = BufReader::new(err).lines();
            while let Some(line) = read.next_line().await.unwrap() {
                kept.lock().unwrap().push(line);
                told.send_modify(|count| *count += 1);
            }
        });
        Self { lines, count, reading }
    }

    /// Waits until a line holds this text.
    pub(crate) async fn says(&mut self, text: &str) {
        let lines = self.lines.clone();
        let told = self.count.wait_for(|_| {
            let lines = lines.lock().unwrap();
            lines.iter().any(|line| line.contains(text))
        });
        timeout(PATIENCE, told).await.expect("not logged").expect("it ended");
    }

    /// Everything, once nothing more can come.
    pub(crate) async fn end(self) -> String {
        self.reading.await.unwrap();
        self.lines.lock().unwrap().join("\n")
    }
}
