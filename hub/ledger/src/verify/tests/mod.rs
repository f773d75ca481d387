//! What a ledger's bytes must show: that each entry has the hash that was kept of it, a line of keys, decisions before what
//! they show, kept checkpoints, and witnesses. What each changed byte comes to is tried where the ledger is stored.

mod beyond;

use std::convert::Infallible;

use placehub_model::{Judged, Level};

use super::*;
use crate::{
    Change, Entry, Signer,
    samples::{self, allowed, at, cosigner, pushed, signer},
    tree::{leaf_hash, root_of},
};

/// A ledger in the making.
#[derive(Default)]
struct Log {
    entries: Vec<Vec<u8>>,
    handovers: Vec<String>,
}

impl Log {
    fn add(&mut self, entry: Entry) {
        let second = i64::try_from(self.entries.len()).unwrap();
        let entry = Entry {
            at: at(second),
            ..entry
        };
        self.entries.push(entry.encode().unwrap());
    }

    fn head(&self, signer: &Signer) -> String {
        let leaves: Vec<_> = self.entries.iter().map(|entry| leaf_hash(entry)).collect();
        Checkpoint::sign(signer, leaves.len() as u64, &root_of(&leaves))
    }

    fn rotate(&mut self, from: &Signer, to: &Signer) {
        self.add(rotated(from, to));
        let (old, new) = (self.head(from), self.head(to));
        let line = new.rsplit_once("\n\n").unwrap().1;
        self.handovers.push(format!("{old}{line}"));
    }

    fn check(&self, signer: &Signer, key: &VerifierKey) -> Result<Verified, Fault> {
        self.check_with(
            Evidence {
                handovers: &self.handovers,
                ..Evidence::of(&self.head(signer))
            },
            key,
        )
    }

    fn check_with(&self, evidence: Evidence<'_>, key: &VerifierKey) -> Result<Verified, Fault> {
        check(self.entries.iter().cloned().map(Row::alone), &evidence, key)
    }
}

fn check(rows: impl Iterator<Item = Row>, evidence: &Evidence<'_>, key: &VerifierKey) -> Result<Verified, Fault> {
    verify(rows.map(Ok::<_, Infallible>), evidence, key)
}

/// What is found in a ledger of ten entries whose entries and kept hashes have been changed.
fn found(change: impl FnOnce(&mut Vec<Vec<u8>>, &mut Vec<Hash>)) -> Fault {
    let key = signer(1);
    let mut log = Log::default();
    (0..10).for_each(|_| log.add(pushed()));
    let kept = [log.head(&key)];
    (0..10).for_each(|_| log.add(pushed()));
    let head = log.head(&key);
    let mut hashes: Vec<_> = log.entries.iter().map(|entry| leaf_hash(entry)).collect();
    change(&mut log.entries, &mut hashes);
    let number = |at: usize| Row {
        entry: log.entries.get(at).cloned(),
        kept: hashes.get(at).copied(),
    };
    let rows = (0..log.entries.len().max(hashes.len())).map(number);
    let evidence = Evidence {
        earlier: &kept,
        ..Evidence::of(&head)
    };
    check(rows, &evidence, key.verifier_key()).unwrap_err()
}

/// An entry as good as any, and not the one that was signed.
fn other(at_second: i64) -> Vec<u8> {
    let entry = Entry {
        at: at(at_second),
        ..samples::refused()
    };
    entry.encode().unwrap()
}

#[test]
fn the_first_entry_that_is_not_the_one_that_was_signed_is_named_whatever_follows() {
    type Change = fn(&mut Vec<Vec<u8>>);
    let changes: [(Change, u64); 9] = [
        (|entries| entries[3] = other(3), 3),
        (|entries| entries[3] = b"{}".to_vec(), 3),
        (|entries| entries.swap(3, 14), 3),
        (|entries| entries.swap(0, 1), 0),
        (|entries| drop(entries.remove(5)), 5),
        (|entries| entries.insert(5, other(4)), 5),
        (|entries| (entries[12], entries[19]) = (other(12), other(19)), 12),
        (|entries| entries[19] = other(19), 19),
        (
            |entries| {
                entries[7] = other(7);
                entries.truncate(15);
            },
            7,
        ),
    ];
    for (change, number) in changes {
        let fault = found(|entries, _| change(entries));
        assert!(
            matches!(fault, Fault::Changed { number: named } if named == number),
            "{number}: {fault}"
        );
    }
    assert!(matches!(
        found(|entries, _| entries.truncate(15)),
        Fault::Missing { number: 15 }
    ));
    assert!(matches!(
        found(|entries, _| entries.push(other(20))),
        Fault::Surplus { number: 20 }
    ));
}

