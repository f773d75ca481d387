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

fn area(code: &str) -> AreaCode {
    code.parse().unwrap()
}

fn areas(codes: &[&str]) -> Locus {
    Locus::Area(codes.iter().map(|code| area(code)).collect())
}

/// A signal about a person at their address; odd people live in one area, the others in another.
fn header(number: u8, occurred: i64, lapses: i64, person: u8) -> Header {
    Header {
        id: SignalId([number; 16]),
        version: 1,
        kind: "housing.rent-arrears".parse().unwrap(),
        owner: "housing".parse().unwrap(),
        person: Some(PersonId([person; 16])),
        address: Some([person; 16]),
        area: Some(area(if person % 2 == 1 { "E01006370" } else { "E01006371" })),
        occurred_at: at(occurred),
        lapses_at: at(lapses),
        severity: Severity::Low,
        sensitivity: Sensitivity::Ordinary,
    }
}

fn commit(memory: &Memory, write: impl FnOnce(&mut Txn<'_>)) {
    let mut txn = Txn::new(memory);
    write(&mut txn);
    memory.commit(txn.into_writes()).unwrap();
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

fn person(records: &[u8]) -> Locus {
    Locus::Person(records.iter().map(|record| PersonId([*record; 16])).collect())
}

fn loci() -> [Locus; 6] {
    [
        person(&[1]),
        person(&[1, 3]),
        Locus::Address([1; 16]),
        areas(&["E01006370"]),
        areas(&["central", "E01006370", "E01006371"]),
        areas(&[]),
    ]
}

proptest! {
    #[test]
    fn a_scan_gives_what_is_in_the_window_newest_first_page_by_page(
        rows in proptest::collection::vec((-9_i64..9, -9_i64..20, 1_u8..4), 0..200),
        since in proptest::option::of(-10_i64..10),
        until in proptest::option::of(-10_i64..10),
        now in -10_i64..10,
        page in 1_usize..70,
    ) {
        let memory = Memory::new();
        let headers: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(number, (occurred, lapses, person))| header(u8::try_from(number).unwrap(), *occurred, *lapses, *person))
            .collect();
        commit(&memory, |txn| headers.iter().for_each(|header| put(txn, header).unwrap()));
        let window = Window { since: since.map(at), until: until.map(at), now: at(now) };
        for locus in loci() {
            let mut expected: Vec<_> = headers
                .iter()
                .filter(|header| window.holds(header))
                .filter(|header| locus.holds(header))
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
fn what_is_removed_is_found_nowhere() {
    let memory = Memory::new();
    let (gone, moved) = (header(1, 5, 99, 1), header(1, 3, 99, 2));
    commit(&memory, |txn| put(txn, &gone).unwrap());
    commit(&memory, |txn| {
        remove(txn, &gone);
        put(txn, &moved).unwrap();
    });
    let window = Window {
        since: None,
        until: None,
        now: at(0),
    };
    for locus in [person(&[1]), Locus::Address([1; 16]), areas(&["E01006370"])] {
        assert!(found(&memory, &locus, window, None, 9).is_empty(), "{locus:?}");
    }
    for locus in [person(&[2]), areas(&["E01006371"])] {
        assert_eq!(found(&memory, &locus, window, None, 9), vec![moved.clone()]);
    }
}

#[test]
fn one_area_does_not_run_into_another_whose_code_begins_alike() {
    let memory = Memory::new();
    commit(&memory, |txn| put(txn, &header(1, 5, 99, 1)).unwrap());
    let window = Window {
        since: None,
        until: None,
        now: at(0),
    };
    assert!(found(&memory, &areas(&["E0100637"]), window, None, 9).is_empty());
}
