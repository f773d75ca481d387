//! The index against a list that is filtered and sorted by hand.

use proptest::prelude::*;

use super::*;
use crate::{
    model::{Sensitivity, Severity, Sort},
    store::{Memory as InMemory, Store},
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

/// An empty index, and the store under it.
fn empty() -> (Arc<Counted>, Index) {
    let store = Arc::new(Counted::new(Arc::new(InMemory::new()), tables::topic));
    (store.clone(), Index::new(store))
}

fn commit(store: &Counted, write: impl FnOnce(&mut Txn<'_>)) {
    let mut txn = Txn::new(store);
    write(&mut txn);
    store.commit(txn.into_writes()).unwrap();
}

fn found(index: &Index, locus: &Locus, window: Window, after: Option<Position>, most: usize) -> Vec<Header> {
    let mut found = Vec::new();
    let scanned = index.scan(locus, window, after, |row| {
        let header = &row.labelled.header;
        assert_eq!(*row.labelled.sort, Sort::of(header));
        assert_eq!((row.position, row.person), (Position::of(header), header.person));
        found.push(Header::clone(header));
        if found.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    scanned.unwrap();
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
        let (store, index) = empty();
        let headers: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(number, (occurred, lapses, person))| header(u8::try_from(number).unwrap(), *occurred, *lapses, *person))
            .collect();
        commit(&store, |txn| headers.iter().for_each(|header| put(txn, header).unwrap()));
        let window = Window { since: since.map(at), until: until.map(at), now: at(now) };
        for locus in loci() {
            let mut expected: Vec<_> = headers
                .iter()
                .filter(|header| window.holds(header))
                .filter(|header| locus.holds(header))
                .cloned()
                .collect();
            expected.sort_by_key(|header| (std::cmp::Reverse(header.occurred_at), header.id));
            prop_assert_eq!(&found(&index, &locus, window, None, usize::MAX), &expected);
            let mut paged = Vec::new();
            let mut after = None;
            loop {
                let next = found(&index, &locus, window, after, page);
                let Some(last) = next.last() else { break };
                after = Some(Position::of(last));
                paged.extend(next);
            }
            prop_assert_eq!(&paged, &expected);
        }
    }
}

proptest! {
    #[test]
    fn what_is_remembered_is_what_there_is_after_every_change(
        steps in proptest::collection::vec((0_u8..40, -9_i64..9, 1_u8..4, any::<bool>()), 1..60),
        since in proptest::option::of(-10_i64..10),
    ) {
        let (store, index) = empty();
        let mut live: std::collections::BTreeMap<u8, Header> = std::collections::BTreeMap::new();
        let window = Window { since: since.map(at), until: None, now: at(0) };
        for (number, occurred, person, stays) in steps {
            commit(&store, |txn| {
                if let Some(before) = live.remove(&number) {
                    remove(txn, &before);
                }
                if stays {
                    let header = header(number, occurred, 99, person);
                    put(txn, &header).unwrap();
                    live.insert(number, header);
                }
            });
            for locus in loci() {
                let mut expected: Vec<_> = live
                    .values()
                    .filter(|header| window.holds(header) && locus.holds(header))
                    .cloned()
                    .collect();
                expected.sort_by_key(Position::of);
                prop_assert_eq!(&found(&index, &locus, window, None, usize::MAX), &expected);
            }
        }
    }
}

/// Times some days apart, so that a list reaches back to one day and not to all.
#[test]
fn a_list_that_is_longer_than_what_is_remembered_is_found_whole() {
    let (store, index) = empty();
    let days = |day: i64| at(-day * DAY);
    let many = |number: u16| Header {
        id: SignalId([number.to_be_bytes(); 8].concat().try_into().unwrap()),
        occurred_at: days(i64::from(number / 100)),
        ..header(0, 0, 99, 1)
    };
    let mut headers: Vec<_> = (0..3000).map(many).collect();
    commit(&store, |txn| {
        headers.iter().for_each(|header| put(txn, header).unwrap())
    });
    headers.sort_by_key(Position::of);
    for back in [3, 9, 12, 40, 5] {
        for locus in [
            person(&[1]),
            areas(&["E01006370"]),
            areas(&["central", "E01006370", "E01006371"]),
        ] {
            for until in [None, Some(days(2)), Some(days(20))] {
                let window = Window {
                    since: Some(days(back)),
                    until,
                    now: at(0),
                };
                let mut paged = Vec::new();
                while let Some(next) = Some(found(&index, &locus, window, paged.last().map(Position::of), 700)) {
                    if next.is_empty() {
                        break;
                    }
                    paged.extend(next);
                }
                let expected: Vec<_> = headers.iter().filter(|header| window.holds(header)).cloned().collect();
                assert_eq!(paged, expected, "{back} days back");
            }
        }
    }
}

#[test]
fn what_is_removed_is_found_nowhere() {
    let (store, index) = empty();
    let (gone, moved) = (header(1, 5, 99, 1), header(1, 3, 99, 2));
    commit(&store, |txn| put(txn, &gone).unwrap());
    commit(&store, |txn| {
        remove(txn, &gone);
        put(txn, &moved).unwrap();
    });
    let window = Window {
        since: None,
        until: None,
        now: at(0),
    };
    for locus in [person(&[1]), Locus::Address([1; 16]), areas(&["E01006370"])] {
        assert!(found(&index, &locus, window, None, 9).is_empty(), "{locus:?}");
    }
    for locus in [person(&[2]), areas(&["E01006371"])] {
        assert_eq!(found(&index, &locus, window, None, 9), vec![moved.clone()]);
    }
}

#[test]
fn one_area_does_not_run_into_another_whose_code_begins_alike() {
    let (store, index) = empty();
    commit(&store, |txn| put(txn, &header(1, 5, 99, 1)).unwrap());
    let window = Window {
        since: None,
        until: None,
        now: at(0),
    };
    assert!(found(&index, &areas(&["E0100637"]), window, None, 9).is_empty());
}
