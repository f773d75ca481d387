//! The hub's words, as its catalogue files have them: kinds with their attributes, and purposes.
//! It never tells who may see what: an adapter needs the words alone, so that a mapping is checked before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The sector whose kinds this adapter may push.
const SECTOR: &str = "health";

/// Kinds and purposes that a mapping may name.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Those that a health agency may own.
    kinds: BTreeMap<String, Kind>,
    /// All of them, whoever owns them: consents may be about any.
    names: BTreeSet<String>,
    purposes: BTreeSet<String>,
}

/// A kind that a health agency may own.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Kind {
    id: String,
    owner: String,
    /// The attributes that a signal of it may have.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Sort>,
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// At most 200 characters.
    Text,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A day.
    Date,
}

#[derive(Deserialize)]
struct Kinds {
    kind: Vec<Kind>,
}

#[derive(Deserialize)]
struct Purposes {
    purpose: Vec<Purpose>,
}

#[derive(Deserialize)]
struct Purpose {
    id: String,
}

impl Catalogue {
    /// The kinds that come with this version of the hub.
    pub const KINDS: &str = include_str!("../../../../policies/catalogue/kinds.toml");
    /// The purposes that come with this version of the hub.
    pub const PURPOSES: &str = include_str!("../../../../policies/catalogue/purposes.toml");

    /// Reads the texts of the catalogue's files `kinds.toml` and `purposes.toml`.
    ///
    /// # Errors
    ///
    /// What TOML says, if either is no such file.
    pub fn parse(kinds: &str, purposes: &str) -> Result<Self, toml::de::Error> {
        let kinds: Kinds = toml::from_str(kinds)?;
        let purposes: Purposes = toml::from_str(purposes)?;
        let names = kinds.kind.iter().map(|kind| kind.id.clone()).collect();
        let own = kinds.kind.into_iter().filter(|kind| kind.owner == SECTOR);
        Ok(Self {
            kinds: own.map(|kind| (kind.id.clone(), kind)).collect(),
            names,
            purposes: purposes.purpose.into_iter().map(|purpose| purpose.id).collect(),
        })
    }

    /// The kind of this name, if a health agency may own it.
    pub(crate) fn kind(&self, id: &str) -> Option<&Kind> {
        self.kinds.get(id)
    }

    /// Whether the hub has this kind, whoever owns it.
    pub(crate) fn has_kind(&self, id: &str) -> bool {
        self.names.contains(id)
    }

    /// Whether the hub has this purpose.
    pub(crate) fn has_purpose(&self, id: &str) -> bool {
        self.purposes.contains(id)
    }
}
