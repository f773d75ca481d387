//! A listener on a socket of its own, and senders that speak HTTP well, badly and at length.

use std::time::Duration;

use placehub_delivery::{Content, outbox::Entry};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::tests::{outside_data, station::Station};

const SHORT: Limits = Limits {
    longest: 64 * 1024,
    connections: 2,
    request: Duration::from_millis(300),
};

fn station(room: u64) -> Station {
    Station::new(room, |door, reading| Box::new(Listener::new(door, SHORT, reading)))
}

fn request(path: &str, content: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content}\r\nContent-Length: {length}\r\nX-Correlation-ID: c-7\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The status and the body of an answer.
fn parsed(answer: &str) -> (u16, Value) {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

async fn posted(station: &Station, path: &str, body: &Value) -> (u16, Value) {
    let answer = station
        .sent(&request(path, "application/fhir+json", &body.to_string()))
        .await;
    assert!(answer.contains("x-correlation-id: c-7\r\n"), "{answer}");
    parsed(&answer)
}

fn encounter(id: &str) -> Value {
    json!({
        "resourceType": "Encounter", "id": id, "status": "in-progress", "class": { "code": "IMP" },
        "subject": { "identifier": { "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990001006" } },
        "period": { "start": "2026-11-12T10:00:00Z" },
    })
}

fn bundle(kind: &str, resources: &[Value]) -> Value {
    let entries = resources
        .iter()
        .map(|resource| json!({ "resource": resource, "request": { "method": "POST" } }));
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries.collect::<Value>() })
}

#[tokio::test]
async fn a_resource_is_in_the_outbox_when_its_sender_is_told() {
    let station = station(1000);
    let (status, outcome) = posted(&station, "/fhir/Encounter", &encounter("e-1")).await;
    assert_eq!((status, &outcome["resourceType"]), (201, &json!("OperationOutcome")));
    assert_eq!(station.waiting(), ["e-1:admission 2"]);
}

#[tokio::test]
async fn what_carries_nothing_is_understood_and_counted() {
    let station = station(1000);
    let mut arrived = encounter("e-1");
    arrived["class"]["code"] = json!("AMB");
    let (status, outcome) = posted(&station, "/fhir/Encounter", &arrived).await;
    assert_eq!((status, &outcome["issue"][0]["severity"]), (200, &json!("information")));
    assert_eq!((station.waiting().len(), station.counters.passed_over.value()), (0, 1));
}

