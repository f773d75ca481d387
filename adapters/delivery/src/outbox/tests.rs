//! The outbox against a model of itself, against torn files, and against a full house.

use std::{collections::VecDeque, sync::Arc, thread};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::content::Content;

const PLENTY: u64 = 1_000_000;

fn entry(origin: &str) -> Entry {
    Entry {
        origin: origin.to_owned(),
        taken_at: 1_000,
        content: Some(Content::Draft(Default::default())),
    }
}

fn given(folder: &TempDir) -> Outbox {
    Outbox::open(folder.path(), PLENTY).unwrap()
}

fn waiting(outbox: &Outbox) -> Vec<(u64, String)> {
    let mut reader = outbox.reader();
    std::iter::from_fn(|| outbox.read(&mut reader).unwrap())
        .map(|(number, entry)| (number, entry.origin))
        .collect()
}

fn logs(folder: &TempDir) -> Vec<PathBuf> {
    let segments = log::segments(folder.path()).unwrap();
    segments
        .into_iter()
        .map(|first| log::path(folder.path(), first))
        .collect()
}

#[test]
fn what_was_put_is_there_after_a_restart_and_what_left_is_not() {
    let folder = TempDir::new().unwrap();
    let outbox = given(&folder);
    outbox.put(&[entry("a"), entry("b"), entry("c")]).unwrap();
    outbox.leave(2, Timestamp::UNIX_EPOCH).unwrap();
    drop(outbox);
    assert_eq!(waiting(&given(&folder)), [(3, "c".to_owned())]);
}

#[test]
fn many_who_put_at_once_are_all_kept_in_their_own_order() {
    let folder = TempDir::new().unwrap();
    let outbox = Arc::new(given(&folder));
    let putting: Vec<_> = (0..16)
        .map(|source| {
            let outbox = outbox.clone();
            thread::spawn(move || {
                let one =
                    |at: u64| outbox.put(&[entry(&format!("{source} {at}")), entry(&format!("{source} {at} too"))]);
                (0..20).map(|at| one(at).unwrap()).collect::<Vec<u64>>()
            })
        })
        .collect();
    let numbers: Vec<Vec<u64>> = putting.into_iter().map(|one| one.join().unwrap()).collect();
    drop(outbox);
    let kept = waiting(&given(&folder));
    assert_eq!(kept.len(), 16 * 20 * 2);
    for (source, numbers) in numbers.iter().enumerate() {
        for (at, number) in numbers.iter().enumerate() {
            let place = usize::try_from(*number).unwrap() - 2;
            let expected = [format!("{source} {at}"), format!("{source} {at} too")];
            assert_eq!([&kept[place].1, &kept[place + 1].1], [&expected[0], &expected[1]]);
        }
    }
}

#[test]
fn a_second_process_is_kept_out_but_may_look() {
    let folder = TempDir::new().unwrap();
    let outbox = given(&folder);
    outbox.put(&[entry("a"), entry("b")]).unwrap();
    outbox.leave(1, Timestamp::from_second(9).unwrap()).unwrap();
    assert!(matches!(Outbox::open(folder.path(), PLENTY), Err(Error::InUse { .. })));
    let seen = glance(folder.path()).unwrap();
    assert_eq!(seen.waiting, 1);
    assert_eq!(seen.oldest, Timestamp::from_millisecond(1_000).ok());
    assert_eq!(seen.last_answer, Timestamp::from_second(9).ok());
}

#[test]
fn an_entry_that_a_crash_tore_is_cut_off_and_its_number_given_again() {
    let folder = TempDir::new().unwrap();
    let outbox = given(&folder);
    outbox.put(&[entry("a")]).unwrap();
    drop(outbox);
    let mut torn = fs::OpenOptions::new().append(true).open(&logs(&folder)[0]).unwrap();
    io::Write::write_all(&mut torn, &[40, 0, 0, 0, 1, 2]).unwrap();
    let outbox = given(&folder);
    assert_eq!(outbox.put(&[entry("b")]).unwrap(), 2);
    assert_eq!(waiting(&outbox), [(1, "a".to_owned()), (2, "b".to_owned())]);
}

#[test]
fn an_entry_of_a_write_that_failed_is_not_read_in_place_of_the_one_that_has_its_number_now() {
    let folder = TempDir::new().unwrap();
    let outbox = given(&folder);
    outbox.put(&[entry("a")]).unwrap();
    let log = fs::OpenOptions::new().append(true).open(&logs(&folder)[0]).unwrap();
    let whole = log.metadata().unwrap().len();
    let mut frame = Vec::new();
    record::write(2, &entry("never kept").encode_to_vec(), &mut frame);
    io::Write::write_all(&mut &log, &frame).unwrap();
    let mut reader = outbox.reader();
    // It reads ahead.
    assert_eq!(outbox.read(&mut reader).unwrap().unwrap().1.origin, "a");
    log.set_len(whole).unwrap();
    let failed = Queued {
        entries: vec![vec![0; LONGEST + 1]],
        told: Arc::default(),
    };
    assert!(outbox.append(&mut outbox.log.lock(), &[failed])[0].is_err());
    outbox.put(&[entry("b")]).unwrap();
    assert_eq!(outbox.read(&mut reader).unwrap().unwrap().1.origin, "b");
}