#[test]
fn a_kept_hash_is_told_from_an_entry_that_was_changed() {
    for at in [0, 9, 19] {
        let fault = found(|_, hashes| hashes[at][31] ^= 1);
        assert!(
            matches!(fault, Fault::Kept { number } if number == at as u64),
            "{fault}"
        );
    }
    assert!(matches!(
        found(|_, hashes| hashes.truncate(15)),
        Fault::Kept { number: 15 }
    ));
    assert!(matches!(
        found(|_, hashes| hashes.push([0; 32])),
        Fault::Surplus { number: 20 }
    ));
}

#[test]
fn entries_that_were_changed_with_their_hashes_are_narrowed_down_by_the_heads_that_fit() {
    let both = |at: usize| {
        found(|entries, hashes| {
            entries[at] = other(at as i64);
            hashes[at] = leaf_hash(&entries[at]);
        })
    };
    assert_eq!(both(3).among(), Some((0, 9)));
    assert_eq!(both(12).among(), Some((10, 19)));
    assert_eq!(both(12).number(), None);
    let one_each = found(|entries, hashes| {
        entries[12] = other(12);
        hashes[15] = [0; 32];
    });
    assert_eq!(one_each.among(), Some((10, 19)));
    let impossible = found(|entries, hashes| {
        entries[12] = b"{}".to_vec();
        hashes[12] = leaf_hash(&entries[12]);
    });
    assert!(matches!(impossible, Fault::Form { number: 12, .. }), "{impossible}");
}

fn rotated(from: &Signer, to: &Signer) -> Entry {
    Entry {
        allowed: true,
        change: Some(Change {
            from: from.verifier_key().to_string(),
            to: to.verifier_key().to_string(),
            by: "rotate-key".into(),
            ..Change::default()
        }),
        ..Entry::new(at(0), KEY_ROTATED)
    }
}

#[test]
fn a_line_of_keys_is_followed_from_any_that_was_in_force() {
    let keys = [1, 2, 3].map(signer);
    let mut log = Log::default();
    log.add(pushed());
    log.rotate(&keys[0], &keys[1]);
    log.add(allowed());
    log.rotate(&keys[1], &keys[2]);
    log.add(allowed());
    for key in &keys {
        let verified = log.check(&keys[2], key.verifier_key()).unwrap();
        assert_eq!((verified.size, verified.rotations), (5, 2));
    }
    let stranger = signer(4);
    assert!(matches!(
        log.check(&keys[2], stranger.verifier_key()),
        Err(Fault::Checkpoint(NoteInvalid::Unsigned))
    ));
    assert!(
        matches!(
            log.check(&keys[0], keys[0].verifier_key()),
            Err(Fault::Checkpoint(NoteInvalid::Unsigned))
        ),
        "a key that was handed over still signs"
    );
}

#[test]
fn a_change_of_keys_that_the_old_key_did_not_sign_is_refused() {
    let (old, thief) = (signer(1), signer(2));
    let mut log = Log::default();
    log.add(pushed());
    log.add(rotated(&old, &thief));
    let by_thief = log.head(&thief);
    assert!(matches!(
        log.check(&thief, old.verifier_key()),
        Err(Fault::Handover { number: 1 })
    ));
    log.handovers = vec![by_thief, "no note".into(), log.head(&old)];
    assert!(matches!(
        log.check(&thief, old.verifier_key()),
        Err(Fault::Handover { number: 1 })
    ));
}

#[test]
fn a_handover_over_other_entries_is_refused() {
    let (old, new) = (signer(1), signer(2));
    let mut honest = Log::default();
    honest.add(pushed());
    honest.rotate(&old, &new);
    let mut other = Log::default();
    other.add(samples::refused());
    other.rotate(&old, &new);
    other.handovers = honest.handovers;
    assert!(matches!(
        other.check(&new, old.verifier_key()),
        Err(Fault::Rewritten { since: 0, size: 2 })
    ));
}

#[test]
fn a_change_from_a_key_that_was_not_in_force_is_refused() {
    let keys = [1, 2, 3].map(signer);
    let mut log = Log::default();
    log.rotate(&keys[0], &keys[1]);
    log.rotate(&keys[0], &keys[2]);
    assert!(matches!(
        log.check(&keys[2], keys[0].verifier_key()),
        Err(Fault::Rotation { number: 1 })
    ));
    for change in [
        None,
        Some(Change {
            from: "x".into(),
            to: "y".into(),
            by: String::new(),
            ..Change::default()
        }),
    ] {
        let mut log = Log::default();
        log.add(Entry {
            change,
            ..rotated(&keys[0], &keys[1])
        });
        assert!(matches!(
            log.check(&keys[1], keys[0].verifier_key()),
            Err(Fault::Rotation { number: 0 })
        ));
    }
}

