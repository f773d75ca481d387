//! What a daemon needs beyond the connection: where its state lies, the drop folder, the metrics listener.
//! It never holds a key.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{Error, Listener, read};

/// How many entries may wait in the outbox before sources do, unless the settings say otherwise.
const OUTBOX_LIMIT: u64 = 1_000_000;

/// The arrangements of an adapter that runs as a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// The settings file itself: the connection is read from it anew whenever one is made.
    pub file: PathBuf,
    /// The folder of outbox and quarantine.
    pub state: PathBuf,
    /// How many entries may wait before sources do.
    pub outbox_limit: u64,
    /// Where the metrics listener listens. Always an address of this machine alone.
    pub metrics: Option<SocketAddr>,
    /// The drop folder.
    pub folder: Option<Drop>,
    /// The listeners to take messages with, by the table that asks for each, e.g. `mllp`.
    pub listeners: Vec<(&'static str, Listener)>,
}

/// The drop folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop {
    /// Where it is.
    pub path: PathBuf,
    /// How often it is looked through.
    pub every: Duration,
    /// Whether a file waits for its manifest.
    pub manifest_required: bool,
    /// How long a file is kept in `done/`; for ever, if it is not said.
    pub done_for: Option<Duration>,
}

impl Station {
    /// Reads the arrangements from a settings file. Relative paths in it start at its own folder.
    ///
    /// # Errors
    ///
    /// [`Error`] with the key that is at fault.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let written = read(path)?;
        let refuse = |key, rule| Error::Key {
            file: path.to_path_buf(),
            key,
            rule,
        };
        let home = path.parent().unwrap_or(Path::new(""));
        if written.metrics.is_some_and(|address| !address.ip().is_loopback()) {
            return Err(refuse(
                "metrics",
                "is not an address of this machine alone, such as 127.0.0.1:9464",
            ));
        }
        if written.outbox_limit == Some(0) {
            return Err(refuse("outbox_limit", "is not at least 1"));
        }
        let folder = match written.folder {
            Some(folder) if folder.every_seconds == 0 => {
                return Err(refuse("folder.every_seconds", "is not at least 1"));
            }
            Some(folder) => Some(Drop {
                path: home.join(folder.path),
                every: Duration::from_secs(folder.every_seconds),
                manifest_required: folder.manifest_required,
                done_for: folder
                    .done_days
                    .map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
            }),
            None => None,
        };
        let mut listeners = Vec::new();
        for (table, written) in [("mllp", written.mllp), ("http", written.http)] {
            if let Some(written) = written {
                listeners.push((table, Listener::parse(table, written, path)?));
            }
        }
        Ok(Self {
            file: path.to_path_buf(),
            state: home.join(written.state.unwrap_or_else(|| "state".into())),
            outbox_limit: written.outbox_limit.unwrap_or(OUTBOX_LIMIT),
            metrics: written.metrics,
            folder,
            listeners,
        })
    }

    /// The folder of the outbox.
    pub fn outbox(&self) -> PathBuf {
        self.state.join("outbox")
    }

    /// The folder of the quarantine.
    pub fn quarantine(&self) -> PathBuf {
        self.state.join("quarantine")
    }
}

/// The table `[folder]` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenDrop {
    path: PathBuf,
    #[serde(default = "ten")]
    every_seconds: u64,
    #[serde(default)]
    manifest_required: bool,
    done_days: Option<u32>,
}

fn ten() -> u64 {
    10
}

