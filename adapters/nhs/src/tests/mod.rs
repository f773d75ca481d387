//! The samples beside what is expected of them, the messages that must be refused, and messages that others wrote.

#[path = "../../../outside.rs"]
mod outside;
pub(crate) mod station;

mod bundles;
mod consents;
mod messages;
mod others;

use placehub_delivery::{Content, FileError, Translated, Untranslatable, draft::views};
use placehub_proto::v1::SignalDraft;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::mapping::{Mapping, catalogue::Catalogue};
pub(crate) use outside::outside_data;

const MESSAGE: &str = "MSH|^~\\&|PAS|RWIG|TIE|RWIG|202611121000||ADT^A03|C-1|P|2.4\r\
                       EVN|A03|202611121005\r\
                       PID|1||9990001006^^^NHS^NH~H-77^^^RWIG^MRN||Sample^Alex||19580314|M|||1 Example Street^^Wigan^^WN99 9AA\r\
                       PV1|1|I||21^Emergency|||||||||||||||V-9|||||||||||||||||19^Usual place of residence||||||||202611101400|202611121030\r";

fn one(bytes: &[u8]) -> Result<SignalDraft, Untranslatable> {
    let mut all = translate(bytes, "x").unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0).result.map(|content| content.draft().unwrap().clone())
}

/// What the hub is told of a text of one resource or message, each thing on its own.
fn told(bytes: &[u8]) -> Vec<Result<Content, Untranslatable>> {
    let all = translate(bytes, "x").unwrap();
    all.into_iter().map(|one| one.result).collect()
}

/// The same, where the trust has the news of a death taken back, with the rules that lie ready for that.
fn told_where_deaths_are_taken_back(bytes: &[u8]) -> Vec<Result<Content, Untranslatable>> {
    let mut mapping = String::new();
    let mut is_ready = false;
    for line in Mapping::USUAL.lines() {
        is_ready = (is_ready || line.starts_with("# [[")) && !line.is_empty();
        mapping += if is_ready { line.trim_start_matches("# ") } else { line };
        mapping.push('\n');
    }
    let catalogue = Catalogue::parse(Catalogue::KINDS, Catalogue::PURPOSES).unwrap();
    let reading = Reading {
        mapping: Mapping::parse(&mapping, &catalogue).unwrap(),
        ..Reading::usual().unwrap()
    };
    let rows = rows(Box::new(Cursor::new(bytes.to_vec())), "x", &Arc::new(reading));
    rows.unwrap().map(|row| row.unwrap().result).collect()
}

fn message(from: &str, to: &str) -> Result<SignalDraft, Untranslatable> {
    assert!(MESSAGE.contains(from), "{from}");
    one(MESSAGE.replace(from, to).as_bytes())
}

/// The sample encounter with one JSON pointer set to another value.
fn encounter(pointer: &str, value: Value) -> Result<SignalDraft, Untranslatable> {
    let mut bundle: Value = serde_json::from_slice(SAMPLES[1].1).unwrap();
    *bundle.pointer_mut(pointer).unwrap() = value;
    one(bundle.to_string().as_bytes())
}

#[test]
fn the_samples_become_what_is_expected() {
    let expected = [
        include_str!("../../samples/discharge.expected.json"),
        include_str!("../../samples/encounter.expected.json"),
        include_str!("../../samples/flags.expected.json"),
        include_str!("../../samples/gp-change.expected.json"),
    ];
    for ((name, bytes), expected) in SAMPLES.iter().zip(expected) {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(views(&translate(bytes, name).unwrap()), expected, "{name}");
    }
}

#[test]
fn line_ends_and_marks_around_a_message_change_nothing() {
    let plain = one(MESSAGE.as_bytes()).unwrap();
    for changed in [
        MESSAGE.replace('\r', "\n"),
        MESSAGE.replace('\r', "\r\n"),
        format!("\u{feff}{MESSAGE}"),
        format!("\u{b}{MESSAGE}\u{1c}\r"),
        MESSAGE.replace("MSH|^~\\&|", "MSH|^~\\&#|"),
    ] {
        assert_eq!(one(changed.as_bytes()).unwrap(), plain);
    }
}

