//! Keeps on disk what a source handed over, until the hub has it for good.
//! It never says that an entry is kept before it is on the disk, never passes over one, and never holds more than one
//! reader's entry in memory.
//!
//! It is a log of segments and not a database: entries come in at one end and leave at the other, in order.
//! An entry is written, synced, and only then told to its source. It leaves when the `left` mark moves past it; a segment
//! whose entries have all left is removed, and with it the personal data in it. The marks are not synced: if a power loss
//! sets `left` back, entries are sent again, which the hub takes for what they are; if it sets `written` back, less is proved
//! of the log's end, and nothing wrong.

mod glance;
mod log;
mod mark;
mod reader;
mod record;

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use prost::Message;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use glance::{Glance, glance};
use log::Log;
pub(crate) use log::sync;
use mark::Mark;
pub use reader::Reader;
pub use record::{Entry, LONGEST};

/// What was taken and has not yet been delivered. One process at a time has it open.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
    limit: u64,
    log: Mutex<Log>,
    /// What waits for whoever holds the log next.
    queue: Mutex<Vec<Queued>>,
    written: Mark,
    departures: Mutex<Departures>,
    room: Condvar,
    /// The number of the last entry that is on the disk; those who wait for entries watch it.
    durable: watch::Sender<u64>,
    left: AtomicU64,
    /// How often something was written and taken back, so that what a reader has read ahead may be of that.
    rewrites: AtomicU64,
    /// Cancelled once nothing can be added any more.
    closed: CancellationToken,
    _lock: File,
}

/// Entries that wait to be written, and where their giver hears of it.
#[derive(Debug)]
struct Queued {
    entries: Vec<Vec<u8>>,
    told: Arc<Mutex<Option<Result<u64, Error>>>>,
}

