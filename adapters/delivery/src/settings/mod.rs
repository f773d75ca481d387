//! The settings of an adapter: which hub, and the certificates of the mutual TLS connection to it.
//! It never prints a key.

mod formats;
mod listener;
mod station;

pub use formats::Formats;
pub use listener::{Listener, TlsFiles};
pub use station::{Drop, Station, template};

use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// What an adapter needs to know to reach the hub. Certificates and key are PEM.
#[derive(Clone)]
pub struct Settings {
    /// The hub's URL, e.g. `https://hub.example:7443`.
    pub hub: String,
    /// The name to expect in the hub's certificate, if it is not the host of the URL.
    pub server_name: Option<String>,
    /// The certificate authority that issued the hub's certificate.
    pub ca: Vec<u8>,
    /// This adapter's certificate, followed by those between it and its authority.
    pub certificate: Vec<u8>,
    /// The private key of that certificate.
    pub key: Vec<u8>,
}

/// Why settings cannot be used. Every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that `[formats]` names, or a value of it, is of no use.
    #[error("{}: {rule}", .file.display())]
    Beside {
        /// The file at fault.
        file: PathBuf,
        /// What is wrong with it, and where.
        rule: String,
    },
    /// The table `[formats]` lacks a key, has one too many, or a value that it cannot have.
    #[error("`[formats]` in {} cannot be understood", .file.display())]
    Formats {
        /// The settings file.
        file: PathBuf,
        /// What TOML says of it.
        source: Box<toml::de::Error>,
    },
    /// The hub's address is not an https URL.
    #[error("`hub` in {} is not a URL that begins with https://", .file.display())]
    Hub {
        /// The settings file.
        file: PathBuf,
    },
    /// A key has a value that it cannot have.
    #[error("`{key}` in {} {rule}", .file.display())]
    Key {
        /// The settings file.
        file: PathBuf,
        /// The key in it.
        key: &'static str,
        /// The rule that its value breaks.
        rule: &'static str,
    },
    /// A file that should hold PEM does not hold what its key says.
    #[error("`{key}` in {} names {}, which holds no {wants}", .file.display(), .pem.display())]
    NotPem {
        /// The settings file.
        file: PathBuf,
        /// The key in it.
        key: &'static str,
        /// The file that the key names.
        pem: PathBuf,
        /// What it should hold.
        wants: &'static str,
    },
    /// The settings file is not TOML, lacks a key, or has one too many.
    #[error("{} cannot be understood", .file.display())]
    Toml {
        /// The settings file.
        file: PathBuf,
        /// What TOML says of it.
        source: Box<toml::de::Error>,
    },
    /// The settings file cannot be read.
    #[error("{} cannot be read", .file.display())]
    Unreadable {
        /// The settings file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that the settings name cannot be read.
    #[error("`{key}` in {} names {}, which cannot be read", .file.display(), .pem.display())]
    UnreadablePem {
        /// The settings file.
        file: PathBuf,
        /// The key in it.
        key: &'static str,
        /// The file that the key names.
        pem: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Settings {
    /// Reads a settings file and the files it names. Relative paths in it start at its own folder.
    ///
    /// # Errors
    ///
    /// [`Error`] with the file and the key that is at fault.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = path.to_path_buf();
        let written = read(path)?;
        if !written.hub.starts_with("https://") {
            return Err(Error::Hub { file });
        }
        let ca = read_pem(path, "ca", &written.ca, CERTIFICATE)?;
        let certificate = read_pem(path, "certificate", &written.certificate, CERTIFICATE)?;
        let key = read_pem(path, "key", &written.key, PRIVATE_KEY)?;
        Ok(Self {
            hub: written.hub,
            server_name: written.server_name,
            ca,
            certificate,
            key,
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("hub", &self.hub)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// The settings file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    hub: String,
    server_name: Option<String>,
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    state: Option<PathBuf>,
    outbox_limit: Option<u64>,
    metrics: Option<SocketAddr>,
    folder: Option<station::WrittenDrop>,
    mllp: Option<listener::Written>,
    http: Option<listener::Written>,
    formats: Option<toml::Table>,
}

fn read(path: &Path) -> Result<Written, Error> {
    let file = || path.to_path_buf();
    let text = fs::read_to_string(path).map_err(|source| Error::Unreadable { file: file(), source })?;
    toml::from_str(&text).map_err(|source| Error::Toml {
        file: file(),
        source: Box::new(source),
    })
}

const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";

fn read_pem(settings: &Path, key: &'static str, named: &Path, wants: &'static str) -> Result<Vec<u8>, Error> {
    let folder = settings.parent().unwrap_or(Path::new(""));
    let (file, pem) = (settings.to_path_buf(), folder.join(named));
    match fs::read(&pem) {
        Err(source) => Err(Error::UnreadablePem { file, key, pem, source }),
        Ok(bytes) => {
            let marked = String::from_utf8_lossy(&bytes)
                .lines()
                .any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{wants}-----")));
            if marked {
                Ok(bytes)
            } else {
                Err(Error::NotPem { file, key, pem, wants })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";
    const GOOD: &str =
        "hub = \"https://localhost:7443\"\nca = \"ca.pem\"\ncertificate = \"own.pem\"\nkey = \"own.key\"\n";

    fn load(text: &str) -> Result<Settings, Error> {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), PEM).unwrap();
        fs::write(folder.path().join("own.pem"), PEM).unwrap();
        fs::write(folder.path().join("own.key"), KEY).unwrap();
        let file = folder.path().join("adapter.toml");
        fs::write(&file, text).unwrap();
        Settings::load(&file)
    }

    #[test]
    fn paths_start_at_the_folder_of_the_file() {
        let settings = load(GOOD).unwrap();
        assert_eq!(settings.key, KEY.as_bytes());
    }

    #[test]
    fn a_missing_file_is_named_with_its_key() {
        let refusal = load(&GOOD.replace("own.key", "lost.key")).unwrap_err().to_string();
        assert!(refusal.contains("`key`") && refusal.contains("lost.key") && refusal.contains("adapter.toml"));
    }

    #[test]
    fn a_certificate_in_place_of_a_key_is_refused() {
        let refusal = load(&GOOD.replace("own.key", "own.pem")).unwrap_err();
        assert!(matches!(refusal, Error::NotPem { key: "key", .. }));
    }

    #[test]
    fn a_hub_without_tls_is_refused() {
        assert!(matches!(load(&GOOD.replace("https", "http")), Err(Error::Hub { .. })));
    }

    #[test]
    fn a_missing_or_misspelt_key_is_told_by_name() {
        for (text, name) in [
            (GOOD.replace("hub =", "hob ="), "hob"),
            (GOOD.replace("ca = \"ca.pem\"\n", ""), "`ca`"),
        ] {
            let Err(Error::Toml { source, .. }) = load(&text) else {
                panic!("accepted")
            };
            assert!(source.message().contains(name), "{source}");
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        assert!(!format!("{:?}", load(GOOD).unwrap()).contains("PRIVATE"));
    }
}
