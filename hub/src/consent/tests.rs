//! Which statement counts for a question.

use std::cell::{Cell, RefCell};

use proptest::prelude::*;

use super::*;
use crate::{
    keys::{Keyring, Vault},
    model::{Method, Sensitivity, Severity, Sort, SubjectSort},
    store::{Batch, Memory, Store, Visit},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn said(stance: Stance, second: i64, scope: Scope) -> Recorded {
    Recorded {
        id: StatementId([0; 16]),
        statement: Statement {
            stance,
            scope,
            said_at: at(second),
            valid_from: at(second),
            valid_until: None,
            method: Method::Spoken,
            evidence_reference: String::new(),
        },
        taken_by: "housing".parse().unwrap(),
        recorded_at: at(second),
    }
}

/// Housing's arrears of a person.
fn arrears() -> Sort {
    Sort {
        kind: "housing.rent-arrears".parse().unwrap(),
        owner: "housing".parse().unwrap(),
        severity: Severity::Low,
        sensitivity: Sensitivity::Ordinary,
        area: None,
        about: SubjectSort::Person,
    }
}

/// What the statements say, once kept and read again, on showing housing's arrears to welfare for homelessness prevention.
fn says(statements: &[Recorded], now: i64) -> ConsentFact {
    let memory = Memory::new();
    let vault = Vault::of(Keyring::random().unwrap());
    let person = PersonId([1; 16]);
    let mut txn = Txn::new(&memory);
    for statement in statements {
        record(&mut txn, &vault, person, statement).unwrap();
    }
    memory.commit(txn.into_writes()).unwrap();
    let kept = super::statements(&memory, &vault, person).unwrap();
    assert_eq!(kept.len(), statements.len());
    let (kind, owner) = ("housing.rent-arrears".parse().unwrap(), "housing".parse().unwrap());
    let (reader, purpose) = ("welfare".parse().unwrap(), "homelessness-prevention".parse().unwrap());
    fact(&kept, (&kind, &owner), &reader, &purpose, at(now))
}

fn all() -> Scope {
    Scope::default()
}

#[test]
fn the_latest_said_counts_in_whatever_order_they_were_recorded() {
    let given = said(Stance::Given, 10, all());
    let withdrawn = said(Stance::Withdrawn, 20, all());
    assert_eq!(says(&[given.clone(), withdrawn.clone()], 30), ConsentFact::Withdrawn);
    assert_eq!(says(&[withdrawn, given.clone()], 30), ConsentFact::Withdrawn);
    let back_dated = said(Stance::Refused, 5, all());
    assert_eq!(says(&[given, back_dated], 30), ConsentFact::Given);
}

#[test]
fn of_two_said_at_once_the_one_recorded_last_counts() {
    let (given, refused) = (said(Stance::Given, 10, all()), said(Stance::Refused, 10, all()));
    assert_eq!(says(&[given.clone(), refused.clone()], 30), ConsentFact::Refused);
    assert_eq!(says(&[refused, given], 30), ConsentFact::Given);
}

#[test]
fn a_statement_counts_only_within_its_scope() {
    let narrow = |scope: Scope| {
        says(
            &[said(Stance::Given, 10, all()), said(Stance::Withdrawn, 20, scope)],
            30,
        )
    };
    let kinds = |kind: &str| Scope {
        kinds: [kind.parse().unwrap()].into(),
        ..all()
    };
    let from = |agency: &str| Scope {
        from: [agency.parse().unwrap()].into(),
        ..all()
    };
    let to = |agency: &str| Scope {
        to: [agency.parse().unwrap()].into(),
        ..all()
    };
    let purposes = |purpose: &str| Scope {
        purposes: [purpose.parse().unwrap()].into(),
        ..all()
    };
    for within in [
        kinds("housing.rent-arrears"),
        from("housing"),
        to("welfare"),
        purposes("homelessness-prevention"),
    ] {
        assert_eq!(narrow(within.clone()), ConsentFact::Withdrawn, "{within:?}");
    }
    for beyond in [
        kinds("housing.eviction"),
        from("health"),
        to("police"),
        purposes("hospital-discharge"),
    ] {
        assert_eq!(narrow(beyond.clone()), ConsentFact::Given, "{beyond:?}");
    }
}

#[test]
fn a_statement_counts_only_in_its_period() {
    let mut given = said(Stance::Given, 10, all());
    given.statement.valid_from = at(15);
    given.statement.valid_until = Some(at(20));
    let refused = said(Stance::Refused, 5, all());
    for (now, fact) in [
        (14, ConsentFact::Refused),
        (15, ConsentFact::Given),
        (19, ConsentFact::Given),
        (20, ConsentFact::Refused),
    ] {
        assert_eq!(says(&[given.clone(), refused.clone()], now), fact, "at {now}");
    }
    assert_eq!(says(&[], 10), ConsentFact::None);
}

#[test]
fn a_statement_is_not_stored_in_the_clear() {
    let memory = Memory::new();
    let vault = Vault::of(Keyring::random().unwrap());
    let mut txn = Txn::new(&memory);
    let mut statement = said(
        Stance::Given,
        10,
        Scope {
            kinds: ["housing.eviction".parse().unwrap()].into(),
            ..all()
        },
    );
    statement.statement.evidence_reference = "FORM-77".into();
    record(&mut txn, &vault, PersonId([1; 16]), &statement).unwrap();
    for value in txn.into_writes().into_values().flatten() {
        let text = String::from_utf8_lossy(&value).into_owned();
        assert!(!text.contains("FORM-77") && !text.contains("eviction"));
    }
}

/// A store to which something is committed before one of the reads.
struct Meanwhile<'m> {
    store: &'m Memory,
    left: Cell<usize>,
    batch: RefCell<Option<Batch>>,
}

