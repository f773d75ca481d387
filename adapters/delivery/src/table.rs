//! CSV files with a header (RFC 4180, UTF-8): rows by number, cells by column name, one row in memory at a time.
//! It never lets one bad row keep another back, and never reads a row without end into memory.

use std::{
    cmp::Reverse,
    io::{self, Read},
    sync::Arc,
};

use csv::{Reader, ReaderBuilder, StringRecord, Trim};

use crate::draft::{FileError, Piece, Placed, Untranslatable};

/// How long one row may be, in bytes. A quote that is never closed would make the rest of a file one row.
const LONGEST_ROW: usize = 1024 * 1024;

/// A CSV file whose header has been read.
#[derive(Debug)]
pub struct Table<R> {
    header: Arc<StringRecord>,
    columns: Vec<String>,
    reader: Reader<Bounded<R>>,
}

/// A header that an adapter knows, and what it calls it.
#[derive(Debug, Clone, Copy)]
pub struct Layout<K> {
    /// What the adapter makes of files with this header.
    pub kind: K,
    /// Its name in messages, e.g. `rent arrears`.
    pub name: &'static str,
    /// The columns that it cannot do without, in any order; others are allowed.
    pub columns: &'static [&'static str],
}

/// One row of a table, its cells found by column name.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'t> {
    columns: &'t [String],
    record: &'t StringRecord,
}

impl<R: Read> Table<R> {
    /// Reads the header of a CSV file. A byte order mark is left out, and so is white space around cells.
    ///
    /// # Errors
    ///
    /// [`FileError`] if the file is empty, its header is not UTF-8, or it cannot be read.
    pub fn read(from: R) -> Result<Self, FileError> {
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .trim(Trim::Headers)
            .from_reader(Bounded { from, since_row: 0 });
        let header = reader.headers().map_err(fault)?.clone();
        if header.iter().all(str::is_empty) {
            return Err(FileError::Empty);
        }
        Ok(Self {
            columns: header.iter().map(str::to_ascii_lowercase).collect(),
            header: Arc::new(header),
            reader,
        })
    }

    /// Finds which of the known layouts the header has. Case does not matter in column names.
    ///
    /// # Errors
    ///
    /// [`FileError::Columns`] with what the nearest layout lacks; [`FileError::Malformed`] if the header has no column of any.
    pub fn layout<K: Copy>(&self, known: &[Layout<K>]) -> Result<K, FileError> {
        let lacks = |layout: &Layout<K>| -> Vec<&'static str> {
            let lacks = |name: &&str| !self.columns.iter().any(|column| column.eq_ignore_ascii_case(name));
            layout.columns.iter().copied().filter(lacks).collect()
        };
        // Whole ones first, then by how much is there: a short layout is not the nearest for lacking little.
        let nearest = known
            .iter()
            .map(|layout| (layout, lacks(layout)))
            .min_by_key(|(layout, missing)| (!missing.is_empty(), Reverse(layout.columns.len() - missing.len())));
        match nearest {
            Some((layout, missing)) if missing.is_empty() => Ok(layout.kind),
            Some((layout, missing)) if missing.len() < layout.columns.len() => Err(FileError::Columns {
                layout: layout.name,
                missing,
            }),
            Some(_) => {
                let names: Vec<&str> = known.iter().map(|layout| layout.name).collect();
                Err(FileError::Malformed {
                    format: "a table that is known here",
                    rule: format!("its first row names no column of {}", names.join(", ")),
                })
            }
            None => Err(FileError::Empty),
        }
    }

    /// Reads each row, in order, with its number as a spreadsheet shows it: the header is row 1, blank lines count,
    /// and a cell with line breaks is in one row all the same. An error ends the rows.
    pub fn each<T>(
        self,
        mut read: impl FnMut(&Cells<'_>) -> Result<T, Untranslatable>,
    ) -> impl Iterator<Item = Result<Placed<T>, FileError>> {
        let Self {
            header,
            columns,
            mut reader,
        } = self;
        let (mut number, mut line, mut ended) = (1_u64, reader.position().line(), false);
        std::iter::from_fn(move || {
            if ended {
                return None;
            }
            let mut record = StringRecord::new();
            reader.get_mut().since_row = 0;
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    ended = true;
                    return Some(Err(fault(error)));
                }
            }
            let lines = reader.position().line().saturating_sub(line);
            line += lines;
            // Each row ends the line before it or its own, whichever line ends the file has; what else there was, and is in no
            // cell, were blank lines.
            let breaks = record.as_slice().bytes().filter(|byte| *byte == b'\n').count() as u64;
            number += 1 + lines.saturating_sub(1 + breaks);
            record.trim();
            let cells = Cells {
                columns: &columns,
                record: &record,
            };
            let fits = record.len() == columns.len();
            let content = if fits { read(&cells) } else { Err(cells.wrong_length()) };
            Some(Ok(Placed {
                place: format!("row {number}"),
                content,
                piece: Piece::Row {
                    header: header.clone(),
                    record,
                },
            }))
        })
    }
}

