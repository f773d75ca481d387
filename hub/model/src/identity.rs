//! What is known of who a person is: checked and normalised identifiers. Nothing here prints itself.

use std::{fmt, str::FromStr};

use super::{NhsNumber, Uprn};

/// What a request says of who a person is. Has at least one identifier that can be matched on,
/// or is kept as it is with the signal. Prints as `Identity(…)`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// NHS number with a right check digit.
    pub nhs_number: Option<NhsNumber>,
    /// Ten digits that the source could not verify: kept, never matched on.
    pub unverified_nhs_number: Option<String>,
    /// References of the calling agency's own systems.
    pub local_references: Vec<LocalReference>,
    /// Family name as given.
    pub family_name: String,
    /// Given names as given.
    pub given_name: String,
    /// Date of birth.
    pub birth_date: Option<BirthDate>,
    /// Home postcode.
    pub postcode: Option<Postcode>,
    /// Home address.
    pub uprn: Option<Uprn>,
}

/// How an agency's own system names a person. Matched only with references of the same agency.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalReference {
    /// The system, in the agency's words.
    pub system: String,
    /// The reference within it.
    pub value: String,
}

/// A date of birth (ISO 8601, `YYYY-MM-DD`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BirthDate(jiff::civil::Date);

/// A postcode in its usual form, e.g. `WN1 1AA` (5 to 7 characters, BS 7666).
#[derive(Clone, PartialEq, Eq)]
pub struct Postcode(String);

impl BirthDate {
    /// The date.
    pub fn date(self) -> jiff::civil::Date {
        self.0
    }
}

impl FromStr for BirthDate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "a birth date is written YYYY-MM-DD, from 1880 on";
        let date: jiff::civil::Date = text.parse().map_err(|_| RULE)?;
        if text.len() == 10 && date.year() >= 1880 {
            Ok(Self(date))
        } else {
            Err(RULE)
        }
    }
}

impl Postcode {
    /// Outward and inward part with one space between, in capitals.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Postcode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "a postcode has an outward part and an inward part of a digit and two letters";
        let letters: String = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_ascii_uppercase())
            .collect();
        if !letters.bytes().all(|b| b.is_ascii_alphanumeric()) || !(5..=7).contains(&letters.len()) {
            return Err(RULE);
        }
        let (outward, inward) = letters.split_at(letters.len() - 3);
        let inward_fits = matches!(inward.as_bytes(), [d, a, b]
            if d.is_ascii_digit() && a.is_ascii_uppercase() && b.is_ascii_uppercase());
        let outward_fits =
            outward.starts_with(|c: char| c.is_ascii_uppercase()) && outward.bytes().any(|b| b.is_ascii_digit());
        if inward_fits && outward_fits {
            Ok(Self(format!("{outward} {inward}")))
        } else {
            Err(RULE)
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl fmt::Debug for LocalReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalReference(…)")
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(…)")
    }
}

impl fmt::Debug for Postcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postcode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postcode_is_normalised_or_refused() {
        for (text, normal) in [("wn11aa", "WN1 1AA"), ("WN99 9aa", "WN99 9AA"), ("m1 1ae", "M1 1AE")] {
            assert_eq!(text.parse::<Postcode>().unwrap().as_str(), normal);
        }
        for bad in [
            "",
            "WN1",
            "WN1 AAA",
            "1WN 1AA",
            "WN1 1A1",
            "WNWN 1AA",
            "WN1-1AA",
            "ＷＮ1 1AA",
        ] {
            assert!(bad.parse::<Postcode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_birth_date_is_iso_8601() {
        assert!("1958-03-14".parse::<BirthDate>().is_ok());
        for bad in ["", "14/03/1958", "1958-02-30", "1779-01-01", "1958-03-14T00:00"] {
            assert!(bad.parse::<BirthDate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_prints_itself() {
        let identity = Identity {
            family_name: "Sample".into(),
            ..Identity::default()
        };
        assert_eq!(format!("{identity:?}"), "Identity(…)");
    }
}