#[tokio::test]
async fn a_bundle_is_taken_whole_or_not_at_all() {
    let station = station(1000);
    let mut bad = encounter("e-2");
    bad["period"]["start"] = json!("last week");
    for kind in ["message", "collection", "transaction"] {
        let (status, outcome) = posted(&station, "/fhir", &bundle(kind, &[encounter("e-1"), bad.clone()])).await;
        assert_eq!(status, 422, "{outcome}");
        let issue = &outcome["issue"][0];
        assert_eq!(issue["expression"], json!(["Bundle.entry[1].resource.period.start"]));
        assert!(!outcome.to_string().contains("last week"));
    }
    assert_eq!(station.waiting(), [""; 0]);
    let (status, answer) = posted(
        &station,
        "/fhir",
        &bundle(
            "transaction",
            &[encounter("e-1"), json!({"resourceType": "Organization"})],
        ),
    )
    .await;
    assert_eq!((status, &answer["type"]), (200, &json!("transaction-response")));
    let statuses = answer["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["response"]["status"].as_str().unwrap());
    assert_eq!(statuses.collect::<Vec<_>>(), ["201 Created", "200 OK"]);
    assert_eq!(station.waiting(), ["e-1:admission 2"]);
}

#[tokio::test]
async fn the_entries_of_a_batch_stand_alone() {
    let station = station(1000);
    let mut bundle = bundle("batch", &[encounter("e-1"), encounter("e-2")]);
    bundle["entry"][0]["request"]["method"] = json!("DELETE");
    let (status, answer) = posted(&station, "/fhir", &bundle).await;
    assert_eq!((status, &answer["type"]), (200, &json!("batch-response")));
    assert_eq!(answer["entry"][0]["response"]["status"], "422 Unprocessable Entity");
    assert_eq!(station.waiting(), ["e-2:admission 2"]);
}

#[tokio::test]
async fn what_is_to_be_deleted_is_never_reported_as_done() {
    let station = station(1000);
    for (kind, status) in [("batch", 200), ("transaction", 422)] {
        let mut bundle = bundle(kind, &[encounter("e-1")]);
        let delete = json!({ "request": { "method": "DELETE", "url": "Encounter/1" } });
        bundle["entry"].as_array_mut().unwrap().push(delete);
        let (answered, answer) = posted(&station, "/fhir", &bundle).await;
        assert_eq!(answered, status, "{answer}");
        assert!(
            answer.to_string().contains("Bundle.entry[1].request.method"),
            "{answer}"
        );
    }
    // The batch's other entry alone.
    assert_eq!(station.waiting(), ["e-1:admission 2"]);
}

#[tokio::test]
async fn a_notification_that_lacks_what_every_one_has_is_refused_whatever_its_type() {
    let station = station(1000);
    let whole = json!({
        "specversion": "1.0", "id": "n-1", "source": "uk.nhs.example", "type": "x", "time": "2026-11-12T10:00:00Z",
    });
    assert_eq!(posted(&station, "/mns", &whole).await.0, 200);
    for key in ["id", "source", "type", "time"] {
        let mut event = whole.clone();
        event[key] = Value::Null;
        let (status, outcome) = posted(&station, "/mns", &event).await;
        assert_eq!((status, &outcome["issue"][0]["expression"][0]), (422, &json!(key)));
    }
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_its_element_and_without_its_value() {
    let station = station(1000);
    let with = |pointer: &str, value: Value| {
        let mut changed = encounter("e-1");
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    for (path, body, status, expression) in [
        (
            "/fhir/Encounter",
            with("/subject/identifier/value", json!("mrs smith")),
            422,
            "Encounter.subject.identifier",
        ),
        ("/fhir/Encounter", with("/subject", json!({})), 422, "Encounter.subject"),
        (
            "/fhir/Encounter",
            with("/period", json!([1])),
            422,
            "Encounter.period.start",
        ),
        ("/fhir/Encounter", with("/id", json!("")), 422, "Encounter.identifier"),
        ("/fhir/Flag", encounter("e-1"), 400, "resourceType"),
        ("/fhir", encounter("e-1"), 400, "resourceType"),
        ("/fhir", bundle("searchset", &[]), 422, "Bundle.type"),
        ("/fhir", bundle("message", &[]), 422, "Bundle"),
        ("/mns", encounter("e-1"), 400, "specversion"),
    ] {
        let (answered, outcome) = posted(&station, path, &body).await;
        assert_eq!(
            (answered, &outcome["issue"][0]["expression"][0]),
            (status, &json!(expression)),
            "{outcome}"
        );
        assert!(!outcome.to_string().contains("smith"), "{outcome}");
    }
    let broken = station
        .sent(&request("/fhir", "application/json", "{\"name\": \"Sample\" oops}"))
        .await;
    let (status, outcome) = parsed(&broken);
    assert_eq!(status, 400);
    assert!(!outcome.to_string().contains("Sample"), "{outcome}");
    assert_eq!(station.waiting(), [""; 0]);
}

#[tokio::test]
async fn cloud_events_come_alone_or_as_a_batch() {
    let station = station(1000);
    let event = |id: &str, kind: &str| {
        json!({
            "specversion": "1.0", "id": id, "source": "uk.nhs.example", "type": kind,
            "time": "2026-11-12T10:00:00Z", "subject": "9990001006",
        })
    };
    let one = event("n-1", "pds-change-of-gp-2").to_string();
    let answer = station
        .sent(&request("/mns", "application/cloudevents+json", &one))
        .await;
    assert_eq!(parsed(&answer).0, 200);
    let two = json!([
        event("n-2", "pds-death-notification-2"),
        event("n-3", "pds-record-change-2")
    ])
    .to_string();
    let answer = station
        .sent(&request("/mns", "application/cloudevents-batch+json", &two))
        .await;
    assert_eq!(parsed(&answer).0, 200);
    assert_eq!(station.waiting(), ["n-1:gp-change 1", "n-2:death 1", "n-2:death died"]);
    let bad = json!([event("n-4", "pds-change-of-gp-2"), { "specversion": "0.3" }]).to_string();
    let (status, outcome) = parsed(
        &station
            .sent(&request("/mns", "application/cloudevents-batch+json", &bad))
            .await,
    );
    assert_eq!(
        (status, &outcome["issue"][0]["expression"][0]),
        (422, &json!("[1].specversion"))
    );
    assert_eq!(station.waiting().len(), 3);
}

#[tokio::test]
async fn a_body_that_is_too_long_or_never_ends_is_refused_and_the_sender_let_go() {
    let station = station(1000);
    let long = " ".repeat(SHORT.longest + 1);
    let answer = station.sent(&request("/fhir", "application/fhir+json", &long)).await;
    assert_eq!(parsed(&answer).0, 413);
    for torn in ["POST /fhir HTTP/1.1\r\nContent-", ""] {
        let mut silent = station.connect().await;
        silent.write_all(torn.as_bytes()).await.unwrap();
        let mut heard = String::new();
        let _ = silent.read_to_string(&mut heard).await;
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 4"), "{heard}");
    }
    let mut slow = station.connect().await;
    slow.write_all(b"POST /fhir HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        .await
        .unwrap();
    let mut heard = String::new();
    let _ = slow.read_to_string(&mut heard).await;
    assert!(heard.starts_with("HTTP/1.1 408"), "{heard}");
}

#[tokio::test]
async fn a_full_outbox_asks_senders_to_come_again() {
    let station = station(1);
    let entry = Entry {
        origin: "x".into(),
        taken_at: 0,
        content: Some(Content::Draft(Default::default())),
    };
    station.outbox.put(&[entry]).unwrap();
    let answer = station
        .sent(&request(
            "/fhir/Encounter",
            "application/fhir+json",
            &encounter("e-1").to_string(),
        ))
        .await;
    assert!(answer.contains("retry-after: 30\r\n"), "{answer}");
    assert_eq!(parsed(&answer).0, 503);
}

#[tokio::test]
async fn requests_may_follow_one_another_and_stop_ends_in_good_order() {
    let station = station(1000);
    let body = encounter("e-1").to_string();
    let one = format!(
        "POST /fhir/Encounter HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let metadata = "GET /fhir/metadata HTTP/1.1\r\nConnection: close\r\n\r\n";
    let answers = station.sent(format!("{one}{one}{metadata}").as_bytes()).await;
    assert_eq!(answers.matches("HTTP/1.1 201 Created").count(), 2);
    assert!(answers.contains("CapabilityStatement"));
    station.stop.cancel();
    station.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn notifications_that_others_wrote_are_all_answered() {
    let Some(folder) = outside_data("nhs-mns") else { return };
    let station = station(1000);
    let mut answered = std::collections::BTreeMap::<u16, usize>::new();
    for topic in std::fs::read_dir(folder).unwrap().map(|topic| topic.unwrap().path()) {
        for file in std::fs::read_dir(topic)
            .into_iter()
            .flatten()
            .map(|file| file.unwrap().path())
        {
            let body = std::fs::read_to_string(&file).unwrap();
            let answer = station.sent(&request("/mns", "application/fhir+json", &body)).await;
            *answered.entry(parsed(&answer).0).or_default() += 1;
        }
    }
    assert_eq!(answered.into_iter().collect::<Vec<_>>(), [(200, 13), (422, 1)]);
    assert_eq!((station.waiting().len(), station.counters.passed_over.value()), (4, 10));
}
