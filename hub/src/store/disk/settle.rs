//! Brings what was committed into sled, on a thread of its own: full files of the journal, once little is committed, or once
//! so many are full that none of them may wait.
//! Never says that sled holds what is not on the disk, never stops a reader, and never goes on after a failure.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
};

use arc_swap::{ArcSwap, Guard};
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{
    Mark, Pace,
    engine::Engine,
    failed, journal,
    layers::{Layer, Layers},
};
use crate::store::{Batch, Error};

/// What sled writes around a row, roughly, in bytes.
const AROUND: usize = 256;

/// The thread, and what lies over sled until it has brought it in. Dropped, it stops where it is: the journal has the rest.
pub(super) struct Settling {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Commits that are to be brought into sled.
pub(super) struct Load {
    /// What they wrote, and maybe what commits behind them did: those are in the journal, and stay there.
    pub(super) rows: Arc<Layer>,
    pub(super) full: Full,
}

/// Files of the journal to which nothing is written any more.
#[derive(Default)]
pub(super) struct Full {
    /// The number of the last commit in them. Those before the first are in sled, or in the load before.
    pub(super) last: u64,
    pub(super) files: Vec<PathBuf>,
}

/// What the thread has just done, or is about to do, for tests to stop it there.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Step {
    /// It is about to look whether little is committed.
    Look,
    /// It has begun with the load.
    Began,
    /// A part of the rows is on the disk.
    Part,
    /// All rows are on the disk.
    Rows,
    /// That they are is on the disk, too.
    Number,
    /// The journal's files are free.
    Freed,
}

struct Shared {
    engine: Arc<Engine>,
    /// Of the last commit, which is written down there before it is laid over sled.
    mark: Arc<Mark>,
    layers: ArcSwap<Layers>,
    pace: Pace,
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    /// INVARIANT: while there is one, its rows are the old layer, and there is an old layer only while there is one.
    load: Option<Arc<Load>>,
    /// How many of its rows are on the disk.
    settled: u64,
    /// Full files of which no load was made yet. Their rows are in the young layer.
    full: Full,
    /// How many bytes were committed since the last load was made.
    young: u64,
    /// Why it has ended before its time.
    failed: Option<Arc<str>>,
    stop: bool,
}

