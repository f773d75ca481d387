//! A file of comma-separated values with fixed columns, read line by line. Never knows what its columns mean.

use std::{
    fs,
    path::{Path, PathBuf},
};

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use ring::digest;

use super::Error;

/// A file with `N` columns.
pub(super) struct Table<const N: usize> {
    path: PathBuf,
    name: &'static str,
    columns: [&'static str; N],
    bytes: Vec<u8>,
}

/// A line of a table, which has all its columns.
pub(super) struct Record<'t, const N: usize> {
    table: &'t Table<N>,
    fields: StringRecord,
}

impl<const N: usize> Table<N> {
    /// Reads the file `name` of a folder, which must have just these columns, in this order.
    ///
    /// # Errors
    /// `Read` if the system cannot.
    pub(super) fn read(dir: &Path, name: &'static str, columns: [&'static str; N]) -> Result<Self, Error> {
        let path = dir.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Self {
                path,
                name,
                columns,
                bytes,
            }),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// Adds name, length and content to a digest.
    pub(super) fn add_to(&self, digest: &mut digest::Context) {
        for part in [self.name.as_bytes(), &self.bytes] {
            // A length in memory always fits into eight bytes.
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }

    /// The lines after the header.
    ///
    /// # Errors
    /// `Form` if the header is not that of the columns, and for each line that has not as many fields or is not UTF-8.
    pub(super) fn records(&self) -> Result<impl Iterator<Item = Result<Record<'_, N>, Error>>, Error> {
        let mut reader = ReaderBuilder::new().from_reader(self.bytes.as_slice());
        let header = reader.headers().map_err(|error| self.malformed(&error))?;
        if !header.iter().eq(self.columns) {
            return Err(self.form(1, format!("the header is `{}`", self.columns.join(","))));
        }
        Ok(reader.into_records().map(|fields| {
            let fields = fields.map_err(|error| self.malformed(&error))?;
            Ok(Record { table: self, fields })
        }))
    }

    fn malformed(&self, error: &csv::Error) -> Error {
        let line = self.line_of(error.position());
        let rule = match error.kind() {
            ErrorKind::UnequalLengths { .. } => format!("a line has {N} fields"),
            ErrorKind::Utf8 { .. } => "text is UTF-8".to_owned(),
            _ => "a line is comma-separated values".to_owned(),
        };
        self.form(line, rule)
    }

    /// The line that a record begins on, from 1. `Position::line` falls short after blank lines and after line ends of
    /// Windows, because the position is taken before what is left of the last line's end.
    fn line_of(&self, position: Option<&csv::Position>) -> u64 {
        let start = position.map_or(0, csv::Position::byte);
        let (mut line, mut at) = (1, 0);
        for byte in &self.bytes {
            if at >= start && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            line += u64::from(*byte == b'\n');
            at += 1;
        }
        line
    }

    fn form(&self, line: u64, rule: String) -> Error {
        Error::Form {
            path: self.path.clone(),
            line,
            rule,
        }
    }
}

impl<const N: usize> Record<'_, N> {
    /// The value of a column, counted from 0.
    pub(super) fn text(&self, column: usize) -> &str {
        self.fields.get(column).unwrap_or_default()
    }

    /// Says that a column's value breaks a rule.
    pub(super) fn breaks(&self, column: usize, rule: &'static str) -> Error {
        Error::Value {
            path: self.table.path.clone(),
            line: self.table.line_of(self.fields.position()),
            column: self.table.columns.get(column).copied().unwrap_or_default(),
            rule,
        }
    }
}
