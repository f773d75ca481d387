//! CSV files with a header (RFC 4180, UTF-8): rows by number, cells by column name.
//! Pure, and it never lets one bad row keep another back.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::draft::{self, FileError, Placed, Untranslatable};

/// A CSV file that has been read whole.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<String>,
    records: Vec<StringRecord>,
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

impl Table {
    /// Reads a CSV file. A byte order mark is left out, and so is white space around cells.
    ///
    /// # Errors
    ///
    /// [`FileError`] if the file is empty, not UTF-8, or not CSV.
    pub fn read(bytes: &[u8]) -> Result<Self, FileError> {
        let text = draft::text(bytes)?;
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .trim(Trim::All)
            .from_reader(text.as_bytes());
        let malformed = |_| FileError::Malformed {
            format: "CSV",
            rule: "a row cannot be read".into(),
        };
        let columns = reader
            .headers()
            .map_err(malformed)?
            .iter()
            .map(str::to_ascii_lowercase)
            .collect();
        let records = reader.into_records().collect::<Result<_, _>>().map_err(malformed)?;
        Ok(Self { columns, records })
    }

    /// Finds which of the known layouts the header has. Case does not matter in column names.
    ///
    /// # Errors
    ///
    /// [`FileError::Columns`] with what the nearest layout lacks.
    pub fn layout<K: Copy>(&self, known: &[Layout<K>]) -> Result<K, FileError> {
        let lacks = |layout: &Layout<K>| -> Vec<&'static str> {
            let lacks = |name: &&str| !self.columns.iter().any(|column| column.eq_ignore_ascii_case(name));
            layout.columns.iter().copied().filter(lacks).collect()
        };
        let nearest = known
            .iter()
            .map(|layout| (layout, lacks(layout)))
            .min_by_key(|(_, missing)| missing.len());
        match nearest {
            Some((layout, missing)) if missing.is_empty() => Ok(layout.kind),
            Some((layout, missing)) => Err(FileError::Columns {
                layout: layout.name,
                missing,
            }),
            None => Err(FileError::Empty),
        }
    }

    /// Reads each row, in order, with its number as a spreadsheet shows it: the header is row 1. Blank lines are not counted.
    pub fn each<T>(&self, mut read: impl FnMut(&Cells<'_>) -> Result<T, Untranslatable>) -> Vec<Placed<T>> {
        let rows = self.records.iter().enumerate();
        rows.map(|(index, record)| {
            let cells = Cells {
                columns: &self.columns,
                record,
            };
            let fits = record.len() == self.columns.len();
            let content = if fits { read(&cells) } else { Err(cells.wrong_length()) };
            Placed {
                place: format!("row {}", index + 2),
                content,
            }
        })
        .collect()
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
    fn a_header_is_known_by_its_columns_in_any_order() {
        let table = Table::read(b"\xef\xbb\xbfRight,extra,Left\n").unwrap();
        assert_eq!(table.layout(KNOWN), Ok(1));
    }

    #[test]
    fn an_unknown_header_is_told_what_the_nearest_layout_lacks() {
        let refusal = Table::read(b"x,y\n1,2\n").unwrap().layout(KNOWN).unwrap_err();
        assert_eq!(refusal.to_string(), "columns missing for points: z");
    }

    #[test]
    fn a_short_row_does_not_keep_the_next_one_back() {
        let table = Table::read(b"left,right\n1\n3,4\n").unwrap();
        let rows = table.each(|cells| Ok(cells.text("right").to_owned()));
        let why = rows[0].content.as_ref().unwrap_err();
        assert_eq!(why.rule, "has 1 cells where the header has 2");
        assert_eq!(
            rows[1],
            Placed {
                place: "row 3".into(),
                content: Ok("4".into())
            }
        );
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_refused_as_such() {
        assert_eq!(Table::read(b"left,right\ncaf\xe9,1\n").unwrap_err(), FileError::NotUtf8);
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_table_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            if let Ok(table) = Table::read(&bytes) {
                prop_assert!(table.each(|_| Ok(())).len() <= bytes.len());
            }
        }
    }
}