impl<'t> Cells<'t> {
    /// The text of a cell; empty if the file has no such column.
    pub fn text(&self, column: &str) -> &'t str {
        let index = self.columns.iter().position(|name| name.eq_ignore_ascii_case(column));
        index.and_then(|index| self.record.get(index)).unwrap_or_default()
    }

    /// Reads a cell that must be filled.
    ///
    /// # Errors
    ///
    /// The column with the rule it broke, or that it is empty.
    pub fn required<T>(
        &self,
        column: &str,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, Untranslatable> {
        self.optional(column, read)?
            .ok_or_else(|| Untranslatable::new(column, "is empty"))
    }

    /// Reads a cell that may be empty or whose column may be absent.
    ///
    /// # Errors
    ///
    /// The column with the rule it broke.
    pub fn optional<T>(
        &self,
        column: &str,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Untranslatable> {
        match self.text(column) {
            "" => Ok(None),
            text => read(text).map(Some).map_err(|rule| Untranslatable::new(column, rule)),
        }
    }

    /// All cells in the order of the file.
    pub fn all(&self) -> impl Iterator<Item = &'t str> {
        self.record.iter()
    }

    fn wrong_length(&self) -> Untranslatable {
        let (cells, columns) = (self.record.len(), self.columns.len());
        Untranslatable::new("row", format!("has {cells} cells where the header has {columns}"))
    }
}

/// Reads on until too much has been read since the last row.
#[derive(Debug)]
struct Bounded<R> {
    from: R,
    since_row: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row > LONGEST_ROW {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.from.read(buffer)?;
        self.since_row += count;
        Ok(count)
    }
}

fn fault(error: csv::Error) -> FileError {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => FileError::NotUtf8,
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => FileError::Malformed {
            format: "CSV",
            rule: "a row is longer than 1 MiB, as if a quote were never closed".into(),
        },
        csv::ErrorKind::Io(error) => FileError::Unreadable {
            rule: error.kind().to_string(),
        },
        _ => FileError::Malformed {
            format: "CSV",
            rule: "a row cannot be read".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KNOWN: &[Layout<u8>] = &[
        Layout {
            kind: 1,
            name: "pairs",
            columns: &["left", "right"],
        },
        Layout {
            kind: 2,
            name: "points",
            columns: &["x", "y", "z"],
        },
    ];

    #[test]
    fn a_header_that_is_not_known_is_told_what_it_comes_nearest_to() {
        let told = |header: &str| {
            Table::read(header.as_bytes())
                .unwrap()
                .layout(KNOWN)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(told("x,y\n"), "columns missing for points: z");
        assert_eq!(told("right,x,y\n"), "columns missing for points: z");
        let unlike = "file is not a table that is known here: its first row names no column of pairs, points";
        assert_eq!(told("a,b\n"), unlike);
    }

    #[test]
    fn a_header_is_known_by_its_columns_in_any_order() {
        let table = Table::read(b"\xef\xbb\xbfRight,extra,Left\n".as_slice()).unwrap();
        assert_eq!(table.layout(KNOWN), Ok(1));
    }

    #[test]
    fn an_unknown_header_is_told_what_the_nearest_layout_lacks() {
        let refusal = Table::read(b"x,y\n1,2\n".as_slice())
            .unwrap()
            .layout(KNOWN)
            .unwrap_err();
        assert_eq!(refusal.to_string(), "columns missing for points: z");
    }

    #[test]
    fn a_short_row_does_not_keep_the_next_one_back() {
        let table = Table::read(b"left,right\n1\n3,\"4,\"\n".as_slice()).unwrap();
        let rows: Vec<_> = table.each(|cells| Ok(cells.text("right").to_owned())).collect();
        let why = rows[0].as_ref().unwrap().content.as_ref().unwrap_err();
        assert_eq!(why.rule, "has 1 cells where the header has 2");
        let second = rows[1].as_ref().unwrap();
        assert_eq!(
            (second.place.as_str(), second.content.clone()),
            ("row 3", Ok("4,".into()))
        );
        assert_eq!(second.piece.bytes(), b"left,right\n3,\"4,\"\n");
    }

    #[test]
    fn rows_have_the_numbers_that_a_spreadsheet_shows() {
        for end in ["\n", "\r\n"] {
            let text = "left,right|1, a |||4,\"x|y||\"|5,b||7,c|".replace('|', end);
            let table = Table::read(text.as_bytes()).unwrap();
            let rows = table
                .each(|cells| Ok(cells.text("left").to_owned()))
                .map(|row| row.unwrap());
            let rows: Vec<_> = rows.map(|row| (row.place, row.content.unwrap())).collect();
            let expected = [("row 2", "1"), ("row 5", "4"), ("row 6", "5"), ("row 8", "7")];
            assert_eq!(rows, expected.map(|(place, left)| (place.to_owned(), left.to_owned())));
        }
    }

    #[test]
    fn a_file_without_a_header_or_in_another_encoding_is_refused_as_such() {
        assert_eq!(Table::read(b"\n \n".as_slice()).unwrap_err(), FileError::Empty);
        let latin = Table::read(b"left,right\ncaf\xe9,1\n".as_slice()).unwrap();
        let rows: Vec<_> = latin.each(|_| Ok(())).collect();
        assert_eq!(rows, [Err(FileError::NotUtf8)]);
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
        let endless = b"left,right\n1,\"".chain(io::repeat(b'x'));
        let rows: Vec<_> = Table::read(endless).unwrap().each(|_| Ok(())).collect();
        assert!(matches!(rows.as_slice(), [Err(FileError::Malformed { .. })]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_table_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            if let Ok(table) = Table::read(bytes.as_slice()) {
                prop_assert!(table.each(|_| Ok(())).count() <= bytes.len());
            }
        }
    }
}