impl Settling {
    /// Starts the thread, with a load to begin with.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(engine: Arc<Engine>, mark: Arc<Mark>, pace: Pace, load: Load) -> Result<Self, Error> {
        let layers = Layers {
            young: Arc::default(),
            old: Some(load.rows.clone()),
        };
        let shared = Arc::new(Shared {
            engine,
            mark,
            layers: ArcSwap::from_pointee(layers),
            pace,
            work: Mutex::new(Work {
                load: Some(Arc::new(load)),
                ..Work::default()
            }),
            changed: Condvar::new(),
        });
        let its = shared.clone();
        let thread = thread::Builder::new()
            .name("settling".to_owned())
            .spawn(move || its.run());
        Ok(Self {
            shared,
            thread: Some(thread.map_err(failed("start its settling"))?),
        })
    }

    /// What lies over sled now.
    pub(super) fn layers(&self) -> Guard<Arc<Layers>> {
        self.shared.layers.load()
    }

    /// Waits while commits are too far ahead of what is being settled.
    ///
    /// # Errors
    /// If the settling fails, or has failed.
    pub(super) fn keep_pace(&self) -> Result<(), Error> {
        self.wait_while(|work| work.is_behind(self.shared.pace.file))
    }

    /// Waits until no full file is left that is not in sled.
    ///
    /// # Errors
    /// As for [`Settling::keep_pace`].
    pub(super) fn rest(&self) -> Result<(), Error> {
        self.wait_while(|work| work.load.is_some() || !work.full.files.is_empty())
    }

    fn wait_while(&self, must: impl Fn(&Work) -> bool) -> Result<(), Error> {
        let mut work = self.shared.work.lock();
        while work.failed.is_none() && must(&work) {
            self.shared.changed.wait(&mut work);
        }
        match &work.failed {
            Some(why) => Err(failed("bring earlier commits into sled")(why.to_string())),
            None => Ok(()),
        }
    }

    /// Whether anything is being settled.
    #[cfg(test)]
    pub(super) fn is_busy(&self) -> bool {
        self.shared.work.lock().load.is_some()
    }

    /// Lays a commit over sled that takes so many bytes of the journal.
    pub(super) fn add(&self, batch: Batch, bytes: u64) {
        let mut work = self.shared.work.lock();
        self.layers().young.add(batch);
        work.young += bytes;
    }

    /// Has a file settled that is full: the last commit, which is laid over sled, is in it and has this number.
    pub(super) fn fill(&self, last: u64, file: PathBuf) {
        let mut work = self.shared.work.lock();
        work.full.last = last;
        work.full.files.push(file);
        if work.is_due(self.shared.pace.files) {
            self.shared.take(&mut work);
        }
        self.shared.changed.notify_all();
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        self.shared.work.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Whatever it met, it has noted.
            let _ended = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        while let Some(load) = self.next() {
            // What a panic said stays out of the reason: it may quote what was being written.
            let why = match catch_unwind(AssertUnwindSafe(|| self.bring_in(&load))) {
                Ok(Ok(true)) => {
                    self.done();
                    continue;
                }
                Ok(Ok(false)) => return,
                Ok(Err(error)) => error.in_full(),
                Err(_) => "it panicked".to_owned(),
            };
            tracing::error!(
                why,
                "what was committed cannot be brought into sled: the next commit will close the hub"
            );
            self.work.lock().failed = Some(why.into());
            self.changed.notify_all();
            return;
        }
    }

    /// Waits for a load. None once it is to stop.
    fn next(&self) -> Option<Arc<Load>> {
        let mut work = self.work.lock();
        loop {
            if work.stop {
                return None;
            }
            if let Some(load) = &work.load {
                return Some(load.clone());
            }
            if work.full.files.is_empty() {
                self.changed.wait(&mut work);
            } else if work.is_due(self.pace.files) || self.is_quiet(&mut work) {
                self.take(&mut work);
            }
        }
    }

    /// Looks for a while whether little is committed. Not if there is a load by then, or it is to stop.
    fn is_quiet(&self, work: &mut MutexGuard<'_, Work>) -> bool {
        let before = work.young;
        #[cfg(test)]
        MutexGuard::unlocked(work, || self.pace.pass(Step::Look));
        let goes_on = |work: &mut Work| work.load.is_none() && !work.stop;
        self.changed.wait_while_for(work, goes_on, self.pace.look);
        // Only a load makes it less.
        goes_on(work) && work.young - before <= self.pace.quiet
    }

    /// Makes a load of the full files.
    fn take(&self, work: &mut Work) {
        let rows = self.layers.load().young.clone();
        self.layers.store(Arc::new(Layers {
            young: Arc::default(),
            old: Some(rows.clone()),
        }));
        let full = mem::take(&mut work.full);
        (work.settled, work.young) = (0, 0);
        work.load = Some(Arc::new(Load { rows, full }));
    }

    /// Says whether all of it was brought in: not if it is to stop.
    fn bring_in(&self, load: &Load) -> Result<bool, Error> {
        #[cfg(test)]
        self.pace.pass(Step::Began);
        // sled must not hold part of a commit of which a power loss could leave neither the rest nor a trace.
        self.mark.sync().map_err(failed("sync its mark"))?;
        let (mut weight, mut largest) = (0, 0);
        // Nothing is added to what is a load.
        for ((key, value), settled) in load.rows.all().iter().zip(1..) {
            let length = value.as_ref().map_or(0, Vec::len);
            let before = self.engine.take_in(key, value.as_deref())?;
            // sled writes the row, and the whole leaf that it is in with every tenth.
            largest = largest.max(length).max(before);
            weight += key.len() + 2 * (length + before) + largest + AROUND;
            if weight >= self.pace.part {
                (weight, largest) = (0, 0);
                self.engine.sync()?;
                #[cfg(test)]
                self.pace.pass(Step::Part);
                let mut work = self.work.lock();
                if work.stop {
                    return Ok(false);
                }
                work.settled = settled;
                self.changed.notify_all();
            }
        }
        self.engine.sync()?;
        #[cfg(test)]
        self.pace.pass(Step::Rows);
        self.engine.holds(load.full.last)?;
        #[cfg(test)]
        self.pace.pass(Step::Number);
        journal::free(&load.full.files)?;
        #[cfg(test)]
        self.pace.pass(Step::Freed);
        Ok(true)
    }

    fn done(&self) {
        let mut work = self.work.lock();
        let young = self.layers.load().young.clone();
        self.layers.store(Arc::new(Layers { young, old: None }));
        work.load = None;
        self.changed.notify_all();
    }
}

impl Work {
    /// Whether so many files are full that none of them may wait, and nothing is being settled.
    fn is_due(&self, files: u64) -> bool {
        self.load.is_none() && self.full.files.len() as u64 >= files
    }

    /// Whether those who commit must wait: for the load, beside which no more bytes than one file has may be committed. Half
    /// of them may be at once, and the rest as the load goes into sled, so that they wait often and little rather than once
    /// and for long.
    fn is_behind(&self, file: u64) -> bool {
        self.load.as_ref().is_some_and(|load| {
            let settled = file.saturating_mul(self.settled) / load.rows.count().max(1);
            self.young >= file || self.young > (file + settled) / 2
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_go_no_faster_than_the_settling_once_half_a_file_is_young() {
        let rows = (0..10).map(|key| ([key].as_slice().into(), None)).collect();
        let load = Load {
            rows: Arc::new(Layer::new(rows)),
            full: Full::default(),
        };
        let mut work = Work {
            load: Some(Arc::new(load)),
            ..Work::default()
        };
        for (settled, most) in [(0, 500), (1, 550), (5, 750), (9, 950), (10, 999)] {
            (work.settled, work.young) = (settled, most);
            assert!(!work.is_behind(1000), "{settled} of 10 are settled");
            work.young += 1;
            assert!(work.is_behind(1000), "{settled} of 10 are settled");
        }
        work.full.files = vec![PathBuf::new(); 2];
        assert!(!work.is_due(2), "another load is being settled");
        (work.load, work.young) = (None, 5000);
        assert!(!work.is_behind(1000), "nothing is to be waited for");
        assert!(work.is_due(2) && !work.is_due(3));
    }
}
