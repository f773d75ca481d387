//! A ledger in a folder of its own, to be carried away and checked elsewhere: `entries.ndjson`, `hashes`, `checkpoint`, and
//! a file for each change of keys in `handovers`. Never holds a key: whoever checks has it from elsewhere.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::{Checkpoint, LONGEST, tree::Hash, verify::Row};

const ENTRIES: &str = "entries.ndjson";
const HASHES: &str = "hashes";
const CHECKPOINT: &str = "checkpoint";
const HANDOVERS: &str = "handovers";

/// The largest note that is read, in bytes.
const LARGEST_NOTE: u64 = 64 * 1024;

/// A bundle that is read. Its rows come one at a time.
#[derive(Debug)]
pub struct Bundle {
    /// The signed note over all entries.
    pub checkpoint: String,
    /// The notes of the changes of keys, oldest first.
    pub handovers: Vec<String>,
    /// The entries, and what the hub had kept of each.
    pub rows: Rows,
}

/// The entries of a bundle, in order, each as it was hashed, with the hash that the hub had kept of it.
#[derive(Debug)]
pub struct Rows {
    entries: BufReader<File>,
    hashes: BufReader<File>,
}

/// A bundle in the making.
#[derive(Debug)]
pub struct BundleWriter {
    folder: PathBuf,
    entries: BufWriter<File>,
    hashes: BufWriter<File>,
}

impl Bundle {
    /// Opens a bundle.
    ///
    /// # Errors
    /// If a file of it is missing, too large, or not text, or a handover has another name than it must.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut handovers = Vec::new();
        let within = folder.join(HANDOVERS);
        if within.is_dir() {
            let mut files = fs::read_dir(&within)?
                .map(|file| Ok(file?.path()))
                .collect::<io::Result<Vec<_>>>()?;
            files.sort();
            for file in files {
                let note = read_note(&file)?;
                let named_rightly =
                    file.file_name().and_then(|name| name.to_str()) == handover_name(&note).ok().as_deref();
                if !named_rightly {
                    let odd = io::Error::new(
                        io::ErrorKind::InvalidData,
                        "a handover has the number of entries that it speaks for as its name",
                    );
                    return Err(named(&file, &odd));
                }
                handovers.push(note);
            }
        }
        Ok(Self {
            checkpoint: read_note(&folder.join(CHECKPOINT))?,
            handovers,
            rows: Rows {
                entries: BufReader::new(open(&folder.join(ENTRIES))?),
                hashes: BufReader::new(open(&folder.join(HASHES))?),
            },
        })
    }
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.entry().and_then(|entry| {
            let kept = self.kept()?;
            Ok(Row { entry, kept })
        });
        Some(row).filter(|row| !matches!(row, Ok(row) if *row == Row::default()))
    }
}

impl Rows {
    fn entry(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
        match self.entries.by_ref().take(most).read_until(b'\n', &mut line)? {
            0 => Ok(None),
            _ if line.pop() == Some(b'\n') => Ok(Some(line)),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line is cut off, or longer than any entry",
            )),
        }
    }

    /// The next hash. What is left of one that was cut off is no entry's.
    fn kept(&mut self) -> io::Result<Option<Hash>> {
        let mut left = Vec::new();
        self.hashes
            .by_ref()
            .take(Hash::default().len() as u64)
            .read_to_end(&mut left)?;
        let mut hash = Hash::default();
        for (to, from) in hash.iter_mut().zip(&left) {
            *to = *from;
        }
        Ok(Some(hash).filter(|_| !left.is_empty()))
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
            hashes: BufWriter::new(File::create(folder.join(HASHES))?),
        })
    }

    /// Adds the bytes of the next entry, and the hash that the hub has kept of it.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn entry(&mut self, bytes: &[u8], kept: &Hash) -> io::Result<()> {
        self.entries.write_all(bytes)?;
        self.entries.write_all(b"\n")?;
        self.hashes.write_all(kept)
    }

    /// Ends the bundle with what was signed. Without this it is none.
    ///
    /// # Errors
    /// If it cannot be written, or a handover is no checkpoint.
    pub fn finish(mut self, checkpoint: &str, handovers: &[String]) -> io::Result<()> {
        self.entries.flush()?;
        self.hashes.flush()?;
        if !handovers.is_empty() {
            let within = self.folder.join(HANDOVERS);
            fs::create_dir(&within)?;
            for note in handovers {
                fs::write(within.join(handover_name(note)?), note)?;
            }
        }
        fs::write(self.folder.join(CHECKPOINT), checkpoint)
    }
}

/// The name of a handover's file: how many entries it speaks for.
fn handover_name(note: &str) -> io::Result<String> {
    let size = Checkpoint::read_unverified(note).map_err(io::Error::other)?.size;
    Ok(format!("{size:020}"))
}

fn open(path: &Path) -> io::Result<File> {
    File::open(path).map_err(|error| named(path, &error))
}

fn read_note(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = open(path)?.take(LARGEST_NOTE + 1).read_to_string(&mut text);
    let read = read.map_err(|error| named(path, &error))?;
    if u64::try_from(read).is_ok_and(|read| read <= LARGEST_NOTE) {
        Ok(text)
    } else {
        let long = io::Error::new(io::ErrorKind::InvalidData, "too long for a note");
        Err(named(path, &long))
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