#[test]
fn a_log_that_lost_what_it_had_is_refused() {
    let folder = TempDir::new().unwrap();
    let outbox = given(&folder);
    outbox.put(&[entry("a"), entry("b")]).unwrap();
    drop(outbox);
    let log = fs::OpenOptions::new().write(true).open(&logs(&folder)[0]).unwrap();
    log.set_len(log.metadata().unwrap().len() - 1).unwrap();
    let refusal = Outbox::open(folder.path(), PLENTY).unwrap_err();
    assert!(matches!(refusal, Error::Damaged { .. }), "{refusal}");
    fs::remove_file(&logs(&folder)[0]).unwrap();
    let refusal = Outbox::open(folder.path(), PLENTY).unwrap_err();
    assert!(matches!(refusal, Error::Damaged { .. }), "{refusal}");
}

#[test]
fn delivered_entries_do_not_stay_on_the_disk() {
    let folder = TempDir::new().unwrap();
    let outbox = given(&folder);
    outbox.put(&[entry("secret-of-a-person")]).unwrap();
    outbox.tidy(Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(waiting(&outbox).len(), 1, "what waits stays");
    outbox.leave(1, Timestamp::UNIX_EPOCH).unwrap();
    outbox.tidy(Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(logs(&folder).len(), 1);
    assert_eq!(fs::read(&logs(&folder)[0]).unwrap(), b"");
    assert_eq!(outbox.put(&[entry("b")]).unwrap(), 2);
}

#[test]
fn a_full_outbox_makes_its_sources_wait_until_something_leaves() {
    let folder = TempDir::new().unwrap();
    let outbox = Arc::new(Outbox::open(folder.path(), 2).unwrap());
    outbox.put(&[entry("a"), entry("b")]).unwrap();
    let (source, mut watched) = (outbox.clone(), outbox.watch());
    watched.mark_unchanged();
    let putting = thread::spawn(move || source.put(&[entry("c")]));
    assert!(!watched.has_changed().unwrap());
    outbox.leave(1, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(putting.join().unwrap().unwrap(), 3);
}

#[test]
fn a_source_that_waits_is_told_when_the_adapter_stops() {
    let folder = TempDir::new().unwrap();
    let outbox = Arc::new(Outbox::open(folder.path(), 1).unwrap());
    outbox.put(&[entry("a")]).unwrap();
    let source = outbox.clone();
    let putting = thread::spawn(move || source.put(&[entry("b")]));
    outbox.stop();
    assert!(matches!(putting.join().unwrap(), Err(Error::Stopping)));
}

#[test]
fn segments_follow_each_other_and_go_when_their_entries_have_left() {
    let folder = TempDir::new().unwrap();
    let outbox = given(&folder);
    let long = "x".repeat(LONGEST / 2);
    for _ in 0..40 {
        outbox.put(&[entry(&long)]).unwrap();
    }
    assert!(logs(&folder).len() > 2);
    assert_eq!(waiting(&outbox).len(), 40);
    outbox.leave(39, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(logs(&folder).len(), 1);
    assert_eq!(waiting(&outbox).len(), 1);
    assert!(matches!(
        outbox.put(&[entry(&"x".repeat(LONGEST + 1))]),
        Err(Error::TooLong)
    ));
}

/// What may be done to an outbox.
#[derive(Debug, Clone)]
enum Deed {
    Put(usize),
    Leave(usize),
    Tidy,
    Restart,
    /// Ends without a word, and leaves some bytes of an entry that was never told.
    Tear(Vec<u8>),
    LoseMark,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1..5usize).prop_map(Deed::Put),
        4 => (1..5usize).prop_map(Deed::Leave),
        1 => Just(Deed::Tidy),
        1 => Just(Deed::Restart),
        1 => proptest::collection::vec(any::<u8>(), 1..40).prop_map(Deed::Tear),
        1 => Just(Deed::LoseMark),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_entry_waits_in_its_order_until_it_leaves(deeds in proptest::collection::vec(deed(), 1..25)) {
        let folder = TempDir::new().unwrap();
        let mut outbox = given(&folder);
        let (mut model, mut made, mut certain) = (VecDeque::new(), 0_u64, true);
        for deed in deeds {
            match deed {
                Deed::Put(count) => {
                    let entries: Vec<Entry> = (0..count as u64).map(|at| entry(&(made + at + 1).to_string())).collect();
                    made += count as u64;
                    prop_assert_eq!(outbox.put(&entries).unwrap(), made);
                    model.extend(entries.into_iter().map(|entry| entry.origin));
                }
                Deed::Leave(count) => {
                    let count = count.min(model.len());
                    model.drain(..count);
                    outbox.leave(made - model.len() as u64, Timestamp::UNIX_EPOCH).unwrap();
                    certain = true;
                }
                Deed::Tidy => outbox.tidy(Timestamp::UNIX_EPOCH).unwrap(),
                Deed::Restart => {
                    drop(outbox);
                    outbox = given(&folder);
                }
                Deed::Tear(bytes) => {
                    drop(outbox);
                    let mut file = fs::OpenOptions::new().append(true).open(logs(&folder).last().unwrap()).unwrap();
                    io::Write::write_all(&mut file, &bytes).unwrap();
                    outbox = given(&folder);
                }
                Deed::LoseMark => {
                    drop(outbox);
                    fs::write(folder.path().join("left"), b"").unwrap();
                    outbox = given(&folder);
                    certain = false;
                }
            }
            let found: Vec<String> = waiting(&outbox).into_iter().map(|(number, origin)| {
                assert_eq!(number.to_string(), origin);
                origin
            }).collect();
            let model: Vec<String> = model.iter().cloned().collect();
            // Without its mark the outbox may send again what had left, and still loses nothing.
            let keeps_all = if certain { found == model } else { found.ends_with(&model) };
            prop_assert!(keeps_all);
        }
    }
}
