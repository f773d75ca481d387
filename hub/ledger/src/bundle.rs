//! A ledger in a folder of its own, to be carried away and checked elsewhere: `entries.ndjson`, `checkpoint`, and a file
//! for each change of keys in `handovers`. Never holds a key: whoever checks has it from elsewhere.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::{Checkpoint, LONGEST};

const ENTRIES: &str = "entries.ndjson";
const CHECKPOINT: &str = "checkpoint";
const HANDOVERS: &str = "handovers";

/// The largest note that is read, in bytes.
const LARGEST_NOTE: u64 = 64 * 1024;

/// A bundle that is read. Its entries come one at a time.
#[derive(Debug)]
pub struct Bundle {
    /// The signed note over all entries.
    pub checkpoint: String,
    /// The notes of the changes of keys, oldest first.
    pub handovers: Vec<String>,
    /// The bytes of the entries, in order.
    pub entries: Entries,
}

/// The entries of a bundle, in order, each as it was hashed.
#[derive(Debug)]
pub struct Entries(BufReader<File>);

/// A bundle in the making.
#[derive(Debug)]
pub struct BundleWriter {
    folder: PathBuf,
    entries: BufWriter<File>,
}

impl Bundle {
    /// Opens a bundle.
    ///
    /// # Errors
    /// If a file of it is missing, too large, or not text.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut handovers = Vec::new();
        let within = folder.join(HANDOVERS);
        if within.is_dir() {
            let mut files = fs::read_dir(&within)?
                .map(|file| Ok(file?.path()))
                .collect::<io::Result<Vec<_>>>()?;
            files.sort();
            for file in files {
                handovers.push(read_note(&file)?);
            }
        }
        Ok(Self {
            checkpoint: read_note(&folder.join(CHECKPOINT))?,
            handovers,
            entries: Entries(BufReader::new(File::open(folder.join(ENTRIES))?)),
        })
    }
}

impl Iterator for Entries {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
        match self.0.by_ref().take(most).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) if line.pop() == Some(b'\n') => Some(Ok(line)),
            Ok(_) => Some(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line is cut off, or longer than any entry",
            ))),
            Err(error) => Some(Err(error)),
        }
    }
}

impl BundleWriter {
    /// Begins a bundle in a folder that is not there yet, or empty.
    ///
    /// # Errors
    /// If there is something in it, or it cannot be made.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        if fs::read_dir(folder)?.next().is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty"));
        }
        Ok(Self {
            folder: folder.to_owned(),
            entries: BufWriter::new(File::create(folder.join(ENTRIES))?),
        })
    }

    /// Adds the bytes of the next entry.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn entry(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.entries.write_all(bytes)?;
        self.entries.write_all(b"\n")
    }

    /// Ends the bundle with what was signed. Without this it is none.
    ///
    /// # Errors
    /// If it cannot be written, or a handover is no checkpoint.
    pub fn finish(mut self, checkpoint: &str, handovers: &[String]) -> io::Result<()> {
        self.entries.flush()?;
        if !handovers.is_empty() {
            let within = self.folder.join(HANDOVERS);
            fs::create_dir(&within)?;
            for note in handovers {
                let size = Checkpoint::read_unverified(note).map_err(io::Error::other)?.size;
                fs::write(within.join(format!("{size:020}")), note)?;
            }
        }
        fs::write(self.folder.join(CHECKPOINT), checkpoint)
    }
}

fn read_note(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(named)?;
    let read = file.take(LARGEST_NOTE + 1).read_to_string(&mut text).map_err(named)?;
    if u64::try_from(read).is_ok_and(|read| read <= LARGEST_NOTE) {
        Ok(text)
    } else {
        Err(named(io::Error::new(io::ErrorKind::InvalidData, "too long for a note")))
    }
}
