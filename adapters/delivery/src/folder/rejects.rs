//! The report on a file in `rejected/`: which rows were refused, by number, field and rule.
//! It never repeats a value, and has its own name only once its file has left the drop folder.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{draft::Untranslatable, outbox};

const REPORT: &str = ".report.csv";
const UNFINISHED: &str = ".report.csv.part";

/// A report that is being written.
pub(super) struct Rejects {
    path: PathBuf,
    csv: csv::Writer<File>,
    count: u64,
}

impl Rejects {
    /// Begins the report on the file that will be stored under this name.
    pub(super) fn begin(rejected: &Path, stored: &str) -> io::Result<Self> {
        let path = rejected.join(format!("{stored}{UNFINISHED}"));
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        let mut csv = csv::Writer::from_writer(file);
        csv.write_record(["row", "field", "rule"])?;
        Ok(Self { path, csv, count: 0 })
    }

    /// Adds a row. `place` is e.g. `row 3`, of which the number is written, or `message 1`.
    pub(super) fn add(&mut self, place: &str, why: &Untranslatable) -> io::Result<()> {
        self.count += 1;
        let row = place.strip_prefix("row ").unwrap_or(place);
        Ok(self.csv.write_record([row, &why.field, &why.rule])?)
    }

    /// How many rows were added.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Makes the report durable under its unfinished name; a report without rows is removed.
    pub(super) fn close(mut self) -> io::Result<()> {
        self.csv.flush()?;
        if self.count == 0 {
            return fs::remove_file(&self.path);
        }
        let file = self.csv.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()
    }
}

/// Gives the reports on files that have left the drop folder their own names, also those that a crash left without.
pub(super) fn adopt(rejected: &Path, done: &Path) -> io::Result<()> {
    for entry in fs::read_dir(rejected)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(stored) = name.and_then(|name| name.strip_suffix(UNFINISHED)) else {
            continue;
        };
        if done.join(stored).exists() || rejected.join(stored).exists() {
            fs::rename(&path, rejected.join(format!("{stored}{REPORT}")))?;
            outbox::sync(rejected)?;
        }
    }
    Ok(())
}

/// Whether a report of this name is there already.
pub(super) fn exists(rejected: &Path, stored: &str) -> bool {
    rejected.join(format!("{stored}{REPORT}")).exists()
}
