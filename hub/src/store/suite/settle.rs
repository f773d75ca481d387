//! That bringing commits into sled loses nothing wherever it stops, stops nobody, and ends the writing if it fails.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use super::{
    Pairs, batch,
    copies::{after_crash, after_power_loss},
    everything, put, scanned, small,
    waiting::never_quiet,
};
use crate::store::{
    Disk, Error, Memory, Read, Store,
    disk::{Pace, Step},
};

/// How long anything may take that is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Stops the settling at each step until it is let go on, and for good no more once it is dropped.
pub(super) struct Gate {
    steps: mpsc::Receiver<Step>,
    go: mpsc::Sender<()>,
}

impl Gate {
    /// The step at which it has stopped.
    pub(super) fn step(&self) -> Step {
        self.steps.recv_timeout(PATIENCE).unwrap()
    }

    pub(super) fn let_go(&self) {
        self.go.send(()).unwrap();
    }

    /// Lets it go on until it has done this.
    pub(super) fn until(&self, step: Step) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match self.step() {
                at if at == step => return,
                Step::Freed => panic!("it has no {step:?}"),
                _ => self.let_go(),
            }
        }
        panic!("it does not come to {step:?}");
    }

    /// Lets it bring all of a load in, and end it.
    pub(super) fn through(&self, disk: &Disk) {
        self.until(Step::Freed);
        self.let_go();
        disk.rest().unwrap();
    }
}

/// A store whose settling is stopped at each step. The gate must be let go of before the store, which waits for its thread:
/// bound in this order, it is.
pub(super) fn watched(folder: &Path, pace: Pace) -> (Disk, Gate) {
    let (step, steps) = mpsc::channel();
    let (go, went) = mpsc::channel();
    let went = parking_lot::Mutex::new(went);
    let watch = Arc::new(move |at| {
        // Whoever waited may be gone.
        let _ = step.send(at);
        let _ = went.lock().recv();
    });
    let watch = Some(watch as Arc<dyn Fn(Step) + Send + Sync>);
    let disk = Disk::open_at(folder, Pace { watch, ..pace });
    (disk.unwrap(), Gate { steps, go })
}

/// The same, once what was there when it was opened is in sled.
pub(super) fn watched_at_rest(folder: &Path, pace: Pace) -> (Disk, Gate) {
    let (disk, gate) = watched(folder, pace);
    gate.through(&disk);
    (disk, gate)
}

/// A commit that writes over, adds and deletes.
pub(super) fn change(store: &dyn Store, turn: u8) {
    let rows = [
        ([turn % 11].as_slice().into(), Some(vec![turn; 60])),
        ([turn % 5, turn].as_slice().into(), Some(vec![turn; 30])),
        ([(turn + 4) % 11].as_slice().into(), None),
    ];
    store.commit(rows.into()).unwrap();
}

#[test]
fn whichever_step_of_the_settling_was_the_last_everything_is_there() {
    for pace in [small(25), never_quiet(12)] {
        whichever_step_was_the_last(pace);
    }
}

fn whichever_step_was_the_last(pace: Pace) {
    let folder = tempfile::tempdir().unwrap();
    let (disk, gate) = watched(folder.path(), pace);
    let memory = Memory::new();
    let mut synced = tempfile::NamedTempFile::new().unwrap();
    let mut keep = || {
        synced = tempfile::NamedTempFile::new().unwrap();
        fs::copy(folder.path().join("db"), synced.path()).unwrap();
        synced.path().to_path_buf()
    };
    let mut log = keep();
    let (mut seen, mut turn) = (Vec::new(), 0);
    while seen.iter().filter(|step| **step == Step::Freed).count() < 3 {
        change(&disk, turn);
        change(&memory, turn);
        turn += 1;
        while disk.is_settling() {
            let step = gate.step();
            change(&disk, turn);
            change(&memory, turn);
            turn += 1;
            if matches!(step, Step::Part | Step::Rows | Step::Number) {
                log = keep();
            }
            let killed = after_crash(folder.path());
            let without_power = after_power_loss(folder.path(), &log);
            for copy in [killed, without_power] {
                let again = Disk::open_at(copy.path(), small(2)).unwrap();
                assert_eq!(everything(&again), everything(&memory), "at {step:?}, after {turn}");
                again.commit(put(b"more", b"1")).unwrap();
                drop(again);
                let again = Disk::open(copy.path()).unwrap();
                assert_eq!(everything(&again).len(), everything(&memory).len() + 1);
            }
            gate.let_go();
            seen.push(step);
            if step == Step::Freed {
                disk.rest().unwrap();
            }
        }
        assert_eq!(everything(&disk), everything(&memory));
    }
    assert!(seen.contains(&Step::Part), "{seen:?}");
}

