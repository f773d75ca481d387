//! The segments of the outbox: files of frames, each named by the number of its first entry.
//! It never says that an entry is written before the disk has it, and never rewrites one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{
    Error,
    record::{self, Met},
};

/// How long a segment may grow before the next one begins, in bytes.
pub(super) const SEGMENT: u64 = 8 * 1024 * 1024;

/// The end of the log, where entries are added.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    active: File,
    /// The number of the active segment's first entry.
    first: u64,
    /// The number that the next entry will have.
    next: u64,
    /// The active segment's length up to the last whole frame.
    length: u64,
    /// INVARIANT: set once a sync has failed. What a failed sync left unwritten a later one may silently skip,
    /// so nothing is added after it.
    closed: bool,
}

impl Log {
    /// Opens the log after its last whole entry, cutting off one that a crash tore. The first entry ever has the number 1.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let at = |doing| Error::io(doing, folder);
        let first = segments(folder).map_err(at("list"))?.pop().unwrap_or(1);
        let path = path(folder, first);
        let active = OpenOptions::new()
            .append(true)
            .read(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(at("open"))?;
        let (count, length) = measure(&active, first).map_err(at("read"))?;
        active.set_len(length).map_err(at("cut"))?;
        active.sync_all().map_err(at("sync"))?;
        sync(folder).map_err(at("sync"))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            active,
            first,
            next: first + count,
            length,
            closed: false,
        })
    }

    /// The number that the next entry will have.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether a write failed in such a way that nothing may be added any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the active segment holds any entry.
    pub(super) fn is_begun(&self) -> bool {
        self.next > self.first
    }

    /// Whether the active segment has grown long enough.
    pub(super) fn is_full(&self) -> bool {
        self.length >= SEGMENT
    }

    /// Adds entries. When it returns they are on the disk.
    pub(super) fn append(&mut self, entries: &[&[u8]]) -> Result<(), Error> {
        if self.closed {
            return Err(Error::Closed);
        }
        let (mut frames, mut next) = (Vec::new(), self.next);
        for entry in entries {
            if entry.len() > record::LONGEST {
                return Err(Error::TooLong);
            }
            record::write(next, entry, &mut frames);
            next += 1;
        }
        if let Err(source) = self.active.write_all(&frames) {
            // A full disk is no reason to close: what was begun is taken back, if that much can be done.
            self.closed = self.active.set_len(self.length).is_err();
            return Err(Error::io("write", &self.folder)(source));
        }
        if let Err(source) = self.active.sync_data() {
            self.closed = true;
            return Err(Error::io("sync", &self.folder)(source));
        }
        self.length += frames.len() as u64;
        self.next = next;
        Ok(())
    }

    /// Begins a new segment and gives the number of its first entry.
    pub(super) fn roll(&mut self) -> Result<u64, Error> {
        if self.closed {
            return Err(Error::Closed);
        }
        let at = |doing| Error::io(doing, &self.folder);
        let active = OpenOptions::new()
            .append(true)
            .read(true)
            .create_new(true)
            .mode(0o600)
            .open(path(&self.folder, self.next))
            .map_err(at("open"))?;
        sync(&self.folder).map_err(at("sync"))?;
        self.active = active;
        self.first = self.next;
        self.length = 0;
        Ok(self.first)
    }
}

/// The first numbers of the segments in a folder, rising.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log"));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The file of the segment that begins with this entry.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.log"))
}

/// Counts the whole frames of a segment, and their bytes.
pub(super) fn measure(segment: &File, first: u64) -> io::Result<(u64, u64)> {
    let mut reader = BufReader::new(segment);
    let (mut count, mut bytes) = (0, 0);
    while let Met::Frame { length, .. } = record::read(first + count, &mut reader)? {
        count += 1;
        bytes += length;
    }
    Ok((count, bytes))
}

/// Makes the entries of a folder durable.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
