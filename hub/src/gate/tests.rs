//! The gate on a memory store, without the wire: what a watch tells, what a sweep forgets, what stale grounds stop.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{telling::Telling, *};
use crate::{
    authn::Caller,
    changes::screen::{OnScreen, Screen},
    keys::Keyring,
    ledger::{Entry, Signer, read},
    model::{
        AgencyId, Draft, Header, Identity, Level, Sensitivity, Severity, SignalId, Source, Stance, Stated, Statement,
    },
    person,
    store::{Hooks, Memory, Read as _, Store as _},
    tables,
};

pub(super) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(super) fn gate(memory: &Arc<Memory>) -> Gate {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let signer = Signer::from_pkcs8("test", &Signer::generate_pkcs8().unwrap()).unwrap();
    let ledger = Arc::new(Ledger::new(signer));
    let sealing = ledger.clone();
    let hooks = Hooks {
        seal: Box::new(move |txn| sealing.complete(txn)),
        committed: Box::new(|_| ()),
    };
    let store = Arc::new(Counted::new(memory.clone(), tables::topic).remembering(tables::is_alone));
    let committer = Committer::start(store.clone(), hooks).unwrap();
    Gate::new(
        (store, committer),
        ledger,
        Arc::new(Keys::of(Keyring::random().unwrap())),
        Arc::new(Places::load(&root.join("hub/program/sample/places")).unwrap()),
        PolicySet::load(&root.join("policies")).unwrap(),
    )
}

pub(super) fn draft(id: &str, lapses_at: Timestamp) -> Draft {
    Draft {
        kind: "housing.rent-arrears".parse().unwrap(),
        source: Source {
            system: "rents".into(),
            id: id.into(),
            version: 1,
        },
        person: Some(alex()),
        uprn: None,
        area: None,
        occurred_at: now() - SignedDuration::from_hours(1),
        lapses_at,
        severity: Severity::Low,
        sensitivity: Sensitivity::Ordinary,
        summary: "arrears".into(),
        attributes: BTreeMap::new(),
        pointer: String::new(),
        stated: Stated {
            area: None,
            lapses_at: Some(lapses_at),
            sensitivity: Sensitivity::Ordinary,
        },
    }
}

pub(super) fn alex() -> Identity {
    Identity {
        nhs_number: Some("9990001006".parse().unwrap()),
        ..Identity::default()
    }
}

