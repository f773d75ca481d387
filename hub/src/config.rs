//! Every setting, read once and checked once. Never touches the network or the store.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::{authn::Agency, metrics, model::AgencyId, publish, tls};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not TOML of the right shape; the source names line and key.
    #[error("{file} is not a configuration")]
    Form {
        /// Which file.
        file: String,
        /// Where and what.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Cannot be read.
    #[error("cannot read {file}")]
    Unreadable {
        /// Which file.
        file: String,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// A setting breaks its rule.
    #[error("{file}: `{key}` {rule}")]
    Value {
        /// Which file.
        file: String,
        /// Which setting.
        key: &'static str,
        /// Its rule.
        rule: &'static str,
    },
}

/// All settings of a hub. Paths are taken from the folder of the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The place: the SPIFFE trust domain of its certificates, e.g. `wigan.placehub.example`.
    pub place: String,
    /// The name of this hub node: the origin of its ledger.
    pub node: String,
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificates.
    pub tls: tls::Paths,
    /// Where data lie.
    pub store: Folder,
    /// Where keys lie.
    pub keys: KeyFiles,
    /// Where the policies lie, and whose signatures they need.
    pub policies: PolicyFiles,
    /// Where the tables of areas and addresses lie.
    pub places: Folder,
    /// What is asked of tokens.
    pub tokens: Tokens,
    /// Where the ledger's head is made known, and its witnesses.
    #[serde(default)]
    pub ledger: publish::Settings,
    /// Where figures for monitoring are shown; nowhere by default.
    pub metrics: Option<metrics::Settings>,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
    /// The agencies of the place.
    pub agency: Vec<Agency>,
}

/// A folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Its path.
    pub folder: PathBuf,
}

/// The files of the policies.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFiles {
    /// Their folder.
    pub folder: PathBuf,
    /// Seconds between looks at whether they have changed; 0 for never, so that a signal alone has them read again.
    #[serde(default = "two_seconds")]
    pub poll_seconds: u64,
    /// Whether an agreement permits nothing until each party whose signals it opens has signed it.
    #[serde(default)]
    pub require_signatures: bool,
    /// The parties' public keys: agency → PEM file of an Ed25519 key.
    #[serde(default)]
    pub keys: BTreeMap<AgencyId, PathBuf>,
}

fn two_seconds() -> u64 {
    2
}

/// Key files. All are made by `placehub init`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFiles {
    /// The key that seals the keyring.
    pub hub_key: PathBuf,
    /// The keyring, which wraps every person's data key. Back it up apart from the data.
    pub keyring: PathBuf,
    /// The key that signs the head of the ledger (Ed25519, PKCS#8).
    pub ledger_key: PathBuf,
}

/// What is asked of practitioners' tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// The `aud` that a token must have.
    pub audience: String,
}

/// Limits, each with a default.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest message taken, in bytes.
    pub message_bytes: usize,
    /// Minutes after which a connection is to be made anew, so that certificates are looked at again.
    pub connection_minutes: u64,
    /// Seconds between heartbeats of a watch.
    pub heartbeat_seconds: u64,
    /// Seconds that open calls have to end when the hub stops.
    pub drain_seconds: u64,
    /// Days that a watch's cursor can be resumed.
    pub cursor_days: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            connection_minutes: 60,
            heartbeat_seconds: 10,
            drain_seconds: 10,
            cursor_days: 14,
        }
    }
}

impl Limits {
    /// Time between heartbeats of a watch.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_seconds)
    }
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// Names the file, and the line or setting that is wrong.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
            file: file.clone(),
            source,
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|source| Error::Form {
            file: file.clone(),
            source: Box::new(source),
        })?;
        config.check(&file)?;
        config.settle(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    fn check(&self, file: &str) -> Result<(), Error> {
        let plain = |text: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
            !text.is_empty() && text.len() <= 128 && text.chars().all(fits)
        };
        let limits = &self.limits;
        let rules = [
            (
                plain(&self.node),
                "node",
                "must be 1 to 128 letters, digits, dots, hyphens, underscores or slashes",
            ),
            (
                plain(&self.place),
                "place",
                "must be a SPIFFE trust domain, such as `wigan.placehub.example`",
            ),
            (!self.tokens.audience.is_empty(), "tokens.audience", "must not be empty"),
            (!self.agency.is_empty(), "agency", "must list at least one agency"),
            (
                self.ledger.require_witnesses <= self.ledger.witness.len(),
                "ledger.require_witnesses",
                "must not be more than there are witnesses",
            ),
            (
                self.ledger.require_witnesses > 0 || !self.ledger.close_without_witnesses,
                "ledger.close_without_witnesses",
                "needs `require_witnesses` of 1 or more",
            ),
            (
                self.ledger.has_distinct_keys(),
                "ledger.witness",
                "must not name a key twice: each counts once",
            ),
            (
                (1..=86_400).contains(&self.ledger.witness_limit_seconds),
                "ledger.witness_limit_seconds",
                "must be from 1 to 86400",
            ),
            (
                self.metrics.is_none_or(|metrics| metrics.is_fit()),
                "metrics.listen",
                "must be an address of this machine alone, such as `127.0.0.1:9464`, or needs `expose = true`",
            ),
            (
                (1024..=4 << 20).contains(&limits.message_bytes),
                "limits.message_bytes",
                "must be from 1024 to 4194304",
            ),
            (
                (1..=1440).contains(&limits.connection_minutes),
                "limits.connection_minutes",
                "must be from 1 to 1440",
            ),
            (
                (1..=300).contains(&limits.heartbeat_seconds),
                "limits.heartbeat_seconds",
                "must be from 1 to 300",
            ),
            (
                (1..=600).contains(&limits.drain_seconds),
                "limits.drain_seconds",
                "must be from 1 to 600",
            ),
            (
                self.policies.poll_seconds <= 3600,
                "policies.poll_seconds",
                "must be from 0 to 3600",
            ),
            (
                (1..=90).contains(&limits.cursor_days),
                "limits.cursor_days",
                "must be from 1 to 90",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            None => Ok(()),
            Some((_, key, rule)) => Err(Error::Value {
                file: file.to_owned(),
                key,
                rule,
            }),
        }
    }

    fn settle(&mut self, folder: &Path) {
        let settle = |path: &mut PathBuf| *path = folder.join(&*path);
        self.tls.paths_mut().for_each(settle);
        self.ledger.paths_mut().for_each(settle);
        self.agency
            .iter_mut()
            .filter_map(|agency| agency.issuer.as_mut())
            .for_each(|issuer| settle(&mut issuer.keys));
        [
            &mut self.store.folder,
            &mut self.keys.hub_key,
            &mut self.keys.keyring,
            &mut self.keys.ledger_key,
            &mut self.policies.folder,
            &mut self.places.folder,
        ]
        .into_iter()
        .chain(self.policies.keys.values_mut())
        .for_each(settle);
    }
}
