//! That what the disk store says is durable is in the files that it syncs, whatever happens to the process, and that it is
//! refused if it is not what was written. How its journal goes into sled is none of it.

use std::{
    cell::Cell,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use super::{
    copies::{after_crash, after_power_loss, journal},
    everything, put, small,
};
use crate::store::{Batch, Disk, Error, KEY_CAP, Read, SEGMENT, Store, VALUE_CAP, row};

fn number(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

#[test]
fn every_commit_syncs_once_and_is_then_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    disk.rest().unwrap();
    let log = folder.path().join("db");
    let untouched = fs::read(&log).unwrap();
    for turn in 0..20 {
        let syncs = disk.syncs();
        disk.commit(Batch::from([
            (number(turn).into(), Some(vec![1; 3000])),
            (number(turn / 2).into(), None),
        ]))
        .unwrap();
        assert_eq!(disk.syncs(), syncs + 1);
        let copy = after_power_loss(folder.path(), &log);
        assert_eq!(
            everything(&Disk::open(copy.path()).unwrap()),
            everything(&disk),
            "after {turn}"
        );
    }
    assert!(fs::read(&log).unwrap() == untouched, "sled has no part in a commit");
}

#[test]
fn the_log_that_is_synced_is_the_one_that_is_written_and_no_blob_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open_at(folder.path(), small(512)).unwrap();
    // The worst that fits: the longest keys and values, in a few leaves, over and over, with leaves that split and merge.
    let mut random = 7_u64;
    for turn in 0..120_u32 {
        let mut batch = Batch::new();
        for _ in 0..12 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let mut key = number((random >> 40) as u32 % 60);
            key.resize(KEY_CAP, 0);
            let deletes = random >> 33 & 7 < if turn / 30 % 2 == 0 { 1 } else { 6 };
            batch.insert(key.into(), (!deletes).then(|| vec![(random >> 50) as u8; VALUE_CAP]));
        }
        disk.commit(batch).unwrap();
        assert_eq!(
            fs::read_dir(folder.path().join("blobs")).unwrap().count(),
            0,
            "after {turn}"
        );
    }
    assert_eq!(disk.syncs(), 120);
    disk.rest().unwrap();

    let log = folder.path().canonicalize().unwrap().join("db");
    assert!(
        fs::metadata(&log).unwrap().len() > 48 << 20,
        "several segments were written"
    );
    let open: Vec<u64> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|handle| handle.unwrap().path())
        .filter(|handle| fs::read_link(handle).is_ok_and(|file| file.starts_with(&log)))
        .map(|handle| fs::metadata(handle).unwrap().ino())
        .collect();
    assert_eq!(open, [fs::metadata(&log).unwrap().ino(); 2], "sled's handle and ours");

    let copy = after_power_loss(folder.path(), &log);
    let restarted = Disk::open(copy.path()).unwrap();
    assert!(disk.get(&[0; KEY_CAP]).is_ok());
    let longest = |read: &dyn Read| super::scanned(read, b"", &[u8::MAX; KEY_CAP]);
    assert!(longest(&restarted) == longest(&disk));
}

#[test]
fn a_store_opened_again_holds_what_was_committed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for turn in 0..8 {
        let disk = Disk::open(folder.path()).unwrap();
        assert_eq!(everything(&disk).len(), usize::try_from(turn).unwrap());
        disk.commit(put(&number(turn), b"kept")).unwrap();
        assert!(disk.commit(put(&number(99), &[0; VALUE_CAP + 1])).is_err());
    }
}

#[test]
fn a_second_open_is_told_that_the_store_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    let second = Disk::open(folder.path());
    assert!(matches!(second, Err(Error::InUse { .. })), "{:?}", second.err());
    disk.commit(put(b"a", b"1")).unwrap();
    drop(disk);
    assert_eq!(everything(&Disk::open(folder.path()).unwrap()).len(), 1);
}

/// What sled has under its last key.
const LAST: [u8; KEY_CAP + 1] = [u8::MAX; KEY_CAP + 1];

/// Changes what sled holds, while the store is closed.
fn change(folder: &Path, change: impl Fn(&sled::Db)) {
    let db = sled::Config::new().path(folder).segment_size(SEGMENT).open().unwrap();
    change(&db);
    db.flush().unwrap();
}

fn last_of(folder: &Path) -> Vec<u8> {
    let last = Cell::default();
    change(folder, |db| last.set(db.get(LAST).unwrap().unwrap().to_vec()));
    last.into_inner()
}