fn rows(memory: &Memory, table: u8) -> usize {
    let mut count = 0;
    store::scan_prefix(memory, &[table], &mut |_, _| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    count
}

/// How many signals have not been forgotten.
fn live(memory: &Memory) -> usize {
    let mut count = 0;
    signals::each(memory, None, usize::MAX, |_| count += 1).unwrap();
    count
}

#[tokio::test]
async fn a_sweep_forgets_what_has_lapsed_and_nothing_else() {
    let memory = Arc::new(Memory::new());
    let gate = gate(&memory);
    let housing = Caller::sample("housing", "housing", "adapter", None);
    let push = async |draft| {
        let pushed = gate.push(gate.soon(), &housing, draft, "housing".parse().unwrap(), now());
        pushed.await.unwrap().1.outcome
    };
    let soon = now() + SignedDuration::from_hours(2);
    let late = now() + SignedDuration::from_hours(200);
    push(draft("soon", soon)).await;
    push(draft("late", late)).await;
    let cursors = SignedDuration::from_hours(24 * 14);
    assert_eq!(gate.sweep(cursors, now()).await.unwrap().signals, 0);
    let then = soon + SignedDuration::from_secs(1);
    assert_eq!(gate.sweep(cursors, then).await.unwrap().signals, 1);
    assert_eq!((rows(&memory, tables::LABEL_PERSON), live(&memory)), (1, 1));
    let newest = read::newest(&*memory, None, 1).unwrap().remove(0).1;
    let entry = Entry::parse(&newest).unwrap();
    assert_eq!((entry.action.as_str(), entry.agency, entry.at), ("swept", None, then));
    assert_eq!((entry.swept.len(), entry.swept[0].count), (1, 1));
    assert_eq!(entry.swept[0].kind.as_str(), "housing.rent-arrears");
    assert_eq!(push(draft("soon", soon)).await, signals::Outcome::AlreadyKnown);
    assert_eq!(live(&memory), 1, "what was forgotten does not come back");
}

#[tokio::test]
async fn a_sweep_of_more_rows_than_one_batch_may_delete_comes_to_an_end() {
    let memory = Arc::new(Memory::new());
    let gate = gate(&memory);
    let housing = Caller::sample("housing", "housing", "adapter", None);
    for number in 0..2100 {
        let draft = draft(&number.to_string(), now() + SignedDuration::from_hours(1));
        let pushed = gate.push(gate.soon(), &housing, draft, "housing".parse().unwrap(), now());
        pushed.await.unwrap();
    }
    let year = now() + SignedDuration::from_hours(24 * 365);
    let swept = gate.sweep(SignedDuration::from_hours(24), year).await.unwrap();
    assert_eq!(swept.signals, 2100);
    assert_eq!(live(&memory), 0);
    let newest = read::newest(&*memory, None, 4).unwrap();
    let swept = newest.iter().map(|(_, entry)| Entry::parse(entry).unwrap().swept);
    let counts: Vec<_> = swept
        .map(|kinds| kinds.iter().map(|kind| kind.count).sum::<u32>())
        .collect();
    assert_eq!(counts, [100, 1000, 1000, 0], "what several looks find is one entry");
    let again = gate
        .sweep(SignedDuration::from_hours(24), year + SignedDuration::from_hours(48))
        .await;
    assert_eq!(rows(&memory, tables::CHANGE), 1, "the newest change stays: {again:?}");
}

#[tokio::test]
async fn a_withdrawal_is_in_force_for_a_question_whose_clock_was_read_before_it() {
    let memory = Arc::new(Memory::new());
    let gate = gate(&memory);
    let housing = Caller::sample("housing", "housing", "adapter", None);
    let says = |stance, at| Statement {
        stance,
        scope: Default::default(),
        said_at: at,
        valid_from: at,
        valid_until: None,
        method: crate::model::Method::Spoken,
        evidence_reference: String::new(),
    };
    let given = gate.record_consent(&housing, alex(), says(Stance::Given, now()), now());
    given.await.unwrap();
    let later = now() + SignedDuration::from_secs(1);
    let withdrawn = gate.record_consent(&housing, alex(), says(Stance::Withdrawn, later), later);
    withdrawn.await.unwrap();
    let person = crate::person::find(&*memory, &gate.keys.hashes, housing.agency(), &alex())
        .unwrap()
        .unwrap();
    let statements = consent::statements(&*memory, &gate.keys.vault, person).unwrap();
    let (kind, reader) = ("welfare.crisis-grant".parse().unwrap(), "housing".parse().unwrap());
    let (owner, purpose) = ("welfare".parse().unwrap(), "homelessness-prevention".parse().unwrap());
    let fact = consent::fact(&statements, (&kind, &owner), &reader, &purpose, now());
    assert_eq!(
        fact.word(),
        "withdrawn",
        "the asker's clock stands before the withdrawal"
    );
}

#[tokio::test]
async fn grounds_fail_for_the_person_who_spoke_and_hold_for_everyone_else() {
    let memory = Arc::new(Memory::new());
    let gate = gate(&memory);
    let housing = Caller::sample("housing", "housing", "adapter", None);
    let billie = Identity {
        nhs_number: Some("9990001014".parse().unwrap()),
        ..Identity::default()
    };
    let statement = Statement {
        stance: Stance::Refused,
        scope: Default::default(),
        said_at: now(),
        valid_from: now(),
        valid_until: None,
        method: crate::model::Method::Spoken,
        evidence_reference: String::new(),
    };
    for who in [alex(), billie.clone()] {
        gate.record_consent(&housing, who, statement.clone(), now())
            .await
            .unwrap();
    }
    let grounds = |who: &Identity| {
        let person = crate::person::find(&*memory, &gate.keys.hashes, housing.agency(), who).unwrap();
        let purpose = "homelessness-prevention".parse().unwrap();
        let mut facts = consent::Facts::new(
            &*memory,
            (&gate.keys.vault, &gate.said),
            (housing.agency(), &purpose),
            now(),
        )
        .unwrap();
        facts
            .of(person, &crate::model::Sort::of(&header(1, "welfare")))
            .unwrap();
        facts.into_grounds()
    };
    let (of_alex, of_billie) = (grounds(&alex()), grounds(&billie));
    gate.record_consent(&housing, alex(), statement, now()).await.unwrap();
    assert!(!of_alex.hold(&*memory).unwrap());
    assert!(of_billie.hold(&*memory).unwrap());
}

#[tokio::test]
async fn grounds_fail_for_everyone_who_is_somebody_else_or_has_died() {
    let memory = Arc::new(Memory::new());
    let gate = gate(&memory);
    let health = Caller::sample("health", "health", "adapter", None);
    let numbered = |number: &str| Identity {
        nhs_number: Some(number.parse().unwrap()),
        ..Identity::default()
    };
    let (old, new, billie) = ("9990001049", "9990001057", "9990001014");
    let source = |id: &str, version| Source {
        system: "pds".into(),
        id: id.into(),
        version,
    };
    let death = |number: &str| person::Report::Death(Box::new(numbered(number)));
    // Somebody must be known before they are somebody else.
    for number in [old, new, billie] {
        gate.report(&health, death(number), source(number, 1), now())
            .await
            .unwrap();
        gate.undo(&health, person::Sort::Death, source(number, 2), now())
            .await
            .unwrap();
    }
    let grounds = |number: &str| {
        let purpose = "homelessness-prevention".parse().unwrap();
        let mut facts = consent::Facts::new(
            &*memory,
            (&gate.keys.vault, &gate.said),
            (health.agency(), &purpose),
            now(),
        )
        .unwrap();
        let found = person::find(&*memory, &gate.keys.hashes, health.agency(), &numbered(number)).unwrap();
        facts.records(found.unwrap()).unwrap();
        facts.into_grounds()
    };
    let all = || [old, new, billie].map(grounds);
    let hold = |all: &[Grounds; 3]| all.each_ref().map(|grounds| grounds.hold(&*memory).unwrap());
    let before = all();
    let change = person::Report::Number(old.parse().unwrap(), new.parse().unwrap());
    gate.report(&health, change, source("change", 1), now()).await.unwrap();
    assert_eq!(hold(&before), [false, false, true]);
    let before = all();
    gate.report(&health, death(new), source("news", 1), now())
        .await
        .unwrap();
    assert_eq!(hold(&before), [false, false, true], "the death is of the human");
    let before = all();
    gate.undo(&health, person::Sort::Join, source("change", 2), now())
        .await
        .unwrap();
    assert_eq!(hold(&before), [false, false, true]);
    let before = all();
    gate.report(&health, death(new), source("news", 1), now())
        .await
        .unwrap();
    assert_eq!(hold(&before), [true; 3], "it was known");
}

fn header(number: u8, owner: &str) -> Header {
    Header {
        id: SignalId([number; 16]),
        version: 1,
        kind: "welfare.crisis-grant".parse().unwrap(),
        owner: owner.parse().unwrap(),
        person: None,
        address: None,
        area: None,
        occurred_at: now(),
        lapses_at: Timestamp::MAX,
        severity: Severity::Low,
        sensitivity: Sensitivity::Ordinary,
    }
}

/// What a reader has: signals with their version and level, and lines by agency.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reader {
    signals: BTreeMap<SignalId, (u64, Level)>,
    lines: BTreeMap<AgencyId, ()>,
}

