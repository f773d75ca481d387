//! An adapter as a daemon in a process of its own, that is killed and started anew on what it left.

use std::{fs, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use super::A_LITTLE;
use crate::program::{Home, Log, command, run};

/// Longer than anything takes that comes to an end.
const PATIENCE: Duration = Duration::from_secs(120);
/// What stands in the messages and files, and must be in no log.
const NEEDLES: [&str; 5] = ["9990001006", "SAMPLE^", "Zzyzxfictional", "19580314", "14/03/1958"];

/// A daemon that runs.
pub(super) struct Station {
    program: &'static str,
    settings: String,
    child: Child,
    log: Log,
}

impl Station {
    /// Adds what it is to listen to or look through to an agency's settings, and starts it.
    pub(super) async fn open(home: &Home, program: &'static str, agency: &str, table: &str) -> Self {
        let settings = home.file(&format!("clients/{agency}-adapter.toml"));
        let state = home.beside().join(format!("state-{agency}"));
        let connection = fs::read_to_string(&settings).unwrap();
        fs::write(
            &settings,
            format!("{connection}state = {:?}\n{table}", state.display().to_string()),
        )
        .unwrap();
        Self::start(program, settings).await
    }

    /// Kills it as a power cut would (SIGKILL), and starts it anew.
    pub(super) async fn again(mut self) -> Self {
        self.child.kill().await.unwrap();
        self.log.end().await;
        Self::start(self.program, self.settings).await
    }

    /// Waits until nothing is left that the hub has not acknowledged.
    pub(super) async fn sent(&self) {
        let begun = Instant::now();
        loop {
            let ran = run(self.program, ["status", "--json", "--settings", &self.settings]).await;
            let standing: Value = serde_json::from_str(&ran.out).unwrap();
            if standing["outbox_depth"] == 0 {
                assert_eq!(standing["quarantined"], 0, "{standing}");
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{standing}");
            sleep(A_LITTLE).await;
        }
    }

    /// Tells it to stop, and asserts that it ends well and has said nothing of anybody.
    pub(super) async fn stop(mut self) {
        let id = self.child.id().expect("it has ended").to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .await
                .unwrap()
                .success()
        );
        let ended = timeout(PATIENCE, self.child.wait())
            .await
            .expect("it does not end")
            .unwrap();
        let log = self.log.end().await;
        assert!(ended.success(), "{ended}: {log}");
        for needle in NEEDLES {
            assert!(!log.contains(needle), "the log says {needle}");
        }
    }

    async fn start(program: &'static str, settings: String) -> Self {
        let mut command = command(program);
        command.args(["run", "--settings", &settings]).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut log = Log::of(child.stderr.take().unwrap());
        log.says("begins").await;
        Self {
            program,
            settings,
            child,
            log,
        }
    }
}
