//! FHIR resources other than encounters: consents with all that narrows them, flags, episodes, patients who have died.

use placehub_proto::v1::{ConsentMethod, ConsentStance, ConsentStatement, SignalDraft};
use serde_json::{Value, json};

use super::*;
use crate::{
    format::Reading,
    mapping::{Mapping, catalogue::Catalogue},
};

const PERSON: &str = "9990001006";
/// The id of the news of that person's death.
const NAMED: &str = "de7a0d6d8ae78cfa:death";

fn person() -> Value {
    json!({ "identifier": { "system": "https://fhir.nhs.uk/Id/nhs-number", "value": PERSON } })
}

fn consent() -> Value {
    json!({
        "resourceType": "Consent",
        "id": "c-1",
        "status": "active",
        "scope": { "coding": [{ "code": "patient-privacy" }] },
        "patient": person(),
        "dateTime": "2026-11-12T10:00:00Z",
        "policyRule": { "coding": [{ "code": "OPTIN" }] },
        "provision": {
            "period": { "start": "2026-11-12", "end": "2027-11-11" },
            "actor": [{
                "role": { "coding": [{ "code": "IRCP" }] },
                "reference": { "identifier": { "value": "RZZ01" } },
            }],
            "action": [{ "coding": [{ "code": "disclose" }] }],
            "purpose": [{ "code": "homelessness-prevention" }],
            "code": [{ "coding": [{ "code": "health.hospital-discharge" }] }],
        },
    })
}

