//! The catalogue: which kinds of signals, purposes and gateways there are.
//! Parsed from `policies/catalogue/*.toml`. Says what is well-formed, never what is allowed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{Attribute, GatewayId, KindId, PurposeId, Sector, Sensitivity};

/// Why the catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An entry stands twice.
    #[error("{file}: `{id}` stands twice")]
    Double {
        /// Which file.
        file: &'static str,
        /// Which entry.
        id: String,
    },
    /// Not TOML of the right shape; the message names line and key.
    #[error("{file} is not a catalogue file")]
    Form {
        /// Which file.
        file: &'static str,
        /// Where and what.
        #[source]
        source: toml::de::Error,
    },
    /// The disclosure class of a purpose or a kind does not say enough.
    #[error("the disclosure class of `{id}`: {rule}")]
    Disclosure {
        /// Which purpose or kind.
        id: String,
        /// What its class must say.
        rule: &'static str,
    },
    /// What closes a kind must be named.
    #[error("kinds.toml: `closed_by` of `{id}` names no law")]
    Nameless {
        /// Which kind.
        id: String,
    },
    /// `none` must be among the gateways.
    #[error("gateways.toml: the gateway `none` (consent alone) is missing")]
    NoneMissing,
}

/// All kinds, purposes and gateways of a place.
#[derive(Debug, Clone)]
pub struct Catalogue {
    kinds: BTreeMap<KindId, Kind>,
    purposes: BTreeMap<PurposeId, Purpose>,
    gateways: BTreeMap<GatewayId, Gateway>,
}

/// A kind of signal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its id.
    pub id: KindId,
    /// Its name for people.
    pub title: String,
    /// Which sort of agency may own it.
    pub owner: Sector,
    /// How carefully to handle it, at the least.
    pub sensitivity: Sensitivity,
    /// Days after which the hub's copy lapses.
    pub retention_days: u16,
    /// When a person may learn that it was shown; the purpose may be stricter.
    #[serde(default)]
    pub disclosure: Disclosure,
    /// The law that makes its disclosure without lawful authority an offence, as it is cited.
    #[serde(default)]
    pub closed_by: Option<String>,
    /// Its attributes and their types.
    #[serde(default)]
    pub attributes: BTreeMap<String, AttributeType>,
}

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttributeType {
    /// Yes or no.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// A whole number.
    Integer,
    /// Text.
    Text,
}

/// Why somebody may ask.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Its id.
    pub id: PurposeId,
    /// Its name for people.
    pub title: String,
    /// When a person may learn that they were asked about for it.
    pub disclosure: Disclosure,
}

/// When a person's own access log tells of a question (UK GDPR Article 15, and what the law exempts from it). The stricter
/// is the greater.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// At once.
    #[default]
    Now,
    /// So many days after it was asked: 1 to 3650.
    AfterDays(u16),
    /// Once an officer has reviewed and released it.
    AfterReview,
    /// Not, unless an officer releases it: under this exemption, as it is cited.
    Withheld(String),
}

/// A law that lets one share without consent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its id.
    pub id: GatewayId,
    /// Its name for people.
    pub title: String,
    /// The law, as it is cited.
    pub law: String,
}

impl Catalogue {
    /// Parses the texts of `kinds.toml`, `purposes.toml` and `gateways.toml`.
    ///
    /// # Errors
    /// If a text is not of the right shape, an entry stands twice, `closed_by` is blank, or the gateway `none` is missing.
    pub fn parse(kinds: &str, purposes: &str, gateways: &str) -> Result<Self, Error> {
        let kinds: Kinds = read("kinds.toml", kinds)?;
        let purposes: Purposes = read("purposes.toml", purposes)?;
        let gateways: Gateways = read("gateways.toml", gateways)?;
        let catalogue = Self {
            kinds: index("kinds.toml", kinds.kind, |kind| &kind.id)?,
            purposes: index("purposes.toml", purposes.purpose, |purpose| &purpose.id)?,
            gateways: index("gateways.toml", gateways.gateway, |gateway| &gateway.id)?,
        };
        let purposes = catalogue
            .purposes
            .values()
            .map(|purpose| (purpose.id.to_string(), &purpose.disclosure));
        let nameless = |kind: &&Kind| kind.closed_by.as_ref().is_some_and(|law| law.trim().is_empty());
        if let Some(kind) = catalogue.kinds().find(nameless) {
            return Err(Error::Nameless {
                id: kind.id.to_string(),
            });
        }
        let kinds = catalogue
            .kinds
            .values()
            .map(|kind| (kind.id.to_string(), &kind.disclosure));
        for (id, disclosure) in purposes.chain(kinds) {
            disclosure.check().map_err(|rule| Error::Disclosure { id, rule })?;
        }
        match catalogue.gateways.contains_key(&GatewayId::none()) {
            true => Ok(catalogue),
            false => Err(Error::NoneMissing),
        }
    }

