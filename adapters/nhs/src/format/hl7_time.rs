//! Reads HL7 v2 dates and times (data types DT and TS/DTM): `YYYYMMDD[HH[MM[SS[.S…]]]][±ZZZZ]`.
//! Pure. It never makes up a day that the message does not state.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::{Offset, TimeZone},
};
use placehub_delivery::fields;

const RULE: &str = "is not an HL7 date and time to the day at least";

/// Reads a time stamp; without an offset it is UK time.
///
/// # Errors
///
/// The rule, if it is malformed or not precise to the day.
pub(super) fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let (digits, offset) = match text.find(['+', '-']).and_then(|at| text.split_at_checked(at)) {
        Some((digits, zone)) => (digits, Some(offset(zone).ok_or(RULE)?)),
        None => (text, None),
    };
    let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
    let parts = pairs(whole).ok_or(RULE)?;
    let [century, year, month, day, time @ ..] = parts.as_slice() else {
        return Err(RULE);
    };
    let mut time = time.iter().copied().chain(std::iter::repeat(0));
    let mut next = || time.next().unwrap_or_default();
    let clock = Time::new(next(), next(), next(), 0).map_err(|_| RULE)?;
    let day = Date::new(i16::from(*century) * 100 + i16::from(*year), *month, *day).map_err(|_| RULE)?;
    let shown = day.to_datetime(clock);
    match offset {
        Some(offset) => TimeZone::fixed(offset).to_timestamp(shown).map_err(|_| RULE),
        None => fields::uk_instant(shown).ok_or(RULE),
    }
}

/// Reads a date of birth. A year or month alone is allowed by HL7, and is no birth date for the hub.
///
/// # Errors
///
/// The rule, if it is malformed or no day of the calendar.
pub(super) fn birth_date(text: &str) -> Result<Option<Date>, &'static str> {
    let rule = "is not an HL7 date";
    let day: String = text.chars().take(8).collect();
    match pairs(&day).ok_or(rule)?.as_slice() {
        [century, year, month, day] => Date::new(i16::from(*century) * 100 + i16::from(*year), *month, *day)
            .map(Some)
            .map_err(|_| rule),
        _ => Ok(None),
    }
}

fn offset(zone: &str) -> Option<Offset> {
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let parts = pairs(zone.get(1..)?)?;
    let [hours, minutes] = parts.as_slice() else {
        return None;
    };
    Offset::from_seconds(sign * (i32::from(*hours) * 3600 + i32::from(*minutes) * 60)).ok()
}

/// Splits 4 to 14 digits into pairs.
fn pairs(digits: &str) -> Option<Vec<i8>> {
    let even = digits.len().is_multiple_of(2) && (4..=14).contains(&digits.len());
    if !even || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_without_an_offset_is_uk_time() {
        assert_eq!(moment("202607011030").unwrap().to_string(), "2026-07-01T09:30:00Z");
        assert_eq!(moment("20261112103005.25").unwrap().to_string(), "2026-11-12T10:30:05Z");
        assert_eq!(moment("20261112").unwrap().to_string(), "2026-11-12T00:00:00Z");
    }

    #[test]
    fn an_offset_is_kept() {
        assert_eq!(
            moment("20150208113419+0110").unwrap().to_string(),
            "2015-02-08T10:24:19Z"
        );
        assert_eq!(moment("202611121030-0500").unwrap().to_string(), "2026-11-12T15:30:00Z");
    }

    #[test]
    fn what_is_not_precise_to_the_day_is_no_moment() {
        for bad in [
            "",
            "2026",
            "202611",
            "20261301",
            "2026111225",
            "202611121030+1",
            "today",
        ] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_year_alone_is_no_birth_date() {
        assert_eq!(birth_date("1958"), Ok(None));
        assert_eq!(birth_date("19580314093000"), Ok(Some(Date::constant(1958, 3, 14))));
        assert!(birth_date("19580230").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_time_panic(text in ".{0,20}", digits in "[0-9]{0,16}[+-]?[0-9]{0,5}") {
            let _ = (moment(&text), birth_date(&text), moment(&digits), birth_date(&digits));
        }
    }
}
