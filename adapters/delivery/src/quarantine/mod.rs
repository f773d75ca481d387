//! Keeps what could not be translated or was refused by the hub, with the reason, until a person has it sent again or discards it.
//! It never drops an entry by itself, and never shows more of one than where it came from, unless it is asked to.
//!
//! One file an entry, named by a digest of the entry, so that the same row refused twice is kept once.
//! To have an entry sent again its file is renamed from `ID.held` to `ID.again`; whoever runs the adapter's daemon takes
//! it from there. So a person's command and the daemon need no word between them.

mod entry;

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use prost::Message;

pub use entry::{Held, Id, Kept, Piece};

use crate::outbox;

/// What is kept back.
#[derive(Debug, Clone)]
pub struct Quarantine {
    folder: PathBuf,
}

/// Why the quarantine cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot {doing} in the quarantine in {}", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The quarantine's folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is to name an entry would fit too many.
    #[error("an entry is named by {SHORTEST} characters of its id at the least")]
    TooShort,
    /// There is no entry of this id.
    #[error("the quarantine holds no {0}")]
    Unknown(String),
    /// An entry's file does not hold one.
    #[error("entry {0} of the quarantine cannot be understood")]
    Unreadable(Id),
}

/// How many characters of an id name an entry.
const SHORTEST: usize = 4;
const HELD: &str = "held";
const AGAIN: &str = "again";
const UNFINISHED: &str = "part";

impl Quarantine {
    /// Opens the quarantine in a folder, and makes the folder if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let quarantine = Self {
            folder: folder.to_path_buf(),
        };
        outbox::make(folder).map_err(quarantine.at("make the folder"))?;
        Ok(quarantine)
    }

    /// Removes what a crash left half written. Whoever writes to the quarantine must not do so at the same time.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn forget_unfinished(&self) -> Result<(), Error> {
        for id in self.named(UNFINISHED)? {
            fs::remove_file(self.path(&id, UNFINISHED)).map_err(self.at("remove"))?;
        }
        Ok(())
    }

    /// Keeps entries. When it returns they are on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; then none may be counted as kept.
    pub fn keep(&self, entries: &[Kept]) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut ids = Vec::new();
        for entry in entries {
            let id = entry.id();
            self.write(&id, &entry.encode_to_vec()).map_err(self.at("write"))?;
            ids.push(id);
        }
        // The same row twice is one entry.
        ids.sort_unstable();
        ids.dedup();
        // Synced when all are written, so that the disk may take them together.
        for id in ids {
            self.finish(&id).map_err(self.at("sync"))?;
        }
        outbox::sync(&self.folder).map_err(self.at("sync"))
    }

    /// How many entries are held.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn count(&self) -> Result<u64, Error> {
        Ok(self.ids()?.len() as u64)
    }

    /// The ids of the entries that are held, in no order of meaning.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn ids(&self) -> Result<Vec<Id>, Error> {
        self.named(HELD)
    }

    /// Reads one entry that is held.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`], [`Error::Unreadable`] or [`Error::Io`].
    pub fn read(&self, id: &Id) -> Result<Kept, Error> {
        self.read_as(id, HELD)
    }

    /// Finds the entry whose id begins with `text`, which has four characters at the least.
    ///
    /// # Errors
    ///
    /// [`Error::TooShort`]; [`Error::Unknown`] if there is none, or more than one; [`Error::Io`].
    pub fn find(&self, text: &str) -> Result<Id, Error> {
        if text.len() < SHORTEST {
            return Err(Error::TooShort);
        }
        let mut found = self.ids()?.into_iter().filter(|id| id.as_str().starts_with(text));
        match (found.next(), found.next()) {
            (Some(id), None) => Ok(id),
            _ => Err(Error::Unknown(
                text.chars().filter(char::is_ascii_hexdigit).take(16).collect(),
            )),
        }
    }

    /// Marks an entry to be sent again by the daemon.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`] or [`Error::Io`].
    pub fn retry(&self, id: &Id) -> Result<(), Error> {
        match fs::rename(self.path(id, HELD), self.path(id, AGAIN)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Unknown(id.to_string())),
            done => done.map_err(self.at("rename")),
        }
    }

    /// Removes an entry that is held, for good.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`] or [`Error::Io`].
    pub fn discard(&self, id: &Id) -> Result<(), Error> {
        match fs::remove_file(self.path(id, HELD)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Unknown(id.to_string())),
            done => done.map_err(self.at("remove")),
        }
    }

    /// The entries that are to be sent again, in the order in which they were kept, those of one file by their rows. What a
    /// person said last must be told last.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]. Entries that cannot be understood come first.
    pub fn in_order(&self) -> Result<Vec<Id>, Error> {
        let mut found = Vec::new();
        for id in self.to_be_sent()? {
            let place = match self.read_again(&id) {
                // `row 9` is shorter than `row 10`.
                Ok(kept) => Some((kept.kept_at, kept.origin.len(), kept.origin)),
                Err(Error::Unreadable(_)) => None,
                Err(error) => return Err(error),
            };
            found.push((place, id));
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// The ids of the entries that are to be sent again.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn to_be_sent(&self) -> Result<Vec<Id>, Error> {
        self.named(AGAIN)
    }

    /// Reads one entry that is to be sent again.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`], [`Error::Unreadable`] or [`Error::Io`].
    pub fn read_again(&self, id: &Id) -> Result<Kept, Error> {
        self.read_as(id, AGAIN)
    }

    /// Removes an entry that was to be sent again: it is in the outbox, or kept anew.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn release(&self, id: &Id) -> Result<(), Error> {
        fs::remove_file(self.path(id, AGAIN)).map_err(self.at("remove"))
    }

    /// Holds an entry again that was to be sent again and cannot be.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn hold_again(&self, id: &Id) -> Result<(), Error> {
        fs::rename(self.path(id, AGAIN), self.path(id, HELD)).map_err(self.at("rename"))
    }

    fn write(&self, id: &Id, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path(id, UNFINISHED))?;
        file.write_all(bytes)
    }

    fn finish(&self, id: &Id) -> io::Result<()> {
        let unfinished = self.path(id, UNFINISHED);
        File::open(&unfinished)?.sync_data()?;
        fs::rename(unfinished, self.path(id, HELD))
    }

    fn named(&self, ending: &str) -> Result<Vec<Id>, Error> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(self.at("list"))? {
            let name = file.map_err(self.at("list"))?.file_name();
            let stem = name.to_str().and_then(|name| name.split_once('.'));
            found.extend(
                stem.filter(|(_, rest)| *rest == ending)
                    .and_then(|(stem, _)| Id::parse(stem)),
            );
        }
        found.sort_unstable();
        Ok(found)
    }

    fn read_as(&self, id: &Id, ending: &str) -> Result<Kept, Error> {
        let bytes = match fs::read(self.path(id, ending)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Unknown(id.to_string())),
            read => read.map_err(self.at("read"))?,
        };
        Kept::decode(bytes.as_slice()).map_err(|_| Error::Unreadable(id.clone()))
    }

    fn path(&self, id: &Id, ending: &str) -> PathBuf {
        self.folder.join(format!("{id}.{ending}"))
    }

    fn at(&self, doing: &'static str) -> impl FnOnce(io::Error) -> Error {
        let path = self.folder.clone();
        move |source| Error::Io { doing, path, source }
    }
}

/// Looks whether a quarantine's folder is there, so that a command that only asks makes none.
pub fn exists(folder: &Path) -> bool {
    File::open(folder).is_ok()
}
