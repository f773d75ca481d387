//! What the room's tests share: an empty store, fixed keys, and the entries of `FORMAT.md`. All of it is made up.

use std::{collections::BTreeSet, str::FromStr};

use jiff::Timestamp;

use super::{Class, Commitment, Entry, Hex, Ledger, Refusal, Shown, Signer, Subject, Touched};
use crate::{
    model::{ConsentFact, Level, Sensitivity, Severity, SignalId, SubjectSort},
    store::{self, Read, Txn, Visit},
};

/// A store with nothing in it. A transaction on it is store enough for these tests.
pub(super) struct Nothing;

impl Read for Nothing {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, store::Error> {
        Ok(None)
    }

    fn scan(&self, _: &[u8], _: &[u8], _: &mut Visit<'_>) -> Result<(), store::Error> {
        Ok(())
    }
}

/// An Ed25519 key in PKCS #8 form, version 1 (RFC 8410), whose seed is this byte 32 times.
pub(super) fn pkcs8(seed: u8) -> Vec<u8> {
    let mut bytes = hex::decode("302e020100300506032b657004220420").unwrap();
    bytes.extend([seed; 32]);
    bytes
}

pub(super) fn signer(seed: u8) -> Signer {
    Signer::from_pkcs8("hub.wigan.sample", &pkcs8(seed)).unwrap()
}

pub(super) fn ledger() -> Ledger {
    Ledger::new(signer(1))
}

/// So many seconds after nine in the morning of 5 January 2026.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_603_600 + second).unwrap()
}

pub(super) fn subject(byte: u8) -> [u8; 16] {
    [byte; 16]
}

/// A store in which each entry has been entered with these concerns and sealed.
pub(super) fn filled(entries: impl IntoIterator<Item = (Entry, Vec<[u8; 16]>)>) -> Txn<'static> {
    let (ledger, mut txn) = (ledger(), Txn::new(&Nothing));
    for (entry, concerns) in entries {
        let _ = ledger.enter(&mut txn, entry, &concerns).unwrap();
    }
    ledger.seal(&mut txn).unwrap();
    txn
}

/// A store of so many entries, a second apart; the `n`th concerns subject `n % 3`, and every fifth subject 9 as well.
pub(super) fn many(count: u8) -> Txn<'static> {
    filled((0..count).map(|n| {
        let mut concerns = vec![subject(n % 3), subject(n % 3)];
        if n % 5 == 0 {
            concerns.push(subject(9));
        }
        (
            Entry {
                at: at(n.into()),
                ..pushed()
            },
            concerns,
        )
    }))
}

pub(super) fn entries() -> Vec<Entry> {
    vec![pushed(), allowed(), refused()]
}

/// A housing association pushes a signal.
pub(super) fn pushed() -> Entry {
    Entry {
        agency: Some(name("housing")),
        workload: "rents".into(),
        certificate: Some(Hex([0xc1; 32])),
        allowed: true,
        policy: Some(Hex([0xd0; 32])),
        rules: set(&["push.own-kinds"]),
        touched: Some(Touched {
            signal: Some(signal()),
            version: Some(1),
            outcome: "recorded".into(),
            ..Touched::default()
        }),
        ..Entry::new(at(0), "push")
    }
}

/// A welfare adviser asks about a person and sees a headline.
pub(super) fn allowed() -> Entry {
    Entry {
        agency: Some(name("welfare")),
        workload: "console".into(),
        certificate: Some(Hex([0xc2; 32])),
        practitioner: "w.adviser-07".into(),
        roles: set(&["adviser"]),
        teams: set(&["homelessness"]),
        areas: set(&["E01006283"]),
        subject: Some(person(0xa5)),
        purpose: Some(name("homelessness-prevention")),
        gateway: Some(name("none")),
        case_reference: "HP-2026-0001".into(),
        level: Some(Level::Detail),
        since: Some(at(-90 * 86_400)),
        kinds: set(&["housing.rent-arrears"]),
        allowed: true,
        policy: Some(Hex([0xd0; 32])),
        agreements: set(&["homelessness-prevention"]),
        rules: set(&["homelessness-prevention.ask"]),
        shown: vec![Shown {
            signal: signal(),
            level: Level::Headline,
            version: 1,
        }],
        classes: vec![
            class(
                Sensitivity::Ordinary,
                Some(Level::Headline),
                "homelessness-prevention.headline",
            ),
            class(Sensitivity::Restricted, None, "base.restricted"),
        ],
        withheld: 1,
        ..Entry::new(at(61), "ask")
    }
}

/// A police officer asks about the same person without a gateway and is refused.
pub(super) fn refused() -> Entry {
    Entry {
        agency: Some(name("police")),
        workload: "console".into(),
        certificate: Some(Hex([0xc3; 32])),
        practitioner: "p.officer-11".into(),
        roles: set(&["constable"]),
        subject: Some(person(0xa7)),
        purpose: Some(name("asb-prevention")),
        gateway: Some(name("none")),
        level: Some(Level::Headline),
        refusal: Some(Refusal {
            code: "NOT_PERMITTED".into(),
            reason: "no agreement takes this question without a gateway".into(),
        }),
        policy: Some(Hex([0xd0; 32])),
        ..Entry::new(at(62), "ask")
    }
}

fn class(sensitivity: Sensitivity, level: Option<Level>, rule: &str) -> Class {
    Class {
        kind: name("housing.rent-arrears"),
        owner: name("housing"),
        sensitivity,
        severity: Severity::Medium,
        areas: set(&["E01006283", "E02001292"]),
        about: SubjectSort::Person,
        consent: ConsentFact::Given,
        deceased: false,
        level,
        rules: set(&[rule]),
        count: 1,
    }
}

fn person(salt: u8) -> Subject {
    Subject::Person(Commitment {
        salt: Hex([salt; 16]),
        commitment: Hex([!salt; 32]),
    })
}

fn signal() -> SignalId {
    SignalId(*b"\x01\x9b\x8d\x2c\x00\x00\x70\x00\x80\x00\x00\x00\x00\x00\x00\x01")
}

fn name<N: FromStr>(text: &str) -> N {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a name"))
}

fn set<N: FromStr + Ord>(texts: &[&str]) -> BTreeSet<N> {
    texts.iter().map(|text| name(text)).collect()
}