#[test]
fn a_store_of_another_version_of_the_hub_is_refused_as_such() {
    let folder = tempfile::tempdir().unwrap();
    Disk::open(folder.path()).unwrap().commit(put(b"a", b"1")).unwrap();
    let refused = |how: &dyn Fn(&sled::Db)| {
        let copy = after_crash(folder.path());
        change(copy.path(), how);
        let opened = Disk::open(copy.path());
        assert!(matches!(opened, Err(Error::Version { .. })), "{:?}", opened.err());
    };
    for ending in [
        [row::VERSION + 1].as_slice(),
        &[row::VERSION, 5],
        &[row::VERSION; 3],
        &[],
    ] {
        refused(&|db| drop(db.insert(LAST, [&[0; 8], ending].concat()).unwrap()));
    }
    refused(&|db| {
        db.remove(LAST).unwrap();
        db.open_tree("commits").unwrap();
    });
}

#[test]
fn a_store_from_before_there_was_a_journal_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    change(folder.path(), |db| {
        db.insert(b"a", b"1").unwrap();
        db.insert(LAST, &[0, 0, 0, 0, 0, 0, 0, 9, row::VERSION]).unwrap();
    });
    fs::write(folder.path().join("mark"), [9_u64.to_be_bytes(); 2].concat()).unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    drop(disk);
    assert_eq!(
        last_of(folder.path()),
        [0, 0, 0, 0, 0, 0, 0, 9, row::VERSION, 4],
        "an older hub refuses it now"
    );
    Disk::open(folder.path()).unwrap().commit(put(b"b", b"2")).unwrap();
    assert_eq!(everything(&Disk::open(folder.path()).unwrap()).len(), 2);
}

#[test]
fn a_store_from_before_rows_were_packed_and_commits_lay_as_they_do_now_is_gone_on_with() {
    for layout in [1, 2, 3] {
        let folder = tempfile::tempdir().unwrap();
        Disk::open(folder.path()).unwrap().commit(put(b"a", b"1")).unwrap();
        let now = last_of(folder.path());
        let before = [now.strip_suffix(&[4]).unwrap(), &[layout]].concat();
        change(folder.path(), |db| drop(db.insert(LAST, before.as_slice()).unwrap()));
        let disk = Disk::open(folder.path()).unwrap();
        let opened = last_of(after_crash(folder.path()).path());
        assert!(
            opened.ends_with(&[row::VERSION, 4]),
            "an older hub refuses it before anything is written"
        );
        assert_eq!(everything(&disk).len(), 1);
        disk.commit(put(b"b", b"2")).unwrap();
        let crashed = after_crash(folder.path());
        assert_eq!(everything(&Disk::open(crashed.path()).unwrap()).len(), 2);
    }
}

#[test]
fn a_torn_or_lagging_mark_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    for (turn, spoilt) in [
        vec![0xff; 15],
        vec![],
        [vec![0xff; 8], vec![0; 8]].concat(),
        vec![0; 16],
    ]
    .into_iter()
    .enumerate()
    {
        let disk = Disk::open(folder.path()).unwrap();
        disk.commit(put(&[u8::try_from(turn).unwrap()], b"kept")).unwrap();
        drop(disk);
        assert_eq!(fs::read(&mark).unwrap().len(), 16);
        fs::write(&mark, spoilt).unwrap();
    }
    assert_eq!(everything(&Disk::open(folder.path()).unwrap()).len(), 4);
}

#[test]
fn a_snapshot_that_was_being_written_when_the_process_ended_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    for turn in 0..2 {
        Disk::open(folder.path())
            .unwrap()
            .commit(put(&number(turn), b"kept"))
            .unwrap();
    }
    let half = folder.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&half, b"half a snapshot").unwrap();
    assert_eq!(everything(&Disk::open(folder.path()).unwrap()).len(), 2);
    assert!(!half.exists());
}

#[test]
fn a_new_folder_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("place").join("store");
    Disk::open(&deep).unwrap();
    assert_eq!(fs::metadata(&deep).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn the_files_are_their_owners_alone_in_whatever_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    Disk::open(folder.path()).unwrap().commit(put(b"a", b"1")).unwrap();
    let files = ["db", "mark"].map(|name| folder.path().join(name));
    for file in files.into_iter().chain(journal(folder.path())) {
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    let opened = Disk::open(&folder.path().join("file"));
    assert!(
        matches!(
            opened,
            Err(Error::Engine {
                doing: "make its folder",
                ..
            })
        ),
        "{:?}",
        opened.err()
    );
}
