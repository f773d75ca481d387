//! An entry as an AuditEvent of HL7 FHIR R4, with the codes of IHE Basic Audit Log Patterns (BALP) 1.1. Pure.
//! It claims no profile: BALP asks for the caller's network address, which the ledger never holds.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use placehub_hub::ledger::{Commitment, Entry, Subject, tree};
use serde_json::{Map, Value, json};

/// DICOM's codes.
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// What sort of thing an entity is.
const ENTITY: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
/// What part an entity plays.
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
/// This project's own codes and identifiers.
const OURS: &str = "https://placehub.example/fhir";

/// What was done, in the terms of the standard.
struct Deed {
    kind: Value,
    subtype: Option<Value>,
    action: &'static str,
}

/// The AuditEvent of an entry of the hub at this URL.
pub(super) fn of(number: u64, entry: &Entry, hub: &str) -> Value {
    let Deed { kind, subtype, action } = deed(&entry.action);
    let ours = coding(&format!("{OURS}/action"), &entry.action, &entry.action);
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| {
        event.insert(name.to_owned(), value);
    };
    put("resourceType", "AuditEvent".into());
    put("id", format!("entry-{number}").into());
    put("type", kind);
    put("subtype", subtype.into_iter().chain([ours]).collect());
    put("action", action.into());
    put("recorded", entry.at.to_string().into());
    // AuditEvent's own scale: 0 is success, 4 a failure that leaves the system as it was.
    put("outcome", if entry.allowed { "0" } else { "4" }.into());
    if let Some(refusal) = &entry.refusal {
        put("outcomeDesc", format!("{}: {}", refusal.code, refusal.reason).into());
    }
    if let Some(purpose) = purpose(entry) {
        put("purposeOfEvent", json!([purpose]));
    }
    put("agent", agents(entry, hub).into());
    let site = json!({ "identifier": { "system": format!("{OURS}/hub"), "value": hub } });
    let server = coding(
        "http://terminology.hl7.org/CodeSystem/security-source-type",
        "4",
        "Application Server",
    );
    put("source", json!({ "observer": site, "type": [server] }));
    put("entity", entities(number, entry).into());
    Value::Object(event)
}

fn deed(action: &str) -> Deed {
    let rest = || {
        coding(
            "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "rest",
            "Restful Operation",
        )
    };
    let interaction = |code: &str| coding("http://hl7.org/fhir/restful-interaction", code, code);
    let deed = |code: &str, action| Deed {
        kind: rest(),
        subtype: Some(interaction(code)),
        action,
    };
    match action {
        "push" | "record-consent" | "record-death" => deed("create", "C"),
        "change-nhs-number" | "join-identities" | "review-held" | "separate-identities" => deed("update", "U"),
        "retract" | "retract-death" => deed("delete", "D"),
        "show-entry" => deed("read", "R"),
        "export-ledger" => Deed {
            kind: coding(DCM, "110106", "Export"),
            subtype: Some(interaction("search")),
            action: "R",
        },
        "ask" | "watch" | "who-saw" | "access-log" | "asked-by" | "left-under" | "refusals" | "without-case"
        | "near-self" | "list-consents" | "list-entries" | "list-held" => deed("search", "E"),
        _ => Deed {
            kind: coding(DCM, "110100", "Application Activity"),
            subtype: None,
            action: "E",
        },
    }
}

/// The program that asked, the hub that answered, and the practitioner. The hub alone, for what it did itself.
fn agents(entry: &Entry, hub: &str) -> Vec<Value> {
    let role = |code: &str, display: &str| json!({ "coding": [coding(DCM, code, display)] });
    let identified =
        |name: &str, value: &str| json!({ "identifier": { "system": format!("{OURS}/{name}"), "value": value } });
    let mut agents = vec![json!({
        "type": role("110152", "Destination Role ID"),
        "who": identified("hub", hub),
        "requestor": entry.agency.is_none(),
        "network": { "address": hub, "type": "5" },
    })];
    let Some(agency) = &entry.agency else {
        return agents;
    };
    let is_program = entry.practitioner.is_empty();
    agents.push(json!({
        "type": role("110153", "Source Role ID"),
        "who": identified("workload", &format!("{agency}/{}", entry.workload)),
        "requestor": is_program,
    }));
    if !is_program {
        let recipient = coding(
            "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
            "IRCP",
            "information recipient",
        );
        let mut user = json!({
            "type": { "coding": [recipient] },
            "who": identified("practitioner", &format!("{agency}/{}", entry.practitioner)),
            "requestor": true,
        });
        let mut put = |name: &str, values: Vec<Value>| {
            if let (Some(user), false) = (user.as_object_mut(), values.is_empty()) {
                user.insert(name.to_owned(), values.into());
            }
        };
        put("role", entry.roles.iter().map(|role| json!({ "text": role })).collect());
        let agreements = entry.agreements.iter();
        put(
            "policy",
            agreements.map(|id| format!("{OURS}/agreement/{id}").into()).collect(),
        );
        put("purposeOfUse", purpose(entry).into_iter().collect());
        agents.push(user);
    }
    agents
}