impl Meanwhile<'_> {
    fn pass(&self) {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => self
                .batch
                .take()
                .into_iter()
                .for_each(|batch| self.store.commit(batch).unwrap()),
        }
    }
}

impl Read for Meanwhile<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, store::Error> {
        self.pass();
        self.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), store::Error> {
        self.pass();
        self.store.scan(from, to, visit)
    }
}

#[test]
fn what_was_said_while_a_person_was_looked_up_is_heard_by_the_next_who_looks() {
    let (reader, purpose) = ("welfare".parse().unwrap(), "homelessness-prevention".parse().unwrap());
    let (vault, alex) = (Vault::of(Keyring::random().unwrap()), PersonId([1; 16]));
    for first in [None, Some(Stance::Given)] {
        for before in 0..9 {
            let store = Memory::new();
            let speak = |stance, second| {
                let mut txn = Txn::new(&store);
                record(&mut txn, &vault, alex, &said(stance, second, all())).unwrap();
                txn.into_writes()
            };
            first
                .into_iter()
                .for_each(|stance| store.commit(speak(stance, 1)).unwrap());
            let remembered = super::Memory::empty();
            let look = |read: &dyn Read| {
                let mut facts = Facts::new(read, (&vault, &remembered), (&reader, &purpose), at(99)).unwrap();
                let (fact, _) = facts.of(Some(alex), &arrears()).unwrap();
                (fact, facts.into_grounds())
            };
            let meanwhile = Meanwhile {
                store: &store,
                left: Cell::new(before),
                batch: RefCell::new(Some(speak(Stance::Refused, 2))),
            };
            let (heard, grounds) = look(&meanwhile);
            let came = meanwhile.batch.take().is_none();
            assert!(
                heard == ConsentFact::Refused || !came || !grounds.hold(&store).unwrap(),
                "before read {before}"
            );
            let expected = if came {
                "refused"
            } else {
                first.map_or("none", |_| "given")
            };
            assert_eq!(look(&store).0.word(), expected, "before read {before}");
        }
    }
}

proptest! {
    #[test]
    fn the_fact_is_that_of_the_last_covering_statement(
        statements in proptest::collection::vec((0_u8..3, 0_i64..6, any::<bool>()), 0..8),
    ) {
        let recorded: Vec<_> = statements
            .iter()
            .map(|(stance, second, covers)| {
                let stance = [Stance::Given, Stance::Refused, Stance::Withdrawn][usize::from(*stance)];
                let to = if *covers { "welfare" } else { "police" };
                said(stance, *second, Scope { to: [to.parse().unwrap()].into(), ..all() })
            })
            .collect();
        let last = statements
            .iter()
            .enumerate()
            .filter(|(_, (.., covers))| *covers)
            .max_by_key(|(order, (_, second, _))| (*second, *order));
        let expected = last.map_or("none", |(order, _)| recorded[order].statement.stance.word());
        prop_assert_eq!(says(&recorded, 10).word(), expected);
    }

    #[test]
    fn what_is_remembered_of_people_is_what_would_be_read_of_them_at_any_time(
        steps in proptest::collection::vec(
            ((0_u8..3, 0_u8..3), (-5_i64..40, proptest::option::of(1_i64..40)), (0_u8..5, -5_i64..60)),
            0..24,
        ),
    ) {
        let (store, vault) = (Memory::new(), Vault::of(Keyring::random().unwrap()));
        let remembered = super::Memory::empty();
        let notice = Sort { kind: "housing.eviction-notice".parse().unwrap(), ..arrears() };
        let of_police = Sort { owner: "police".parse().unwrap(), ..arrears() };
        for (second, ((person, stance), (begins, lasts), (scope, now))) in (1..).zip(steps) {
            let stance = [Stance::Given, Stance::Refused, Stance::Withdrawn][usize::from(stance)];
            let mut scopes = [all(), all(), all(), all(), all()];
            scopes[1].kinds.insert("housing.eviction-notice".parse().unwrap());
            scopes[2].from.insert("police".parse().unwrap());
            scopes[3].to.insert("police".parse().unwrap());
            scopes[4].purposes.insert("asb-prevention".parse().unwrap());
            let mut statement = said(stance, second, scopes[usize::from(scope)].clone());
            statement.statement.valid_from = at(second + begins);
            statement.statement.valid_until = lasts.map(|lasts| at(second + begins + lasts));
            let mut txn = Txn::new(&store);
            record(&mut txn, &vault, PersonId([person; 16]), &statement).unwrap();
            store.commit(txn.into_writes()).unwrap();
            let askers = [("welfare", "homelessness-prevention"), ("police", "asb-prevention"), ("welfare", "asb-prevention")];
            for (person, (reader, purpose)) in (0..3).flat_map(|person| askers.map(|asker| (person, asker))) {
                let person = PersonId([person; 16]);
                let (reader, purpose) = (reader.parse().unwrap(), purpose.parse().unwrap());
                for moment in [now, now + 1, second] {
                    let look = |memory: &super::Memory| {
                        let mut facts = Facts::new(&store, (&vault, memory), (&reader, &purpose), at(moment)).unwrap();
                        let sorts = [arrears(), notice.clone(), of_police.clone()];
                        let said = sorts.map(|sort| facts.of(Some(person), &sort).unwrap());
                        (said, facts.into_grounds())
                    };
                    prop_assert_eq!(look(&remembered), look(&super::Memory::empty()));
                    prop_assert_eq!(look(&remembered), look(&remembered));
                }
            }
        }
    }
}
