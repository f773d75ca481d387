//! A store in a folder, on sled, that is on the disk when it says so.
//! Never trusts sled's own word for that: on Linux its `flush` asks for a write-back, not for durability.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use parking_lot::Mutex;

use super::{Batch, Error, KEY_CAP, Read, Store, Visit, row, weigh};

/// The bytes of one segment of sled's log, the largest that sled allows. Fixed for good when a store is made.
/// [`VALUE_CAP`](super::VALUE_CAP) and [`BATCH_CAP`](super::BATCH_CAP) say why it must be large.
const SEGMENT: usize = 16 * 1024 * 1024;

/// How much of the store sled may keep in memory, in bytes.
const CACHE: u64 = 256 * 1024 * 1024;

/// The key of the number of the last commit, which each commit writes in its own batch, and of the version of the rows.
/// No batch has a key as long as this, and no read sees it.
const LAST: [u8; KEY_CAP + 1] = [u8::MAX; KEY_CAP + 1];

/// A tree that the first version of the hub made for the number of the last commit.
const FIRST_VERSION: &[u8] = b"commits";

/// A store in a folder. One process at a time has it open.
pub struct Disk {
    db: sled::Db,
    log: Log,
    mark: Mark,
    /// The number of the last commit; `None` once a commit has failed, and while one is under way. What a failed sync
    /// left unwritten, a later one may silently skip, so no commit follows a failed one.
    last: Mutex<Option<u64>>,
    /// Held to the end, and let go after sled has closed its files.
    _lock: File,
}

/// Our own handle of the file that sled writes its log to.
struct Log {
    path: PathBuf,
    file: File,
    syncs: AtomicU64,
}

/// The file that says which commit was last, written after the commit's sync and never synced itself.
///
/// sled takes damage in its log for the torn end of one, and opens without what lies behind it. The mark is never ahead of what
/// is durable, so a store that is behind its mark has lost something. After a power loss the mark may be behind: it proves
/// less then, but nothing wrong.
struct Mark(File);

impl Disk {
    /// Opens the store in a folder, and makes both if there are none.
    ///
    /// # Errors
    /// [`Error::InUse`] if it is open already; [`Error::Version`] if another version of the hub wrote it; [`Error::Damaged`] if its files are spoilt or lack what was committed, as far
    /// as that can be seen without reading all of it; [`Error::Engine`] if the folder or its files cannot be made, read or
    /// written.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let folder = dir.display().to_string();
        let (dir, made) = make(dir).map_err(engine("make its folder"))?;
        let lock = hold(&dir, &folder)?;
        forget_half_snapshots(&dir).map_err(engine("clear its folder"))?;
        let log = Log::open(dir.join("db")).map_err(engine("open its log"))?;
        // Opening, sled writes down how far its log reaches. The log must be on the disk before it can say so.
        log.file.sync_all().map_err(engine("sync its log"))?;
        if !log.is_free() {
            return Err(Error::InUse { path: folder });
        }
        let db = start(&dir, &folder)?;
        let last = match db.get(LAST).map_err(engine("open its log"))?.as_deref() {
            Some([ahead @ .., row::VERSION]) => {
                number(ahead).ok_or_else(|| damaged(&folder, "the number of its last commit is none"))?
            }
            None if !db.tree_names().iter().any(|name| name == FIRST_VERSION) => 0,
            Some(_) | None => return Err(Error::Version { path: folder }),
        };
        let mark = Mark::open(&dir.join("mark")).map_err(engine("open its mark"))?;
        if mark.read().map_err(engine("read its mark"))? > last {
            return Err(damaged(&folder, "the end of its log is missing"));
        }
        log.still_there().map_err(engine("find its log"))?;
        db.flush().map_err(engine("flush its log"))?;
        log.file.sync_all().map_err(engine("sync its log"))?;
        sync(&dir.join("conf")).map_err(engine("sync its settings"))?;
        for folder in dir.ancestors().take(made + 1) {
            sync(folder).map_err(engine("sync its folder"))?;
        }
        Ok(Self {
            db,
            log,
            mark,
            last: Mutex::new(Some(last)),
            _lock: lock,
        })
    }

    /// How often a commit has synced sled's log to the disk since the store was opened. It goes up with each commit that
    /// succeeds.
    pub fn syncs(&self) -> u64 {
        self.log.syncs.load(Ordering::Relaxed)
    }
}

impl Read for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if key.len() > KEY_CAP {
            return Ok(None);
        }
        let value = self.db.get(key).map_err(engine("read a value"))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        if from >= to {
            return Ok(());
        }
        for found in self.db.range(from..to) {
            let (key, value) = found.map_err(engine("scan a range"))?;
            if key.len() <= KEY_CAP && visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Store for Disk {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        weigh(&batch)?;
        let mut last = self.last.lock();
        let number = last
            .take()
            .ok_or_else(|| engine("commit a batch")("an earlier commit failed"))?
            + 1;
        self.log.still_there().map_err(engine("find its log"))?;
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
        writes.insert(LAST.as_slice(), &[a, b, c, d, e, f, g, h, row::VERSION]);
        self.db.apply_batch(writes).map_err(engine("commit a batch"))?;
        self.db.flush().map_err(engine("flush its log"))?;
        self.log.sync().map_err(engine("sync its log"))?;
        self.mark.write(number).map_err(engine("write its mark"))?;
        *last = Some(number);
        Ok(())
    }
}