#[test]
fn a_store_closed_while_it_settles_goes_on_with_it_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::new();
    for step in [
        Step::Began,
        Step::Part,
        Step::Part,
        Step::Rows,
        Step::Number,
        Step::Freed,
    ] {
        let (disk, gate) = watched_at_rest(folder.path(), small(7));
        for turn in 0..60 {
            if disk.is_settling() {
                break;
            }
            change(&disk, turn);
            change(&memory, turn);
        }
        gate.until(step);
        drop(gate);
        drop(disk);
        let disk = Disk::open(folder.path()).unwrap();
        assert_eq!(everything(&disk), everything(&memory), "closed at {step:?}");
        disk.rest().unwrap();
        assert_eq!(
            everything(&disk),
            everything(&memory),
            "closed at {step:?}, and settled"
        );
    }
}

#[test]
fn reads_and_commits_go_on_while_rows_are_settled() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, gate) = watched_at_rest(folder.path(), small(14));
    let memory = Memory::new();
    let mut turn = 0;
    let mut go_on = || {
        change(&disk, turn);
        change(&memory, turn);
        turn += 1;
        assert_eq!(everything(&disk), everything(&memory));
        for key in 0..11 {
            assert_eq!(disk.get(&[key]).unwrap(), memory.get(&[key]).unwrap());
        }
    };
    while !disk.is_settling() {
        go_on();
    }
    // It stands still at each of these, whatever it may hold.
    for step in [Step::Began, Step::Part, Step::Rows, Step::Number, Step::Freed] {
        gate.until(step);
        go_on();
        gate.let_go();
    }
    disk.rest().unwrap();
    go_on();
}

#[test]
fn what_no_commit_touches_is_in_each_scan_that_runs_beside_the_settling() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open_at(folder.path(), small(35)).unwrap();
    let lasting = |key: u16| [&[7], key.to_be_bytes().as_slice()].concat();
    disk.commit(
        (0..2000)
            .step_by(5)
            .map(|key| (lasting(key).into(), Some(vec![1; 20])))
            .collect(),
    )
    .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let found = scanned(&disk, &[7], &[8]);
                let found: Pairs = found.into_iter().filter(|(_, value)| value[0] == 1).collect();
                assert_eq!(found.len(), 400);
                for key in (0..2000).step_by(95) {
                    assert_eq!(disk.get(&lasting(key)).unwrap(), Some(vec![1; 20]));
                }
            }
        });
        let mut random = 9_u64;
        for turn in 0..1500_u32 {
            let rows = (0..12).filter_map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let key = u16::try_from((random >> 40) % 2000).unwrap();
                // Stretches of the keys fill up and are emptied again, so that leaves split and merge.
                let puts = u32::from(key / 250) % 2 == turn / 100 % 2;
                (key % 5 > 0).then(|| (lasting(key).into(), puts.then(|| vec![2; 30])))
            });
            disk.commit(rows.collect()).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Commits until the store refuses, which it must, and gives how many it took.
fn until_refused(disk: &Disk) -> u8 {
    let mut taken = 0;
    let refused = loop {
        match disk.commit(put(&[taken], &[taken; 100])) {
            Ok(()) => taken += 1,
            Err(refused) => break refused,
        }
    };
    let doing = "bring earlier commits into sled";
    assert!(
        matches!(&refused, Error::Engine { doing: at, .. } if *at == doing),
        "{refused:?}"
    );
    taken
}