fn entities(number: u64, entry: &Entry) -> Vec<Value> {
    let mut entities = Vec::new();
    match &entry.subject {
        Some(Subject::Person(who)) => entities.push(json!({
            "type": coding(ENTITY, "1", "Person"),
            "role": coding(ROLE, "1", "Patient"),
            "what": { "type": "Patient", "identifier": muted(who) },
        })),
        Some(Subject::Address(place)) => entities.push(json!({
            "type": coding(ENTITY, "4", "Other"),
            "role": coding(ROLE, "4", "Domain Resource"),
            "what": { "type": "Location", "identifier": muted(place) },
        })),
        Some(Subject::Area { code }) => entities.push(json!({
            "type": coding(ENTITY, "4", "Other"),
            "role": coding(ROLE, "4", "Domain Resource"),
            "what": { "type": "Location", "identifier": { "system": format!("{OURS}/area"), "value": code.as_str() } },
        })),
        None => {}
    }
    if let Some(query) = query(entry) {
        entities.push(json!({
            "type": coding(ENTITY, "2", "System Object"),
            "role": coding(ROLE, "24", "Query"),
            "query": BASE64_STANDARD.encode(query.to_string()),
        }));
    }
    let touched = entry
        .touched
        .as_ref()
        .and_then(|touched| touched.signal)
        .map(|id| (id, None));
    let shown = entry.shown.iter().map(|shown| (shown.signal, Some(shown.level)));
    for (signal, level) in shown.chain(touched) {
        let mut signal = json!({
            "type": coding(ENTITY, "2", "System Object"),
            "role": coding(ROLE, "4", "Domain Resource"),
            "what": { "identifier": { "system": format!("{OURS}/signal"), "value": signal.text() } },
        });
        if let (Some(signal), Some(level)) = (signal.as_object_mut(), level) {
            signal.insert(
                "detail".to_owned(),
                json!([{ "type": "level", "valueString": level.word() }]),
            );
        }
        entities.push(signal);
    }
    // By this hash the entry can be proved to be in the ledger.
    let leaf = entry.encode().map(|bytes| hex::encode(tree::leaf_hash(&bytes)));
    entities.push(json!({
        "type": coding(ENTITY, "2", "System Object"),
        "role": coding(ROLE, "13", "Security Resource"),
        "what": { "identifier": { "system": format!("{OURS}/leaf"), "value": leaf.unwrap_or_default() } },
        "name": format!("ledger entry {number}"),
    }));
    entities
}

/// What was asked, as far as the ledger holds it.
fn query(entry: &Entry) -> Option<Value> {
    entry.purpose.as_ref()?;
    Some(json!({
        "case_reference": entry.case_reference,
        "gateway": entry.gateway.as_ref().map(ToString::to_string),
        "kinds": entry.kinds.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "level": entry.level.map(|level| level.word()),
        "since": entry.since.map(|at| at.to_string()),
        "until": entry.until.map(|at| at.to_string()),
    }))
}

fn purpose(entry: &Entry) -> Option<Value> {
    let purpose = entry.purpose.as_ref()?;
    let coding = coding(&format!("{OURS}/purpose"), purpose.as_str(), purpose.as_str());
    Some(json!({ "coding": [coding] }))
}

fn muted(commitment: &Commitment) -> Value {
    json!({ "system": format!("{OURS}/commitment"), "value": commitment.commitment.to_string() })
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let text = concat!(
            r#"{"v":1,"at":"2026-01-05T09:01:02.000000Z","action":"ask","agency":"police","workload":"desk","#,
            r#""practitioner":"officer-11","roles":["constable"],"subject":{"sort":"person","#,
            r#""salt":"a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7","#,
            r#""commitment":"5858585858585858585858585858585858585858585858585858585858585858"},"#,
            r#""purpose":"asb-prevention","gateway":"none","level":"headline","allowed":false,"#,
            r#""refusal":{"code":"NOT_PERMITTED","reason":"no agreement takes it"}}"#
        );
        Entry::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_question_about_a_person_has_the_codes_of_a_patient_query() {
        let event = of(2, &entry(), "https://hub.example:7443");
        assert_eq!(event["type"]["code"], "rest");
        assert_eq!(event["subtype"][0]["code"], "search");
        assert_eq!((&event["action"], &event["outcome"]), (&"E".into(), &"4".into()));
        assert_eq!(event["outcomeDesc"], "NOT_PERMITTED: no agreement takes it");
        let codes: Vec<_> = event["agent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|agent| &agent["type"]["coding"][0]["code"])
            .collect();
        assert_eq!(codes, ["110152", "110153", "IRCP"]);
        let requestors = event["agent"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|agent| agent["requestor"] == true);
        assert_eq!(requestors.count(), 1);
        let roles: Vec<_> = event["entity"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entity| &entity["role"]["code"])
            .collect();
        assert_eq!(roles, ["1", "24", "13"]);
        assert_eq!(event["entity"][0]["what"]["identifier"]["value"], "58".repeat(32));
    }

    #[test]
    fn what_the_hub_did_itself_has_the_hub_alone_as_its_agent() {
        let swept = Entry {
            allowed: true,
            ..Entry::new("2026-01-05T09:00:00Z".parse().unwrap(), "swept")
        };
        let event = of(9, &swept, "https://hub.example:7443");
        assert_eq!(event["agent"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&event["agent"][0]["requestor"], &event["outcome"]),
            (&true.into(), &"0".into())
        );
    }
}
