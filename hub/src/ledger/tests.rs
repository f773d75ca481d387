//! The room as its callers see it, and that `FORMAT.md` shows what the code makes.

use std::convert::Infallible;

use jiff::Timestamp;
use placehub_ledger::proof::{check_consistency, check_inclusion};

use super::verify::{Fault, verify_stored};
use super::*;
use samples::{Nothing, at, filled, many, pushed, subject};

fn numbers(entries: Vec<read::Numbered>) -> Vec<u64> {
    entries.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn entries_are_numbered_from_zero_and_stored_as_they_are_encoded() {
    let (ledger, mut txn) = (samples::ledger(), Txn::new(&Nothing));
    for (number, entry) in samples::entries().into_iter().enumerate() {
        let bytes = entry.encode().unwrap();
        let entered = ledger.enter(&mut txn, entry, &[]).unwrap();
        assert_eq!(entered.number(), number as u64);
        assert_eq!(read::entry(&txn, entered.number()).unwrap(), Some(bytes));
    }
    assert_eq!(read::size(&txn).unwrap(), 3);
    assert_eq!(read::entry(&txn, 3).unwrap(), None);
}

#[test]
fn time_never_goes_back_and_is_cut_to_the_microsecond() {
    let (ledger, mut txn) = (samples::ledger(), Txn::new(&Nothing));
    let mut enter = |at: Timestamp| {
        let entered = ledger.enter(&mut txn, Entry { at, ..pushed() }, &[]).unwrap();
        let bytes = read::entry(&txn, entered.number()).unwrap().unwrap();
        Entry::parse(&bytes).unwrap().at
    };
    assert_eq!(enter(at(10)), at(10));
    assert_eq!(enter(at(5)), at(10));
    assert_eq!(enter(at(11) + jiff::Span::new().nanoseconds(999)), at(11));
    assert_eq!(enter(at(11)), at(11));
}

#[test]
fn an_entry_goes_on_from_what_is_stored_also_if_another_was_dropped_in_between() {
    let (ledger, mut txn) = (samples::ledger(), Txn::new(&Nothing));
    for number in 0..40 {
        let mut dropped = Txn::new(&txn);
        for further in 0..number % 3 {
            let entered = ledger.enter(&mut dropped, samples::refused(), &[]).unwrap();
            assert_eq!(entered.number(), number + further);
        }
        let entered = ledger.enter(&mut txn, Entry { at: at(1), ..pushed() }, &[]).unwrap();
        assert_eq!(entered.number(), number);
    }
    ledger.seal(&mut txn).unwrap();
    assert_eq!(
        verify::verify_stored(&txn, ledger.verifier_key()).unwrap().size,
        40,
        "the time, too, is that of the entries that stand"
    );
    let last = read::entry(&txn, 39).unwrap().unwrap();
    assert_eq!(Entry::parse(&last).unwrap().at, at(1));
}

#[test]
fn an_entry_that_contradicts_itself_leaves_the_ledger_as_it_was() {
    let mut txn = many(3);
    let unexplained = Entry::new(at(99), "ask");
    assert!(matches!(
        samples::ledger().enter(&mut txn, unexplained, &[subject(1)]),
        Err(Error::Entry(_))
    ));
    assert_eq!(read::size(&txn).unwrap(), 3);
    assert!(verify::verify_stored(&txn, samples::ledger().verifier_key()).is_ok());
}

#[test]
fn a_seal_speaks_for_every_entry_and_is_not_made_anew_without_need() {
    let (ledger, mut txn) = (samples::ledger(), Txn::new(&Nothing));
    ledger.seal(&mut txn).unwrap();
    assert_eq!(read::checkpoint(&txn).unwrap(), None);
    for size in 1..=5 {
        let _ = ledger.enter(&mut txn, pushed(), &[]).unwrap();
        ledger.seal(&mut txn).unwrap();
        let note = read::checkpoint(&txn).unwrap().unwrap();
        assert_eq!(Checkpoint::open(&note, ledger.verifier_key()).unwrap().size, size);
        let cosigned = format!("{note}— witness.sample AAAAAAA=\n");
        txn.put(stored::checkpoint_key(), cosigned.clone().into_bytes());
        ledger.seal(&mut txn).unwrap();
        assert_eq!(read::checkpoint(&txn).unwrap(), Some(cosigned));
    }
}

#[test]
fn a_rolled_back_or_forked_ledger_is_not_signed() {
    let stale = many(3);
    let ahead = read::checkpoint(&many(4)).unwrap().unwrap();
    let forked = filled([1, 2, 3].map(|n| {
        (
            Entry {
                at: at(n),
                ..samples::allowed()
            },
            vec![],
        )
    }));
    let forked = read::checkpoint(&forked).unwrap().unwrap();
    let other = Signer::from_pkcs8("hub.elsewhere.sample", &samples::pkcs8(1)).unwrap();
    let elsewhere = Checkpoint::sign(&other, 1, &[0; 32]);
    for note in [ahead, forked, elsewhere, "no note".into()] {
        let mut txn = Txn::new(&stale);
        txn.put(stored::checkpoint_key(), note.into_bytes());
        assert!(samples::ledger().seal(&mut txn).is_err());
    }
}

#[test]
fn a_ledger_is_handed_over_to_a_new_key_and_who_knows_the_old_one_can_follow() {
    let mut txn = many(3);
    let old = samples::ledger().verifier_key().clone();
    let ledger = samples::ledger()
        .hand_over(&mut txn, samples::signer(2), "test", at(98))
        .unwrap();
    let _ = ledger.enter(&mut txn, Entry { at: at(99), ..pushed() }, &[]).unwrap();
    ledger.seal(&mut txn).unwrap();
    for key in [&old, ledger.verifier_key()] {
        let verified = verify::verify_stored(&txn, key).unwrap();
        assert_eq!((verified.size, verified.rotations), (5, 1));
    }
    let handovers = read::handovers(&txn).unwrap();
    assert_eq!(handovers.len(), 1);
    txn.delete(stored::handover_key(4));
    let fault = verify::verify_stored(&txn, &old).unwrap_err();
    assert!(matches!(fault, verify::Fault::Handover { number: 3 }), "{fault}");
}

#[test]
fn a_ledger_is_handed_over_only_by_the_key_that_signed_it_and_to_another_of_its_name() {
    let mut txn = many(3);
    let before = read::size(&txn).unwrap();
    let try_over = |from: u8, to: Signer| {
        let mut attempt = Txn::new(&txn);
        Ledger::new(samples::signer(from))
            .hand_over(&mut attempt, to, "test", at(9))
            .is_err()
    };
    assert!(try_over(1, samples::signer(1)));
    assert!(try_over(2, samples::signer(3)));
    assert!(try_over(
        1,
        Signer::from_pkcs8("hub.elsewhere.sample", &samples::pkcs8(2)).unwrap()
    ));
    assert!(!try_over(1, samples::signer(2)));
    assert_eq!(read::size(&txn).unwrap(), before);
    txn.delete(stored::checkpoint_key());
}

#[test]
fn proofs_from_the_stored_rows_hold_for_every_entry_and_every_two_sizes() {
    let txn = many(70);
    let leaves = read::kept(&txn, 0..70).unwrap();
    let root = |size: u64| tree::root_of(&leaves[..usize::try_from(size).unwrap()]);
    for size in 1..=70 {
        for number in 0..size {
            let proof = read::prove_inclusion(&txn, number, size).unwrap();
            let leaf = leaves[usize::try_from(number).unwrap()];
            check_inclusion(number, size, &leaf, &proof, &root(size)).unwrap();
            let proof = read::prove_consistency(&txn, number + 1, size).unwrap();
            check_consistency((number + 1, &root(number + 1)), (size, &root(size)), &proof).unwrap();
        }
    }
    for beyond in [
        read::prove_inclusion(&txn, 0, 71),
        read::prove_inclusion(&txn, 70, 70),
        read::prove_consistency(&txn, 4, 3),
    ] {
        assert!(matches!(beyond, Err(Error::Beyond)));
    }
}

#[test]
fn what_is_kept_of_each_entry_is_its_hash_wherever_it_stands() {
    let txn = many(70);
    let hash = |(_, bytes): (u64, Vec<u8>)| tree::leaf_hash(&bytes);
    let leaves: Vec<_> = read::export(&txn, 0, 99).unwrap().into_iter().map(hash).collect();
    for (from, until) in [
        (0, 70),
        (0, 1),
        (3, 21),
        (15, 17),
        (16, 64),
        (63, 65),
        (64, 70),
        (69, 70),
        (70, 70),
    ] {
        let kept = read::kept(&txn, from..until).unwrap();
        assert_eq!(
            kept,
            leaves[usize::try_from(from).unwrap()..usize::try_from(until).unwrap()]
        );
    }
    assert!(matches!(read::kept(&txn, 69..71), Err(Error::Torn(_))));
    let mut torn = Txn::new(&txn);
    torn.delete(stored::node_key(4, 1));
    assert_eq!(read::kept(&torn, 0..16).unwrap(), leaves[..16]);
    assert!(matches!(read::kept(&torn, 0..17), Err(Error::Torn(_))));
}

#[test]
fn the_newest_come_first_page_by_page() {
    let txn = many(7);
    assert_eq!(numbers(read::newest(&txn, None, 3).unwrap()), [6, 5, 4]);
    assert_eq!(numbers(read::newest(&txn, Some(4), 3).unwrap()), [3, 2, 1]);
    assert_eq!(numbers(read::newest(&txn, Some(1), 3).unwrap()), [0]);
    assert_eq!(numbers(read::newest(&txn, Some(99), 1).unwrap()), [6]);
    assert!(read::newest(&txn, Some(0), 3).unwrap().is_empty());
    assert!(read::newest(&Nothing, None, 3).unwrap().is_empty());
}

#[test]
fn the_entries_of_several_subjects_are_merged_newest_first_and_each_comes_once() {
    let txn = many(12);
    let find = |subjects: &[u8], before: Option<u64>, limit| {
        let subjects: Vec<_> = subjects.iter().map(|byte| subject(*byte)).collect();
        numbers(read::concerning(&txn, &subjects, 0..before.unwrap_or(u64::MAX), limit).unwrap())
    };
    assert_eq!(find(&[0], None, 9), [9, 6, 3, 0]);
    assert_eq!(find(&[0, 9], None, 9), [10, 9, 6, 5, 3, 0]);
    assert_eq!(find(&[0, 9], None, 2), [10, 9]);
    assert_eq!(find(&[9, 0], Some(9), 2), [6, 5]);
    assert_eq!(find(&[9, 0], Some(5), 2), [3, 0]);
    assert!(find(&[0], Some(0), 9).is_empty());
    assert!(find(&[0], None, 0).is_empty());
    assert!(find(&[7], None, 9).is_empty());
    assert!(find(&[], None, 9).is_empty());
    let within = read::concerning(&txn, &[subject(0)], 3..9, 9).unwrap();
    assert_eq!(numbers(within), [6, 3]);
}

#[test]
fn an_export_is_in_order_page_by_page_and_never_skips_a_gap() {
    let good = many(7);
    assert_eq!(numbers(read::export(&good, 0, 3).unwrap()), [0, 1, 2]);
    assert_eq!(numbers(read::export(&good, 5, 3).unwrap()), [5, 6]);
    assert!(read::export(&good, 7, 3).unwrap().is_empty());
    let mut torn = Txn::new(&good);
    torn.delete(stored::entry_key(4));
    assert!(matches!(read::export(&torn, 3, 3), Err(Error::Torn(_))));
    assert!(matches!(read::export(&torn, 4, 3), Err(Error::Torn(_))));
    assert!(matches!(read::newest(&torn, None, 3), Err(Error::Torn(_))));
}

/// The indented or fenced blocks of `FORMAT.md`, in order.
fn blocks() -> Vec<&'static str> {
    include_str!("FORMAT.md")
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn the_example_of_the_format_is_what_the_code_makes() {
    let txn = filled(samples::entries().into_iter().map(|entry| (entry, vec![])));
    let lines = read::export(&txn, 0, 9)
        .unwrap()
        .into_iter()
        .map(|(_, bytes)| String::from_utf8(bytes).unwrap() + "\n");
    let lines: String = lines.collect();
    let note = read::checkpoint(&txn).unwrap().unwrap();
    let key = format!("{}\n", samples::ledger().verifier_key());
    assert_eq!(
        blocks(),
        [lines.as_str(), note.as_str(), key.as_str()],
        "\n{lines}\n{note}\n{key}"
    );
}

#[test]
fn the_example_of_the_format_verifies_as_it_is_printed() {
    let blocks = blocks();
    let [lines, note, key] = blocks.as_slice() else {
        panic!("FORMAT.md has three blocks");
    };
    let rows = lines
        .lines()
        .map(|line| Ok::<_, Infallible>(verify::Row::alone(line.as_bytes().to_vec())));
    let verified = verify::verify(rows, &verify::Evidence::of(note), &key.trim_end().parse().unwrap()).unwrap();
    assert_eq!((verified.size, verified.last_at), (3, Some(at(62))));
}

#[test]
fn an_entry_that_the_index_does_not_list_under_who_asked_or_an_agreement_is_named() {
    let key = samples::signer(1).verifier_key().clone();
    let asked = samples::allowed();
    let concerns = concern::of(&asked);
    assert_eq!(concerns.len(), 2);
    let good = samples::filled([
        (samples::pushed(), vec![]),
        (asked, concerns.clone()),
        (samples::refused(), concern::of(&samples::refused())),
    ]);
    assert_eq!(verify_stored(&good, &key).unwrap().size, 3);
    for subject in concerns {
        let mut txn = Txn::new(&good);
        index::forget_mention(&mut txn, &subject, 1);
        let fault = verify_stored(&txn, &key).unwrap_err();
        assert!(matches!(fault, Fault::Unlisted { number: 1 }), "{fault}");
    }
}
