//! That packed entries are read as they were hashed, or found.

mod ids;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{
    ledger::{Entry, Error, read, samples, verify, verify::verify_stored},
    store::{Memory, Read, Store as _, scan_prefix},
};

/// A store into which batches of entries were put, one after the other, each packed; with raw ones before them.
fn kept(raw: &[Vec<u8>], batches: &[Vec<Vec<u8>>]) -> Memory {
    let memory = Memory::new();
    let (mut packer, mut number) = (Packer::default(), 0);
    let mut put = |entries: &[Vec<u8>], packing: bool| {
        let mut txn = Txn::new(&memory);
        for entry in entries {
            let row = if packing {
                Parted::of(entry).into_row()
            } else {
                entry.clone()
            };
            txn.put(entry_key(number), row);
            number += 1;
        }
        if packing {
            packer.pack(&mut txn);
        }
        memory.commit(txn.into_writes()).unwrap();
    };
    put(raw, false);
    batches.iter().for_each(|batch| put(batch, true));
    memory
}

fn rows(read: &dyn Read) -> Vec<(u64, Vec<u8>)> {
    let mut rows = Vec::new();
    scan_prefix(read, &[tables::LEDGER_ENTRY], &mut |key, row| {
        rows.push((entry_number(key).unwrap(), row.to_vec()));
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    rows
}

/// What looks like entries: much of each like the others, and some of it like nothing, though often without the mark.
fn entries(most: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let noise = prop_oneof![8 => vec(any::<u8>(), 0..80), 1 => vec(any::<u8>(), 9_000..70_000)];
    let entry = (noise, 0..200_usize, vec(texts_with_ids(), 0..30)).prop_map(|(noise, alike, texts)| {
        let texts = texts.concat().into_bytes();
        [b"{".to_vec(), b"alike".repeat(alike), texts, noise].concat()
    });
    (vec(entry, 0..most), any::<bool>()).prop_map(|(mut entries, marked)| {
        let bytes = entries.iter_mut().flatten();
        bytes
            .filter(|byte| !marked && **byte == super::ids::MARK)
            .for_each(|byte| *byte = b'x');
        entries
    })
}

/// Signals with their ids, and what looks like that and is not.
fn texts_with_ids() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => any::<u128>().prop_map(|id| format!(r#"{{"signal":"{}"}},"#, uuid::Uuid::from_u128(id))),
        1 => any::<u128>().prop_map(|id| format!(r#""signal":"{:X}""#, uuid::Uuid::from_u128(id).hyphenated())),
        1 => any::<u128>().prop_map(|id| format!(r#""signal":"{}""#, uuid::Uuid::from_u128(id).simple())),
        1 => any::<u128>().prop_map(|id| format!(r#""signal":"{{{}"#, uuid::Uuid::from_u128(id))),
        1 => Just(r#""signal":""#.repeat(9)),
        1 => "\"signal\":\"[0-9a-f-]{0,36}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_packed_is_read_as_it_was_entered_wherever_one_begins(
        raw in entries(20),
        batches in vec(entries(40), 0..4),
        at: Index,
        limit in 1_usize..50,
    ) {
        let memory = kept(&raw, &batches);
        let all: Vec<_> = (0..).zip([raw, batches.concat()].concat()).collect();
        let from = at.index(all.len() + 1);
        let page: Vec<_> = all.iter().skip(from).take(limit).cloned().collect();
        prop_assert_eq!(read::export(&memory, from as u64, limit).unwrap(), page);
        prop_assert_eq!(read::export(&memory, 0, usize::MAX).unwrap(), all.clone());
        let all_count = all.len() as u64;
        for (number, entry) in all {
            prop_assert_eq!(read::entry(&memory, number).unwrap(), Some(entry));
        }
        prop_assert_eq!(read::entry(&memory, all_count).unwrap(), None);
    }

    #[test]
    fn what_was_not_packed_yet_is_read_as_it_was_entered(entries in entries(10)) {
        for (number, entry) in (0..).zip(entries) {
            let row = Parted::of(&entry).into_row();
            prop_assert_eq!(unpack(number, &row), Some(vec![(number, entry)]));
        }
    }

    #[test]
    fn no_row_is_longer_than_the_store_takes_or_in_a_new_form_or_goes_over_a_row_of_hashes(batches in vec(entries(40), 0..4)) {
        let memory = kept(&[], &batches);
        for (last, row) in rows(&memory) {
            let (first, _) = unpack(last, &row).unwrap()[0].clone();
            prop_assert!(row.len() <= crate::store::VALUE_CAP);
            prop_assert!([ENTRY, PACKED, IDS_BESIDE].contains(&row[0]), "a form that no hub but this one knows");
            prop_assert_eq!(first / WIDTH as u64, last / WIDTH as u64);
        }
    }
}

#[test]
fn entries_that_are_alike_take_less_than_a_third_of_their_length_and_one_row_for_sixteen() {
    let entries: Vec<_> = (0..48)
        .map(|n| {
            let entry = Entry {
                at: samples::at(n),
                ..samples::allowed()
            };
            entry.encode().unwrap()
        })
        .collect();
    let long: usize = entries.iter().map(Vec::len).sum();
    let rows = rows(&kept(&[], &[entries]));
    assert_eq!(rows.iter().map(|(last, _)| *last).collect::<Vec<_>>(), [15, 31, 47]);
    let packed: usize = rows.iter().map(|(_, row)| row.len()).sum();
    assert!(packed * 3 < long, "{packed} of {long}");
}

#[test]
fn one_entry_is_packed_if_that_makes_it_shorter() {
    let row = |entry: &[u8]| rows(&kept(&[], &[vec![entry.to_vec()]])).pop().unwrap().1;
    let (short, long) = (vec![b'{'; SHORT - 1], vec![b'{'; SHORT]);
    assert_eq!(row(&short), short);
    assert!(row(&long).len() < 40);
    let longest = vec![b'{'; LONGEST];
    assert!(row(&longest).len() < LONGEST / 200);
    let mut noise = Vec::new();
    for number in 0..100_u32 {
        noise.extend(
            number
                .wrapping_mul(0x9e37_79b9)
                .rotate_left(number)
                .to_be_bytes()
                .map(|byte| byte ^ 0x5a),
        );
    }
    assert_eq!(row(&noise), noise);
}

#[test]
fn a_flipped_byte_in_a_packed_row_names_an_entry_of_that_row() {
    let mut good = samples::many(37);
    Packer::default().pack(&mut good);
    let key = samples::signer(1).verifier_key().clone();
    let all = read::export(&good, 0, 99).unwrap();
    assert_eq!((all.len(), rows(&good).len()), (37, 3));
    assert_eq!(verify_stored(&good, &key).unwrap().size, 37);
    let (mut found, mut flips) = (0, 0);
    for (last, row) in rows(&good) {
        let (first, _) = unpack(last, &row).unwrap()[0].clone();
        for place in 0..row.len() {
            flips += 1;
            let mut other = row.clone();
            other[place] ^= 1;
            let mut txn = Txn::new(&good);
            txn.put(entry_key(last), other);
            // Some flips of the packed form change nothing of what was packed.
            if read::export(&txn, 0, 99).is_ok_and(|read| read == all) {
                continue;
            }
            let fault = verify_stored(&txn, &key).unwrap_err();
            let named = match fault {
                verify::Fault::Changed { number } | verify::Fault::Missing { number } => number,
                other => panic!("byte {place} of row {last}: {other}"),
            };
            assert!((first..=last).contains(&named), "byte {place} of row {last}: {named}");
            found += 1;
        }
    }
    assert!(found * 10 > flips * 9, "{found} of {flips}");
}

#[test]
fn a_row_that_says_what_it_cannot_hold_is_spoilt() {
    let packed = |count: u8, lengths: &[u32]| {
        let lengths: Vec<_> = lengths.iter().flat_map(|length| length.to_be_bytes()).collect();
        [vec![PACKED, count], lengths, vec![0x10, b'{']].concat()
    };
    for row in [
        packed(0, &[]),
        packed(2, &[1]),
        packed(1, &[2]),
        packed(1, &[u32::MAX]),
        packed(2, &[u32::MAX, u32::MAX]),
        packed(17, &[0; 17]),
        vec![PACKED],
        vec![],
        b"[]".to_vec(),
    ] {
        assert_eq!(unpack(31, &row), None, "{row:?}");
    }
    assert_eq!(unpack(9, &packed(1, &[1])), Some(vec![(9, b"{".to_vec())]));
    let two = packed(2, &[1, 0]);
    assert_eq!(unpack(17, &two), Some(vec![(16, b"{".to_vec()), (17, vec![])]));
    assert_eq!(unpack(16, &two), None, "a group begins there");
}

/// A ledger whose entries are packed.
fn packed_ledger(count: u16) -> Txn<'static> {
    let entry = |n: u16| Entry {
        at: samples::at(n.into()),
        ..samples::pushed()
    };
    let mut good = samples::filled((0..count).map(|n| (entry(n), vec![])));
    Packer::default().pack(&mut good);
    good
}

#[test]
fn a_row_that_is_put_in_dropped_or_exchanged_is_found_at_the_first_entry_that_is_not_read_as_it_was() {
    let good = packed_ledger(600);
    let fault = |change: &dyn Fn(&mut Txn<'_>)| {
        let mut txn = Txn::new(&good);
        change(&mut txn);
        verify_stored(&txn, samples::signer(1).verifier_key()).unwrap_err()
    };
    assert_eq!(
        verify_stored(&good, samples::signer(1).verifier_key()).unwrap().size,
        600
    );
    let row = |number| good.get(&entry_key(number)).unwrap().unwrap();
    for last in [15, 31, 591, 599] {
        let first = last - place(last) as u64;
        let dropped = fault(&|txn| txn.delete(entry_key(last)));
        assert!(
            matches!(dropped, verify::Fault::Missing { number } if number == first),
            "{dropped}"
        );
    }
    for (one, other) in [(15, 31), (31, 591), (591, 599)] {
        let exchanged = fault(&|txn| {
            txn.put(entry_key(one), row(other));
            txn.put(entry_key(other), row(one));
        });
        let first = one - place(one) as u64;
        let (verify::Fault::Changed { number } | verify::Fault::Missing { number }) = exchanged else {
            panic!("{one} and {other}: {exchanged}");
        };
        assert_eq!(number, first, "{one} and {other}");
    }
    // Who reads an entry finds the first row that it can be in.
    for (number, first) in [(5, 0), (20, 16), (300, 288)] {
        let forged = samples::refused().encode().unwrap();
        let put_in = fault(&|txn| txn.put(entry_key(number), forged.clone()));
        assert!(
            matches!(put_in, verify::Fault::Missing { number } if number == first),
            "{put_in}"
        );
        let mut txn = Txn::new(&good);
        txn.put(entry_key(number), forged.clone());
        assert_eq!(read::entry(&txn, number).unwrap(), Some(forged));
        assert!(
            matches!(read::entry(&txn, first), Err(Error::Torn(_))),
            "it should be there"
        );
        assert!(matches!(read::export(&txn, 0, 999), Err(Error::Torn(_))));
    }
}

#[test]
fn a_row_that_also_claims_entries_of_the_row_before_it_is_found_and_nobody_reads_them_from_it() {
    let mut good = samples::filled([]);
    let (ledger, them) = (samples::ledger(), samples::subject(1));
    let enter = |good: &mut Txn<'_>, count: i64| {
        for n in 0..count {
            let at = samples::at(n);
            let _entered = ledger
                .enter(
                    good,
                    Entry {
                        at,
                        ..samples::pushed()
                    },
                    &[them],
                )
                .unwrap();
        }
        ledger.seal(good).unwrap();
    };
    enter(&mut good, 37);
    Packer::default().pack(&mut good);
    let before = read::export(&good, 0, 99).unwrap();
    // A batch of its own.
    let mut txn = Txn::new(&good);
    enter(&mut txn, 3);
    Packer::default().pack(&mut txn);
    let key = samples::signer(1).verifier_key().clone();
    assert_eq!(verify_stored(&txn, &key).unwrap().size, 40);
    let all = read::export(&txn, 0, 99).unwrap();
    assert_eq!((rows(&txn).len(), &all[..37]), (4, &before[..]));
    let of_them = read::concerning(&txn, &[them], 0..99, 99).unwrap();
    assert!(of_them.iter().eq(all.iter().rev()), "by the index, newest first");
    assert_eq!(
        read::newest(&txn, Some(38), 7).unwrap(),
        read::backwards(&txn, 31..38).unwrap()
    );

    let forged: Vec<_> = (32..40)
        .map(|number| (number, samples::refused().encode().unwrap()))
        .collect();
    let mut forging = Txn::new(&txn);
    let forged: Vec<_> = forged[..5]
        .iter()
        .chain(&all[37..])
        .map(|(number, entry)| Part::read(*number, entry))
        .collect();
    Packer::default().put(&mut forging, &forged);
    let of_them = read::concerning(&forging, &[them], 0..99, 99).unwrap();
    assert!(
        of_them.iter().eq(all.iter().rev()),
        "each is read from the first row that can have it"
    );
    assert!(matches!(read::export(&forging, 0, 99), Err(Error::Torn(_))));
    verify_stored(&forging, &key).unwrap_err();
}

#[test]
fn a_spoilt_row_is_shown_to_nobody() {
    let (mut good, them) = (samples::many(37), samples::subject(1));
    Packer::default().pack(&mut good);
    let mut other = good.get(&entry_key(15)).unwrap().unwrap();
    other[5] ^= 1;
    for row in [other, vec![0; 9], vec![]] {
        let mut txn = Txn::new(&good);
        txn.put(entry_key(15), row);
        let torn = |read: Result<_, Error>| assert!(matches!(read, Err(Error::Torn(_))));
        torn(read::entry(&txn, 15).map(drop));
        torn(read::entry(&txn, 3).map(drop));
        torn(read::export(&txn, 15, 1).map(drop));
        torn(read::newest(&txn, Some(16), 1).map(drop));
        torn(read::concerning(&txn, &[them], 0..16, 9).map(drop));
        assert_eq!(read::entry(&txn, 16).unwrap(), read::entry(&good, 16).unwrap());
    }
}

#[test]
fn a_batch_that_is_completed_is_signed_and_packed() {
    let ledger = samples::ledger();
    let mut txn = Txn::new(&samples::Nothing);
    for n in 0..20 {
        let entry = Entry {
            at: samples::at(n),
            ..samples::pushed()
        };
        let _entered = ledger.enter(&mut txn, entry, &[]).unwrap();
    }
    ledger.complete(&mut txn).unwrap();
    assert_eq!(rows(&txn).iter().map(|(last, _)| *last).collect::<Vec<_>>(), [15, 19]);
    assert_eq!(verify_stored(&txn, ledger.verifier_key()).unwrap().size, 20);
}
