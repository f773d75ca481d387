//! The index against a list that is filtered and sorted by hand.

use proptest::prelude::*;

use super::*;
use crate::{
    model::{Sensitivity, Severity},
    store::{Memory, Store},
};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

fn header(number: u8, occurred: i64, lapses: i64, person: u8) -> Header {
    Header {
        id: SignalId([number; 16]),
        version: 1,
        kind: "housing.rent-arrears".parse().unwrap(),
        owner: "housing".parse().unwrap(),
        person: Some(PersonId([person; 16])),
        address: Some([person; 16]),
        area: Some("E01006370".parse().unwrap()),
        occurred_at: at(occurred),
        lapses_at: at(lapses),
        severity: Severity::Low,
        sensitivity: Sensitivity::Ordinary,
    }
}

fn areas() -> Vec<AreaCode> {
    vec!["E01006370".parse().unwrap(), "central".parse().unwrap()]
}

fn commit(memory: &Memory, write: impl FnOnce(&mut Txn<'_>)) {
    let mut txn = Txn::new(memory);
    write(&mut txn);
    memory.commit(txn.into_batch()).unwrap();
}

fn found(memory: &Memory, locus: &Locus, window: Window, after: Option<Position>, most: usize) -> Vec<Header> {
    let mut found = Vec::new();
    scan(memory, locus, window, after, |header| {
        found.push(header);
        if found.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })
    .unwrap();
    found
}

fn loci() -> [Locus; 4] {
    [
        Locus::Person(PersonId([1; 16])),
        Locus::Address([1; 16]),
        Locus::Area("central".parse().unwrap()),
        Locus::Area("E01006370".parse().unwrap()),
    ]
}

proptest! {
    #[test]
    fn a_scan_gives_what_is_in_the_window_newest_first_page_by_page(
        rows in proptest::collection::vec((-9_i64..9, -9_i64..20, 1_u8..3), 0..24),
        since in proptest::option::of(-10_i64..10),
        until in proptest::option::of(-10_i64..10),
        now in -10_i64..10,
        page in 1_usize..6,
    ) {
        let memory = Memory::new();
        let headers: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(number, (occurred, lapses, person))| header(u8::try_from(number).unwrap(), *occurred, *lapses, *person))
            .collect();
        commit(&memory, |txn| headers.iter().for_each(|header| put(txn, header.clone(), areas()).unwrap()));
        let window = Window { since: since.map(at), until: until.map(at), now: at(now) };
        for locus in loci() {
            let mut expected: Vec<_> = headers
                .iter()
                .filter(|header| window.holds(header))
                .filter(|header| locus.holds(&State { header: (*header).clone(), areas: areas(), retracted: false }))
                .cloned()
                .collect();
            expected.sort_by_key(|header| (std::cmp::Reverse(header.occurred_at), header.id));
            prop_assert_eq!(&found(&memory, &locus, window, None, usize::MAX), &expected);
            let mut paged = Vec::new();
            let mut after = None;
            loop {
                let next = found(&memory, &locus, window, after, page);
                let Some(last) = next.last() else { break };
                after = Some(Position::of(last));
                paged.extend(next);
            }
            prop_assert_eq!(&paged, &expected);
        }
    }
}

#[test]
fn a_correction_moves_a_signal_and_leaves_nothing_behind() {
    let memory = Memory::new();
    commit(&memory, |txn| put(txn, header(1, 5, 99, 1), areas()).unwrap());
    let mut corrected = header(1, 3, 99, 2);
    corrected.version = 2;
    let elsewhere: AreaCode = "leigh".parse().unwrap();
    commit(&memory, |txn| {
        put(txn, corrected.clone(), vec![elsewhere.clone()]).unwrap()
    });
    let window = Window {
        since: None,
        until: None,
        now: at(0),
    };
    for locus in loci() {
        assert!(found(&memory, &locus, window, None, 9).is_empty(), "{locus:?}");
    }
    for locus in [Locus::Person(PersonId([2; 16])), Locus::Area(elsewhere)] {
        assert_eq!(found(&memory, &locus, window, None, 9), vec![corrected.clone()]);
    }
}

#[test]
fn a_retracted_signal_is_found_nowhere_and_remembered_as_retracted() {
    let memory = Memory::new();
    commit(&memory, |txn| put(txn, header(1, 5, 99, 1), areas()).unwrap());
    commit(&memory, |txn| {
        retract(txn, SignalId([1; 16]), 2).unwrap();
    });
    let window = Window {
        since: None,
        until: None,
        now: at(0),
    };
    for locus in loci() {
        assert!(found(&memory, &locus, window, None, 9).is_empty(), "{locus:?}");
    }
    let state = state(&memory, SignalId([1; 16])).unwrap().unwrap();
    assert!(state.retracted);
    assert_eq!(state.header.version, 2);
}

#[test]
fn one_area_does_not_run_into_another_whose_code_begins_alike() {
    let memory = Memory::new();
    let (short, long): (AreaCode, AreaCode) = ("E0100637".parse().unwrap(), "E01006370".parse().unwrap());
    commit(&memory, |txn| put(txn, header(1, 5, 99, 1), vec![long]).unwrap());
    let window = Window {
        since: None,
        until: None,
        now: at(0),
    };
    assert!(found(&memory, &Locus::Area(short), window, None, 9).is_empty());
}