proptest! {
    #[test]
    fn a_reader_who_follows_the_events_has_what_may_be_seen_and_is_told_nothing_twice(
        rounds in proptest::collection::vec(
            proptest::collection::vec((0_u8..6, proptest::option::of((1_u64..3, 0_usize..3))), 1..8),
            1..8,
        ),
    ) {
        let levels = [Level::Existence, Level::Headline, Level::Detail];
        let owners = ["health", "housing"];
        let mut screen = Screen::default();
        let mut reader = Reader::default();
        let mut truth: BTreeMap<u8, (u64, Level)> = BTreeMap::new();
        for round in rounds {
            let mut telling = Telling::new(&screen);
            let distinct: BTreeMap<u8, _> = round.into_iter().collect();
            for (number, now) in distinct {
                let mut header = header(number, owners[usize::from(number % 2)]);
                let level = now.map(|(version, level)| {
                    header.version = version;
                    levels[level]
                });
                telling.tell(header.id, level.map(|level| (&header, level)));
                match level {
                    Some(level) => truth.insert(number, (header.version, level)),
                    None => truth.remove(&number),
                };
            }
            for told in telling.told {
                match &told.event {
                    None => {}
                    Some(Event::Hide { signal: Some(id), .. }) => prop_assert!(reader.signals.remove(id).is_some()),
                    Some(Event::Hide { signal: None, owner }) => prop_assert!(reader.lines.remove(owner).is_some()),
                    Some(Event::Show(id)) => {
                        let (version, level) = truth[&id.0[0]];
                        let owner: AgencyId = owners[usize::from(id.0[0] % 2)].parse().unwrap();
                        match level {
                            Level::Existence => prop_assert!(reader.lines.insert(owner, ()).is_none()),
                            _ => prop_assert_ne!(reader.signals.insert(*id, (version, level)), Some((version, level))),
                        }
                    }
                }
                screen.turn(told.turn);
            }
            let dated = truth.iter().filter(|(_, (_, level))| *level > Level::Existence);
            let lines = truth.iter().filter(|(_, (_, level))| *level == Level::Existence);
            let expected = Reader {
                signals: dated.map(|(number, seen)| (SignalId([*number; 16]), *seen)).collect(),
                lines: lines.map(|(number, _)| (owners[usize::from(number % 2)].parse().unwrap(), ())).collect(),
            };
            prop_assert_eq!(&reader, &expected);
        }
    }
}

