//! Collects violations while a message is parsed, so that its sender learns of all of them at once.
//! Never holds a value, and never writes out where a field stands that breaks no rule.

use std::{fmt::Display, str::FromStr};

use jiff::{SignedDuration, Timestamp};

use crate::model::{NhsNumber, Violation};

/// How far ahead of the hub's clock a time may be.
pub(super) const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Signals on a page if none is asked for, and at most.
const PAGE: (i32, i32) = (50, 200);

/// The violations found so far in one message.
#[derive(Debug, Default)]
pub struct Fields(Vec<Violation>);

impl Fields {
    /// None found so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `field` breaks `rule`.
    pub fn wrong(&mut self, field: impl Display, rule: impl Display) {
        self.0.push(Violation::new(field.to_string(), rule.to_string()));
    }

    /// The value of a text that must parse.
    pub fn parse<T: FromStr<Err: Display>>(&mut self, field: impl Display, text: &str) -> Option<T> {
        text.parse().map_err(|rule: T::Err| self.wrong(field, rule)).ok()
    }

    /// The value of a text that may be empty, and must parse if it is not.
    pub fn parse_some<T: FromStr<Err: Display>>(&mut self, field: impl Display, text: &str) -> Option<T> {
        if text.is_empty() { None } else { self.parse(field, text) }
    }

    /// A text of at most `most` characters without control characters.
    pub fn text(&mut self, field: impl Display, text: &str, most: usize) -> String {
        if text.chars().count() > most {
            self.wrong(&field, format_args!("must have at most {most} characters"));
        }
        if text.chars().any(char::is_control) {
            self.wrong(field, "must have no line breaks or other control characters");
        }
        text.to_owned()
    }

    /// A text that the ledger keeps, clear and for ever: it must not hold an NHS number either.
    pub fn kept_text(&mut self, field: impl Display, text: &str, most: usize) -> String {
        if NhsNumber::is_within(text) {
            self.wrong(
                &field,
                "must hold no NHS number, because the ledger keeps it for ever, and has ten digits that pass as an NHS number; \
                 if it is none, write it with a slash or leave out the year",
            );
        }
        self.text(field, text, most)
    }

    /// A text that must not be empty either.
    pub fn some_text(&mut self, field: impl Display, text: &str, most: usize) -> String {
        self.given(&field, text);
        self.text(field, text, most)
    }

    /// Checks that a text is not empty.
    pub fn given(&mut self, field: impl Display, text: &str) {
        if text.trim().is_empty() {
            self.wrong(field, "must not be empty");
        }
    }

    /// A time that must have been, or be at most 5 minutes ahead.
    pub fn past(
        &mut self,
        field: impl Display,
        time: Option<prost_types::Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let time = self.time(&field, time)?;
        if time > now + AHEAD {
            self.wrong(field, "must not be more than 5 minutes ahead of the hub's clock");
        }
        Some(time)
    }

    /// A time that may be missing.
    pub fn time(&mut self, field: impl Display, time: Option<prost_types::Timestamp>) -> Option<Timestamp> {
        let time = time?;
        let parsed = Timestamp::new(time.seconds, time.nanos).ok();
        let usable = parsed.filter(|time| time.as_second() >= -2_208_988_800);
        if usable.is_none() {
            self.wrong(
                field,
                "must be a valid google.protobuf.Timestamp not before the year 1900",
            );
        }
        // The store keeps microseconds.
        usable.and_then(|time| Timestamp::from_microsecond(time.as_microsecond()).ok())
    }

    /// The parsed value, if nothing was wrong.
    ///
    /// # Errors
    /// All violations.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Violation>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

/// The size of a page.
///
/// # Errors
/// If it is beyond the limit.
pub fn page_size(asked: i32) -> Result<usize, Vec<Violation>> {
    let (usual, most) = PAGE;
    let size = if asked == 0 { usual } else { asked };
    match usize::try_from(size) {
        Ok(size) if (1..=most).contains(&asked) || asked == 0 => Ok(size),
        _ => Err(vec![Violation::new(
            "page_size",
            format!("must be from 1 to {most}, or 0 for {usual}"),
        )]),
    }
}

/// A time as the contract carries it.
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.as_second(),
        nanos: time.subsec_nanosecond(),
    }
}
