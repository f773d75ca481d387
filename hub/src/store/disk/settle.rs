//! Brings what was committed into sled, on a thread of its own, a file of the journal after the other.
//! Never says that sled holds what is not on the disk, never stops a reader, and never goes on after a failure.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
};

use arc_swap::{ArcSwap, Guard};
use parking_lot::{Condvar, Mutex};

use super::{
    Pace,
    engine::Engine,
    failed, journal,
    layers::{Layer, Layers},
};
use crate::store::Error;

/// What sled writes around a row, roughly, in bytes.
const AROUND: usize = 256;

/// The thread, and what lies over sled until it has brought it in. Dropped, it stops where it is: the journal has the rest.
pub(super) struct Settling {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Commits that are to be brought into sled.
pub(super) struct Load {
    /// What they wrote.
    pub(super) rows: Arc<Layer>,
    /// The number of the last of them. sled holds those before the first.
    pub(super) last: u64,
    /// The files of the journal that have them, and no others.
    pub(super) files: Vec<PathBuf>,
}

/// What the thread has just done, for tests to stop it there.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Step {
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
    /// Why it has ended before its time.
    failed: Option<Arc<str>>,
    stop: bool,
}

impl Settling {
    /// Starts the thread, with a load to begin with.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(engine: Arc<Engine>, pace: Pace, load: Load) -> Result<Self, Error> {
        let layers = Layers {
            young: Arc::default(),
            old: Some(load.rows.clone()),
        };
        let shared = Arc::new(Shared {
            engine,
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

    /// Waits while commits are too far ahead, of which there are so many bytes in the file that is being written. If it is
    /// full, nothing is being settled then.
    ///
    /// # Errors
    /// If the settling fails, or has failed.
    pub(super) fn keep_pace(&self, written: u64) -> Result<(), Error> {
        let mut work = self.shared.work.lock();
        while work.failed.is_none() && work.is_behind(written, self.shared.pace.file) {
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

    /// Has all settled that was committed until now: the last commit has this number, and all that are not in sled are in
    /// this file. Nothing else may be being settled.
    pub(super) fn settle(&self, last: u64, file: PathBuf) {
        let mut work = self.shared.work.lock();
        let rows = self.layers().young.clone();
        self.shared.layers.store(Arc::new(Layers {
            young: Arc::default(),
            old: Some(rows.clone()),
        }));
        work.settled = 0;
        work.load = Some(Arc::new(Load {
            rows,
            last,
            files: vec![file],
        }));
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
            self.changed.wait(&mut work);
        }
    }

    /// Says whether all of it was brought in: not if it is to stop.
    fn bring_in(&self, load: &Load) -> Result<bool, Error> {
        #[cfg(test)]
        self.pace.pass(Step::Began);
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
        self.engine.holds(load.last)?;
        #[cfg(test)]
        self.pace.pass(Step::Number);
        journal::free(&load.files)?;
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
    /// Whether those who have written so much of a file must wait. Half of it may be written at once, and the rest as the
    /// load goes into sled, so that they wait often and little rather than once and for long.
    fn is_behind(&self, written: u64, file: u64) -> bool {
        self.load.as_ref().is_some_and(|load| {
            let settled = file.saturating_mul(self.settled) / load.rows.count().max(1);
            written >= file || written > (file + settled) / 2
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_go_no_faster_than_the_settling_once_half_a_file_is_written() {
        let rows = (0..10).map(|key| ([key].as_slice().into(), None)).collect();
        let load = Load {
            rows: Arc::new(Layer::new(rows)),
            last: 1,
            files: Vec::new(),
        };
        let mut work = Work {
            load: Some(Arc::new(load)),
            ..Work::default()
        };
        for (settled, most) in [(0, 500), (1, 550), (5, 750), (9, 950), (10, 999)] {
            work.settled = settled;
            assert!(!work.is_behind(most, 1000), "{settled} of 10 are settled");
            assert!(work.is_behind(most + 1, 1000), "{settled} of 10 are settled");
        }
        work.load = None;
        assert!(!work.is_behind(5000, 1000), "nothing is to be waited for");
    }
}
