//! Names that the place gives to things: agencies, kinds, purposes, gateways, agreements, areas.
//! None of them ever names a person.

use std::{cell::RefCell, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

/// A name that breaks the rule for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 letters, digits, dots, hyphens or underscores, and starts with a letter or digit")]
pub struct NameInvalid;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameInvalid;

            fn from_str(text: &str) -> Result<Self, NameInvalid> {
                check(text).map(|()| Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Shared).map(Self)
            }
        }
    )*};
}

names! {
    /// An agency: an organisation that is a data controller, e.g. `housing`.
    AgencyId;
    /// An information sharing agreement: the name of its file, e.g. `asb-prevention`.
    AgreementId;
    /// An area: a GSS code (ONS) such as `E01006283`, or the id of a footprint.
    AreaCode;
    /// A law that lets one share without consent, e.g. `cda-1998-s115`; `none` for consent alone.
    GatewayId;
    /// A kind of signal in the catalogue, e.g. `housing.rent-arrears`.
    KindId;
    /// What a set of policies calls itself, e.g. `2026-11.1`.
    PolicyVersion;
    /// Why somebody asks, e.g. `homelessness-prevention`.
    PurposeId;
    /// A sort of agency, e.g. `housing`: the catalogue says which sort may own a kind.
    Sector;
}

impl GatewayId {
    /// The gateway of a question that relies on consent alone.
    pub fn none() -> Self {
        Self("none".into())
    }
}

/// How many names a thread remembers, so that those of one text, read from many rows, share it.
const REMEMBERED: usize = 1024;

thread_local! {
    static SHARED: RefCell<Vec<Option<Arc<str>>>> = const { RefCell::new(Vec::new()) };
}

/// Reads a name: one that was read a moment ago is not checked and copied again.
struct Shared;

impl Visitor<'_> for Shared {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Arc<str>, E> {
        SHARED.with_borrow_mut(|known| {
            known.resize(REMEMBERED, None);
            // FNV-1a (RFC 9923): spreads short names well, and is quick on them.
            let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
            let place = known.get_mut(usize::try_from(hash >> 54).unwrap_or_default());
            match place {
                Some(Some(known)) if **known == *text => Ok(known.clone()),
                place => {
                    check(text).map_err(E::custom)?;
                    let name: Arc<str> = text.into();
                    if let Some(place) = place {
                        *place = Some(name.clone());
                    }
                    Ok(name)
                }
            }
        })
    }
}

fn check(text: &str) -> Result<(), NameInvalid> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && text.len() <= 64 && text.chars().all(plain) {
        Ok(())
    } else {
        Err(NameInvalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["housing", "housing.rent-arrears", "E01006283", "a"] {
            assert!(good.parse::<KindId>().is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a b", "a\"b", "é", &"x".repeat(65)] {
            assert_eq!(bad.parse::<KindId>(), Err(NameInvalid), "{bad}");
        }
    }

    #[test]
    fn names_that_are_read_are_checked_each_time_and_never_mixed_up() {
        let read = |text: &str| serde_json::from_value::<KindId>(text.into()).map(|name| name.to_string());
        for _ in 0..2 {
            for number in 0..3000 {
                let text = format!("kind-{number}");
                assert_eq!(read(&text).unwrap(), text);
            }
            assert!(read("a b").is_err());
        }
    }
}
