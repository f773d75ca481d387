//! Entries come back from their bytes, and there is one way to write each.

use proptest::prelude::*;

use super::*;
use crate::samples;

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
        assert_eq!(moved.into_bytes(), Entry { at: later, ..entry }.encode().unwrap());
    }
}
