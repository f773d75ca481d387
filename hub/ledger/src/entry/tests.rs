//! Entries come back from their bytes, and there is one way to write each.

use placehub_model::{ConsentFact, Judged, Sensitivity, Severity, Shared, SignalId, SubjectSort};
use proptest::prelude::*;

use super::*;
use crate::samples::{self, name, set};

#[test]
fn an_entry_comes_back_from_its_bytes() {
    for entry in samples::entries() {
        let bytes = entry.encode().unwrap();
        assert_eq!(Entry::parse(&bytes), Ok(entry), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn there_is_only_one_way_to_write_an_entry() {
    let bytes = samples::refused().encode().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    for (other, why) in [
        (text.replace("\"allowed\":false", "\"allowed\": false"), "white space"),
        (
            text.replace("{\"v\":1,", "{\"v\":1,\"workload\":\"\","),
            "an empty field",
        ),
        (text.replace("{\"v\":1,", "{\"v\":1,\"since\":null,"), "a null field"),
        (text.replace("000000Z", "000000+00:00"), "another offset"),
        (text.replace(".000000Z", "Z"), "another precision"),
        (text.replace("police", "\\u0070olice"), "a needless escape"),
        (
            text.replace("{\"v\":1,", "{\"v\":1,\"name\":\"Sample\","),
            "an unknown field",
        ),
        (text.replace("{\"v\":1,", "{\"v\":2,"), "another version"),
        (text.replace("{\"v\":1,", "{"), "no version"),
        (
            text.replace("\"sort\":\"person\",", "\"sort\":\"person\",\"name\":\"Sample\","),
            "an unknown inner field",
        ),
        (text.replace("\"roles\":[", "\"roles\":[\"z\","), "a set out of order"),
        (format!("{text}\n"), "trailing data"),
        (text.replace("\"salt\":\"a", "\"salt\":\"A"), "capital hex"),
        (String::new(), "nothing"),
    ] {
        assert_ne!(other, text, "{why}");
        assert!(Entry::parse(other.as_bytes()).is_err(), "{why}: {other}");
    }
    assert!(Entry::parse(text.as_bytes()).is_ok());
}

#[test]
fn an_entry_that_contradicts_itself_is_not_written() {
    let at = samples::at(0);
    let shown = samples::allowed().shown;
    let refusal = samples::refused().refusal;
    for (entry, why) in [
        (Entry::new(at, "ask"), "refused without a reason"),
        (
            Entry {
                allowed: true,
                refusal: refusal.clone(),
                ..Entry::new(at, "ask")
            },
            "both",
        ),
        (
            Entry {
                shown,
                refusal,
                ..Entry::new(at, "ask")
            },
            "refused and shown",
        ),
        (
            Entry {
                allowed: true,
                ..Entry::new(at, "Ask!")
            },
            "an odd action",
        ),
        (
            Entry {
                allowed: true,
                ..Entry::new(at, "")
            },
            "no action",
        ),
        (
            Entry {
                allowed: true,
                ..Entry::new(Timestamp::MIN, "ask")
            },
            "a time before year 0",
        ),
        (
            Entry {
                policy: None,
                ..samples::pushed()
            },
            "a version of no policies",
        ),
    ] {
        assert!(matches!(entry.encode(), Err(EntryInvalid::Rule(_))), "{why}");
    }
}

#[test]
fn an_entry_that_is_too_long_is_not_written() {
    let mut entry = samples::pushed();
    entry.case_reference = "x".repeat(LONGEST - entry.encode().unwrap().len() - ",\"case_reference\":\"\"".len());
    assert_eq!(entry.encode().unwrap().len(), LONGEST);
    entry.case_reference.push('x');
    assert!(matches!(entry.encode(), Err(EntryInvalid::Rule(_))));
}

#[test]
fn an_entry_prints_nothing_of_itself_but_its_action() {
    assert_eq!(format!("{:?}", samples::allowed()), "Entry(ask)");
}

proptest! {
    #[test]
    fn any_text_and_time_comes_back(
        practitioner in "\\PC*", reason in any::<String>(), micros in -62_167_219_200_000_000i64..253_402_200_000_000_000,
        withheld: u32, count: u32,
    ) {
        let mut entry = Entry::new(Timestamp::from_microsecond(micros).unwrap(), "ask");
        entry.practitioner = practitioner;
        entry.refusal = Some(Refusal { code: "NOT_PERMITTED".into(), reason });
        entry.withheld = withheld;
        entry.classes = samples::allowed().classes.into_iter().map(|class| Class { count, ..class }).collect();
        let bytes = entry.encode().unwrap();
        prop_assert_eq!(Entry::parse(&bytes), Ok(entry));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        prop_assert!(Entry::parse(&bytes).is_err());
    }
}

#[test]
fn an_entry_whose_time_is_moved_is_what_it_would_have_been_with_that_time() {
    for entry in samples::entries() {
        let later = entry.at + jiff::SignedDuration::from_micros(86_400_000_001);
        let moved = entry.write().unwrap().at_time(later).unwrap();
        assert_eq!(moved.at(), later);
        let bytes = Entry { at: later, ..entry }.encode().unwrap();
        let leaf = crate::tree::leaf_hash(&bytes);
        assert_eq!((moved.bytes(), moved.leaf()), (bytes.as_slice(), leaf));
    }
}

/// An entry with something in every field, more than any one request leaves.
fn full() -> Entry {
    Entry {
        v: Format::V1,
        at: samples::at(1),
        action: "ask".into(),
        agency: Some(name("welfare")),
        sector: Some(name("advice")),
        workload: "console".into(),
        certificate: Some(Hex([0xc2; 32])),
        practitioner: "w.adviser-07".into(),
        roles: set(&["adviser", "manager"]),
        teams: set(&["homelessness"]),
        areas: set(&["E01006283"]),
        subject: Some(Subject::Address(Commitment {
            salt: Hex([0xa5; 16]),
            commitment: Hex([0x5a; 32]),
        })),
        reach: set(&["E02001292", "E01006283"]),
        purpose: Some(name("asb-prevention")),
        gateway: Some(name("cda-1998-s115")),
        case_reference: "26/1".into(),
        level: Some(Level::Detail),
        since: Some(samples::at(2)),
        until: Some(samples::at(3)),
        kinds: set(&["housing.rent-arrears"]),
        near: Near {
            name: Some(true),
            address: Some(false),
            street: Some(true),
        },
        sought: "housing/h.officer-01".into(),
        allowed: true,
        refusal: Some(Refusal {
            code: "NOT_PERMITTED".into(),
            reason: "made up".into(),
        }),
        policy: Some(Hex([0xd0; 32])),
        policy_version: Some(name("2026-01.1")),
        agreements: set(&["asb-prevention"]),
        rules: set(&["asb-prevention-ask"]),
        shown: [Level::Existence, Level::Headline, Level::Detail]
            .into_iter()
            .zip(4..)
            .map(|(level, version)| Shown {
                signal: SignalId([1; 16]),
                level,
                version,
            })
            .collect(),
        hidden: vec![
            Hidden {
                signal: Some(SignalId([2; 16])),
                owner: name("police"),
            },
            Hidden {
                signal: None,
                owner: name("health"),
            },
        ],
        classes: vec![Class {
            judged: judged(),
            count: 5,
        }],
        remainder: vec![Remainder {
            kind: name("welfare.crisis-grant"),
            owner: name("welfare"),
            count: 6,
        }],
        touched: Some(Touched {
            signal: Some(SignalId([3; 16])),
            version: Some(7),
            entry: Some(8),
            statement: Some(Hex([0xb4; 16])),
            outcome: "recorded".into(),
            reason: "a correction".into(),
        }),
        change: Some(Change {
            from: "old".into(),
            to: "new".into(),
            by: "start".into(),
            from_version: Some(name("2026-01.1")),
            to_version: Some(name("2026-01.2")),
        }),
        swept: vec![Remainder {
            kind: name("housing.eviction"),
            owner: name("housing"),
            count: 9,
        }],
        withheld: 10,
    }
}

fn judged() -> Shared {
    let judged = Judged {
        kind: name("housing.rent-arrears"),
        owner: name("housing"),
        sensitivity: Sensitivity::Sensitive,
        severity: Severity::High,
        areas: set(&["E01006283"]),
        about: SubjectSort::Person,
        consent: ConsentFact::Withdrawn,
        deceased: true,
        level: Some(Level::Existence),
        rules: set(&["base-one", "base-two"]),
    };
    judged.into()
}

/// The encoding of [`full`], a line to a field.
const FULL: &[&str] = &[
    r#"{"v":1"#,
    r#","at":"2026-01-05T09:00:01.000000Z""#,
    r#","action":"ask""#,
    r#","agency":"welfare""#,
    r#","sector":"advice""#,
    r#","workload":"console""#,
    r#","certificate":"c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2""#,
    r#","practitioner":"w.adviser-07""#,
    r#","roles":["adviser","manager"]"#,
    r#","teams":["homelessness"]"#,
    r#","areas":["E01006283"]"#,
    r#","subject":{"sort":"address","salt":"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5","#,
    r#""commitment":"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"}"#,
    r#","reach":["E01006283","E02001292"]"#,
    r#","purpose":"asb-prevention""#,
    r#","gateway":"cda-1998-s115""#,
    r#","case_reference":"26/1""#,
    r#","level":"detail""#,
    r#","since":"2026-01-05T09:00:02.000000Z""#,
    r#","until":"2026-01-05T09:00:03.000000Z""#,
    r#","kinds":["housing.rent-arrears"]"#,
    r#","near":{"name":true,"address":false,"street":true}"#,
    r#","sought":"housing/h.officer-01""#,
    r#","allowed":true"#,
    r#","refusal":{"code":"NOT_PERMITTED","reason":"made up"}"#,
    r#","policy":"d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0""#,
    r#","policy_version":"2026-01.1""#,
    r#","agreements":["asb-prevention"]"#,
    r#","rules":["asb-prevention-ask"]"#,
    r#","shown":[{"signal":"01010101-0101-0101-0101-010101010101","level":"existence","version":4},"#,
    r#"{"signal":"01010101-0101-0101-0101-010101010101","level":"headline","version":5},"#,
    r#"{"signal":"01010101-0101-0101-0101-010101010101","level":"detail","version":6}]"#,
    r#","hidden":[{"signal":"02020202-0202-0202-0202-020202020202","owner":"police"},{"owner":"health"}]"#,
    r#","classes":[{"kind":"housing.rent-arrears","owner":"housing","sensitivity":"sensitive","severity":"high","#,
    r#""areas":["E01006283"],"about":"person","consent":"withdrawn","deceased":true,"level":"existence","#,
    r#""rules":["base-one","base-two"],"count":5}]"#,
    r#","remainder":[{"kind":"welfare.crisis-grant","owner":"welfare","count":6}]"#,
    r#","touched":{"signal":"03030303-0303-0303-0303-030303030303","version":7,"entry":8,"#,
    r#""statement":"b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4","outcome":"recorded","reason":"a correction"}"#,
    r#","change":{"from":"old","to":"new","by":"start","from_version":"2026-01.1","to_version":"2026-01.2"}"#,
    r#","swept":[{"kind":"housing.eviction","owner":"housing","count":9}]"#,
    r#","withheld":10}"#,
];

#[test]
fn every_field_has_its_name_and_its_place() {
    let text = FULL.concat();
    // Not by `Entry::encode`: no entry is both answered and refused.
    let bytes = encode::encode(&full()).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
    let answered = text.replace(",\"refusal\":{\"code\":\"NOT_PERMITTED\",\"reason\":\"made up\"}", "");
    let entry = Entry {
        refusal: None,
        ..full()
    };
    assert_eq!(Entry::parse(answered.as_bytes()), Ok(entry));
    for (other, why) in [
        (
            answered
                .replace(",\"sought\":\"housing/h.officer-01\"", "")
                .replace(",\"near\"", ",\"sought\":\"housing/h.officer-01\",\"near\""),
            "a field out of order",
        ),
        (
            answered.replace("\"deceased\":true", "\"deceased\":false"),
            "an answer that is left out",
        ),
    ] {
        assert_ne!(other, answered, "{why}");
        assert_eq!(Entry::parse(other.as_bytes()), Err(EntryInvalid::Canonical), "{why}");
    }
}

#[test]
fn a_judgement_that_entries_share_stands_in_each_with_its_own_count() {
    let (shared, own) = (judged(), judged());
    let class = |count, judged: &Shared| {
        let judged = judged.clone();
        let classes = vec![Class { judged, count }];
        Entry {
            classes,
            ..samples::pushed()
        }
        .encode()
        .unwrap()
    };
    let [one, many] = [1, 4_294_967_295].map(|count| class(count, &shared));
    assert_eq!(one, class(1, &own), "as if it were not shared");
    let text = String::from_utf8(one).unwrap();
    let counted = text.replace(",\"count\":1}", ",\"count\":4294967295}");
    assert_ne!(counted, text);
    assert_eq!(String::from_utf8(many).unwrap(), counted);
}

#[test]
fn an_encoding_that_failed_leaves_nothing_to_the_next() {
    let wrong = Entry {
        since: Some(Timestamp::MIN),
        ..samples::allowed()
    };
    assert_eq!(wrong.encode(), Err(EntryInvalid::Rule("years have four digits")));
    let bytes = samples::allowed().encode().unwrap();
    assert_eq!(Entry::parse(&bytes), Ok(samples::allowed()));
}
