//! That the journal brings back every commit, in order and whole, or says that it cannot. Never looks into sled.

use std::{fs, os::unix::fs::FileExt, path::Path};

use super::{
    batch,
    copies::{after_crash, journal},
    everything, put,
    settle::watched,
    small,
    waiting::never_quiet,
};
use crate::store::{Disk, Error, Store, disk::BLOCK};

fn is_damaged(folder: &Path) -> bool {
    match Disk::open(folder) {
        Ok(_) => false,
        Err(Error::Damaged { .. }) => true,
        Err(other) => panic!("{other:?}"),
    }
}

fn spoil(file: &Path, at: u64, with: &[u8]) {
    let file = fs::File::options().write(true).open(file).unwrap();
    file.write_all_at(with, at).unwrap();
}

/// How much of a file is not zeros.
fn written(file: &Path) -> u64 {
    let bytes = fs::read(file).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1) as u64
}

/// A store of so many commits of one row, in one file of its journal. Gives where each commit ends in it.
fn of_commits(folder: &Path, commits: u8) -> Vec<u64> {
    let disk = Disk::open(folder).unwrap();
    let ends = (0..commits).map(|key| {
        disk.commit(put(&[key], &[key + 1; 100])).unwrap();
        written(journal(folder).last().unwrap())
    });
    ends.collect()
}

#[test]
fn a_batch_whose_writing_was_cut_short_is_not_there_at_all() {
    let folder = tempfile::tempdir().unwrap();
    of_commits(folder.path(), 1);
    let disk = Disk::open(folder.path()).unwrap();
    disk.rest().unwrap();
    let kept = after_crash(folder.path());
    disk.commit(batch([
        (b"b".as_slice(), Some([1; 900].as_slice())),
        (b"c", Some(&[2; 900])),
        (&[0], None),
    ]))
    .unwrap();
    let sound = after_crash(folder.path());
    assert_eq!(everything(&Disk::open(sound.path()).unwrap()), everything(&disk));
    let whole = written(journal(folder.path()).last().unwrap());
    for left in (0..whole).step_by(83).chain([whole - 1]) {
        for cut in [false, true] {
            let copy = after_crash(folder.path());
            fs::copy(kept.path().join("mark"), copy.path().join("mark")).unwrap();
            let file = fs::File::options()
                .write(true)
                .open(journal(copy.path()).last().unwrap());
            let file = file.unwrap();
            file.set_len(left).unwrap();
            if !cut {
                file.set_len(1 << 20).unwrap();
            }
            let disk = Disk::open(copy.path()).unwrap();
            assert_eq!(everything(&disk), [(vec![0], vec![1; 100])], "{left} bytes of {whole}");
            disk.commit(put(b"d", b"3")).unwrap();
            drop(disk);
            assert_eq!(everything(&Disk::open(copy.path()).unwrap()).len(), 2);
        }
    }
}

#[test]
fn a_spoilt_commit_never_passes_for_a_sound_one_nor_for_an_end_if_others_are_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let ends = of_commits(folder.path(), 4);
    let commits = (0..).step_by(BLOCK).zip(&ends);
    for at in commits.flat_map(|(start, end)| (start..*end).step_by(7)) {
        let copy = after_crash(folder.path());
        spoil(&journal(copy.path())[0], at, &[0xa5]);
        assert!(is_damaged(copy.path()), "spoilt at {at}: the mark knows");
        fs::remove_file(copy.path().join("mark")).unwrap();
        match Disk::open(copy.path()) {
            Err(Error::Damaged { .. }) => assert!(at < ends[2], "spoilt at {at}"),
            Err(other) => panic!("{other:?}"),
            Ok(disk) => {
                assert!(at >= ends[2], "spoilt at {at}, and what is behind it was left out");
                assert_eq!(everything(&disk).len(), 3, "the last one looks like a torn one");
            }
        }
    }
}

#[test]
fn what_fills_a_block_up_can_be_spoilt_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let ends = of_commits(folder.path(), 3);
    for at in [ends[0], BLOCK as u64 - 1, ends[1] + 99, ends[2]] {
        let copy = after_crash(folder.path());
        spoil(&journal(copy.path())[0], at, &[0xa5]);
        assert_eq!(everything(&Disk::open(copy.path()).unwrap()).len(), 3, "spoilt at {at}");
    }
}

#[test]
fn no_commit_lies_in_a_block_of_another_and_one_that_does_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let ends = of_commits(folder.path(), 4);
    let crashed = after_crash(folder.path());
    let file = journal(crashed.path()).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    // As an earlier build wrote them, one right behind the other.
    let mut together = Vec::new();
    for (block, end) in (0..).step_by(BLOCK).zip(ends) {
        let end = usize::try_from(end).unwrap();
        assert_eq!(end / BLOCK * BLOCK, block, "where the commit begins that ends at {end}");
        together.extend_from_slice(&bytes[block..end]);
    }
    together.resize(bytes.len(), 0);
    fs::write(&file, &together).unwrap();
    let disk = Disk::open(crashed.path()).unwrap();
    assert_eq!(everything(&disk).len(), 4);
    disk.commit(put(b"b", b"2")).unwrap();
    drop(disk);
    assert_eq!(everything(&Disk::open(crashed.path()).unwrap()).len(), 5);
}