/// Why the outbox cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A sync failed before. What is on the disk is only known after a new start.
    #[error("the outbox is closed after a failed sync, until the adapter is started again")]
    Closed,
    /// The log lacks what it had, or holds what it cannot have.
    #[error("the outbox in {} is damaged: {rule}", .path.display())]
    Damaged {
        /// The outbox's folder.
        path: PathBuf,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// Another process has it open.
    #[error("the outbox in {} is open in another process", .path.display())]
    InUse {
        /// The outbox's folder.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot {doing} in {}", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The adapter is stopping and takes nothing more.
    #[error("the adapter is stopping")]
    Stopping,
    /// An entry is longer than [`LONGEST`].
    #[error("the entry is longer than {LONGEST} bytes")]
    TooLong,
}

#[derive(Debug)]
struct Departures {
    mark: Mark,
    /// First numbers of the segments that are still there, rising.
    segments: VecDeque<u64>,
    stopping: bool,
}

impl Outbox {
    /// Opens the outbox in a folder, and makes both if there are none. `limit` is how many entries may wait before
    /// [`Outbox::put`] does.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`], [`Error::Damaged`] if acknowledged entries are missing, or [`Error::Io`].
    pub fn open(folder: &Path, limit: u64) -> Result<Self, Error> {
        let at = |doing| Error::io(doing, folder);
        make(folder).map_err(at("make a folder"))?;
        let lock = hold(folder)?;
        let written = Mark::open(&folder.join("written")).map_err(at("open a mark"))?;
        let mark = Mark::open(&folder.join("left")).map_err(at("open a mark"))?;
        let (known, _) = written.read().map_err(at("read a mark"))?.unwrap_or_default();
        let (left, _) = mark.read().map_err(at("read a mark"))?.unwrap_or_default();
        let damaged = |rule| Error::Damaged {
            path: folder.to_path_buf(),
            rule,
        };
        // A new segment is there before an old one goes, so an outbox that was ever used has one.
        if known.max(left) > 0 && log::segments(folder).map_err(at("list"))?.is_empty() {
            return Err(damaged("its segments are missing"));
        }
        let log = Log::open(folder)?;
        let durable = log.next() - 1;
        if durable < known.max(left) {
            return Err(damaged("the end of its log is missing"));
        }
        let segments: VecDeque<u64> = log::segments(folder).map_err(at("list"))?.into();
        // A mark that a power loss set back, or a torn one, means the oldest entry there is.
        let left = left.max(segments.front().map_or(0, |first| first - 1));
        Ok(Self {
            folder: folder.to_path_buf(),
            limit,
            log: Mutex::new(log),
            queue: Mutex::default(),
            written,
            departures: Mutex::new(Departures {
                mark,
                segments,
                stopping: false,
            }),
            room: Condvar::new(),
            durable: watch::Sender::new(durable),
            left: AtomicU64::new(left),
            rewrites: AtomicU64::new(0),
            closed: CancellationToken::new(),
            _lock: lock,
        })
    }

    /// Keeps entries, in their order, and gives the number of the last. When it returns they are on the disk, all of them,
    /// and the source may be told so. It waits while the outbox is full. Many who put at once share one sync of the disk.
    ///
    /// # Errors
    ///
    /// [`Error`]; then none of them may be told to be kept, and all may be put again.
    pub fn put(&self, entries: &[Entry]) -> Result<u64, Error> {
        self.wait_for_room()?;
        let entries: Vec<Vec<u8>> = entries.iter().map(Message::encode_to_vec).collect();
        if entries.iter().any(|entry| entry.len() > LONGEST) {
            return Err(Error::TooLong);
        }
        let told = Arc::new(Mutex::new(None));
        let own = Queued {
            entries,
            told: told.clone(),
        };
        self.queue.lock().push(own);
        // While one writes, others queue up; the next to hold the log writes for all of them, with one sync.
        let mut log = self.log.lock();
        if let Some(last) = told.lock().take() {
            return last;
        }
        let queued = std::mem::take(&mut *self.queue.lock());
        let written = self.append(&mut log, &queued);
        // Told before the log is let go of: whoever holds it next must find its answer.
        let mut own = Err(Error::Closed);
        for (last, queued) in written.into_iter().zip(queued) {
            if Arc::ptr_eq(&queued.told, &told) {
                own = last;
            } else {
                *queued.told.lock() = Some(last);
            }
        }
        own
    }

    /// How many entries wait.
    pub fn depth(&self) -> u64 {
        self.durable.borrow().saturating_sub(self.left())
    }

    /// The number of the last entry that was let go of.
    pub(crate) fn left(&self) -> u64 {
        self.left.load(Ordering::Acquire)
    }

    /// Whether [`Outbox::put`] would not wait.
    pub fn has_room(&self) -> bool {
        self.depth() < self.limit && !self.departures.lock().stopping
    }

    /// A reader before the oldest entry that waits.
    pub fn reader(&self) -> Reader {
        Reader::new(&self.folder, self.left() + 1)
    }

    /// Reads a reader's next entry, if there is one yet.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn read(&self, reader: &mut Reader) -> Result<Option<(u64, Entry)>, Error> {
        let last = *self.durable.borrow();
        // After the number of the last entry: whatever was taken back before that entry was written is counted by now.
        reader.read(last, self.rewrites.load(Ordering::Acquire))
    }

    /// Watches the number of the last entry that is on the disk.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    /// Waits until nothing can be added any more, because a sync failed.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Lets go of all entries up to this number: the hub has answered for them, and whatever it refused is kept elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a file cannot be written or removed.
    pub fn leave(&self, number: u64, now: Timestamp) -> Result<(), Error> {
        let at = |doing| Error::io(doing, &self.folder);
        let mut departures = self.departures.lock();
        let time = now.as_millisecond();
        departures.mark.write(number, time).map_err(at("write a mark"))?;
        self.left.store(number, Ordering::Release);
        while departures.segments.get(1).is_some_and(|second| *second <= number + 1) {
            let Some(first) = departures.segments.pop_front() else {
                break;
            };
            fs::remove_file(log::path(&self.folder, first)).map_err(at("remove a segment"))?;
        }
        self.room.notify_all();
        Ok(())
    }

    /// Removes what is left on the disk of entries that have all been delivered, if none waits.
    ///
    /// # Errors
    ///
    /// [`Error`] if a file cannot be made or removed.
    pub fn tidy(&self, now: Timestamp) -> Result<(), Error> {
        let mut log = self.log.lock();
        let left = self.left();
        if log.is_begun() && left + 1 == log.next() {
            self.roll(&mut log)?;
            self.leave(left, now)?;
        }
        Ok(())
    }

    /// Takes nothing more, and wakes those who wait for room with [`Error::Stopping`].
    pub fn stop(&self) {
        self.departures.lock().stopping = true;
        self.room.notify_all();
    }

    /// Writes what is queued, and gives the number of the last entry of each; or why none of it is written.
    fn append(&self, log: &mut Log, queued: &[Queued]) -> Vec<Result<u64, Error>> {
        let all: Vec<&[u8]> = queued.iter().flat_map(|one| &one.entries).map(Vec::as_slice).collect();
        let before = log.next() - 1;
        let roll = if log.is_full() { self.roll(log) } else { Ok(()) };
        if let Err(error) = roll.and_then(|()| log.append(&all)) {
            self.rewrites.fetch_add(1, Ordering::Release);
            if log.is_closed() {
                self.closed.cancel();
            }
            let copies = queued.iter().skip(1).map(|_| Err(error.again())).collect::<Vec<_>>();
            return std::iter::once(Err(error)).chain(copies).collect();
        }
        let last = log.next() - 1;
        // Not synced and not needed: without it, only the loss of the log's end after a crash would go unseen.
        let _ = self.written.write(last, 0);
        self.durable.send_replace(last);
        let mut number = before;
        let lasts = queued.iter().map(|one| {
            number += one.entries.len() as u64;
            Ok(number)
        });
        lasts.collect()
    }

    fn roll(&self, log: &mut Log) -> Result<(), Error> {
        let first = log.roll()?;
        self.departures.lock().segments.push_back(first);
        Ok(())
    }

    fn wait_for_room(&self) -> Result<(), Error> {
        let mut departures = self.departures.lock();
        while !departures.stopping && self.depth() >= self.limit {
            self.room.wait(&mut departures);
        }
        if departures.stopping {
            return Err(Error::Stopping);
        }
        Ok(())
    }
}

#[cfg(test)]
impl Outbox {
    /// As after a sync that failed.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }
}

impl Error {
    /// The same, for another who waited for the same sync.
    fn again(&self) -> Self {
        match self {
            Self::Closed => Self::Closed,
            Self::Damaged { path, rule } => Self::Damaged {
                path: path.clone(),
                rule,
            },
            Self::InUse { path } => Self::InUse { path: path.clone() },
            Self::Io { doing, path, source } => Self::Io {
                doing,
                path: path.clone(),
                source: source.kind().into(),
            },
            Self::Stopping => Self::Stopping,
            Self::TooLong => Self::TooLong,
        }
    }

    fn io(doing: &'static str, folder: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = folder.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }
}

/// Makes a folder that only its owner may read.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    sync(
        folder
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    )
}

fn hold(folder: &Path) -> Result<File, Error> {
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join("lock"))
        .map_err(Error::io("open the lock", folder))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            path: folder.to_path_buf(),
        }),
        Err(TryLockError::Error(source)) => Err(Error::io("take the lock", folder)(source)),
    }
}