/// A settings file to begin with, as `init` writes it; `listeners` are the tables that this program understands, and `own`
/// is what it says on `[formats]`.
pub fn template(program: &str, listeners: &[&str], own: &str) -> String {
    let listeners: String = listeners
        .iter()
        .map(|table| {
            let port = if *table == "mllp" { 2575 } else { 8443 };
            format!(
                "\n# A listener for `run`. Without certificate and key it speaks in the clear: on this machine alone.\n\
                 # With `client_ca`, senders must show a certificate of that authority.\n\
                 # [{table}]\n# listen = \"127.0.0.1:{port}\"\n# certificate = \"listener.pem\"\n\
                 # key = \"listener.key\"\n# client_ca = \"senders.pem\"\n"
            )
        })
        .collect();
    format!(
        "# Settings of {program}. Relative paths start at the folder of this file.\n\
         \n\
         # The hub, and the name in its certificate if that is not the host of the URL.\n\
         hub = \"https://hub.example:7443\"\n\
         # server_name = \"hub.example\"\n\
         \n\
         # The authority of the hub's certificate; this adapter's own certificate and private key. All PEM.\n\
         # They are read anew for each connection: replace the files, and there is no need to restart.\n\
         ca = \"ca.pem\"\n\
         certificate = \"adapter.pem\"\n\
         key = \"adapter.key\"\n\
         \n\
         # Where `run` keeps its outbox and its quarantine. Both hold personal data.\n\
         state = \"state\"\n\
         # How many entries may wait there before the sources do.\n\
         outbox_limit = {OUTBOX_LIMIT}\n\
         \n\
         # Metrics for Prometheus, at /metrics. Only an address of this machine.\n\
         # metrics = \"127.0.0.1:9464\"\n\
         \n\
         # The drop folder that `run` looks through.\n\
         [folder]\n\
         path = \"drop\"\n\
         every_seconds = 10\n\
         # Whether each file waits for its NAME.manifest, JSON with `rows` and `sha256`.\n\
         manifest_required = false\n\
         # After how many days files are removed from `done/`. Left out, they stay.\n\
         # done_days = 30\n{listeners}{own}"
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load(extra: &str) -> Result<Station, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("adapter.toml");
        fs::write(
            &file,
            format!("hub = \"https://h\"\nca = \"a\"\ncertificate = \"b\"\nkey = \"c\"\n{extra}"),
        )
        .unwrap();
        Station::load(&file)
    }

    #[test]
    fn what_init_writes_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("adapter.toml");
        fs::write(&file, template("placehub-lines", &["mllp", "http"], "")).unwrap();
        let station = Station::load(&file).unwrap();
        assert_eq!(station.outbox(), folder.path().join("state/outbox"));
        assert_eq!(station.folder.unwrap().path, folder.path().join("drop"));
    }

    #[test]
    fn metrics_are_for_this_machine_alone() {
        assert!(load("metrics = \"127.0.0.1:9464\"\n").is_ok());
        let refusal = load("metrics = \"0.0.0.0:9464\"\n").unwrap_err();
        assert!(refusal.to_string().contains("`metrics`"), "{refusal}");
    }

    #[test]
    fn a_listener_has_an_address() {
        let station = load("[mllp]\nlisten = \"127.0.0.1:2575\"\n").unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 2575));
        assert_eq!(station.listeners, [("mllp", Listener { address, tls: None })]);
        assert!(load("[mllp]\nlisten = \"here\"\n").is_err());
    }

    #[test]
    fn a_listener_has_all_of_its_tls_or_none() {
        let http = |rest: &str| load(&format!("[http]\nlisten = \"0.0.0.0:8443\"\n{rest}"));
        let both = "certificate = \"a\"\nkey = \"b\"\n";
        assert!(http(&format!("{both}client_ca = \"c\"\n")).is_ok());
        for (rest, rule) in [
            ("", "needs a `certificate`"),
            ("certificate = \"a\"\n", "no `key`"),
            ("key = \"b\"\n", "no `certificate`"),
            ("client_ca = \"c\"\n", "no `certificate` of its own"),
        ] {
            let refusal = http(rest).unwrap_err().to_string();
            assert!(refusal.starts_with("`http` in ") && refusal.contains(rule), "{refusal}");
        }
        assert!(
            load("[mllp]\nlisten = \"0.0.0.0:2575\"\n").is_ok(),
            "a trust's own network decides"
        );
    }

    #[test]
    fn a_folder_that_is_looked_through_all_the_time_is_refused() {
        assert!(load("[folder]\npath = \"drop\"\nevery_seconds = 0\n").is_err());
        assert!(load("outbox_limit = 0\n").is_err());
        assert_eq!(load("").unwrap().folder, None);
    }
}