#[test]
fn what_is_shown_was_brought_in_before_and_asked_for_and_decided() {
    let key = signer(1);
    let good = [pushed(), allowed()];
    let but = |change: fn(&mut Entry)| {
        let mut entry = allowed();
        change(&mut entry);
        entry
    };
    let judged = |level| {
        let (mut entry, judged) = (allowed(), allowed().classes[0].judged.judged().clone());
        entry.classes[0].judged = Judged { level, ..judged }.into();
        entry
    };
    let mut not_pushed = pushed();
    not_pushed.action = "retract".into();
    let bad = [
        ([allowed(), pushed()], 0),
        (
            [
                pushed(),
                but(|entry| (entry.policy, entry.policy_version) = (None, None)),
            ],
            1,
        ),
        ([pushed(), but(|entry| entry.agreements.clear())], 1),
        ([pushed(), but(|entry| entry.rules.clear())], 1),
        ([pushed(), but(|entry| entry.level = Some(Level::Existence))], 1),
        ([pushed(), judged(None)], 1),
        ([pushed(), judged(Some(Level::Existence))], 1),
        ([pushed(), but(|entry| entry.classes.clear())], 1),
        ([pushed(), but(|entry| entry.shown[0].level = Level::Detail)], 1),
        ([pushed(), but(|entry| entry.shown[0].version = 2)], 1),
        ([not_pushed, allowed()], 1),
    ];
    let log = |entries: [Entry; 2]| {
        let mut log = Log::default();
        entries.into_iter().for_each(|entry| log.add(entry));
        log
    };
    assert!(log(good).check(&key, key.verifier_key()).is_ok());
    for (entries, wrong) in bad {
        let fault = log(entries).check(&key, key.verifier_key()).unwrap_err();
        assert!(matches!(fault, Fault::Shown { number } if number == wrong), "{fault}");
    }
}

#[test]
fn a_kept_checkpoint_finds_a_ledger_that_was_put_back_rewritten_or_forked() {
    let key = signer(1);
    let mut log = Log::default();
    (0..5).for_each(|_| log.add(pushed()));
    let kept = [log.head(&key)];
    (0..3).for_each(|_| log.add(pushed()));
    let head = log.head(&key);
    let check = |log: &Log, head: &str| {
        log.check_with(
            Evidence {
                earlier: &kept,
                ..Evidence::of(head)
            },
            key.verifier_key(),
        )
    };
    assert_eq!(check(&log, &head).unwrap().size, 8);
    log.entries.truncate(4);
    assert!(matches!(
        check(&log, &log.head(&key)),
        Err(Fault::Missing { number: 4 })
    ));
    (0..4).for_each(|_| log.add(samples::refused()));
    assert!(matches!(
        check(&log, &log.head(&key)),
        Err(Fault::Rewritten { since: 0, size: 5 })
    ));
    let strange = [log.head(&signer(2))];
    let strange = Evidence {
        earlier: &strange,
        ..Evidence::of(&head)
    };
    assert!(matches!(
        log.check_with(strange, key.verifier_key()),
        Err(Fault::EarlierCheckpoint(_))
    ));
}

#[test]
fn witnesses_are_counted_once_each_and_a_wrong_cosignature_is_a_fault() {
    let key = signer(1);
    let mut log = Log::default();
    log.add(pushed());
    let cosigners = [("a.sample", 5), ("b.sample", 6), ("c.sample", 7)].map(|(name, seed)| cosigner(name, seed));
    let mut note = log.head(&key);
    for who in &cosigners[..2] {
        let line = who.cosign(&note, at(9)).unwrap();
        note = who.witness_key().attach(&note, &line).unwrap();
    }
    let known = [0, 1, 2, 0].map(|who: usize| cosigners[who].witness_key().clone());
    let check = |note: &str, required| {
        log.check_with(
            Evidence {
                witnesses: &known,
                required,
                ..Evidence::of(note)
            },
            key.verifier_key(),
        )
    };
    let verified = check(&note, 2).unwrap();
    assert_eq!(
        verified.witnessed,
        [("a.sample".to_owned(), at(9)), ("b.sample".to_owned(), at(9))]
    );
    assert!(matches!(check(&note, 3), Err(Fault::Witnesses { have: 2, need: 3 })));
    let elsewhere = Checkpoint::sign(&key, 9, &[0; 32]);
    let line = cosigners[2].cosign(&elsewhere, at(9)).unwrap();
    assert!(matches!(
        check(&format!("{note}{line}"), 2),
        Err(Fault::Cosignature { .. })
    ));
}
