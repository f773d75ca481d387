//! sled and its files: takes rows in, and says up to which commit it has all of them, once they are on the disk.
//! Never trusts sled's own word for that: on Linux its `flush` asks for a write-back, not for durability.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::Duration,
};

use super::{damaged, failed, named::Named, open, sync};
use crate::store::{Error, KEY_CAP, Visit, row};

/// The bytes of one segment of sled's log, the largest that sled allows. Fixed for good when a store is made.
/// [`VALUE_CAP`](crate::store::VALUE_CAP) and `Pace::part` say why it must be large.
pub const SEGMENT: usize = 16 * 1024 * 1024;

/// How much of the store sled may keep in memory, in bytes.
pub const CACHE: u64 = 48 * 1024 * 1024;

/// A key behind all keys that a batch can have, which no read sees. Under it stand the number of the last commit that sled
/// holds whole, the version of the rows, and the layout of the folder.
const LAST: [u8; KEY_CAP + 1] = [u8::MAX; KEY_CAP + 1];

/// The layout of a folder in which a journal goes before sled, with each commit in blocks of its own, and rows of the ledger
/// may hold many entries, packed without the ids of signals.
const LAYOUT: u8 = 4;

/// The layouts in which no row was packed yet, in which the ids were packed too, and in which commits shared blocks. The one
/// before them had no such byte, and every commit in sled.
const UNPACKED: u8 = 1;
const PACKED_WHOLE: u8 = 2;
const SHARED_BLOCKS: u8 = 3;

/// A tree that the first version of the hub made for the number of the last commit.
const FIRST_VERSION: &[u8] = b"commits";

/// sled, its log, and the lock on the folder.
pub(super) struct Engine {
    db: sled::Db,
    /// Our own handle of the file that sled writes its log to.
    log: Named,
    /// Held to the end, and let go after sled has closed its files.
    _lock: File,
}

/// What sled holds when it is opened.
pub(super) struct Held {
    /// The number of the last commit that it holds whole.
    pub(super) last: u64,
    /// Whether there may be a journal: not before [`Engine::holds`] has said so once.
    pub(super) journalled: bool,
    /// Whether an older program would refuse it, as it must whenever this one may have written to it.
    pub(super) ours: bool,
}

impl Engine {
    /// Opens sled in a folder that is there, and says what it holds.
    ///
    /// # Errors
    /// As for [`Disk::open`](super::Disk::open).
    pub(super) fn open(dir: &Path) -> Result<(Self, Held), Error> {
        let lock = hold(dir)?;
        forget_half_snapshots(dir).map_err(failed("clear its folder"))?;
        let path = dir.join("db");
        let log = open(&path).and_then(|file| Named::of(path, file));
        let log = log.map_err(failed("open its log"))?;
        // Opening, sled writes down how far its log reaches. The log must be on the disk before it can say so.
        log.handle.sync_all().map_err(failed("sync its log"))?;
        if !is_free(&log.handle) {
            return Err(in_use(dir));
        }
        let db = start(dir)?;
        let last = db.get(LAST).map_err(failed("open its log"))?;
        let last = last.as_deref().map(<[u8]>::split_first_chunk);
        let (last, journalled, ours) = match last {
            Some(Some((last, [row::VERSION, LAYOUT]))) => (u64::from_be_bytes(*last), true, true),
            Some(Some((last, [row::VERSION, UNPACKED | PACKED_WHOLE | SHARED_BLOCKS]))) => {
                (u64::from_be_bytes(*last), true, false)
            }
            Some(Some((last, [row::VERSION]))) => (u64::from_be_bytes(*last), false, false),
            None if !db.tree_names().iter().any(|name| name == FIRST_VERSION) => (0, false, false),
            Some(_) | None => {
                return Err(Error::Version {
                    path: dir.display().to_string(),
                });
            }
        };
        let held = Held { last, journalled, ours };
        let engine = Self { db, log, _lock: lock };
        engine.sync()?;
        sync(&dir.join("conf")).map_err(failed("sync its settings"))?;
        Ok((engine, held))
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.db.get(key).map_err(failed("read a value"))?;
        Ok(value.map(|value| value.to_vec()))
    }

    pub(super) fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        for found in self.db.range(from..to) {
            let (key, value) = found.map_err(failed("scan a range"))?;
            if key.len() <= KEY_CAP && visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Takes in one row. Nobody waits for it, as they would for sled's batches, which shut every reader out. Gives how long
    /// the value was that it takes the place of.
    pub(super) fn take_in(&self, key: &[u8], value: Option<&[u8]>) -> Result<usize, Error> {
        let done = match value {
            Some(value) => self.db.insert(key, value),
            None => self.db.remove(key),
        };
        let before = done.map_err(failed("take a row in"))?;
        Ok(before.map_or(0, |value| value.len()))
    }

    /// Has all that was taken in on the disk.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.log.still_there().map_err(failed("find its log"))?;
        self.db.flush().map_err(failed("flush its log"))?;
        self.log.handle.sync_data().map_err(failed("sync its log"))
    }

    /// Writes down that sled holds all commits up to this one, and that there may be a journal. They must be on the disk.
    pub(super) fn holds(&self, last: u64) -> Result<(), Error> {
        let [a, b, c, d, e, f, g, h] = last.to_be_bytes();
        let _before = self.take_in(&LAST, Some(&[a, b, c, d, e, f, g, h, row::VERSION, LAYOUT]))?;
        self.sync()
    }
}

/// Whether sled can lock its log. A store that this process closed a moment ago keeps its lock until sled's deferred work is
/// done, which is hurried on here.
fn is_free(log: &File) -> bool {
    (0..2000).any(|_| {
        let free = log.try_lock().is_ok() && log.unlock().is_ok();
        if !free {
            sled::crossbeam_pin().flush();
            thread::sleep(Duration::from_millis(1));
        }
        free
    })
}

fn hold(dir: &Path) -> Result<File, Error> {
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join("lock"))
        .map_err(failed("open its lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(in_use(dir)),
        Err(TryLockError::Error(error)) => Err(failed("take its lock")(error)),
    }
}

/// Removes snapshots that sled was still writing when its process ended. sled would read such a file as its newest
/// snapshot, and refuse the store as corrupt. Snapshots only shorten the start: the log has everything.
fn forget_half_snapshots(dir: &Path) -> io::Result<()> {
    for found in fs::read_dir(dir)? {
        let path = found?.path();
        if path.extension().is_some_and(|ending| ending == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn start(dir: &Path) -> Result<sled::Db, Error> {
    let settings = sled::Config::new()
        .path(dir)
        .segment_size(SEGMENT)
        .cache_capacity(CACHE)
        .flush_every_ms(None);
    // Some damage makes sled panic rather than return an error.
    match catch_unwind(AssertUnwindSafe(|| settings.open())) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(error @ sled::Error::Corruption { .. })) => Err(damaged(dir, error)),
        Ok(Err(error)) => Err(failed("open its log")(error)),
        Err(_) => Err(damaged(dir, "the engine gave up on its files")),
    }
}

fn in_use(dir: &Path) -> Error {
    Error::InUse {
        path: dir.display().to_string(),
    }
}
