//! Made-up keys and the entries of `FORMAT.md`, for tests here and in the hub. Nothing that runs may use them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "samples are fixed, and used by tests alone"
)]

use std::{collections::BTreeSet, str::FromStr};

use jiff::Timestamp;
use placehub_model::{ConsentFact, Judged, Level, Sensitivity, Severity, SignalId, SubjectSort};

use crate::{Class, Commitment, Cosigner, Entry, Hex, Refusal, Shown, Signer, Subject, Touched};

/// An Ed25519 key in PKCS #8 form, version 1 (RFC 8410), whose seed is this byte 32 times.
pub fn pkcs8(seed: u8) -> Vec<u8> {
    let mut bytes = hex::decode("302e020100300506032b657004220420").unwrap();
    bytes.extend([seed; 32]);
    bytes
}

/// The signer of the sample hub whose key has this seed.
pub fn signer(seed: u8) -> Signer {
    Signer::from_pkcs8("hub.wigan.sample", &pkcs8(seed)).unwrap()
}

/// A witness of this name, whose key has this seed.
pub fn cosigner(name: &str, seed: u8) -> Cosigner {
    Cosigner::from_pkcs8(name, &pkcs8(seed)).unwrap()
}

/// So many seconds after nine in the morning of 5 January 2026.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_603_600 + second).unwrap()
}

/// The bytes by which entries about somebody are found again.
pub fn subject(byte: u8) -> [u8; 16] {
    [byte; 16]
}

/// The three entries of `FORMAT.md`.
pub fn entries() -> Vec<Entry> {
    vec![pushed(), allowed(), refused()]
}

/// A housing association pushes a signal.
pub fn pushed() -> Entry {
    Entry {
        agency: Some(name("housing")),
        sector: Some(name("housing")),
        workload: "rents".into(),
        certificate: Some(Hex([0xc1; 32])),
        allowed: true,
        policy: Some(Hex([0xd0; 32])),
        policy_version: Some(name("2026-01.1")),
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
pub fn allowed() -> Entry {
    Entry {
        agency: Some(name("welfare")),
        sector: Some(name("welfare")),
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
        policy_version: Some(name("2026-01.1")),
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
pub fn refused() -> Entry {
    Entry {
        agency: Some(name("police")),
        sector: Some(name("police")),
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
        policy_version: Some(name("2026-01.1")),
        ..Entry::new(at(62), "ask")
    }
}

fn class(sensitivity: Sensitivity, level: Option<Level>, rule: &str) -> Class {
    let judged = Judged {
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
    };
    Class {
        judged: judged.into(),
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

pub(crate) fn name<N: FromStr>(text: &str) -> N {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a name"))
}

pub(crate) fn set<N: FromStr + Ord>(texts: &[&str]) -> BTreeSet<N> {
    texts.iter().map(|text| name(text)).collect()
}