impl Log {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        Ok(Self {
            path,
            file,
            syncs: AtomicU64::new(0),
        })
    }

    /// Fails if the file in the folder is another one than ours: then what sled writes would be gone at the next start,
    /// however well it was synced.
    fn still_there(&self) -> io::Result<()> {
        let (ours, there) = (self.file.metadata()?, fs::metadata(&self.path)?);
        if (ours.dev(), ours.ino()) == (there.dev(), there.ino()) {
            Ok(())
        } else {
            Err(io::Error::other("its log was replaced while it was open"))
        }
    }

    /// Whether sled can lock the file. A store that this process closed a moment ago keeps its lock until sled's deferred
    /// work is done, which is hurried on here.
    fn is_free(&self) -> bool {
        (0..2000).any(|_| {
            let free = self.file.try_lock().is_ok() && self.file.unlock().is_ok();
            if !free {
                sled::crossbeam_pin().flush();
                thread::sleep(Duration::from_millis(1));
            }
            free
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Mark {
    fn open(path: &Path) -> io::Result<Self> {
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        options.map(Self)
    }

    /// Zero if there is none, or a torn one.
    fn read(&self) -> io::Result<u64> {
        let mut bytes = [0; 16];
        match self.0.read_exact_at(&mut bytes, 0) {
            Ok(()) => {
                let (ahead, again) = bytes.split_at(8);
                Ok(if ahead == again { number(ahead).unwrap_or(0) } else { 0 })
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Writes it twice over, so that a torn one shows.
    fn write(&self, number: u64) -> io::Result<()> {
        self.0
            .write_all_at(&[number.to_be_bytes(), number.to_be_bytes()].concat(), 0)
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// Makes the folder, readable to its owner alone. Gives its full path and how many folders had to be made.
fn make(dir: &Path) -> io::Result<(PathBuf, usize)> {
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let made = dir.ancestors().take_while(missing).count();
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    Ok((fs::canonicalize(dir)?, made))
}

fn hold(dir: &Path, folder: &str) -> Result<File, Error> {
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join("lock"))
        .map_err(engine("open its lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            path: folder.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(engine("take its lock")(error)),
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

fn start(dir: &Path, folder: &str) -> Result<sled::Db, Error> {
    let settings = sled::Config::new()
        .path(dir)
        .segment_size(SEGMENT)
        .cache_capacity(CACHE)
        .flush_every_ms(None);
    // Some damage makes sled panic rather than return an error.
    match catch_unwind(AssertUnwindSafe(|| settings.open())) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(error @ sled::Error::Corruption { .. })) => Err(damaged(folder, error)),
        Ok(Err(error)) => Err(engine("open its log")(error)),
        Err(_) => Err(damaged(folder, "the engine gave up on its files")),
    }
}

fn damaged(folder: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Damaged {
        path: folder.to_owned(),
        source: source.into(),
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn engine<E: Into<Box<dyn std::error::Error + Send + Sync>>>(doing: &'static str) -> impl FnOnce(E) -> Error {
    move |source| Error::Engine {
        doing,
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd, OwnedFd};

    use super::*;

    #[test]
    fn no_commit_follows_one_whose_sync_failed() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(folder.path()).unwrap();
        let (_reader, pipe) = io::pipe().unwrap();
        let sound = std::mem::replace(&mut disk.log.file, OwnedFd::from(pipe).into());
        disk.log.path = "/proc/self/fd".into();
        disk.log.path.push(disk.log.file.as_raw_fd().to_string());
        let batch = || Batch::from([(b"key".to_vec(), Some(b"value".to_vec()))]);

        assert_eq!(doing(disk.commit(batch())), "sync its log", "a pipe cannot be synced");
        disk.log.file = sound;
        disk.log.path = folder.path().join("db");
        assert_eq!(doing(disk.commit(batch())), "commit a batch");
        assert_eq!(disk.syncs(), 0);
    }

    #[test]
    fn nothing_is_committed_to_a_log_that_is_no_longer_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        fs::rename(folder.path().join("db"), folder.path().join("elsewhere")).unwrap();
        fs::copy(folder.path().join("elsewhere"), folder.path().join("db")).unwrap();
        let batch = Batch::from([(b"key".to_vec(), Some(b"value".to_vec()))]);

        assert_eq!(doing(disk.commit(batch)), "find its log");
        assert_eq!(disk.get(b"key").unwrap(), None);
    }

    fn doing(result: Result<(), Error>) -> &'static str {
        match result {
            Err(Error::Engine { doing, .. }) => doing,
            other => panic!("it should have failed in the engine: {other:?}"),
        }
    }
}