/// The consent with some of it changed, read by a mapping that knows one agency.
fn stated(change: impl FnOnce(&mut Value)) -> Result<ConsentStatement, Untranslatable> {
    let mut consent = consent();
    change(&mut consent);
    let mapping = Mapping::USUAL.replace("agencies = {}", "agencies = { RZZ01 = \"housing\" }");
    let catalogue = Catalogue::parse(Catalogue::KINDS, Catalogue::PURPOSES).unwrap();
    let reading = Reading {
        mapping: Mapping::parse(&mapping, &catalogue).unwrap(),
        ..Reading::usual().unwrap()
    };
    let rows = rows(
        Box::new(Cursor::new(consent.to_string().into_bytes())),
        "x",
        &Arc::new(reading),
    )
    .unwrap();
    let mut rows: Vec<_> = rows.map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    rows.remove(0).result.map(|content| match content {
        Content::Statement(statement) => statement,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_consent_becomes_a_statement_with_its_whole_scope() {
    let statement = stated(|_| ()).unwrap();
    assert_eq!(statement.stance(), ConsentStance::Given);
    assert_eq!(statement.person.as_ref().unwrap().nhs_number, PERSON);
    assert_eq!(statement.kinds, ["health.hospital-discharge"]);
    assert_eq!(
        (statement.to_agencies.as_slice(), statement.from_agencies.len()),
        (["housing".to_owned()].as_slice(), 0)
    );
    assert_eq!(statement.purposes, ["homelessness-prevention"]);
    assert_eq!(statement.method(), ConsentMethod::Electronic);
    assert_eq!(statement.evidence_reference, "c-1");
    // The last day counts whole.
    assert_eq!(
        statement.valid_until.unwrap().seconds,
        "2027-11-12T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second()
    );
}

#[test]
fn no_and_no_longer_are_told_apart_from_yes() {
    let refused = |value: &mut Value| value["policyRule"]["coding"][0]["code"] = json!("OPTOUT");
    assert_eq!(stated(refused).unwrap().stance(), ConsentStance::Refused);
    let withdrawn = stated(|value| value["status"] = json!("inactive")).unwrap();
    assert_eq!(
        (withdrawn.stance(), withdrawn.valid_until),
        (ConsentStance::Withdrawn, None)
    );
    assert_eq!(
        stated(|value| value["status"] = json!("rejected")).unwrap().stance(),
        ConsentStance::Refused
    );
}

#[test]
fn an_end_of_consent_counts_from_when_it_was_said_and_not_from_when_the_consent_was_given() {
    let at = |change: &dyn Fn(&mut Value)| {
        let statement = stated(|value| {
            value["dateTime"] = json!("2026-01-01T00:00:00Z");
            change(value);
        });
        statement.unwrap().said_at.unwrap().seconds
    };
    let given = at(&|_| ());
    for status in ["inactive", "rejected"] {
        let ended = at(&|value| {
            value["status"] = json!(status);
            value["meta"] = json!({ "lastUpdated": "2026-06-01T00:00:00Z" });
        });
        assert_eq!(ended - given, 151 * 24 * 60 * 60);
        // If nothing says when, it is when it came.
        let unsaid = at(&|value| value["status"] = json!(status));
        assert!((placehub_delivery::clock::now().as_second() - unsaid).abs() < 600);
        let early = at(&|value| {
            value["status"] = json!(status);
            value["meta"] = json!({ "lastUpdated": "2025-06-01T00:00:00Z" });
        });
        assert_eq!(early, given);
    }
    // One that holds keeps the time at which it was given, however late the server touches it.
    assert_eq!(
        at(&|value| value["meta"] = json!({ "lastUpdated": "2026-06-01T00:00:00Z" })),
        given
    );
}

#[test]
fn a_version_is_never_of_a_lower_scale_than_the_one_before() {
    let version = |meta: Value| {
        let flag = json!({
            "resourceType": "Flag", "id": "f-1", "status": "active", "subject": person(), "meta": meta,
            "period": { "start": "2026-11-12" }, "category": [{ "coding": [{ "code": "NRAF" }] }], "code": {},
        });
        drafts(&flag).remove(0).version
    };
    let first = version(json!({ "lastUpdated": "2026-11-12T10:00:00.001Z" }));
    let second = version(json!({ "versionId": "4", "lastUpdated": "2026-11-12T10:00:00.002Z" }));
    assert!(first + 1 < second, "{first} {second}");
    assert_eq!(version(json!({ "versionId": "4" })), 8);
}

#[test]
fn a_patient_who_cannot_be_named_and_did_not_die_keeps_no_other_entry_back() {
    let bundle = json!({
        "resourceType": "Bundle", "type": "transaction",
        "entry": [
            { "fullUrl": "urn:uuid:1", "resource": { "resourceType": "Patient", "deceasedBoolean": false, "name": [{ "family": "Sample" }] } },
            { "resource": {
                "resourceType": "Flag", "id": "f-1", "status": "active", "subject": { "reference": "urn:uuid:1" },
                "period": { "start": "2026-11-12" }, "category": [{ "coding": [{ "code": "NRAF" }] }], "code": {},
            } },
        ],
    });
    let draft = drafts(&bundle).remove(0);
    assert_eq!(draft.person.unwrap().family_name, "Sample");
}

#[test]
fn what_narrows_a_consent_in_a_way_that_is_not_understood_refuses_it() {
    for (pointer, value, field) in [
        (
            "/provision/data",
            json!([{ "meaning": "instance" }]),
            "Consent.provision.data",
        ),
        (
            "/provision/provision",
            json!([{ "type": "deny" }]),
            "Consent.provision.provision",
        ),
        (
            "/provision/securityLabel",
            json!([{ "code": "R" }]),
            "Consent.provision.securityLabel",
        ),
        (
            "/provision/purpose",
            json!([{ "code": "TREAT" }]),
            "Consent.provision.purpose",
        ),
        (
            "/provision/code",
            json!([{ "coding": [{ "code": "x" }] }]),
            "Consent.provision.code",
        ),
        (
            "/provision/class",
            json!([{ "code": "health.gp-change" }]),
            "Consent.provision.class",
        ),
        ("/provision/type", json!("deny"), "Consent.policyRule"),
        (
            "/provision/action",
            json!([{ "coding": [{ "code": "use" }] }]),
            "Consent.provision.action",
        ),
        (
            "/provision/actor",
            json!([{ "role": { "coding": [{ "code": "IRCP" }] }, "reference": { "reference": "Organization/x" } }]),
            "Consent.provision.actor[0].reference",
        ),
        (
            "/provision/actor",
            json!([{ "role": { "coding": [{ "code": "X" }] } }]),
            "Consent.provision.actor[0].role",
        ),
        (
            "/provision/period",
            json!({ "end": "2027" }),
            "Consent.provision.period.end",
        ),
        (
            "/modifierExtension",
            json!([{ "url": "x" }]),
            "Consent.modifierExtension",
        ),
        ("/status", json!("entered-in-error"), "Consent.status"),
        ("/scope", json!({ "coding": [{ "code": "research" }] }), "Consent.scope"),
        ("/dateTime", json!("2026"), "Consent.dateTime"),
        ("/policyRule", Value::Null, "Consent.policyRule"),
        (
            "/patient",
            json!({ "identifier": { "system": "x", "value": "y" } }),
            "Consent.patient",
        ),
    ] {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let refused = stated(|consent| consent.pointer_mut(parent).unwrap()[key] = value);
        assert_eq!(refused.unwrap_err().field, field, "{pointer}");
    }
}

fn drafts(resource: &Value) -> Vec<SignalDraft> {
    let all = told(resource.to_string().as_bytes()).into_iter();
    all.map(|content| content.unwrap().draft().unwrap().clone()).collect()
}

#[test]
fn a_flag_is_raised_and_taken_back_under_one_name() {
    let flag = |status: &str, version: &str| {
        json!({
            "resourceType": "Flag", "id": "f-1", "status": status, "subject": person(),
            "meta": { "versionId": version, "lastUpdated": format!("2026-11-12T10:00:0{version}Z") },
            "category": [{ "coding": [{ "code": "NRAF" }] }],
            "code": { "coding": [{ "code": "1", "display": "Large print" }] },
        })
    };
    let raised = drafts(&flag("active", "1")).remove(0);
    assert_eq!(
        (raised.kind.as_str(), raised.version),
        ("health.reasonable-adjustment", 3_588_955_202_000)
    );
    assert_eq!(raised.attributes["adjustment"], draft::text_attribute("Large print"));
    let lowered = told(flag("inactive", "2").to_string().as_bytes()).remove(0).unwrap();
    let Content::Retraction(lowered) = lowered else {
        panic!()
    };
    assert_eq!(
        (lowered.source_id, lowered.version),
        (raised.source_id, 3_588_955_204_001)
    );
}

#[test]
fn a_cancelled_encounter_takes_back_all_that_was_told_of_it() {
    let encounter = json!({
        "resourceType": "Encounter", "id": "e-1", "status": "entered-in-error", "class": { "code": "IMP" },
        "subject": person(),
    });
    let told = told(encounter.to_string().as_bytes());
    let ids: Vec<_> = told
        .into_iter()
        .map(|content| match content.unwrap() {
            Content::Retraction(back) => back.source_id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, ["e-1:admission", "e-1:discharge"]);
}

#[test]
fn an_episode_says_that_care_is_given_and_never_what_for() {
    let episode = json!({
        "resourceType": "EpisodeOfCare", "id": "e-1", "status": "active", "patient": person(),
        "period": { "start": "2026-11-01" }, "type": [{ "text": "Substance misuse" }],
    });
    let draft = drafts(&episode).remove(0);
    assert_eq!(draft.kind, "health.care-episode");
    assert!(!format!("{draft:?}").contains("misuse"));
}

#[test]
fn a_patient_who_has_died_is_a_signal_and_a_death_and_one_who_was_replaced_is_joined() {
    let mut patient = json!({
        "resourceType": "Patient", "id": "p-1", "deceasedDateTime": "2026-11-10",
        "identifier": [{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": PERSON }],
    });
    let all: Vec<Content> = told(patient.to_string().as_bytes())
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let [Content::Draft(signal), Content::Death(death)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(
        (signal.kind.as_str(), signal.source_id.as_str()),
        ("health.death-notification", NAMED)
    );
    assert_eq!((death.source_id.as_str(), &death.person), (NAMED, &signal.person));
    // Sent by a server that gives it another id, it is found again.
    patient["id"] = Value::Null;
    patient["deceasedDateTime"] = Value::Null;
    patient["deceasedBoolean"] = json!(false);
    let as_it_comes = told(patient.to_string().as_bytes()).remove(0).unwrap_err();
    assert!(as_it_comes.passed_over, "false may stand in any Patient");
    let mut unreadable = patient.clone();
    unreadable["identifier"][0]["value"] = json!("999000");
    let why = told_where_deaths_are_taken_back(unreadable.to_string().as_bytes())
        .remove(0)
        .unwrap_err();
    assert_eq!(
        (why.field.as_str(), why.passed_over),
        ("Patient.identifier[0].value", false)
    );
    let all: Vec<Content> = told_where_deaths_are_taken_back(patient.to_string().as_bytes())
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let [Content::Retraction(signal), Content::Life(life)] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!([&signal.source_id, &life.source_id], [NAMED; 2]);
    assert!(life.version > death.version);
    patient["deceasedBoolean"] = Value::Null;
    patient["link"] = json!([{ "type": "replaced-by", "other": { "identifier": { "system": "x", "value": "2" } } }]);
    let Content::Join(join) = told(patient.to_string().as_bytes()).remove(0).unwrap() else {
        panic!()
    };
    assert_eq!(join.retired.unwrap().nhs_number, PERSON);
    assert_eq!(join.survivor.unwrap().local_references[0].value, "2");
    // The same join keeps its id, also when another link comes before it.
    let second = patient["link"][0].clone();
    patient["link"] = json!([
        { "type": "replaces", "other": { "identifier": { "system": "x", "value": "3" } } }, second,
    ]);
    let ids: Vec<_> = told(patient.to_string().as_bytes())
        .into_iter()
        .map(|content| match content.unwrap() {
            Content::Join(join) => join.source_id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((ids.len(), &ids[1]), (2, &join.source_id));
    assert_ne!(ids[0], ids[1]);
    patient["link"] = json!([patient["link"][1]]);
    patient["link"][0]["other"]["identifier"]["system"] = json!("");
    assert_eq!(
        told(patient.to_string().as_bytes()).remove(0).unwrap_err().field,
        "Patient.link[0]"
    );
}
