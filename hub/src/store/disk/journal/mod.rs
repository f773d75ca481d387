//! What was committed, commit after commit, in files of the store's folder: one write and one sync each.
//! Never changes what it has written, and never writes on behind an end that may be torn.
//!
//! A file is named by the number of the first commit in it, in sixteen hexadecimal digits, and is begun only once all
//! commits before that are on the disk. It grows by zeros ahead of what is written, because bytes in place are on the disk
//! sooner than bytes that make a file longer. For the same reason a file that is not needed any more is taken again: up to
//! two wait for that.
//!
//! A record has blocks of its own, the last filled up with zeros: so it can go to the disk past the page cache, which takes
//! less time, and no commit is written into a block that an earlier one is in.

mod blocks;
mod record;

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, FileExt},
    path::{Path, PathBuf},
};

use self::blocks::Blocks;
use super::{damaged, failed, named::Named, open, sync};
use crate::store::{Batch, Error};

pub(in crate::store) use self::blocks::BLOCK;

/// The folder, in that of the store.
const FOLDER: &str = "journal";

/// Files that are not needed any more, as a rule the older first, which is the next to be taken again: their rows lie in them
/// until they are written over.
const SPARES: [&str; 2] = ["spare", "spare-2"];

/// The most by which a file grows at once, in bytes.
const GROWTH: usize = 1024 * 1024;

/// The journal, of which one file is being written.
pub(super) struct Journal {
    folder: PathBuf,
    file: Named,
    /// The number of the file's first commit.
    first: u64,
    /// How much of the file holds commits, in bytes: whole blocks.
    end: u64,
    /// How long it is.
    length: u64,
    /// By how much it grows at once, in whole blocks.
    growth: usize,
    /// What it grows by: kept, because memory that is given back and taken again has to be made zero first, page by page.
    zeros: Blocks,
    blocks: Blocks,
}

/// What was found in a journal.
pub(super) struct Found {
    /// What the commits wrote that sled does not hold, each key's last row.
    pub(super) rows: Batch,
    /// The number of the last commit; that of sled, if none is behind it.
    pub(super) last: u64,
    /// The number that the newest file begins with.
    pub(super) newest: Option<u64>,
    /// The files, which must stay until sled holds their rows.
    pub(super) files: Vec<PathBuf>,
}

impl Journal {
    /// Begins a file for the commits from number `first` on. `full` is how much will be written to a file, roughly.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(super) fn begin(dir: &Path, first: u64, full: u64) -> Result<Self, Error> {
        let folder = dir.join(FOLDER);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(failed("make its journal"))?;
        let (file, length) = begin(&folder, first).map_err(failed("begin its journal"))?;
        Ok(Self {
            folder,
            file,
            first,
            end: 0,
            length,
            growth: usize::try_from(full).map_or(GROWTH, |full| full.next_multiple_of(BLOCK).clamp(BLOCK, GROWTH)),
            zeros: Blocks::default(),
            blocks: Blocks::default(),
        })
    }

    /// Begins the next file, for the commits from number `first` on. Gives the one before.
    ///
    /// # Errors
    /// As for [`Journal::begin`].
    pub(super) fn turn(&mut self, first: u64) -> Result<PathBuf, Error> {
        let (file, length) = begin(&self.folder, first).map_err(failed("begin its journal"))?;
        (self.first, self.end, self.length) = (first, 0, length);
        // A file that was used before seldom has to grow.
        self.zeros = Blocks::default();
        Ok(std::mem::replace(&mut self.file, file).path)
    }

    /// How many bytes the commits in the file take.
    pub(super) fn weight(&self) -> u64 {
        self.end
    }

    /// Writes a commit behind the last one, and has it on the disk. Gives how many bytes it takes.
    ///
    /// # Errors
    /// If it may not be there. Nothing must be written behind it then.
    pub(super) fn append(&mut self, number: u64, rows: &Batch) -> Result<u64, Error> {
        self.file.still_there().map_err(failed("find its journal"))?;
        let first = self.first;
        let record = self.blocks.of(|room| record::encode(room, first, number, rows));
        let bytes = record.len() as u64;
        let end = self.end + bytes;
        let file = &self.file.handle;
        while self.length < end {
            let zeros = self.zeros.of(|room| room.resize(room.len() + self.growth, 0));
            grow(file, self.length, zeros).map_err(failed("grow its journal"))?;
            self.length += zeros.len() as u64;
        }
        file.write_all_at(record, self.end)
            .map_err(failed("write to its journal"))?;
        file.sync_data().map_err(failed("sync its journal"))?;
        self.end = end;
        Ok(bytes)
    }

    /// Has what follows written to another file.
    #[cfg(test)]
    pub(super) fn divert(&mut self, path: &str) {
        self.file = Named::of(path.into(), open(Path::new(path)).unwrap()).unwrap();
    }
}