#[test]
fn a_screen_goes_back_to_any_event() {
    let memory = Memory::new();
    let on = |version| {
        Some(OnScreen {
            owner: "housing".parse().unwrap(),
            version,
            level: Level::Detail,
        })
    };
    let (first, second) = (SignalId([1; 16]), SignalId([2; 16]));
    let turns = [
        (1, (first, on(1))),
        (2, (second, on(1))),
        (3, (first, on(2))),
        (4, (first, None)),
    ];
    let mut txn = Txn::new(&memory);
    for (event, turn) in &turns {
        crate::changes::screen::keep(&mut txn, [7; 16], *event, turn, now()).unwrap();
    }
    crate::changes::screen::drop_after(&mut txn, [7; 16], 4).unwrap();
    memory.commit(txn.into_writes()).unwrap();
    let at = |event| crate::changes::screen::load(&memory, [7; 16], event).unwrap();
    assert_eq!(at(0).after(None, 9), []);
    assert_eq!(at(1).after(None, 9), [first]);
    assert_eq!(at(2).after(None, 9), [first, second]);
    assert_eq!(at(3).of(first), on(2).as_ref());
    assert_eq!(at(4).after(None, 9), [second]);
    assert!(memory.get(b"nothing").unwrap().is_none());
    let mut txn = Txn::new(&memory);
    crate::changes::screen::drop_after(&mut txn, [7; 16], 2).unwrap();
    memory.commit(txn.into_writes()).unwrap();
    assert_eq!(crate::changes::screen::load(&memory, [7; 16], 9).unwrap(), at(2));
}
