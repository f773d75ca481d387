//! That a store which knows the keys of a table reads as one that does not, and looks for no key that is not there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use parking_lot::Mutex;
use proptest::prelude::*;

use super::{Peeking, batch, put, small};
use crate::store::{Batch, Counted, Disk, Fault, Memory, Read as _, Store};

fn knowing(store: Arc<dyn Store>) -> Counted {
    Counted::new(store, |_| None).knowing(b"s")
}

/// Has it learn all there is.
fn learn(counted: &Counted) {
    while counted.learn(2).unwrap() {}
}

#[test]
fn what_is_not_there_is_looked_for_until_all_that_is_there_is_known() {
    let memory = Arc::new(Memory::new());
    for key in [b"r1", b"s1", b"s2", b"s3", b"t1"] {
        memory.commit(put(key, b"value")).unwrap();
    }
    let counted = knowing(memory.clone());
    let asks = |key: &[u8]| {
        let before = memory.operations().gets;
        assert_eq!(counted.get(key).unwrap(), memory.get(key).unwrap());
        memory.operations().gets - before - 1
    };
    assert_eq!(asks(b"s-none"), 1);
    assert!(counted.learn(0).unwrap(), "none of three");
    assert!(counted.learn(2).unwrap(), "two of three");
    assert_eq!(asks(b"s-none"), 1);
    assert!(!counted.learn(2).unwrap());
    assert_eq!(asks(b"s-none"), 0);
    assert_eq!([asks(b"s1"), asks(b"s2"), asks(b"s3")], [1; 3]);
    assert_eq!(
        [asks(b"r-none"), asks(b"t-none")],
        [1; 2],
        "of other tables nothing is known"
    );
    assert!(!counted.learn(2).unwrap(), "it is over");
    counted.commit(put(b"s-none", b"new")).unwrap();
    assert_eq!(asks(b"s-none"), 1);
    counted.commit(batch([(b"s-gone".as_slice(), None)])).unwrap();
    assert_eq!(asks(b"s-gone"), 0, "a key that is taken away is not there");
}

#[test]
fn a_table_that_cannot_be_read_to_its_end_is_not_known() {
    let memory = Arc::new(Memory::new());
    for key in [b"s1", b"s2", b"s3", b"s4"] {
        memory.commit(put(key, b"value")).unwrap();
    }
    let counted = knowing(memory.clone());
    memory.fail(Fault::Scan { skip: 1 });
    assert!(counted.learn(1).unwrap());
    counted.learn(9).unwrap_err();
    for key in [b"s1", b"s2", b"s3", b"s4"] {
        assert!(counted.get(key).unwrap().is_some());
    }
    learn(&counted);
    for key in [b"s1", b"s2", b"s3", b"s4"] {
        assert!(counted.get(key).unwrap().is_some());
    }
}

#[test]
fn what_is_committed_is_found_from_the_moment_when_it_is_there() {
    let peeking = Arc::new(Peeking::default());
    let counted = Arc::new(knowing(peeking.clone()));
    learn(&counted);
    let (same, found) = (Arc::downgrade(&counted), Arc::new(Mutex::new(None)));
    let told = found.clone();
    peeking.look(move |there| {
        if let Some(counted) = same.upgrade().filter(|_| there) {
            *told.lock() = counted.get(b"s1").unwrap();
        }
    });
    assert_eq!(counted.get(b"s1").unwrap(), None);
    counted.commit(put(b"s1", b"value")).unwrap();
    assert_eq!(*found.lock(), Some(b"value".to_vec()), "before anybody is told");
}

#[test]
fn what_is_committed_while_it_learns_is_found_by_whoever_is_told_of_it() {
    const BEFORE: u32 = 3000;
    const ALL: u32 = 3300;
    // As hashes are: what is new comes before and behind where it has got to.
    let key = |number: u32| [b"s", &number.wrapping_mul(0x9E37_79B9).to_be_bytes()[..]].concat();
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::open_at(folder.path(), small(40)).unwrap());
    let first: Batch = (0..BEFORE)
        .map(|number| (key(number).as_slice().into(), Some(vec![1])))
        .collect();
    disk.commit(first).unwrap();
    let counted = knowing(disk);
    let told = AtomicU32::new(BEFORE);
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in BEFORE..ALL {
                counted.commit(put(&key(number), b"value")).unwrap();
                told.store(number + 1, Ordering::Release);
            }
        });
        let learning = scope.spawn(|| while counted.learn(1).unwrap() {});
        let mut at = 0_u32;
        while !(writing.is_finished() && learning.is_finished()) {
            let there = told.load(Ordering::Acquire);
            for number in [at.wrapping_mul(0x85EB_CA6B) % there, there - 1] {
                assert!(counted.get(&key(number)).unwrap().is_some(), "{number} of {there}");
            }
            at += 1;
        }
    });
    assert!((0..ALL).all(|number| counted.get(&key(number)).unwrap().is_some()));
    assert_eq!(counted.get(&key(ALL)).unwrap(), None);
}

proptest! {
    /// Whatever is committed, and however far it has learnt.
    #[test]
    fn a_store_that_knows_its_keys_cannot_be_told_from_one_that_does_not(
        turns in prop::collection::vec(
            (
                prop::collection::btree_map((0_u8..3, 0_u8..9), any::<bool>(), 0..4),
                0..4_usize,
            ),
            1..12,
        ),
    ) {
        let (memory, model) = (Arc::new(Memory::new()), Memory::new());
        let key = |(table, number): (u8, u8)| vec![b'r' + table, number];
        let mut counted = knowing(memory.clone());
        for (writes, most) in turns {
            let writes: Batch = writes
                .into_iter()
                .map(|(at, puts)| (key(at).as_slice().into(), puts.then(|| vec![7])))
                .collect();
            counted.commit(writes.clone()).unwrap();
            model.commit(writes).unwrap();
            match most {
                0 => counted = knowing(memory.clone()),
                most => drop(counted.learn(most).unwrap()),
            }
            for at in (0..3).flat_map(|table| (0..10).map(move |number| (table, number))) {
                prop_assert_eq!(counted.get(&key(at)).unwrap(), model.get(&key(at)).unwrap());
            }
        }
    }
}
