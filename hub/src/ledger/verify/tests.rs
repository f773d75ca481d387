//! Every class of stored bytes is changed, and every change must be reported.

use std::{convert::Infallible, ops::ControlFlow};

use super::*;
use crate::{
    ledger::{
        Checkpoint, Entry, NoteInvalid, Signer, VerifierKey, read, samples, stored,
        tree::{Hash, leaf_hash, root_of},
    },
    store::{Read, Txn, scan_prefix},
    tables,
};

/// Two subtrees of sixteen entries, and five entries more.
const COUNT: u8 = 37;

fn key() -> VerifierKey {
    samples::signer(1).verifier_key().clone()
}

fn rows(read: &dyn Read, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    scan_prefix(read, prefix, &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })
    .unwrap();
    rows
}

fn bytes(read: &dyn Read) -> Vec<Vec<u8>> {
    read::export(read, 0, 1000)
        .unwrap()
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect()
}

fn check_bytes(entries: Vec<Vec<u8>>, checkpoint: &str, key: &VerifierKey) -> Result<Verified, Fault> {
    verify(
        entries.into_iter().map(Ok::<_, Infallible>),
        &Evidence::of(checkpoint),
        key,
    )
}

/// Changes a good store and returns what is found.
fn tampered(change: impl FnOnce(&mut Txn<'_>)) -> Result<Verified, Fault> {
    let good = samples::many(COUNT);
    let mut txn = Txn::new(&good);
    change(&mut txn);
    verify_stored(&txn, &key())
}

/// Flips a bit in every byte of the value under `row`, in turn, and requires a fault each time.
fn check_flips(row: &[u8], expected: impl Fn(&Fault) -> bool) {
    let good = samples::many(COUNT);
    let value = good.get(row).unwrap().unwrap();
    assert!(!value.is_empty());
    for place in 0..value.len() {
        let mut other = value.clone();
        other[place] ^= 1;
        let mut txn = Txn::new(&good);
        txn.put(row.to_vec(), other);
        let fault = verify_stored(&txn, &key()).unwrap_err();
        assert!(expected(&fault), "byte {place}: {fault}");
    }
}

#[test]
fn a_good_ledger_is_verified_from_its_bytes_and_from_its_store() {
    for count in 1..=COUNT {
        let txn = samples::many(count);
        let checkpoint = read::checkpoint(&txn).unwrap().unwrap();
        let verified = check_bytes(bytes(&txn), &checkpoint, &key()).unwrap();
        assert_eq!(verified.size, u64::from(count));
        assert_eq!(verified.first_at, Some(samples::at(0)));
        assert_eq!(verified.last_at, Some(samples::at(i64::from(count) - 1)));
        assert_eq!(verify_stored(&txn, &key()).unwrap(), verified);
    }
}

#[test]
fn an_empty_store_is_an_empty_ledger() {
    let verified = verify_stored(&samples::Nothing, &key()).unwrap();
    assert_eq!((verified.size, verified.first_at), (0, None));
}

#[test]
fn a_flipped_byte_in_any_entry_names_it_or_the_few_among_which_it_is() {
    for number in [0, 7, 15, 16, 31, 32, 36] {
        check_flips(&stored::entry_key(number), |fault| match fault {
            Fault::Node { first, last, .. } => *last - *first == 15 && (*first..=*last).contains(&number),
            Fault::Tail { size } => *size == u64::from(COUNT) && number >= 32,
            Fault::BackInTime { number: named } => *named == number || *named == number + 1,
            other => other.number() == Some(number),
        });
    }
}

#[test]
fn a_flipped_byte_in_any_stored_hash_is_reported() {
    let nodes = rows(&samples::many(COUNT), &[tables::LEDGER_NODE]);
    assert_eq!(nodes.len(), 2, "one for every sixteen entries");
    for (row, _) in nodes {
        check_flips(&row, |fault| matches!(fault, Fault::Node { .. }));
    }
}

#[test]
fn every_fourth_level_has_the_hashes_of_its_whole_subtrees_and_the_others_none() {
    let txn = samples::filled((0..600).map(|n| {
        let entry = Entry {
            at: samples::at(n),
            ..samples::pushed()
        };
        (entry, vec![])
    }));
    let leaves: Vec<_> = bytes(&txn).iter().map(|entry| leaf_hash(entry)).collect();
    let whole = |level: u8| leaves.chunks_exact(1 << level).map(root_of);
    let expected: Vec<_> = [4, 8]
        .into_iter()
        .flat_map(|level| {
            (0..)
                .zip(whole(level))
                .map(move |(index, hash)| (stored::node_key(level, index), hash.to_vec()))
        })
        .collect();
    assert_eq!(rows(&txn, &[tables::LEDGER_NODE]), expected);
    let mut changed = Txn::new(&txn);
    changed.put(stored::node_key(8, 1), vec![0; 32]);
    let fault = verify_stored(&changed, &key()).unwrap_err();
    assert!(
        matches!(
            fault,
            Fault::Node {
                first: 256,
                last: 511,
                level: 8,
                index: 1
            }
        ),
        "{fault}"
    );
}

#[test]
fn a_flipped_byte_in_the_tail_is_reported() {
    check_flips(&stored::tail_key(), |fault| {
        matches!(fault, Fault::Tail { size: 37 } | Fault::Missing { number: 37 })
    });
}

#[test]
fn a_flipped_byte_in_the_checkpoint_is_reported() {
    check_flips(&stored::checkpoint_key(), |fault| {
        matches!(fault, Fault::Checkpoint(_) | Fault::Source { .. })
    });
}

#[test]
fn a_dropped_row_of_any_class_is_reported() {
    let good = samples::many(COUNT);
    for prefix in [tables::LEDGER_ENTRY, tables::LEDGER_NODE, tables::SINGLE] {
        for (row, _) in rows(&good, &[prefix]) {
            assert!(tampered(|txn| txn.delete(row.clone())).is_err(), "{row:?}");
        }
    }
    let fault = tampered(|txn| txn.delete(stored::entry_key(5))).unwrap_err();
    assert!(matches!(fault, Fault::Missing { number: 5 }), "{fault}");
    let fault = tampered(|txn| txn.delete(stored::entry_key(36))).unwrap_err();
    assert!(matches!(fault, Fault::Missing { number: 36 }), "{fault}");
    let fault = tampered(|txn| txn.delete(stored::tail_key())).unwrap_err();
    assert!(matches!(fault, Fault::Tail { size: 37 }), "{fault}");
    let fault = tampered(|txn| txn.delete(stored::checkpoint_key())).unwrap_err();
    assert!(matches!(fault, Fault::Surplus { number: 0 }), "{fault}");
}

#[test]
fn an_added_row_of_any_class_is_reported() {
    let entry = samples::many(1).get(&stored::entry_key(0)).unwrap().unwrap();
    for (row, value) in [
        (stored::entry_key(37), entry.clone()),
        (stored::entry_key(u64::MAX), entry.clone()),
        ([stored::entry_key(3), vec![0]].concat(), entry),
        (stored::node_key(0, 13), vec![0; 32]),
        (stored::node_key(4, 2), vec![0; 32]),
        (stored::node_key(8, 0), vec![0; 32]),
        (stored::node_key(64, 0), vec![0; 32]),
        (vec![tables::LEDGER_NODE], vec![]),
        (stored::subject_key(&samples::subject(1), 37), vec![]),
        (stored::subject_key(&samples::subject(1), 1), vec![0]),
        (vec![tables::LEDGER_SUBJECT, 1], vec![]),
    ] {
        assert!(tampered(|txn| txn.put(row.clone(), value)).is_err(), "{row:?}");
    }
}

#[test]
fn two_swapped_entries_are_reported_even_if_their_times_allow_it() {
    let fault = tampered(|txn| {
        let (a, b) = (
            txn.get(&stored::entry_key(4)).unwrap(),
            txn.get(&stored::entry_key(7)).unwrap(),
        );
        txn.put(stored::entry_key(4), b.unwrap());
        txn.put(stored::entry_key(7), a.unwrap());
    })
    .unwrap_err();
    assert_eq!(
        fault.number(),
        Some(5),
        "the entry after the later one goes back in time: {fault}"
    );

    let same_time = |entry| {
        (
            Entry {
                at: samples::at(0),
                ..entry
            },
            vec![],
        )
    };
    let txn = samples::filled([samples::pushed(), samples::allowed(), samples::refused()].map(same_time));
    let checkpoint = read::checkpoint(&txn).unwrap().unwrap();
    let mut entries = bytes(&txn);
    entries.swap(1, 2);
    assert!(matches!(check_bytes(entries, &checkpoint, &key()), Err(Fault::Root)));
}

#[test]
fn a_ledger_rewritten_with_all_its_hashes_lacks_only_the_signature() {
    let mut forged = samples::many(COUNT);
    let entries = (0..COUNT).map(|n| {
        (
            Entry {
                at: samples::at(n.into()),
                ..samples::refused()
            },
            vec![],
        )
    });
    for (row, value) in rows(&samples::filled(entries), &[]) {
        forged.put(row, value);
    }
    assert!(
        verify_stored(&forged, &key()).is_ok(),
        "the owner of the key can fork; that is what witnesses are for"
    );
    let honest = read::checkpoint(&samples::many(COUNT)).unwrap().unwrap();
    forged.put(stored::checkpoint_key(), honest.into_bytes());
    assert!(matches!(verify_stored(&forged, &key()), Err(Fault::Root)));
    let thief = samples::signer(2);
    let root = verify_root(&forged);
    forged.put(
        stored::checkpoint_key(),
        Checkpoint::sign(&thief, COUNT.into(), &root).into_bytes(),
    );
    assert!(matches!(
        verify_stored(&forged, &key()),
        Err(Fault::Checkpoint(NoteInvalid::Unsigned))
    ));
}

fn verify_root(read: &dyn Read) -> Hash {
    stored::Tail::load(read).unwrap().frontier.root()
}

#[test]
fn bytes_that_are_not_what_was_signed_are_reported_with_the_first_wrong_entry() {
    let txn = samples::many(COUNT);
    let checkpoint = read::checkpoint(&txn).unwrap().unwrap();
    let good = bytes(&txn);
    let check = |change: &dyn Fn(&mut Vec<Vec<u8>>), expected: Option<u64>| {
        let mut entries = good.clone();
        change(&mut entries);
        let fault = check_bytes(entries, &checkpoint, &key()).unwrap_err();
        assert_eq!(fault.number(), expected, "{fault}");
    };
    check(&|entries| entries.truncate(36), Some(36));
    check(&|entries| entries.clear(), Some(0));
    check(&|entries| entries.push(good[36].clone()), Some(37));
    check(&|entries| entries[3].push(b'\n'), Some(3));
    check(&|entries| entries[3] = b"{}".to_vec(), Some(3));
    check(&|entries| entries.swap(3, 4), Some(4));
    check(&|entries| entries.swap(0, 12), Some(1));
    check(&|entries| entries[3] = entries[2].clone(), None);
}

#[test]
fn a_checkpoint_of_another_key_or_origin_is_reported() {
    let txn = samples::many(3);
    let root = verify_root(&txn);
    let elsewhere = Signer::from_pkcs8("hub.elsewhere.sample", &samples::pkcs8(1)).unwrap();
    for signer in [samples::signer(2), elsewhere] {
        let note = Checkpoint::sign(&signer, 3, &root);
        assert!(matches!(
            check_bytes(bytes(&txn), &note, &key()),
            Err(Fault::Checkpoint(_))
        ));
    }
}

#[test]
fn a_source_that_fails_is_reported_with_the_entry_it_failed_at() {
    let txn = samples::many(3);
    let checkpoint = read::checkpoint(&txn).unwrap().unwrap();
    let entries = bytes(&txn).into_iter().take(2).map(Ok).chain([Err("the line was cut")]);
    let fault = verify(entries, &Evidence::of(&checkpoint), &key()).unwrap_err();
    assert!(matches!(fault, Fault::Source { number: 2, .. }), "{fault}");
}