    /// The kind of this id.
    pub fn kind(&self, id: &KindId) -> Option<&Kind> {
        self.kinds.get(id)
    }

    /// All kinds, by id.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    /// The purpose of this id.
    pub fn purpose(&self, id: &PurposeId) -> Option<&Purpose> {
        self.purposes.get(id)
    }

    /// All purposes, by id.
    pub fn purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.purposes.values()
    }

    /// All gateways, by id.
    pub fn gateways(&self) -> impl Iterator<Item = &Gateway> {
        self.gateways.values()
    }

    /// The gateway of this id.
    pub fn gateway(&self, id: &GatewayId) -> Option<&Gateway> {
        self.gateways.get(id)
    }
}

impl Disclosure {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::AfterDays(days) if !(1..=3650).contains(days) => Err("`after_days` must be from 1 to 3650"),
            Self::Withheld(law) if law.trim().is_empty() => Err("`withheld` must name the exemption"),
            _ => Ok(()),
        }
    }
}

impl AttributeType {
    /// Whether a value is of this type.
    pub fn fits(self, value: &Attribute) -> bool {
        matches!(
            (self, value),
            (Self::Boolean, Attribute::Boolean(_))
                | (Self::Date, Attribute::Date(_))
                | (Self::Integer, Attribute::Integer(_))
                | (Self::Text, Attribute::Text(_))
        )
    }

    /// The type's name, for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Integer => "integer",
            Self::Text => "text",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    kind: Vec<Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Purposes {
    purpose: Vec<Purpose>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateways {
    gateway: Vec<Gateway>,
}

fn read<T: serde::de::DeserializeOwned>(file: &'static str, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|source| Error::Form { file, source })
}

fn index<K, V>(file: &'static str, entries: Vec<V>, id: impl Fn(&V) -> &K) -> Result<BTreeMap<K, V>, Error>
where
    K: Ord + Clone + ToString,
{
    let mut map = BTreeMap::new();
    for entry in entries {
        let key = id(&entry).clone();
        if map.insert(key.clone(), entry).is_some() {
            return Err(Error::Double {
                file,
                id: key.to_string(),
            });
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_class(class: &str) -> Result<Catalogue, Error> {
        let purposes = format!("[[purpose]]\nid = \"p\"\ntitle = \"P\"\n{class}");
        let gateways = "[[gateway]]\nid = \"none\"\ntitle = \"Consent\"\nlaw = \"-\"";
        Catalogue::parse("kind = []", &purposes, gateways)
    }

    #[test]
    fn a_purpose_says_when_a_person_may_learn_of_it() {
        for class in [
            "\"now\"",
            "\"after_review\"",
            "{ after_days = 30 }",
            "{ withheld = \"DPA 2018\" }",
        ] {
            with_class(&format!("disclosure = {class}")).unwrap();
        }
        for class in [
            "\"later\"",
            "{ after_days = 0 }",
            "{ after_days = 3651 }",
            "{ withheld = \" \" }",
            "\"withheld\"",
        ] {
            with_class(&format!("disclosure = {class}")).unwrap_err();
        }
        with_class("").unwrap_err();
    }

    #[test]
    fn a_kind_that_is_closed_says_by_which_law() {
        let closed = |law: &str| {
            let kind = format!(
                "[[kind]]\nid = \"k\"\ntitle = \"K\"\nowner = \"welfare\"\nsensitivity = \"restricted\"\n\
                 retention_days = 1\nclosed_by = \"{law}\""
            );
            let gateways = "[[gateway]]\nid = \"none\"\ntitle = \"Consent\"\nlaw = \"-\"";
            Catalogue::parse(&kind, "purpose = []", gateways)
        };
        closed("an Act").unwrap();
        for blank in ["", " "] {
            assert!(matches!(closed(blank), Err(Error::Nameless { .. })), "{blank:?}");
        }
    }
}
