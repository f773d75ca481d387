//! A transaction reads as the store would if its writes had been committed.

use std::{collections::BTreeMap, ops::ControlFlow};

use proptest::prelude::*;

use super::{Pairs, everything, put, scanned};
use crate::store::{Batch, Fault, Memory, Read, Store, Txn};

#[test]
fn a_transaction_reads_its_own_writes_and_the_store_does_not() {
    let store = Memory::new();
    store.commit(put(b"old", b"1")).unwrap();
    let mut txn = Txn::new(&store);
    txn.put(b"new", b"2".to_vec());
    txn.delete(b"old");
    assert_eq!(txn.get(b"new").unwrap().as_deref(), Some(b"2".as_slice()));
    assert_eq!(txn.get(b"old").unwrap(), None);
    assert_eq!(everything(&txn), [(b"new".to_vec(), b"2".to_vec())]);
    assert_eq!(everything(&store), [(b"old".to_vec(), b"1".to_vec())]);
}

#[test]
fn a_key_of_up_to_48_bytes_lies_in_the_map_itself_whatever_room_it_was_made_in() {
    let store = Memory::new();
    let mut txn = Txn::new(&store);
    for length in [2, 48, 49] {
        let mut key = vec![length; 1000];
        key.truncate(length.into());
        txn.put(&key, vec![]);
        key.fill(0);
        txn.delete(key);
    }
    let spilled = txn.into_writes().into_keys().filter(|key| key.spilled());
    assert!(spilled.map(|key| key.len()).eq([49, 49]));
}

#[test]
fn what_is_taken_back_under_a_prefix_is_what_was_put_there_in_order_and_no_more() {
    let store = Memory::new();
    store.commit(put(b"p-old", b"0")).unwrap();
    let mut txn = Txn::new(&store);
    for (key, value) in [(b"p2", b"2"), (b"p1", b"1"), (b"o9", b"9"), (b"q0", b"0")] {
        txn.put(key, value.to_vec());
    }
    txn.delete(b"p-old");
    let row = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
    let taken: Pairs = txn
        .take_under(b"p")
        .into_iter()
        .map(|(key, value)| (key.into_vec(), value))
        .collect();
    assert_eq!(taken, [row(b"p1", b"1"), row(b"p2", b"2")]);
    assert_eq!(txn.take_under(b"p"), []);
    assert_eq!(
        everything(&txn),
        [row(b"o9", b"9"), row(b"q0", b"0")],
        "what was deleted stays so"
    );
}

#[test]
fn a_transaction_passes_on_what_fails_below_it() {
    let store = Memory::new();
    let mut txn = Txn::new(&store);
    txn.put(b"own", b"1".to_vec());
    store.fail(Fault::Get { skip: 0 });
    assert!(txn.get(b"own").is_ok(), "its own writes need no store");
    assert!(txn.get(b"other").is_err());
    store.fail(Fault::Scan { skip: 0 });
    assert!(txn.scan(b"", b"z", &mut |_, _| ControlFlow::Continue(())).is_err());
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0_u8..3, 0..4)
}

fn writes() -> impl Strategy<Value = Batch> {
    prop::collection::btree_map(
        key().prop_map_into(),
        prop::option::weighted(0.6, prop::collection::vec(any::<u8>(), 0..3)),
        0..20,
    )
}

fn write(txn: &mut Txn<'_>, writes: &Batch) {
    for (key, value) in writes {
        match value {
            Some(value) => txn.put(key.clone(), value.clone()),
            None => txn.delete(key.clone()),
        }
    }
}

/// What a scan visits until it has visited `most`, and that it visits nothing after that.
fn some(read: &dyn Read, from: &[u8], to: &[u8], most: usize) -> Pairs {
    let mut found = Pairs::new();
    read.scan(from, to, &mut |key, value| {
        assert!(found.len() < most, "visited after the break");
        found.push((key.to_vec(), value.to_vec()));
        if found.len() == most {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    found
}

proptest! {
    #[test]
    fn a_transaction_on_a_transaction_reads_like_one_map(
        base in writes(),
        lower in writes(),
        upper in writes(),
        (from, to) in (key(), key()),
        most in 1_usize..6,
    ) {
        let store = Memory::new();
        store.commit(base.clone()).unwrap();
        let mut below = Txn::new(&store);
        write(&mut below, &lower);
        let mut above = Txn::new(&below);
        write(&mut above, &upper);

        let mut model = BTreeMap::new();
        for (key, value) in base.iter().chain(&lower).chain(&upper) {
            match value {
                Some(value) => model.insert(key.to_vec(), value.clone()),
                None => model.remove(key.as_slice()),
            };
        }
        let expected: Pairs = model.clone().into_iter().filter(|(key, _)| *key >= from && *key < to).collect();

        prop_assert_eq!(scanned(&above, &from, &to), expected.clone());
        prop_assert_eq!(some(&above, &from, &to, most), expected.into_iter().take(most).collect::<Pairs>());
        prop_assert_eq!(above.get(&from).unwrap(), model.get(&from).cloned());

        let finished = above.finish();
        below.absorb(finished);
        let (batch, announced) = below.finish();
        prop_assert_eq!(announced, None);
        store.commit(batch).unwrap();
        prop_assert_eq!(everything(&store), model.into_iter().collect::<Pairs>());
    }
}
