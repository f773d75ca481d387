//! The index against a table that is kept by hand, whatever waits and whatever is listed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::{Memory, Store as _};

fn subject(number: u16) -> [u8; 16] {
    let mut subject = [0; 16];
    subject[..2].copy_from_slice(&number.to_be_bytes());
    subject
}

/// Writes batches of entries, each with its subjects, and gives what was written.
fn write(memory: &Memory, waiting: &Waiting, batches: &[Vec<Vec<u16>>]) -> BTreeMap<u16, BTreeSet<u64>> {
    let mut truth: BTreeMap<u16, BTreeSet<u64>> = BTreeMap::new();
    let mut number = 0;
    for batch in batches {
        let mut txn = Txn::new(memory);
        for subjects in batch {
            let theirs: Vec<_> = subjects.iter().map(|one| subject(*one)).collect();
            note(&mut txn, number, &theirs);
            for one in subjects {
                truth.entry(*one).or_default().insert(number);
            }
            number += 1;
        }
        waiting.gather(&mut txn).unwrap();
        memory.commit(txn.into_writes()).unwrap();
    }
    truth
}

fn rows(memory: &Memory, table: u8) -> usize {
    let mut rows = 0;
    scan_prefix(memory, &[table], &mut |_, _| {
        rows += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn every_entry_is_found_whether_it_waits_or_is_listed(
        batches in proptest::collection::vec(
            proptest::collection::vec((0_u16..300, 0_u16..400), 1..20), 1..20),
        forgets in any::<bool>(),
        window in (0_u64..300, 0_u64..300),
        limit in 1_usize..40,
    ) {
        let memory = Memory::new();
        let batches: Vec<Vec<Vec<u16>>> = batches
            .iter()
            .map(|batch| batch.iter().map(|(from, many)| (*from..from + many).chain([9999]).collect()).collect())
            .collect();
        let truth = write(&memory, &Waiting::unknown(), &batches);
        if forgets {
            // A hub that was started anew goes on where the last one was.
            let mut txn = Txn::new(&memory);
            Waiting::unknown().gather(&mut txn).unwrap();
            memory.commit(txn.into_writes()).unwrap();
        }
        let within = window.0.min(window.1)..window.0.max(window.1);
        for (one, numbers_of) in &truth {
            let all = numbers(&memory, &[subject(*one)], &(0..u64::MAX), usize::MAX).unwrap();
            prop_assert_eq!(&all, numbers_of);
            let expected: BTreeSet<u64> = numbers_of.iter().copied().filter(|number| within.contains(number)).collect();
            let found = numbers(&memory, &[subject(*one)], &within, usize::MAX).unwrap();
            prop_assert_eq!(&found, &expected);
            let newest = |found: &BTreeSet<u64>| found.iter().rev().take(limit).copied().collect::<Vec<_>>();
            let found = numbers(&memory, &[subject(*one)], &within, limit).unwrap();
            prop_assert_eq!(newest(&found), newest(&expected));
        }
        let size = batches.iter().map(Vec::len).sum::<usize>() as u64;
        prop_assert_eq!(odd(&memory, size).unwrap(), None);
        prop_assert!(odd(&memory, size - 1).unwrap().is_some());
        let left: usize = waiting(&memory).unwrap().iter().map(|(_, mentions)| mentions.len()).sum();
        prop_assert!(left <= WAITING, "{left} wait");
    }
}

#[test]
fn answers_about_the_same_people_share_their_rows() {
    let memory = Memory::new();
    let people: Vec<u16> = (0..200).collect();
    write(&memory, &Waiting::unknown(), &vec![vec![people]; 1000]);
    let listed = rows(&memory, tables::LEDGER_SUBJECT);
    assert!(
        (200..=20_000).contains(&listed),
        "{listed} rows where there were 200,000"
    );
    assert!(rows(&memory, tables::LEDGER_WAITING) <= 21);
}

#[test]
fn a_batch_adds_one_row_however_many_entries_it_has() {
    let memory = Memory::new();
    let batch: Vec<Vec<u16>> = (0..64).map(|entry| vec![entry, 1000, 2000]).collect();
    write(&memory, &Waiting::unknown(), &[batch]);
    assert_eq!(
        (
            rows(&memory, tables::LEDGER_WAITING),
            rows(&memory, tables::LEDGER_SUBJECT)
        ),
        (1, 0)
    );
}
