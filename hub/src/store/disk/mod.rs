//! A store in a folder, that is on the disk when it says so: a journal of commits, and sled, into which they are brought.
//! Never shows what is not on the disk yet.
//!
//! A commit is one record at the end of the journal and one sync of it; its rows then lie in memory over sled. Once a file
//! of the journal is full, commits go on in the next file, and a thread of its own brings its rows into sled: when little is
//! committed, or when so many files are full that none may wait for that.

mod engine;
mod journal;
mod layers;
mod named;
mod settle;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::Guard;
use parking_lot::Mutex;

use self::{
    engine::Engine,
    journal::Journal,
    layers::Layer,
    settle::{Full, Load, Settling},
};
use super::{Batch, Error, KEY_CAP, Read, Store, Visit, weigh};

pub use self::engine::{CACHE, SEGMENT};
#[cfg(test)]
pub(super) use self::{journal::BLOCK, settle::Step};

/// A store in a folder. One process at a time has it open.
pub struct Disk {
    /// Ended before sled is closed.
    settling: Settling,
    engine: Arc<Engine>,
    committing: Mutex<Committing>,
    syncs: AtomicU64,
    pace: Pace,
}

/// How much is done at a time.
#[derive(Clone)]
pub(super) struct Pace {
    /// How many bytes the blocks of commits take in a file of the journal before the next is begun.
    pub(super) file: u64,
    /// At how many full files it is not waited for a quiet time. Their rows, and those of one file more, may lie in memory,
    /// where small ones take several times as much. After a kill all of these are read back and brought in at the start, with
    /// one file more beside them. Once half of a file was committed beside the settling, commits go no faster than that.
    pub(super) files: u64,
    /// It is quiet if no more bytes than `quiet` are committed in this time.
    pub(super) look: Duration,
    pub(super) quiet: u64,
    /// How many bytes sled may write to its log, roughly, between two syncs.
    ///
    /// sled uses a log segment again once what replaced it is one whole segment back, and counts on the disk to keep that
    /// order. What stays well under a segment has a sync between the two.
    pub(super) part: usize,
    /// Told of each step of the settling, on its thread.
    #[cfg(test)]
    pub(super) watch: Option<Arc<dyn Fn(Step) + Send + Sync>>,
}

/// What a commit needs.
struct Committing {
    journal: Journal,
    mark: Arc<Mark>,
    /// The number of the last commit; `None` once a commit has failed, and while one is under way. What a failed sync
    /// left unwritten, a later one may silently skip, so no commit follows a failed one.
    last: Option<u64>,
}

/// The file that says which commit was last, written after the commit's sync, and synced itself only before commits are
/// brought into sled and where the store is closed.
///
/// Damage at the end of the journal looks like a torn end, and sled takes damage in its log for one, and opens without what
/// lies behind it. The mark is never ahead of what is durable, so a store that is behind its mark has lost something. After
/// a power loss the mark may be behind: it proves less then, but nothing wrong.
struct Mark(File);

