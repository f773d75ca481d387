//! That full files of the journal wait for a quiet time and no longer than they may, and that nothing is lost by it.

use std::{fs, sync::mpsc, time::Duration};

use super::{
    copies::{after_crash, after_power_loss, journal},
    everything,
    settle::{PATIENCE, change, watched_at_rest},
    small,
};
use crate::store::{
    Disk, Memory,
    disk::{Pace, Step},
};

/// A pace at which it is not quiet for as long as a test takes, and at two full files that is not waited for.
pub(super) fn never_quiet(commits: u64) -> Pace {
    Pace {
        files: 2,
        look: PATIENCE,
        ..small(commits)
    }
}

#[test]
fn a_full_file_waits_for_a_quiet_time_until_another_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, gate) = watched_at_rest(folder.path(), never_quiet(5));
    let memory = Memory::new();
    for turn in 0..11 {
        assert!(!disk.is_settling(), "after {turn}");
        change(&disk, turn);
        change(&memory, turn);
    }
    assert!(disk.is_settling(), "two are full, and the third is begun");
    gate.until(Step::Freed);
    assert_eq!(journal(folder.path()).len(), 1, "the two are free");
    drop(gate);
    drop(disk);
    assert_eq!(everything(&Disk::open(folder.path()).unwrap()), everything(&memory));
}

#[test]
fn what_was_committed_since_a_file_was_full_is_there_wherever_its_settling_stops() {
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace {
        files: 2,
        look: Duration::from_millis(1),
        ..small(8)
    };
    let (disk, gate) = watched_at_rest(folder.path(), pace);
    let memory = Memory::new();
    let commit = |turns: std::ops::Range<u8>| {
        for turn in turns {
            change(&disk, turn);
            change(&memory, turn);
        }
    };
    commit(0..13);
    assert_eq!((gate.step(), disk.is_settling()), (Step::Look, false), "one is full");
    gate.let_go();
    let mut log = tempfile::NamedTempFile::new().unwrap();
    fs::copy(folder.path().join("db"), log.path()).unwrap();
    let mut seen = Vec::new();
    while seen.iter().filter(|step| **step == Step::Freed).count() < 2 {
        let step = gate.step();
        if step == Step::Began && !seen.contains(&Step::Began) {
            // The file that is written meanwhile is full with the third.
            commit(13..17);
        }
        if matches!(step, Step::Part | Step::Rows | Step::Number) {
            log = tempfile::NamedTempFile::new().unwrap();
            fs::copy(folder.path().join("db"), log.path()).unwrap();
        }
        for copy in [after_crash(folder.path()), after_power_loss(folder.path(), log.path())] {
            let again = Disk::open_at(copy.path(), small(2)).unwrap();
            assert_eq!(everything(&again), everything(&memory), "at {step:?}, after {seen:?}");
        }
        assert_eq!(everything(&disk), everything(&memory));
        seen.push(step);
        gate.let_go();
    }
    disk.rest().unwrap();
    assert_eq!(journal(folder.path()).len(), 1);
    let began = |step: &Step| *step == Step::Began;
    assert_eq!(
        seen.iter().filter(|step| began(step)).count(),
        2,
        "one after the other: {seen:?}"
    );
    drop(gate);
    drop(disk);
    assert_eq!(everything(&Disk::open(folder.path()).unwrap()), everything(&memory));
}

#[test]
fn no_quiet_time_is_found_while_anything_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace {
        files: 2,
        look: Duration::from_millis(1),
        quiet: 0,
        ..small(5)
    };
    let (disk, gate) = watched_at_rest(folder.path(), pace);
    for turn in 0..6 {
        change(&disk, turn);
    }
    for turn in 6..9 {
        assert_eq!(gate.step(), Step::Look);
        change(&disk, turn);
        gate.let_go();
    }
    assert_eq!(gate.step(), Step::Look, "it was not quiet");
    gate.let_go();
    assert_eq!(gate.step(), Step::Began, "it was");
}

#[test]
fn a_store_can_be_closed_while_a_full_file_waits() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::new();
    for _ in 0..2 {
        let disk = Disk::open_at(folder.path(), never_quiet(5)).unwrap();
        for turn in 0..6 {
            change(&disk, turn);
            change(&memory, turn);
        }
        assert_eq!(everything(&disk), everything(&memory));
    }
    assert_eq!(everything(&Disk::open(folder.path()).unwrap()), everything(&memory));
}

#[test]
fn no_more_than_one_file_is_committed_beside_the_settling() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, gate) = watched_at_rest(folder.path(), small(8));
    let (done, commits) = mpsc::channel();
    std::thread::scope(|threads| {
        let disk = &disk;
        threads.spawn(move || {
            for turn in 0..100 {
                change(disk, turn);
                done.send(()).unwrap();
            }
        });
        gate.until(Step::Freed);
        // Eight fill the file that is being settled, and the next begins another.
        for _ in 0..9 {
            commits.recv_timeout(PATIENCE).unwrap();
        }
        let mut beside = 1;
        while commits.recv_timeout(Duration::from_millis(100)).is_ok() {
            beside += 1;
        }
        assert!((1..=8).contains(&beside), "{beside} beside it");
        drop(gate);
        assert_eq!(commits.iter().count(), 100 - 8 - beside);
    });
}
