//! That the ledger is mute of a person once what opens it is gone, whether or not the hub knew them when they were asked
//! about. Tests only.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use jiff::SignedDuration;

use super::{
    tests::{alex, draft, gate, now},
    *,
};
use crate::{
    authn::{Caller, Own, Practitioner},
    ledger::{Entry, Period, Subject, read, verify::verify_stored},
    person,
    store::{Memory, Store as _, scan_prefix},
    tables,
};

fn officer() -> Practitioner {
    Practitioner {
        subject: "igo-1".into(),
        roles: BTreeSet::from(["ig-officer".to_owned()]),
        teams: BTreeSet::new(),
        areas: BTreeSet::new(),
        own: Own::default(),
        expires_at: now() + SignedDuration::from_mins(10),
    }
}

fn drop_rows(store: &Counted, table: u8, subjects: &[[u8; 16]]) {
    let mut txn = Txn::new(store);
    for subject in subjects {
        let prefix = [&[table], subject.as_slice()].concat();
        let mut keys = Vec::new();
        scan_prefix(store, &prefix, &mut |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(!keys.is_empty(), "there is nothing to drop");
        keys.into_iter().for_each(|key| txn.delete(key));
    }
    store.commit(txn.into_writes()).unwrap();
}

/// Takes them out of the ledger's index, where so few entries wait to be listed.
fn drop_mentions(memory: &Memory, subjects: &[[u8; 16]]) {
    let mut txn = Txn::new(memory);
    for (subject, number) in subjects
        .iter()
        .flat_map(|subject| (0..99).map(move |number| (subject, number)))
    {
        ledger::forget_mention(&mut txn, subject, number);
    }
    memory.commit(txn.into_writes()).unwrap();
}

#[tokio::test]
async fn an_erased_person_is_named_by_no_entry_and_the_ledger_is_as_good_as_before() {
    let memory = Arc::new(Memory::new());
    let gate = gate(&memory);
    let (housing, officer) = (
        Caller::sample("housing", "housing", "adapter", None),
        Caller::sample("governance", "governance", "desk", Some(officer())),
    );
    let agency = officer.agency();
    // Before anybody knows them, and after.
    gate.who_saw(&officer, (officer.agency().clone(), alex()), Period::default(), now())
        .await
        .unwrap();
    gate.push(
        gate.soon(),
        &housing,
        draft("one", now() + SignedDuration::from_hours(9)),
        "housing".parse().unwrap(),
        now(),
    )
    .await
    .unwrap();
    gate.who_saw(&officer, (officer.agency().clone(), alex()), Period::default(), now())
        .await
        .unwrap();

    let person = person::find(&*memory, &gate.keys.hashes, agency, &alex())
        .unwrap()
        .unwrap();
    let mut subjects = person::identifier_hashes(&gate.keys.hashes, agency, &alex());
    subjects.push(person.0);
    let named = |subjects: &[[u8; 16]]| {
        let entries = read::export(&*memory, 0, 99).unwrap();
        let entries = entries.into_iter().map(|(_, bytes)| Entry::parse(&bytes).unwrap());
        let commitments = entries.filter_map(|entry| match entry.subject? {
            Subject::Person(named) => Some((named.salt.0, named.commitment.0)),
            _ => None,
        });
        let named = |commitment| {
            let names = |subject: &[u8; 16]| gate.keys.vault.names(&*memory, *subject, commitment).unwrap();
            subjects.iter().any(names)
        };
        commitments.map(named).collect::<Vec<_>>()
    };
    assert_eq!(named(&subjects), [true, true]);
    assert_eq!(named(&[person.0]), [false, true], "the first names whom nobody knew");
    let verified = verify_stored(&*memory, gate.verifier_key()).unwrap();

    drop_rows(&gate.store, tables::DATA_KEY, &subjects);
    assert_eq!(named(&subjects), [false, false]);
    drop_mentions(&memory, &subjects);
    assert_eq!(read::concerning(&*memory, &subjects, 0..99, 99).unwrap(), []);
    assert_eq!(verify_stored(&*memory, gate.verifier_key()).unwrap(), verified);

    // Who asks again is told nothing of before.
    gate.who_saw(&officer, (officer.agency().clone(), alex()), Period::default(), now())
        .await
        .unwrap();
    assert_eq!(named(&subjects), [false, false, true]);
}