#[test]
fn a_journal_that_lacks_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    of_commits(folder.path(), 3);
    let (disk, _gate) = watched(folder.path(), small(7));
    let before = after_crash(folder.path());
    disk.commit(put(b"x", b"1")).unwrap();
    assert_eq!(journal(folder.path()).len(), 2, "of neither sled holds anything");
    let sound = after_crash(folder.path());
    assert_eq!(everything(&Disk::open(sound.path()).unwrap()).len(), 4);

    for lacking in 0..2 {
        let copy = after_crash(folder.path());
        fs::remove_file(&journal(copy.path())[lacking]).unwrap();
        assert!(is_damaged(copy.path()), "file {lacking} of two");
    }
    let copy = after_crash(folder.path());
    fs::remove_dir_all(copy.path().join("journal")).unwrap();
    assert!(is_damaged(copy.path()), "no journal");
    let copy = after_crash(folder.path());
    fs::remove_file(copy.path().join("mark")).unwrap();
    fs::remove_file(&journal(copy.path())[0]).unwrap();
    assert!(is_damaged(copy.path()), "no mark, and the file in front is missing");
    let copy = after_crash(folder.path());
    fs::copy(before.path().join("mark"), copy.path().join("mark")).unwrap();
    fs::File::create(&journal(copy.path())[0]).unwrap();
    fs::File::create(&journal(copy.path())[1]).unwrap();
    assert!(
        is_damaged(copy.path()),
        "a file that is empty still tells what was before it"
    );
}

#[test]
fn a_journal_that_is_gone_is_missed_without_a_mark_too() {
    let folder = tempfile::tempdir().unwrap();
    for turn in 0..3 {
        let disk = Disk::open_at(folder.path(), small(2)).unwrap();
        disk.commit(put(&[turn], &[1; 200])).unwrap();
        disk.rest().unwrap();
        let copy = after_crash(folder.path());
        fs::remove_file(copy.path().join("mark")).unwrap();
        drop(Disk::open(copy.path()).unwrap());
        fs::remove_file(copy.path().join("mark")).unwrap();
        for file in journal(copy.path()) {
            fs::remove_file(file).unwrap();
        }
        assert!(is_damaged(copy.path()), "its files, in turn {turn}");
        fs::remove_dir_all(copy.path().join("journal")).unwrap();
        assert!(is_damaged(copy.path()), "its folder, in turn {turn}");
    }
}

#[test]
fn a_journal_without_its_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    of_commits(folder.path(), 3);
    for with_mark in [true, false] {
        let copy = after_crash(folder.path());
        fs::remove_file(copy.path().join("db")).unwrap();
        if !with_mark {
            fs::remove_file(copy.path().join("mark")).unwrap();
        }
        assert!(is_damaged(copy.path()));
    }
}

#[test]
fn a_file_that_is_taken_again_brings_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let commits = 20;
    let disk = Disk::open_at(folder.path(), small(commits)).unwrap();
    let mut written_over = 0;
    for turn in 0_u8..120 {
        disk.commit(put(&[turn % 7], &[turn; 100])).unwrap();
        disk.commit(batch([([(turn + 3) % 7].as_slice(), None)])).unwrap();
        disk.rest().unwrap();
        let newest = journal(folder.path()).pop().unwrap();
        let reused = written(&newest) > (commits - 1) * BLOCK as u64;
        written_over += usize::from(reused);
        if turn % 8 > 0 || !reused {
            continue;
        }
        let copy = after_crash(folder.path());
        fs::remove_file(copy.path().join("mark")).unwrap();
        let again = Disk::open(copy.path()).unwrap();
        assert_eq!(everything(&again), everything(&disk), "after {turn}");
        again.rest().unwrap();
        assert_eq!(everything(&again), everything(&disk), "after {turn}, settled");
    }
    assert!(
        written_over > 50,
        "old commits lay behind the new ones {written_over} times"
    );
}

#[test]
fn the_journal_keeps_as_many_spare_files_as_are_freed_at_once_and_no_settled_one() {
    for (pace, files) in [(small(4), 2), (never_quiet(4), 3)] {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            let disk = Disk::open_at(folder.path(), pace.clone()).unwrap();
            // So many that at the last of them no file may wait any more.
            for turn in 0_u8..57 {
                disk.commit(put(&[turn], &[turn; 100])).unwrap();
            }
            disk.rest().unwrap();
            assert_eq!(journal(folder.path()).len(), 1);
            let there = fs::read_dir(folder.path().join("journal")).unwrap();
            assert_eq!(there.count(), files);
        }
    }
}

#[test]
fn nothing_is_committed_to_a_journal_that_is_no_longer_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    let file = journal(folder.path()).pop().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    fs::copy(&elsewhere, &file).unwrap();
    let refused = disk.commit(put(b"key", b"value"));
    let doing = "find its journal";
    assert!(
        matches!(&refused, Err(Error::Engine { doing: at, .. }) if *at == doing),
        "{refused:?}"
    );
    assert_eq!(everything(&disk), []);
}
