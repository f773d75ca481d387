//! How the values of an entry are written: each in exactly one way. Nothing here knows what an entry means.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

/// Characters of a time such as `2026-01-05T09:00:00.000000Z`.
const WIDTH: usize = 27;

/// The most bytes that are written as hexadecimal digits.
const MOST: usize = 32;

/// The version of the format of entries. There is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The format that `FORMAT.md` describes.
    V1,
}

/// Bytes that are written as lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A text that is not the right number of lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is written in lower-case hexadecimal digits of a fixed number")]
pub struct HexInvalid;

impl<const N: usize> Hex<N> {
    /// Writes the digits into `room`.
    fn digits<'r>(&self, room: &'r mut [u8; 2 * MOST]) -> Result<&'r str, fmt::Error> {
        const { assert!(N <= MOST) };
        let digits = room.get_mut(..2 * N).ok_or(fmt::Error)?;
        hex::encode_to_slice(self.0, digits).map_err(|_| fmt::Error)?;
        std::str::from_utf8(digits).map_err(|_| fmt::Error)
    }
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = HexInvalid;

    fn from_str(text: &str) -> Result<Self, HexInvalid> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| HexInvalid)?;
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        if lower { Ok(Self(bytes)) } else { Err(HexInvalid) }
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits(&mut [0; 2 * MOST])?)
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.digits(&mut [0; 2 * MOST]).map_err(S::Error::custom)?)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::V1 => serializer.serialize_u8(1),
        }
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            1 => Ok(Self::V1),
            _ => Err(D::Error::custom("the version of the format is 1")),
        }
    }
}

/// A time in UTC as RFC 3339 writes it, always with six digits of a second and a `Z`.
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = print_moment(self.0).ok_or_else(|| serde::ser::Error::custom("a year has four digits"))?;
        serializer.serialize_str(&text)
    }
}

/// Reads a time that was written as [`Moment`].
pub(super) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    parse_moment(&String::deserialize(deserializer)?)
}

/// As [`moment`], if there is one.
pub(super) fn optional_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse_moment(&text)).transpose()
}

/// The id of a signal in the hyphenated form of a UUID (RFC 9562).
pub(super) mod uuid {
    use super::{Deserialize, Deserializer, Serializer, parse_uuid, print_signal};
    use placehub_model::SignalId;

    pub(in crate::entry) fn serialize<S: Serializer>(id: &SignalId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(print_signal(id, &mut [0; 36]))
    }

    pub(in crate::entry) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignalId, D::Error> {
        parse_uuid(&String::deserialize(deserializer)?)
    }
}

/// As [`uuid`], if there is one.
pub(super) mod optional_uuid {
    use super::{Deserialize, Deserializer, Serializer, parse_uuid, uuid};
    use placehub_model::SignalId;

    pub(in crate::entry) fn serialize<S: Serializer>(id: &Option<SignalId>, serializer: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => uuid::serialize(id, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::entry) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SignalId>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse_uuid(&text)).transpose()
    }
}

/// A time as entries write it; `None` if its year is not of four digits.
pub(super) fn print_moment(at: Timestamp) -> Option<String> {
    let text = format!("{at:.6}");
    (text.len() == WIDTH).then_some(text)
}

/// The id of a signal as entries write it.
pub(super) fn print_signal<'t>(id: &placehub_model::SignalId, text: &'t mut [u8; 36]) -> &'t str {
    ::uuid::Uuid::from_bytes(id.0).hyphenated().encode_lower(text)
}

fn parse_moment<E: serde::de::Error>(text: &str) -> Result<Timestamp, E> {
    match text.parse() {
        Ok(at) if print_moment(at).as_deref() == Some(text) => Ok(at),
        _ => Err(E::custom("a time is RFC 3339 in UTC with six digits of a second")),
    }
}

fn parse_uuid<E: serde::de::Error>(text: &str) -> Result<placehub_model::SignalId, E> {
    ::uuid::Uuid::parse_str(text)
        .map(|id| placehub_model::SignalId(id.into_bytes()))
        .map_err(|_| E::custom("a signal is a UUID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_cut_to_the_microsecond_and_has_a_fixed_width() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_999, "1970-01-01T00:00:00.000001Z"),
            (1_767_603_600_123_456_999, "2026-01-05T09:00:00.123456Z"),
        ] {
            let at = Timestamp::from_nanosecond(nanos).unwrap();
            assert_eq!(print_moment(at).as_deref(), Some(text));
        }
        assert_eq!(print_moment(Timestamp::MIN), None);
    }

    #[test]
    fn hex_has_a_fixed_number_of_small_digits() {
        assert_eq!("00ff".parse::<Hex<2>>(), Ok(Hex([0, 255])));
        assert_eq!(Hex([0, 255, 16]).to_string(), "00ff10");
        assert_eq!(serde_json::to_string(&Hex([1, 254])).unwrap(), "\"01fe\"");
        for bad in ["", "00", "00f", "00ff00", "00FF", "0xff", "00fg"] {
            assert_eq!(bad.parse::<Hex<2>>(), Err(HexInvalid), "{bad}");
        }
    }
}
