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
    check_rows(entries.into_iter().map(Row::alone), checkpoint, key)
}

fn check_rows(rows: impl Iterator<Item = Row>, checkpoint: &str, key: &VerifierKey) -> Result<Verified, Fault> {
    verify(rows.map(Ok::<_, Infallible>), &Evidence::of(checkpoint), key)
}

/// Changes a good store and returns what is found.
fn tampered(change: impl FnOnce(&mut Txn<'_>)) -> Result<Verified, Fault> {
    let good = samples::single(COUNT);
    let mut txn = Txn::new(&good);
    change(&mut txn);
    verify_stored(&txn, &key())
}

/// Flips a bit in every byte of the value under `row`, in turn, and requires a fault each time.
fn check_flips(row: &[u8], expected: impl Fn(&Fault) -> bool) {
    let good = samples::single(COUNT);
    let value = good.get(row).unwrap().unwrap();
    assert!(!value.is_empty());
    for place in 0..value.len() {
        let mut other = value.clone();
        other[place] ^= 1;
        let mut txn = Txn::new(&good);
        txn.put(row, other);
        let fault = verify_stored(&txn, &key()).unwrap_err();
        assert!(expected(&fault), "byte {place}: {fault}");
    }
}

#[test]
fn a_good_ledger_is_verified_from_its_bytes_and_from_its_store() {
    for count in 1..=COUNT {
        let txn = samples::single(count);
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
fn a_flipped_byte_in_any_entry_names_that_entry() {
    for number in [0, 7, 15, 16, 31, 32, 36] {
        check_flips(
            &stored::entry_key(number),
            |fault| matches!(fault, Fault::Changed { number: named } if *named == number),
        );
    }
}

#[test]
fn a_flipped_byte_in_any_row_of_hashes_names_the_entry_whose_hash_it_is() {
    let nodes = rows(&samples::single(COUNT), &[tables::LEDGER_NODE]);
    assert_eq!(nodes.len(), 2, "one for every sixteen entries");
    for (index, (row, value)) in (0..).zip(nodes) {
        assert_eq!(value.len(), 16 * 32);
        let named = |fault: &Fault| match fault {
            Fault::Kept { number } => Some(*number),
            _ => None,
        };
        check_flips(&row, |fault| named(fault).is_some_and(|number| number / 16 == index));
        let third = tampered(|txn| {
            let mut other = value.clone();
            other[3 * 32 + 5] ^= 1;
            txn.put(row.clone(), other);
        });
        assert_eq!(named(&third.unwrap_err()), Some(16 * index + 3));
        let short = tampered(|txn| txn.put(row.clone(), value[1..].to_vec()));
        assert_eq!(named(&short.unwrap_err()), Some(16 * index));
    }
}

#[test]
fn an_entry_that_was_changed_with_its_hash_is_narrowed_down_as_far_as_higher_hashes_allow() {
    let change = |count: u16, number: u64| {
        let good = samples::filled((0..count).map(|n| (samples::pushed(), vec![[0; 16]; usize::from(n % 2)])));
        let mut txn = Txn::new(&good);
        let other = Entry {
            at: samples::at(0),
            ..samples::refused()
        };
        let other = other.encode().unwrap();
        let row = stored::node_key(4, number / 16);
        let mut hashes = txn.get(&row).unwrap().unwrap();
        hashes[stored::place(number) * 32..][..32].copy_from_slice(&leaf_hash(&other));
        txn.put(stored::entry_key(number), other);
        txn.put(row, hashes);
        verify_stored(&txn, &key()).unwrap_err().among()
    };
    assert_eq!(change(260, 100), Some((96, 111)));
    assert_eq!(change(40, 20), Some((0, 39)), "no higher hash stands over these");
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
    let whole = |level: u8| leaves.chunks_exact(1 << level).map(root_of).collect::<Vec<_>>();
    let expected: Vec<_> = [4, 8]
        .into_iter()
        .flat_map(|level| {
            let below = whole(level - 4);
            let full = below.chunks_exact(16).map(|hashes| hashes.concat());
            let keyed = (0..)
                .zip(full)
                .map(|(index, row)| (stored::node_key(level, index), row));
            keyed.collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(rows(&txn, &[tables::LEDGER_NODE]), expected);
    let mut changed = Txn::new(&txn);
    let mut row = txn.get(&stored::node_key(8, 1)).unwrap().unwrap();
    row[2 * 32] ^= 1;
    changed.put(stored::node_key(8, 1), row);
    let fault = verify_stored(&changed, &key()).unwrap_err();
    assert!(
        matches!(
            fault,
            Fault::Node {
                first: 288,
                last: 303,
                level: 4,
                index: 18
            }
        ),
        "{fault}"
    );
}

#[test]
fn a_flipped_byte_in_the_tail_is_reported() {
    check_flips(&stored::tail_key(), |fault| {
        matches!(
            fault,
            Fault::Tail { size: 37 } | Fault::Missing { number: 37 } | Fault::Kept { number: 32..37 }
        )
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
    let good = samples::single(COUNT);
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
    let entry = samples::single(1).get(&stored::entry_key(0)).unwrap().unwrap();
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
        (vec![tables::LEDGER_WAITING, 1], vec![]),
        (
            vec![tables::LEDGER_WAITING, 1],
            [vec![1; 16], 37_u64.to_be_bytes().to_vec()].concat(),
        ),
    ] {
        assert!(tampered(|txn| txn.put(row.clone(), value)).is_err(), "{row:?}");
    }
}

#[test]
fn of_two_swapped_entries_the_first_is_named_whatever_their_times() {
    for (a, b) in [(4, 7), (0, 36), (15, 16), (33, 34)] {
        let fault = tampered(|txn| {
            let (first, second) = (stored::entry_key(a), stored::entry_key(b));
            let (one, other) = (txn.get(&first).unwrap(), txn.get(&second).unwrap());
            txn.put(first, other.unwrap());
            txn.put(second, one.unwrap());
        })
        .unwrap_err();
        assert!(matches!(fault, Fault::Changed { number } if number == a), "{fault}");
    }
    let same_time = |entry| {
        let at = samples::at(0);
        (Entry { at, ..entry }, vec![])
    };
    let txn = samples::filled([samples::pushed(), samples::allowed(), samples::refused()].map(same_time));
    let checkpoint = read::checkpoint(&txn).unwrap().unwrap();
    let mut entries = bytes(&txn);
    entries.swap(1, 2);
    let fault = check_bytes(entries, &checkpoint, &key()).unwrap_err();
    assert_eq!(
        (fault.number(), fault.among()),
        (None, Some((0, 2))),
        "without kept hashes"
    );
}

#[test]
fn a_dropped_tail_and_an_older_copy_are_told_apart_from_a_good_ledger() {
    let good = samples::single(COUNT);
    for from in [36, 32, 20, 5] {
        let fault = tampered(|txn| (from..COUNT.into()).for_each(|number| txn.delete(stored::entry_key(number))));
        assert!(matches!(fault.unwrap_err(), Fault::Missing { number } if number == from));
    }
    // A part of the rows is put back to what they were.
    let old = samples::single(30);
    let put_back = |part: &[Vec<u8>]| {
        let mut txn = Txn::new(&good);
        for row in part {
            txn.put(row.clone(), old.get(row).unwrap().unwrap());
        }
        verify_stored(&txn, &key()).unwrap_err()
    };
    put_back(&[stored::tail_key()]);
    let older = put_back(&[stored::checkpoint_key()]);
    assert!(matches!(older, Fault::Surplus { number: 30 }), "{older}");
    let both = put_back(&[stored::tail_key(), stored::checkpoint_key()]);
    assert!(matches!(both, Fault::Surplus { number: 30 }), "{both}");
    // Put back as a whole it is a good ledger, but for whoever kept a head.
    let kept = [read::checkpoint(&good).unwrap().unwrap()];
    let checkpoint = read::checkpoint(&old).unwrap().unwrap();
    assert!(verify_stored(&old, &key()).is_ok());
    let evidence = Evidence {
        earlier: &kept,
        ..Evidence::of(&checkpoint)
    };
    let rows = bytes(&old)
        .into_iter()
        .map(|entry| Ok::<_, Infallible>(Row::alone(entry)));
    let fault = verify(rows, &evidence, &key()).unwrap_err();
    assert!(matches!(fault, Fault::Missing { number: 30 }), "{fault}");
}

#[test]
fn a_ledger_rewritten_with_all_its_hashes_lacks_only_the_signature() {
    let mut forged = samples::single(COUNT);
    let entries = (0..COUNT).map(|n| {
        (
            Entry {
                at: samples::at(n.into()),
                practitioner: String::new(),
                ..samples::refused()
            },
            vec![],
        )
    });
    for (row, value) in rows(&samples::filled(entries), &[]) {
        forged.put(row, value);
    }
    // The owner of the key can fork: that is what witnesses are for.
    assert!(verify_stored(&forged, &key()).is_ok());
    let honest = read::checkpoint(&samples::single(COUNT)).unwrap().unwrap();
    forged.put(stored::checkpoint_key(), honest.into_bytes());
    let fault = verify_stored(&forged, &key()).unwrap_err();
    assert_eq!(fault.among(), Some((0, 36)), "{fault}");
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
    let txn = samples::single(COUNT);
    let checkpoint = read::checkpoint(&txn).unwrap().unwrap();
    let good = bytes(&txn);
    let kept = read::kept(&txn, 0..COUNT.into()).unwrap();
    let check = |change: &dyn Fn(&mut Vec<Vec<u8>>), expected: u64| {
        let mut entries = good.clone();
        change(&mut entries);
        let row = |at: usize| Row {
            entry: entries.get(at).cloned(),
            kept: kept.get(at).copied(),
        };
        let rows = (0..entries.len().max(kept.len())).map(row);
        let fault = check_rows(rows, &checkpoint, &key()).unwrap_err();
        assert_eq!(fault.number(), Some(expected), "{fault}");
    };
    check(&|entries| entries.truncate(36), 36);
    check(&|entries| entries.clear(), 0);
    check(&|entries| entries.push(good[36].clone()), 37);
    check(&|entries| entries[3].push(b'\n'), 3);
    check(&|entries| entries[3] = b"{}".to_vec(), 3);
    check(&|entries| entries.swap(3, 4), 3);
    check(&|entries| entries.swap(0, 12), 0);
    check(&|entries| entries[3] = entries[2].clone(), 3);
}

#[test]
fn a_checkpoint_of_another_key_or_origin_is_reported() {
    let txn = samples::single(3);
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
    let txn = samples::single(3);
    let checkpoint = read::checkpoint(&txn).unwrap().unwrap();
    let rows = bytes(&txn).into_iter().map(|entry| Ok(Row::alone(entry)));
    let fault = verify(
        rows.take(2).chain([Err("the line was cut")]),
        &Evidence::of(&checkpoint),
        &key(),
    )
    .unwrap_err();
    assert!(matches!(fault, Fault::Source { number: 2, .. }), "{fault}");
}