#[test]
fn a_bad_message_keeps_the_next_one_back_in_no_file() {
    let file = format!("{}{MESSAGE}", MESSAGE.replace("ADT^A03", "ADT^A08"));
    let all: Vec<Translated> = translate(file.as_bytes(), "adt.hl7").unwrap();
    let why = all[0].result.as_ref().unwrap_err();
    assert_eq!(
        (why.rule.as_str(), why.passed_over),
        ("message type ADT^A08 carries no signal", true)
    );
    assert_eq!(
        (all[1].origin.as_str(), all[1].result.is_ok()),
        ("adt.hl7 message 2", true)
    );
}

#[test]
fn each_event_has_its_kind() {
    let admission = message("ADT^A03", "ADT^A01").unwrap();
    assert_eq!(admission.kind, "health.hospital-admission");
    assert_eq!(admission.source_id, "V-9:admission");
    assert_eq!(admission.occurred_at.unwrap().seconds, 1_794_319_200);
    let attendance = one(MESSAGE
        .replace("ADT^A03", "ADT^A04")
        .replace("PV1|1|I", "PV1|1|E")
        .as_bytes())
    .unwrap();
    assert_eq!(attendance.kind, "health.emergency-attendance");
    assert_eq!(message("ADT^A03", "ADT^A04").unwrap_err().field, "MSH-9");
}

#[test]
fn an_nhs_number_with_a_wrong_check_digit_is_never_matched_on() {
    let person = message("9990001006", "9990001007").unwrap().person.unwrap();
    assert_eq!(
        (person.nhs_number.as_str(), person.unverified_nhs_number.as_str()),
        ("", "9990001007")
    );
}

#[test]
fn each_bad_field_is_named_without_its_value() {
    for (from, to, field) in [
        ("PID|", "PIX|", "PID"),
        ("9990001006", "unknown", "PID-3"),
        ("|19580314|", "|19581314|", "PID-7"),
        ("|202611121030", "|2026", "PV1-45"),
        ("|PAS|", "||", "MSH-3"),
        ("|202611121000|", "|today|", "MSH-7"),
        ("|202611121000|", "|196911121000|", "MSH-7"),
        ("ADT^A03", "ORU^R01", "MSH-9"),
        ("ADT^A03", "discharge", "MSH-9"),
    ] {
        let why = message(from, to).unwrap_err();
        assert_eq!(why.field, field);
        assert!(!why.to_string().contains("unknown") && !why.to_string().contains("19581314"));
    }
}

#[test]
fn a_visit_without_a_number_is_named_by_the_message() {
    let named = |second: &str| {
        let text = MESSAGE
            .replace("|V-9|", "||")
            .replace("|202611121000|", &format!("|202611121000{second}|"));
        one(text.as_bytes()).unwrap().source_id
    };
    assert_eq!(named("00"), "C-1@1794477600:discharge");
    // A sender that begins its control ids anew never moves a signal to another person.
    assert_ne!(named("00"), named("01"));
}

#[test]
fn an_encounter_ends_in_a_discharge_and_keeps_its_identity() {
    let admission = one(SAMPLES[1].1).unwrap();
    let mut bundle: Value = serde_json::from_slice(SAMPLES[1].1).unwrap();
    bundle["entry"][0]["resource"]["status"] = json!("finished");
    bundle["entry"][0]["resource"]["period"]["end"] = json!("2026-11-18T15:00:00+00:00");
    let discharge = one(bundle.to_string().as_bytes()).unwrap();
    assert_eq!(
        (admission.kind.as_str(), discharge.kind.as_str()),
        ("health.hospital-admission", "health.hospital-discharge")
    );
    assert_ne!(admission.source_id, discharge.source_id);
    assert_eq!(admission.person, discharge.person);
}

#[test]
fn a_number_that_the_source_has_not_verified_is_never_matched_on() {
    let status = "/entry/1/resource/identifier/0/extension/0/valueCodeableConcept/coding/0/code";
    let person = encounter(status, json!("02")).unwrap().person.unwrap();
    assert_eq!(
        (person.nhs_number.as_str(), person.unverified_nhs_number.as_str()),
        ("", "9990001014")
    );
}