fn ends_the_writing(disk: Disk, folder: &Path, restore: impl FnOnce()) {
    let taken = until_refused(&disk);
    let again = disk.commit(put(b"again", b"1"));
    assert!(matches!(again, Err(Error::Engine { .. })), "{again:?}");
    let there = everything(&disk);
    assert_eq!(
        there.len(),
        usize::from(taken),
        "all that was taken can be read, and nothing else"
    );
    drop(disk);
    restore();
    assert_eq!(everything(&Disk::open(folder).unwrap()), there);
}

#[test]
fn nothing_is_committed_once_the_log_is_no_longer_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open_at(folder.path(), small(2)).unwrap();
    disk.rest().unwrap();
    let (log, elsewhere) = (folder.path().join("db"), folder.path().join("elsewhere"));
    fs::rename(&log, &elsewhere).unwrap();
    fs::copy(&elsewhere, &log).unwrap();
    ends_the_writing(disk, folder.path(), || fs::rename(&elsewhere, &log).unwrap());
}

#[test]
fn nothing_is_committed_once_the_settling_has_panicked() {
    for step in [Step::Began, Step::Rows, Step::Number, Step::Freed] {
        let folder = tempfile::tempdir().unwrap();
        drop(Disk::open(folder.path()).unwrap());
        let breaks = AtomicBool::new(false);
        let watch = Arc::new(move |at| {
            // The first is what was there when it was opened.
            assert!(!(at == step && breaks.load(Ordering::Relaxed)), "it was told to");
            breaks.fetch_or(at == Step::Freed, Ordering::Relaxed);
        });
        let watch = Some(watch as Arc<dyn Fn(Step) + Send + Sync>);
        let disk = Disk::open_at(folder.path(), Pace { watch, ..small(2) }).unwrap();
        ends_the_writing(disk, folder.path(), || ());
    }
}

#[test]
fn a_spoilt_log_never_passes_for_a_sound_one() {
    let folder = tempfile::tempdir().unwrap();
    let number = |key: u32| key.to_be_bytes().to_vec();
    let keys = 600;
    for turn in 0..3 {
        let disk = Disk::open_at(folder.path(), small(1)).unwrap();
        let rows = (0..keys / 3).map(|key| (number(key * 3 + turn).into(), Some(vec![5; 100])));
        disk.commit(rows.collect()).unwrap();
        disk.commit(batch([])).unwrap();
        disk.rest().unwrap();
    }
    let sound = after_crash(folder.path());
    let mut refused = 0;
    for at in (0..400_000).step_by(9973) {
        let copy = after_crash(sound.path());
        let log = fs::File::options().write(true).open(copy.path().join("db")).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&log, b"spoilt!!", at).unwrap();
        match Disk::open(copy.path()) {
            Err(Error::Damaged { .. }) => refused += 1,
            Err(other) => panic!("spoilt at {at}: {other:?}"),
            Ok(disk) => {
                for key in 0..keys {
                    if let Ok(value) = disk.get(&number(key)) {
                        assert_eq!(value, Some(vec![5; 100]), "{key}, spoilt at {at}");
                    }
                }
            }
        }
    }
    assert!(refused > 5, "{refused} of the places were refused");
}

#[test]
fn a_visitor_may_commit_to_the_store_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open_at(folder.path(), small(2)).unwrap();
    for key in 0..20 {
        disk.commit(put(&[key], &[key; 50])).unwrap();
    }
    let mut visited = 0;
    disk.scan(&[], &[99], &mut |key, _| {
        visited += 1;
        let there = [key[0] + 100];
        disk.commit([(key.into(), None), (there.as_slice().into(), Some(b"moved".to_vec()))].into())
            .unwrap();
        assert_eq!(disk.get(key).unwrap(), None);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((visited, everything(&disk).len()), (20, 20));
}
