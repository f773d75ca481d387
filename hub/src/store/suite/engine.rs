//! What a store promises, asked of each engine.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::{batch, everything, keys, on_each, put, scanned};
use crate::store::{BATCH_CAP, Batch, Disk, Error, KEY_CAP, Memory, Store, VALUE_CAP, after_prefix, row, scan_prefix};

#[test]
fn a_batch_puts_and_deletes_together() {
    on_each(|store| {
        store
            .commit(batch([(b"a".as_slice(), Some(b"1".as_slice())), (b"b", Some(b"2"))]))
            .unwrap();
        store
            .commit(batch([
                (b"a".as_slice(), None),
                (b"b", Some(b"3".as_slice())),
                (b"c", Some(b"")),
                (b"never there", None),
            ]))
            .unwrap();
        assert_eq!(store.get(b"a").unwrap(), None);
        assert_eq!(store.get(b"b").unwrap().as_deref(), Some(b"3".as_slice()));
        assert_eq!(
            store.get(b"c").unwrap().as_deref(),
            Some(b"".as_slice()),
            "empty is not absent"
        );
        assert_eq!(everything(&*store).len(), 2);
    });
}

#[test]
fn a_scan_is_ordered_by_bytes_and_ends_before_its_end() {
    on_each(|store| {
        let keys: [&[u8]; 6] = [b"b", b"a\xff", b"a", b"", b"a\x00", b"\xff\xff"];
        store.commit(batch(keys.map(|key| (key, Some(key))))).unwrap();
        let keys = |from: &[u8], to: &[u8]| -> Vec<Vec<u8>> {
            scanned(&*store, from, to).into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(b"a", b"b"), [b"a".to_vec(), b"a\x00".to_vec(), b"a\xff".to_vec()]);
        assert_eq!(keys(b"", b"a"), [b"".to_vec()]);
        assert_eq!(keys(b"a", b"a"), Vec::<Vec<u8>>::new());
        assert_eq!(keys(b"b", b"a"), Vec::<Vec<u8>>::new(), "an inverted range is empty");
    });
}

#[test]
fn a_scan_ends_when_told_to() {
    on_each(|store| {
        for key in [b"1", b"2", b"3"] {
            store.commit(put(key, b"")).unwrap();
        }
        let mut visited = Vec::new();
        store
            .scan(b"", b"9", &mut |key, _| {
                visited.push(key.to_vec());
                if key == b"2" {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
        assert_eq!(visited, [b"1", b"2"]);
    });
}

#[test]
fn a_visitor_may_read_the_store_it_is_shown() {
    on_each(|store| {
        store
            .commit(batch([(b"a".as_slice(), Some(b"1".as_slice())), (b"b", Some(b"2"))]))
            .unwrap();
        let mut seen = Vec::new();
        store
            .scan(b"a", b"c", &mut |key, _| {
                seen.extend(store.get(key).unwrap());
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(seen, [b"1", b"2"]);
    });
}

#[test]
fn a_prefix_ends_where_the_next_begins() {
    assert_eq!(after_prefix(b"ab"), b"ac");
    assert_eq!(after_prefix(b"a\xff\xff"), b"b");
    on_each(|store| {
        let keys: [&[u8]; 7] = [
            b"a",
            b"a\xff",
            b"a\xff\x00",
            b"a\xff\xff\xff",
            b"b",
            b"\xff",
            b"\xff\xff",
        ];
        store.commit(batch(keys.map(|key| (key, Some(key))))).unwrap();
        let keys = |prefix: &[u8]| {
            let mut found = 0;
            scan_prefix(&*store, prefix, &mut |key, _| {
                assert!(key.starts_with(prefix));
                found += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
            found
        };
        assert_eq!(keys(b"a"), 4);
        assert_eq!(keys(b"a\xff"), 3);
        assert_eq!(keys(b"b"), 1);
    });
}

#[test]
fn a_batch_over_a_cap_is_refused_whole_and_does_no_harm() {
    let large = VALUE_CAP;
    let too_many =
        (0..=BATCH_CAP / large).map(|number| ([u8::try_from(number).unwrap()].as_slice().into(), Some(vec![0; large])));
    let over: [(&str, Batch); 3] = [
        ("key", Batch::from([(vec![0; KEY_CAP + 1].into(), None)])),
        ("value", put(b"b", &vec![0; large + 1])),
        ("batch", too_many.collect()),
    ];
    on_each(|store| {
        for (which, mut batch) in over.clone() {
            batch.insert(b"a".as_slice().into(), Some(b"in front".to_vec()));
            match store.commit(batch) {
                Err(Error::TooLarge { what, .. }) => assert_eq!(what, which),
                other => panic!("a {which} over its cap gave {other:?}"),
            }
            assert_eq!(everything(&*store), []);
        }
        store.commit(put(&[1; KEY_CAP], &vec![2; large])).unwrap();
        assert_eq!(store.get(&[1; KEY_CAP]).unwrap(), Some(vec![2; large]));
    });
}

#[test]
fn a_row_of_another_version_is_refused() {
    let bytes = row::encode(b'z', &("a name", 7_u32)).unwrap();
    on_each(|store| {
        store.commit(put(b"z", &bytes)).unwrap();
        let mut kept = store.get(b"z").unwrap().unwrap();
        assert_eq!(
            row::decode::<(String, u32)>(b'z', &kept).unwrap(),
            ("a name".to_owned(), 7)
        );
        kept[0] += 1;
        for spoilt in [kept.as_slice(), &[], &kept[..1]] {
            let read = row::decode::<(String, u32)>(b'z', spoilt);
            assert!(matches!(read, Err(Error::Corrupt { table: 'z', .. })), "{read:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The engines hold the same after the same commits, and the disk still does after it was closed and opened.
    #[test]
    fn the_engines_cannot_be_told_apart(
        batches in prop::collection::vec(
            prop::collection::btree_map(
                keys().prop_map_into(),
                prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
                1..30,
            ),
            1..8,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::new();
        let disk = Disk::open(folder.path()).unwrap();
        for batch in batches {
            memory.commit(batch.clone()).unwrap();
            disk.commit(batch).unwrap();
            prop_assert_eq!(everything(&memory), everything(&disk));
        }
        drop(disk);
        prop_assert_eq!(everything(&memory), everything(&Disk::open(folder.path()).unwrap()));
    }
}
