//! The NHS number and its check digit. Never prints its digits.

use std::{fmt, str::FromStr};

/// A number that is not an NHS number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NhsNumberInvalid {
    /// The check digit is wrong.
    #[error("the check digit of an NHS number must be right (modulus 11)")]
    CheckDigit,
    /// Not ten digits.
    #[error("an NHS number has ten digits; only spaces and hyphens may stand between them")]
    Form,
}

/// An NHS number whose check digit is right (NHS Data Dictionary: NHS NUMBER, modulus 11).
/// Prints as `NhsNumber(…)`.
#[derive(Clone, PartialEq, Eq)]
pub struct NhsNumber([u8; 10]);

impl NhsNumber {
    /// The ten digits, without spaces.
    pub fn digits(&self) -> String {
        self.0.iter().map(|digit| char::from(b'0' + digit)).collect()
    }

    /// Ten digits from text in which spaces and hyphens are ignored; the check digit is not looked at.
    ///
    /// # Errors
    /// `Form` if there are not exactly ten digits, or anything else is among them.
    pub fn ten_digits(text: &str) -> Result<[u8; 10], NhsNumberInvalid> {
        let mut digits = Vec::with_capacity(10);
        for c in text.trim().chars().filter(|c| !matches!(c, ' ' | '-')) {
            let digit = c.to_digit(10).ok_or(NhsNumberInvalid::Form)?;
            digits.push(u8::try_from(digit).map_err(|_| NhsNumberInvalid::Form)?);
        }
        digits.try_into().map_err(|_| NhsNumberInvalid::Form)
    }

    /// Whether a text holds one as people write it: ten digits together, or three, three and four with a single space or
    /// hyphen between, whose check digit is right, and at whose sides there is no further digit. Digits in other groups are
    /// a case number's: one in eleven of those would pass.
    pub fn is_within(text: &str) -> bool {
        let separates = |c: char| matches!(c, ' ' | '-');
        let is_one = |digits: &str| digits.parse::<Self>().is_ok();
        text.split(|c: char| !c.is_ascii_digit() && !separates(c))
            .any(|string| {
                let groups: Vec<&str> = string.split(separates).collect();
                let together = groups.iter().any(|group| group.len() == 10 && is_one(group));
                together
                    || groups
                        .windows(3)
                        .any(|three| three.iter().map(|group| group.len()).eq([3, 3, 4]) && is_one(&three.concat()))
            })
    }
}

impl FromStr for NhsNumber {
    type Err = NhsNumberInvalid;

    fn from_str(text: &str) -> Result<Self, NhsNumberInvalid> {
        let digits = Self::ten_digits(text)?;
        let sum: u32 = digits
            .iter()
            .zip((2..=10).rev())
            .map(|(digit, weight)| u32::from(*digit) * weight)
            .sum();
        let [first, .., check] = digits;
        let all_alike = digits.iter().all(|digit| *digit == first);
        let expected = match 11 - sum % 11 {
            11 => 0,
            other => other,
        };
        if all_alike || expected != u32::from(check) {
            return Err(NhsNumberInvalid::CheckDigit);
        }
        Ok(Self(digits))
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_decides() {
        for good in ["9990001006", "999 000 1014", "999-000-1022", "9912003888", "9730676240"] {
            assert!(good.parse::<NhsNumber>().is_ok(), "{good}");
        }
        for bad in ["9990001007", "9876543211", "0000000000", "1111111111"] {
            assert_eq!(bad.parse::<NhsNumber>(), Err(NhsNumberInvalid::CheckDigit), "{bad}");
        }
        for bad in ["", "999000100", "99900010066", "999000100x", "９９９０００１００６"] {
            assert_eq!(bad.parse::<NhsNumber>(), Err(NhsNumberInvalid::Form), "{bad}");
        }
    }

    #[test]
    fn a_number_is_found_within_a_text_and_no_other_ten_digits_are() {
        for holds in [
            "9990001006",
            "9990001006 A Sample",
            "re: 999 000 1006, rent",
            "HP-2026 999-000-1006",
            "12 9990001006 34",
            "case9990001006x",
        ] {
            assert!(NhsNumber::is_within(holds), "{holds}");
        }
        for other in [
            "",
            "HP-2026-0001",
            "HP-2026-000018",
            "CRN-2026-000018",
            "2026 000018",
            "999 0001006",
            "999  000 1006",
            "9990001007",
            "99900010066",
            "9990/001006",
            "26/0001234567",
        ] {
            assert!(!NhsNumber::is_within(other), "{other}");
        }
    }

    #[test]
    fn it_never_prints_itself() {
        let number: NhsNumber = "9990001006".parse().unwrap();
        assert_eq!(format!("{number:?}"), "NhsNumber(…)");
    }
}