/// Reads back what the journal in a store's folder has behind the last commit that sled holds.
///
/// # Errors
/// [`Error::Damaged`] if one of those commits is missing, as far as the files and the commits behind it tell.
pub(super) fn read_back(dir: &Path, held: u64) -> Result<Found, Error> {
    let missing = || damaged(dir, "commits are missing from its journal");
    let mut found = Found {
        rows: Batch::new(),
        last: held,
        newest: None,
        files: Vec::new(),
    };
    let files = files(&dir.join(FOLDER)).map_err(failed("read its journal"))?;
    let mut files = files.into_iter().peekable();
    while let Some((first, path)) = files.next() {
        found.newest = Some(first);
        if first > found.last + 1 {
            return Err(missing());
        }
        let followed = files.peek().map(|(next, _)| *next);
        if followed.is_none_or(|next| next > held + 1) {
            if first > held && first <= found.last {
                return Err(missing());
            }
            let bytes = fs::read(&path).map_err(failed("read its journal"))?;
            let (mut rest, mut next) = (bytes.as_slice(), first);
            while let Some((rows, behind)) = next_record(&bytes, rest, first, next) {
                if next > held {
                    found.rows.extend(rows);
                    found.last = next;
                }
                (rest, next) = (behind, next + 1);
            }
            // Only what is on the disk may be gone on from, and what is read may be what a failed sync left in memory alone,
            // where no later sync would look for it.
            let sound = bytes.strip_suffix(rest).unwrap_or_default();
            write_again(&path, sound).map_err(failed("sync its journal"))?;
            // The start of a file tells the end of the one before it. The last one can only tell by what it holds.
            if followed.is_none() && record::is_in(rest, first, next.max(held) + 1) {
                return Err(missing());
            }
        }
        if first <= found.last {
            found.files.push(path);
        }
    }
    Ok(found)
}

/// Lets files go whose commits sled holds. Some are kept, to be taken again.
///
/// # Errors
/// If the folder cannot be written.
pub(super) fn free(files: &[PathBuf]) -> Result<(), Error> {
    for file in files {
        let mut spares = SPARES.iter().map(|name| file.with_file_name(name));
        let freed = match spares.find(|spare| !spare.exists()) {
            Some(spare) => fs::rename(file, spare),
            None => fs::remove_file(file),
        };
        freed.map_err(failed("free its journal"))?;
    }
    Ok(())
}

/// The rows of the record that comes next in a file of which `rest` is not read yet, and what is behind it. Earlier builds did
/// not fill blocks up: there it begins right behind the one before. What fills a block up is no record.
fn next_record<'b>(file: &'b [u8], rest: &'b [u8], first: u64, number: u64) -> Option<(Batch, &'b [u8])> {
    let decode = |bytes| record::decode(bytes, first, number..=number);
    let read = file.len() - rest.len();
    decode(rest).or_else(|| decode(file.get(read.next_multiple_of(BLOCK)..)?))
}

/// Writes what a file begins with over itself, and has it on the disk.
fn write_again(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = open(path)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()
}

/// Makes a file longer by these zeros, from its end on, and has that on the disk.
fn grow(file: &File, end: u64, zeros: &[u8]) -> io::Result<()> {
    file.write_all_at(zeros, end)?;
    file.sync_all()
}

/// Makes a file, of a spare one if there is one, and has its name on the disk. Gives its length, too, in whole blocks.
fn begin(folder: &Path, first: u64) -> io::Result<(Named, u64)> {
    let path = folder.join(format!("{first:016x}"));
    let [older, newer] = SPARES.map(|name| folder.join(name));
    // What may lie there under this name is no whole commit.
    if !take(&older, &path)? && !take(&newer, &path)? {
        open(&path)?.set_len(0)?;
    }
    take(&newer, &older)?;
    let file = open(&path)?;
    sync(folder)?;
    let length = file.metadata()?.len();
    blocks::past_page_cache(&file)?;
    Ok((Named::of(path, file)?, length - length % BLOCK as u64))
}

/// Gives a file that may be there another name, and says whether it was there.
fn take(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        renamed => renamed.map(|()| true),
    }
}

/// The files of commits in a folder by the numbers of their first, in ascending order. None if there is no folder.
fn files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().filter(|name| name.len() == 16);
        if let Some(first) = number.and_then(|name| u64::from_str_radix(name, 16).ok()) {
            files.push((first, entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_files_that_are_not_needed_the_older_is_taken_first() {
        let dir = tempfile::tempdir().unwrap();
        let length = |file: &Path| fs::metadata(file).map_or(0, |file| file.len() / BLOCK as u64);
        let folder = dir.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        let settled: Vec<_> = (1..=3).map(|number| folder.join(format!("{number:016x}"))).collect();
        for (file, blocks) in settled.iter().zip(1..) {
            fs::write(file, vec![1; blocks * BLOCK]).unwrap();
        }
        free(&settled).unwrap();
        let spares = || SPARES.map(|name| length(&folder.join(name)));
        assert_eq!(spares(), [1, 2], "one more than is kept");
        let mut journal = Journal::begin(dir.path(), 4, 10_000).unwrap();
        assert_eq!((journal.length / BLOCK as u64, spares()), (1, [2, 0]));
        free(&[journal.turn(5).unwrap()]).unwrap();
        assert_eq!((journal.length / BLOCK as u64, spares()), (2, [1, 0]));
        assert_eq!(files(&folder).unwrap().len(), 1);
    }

    #[test]
    fn each_file_is_written_past_the_page_cache_if_one_of_its_folder_can_be() {
        let dir = tempfile::tempdir().unwrap();
        let other = tempfile::tempfile_in(&dir).unwrap();
        blocks::past_page_cache(&other).unwrap();
        let can = blocks::passes_page_cache(&other);
        let mut journal = Journal::begin(dir.path(), 1, 10_000).unwrap();
        assert_eq!(blocks::passes_page_cache(&journal.file.handle), can);
        journal.turn(2).unwrap();
        assert_eq!(blocks::passes_page_cache(&journal.file.handle), can);
    }
}
