//! Dates and times as UK agencies write them, ISO 8601 or British.
//! It never asks what time it is, and never reads a month before a day.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

/// Reads a date, `YYYY-MM-DD` or `dd/mm/yyyy`.
///
/// # Errors
///
/// The rule, if it is neither, or no day of the calendar.
pub fn date(text: &str) -> Result<Date, &'static str> {
    let rule = "is not a date (YYYY-MM-DD or dd/mm/yyyy)";
    let text = text.trim();
    let iso: Vec<&str> = text.split('-').collect();
    let british: Vec<&str> = text.split('/').collect();
    let (year, month, day) = match (iso.as_slice(), british.as_slice()) {
        ([year, month, day], _) | (_, [day, month, year]) => (*year, *month, *day),
        _ => return Err(rule),
    };
    let parts = (number(year, 4), number(month, 2), number(day, 2));
    let (Some(year), Some(month), Some(day)) = parts else {
        return Err(rule);
    };
    calendar_day(year, month, day).ok_or(rule)
}

/// Reads a date and time: with an offset or `Z` as in RFC 3339, else UK time, as `YYYY-MM-DDTHH:MM`,
/// `YYYY-MM-DD HH:MM` or `dd/mm/yyyy HH:MM`, each with or without seconds. A date alone is the start of its day.
///
/// # Errors
///
/// The rule, if it is none of these.
pub fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let rule = "is not a date and time (YYYY-MM-DDTHH:MM or dd/mm/yyyy HH:MM)";
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let (day, time) = match text.split_once(['T', ' ']) {
        Some((day, time)) => (day, time_of_day(time.trim()).ok_or(rule)?),
        None => (text, Time::midnight()),
    };
    uk_instant(date(day).map_err(|_| rule)?.to_datetime(time)).ok_or(rule)
}

/// Reads a month, `YYYY-MM`, and gives its first day.
///
/// # Errors
///
/// The rule, if it is not a month.
pub fn month(text: &str) -> Result<Date, &'static str> {
    let rule = "is not a month (YYYY-MM)";
    let (year, month) = text.trim().split_once('-').ok_or(rule)?;
    let (Some(year), Some(month)) = (number(year, 4), number(month, 2)) else {
        return Err(rule);
    };
    calendar_day(year, month, 1).ok_or(rule)
}

/// The first instant of a day in the UK.
///
/// # Errors
///
/// The rule, if the day lies at the very ends of the calendar.
pub fn start_of_day(day: Date) -> Result<Timestamp, &'static str> {
    uk_instant(day.to_datetime(Time::midnight())).ok_or("is not a day that a clock can show")
}

/// The day that a UK calendar shows at an instant.
pub fn uk_day(at: Timestamp) -> Date {
    at.to_zoned(uk()).date()
}

/// The instant at which a UK clock shows this date and time. Of the two in the hour that is repeated in October,
/// the first; in the hour that is left out in March, an hour later.
pub fn uk_instant(at: DateTime) -> Option<Timestamp> {
    at.to_zoned(uk()).ok().map(|zoned| zoned.timestamp())
}

/// UK time by the rule of the Summer Time Order 2002: an hour ahead from the last Sunday of March, 01:00 GMT, to the last
/// Sunday of October, 01:00 GMT. Written as a POSIX rule, so that it needs no time zone database on the machine.
fn uk() -> TimeZone {
    TimeZone::posix("GMT0BST,M3.5.0/1,M10.5.0").unwrap_or(TimeZone::UTC)
}

fn time_of_day(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |text| number(text, 2))?;
    if parts.next().is_some() {
        return None;
    }
    let part = |value: i16| i8::try_from(value).ok();
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

fn calendar_day(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn number(text: &str, length: usize) -> Option<i16> {
    let digits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_british_date_has_its_day_first() {
        assert_eq!(date("03/11/2026"), date("2026-11-03"));
        for bad in [
            "",
            "11/20/2026",
            "2026-02-30",
            "3/11/2026",
            "20261103",
            "2026-11-03T00:00",
        ] {
            assert!(date(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_uk_time() {
        assert_eq!(moment("2026-07-01T10:00").unwrap().to_string(), "2026-07-01T09:00:00Z");
        assert_eq!(
            moment("01/11/2026 10:00:05").unwrap().to_string(),
            "2026-11-01T10:00:05Z"
        );
        assert_eq!(
            moment("2026-11-01T10:00:00+01:00").unwrap().to_string(),
            "2026-11-01T09:00:00Z"
        );
        assert_eq!(moment("2026-11-01").unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert!(moment("2026-11-01T25:00").is_err());
    }

    #[test]
    fn a_day_in_summer_starts_an_hour_before_greenwich() {
        let start = start_of_day(Date::constant(2026, 7, 1)).unwrap();
        assert_eq!(start.to_string(), "2026-06-30T23:00:00Z");
        assert_eq!(uk_day(start), Date::constant(2026, 7, 1));
    }

    #[test]
    fn a_month_is_its_first_day() {
        assert_eq!(month("2026-11"), Ok(Date::constant(2026, 11, 1)));
        assert!(month("2026-13").is_err());
    }

    proptest! {
        #[test]
        fn both_ways_of_writing_a_date_agree(year in 1900..2100i16, month in 1..=12i8, day in 1..=28i8) {
            let british = format!("{day:02}/{month:02}/{year:04}");
            prop_assert_eq!(date(&british), date(&Date::constant(year, month, day).to_string()));
        }
    }
}