#[test]
fn each_bad_element_is_named() {
    for (pointer, value, field) in [
        (
            "/entry/0/resource/subject/reference",
            json!("Patient/other"),
            "Bundle.entry[0].resource.subject",
        ),
        ("/entry/0/resource/status", json!("planned"), "Bundle.entry[0].resource"),
        ("/entry/0/resource/class/code", json!("AMB"), "Bundle.entry[0].resource"),
        (
            "/entry/0/resource/period/start",
            json!("2026"),
            "Bundle.entry[0].resource.period.start",
        ),
        (
            "/entry/1/resource/birthDate",
            json!("1991-02-30"),
            "Bundle.entry[1].resource.birthDate",
        ),
        (
            "/entry/1/resource/name",
            json!("Billie"),
            "Bundle.entry[1].resource.name",
        ),
        (
            "/entry/1/resource/identifier/0/value",
            json!("none"),
            "Bundle.entry[1].resource.identifier[0].value",
        ),
    ] {
        assert_eq!(encounter(pointer, value).unwrap_err().field, field, "{pointer}");
    }
}

#[test]
fn a_contained_patient_is_found() {
    let mut bundle: Value = serde_json::from_slice(SAMPLES[1].1).unwrap();
    let mut patient = bundle["entry"][1]["resource"].take();
    let mut alone = bundle["entry"][0]["resource"].take();
    patient["id"] = json!("p");
    alone["contained"] = json!([patient]);
    alone["subject"]["reference"] = json!("#p");
    assert_eq!(one(alone.to_string().as_bytes()), one(SAMPLES[1].1));
}

#[test]
fn a_file_of_another_kind_is_refused_as_such() {
    assert!(matches!(
        translate(b"a,b\n1,2\n", "x"),
        Err(FileError::Malformed { .. })
    ));
    assert!(matches!(
        translate(b"{\"resourceType\":\"Bundle\"}", "x"),
        Err(FileError::Malformed { .. })
    ));
    let refusal = translate(b"{\"name\": \"Sample\" oops}", "x").unwrap_err().to_string();
    assert_eq!(refusal, "file is not FHIR JSON: line 1, column 19");
}

#[test]
fn a_cloud_event_becomes_a_signal_with_its_pointer() {
    let event = json!({
        "specversion": "1.0", "id": "e-1", "source": "uk.nhs.example", "type": "pds-change-of-gp-2",
        "time": "2026-11-12T10:00:00Z", "subject": "9990001006", "dataref": "https://example.org/Patient/9990001006",
    });
    let draft = one(event.to_string().as_bytes()).unwrap();
    assert_eq!(
        (draft.kind.as_str(), draft.source_id.as_str()),
        ("health.gp-change", "e-1:gp-change")
    );
    assert_eq!(draft.person.unwrap().nhs_number, "9990001006");
    assert_eq!(draft.pointer, "https://example.org/Patient/9990001006");
    for (name, value) in [
        ("subject", "none"),
        ("dataref", "file:///x"),
        ("time", "today"),
        ("id", ""),
        ("type", "x"),
    ] {
        let mut bad = event.clone();
        bad[name] = json!(value);
        assert_eq!(one(bad.to_string().as_bytes()).unwrap_err().field, name);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_format_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = translate(&bytes, "x");
    }

    #[test]
    fn no_message_makes_the_format_panic(head in "MSH.{0,12}", rest in "(\r(PID|PV1|EVN|MSH)[|^~&\\\\.A-Za-z0-9é]{0,80}){0,6}") {
        let _ = translate(format!("{head}|ADT^A03|{rest}").as_bytes(), "x");
        let _ = translate(format!("MSH|^~\\&|A|B|C|D|2026||ADT^A03|1{rest}").as_bytes(), "x");
    }

    #[test]
    fn no_torn_sample_makes_the_format_panic(at in 0..4000usize, insert in ".{0,6}") {
        for (name, bytes) in SAMPLES {
            let mut text = String::from_utf8_lossy(bytes).into_owned();
            if text.is_char_boundary(at) && at < text.len() {
                text.insert_str(at, &insert);
            }
            let _ = translate(text.as_bytes(), name);
        }
    }
}
