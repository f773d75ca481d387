//! The section `[ledger]` of the configuration. Nothing here speaks to a witness.

use std::{collections::BTreeSet, path::PathBuf};

use http::Uri;
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::witness::Witness;
use crate::ledger::WitnessKey;

/// Where the head of the ledger is made known, and who must have seen it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A file that follows the signed head, for anyone to fetch.
    pub publish: Option<PathBuf>,
    /// How many witnesses must have cosigned the head.
    pub require_witnesses: usize,
    /// Seconds that they may be lacking before that is an alarm.
    pub witness_limit_seconds: u32,
    /// Whether the hub then closes until they are back.
    pub close_without_witnesses: bool,
    /// The witnesses.
    pub witness: Vec<WitnessSettings>,
}

/// A witness.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessSettings {
    /// Its submission prefix (C2SP tlog-witness): `http://` or `https://`.
    #[serde(deserialize_with = "uri")]
    pub url: Uri,
    /// Its key (C2SP vkey of type `0x04`).
    #[serde(deserialize_with = "key")]
    pub key: WitnessKey,
    /// The authority of its certificate; needed if the URL is `https://`.
    pub ca: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            publish: None,
            require_witnesses: 0,
            witness_limit_seconds: 60,
            close_without_witnesses: false,
            witness: Vec::new(),
        }
    }
}

impl Settings {
    /// How long witnesses may be lacking.
    pub fn limit(&self) -> SignedDuration {
        SignedDuration::from_secs(self.witness_limit_seconds.into())
    }

    /// Whether no two witnesses have one key, under whatever names.
    pub fn has_distinct_keys(&self) -> bool {
        let keys: BTreeSet<_> = self.witness.iter().map(|witness| witness.key.public()).collect();
        keys.len() == self.witness.len()
    }

    /// Checks that each witness can be asked as it is set: nothing is sent.
    ///
    /// # Errors
    /// If one at `https://` has no authority, or one that cannot be used.
    pub fn check(&self) -> Result<(), super::http::Error> {
        self.witness
            .iter()
            .try_for_each(|witness| Witness::open(witness).map(drop))
    }

    /// Every path in it.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let authorities = self.witness.iter_mut().filter_map(|witness| witness.ca.as_mut());
        self.publish.iter_mut().chain(authorities)
    }
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WitnessKey, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

fn uri<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uri, D::Error> {
    let uri: Uri = String::deserialize(deserializer)?.parse().map_err(D::Error::custom)?;
    match (uri.scheme_str(), uri.host(), uri.query()) {
        (Some("http" | "https"), Some(_), None) => Ok(uri),
        _ => Err(D::Error::custom(
            "a witness is reached at http:// or https://, a host and a path",
        )),
    }
}
