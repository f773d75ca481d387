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

/// The parts that users play.
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

/// What was done, in the terms of the standard.
struct Deed {
    kind: Value,
    subtype: Option<Value>,
    action: &'static str,
    parts: Parts,
}

/// Which parts BALP gives to the program that asks, the hub, and the practitioner. What was asked for flows to the hub in a
/// search, as what is written does; what is read flows from it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    Delete,
    Read,
    Search,
    Write,
}

/// The AuditEvent of an entry of the hub at this URL.
pub(super) fn of(number: u64, entry: &Entry, hub: &str) -> Value {
    let Deed {
        kind,
        subtype,
        action,
        parts,
    } = deed(&entry.action);
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
    put("agent", agents(entry, hub, parts).into());
    let site = json!({ "identifier": { "system": format!("{OURS}/hub"), "value": hub } });
    let server = coding(
        "http://terminology.hl7.org/CodeSystem/security-source-type",
        "4",
        "Application Server",
    );
    put("source", json!({ "observer": site, "type": [server] }));
    put("entity", entities(number, entry, parts).into());
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
    let deed = |code: &str, action, parts| Deed {
        kind: rest(),
        subtype: Some(interaction(code)),
        action,
        parts,
    };
    match action {
        "push" | "record-consent" | "record-death" => deed("create", "C", Parts::Write),
        "change-nhs-number" | "join-identities" | "review-held" | "separate-identities" => {
            deed("update", "U", Parts::Write)
        }
        "retract" | "retract-death" => deed("delete", "D", Parts::Delete),
        "show-entry" => deed("read", "R", Parts::Read),
        "export-ledger" => Deed {
            kind: coding(DCM, "110106", "Export"),
            subtype: Some(interaction("search")),
            action: "R",
            parts: Parts::Read,
        },
        "ask" | "watch" | "who-saw" | "access-log" | "asked-by" | "left-under" | "refusals" | "without-case"
        | "near-self" | "list-consents" | "list-entries" | "list-held" => deed("search", "E", Parts::Search),
        _ => Deed {
            kind: coding(DCM, "110100", "Application Activity"),
            subtype: None,
            action: "E",
            parts: Parts::Read,
        },
    }
}

impl Parts {
    fn client(self) -> Value {
        match self {
            Self::Delete => coding(DCM, "110150", "Application"),
            Self::Read => coding(DCM, "110152", "Destination Role ID"),
            Self::Search | Self::Write => coding(DCM, "110153", "Source Role ID"),
        }
    }

    fn server(self) -> Value {
        match self {
            Self::Delete => coding(
                "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                "custodian",
                "Custodian",
            ),
            Self::Read => coding(DCM, "110153", "Source Role ID"),
            Self::Search | Self::Write => coding(DCM, "110152", "Destination Role ID"),
        }
    }

    fn user(self) -> Value {
        match self {
            Self::Read | Self::Search => coding(PARTICIPATION, "IRCP", "information recipient"),
            Self::Delete | Self::Write => coding(PARTICIPATION, "AUT", "author (originator)"),
        }
    }
}

