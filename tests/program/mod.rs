//! The programs of the project, run as their users run them: a command line, an exit code, two streams of text.
//! It never links what it runs, and leaves no process behind: each dies with the test that started it.

mod build;
mod home;
mod served;

use std::{ffi::OsStr, path::PathBuf, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

pub(crate) use home::Home;
pub(crate) use served::{Log, Served};

/// Longer than any command takes that comes to an end at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a program ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) out: String,
    /// What it said on standard error.
    pub(crate) err: String,
}

impl Ran {
    /// The JSON document that it printed, which must be of the schema that this test knows.
    pub(crate) fn json(&self) -> Value {
        let document: Value =
            serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why} in what was printed: {self:?}"));
        assert_eq!(document["schema"], 1, "{self:?}");
        document
    }

    /// Asserts the exit code.
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// The one sentence on standard error by which it tells why it failed.
    pub(crate) fn error(&self) -> &str {
        let mut told = self.err.lines().filter_map(|line| line.strip_prefix("error: "));
        let sentence = told.next().unwrap_or_else(|| panic!("no error was told: {self:?}"));
        assert_eq!(told.next(), None, "more than one sentence: {self:?}");
        sentence
    }
}

/// A program of the workspace, ready to be run: without standard input, and without the settings of whoever runs the
/// tests.
pub(crate) fn command(program: &str) -> Command {
    let mut command = bare(build::binary(program));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a program of the workspace to its end.
pub(crate) async fn run<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Ran {
    let mut command = command(program);
    command.args(arguments);
    finish(&mut command).await
}

/// Runs `placehub` to its end.
pub(crate) async fn placehub<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    run("placehub", arguments).await
}

/// Runs any command to its end, and collects what it prints.
pub(crate) async fn finish(command: &mut Command) -> Ran {
    collect(command.spawn().unwrap()).await
}

/// Waits for the end of a process, and collects what it prints.
pub(crate) async fn collect(child: Child) -> Ran {
    let ended = timeout(PATIENCE, child.wait_with_output()).await;
    let output = ended.expect("it does not come to an end").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code().expect("ended by a signal"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// What a setting of the tests says, e.g. `PLACEHUB_TEST_ROUNDS`; none if it is not set.
pub(crate) fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration file")]
    std::env::var(name).ok()
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn bare(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        let ours = name.to_str().is_some_and(|name| name.starts_with("PLACEHUB_"));
        if ours || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}
