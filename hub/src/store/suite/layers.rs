//! That what is read is the same wherever a row lies: in sled, in what is being settled, or in what was just committed.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::{Pairs, everything, keys, scanned, settle::watched_at_rest, small};
use crate::store::{Batch, Disk, Memory, Read, Store, disk::Step};

/// What a scan visits until it has visited so many.
fn first(read: &dyn Read, count: usize) -> Pairs {
    let mut found = Pairs::new();
    read.scan(&[], &[u8::MAX; 9], &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        if found.len() == count {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    found
}

#[test]
fn a_row_hides_those_under_it_in_every_layer() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, gate) = watched_at_rest(folder.path(), small(1));
    let memory = Memory::new();
    // Each key is the story of itself: in sled, the old layer and the young one, it is untouched, put or deleted.
    let stories: Vec<[u8; 3]> = (0..27).map(|n| [n / 9, n / 3 % 3, n % 3]).collect();
    let layer = |layer: usize| -> Batch {
        let told = stories.iter().filter(|story| story[layer] > 0);
        let value = |story: &[u8; 3]| (story[layer] == 1).then(|| vec![u8::try_from(layer).unwrap(); 5]);
        told.map(|story| (story.as_slice().into(), value(story))).collect()
    };
    let commit = |rows: usize| {
        disk.commit(layer(rows)).unwrap();
        memory.commit(layer(rows)).unwrap();
    };
    commit(0);
    commit(1);
    gate.through(&disk);
    commit(2);
    assert_eq!(
        gate.step(),
        Step::Began,
        "the second is being settled, and the third is young"
    );
    assert_eq!(everything(&memory).len(), 9 + 3 + 1);
    assert_eq!(everything(&disk), everything(&memory));
    for from in &stories {
        assert_eq!(disk.get(from).unwrap(), memory.get(from).unwrap());
        assert_eq!(scanned(&disk, from, &[2]), scanned(&memory, from, &[2]));
        for to in &stories {
            assert_eq!(scanned(&disk, from, to), scanned(&memory, from, to));
        }
    }
    for count in 1..15 {
        assert_eq!(first(&disk, count), first(&memory, count));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is committed, scanned, closed and opened in whatever order, and however far the settling has come.
    #[test]
    fn the_layers_cannot_be_told_from_one_map(
        turns in prop::collection::vec(
            (
                prop::collection::btree_map(
                    keys().prop_map_into(),
                    prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
                    0..12,
                ),
                keys(),
                keys(),
                0_u8..12,
            ),
            1..40,
        ),
        commits in 1_u64..15,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::new();
        let mut disk = Disk::open_at(folder.path(), small(commits)).unwrap();
        for (rows, from, to, next) in turns {
            memory.commit(rows.clone()).unwrap();
            disk.commit(rows.clone()).unwrap();
            prop_assert_eq!(scanned(&disk, &from, &to), scanned(&memory, &from, &to));
            prop_assert_eq!(first(&disk, usize::from(next)), first(&memory, usize::from(next)));
            for key in rows.keys().map(|key| key.as_slice()).chain([from.as_slice(), &to]) {
                prop_assert_eq!(disk.get(key).unwrap(), memory.get(key).unwrap());
            }
            match next {
                0 => {
                    drop(disk);
                    disk = Disk::open_at(folder.path(), small(commits)).unwrap();
                }
                1 => disk.rest().unwrap(),
                _ => {}
            }
            prop_assert_eq!(everything(&disk), everything(&memory));
        }
    }
}
