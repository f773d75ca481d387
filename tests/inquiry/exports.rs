//! Exports over the wire: numbered, in a window, with the head over all; and what the program makes of them.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use placehub_hub::ledger::Entry;
use placehub_proto::v1::{ExportLedgerRequest, export_ledger_response::Part};
use serde_json::Value;

use super::{HOMELESSNESS, asked, given, last, period};
use crate::{
    harness::{alex, question_person},
    program::repository,
};

#[tokio::test]
async fn an_export_of_a_window_has_its_entries_by_number_and_the_head_over_all() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    hub.place.clock.advance(SignedDuration::from_hours(1));
    let since = hub.place.clock.now();
    let first = officer
        .ask(question_person(alex(), HOMELESSNESS))
        .await
        .unwrap()
        .ledger_entry;
    officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    hub.place.clock.advance(SignedDuration::from_hours(1));
    let until = hub.place.clock.now();
    officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    let igo = hub.as_cast("igo-1");
    let request = ExportLedgerRequest {
        period: period(since, until),
        ..ExportLedgerRequest::default()
    };
    let mut parts = igo.ledger.clone().export_ledger(request).await.unwrap().into_inner();
    let (mut numbers, mut head) = (Vec::new(), String::new());
    while let Some(part) = parts.message().await.unwrap() {
        match part.part.unwrap() {
            Part::Entry(raw) => {
                let at = Entry::parse(&raw).unwrap().at;
                assert!(since <= at && at < until);
                numbers.push(part.number.unwrap());
            }
            Part::Handover(_) => panic!("the key was never changed"),
            Part::Checkpoint(note) => head = note,
        }
    }
    assert_eq!(numbers, [first, first + 1]);
    assert_eq!(head.lines().nth(1), Some((first + 3).to_string().as_str()));
    let look = last(&hub).await;
    assert_eq!(
        (look.action.as_str(), look.since, look.until),
        ("export-ledger", Some(since), Some(until))
    );
}

/// The names of an object's members and of all objects within it, as paths.
fn paths(value: &Value, under: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{under}.{name}");
                paths(member, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, under, found)),
        _ => {}
    }
}

#[tokio::test]
async fn each_form_of_export_holds_every_entry_and_an_audit_event_has_the_shape_of_the_standards_example() {
    let (home, served) = asked().await;
    let export = async |format: &str| {
        let form = ["ledger", "export", "--as", "igo-1", "--format", format];
        home.run(&form).await.ended(0).out
    };
    let ndjson = export("ndjson").await;
    for (number, line) in ndjson.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["number"], number);
    }
    // Beside what the hub recorded of itself: a push, two questions, and then the exports one by one.
    let before = ndjson.lines().count();
    assert!(before >= 3, "{ndjson}");
    let csv = export("csv").await;
    assert_eq!(csv.lines().count(), 1 + before + 1, "{csv}");
    assert!(csv.starts_with("number,at,action,"));

    let events = export("audit-event").await;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = events
        .iter()
        .filter(|event| event["agent"].as_array().unwrap().len() > 1)
        .map(|event| (event["action"].as_str().unwrap(), event["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("C", "0"), ("E", "0"), ("E", "4"), ("R", "0"), ("R", "0")]);
    for event in &events {
        assert_eq!(event["resourceType"], "AuditEvent");
        for needed in ["type", "recorded", "agent", "source"] {
            assert!(!event[needed].is_null(), "no {needed} in {event}");
        }
        assert!(event["source"]["observer"].is_object());
        assert!(!event.to_string().contains("9990001006"));
    }
    served.stop().await;

    let example = match crate::program::setting("PLACEHUB_FIXTURES") {
        Some(folder) => std::path::PathBuf::from(folder),
        None => repository().join("../shared/fixtures"),
    };
    let Ok(example) = std::fs::read_to_string(example.join("fhir-r4/auditevent-example.json")) else {
        eprintln!("the FHIR example is not there: the shape is not compared");
        return;
    };
    let (mut known, mut ours) = (BTreeSet::new(), BTreeSet::new());
    paths(&serde_json::from_str(&example).unwrap(), "", &mut known);
    events.iter().for_each(|event| paths(event, "", &mut ours));
    // Elements of AuditEvent that HL7's example does not happen to use.
    let further = [
        ".outcomeDesc",
        ".purposeOfEvent",
        ".purposeOfEvent.coding",
        ".purposeOfEvent.coding.code",
        ".purposeOfEvent.coding.display",
        ".purposeOfEvent.coding.system",
        ".agent.policy",
        ".agent.purposeOfUse",
        ".agent.purposeOfUse.coding",
        ".agent.purposeOfUse.coding.code",
        ".agent.purposeOfUse.coding.display",
        ".agent.purposeOfUse.coding.system",
        ".entity.detail",
        ".entity.detail.type",
        ".entity.detail.valueString",
        ".entity.query",
        ".entity.what.identifier.system",
        ".entity.what.type",
        ".source.observer.identifier",
        ".source.observer.identifier.system",
        ".source.observer.identifier.value",
    ];
    let strange: Vec<_> = ours
        .iter()
        .filter(|path| !known.contains(*path) && !further.contains(&path.as_str()))
        .collect();
    assert!(strange.is_empty(), "not of AuditEvent: {strange:?}");
}
