//! Reads single fields as UK agencies write them: identifiers, dates, money, short text.
//! Pure; a refusal is a phrase that names the rule and never repeats the value.

mod dates;
mod identifiers;

pub use dates::{date, moment, month, start_of_day, uk_day, uk_instant};
pub use identifiers::{Nhs, nhs, nhs_number, postcode, uprn};

use jiff::civil::Date;
use placehub_proto::v1::Severity;

/// Text of 1 to 100 characters on one line, such as a name or a reference.
///
/// # Errors
///
/// The rule, if the text is longer or holds control characters.
pub fn label(text: &str) -> Result<String, &'static str> {
    bounded(text, 100).ok_or("is not 1 to 100 characters on one line")
}

/// Text of 1 to 200 characters on one line: the contract's limit for a text attribute.
///
/// # Errors
///
/// The rule, if the text is longer or holds control characters.
pub fn phrase(text: &str) -> Result<String, &'static str> {
    bounded(text, 200).ok_or("is not 1 to 200 characters on one line")
}

/// Text of 1 to 280 characters on one line: the contract's limit for a summary.
///
/// # Errors
///
/// The rule, if the text is longer or holds control characters.
pub fn summary(text: &str) -> Result<String, &'static str> {
    bounded(text, 280).ok_or("is not 1 to 280 characters on one line")
}

/// A whole number from 0 to 999,999,999,999, such as weeks or pence, in digits alone.
///
/// # Errors
///
/// The rule, if there is anything but 1 to 12 digits.
pub fn whole(text: &str) -> Result<i64, &'static str> {
    let text = text.trim();
    let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or("is not a whole number in digits alone")
}

/// A version: a whole number of at least 1.
///
/// # Errors
///
/// The rule, if it is not.
pub fn version(text: &str) -> Result<u64, &'static str> {
    let number = whole(text)?;
    u64::try_from(number)
        .ok()
        .filter(|number| *number >= 1)
        .ok_or("is not a whole number of at least 1")
}

/// A severity in a word: `low`, `medium`, `high` or `critical`, in either case.
///
/// # Errors
///
/// The rule, if it is none of them.
pub fn severity(text: &str) -> Result<Severity, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "low" => Ok(Severity::Low),
        "medium" => Ok(Severity::Medium),
        "high" => Ok(Severity::High),
        "critical" => Ok(Severity::Critical),
        _ => Err("is not low, medium, high or critical"),
    }
}

/// Yes or no, as agencies write it: `yes`, `y`, `true`, `1`, and their opposites, in either case.
///
/// # Errors
///
/// The rule, if it is none of them.
pub fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Ok(true),
        "no" | "n" | "false" | "0" => Ok(false),
        _ => Err("is not yes or no"),
    }
}

/// A day as a version, e.g. 20261109: it rises with each day on which a source corrects itself.
pub fn day_version(day: Date) -> u64 {
    let number = |part: i8| u64::from(part.unsigned_abs());
    u64::from(day.year().unsigned_abs()) * 10_000 + number(day.month()) * 100 + number(day.day())
}

/// An amount in pounds for a summary, e.g. `£812.40`.
pub fn pounds(pence: i64) -> String {
    format!("£{}.{:02}", pence / 100, pence % 100)
}

fn bounded(text: &str, limit: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= limit && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pence_are_told_in_pounds() {
        assert_eq!(pounds(81240), "£812.40");
        assert_eq!(pounds(5), "£0.05");
    }

    #[test]
    fn a_number_with_a_pound_sign_is_no_whole_number() {
        assert_eq!(whole(" 81240 "), Ok(81240));
        for bad in ["", "£812", "-3", "812.40", "1e3", "9999999999999"] {
            assert!(whole(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_later_day_is_a_higher_version() {
        let days =
            [(2026, 9, 30), (2026, 10, 1), (2027, 1, 1)].map(|(year, month, day)| Date::constant(year, month, day));
        let versions = days.map(day_version);
        assert_eq!(versions, [20_260_930, 20_261_001, 20_270_101]);
        assert_eq!(yes_or_no("Y"), Ok(true));
        assert!(yes_or_no("perhaps").is_err());
    }

    #[test]
    fn a_version_starts_at_one() {
        assert_eq!(version("1"), Ok(1));
        assert!(version("0").is_err());
    }

    #[test]
    fn a_line_break_is_no_part_of_a_summary() {
        assert_eq!(summary(" Two calls "), Ok("Two calls".to_owned()));
        assert!(summary("Two\ncalls").is_err());
        assert!(summary(&"x".repeat(281)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_field_panic(text in ".*") {
            let _ = (label(&text), phrase(&text), summary(&text), whole(&text), version(&text), severity(&text));
            let _ = (nhs(&text), nhs_number(&text), postcode(&text), uprn(&text));
            let _ = (date(&text), moment(&text), month(&text));
        }

        #[test]
        fn a_severity_is_read_in_any_case(text in "(?i)(low|medium|high|critical)") {
            prop_assert!(severity(&text).is_ok());
        }
    }
}
