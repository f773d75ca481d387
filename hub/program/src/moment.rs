//! Reads times as people type them, and prints them as a UK clock shows them. Time is an argument here.

use anyhow::{Result, anyhow};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use placehub_delivery::fields;

/// Reads a time up to now: `30m`, `24h`, `7d` or `2w` before `now`, or a date, or a date and time (UK time unless it has
/// an offset, as in RFC 3339).
///
/// # Errors
/// Names the flag and the forms that it takes.
pub(crate) fn past(flag: &str, text: &str, now: Timestamp) -> Result<Timestamp> {
    read(flag, text, |span| now.checked_sub(span).ok())
}

/// Reads a time from now on: as [`past`], but `90d` is ninety days after `now`.
///
/// # Errors
/// As for [`past`].
pub(crate) fn ahead(flag: &str, text: &str, now: Timestamp) -> Result<Timestamp> {
    read(flag, text, |span| now.checked_add(span).ok())
}

/// The contract's form of a time.
pub(crate) fn to_wire(at: Timestamp) -> prost_types::Timestamp {
    placehub_delivery::draft::instant(at)
}

/// The time that the contract's form means; none if it lies outside the calendar.
pub(crate) fn of_wire(at: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    at.and_then(|at| Timestamp::new(at.seconds, at.nanos).ok())
}

/// A time for a person's eye: `20 Nov 2026 14:03`, UK time. A dash for none.
pub(crate) fn shown(at: Option<Timestamp>) -> String {
    at.map_or_else(
        || "-".to_owned(),
        |at| at.to_zoned(uk()).strftime("%d %b %Y %H:%M").to_string(),
    )
}

/// A time for a program: RFC 3339; `null` for none.
pub(crate) fn json(at: Option<Timestamp>) -> serde_json::Value {
    at.map_or(serde_json::Value::Null, |at| at.to_string().into())
}

/// UK time by the Summer Time Order 2002, as a rule that needs no time zone table on the machine.
pub(crate) fn uk() -> TimeZone {
    TimeZone::posix("GMT0BST,M3.5.0/1,M10.5.0").unwrap_or(TimeZone::UTC)
}

fn read(flag: &str, text: &str, place: impl Fn(SignedDuration) -> Option<Timestamp>) -> Result<Timestamp> {
    let text = text.trim();
    let relative = span(text).map(place);
    let found = relative.unwrap_or_else(|| fields::moment(text).ok());
    found.ok_or_else(|| {
        anyhow!("`{flag}` must be a span such as 24h, 7d or 2w, a date such as 2026-11-20, or a time such as 2026-11-20T14:30Z")
    })
}

fn span(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let hours = match unit {
        'm' => return Some(SignedDuration::from_mins(number(text, unit)?)),
        'h' => 1,
        'd' => 24,
        'w' => 24 * 7,
        _ => return None,
    };
    Some(SignedDuration::from_hours(number(text, unit)?.checked_mul(hours)?))
}

fn number(text: &str, unit: char) -> Option<i64> {
    let digits = text.strip_suffix(unit)?;
    let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn since(text: &str) -> Option<String> {
        past("--since", text, now()).ok().map(|at| at.to_string())
    }

    #[test]
    fn a_span_counts_back_from_now() {
        assert_eq!(since("24h").as_deref(), Some("2026-11-19T12:00:00Z"));
        assert_eq!(since("7d").as_deref(), Some("2026-11-13T12:00:00Z"));
        assert_eq!(since("2w").as_deref(), Some("2026-11-06T12:00:00Z"));
        assert_eq!(since("90m").as_deref(), Some("2026-11-20T10:30:00Z"));
    }

    #[test]
    fn a_span_counts_forward_where_an_end_is_meant() {
        assert_eq!(
            ahead("--until", "7d", now()).unwrap().to_string(),
            "2026-11-27T12:00:00Z"
        );
    }

    #[test]
    fn a_date_is_the_start_of_its_day_in_the_uk() {
        assert_eq!(since("2026-11-20").as_deref(), Some("2026-11-20T00:00:00Z"));
        assert_eq!(since("2026-07-01").as_deref(), Some("2026-06-30T23:00:00Z"));
    }

    #[test]
    fn a_time_with_an_offset_is_taken_as_it_stands() {
        assert_eq!(
            since("2026-11-20T14:30:00+01:00").as_deref(),
            Some("2026-11-20T13:30:00Z")
        );
    }

    #[test]
    fn anything_else_is_refused_by_the_name_of_the_flag() {
        for bad in ["", "d", "-7d", "7y", "yesterday", "999999d", "7 d", "é"] {
            let refusal = past("--since", bad, now()).unwrap_err().to_string();
            assert!(refusal.starts_with("`--since`"), "{bad}");
        }
    }

    #[test]
    fn a_summer_time_is_shown_an_hour_ahead() {
        assert_eq!(shown("2026-07-01T12:00:00Z".parse().ok()), "01 Jul 2026 13:00");
        assert_eq!(shown(None), "-");
    }
}