/// The hub, the program that asked, and the practitioner. The hub alone, for what it did itself.
fn agents(entry: &Entry, hub: &str, parts: Parts) -> Vec<Value> {
    let part = |coding: Value| json!({ "coding": [coding] });
    let identified =
        |name: &str, value: &str| json!({ "identifier": { "system": format!("{OURS}/{name}"), "value": value } });
    let mut agents = vec![json!({
        "type": part(parts.server()),
        "who": identified("hub", hub),
        "requestor": entry.agency.is_none(),
        "network": { "address": hub, "type": "5" },
    })];
    let Some(agency) = &entry.agency else {
        return agents;
    };
    let is_program = entry.practitioner.is_empty();
    agents.push(json!({
        "type": part(parts.client()),
        "who": identified("workload", &format!("{agency}/{}", entry.workload)),
        "requestor": is_program,
    }));
    if !is_program {
        let mut user = json!({
            "type": part(parts.user()),
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

fn entities(number: u64, entry: &Entry, parts: Parts) -> Vec<Value> {
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
    // BALP knows one system object in an event: what was asked for in a search, and what was read or written otherwise.
    entities.push(match parts {
        Parts::Search => json!({
            "type": coding(ENTITY, "2", "System Object"),
            "role": coding(ROLE, "24", "Query"),
            "query": BASE64_STANDARD.encode(query(entry).to_string()),
        }),
        Parts::Delete | Parts::Read | Parts::Write => {
            let (system, value) = data(number, entry);
            json!({
                "type": coding(ENTITY, "2", "System Object"),
                "role": coding(ROLE, "4", "Domain Resource"),
                "what": { "identifier": { "system": format!("{OURS}/{system}"), "value": value } },
            })
        }
    });
    entities.extend(entry.shown.iter().map(|shown| {
        json!({
            "type": coding(ENTITY, "4", "Other"),
            "role": coding(ROLE, "4", "Domain Resource"),
            "what": { "identifier": { "system": format!("{OURS}/signal"), "value": shown.signal.text() } },
            "detail": [{ "type": "level", "valueString": shown.level.word() }],
        })
    }));
    // By this hash the entry can be proved to be in the ledger.
    let leaf = entry.encode().map(|bytes| hex::encode(tree::leaf_hash(&bytes)));
    entities.push(json!({
        "type": coding(ENTITY, "4", "Other"),
        "role": coding(ROLE, "13", "Security Resource"),
        "what": { "identifier": { "system": format!("{OURS}/leaf"), "value": leaf.unwrap_or_default() } },
        "name": format!("ledger entry {number}"),
    }));
    entities
}

/// What was asked, as far as the ledger holds it.
fn query(entry: &Entry) -> Value {
    json!({
        "case_reference": entry.case_reference,
        "gateway": entry.gateway.as_ref().map(ToString::to_string),
        "kinds": entry.kinds.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "level": entry.level.map(|level| level.word()),
        "since": entry.since.map(|at| at.to_string()),
        "sought": entry.sought,
        "until": entry.until.map(|at| at.to_string()),
    })
}

/// What was read or written, by what names it: a signal, a statement, or an entry, if need be the event's own.
fn data(number: u64, entry: &Entry) -> (&'static str, String) {
    let touched = entry.touched.as_ref();
    let signal = touched.and_then(|touched| touched.signal);
    let statement = touched.and_then(|touched| touched.statement.as_ref());
    let looked_at = touched.and_then(|touched| touched.entry);
    match (signal, statement, looked_at) {
        (Some(signal), ..) => ("signal", signal.text()),
        (_, Some(statement), _) => ("statement", statement.to_string()),
        (.., Some(entry)) => ("entry", entry.to_string()),
        _ if entry.action == "show-entry" => ("entry", entry.sought.clone()),
        _ => ("entry", number.to_string()),
    }
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
        assert_eq!(
            codes(&event, "agent", "/type/coding/0/code"),
            ["110152", "110153", "IRCP"]
        );
        let requestors = event["agent"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|agent| agent["requestor"] == true);
        assert_eq!(requestors.count(), 1);
        assert_eq!(codes(&event, "entity", "/role/code"), ["1", "24", "13"]);
        assert_eq!(event["entity"][0]["what"]["identifier"]["value"], "58".repeat(32));
    }

    fn codes(event: &Value, list: &str, path: &str) -> Vec<String> {
        let all = event[list].as_array().unwrap().iter();
        all.map(|one| one.pointer(path).unwrap().as_str().unwrap().to_owned())
            .collect()
    }

    /// As IHE.BasicAudit.Create, Update, Delete, Read and Query of BALP 1.1.4 have them.
    #[test]
    fn hub_program_and_practitioner_play_the_parts_of_their_deed() {
        for (action, expected) in [
            ("push", ["110152", "110153", "AUT"]),
            ("record-consent", ["110152", "110153", "AUT"]),
            ("review-held", ["110152", "110153", "AUT"]),
            ("retract-death", ["custodian", "110150", "AUT"]),
            ("show-entry", ["110153", "110152", "IRCP"]),
            ("who-saw", ["110152", "110153", "IRCP"]),
        ] {
            let entry = Entry {
                action: action.to_owned(),
                ..entry()
            };
            let event = of(2, &entry, "https://hub.example:7443");
            assert_eq!(codes(&event, "agent", "/type/coding/0/code"), expected, "{action}");
        }
    }

    #[test]
    fn every_search_says_once_what_was_sought_and_every_other_deed_names_one_thing() {
        for (action, role) in [
            ("asked-by", "24"),
            ("list-held", "24"),
            ("access-log", "24"),
            ("watch", "24"),
            ("show-entry", "4"),
            ("record-consent", "4"),
            ("retract", "4"),
            ("export-ledger", "4"),
        ] {
            let entry = Entry {
                action: action.to_owned(),
                purpose: None,
                sought: "17".to_owned(),
                ..entry()
            };
            let event = of(2, &entry, "https://hub.example:7443");
            let objects: Vec<_> = event["entity"].as_array().unwrap().iter().collect();
            let objects: Vec<_> = objects.into_iter().filter(|one| one["type"]["code"] == "2").collect();
            assert_eq!(objects.len(), 1, "{action}");
            assert_eq!(objects[0]["role"]["code"], role, "{action}");
            assert_eq!(objects[0]["query"].is_string(), role == "24", "{action}");
            if action == "show-entry" {
                assert_eq!(objects[0]["what"]["identifier"]["value"], "17");
            }
        }
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
