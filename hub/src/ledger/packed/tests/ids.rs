//! That ids lie beside what is packed, and that a row whose ids do not fit it is spoilt.

use super::*;
use crate::{
    ledger::{Shown, packed::ids::MARK},
    model::SignalId,
};

#[test]
fn an_id_of_a_signal_that_was_shown_takes_its_sixteen_bytes_and_a_few_more() {
    let id = |n| SignalId([sample(n), sample(!n)].concat().try_into().unwrap());
    let length = |ids| {
        let shown = samples::allowed().shown.remove(0);
        let entry = Entry {
            shown: (0..ids)
                .map(|n| Shown {
                    signal: id(n),
                    ..shown.clone()
                })
                .collect(),
            ..samples::allowed()
        };
        let row = rows(&kept(&[], &[vec![entry.encode().unwrap()]])).pop().unwrap().1;
        assert_eq!(row.first(), Some(&IDS_BESIDE));
        row.len()
    };
    let each = (length(300) - length(100)) / 200;
    assert!((16..22).contains(&each), "{each}");
}

/// Eight bytes that are like no others.
fn sample(number: u32) -> [u8; 8] {
    let mixed = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()
}

#[test]
fn a_row_whose_ids_do_not_fit_it_is_spoilt() {
    let (mark, id) = ([0x20, b'{', MARK], [7; 16]);
    let beside = |ids: &[u8], count: u32, block: &[u8], length: u8| {
        [&[IDS_BESIDE, 1, 0, 0, 0, length][..], &count.to_be_bytes(), ids, block].concat()
    };
    for row in [
        beside(&[], 0, &mark, 2),
        beside(&[id, id].concat(), 2, &mark, 2),
        beside(&id[..15], 1, &[], 0),
        beside(&id, 1, &[], 0),
        beside(&id, 2, &mark, 2),
        beside(&id, u32::MAX, &mark, 2),
        beside(&id, 1, &[0x10, b'{'], 1),
        beside(&[], 0, &[], 0)[..8].to_vec(),
        [&[IDS_BESIDE, 0], &[0; 4][..], &[0]].concat(),
        [&[IDS_BESIDE, 17], &[0; 72][..], &[0]].concat(),
    ] {
        assert_eq!(unpack(31, &row), None, "{row:?}");
    }
    // As long as an entry may be, and an id too long.
    let long = |marks: usize| {
        let text = [vec![b'{'; LONGEST - 36], vec![MARK; marks]].concat();
        let length = (text.len() as u32).to_be_bytes();
        let count = (marks as u32).to_be_bytes();
        let block = lz4_flex::block::compress(&text);
        [
            &[IDS_BESIDE, 1],
            &length[..],
            &count,
            id.repeat(marks).as_slice(),
            &block,
        ]
        .concat()
    };
    assert_eq!(unpack(31, &long(1)).unwrap()[0].1.len(), LONGEST);
    assert_eq!(unpack(31, &long(2)), None);
    let with_its_id = unpack(31, &beside(&id, 1, &mark, 2)).unwrap();
    let text = b"{07070707-0707-0707-0707-070707070707".to_vec();
    assert_eq!(with_its_id, [(31, text)]);
}

#[test]
fn a_row_that_is_not_packed_and_whose_ids_do_not_fit_it_is_spoilt() {
    let apart = |text: &[u8], ids: &[u8], count: u32| [&[APART], text, ids, &count.to_be_bytes()].concat();
    let (mark, id) = ([b'{', MARK], [7; 16]);
    for row in [
        apart(&mark, &[], 0),
        apart(&mark, &id, 0),
        apart(b"{", &id, 1),
        apart(&mark, &id[..15], 1),
        apart(&mark, &id, 2),
        apart(&[mark, mark].concat(), &id, 1),
        apart(&[], &[], u32::MAX),
        vec![APART, 0, 0, 0],
    ] {
        assert_eq!(unpack(31, &row), None, "{row:?}");
    }
    let text = b"{07070707-0707-0707-0707-070707070707".to_vec();
    assert_eq!(unpack(31, &apart(&mark, &id, 1)), Some(vec![(31, text)]));
}

#[test]
fn a_short_entry_that_is_alone_lies_there_as_it_is_with_its_ids() {
    let entry = samples::pushed().encode().unwrap();
    assert!(entry.len() < SHORT && Parted::of(&entry).into_row()[0] == APART);
    assert_eq!(rows(&kept(&[], &[vec![entry.clone()]])), [(0, entry)]);
}

#[test]
fn entries_of_many_ids_and_little_else_are_read_as_they_were_entered() {
    let id = |n| uuid::Uuid::from_u128(u128::from(n) << 64);
    let entry = |n: u64| {
        let ids: String = (0..800)
            .map(|m| format!(r#""signal":"{}","#, id(n * 800 + m)))
            .collect();
        format!("{{{ids}").into_bytes()
    };
    let entries: Vec<_> = (0..16).map(entry).collect();
    let read = read::export(&kept(&[], std::slice::from_ref(&entries)), 0, 99).unwrap();
    assert!(read.into_iter().map(|(_, entry)| entry).eq(entries));
}