impl Disk {
    /// Opens the store in a folder, and makes both if there are none.
    ///
    /// # Errors
    /// [`Error::InUse`] if it is open already; [`Error::Version`] if another version of the hub wrote it;
    /// [`Error::Damaged`] if its files are spoilt or lack what was committed, as far as that can be seen without reading
    /// all of it; [`Error::Engine`] if the folder or its files cannot be made, read or written.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_at(dir, Pace::default())
    }

    pub(super) fn open_at(dir: &Path, pace: Pace) -> Result<Self, Error> {
        let (dir, made) = make(dir).map_err(failed("make its folder"))?;
        let (engine, held) = Engine::open(&dir)?;
        let found = journal::read_back(&dir, held.last)?;
        if !held.journalled && found.last > held.last {
            return Err(damaged(&dir, "its journal goes with another log"));
        }
        // A file is begun before sled may be said to hold what was in the one before it.
        if held.journalled && found.newest <= Some(held.last) {
            return Err(damaged(&dir, "its journal is missing"));
        }
        let mark = Arc::new(Mark::open(&dir.join("mark")).map_err(failed("open its mark"))?);
        if mark.read().map_err(failed("read its mark"))? > found.last {
            return Err(damaged(&dir, "the end of its log is missing"));
        }
        let journal = Journal::begin(&dir, found.last + 1, pace.file)?;
        for folder in dir.ancestors().take(made + 1) {
            sync(folder).map_err(failed("sync its folder"))?;
        }
        if !held.ours {
            // From here on, a hub that knows of no journal, or not how rows are packed now, must refuse the store, and so
            // must one that finds no journal.
            engine.holds(held.last)?;
        }
        let engine = Arc::new(engine);
        let load = Load {
            rows: Arc::new(Layer::new(found.rows)),
            full: Full {
                last: found.last,
                files: found.files,
            },
        };
        Ok(Self {
            settling: Settling::start(engine.clone(), mark.clone(), pace.clone(), load)?,
            engine,
            committing: Mutex::new(Committing {
                journal,
                mark,
                last: Some(found.last),
            }),
            syncs: AtomicU64::new(0),
            pace,
        })
    }

    /// How often a commit has synced the journal to the disk since the store was opened. It goes up with each commit that
    /// succeeds.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Whether anything is being brought into sled.
    #[cfg(test)]
    pub(super) fn is_settling(&self) -> bool {
        self.settling.is_busy()
    }

    /// Waits until nothing is being brought into sled, nor waits for it: what the journal has in its newest file alone does
    /// not yet.
    ///
    /// # Errors
    /// If it could not be brought in.
    pub fn rest(&self) -> Result<(), Error> {
        self.settling.rest()
    }

    /// How many bytes the blocks of commits take in the journal, roughly, before they are brought into sled though it is not
    /// quiet.
    pub fn room(&self) -> u64 {
        self.pace.file.saturating_mul(self.pace.files)
    }
}

impl Read for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if key.len() > KEY_CAP {
            return Ok(None);
        }
        match self.settling.layers().get(key) {
            Some(value) => Ok(value),
            None => self.engine.get(key),
        }
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        if from >= to {
            return Ok(());
        }
        let layers = Guard::into_inner(self.settling.layers());
        layers.scan((from, to), |visit| self.engine.scan(from, to, visit), visit)
    }
}

impl Store for Disk {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        weigh(&batch)?;
        let mut committing = self.committing.lock();
        let Committing { journal, mark, last } = &mut *committing;
        let before = last
            .take()
            .ok_or_else(|| failed("commit a batch")("an earlier commit failed"))?;
        let number = before + 1;
        self.settling.keep_pace()?;
        if journal.weight() >= self.pace.file {
            self.settling.fill(before, journal.turn(number)?);
        }
        let bytes = journal.append(number, &batch)?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        mark.write(number).map_err(failed("write its mark"))?;
        self.settling.add(batch, bytes);
        *last = Some(number);
        Ok(())
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            file: 32 * 1024 * 1024,
            files: 2,
            look: Duration::from_millis(100),
            quiet: 256 * 1024,
            part: 4 * 1024 * 1024,
            #[cfg(test)]
            watch: None,
        }
    }
}

#[cfg(test)]
impl Pace {
    fn pass(&self, step: Step) {
        if let Some(watch) = &self.watch {
            watch(step);
        }
    }
}

impl Mark {
    fn open(path: &Path) -> io::Result<Self> {
        open(path).map(Self)
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

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Without it, it only proves less.
        let _lagging = self.sync();
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

/// Opens a file to be read and written, and makes it if there is none, for its owner alone.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn damaged(dir: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Damaged {
        path: dir.display().to_string(),
        source: source.into(),
    }
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(doing: &'static str) -> impl FnOnce(E) -> Error {
    move |source| Error::Engine {
        doing,
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_commit_follows_one_whose_sync_failed() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let put = |key: &[u8]| Batch::from([(key.into(), Some(b"value".to_vec()))]);
        disk.commit(put(b"before")).unwrap();
        disk.committing.lock().journal.divert("/dev/null");

        assert_eq!(
            doing(disk.commit(put(b"key"))),
            "sync its journal",
            "nothing can sync it"
        );
        assert_eq!(disk.get(b"key").unwrap(), None, "it is not durable");
        let sound = folder.path().join("sound");
        disk.committing.lock().journal.divert(sound.to_str().unwrap());
        assert_eq!(doing(disk.commit(put(b"key"))), "commit a batch");
        assert_eq!(disk.syncs(), 1);
        assert_eq!(disk.get(b"before").unwrap().as_deref(), Some(b"value".as_slice()));
    }

    fn doing(result: Result<(), Error>) -> &'static str {
        match result {
            Err(Error::Engine { doing, .. }) => doing,
            other => panic!("it should have failed in the engine: {other:?}"),
        }
    }
}
