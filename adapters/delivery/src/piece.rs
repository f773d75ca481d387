//! One row or message as it was read, beside the part of its file that it was read from.
//! It never needs the rest of the file to be read anew.

use std::sync::Arc;

use csv::StringRecord;

use crate::{
    content::Content,
    draft::{Translated, Untranslatable},
};

/// One row or message as it was read, with its place in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    /// Its place, e.g. `row 3` or `message 1`.
    pub place: String,
    /// What was read there, or why it could not be.
    pub content: Result<T, Untranslatable>,
    /// The part of the file it was read from.
    pub piece: Piece,
}

/// The part of a file that one row or message was read from, enough to be translated on its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// A row of a CSV file, and the file's header.
    Row {
        /// The header.
        header: Arc<StringRecord>,
        /// The row.
        record: StringRecord,
    },
    /// A message, or whatever else stands by itself.
    Text(Arc<str>),
    /// The same, in an encoding that it names itself.
    Bytes(Vec<u8>),
}

impl<T> Placed<T> {
    /// Makes a draft of what was read; `name` is the file's name.
    pub fn translate<C: Into<Content>>(
        self,
        name: &str,
        draft: impl FnOnce(T) -> Result<C, Untranslatable>,
    ) -> Translated {
        Translated {
            origin: format!("{name} {}", self.place),
            result: self.content.and_then(draft).map(Into::into),
            piece: self.piece,
        }
    }
}

impl Piece {
    /// How many bytes of the file it holds, at most.
    pub fn length(&self) -> usize {
        match self {
            Self::Row { header, record } => header.as_slice().len() + record.as_slice().len(),
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Its bytes: a file of this one row or message.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Row { header, record } => {
                let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
                // Writing to memory cannot fail.
                let _ = csv.write_record(header.as_ref());
                let _ = csv.write_record(record);
                csv.into_inner().unwrap_or_default()
            }
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}
