//! That what the disk store says is durable is in the one file that it syncs, whatever happens to the process.

use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use super::{everything, put};
use crate::store::{Batch, Disk, Error, KEY_CAP, Read, Store, VALUE_CAP};

/// What a folder would hold if the power went now and only what a commit syncs had reached the disk: sled's log, and its
/// settings, which were synced when the store was opened.
fn after_power_loss(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["db", "conf"] {
        fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

/// What a folder would hold if the process had been killed now.
fn after_crash(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("blobs")).unwrap();
    for file in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    copy
}

fn number(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

#[test]
fn every_commit_syncs_and_is_then_in_the_log_alone() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    for turn in 0..20 {
        let syncs = disk.syncs();
        disk.commit(Batch::from([
            (number(turn), Some(vec![1; 3000])),
            (number(turn / 2), None),
        ]))
        .unwrap();
        assert_eq!(disk.syncs(), syncs + 1);
        let copy = after_power_loss(folder.path());
        assert_eq!(
            everything(&Disk::open(copy.path()).unwrap()),
            everything(&disk),
            "after {turn}"
        );
    }
}

#[test]
fn the_log_that_is_synced_is_the_one_that_is_written_and_no_blob_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
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
            batch.insert(key, (!deletes).then(|| vec![(random >> 50) as u8; VALUE_CAP]));
        }
        disk.commit(batch).unwrap();
        assert_eq!(
            fs::read_dir(folder.path().join("blobs")).unwrap().count(),
            0,
            "after {turn}"
        );
    }
    assert_eq!(disk.syncs(), 120);

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

    let copy = after_power_loss(folder.path());
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
fn a_batch_whose_writing_was_cut_short_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    disk.commit(put(b"a", b"kept")).unwrap();
    let kept = fs::metadata(folder.path().join("db")).unwrap().len();
    disk.commit(Batch::from([
        (b"b".to_vec(), Some(vec![1; 9000])),
        (b"c".to_vec(), Some(vec![2; 9000])),
    ]))
    .unwrap();
    let written = fs::metadata(folder.path().join("db")).unwrap().len();
    assert!(written > kept);
    for lost in [1, 20, 500, 9000, 12_000, 18_000] {
        let copy = after_power_loss(folder.path());
        let log = fs::File::options().write(true).open(copy.path().join("db")).unwrap();
        log.set_len(written - lost).unwrap();
        let restarted = Disk::open(copy.path()).unwrap();
        let held = everything(&restarted).len();
        assert!(
            held == 1 || held == 3 && lost < 500,
            "with {lost} bytes lost, {held} of 3 are there"
        );
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

#[test]
fn a_spoilt_store_never_passes_for_a_sound_one() {
    let folder = tempfile::tempdir().unwrap();
    let keys = 600;
    for turn in 0..3 {
        let disk = Disk::open(folder.path()).unwrap();
        disk.commit(
            (0..keys / 3)
                .map(|key| (number(key * 3 + turn), Some(vec![5; 100])))
                .collect(),
        )
        .unwrap();
    }
    let sound = after_crash(folder.path());
    let mut refused = 0;
    for at in (0..400_000).step_by(9973) {
        let copy = after_crash(sound.path());
        let log = fs::File::options().write(true).open(copy.path().join("db")).unwrap();
        log.write_all_at(b"spoilt!!", at).unwrap();
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
fn a_store_that_lacks_its_last_commit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    disk.commit(put(b"a", b"1")).unwrap();
    let before = after_crash(folder.path());
    disk.commit(put(b"b", b"2")).unwrap();
    drop(disk);
    fs::copy(before.path().join("db"), folder.path().join("db")).unwrap();
    let opened = Disk::open(folder.path());
    assert!(
        matches!(opened, Err(Error::Damaged { .. })),
        "an older log: {:?}",
        opened.err()
    );
    drop(opened);
    fs::remove_file(folder.path().join("db")).unwrap();
    let opened = Disk::open(folder.path());
    assert!(
        matches!(opened, Err(Error::Damaged { .. })),
        "no log: {:?}",
        opened.err()
    );
}

#[test]
fn a_store_of_another_version_of_the_hub_is_refused_as_such() {
    let folder = tempfile::tempdir().unwrap();
    Disk::open(folder.path()).unwrap().commit(put(b"a", b"1")).unwrap();
    let change = |change: &dyn Fn(&sled::Db)| {
        let copy = after_crash(folder.path());
        let db = sled::Config::new()
            .path(copy.path())
            .segment_size(16 * 1024 * 1024)
            .open()
            .unwrap();
        change(&db);
        db.flush().unwrap();
        drop(db);
        let opened = Disk::open(copy.path());
        assert!(matches!(opened, Err(Error::Version { .. })), "{:?}", opened.err());
    };
    let last = [u8::MAX; KEY_CAP + 1];
    change(&|db| drop(db.insert(last, &[0, 0, 0, 0, 0, 0, 0, 1, 99]).unwrap()));
    change(&|db| {
        db.remove(last).unwrap();
        db.open_tree("commits").unwrap();
    });
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
