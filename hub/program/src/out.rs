//! The one way to standard output. A reader who closes the pipe early is no error.
//! It never prints to anywhere else.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

/// The version of every JSON document that this program prints.
const SCHEMA: u32 = 1;

/// The reader of standard output has gone.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads any more")]
struct Closed;

/// Prints a line.
///
/// # Errors
/// If standard output cannot be written; [`is_closed`] tells a reader who has gone from a failure.
pub(crate) fn line(text: impl Display) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        written => written.context("cannot print"),
    }
}

/// Prints bytes as they are, such as a shell's completions.
///
/// # Errors
/// As for [`line`].
pub(crate) fn text(text: &str) -> Result<()> {
    line(text.trim_end_matches('\n'))
}

/// Prints a JSON document, with its `schema`, over several lines.
///
/// # Errors
/// As for [`line`].
pub(crate) fn document(value: Value) -> Result<()> {
    line(format_args!("{:#}", versioned(value)))
}

/// Prints a JSON document, with its `schema`, on one line.
///
/// # Errors
/// As for [`line`].
pub(crate) fn json_line(value: Value) -> Result<()> {
    line(versioned(value))
}

/// Whether an error only says that nobody reads the output any more.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Closed>().is_some()
}

fn versioned(value: Value) -> Value {
    let mut document = Map::from_iter([("schema".to_owned(), SCHEMA.into())]);
    match value {
        Value::Object(fields) => document.extend(fields),
        other => {
            document.insert("items".to_owned(), other);
        }
    }
    Value::Object(document)
}
