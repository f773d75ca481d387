//! The Unique Property Reference Number. Never prints its digits.

use std::{fmt, str::FromStr};

/// A text that is not a UPRN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a UPRN has 1 to 12 digits and is not zero")]
pub struct UprnInvalid;

/// The UPRN of an address in Great Britain: up to 12 digits (GeoPlace; mandated for the public
/// sector by the Open Standards Board in July 2020). An address can identify a person, so it prints as `Uprn(…)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uprn(u64);

impl Uprn {
    /// The number, without leading zeros.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The twelve digits in which it is usually written, e.g. `000000199356`.
    pub fn twelve_digits(self) -> String {
        format!("{:012}", self.0)
    }
}

impl FromStr for Uprn {
    type Err = UprnInvalid;

    fn from_str(text: &str) -> Result<Self, UprnInvalid> {
        let plain = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if plain && number > 0 => Ok(Self(number)),
            _ => Err(UprnInvalid),
        }
    }
}

impl fmt::Debug for Uprn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uprn(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uprn_is_one_to_twelve_digits() {
        for good in ["1", "199356", "000000199356", "999000000101"] {
            assert!(good.parse::<Uprn>().is_ok(), "{good}");
        }
        for bad in ["", "0", "000000000000", "1234567890123", "12 34", "+12", "12a", "-1"] {
            assert_eq!(bad.parse::<Uprn>(), Err(UprnInvalid), "{bad}");
        }
        assert_eq!("199356".parse::<Uprn>().unwrap().twelve_digits(), "000000199356");
    }
}
