//! The samples beside what is expected of them, the rows that must be refused, and a month of published crimes.

#[path = "../../outside.rs"]
mod outside;

use std::{
    collections::{BTreeSet, HashSet},
    fs,
};

use placehub_delivery::{Translated, Untranslatable, catalogue::Need, draft::views};
use placehub_proto::v1::{Sensitivity, Severity, SignalDraft};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
pub(crate) use outside::outside_data;

const STREET: &str = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,\
                      Crime type,Last outcome category,Context";
const INCIDENTS: &str = "incident_ref,reported_at,type,uprn,severity,summary,outcome,nhs_number";

fn read(header: &str, rows: &str) -> Vec<Translated> {
    translate(format!("{header}\n{rows}").as_bytes(), "x.csv").unwrap()
}

fn kinds(translated: &[Translated]) -> Vec<&str> {
    translated
        .iter()
        .map(|one| one.result.as_ref().unwrap().draft().unwrap().kind.as_str())
        .collect()
}

#[test]
fn the_samples_become_what_is_expected() {
    let expected = [
        include_str!("../samples/incidents.expected.json"),
        include_str!("../samples/street.expected.json"),
        include_str!("../samples/street-E01006370.expected.json"),
    ];
    for ((name, bytes), expected) in SAMPLES.iter().zip(expected) {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(views(&translate(bytes, name).unwrap()), expected, "{name}");
    }
}

#[test]
fn whatever_the_samples_become_is_of_the_kinds_that_the_hub_is_asked_for() {
    let needed: BTreeSet<&str> = KINDS.iter().map(Need::kind).collect();
    for (name, bytes) in SAMPLES {
        for one in translate(bytes, name).unwrap() {
            let content = one.result.unwrap();
            let kind = content.draft().unwrap().kind.as_str();
            assert!(needed.contains(kind), "{name}: {kind}");
        }
    }
}

#[test]
fn each_type_of_incident_has_its_kind() {
    let row = |kind: &str| format!("I-1,2026-11-09T10:00,{kind},999000000101,low,,closed,\n");
    let rows: String = ["asb", "domestic-abuse", "missing", "violence", "criminal-damage"]
        .map(row)
        .concat();
    let expected = [
        "police.asb-incident",
        "police.domestic-abuse-incident",
        "police.missing-person",
        "police.violence-incident",
        "police.criminal-damage",
    ];
    assert_eq!(kinds(&read(INCIDENTS, &rows)), expected);
}

#[test]
fn what_came_of_a_domestic_abuse_incident_stays_with_the_force() {
    let rows = read(
        INCIDENTS,
        "I-1,2026-11-09T10:00,domestic-abuse,999000000101,high,,arrest,\n",
    );
    assert!(rows[0].result.as_ref().unwrap().draft().unwrap().attributes.is_empty());
}

const MARKED: &str = "incident_ref,reported_at,type,uprn,severity,summary,outcome,nhs_number,role,markers,grade";

/// The draft of a row of the type `asb` at an address, with these last cells.
fn marked(cells: &str) -> Result<SignalDraft, Untranslatable> {
    let row = format!("I-1,2026-11-09T10:00,asb,999000000101,{cells}\n");
    read(MARKED, &row)
        .remove(0)
        .result
        .map(|content| content.draft().unwrap().clone())
}

#[test]
fn who_reported_an_incident_is_never_passed_on() {
    for role in ["reporter", "Reporter"] {
        let draft = marked(&format!("low,,,9990001006,{role},,")).unwrap();
        assert_eq!(draft.person, None);
    }
    for role in ["victim", "subject"] {
        let draft = marked(&format!("low,,,9990001006,{role},,")).unwrap();
        assert_eq!(draft.person.unwrap().nhs_number, "9990001006");
    }
    // Not even whether the reporter's cells are sound.
    assert_eq!(marked("low,,,no number,reporter,,").unwrap().person, None);
    for (cells, field) in [("low,,,9990001006,,,", "role"), ("low,,,9990001006,witness,,", "role")] {
        assert_eq!(marked(cells).unwrap_err().field, field);
    }
    let row = "I-1,2026-11-09T10:00,asb,,low,,,9990001006,reporter,,\n";
    let why = read(MARKED, row).remove(0).result.unwrap_err();
    assert_eq!(why.field, "row");
}

#[test]
fn a_marker_outranks_the_type_and_what_it_says_of_health_is_not_told() {
    let kind = |markers: &str| marked(&format!("low,,,,,{markers},")).unwrap().kind;
    assert_eq!(kind(""), "police.asb-incident");
    assert_eq!(kind("Domestic-Abuse; missing"), "police.domestic-abuse-incident");
    assert_eq!(kind("missing"), "police.missing-person");
    for marker in ["s136", "vulnerable-adult"] {
        let draft = marked(&format!("low,,,,,{marker},")).unwrap();
        assert_eq!(draft.sensitivity(), Sensitivity::Sensitive);
        let told = format!("{:?}{}", draft.attributes, draft.summary);
        assert!(!told.contains("136") && !told.contains("vulnerable"), "{told}");
    }
    assert_eq!(marked("low,,,,,armed,").unwrap_err().field, "markers");
}

#[test]
fn a_grade_stands_for_the_severity_that_is_not_given() {
    let severity = |cells: &str| marked(cells).unwrap().severity();
    assert_eq!(severity(",,,,,,1"), Severity::High);
    assert_eq!(severity(",,,,,,Priority"), Severity::Medium);
    assert_eq!(severity(",,,,,,4"), Severity::Low);
    assert_eq!(severity("critical,,,,,,4"), Severity::Critical);
    assert_eq!(marked(",,,,,,").unwrap_err().field, "severity");
    assert_eq!(marked(",,,,,,9").unwrap_err().field, "grade");
}

#[test]
fn each_bad_field_is_named() {
    for (row, field) in [
        (",2026-11-09T10:00,asb,999000000101,low,,,", "incident_ref"),
        ("I-1,yesterday,asb,999000000101,low,,,", "reported_at"),
        ("I-1,2026-11-09T10:00,noise,999000000101,low,,,", "type"),
        ("I-1,2026-11-09T10:00,asb,ninety,low,,,", "uprn"),
        ("I-1,2026-11-09T10:00,asb,999000000101,urgent,,,", "severity"),
        ("I-1,2026-11-09T10:00,asb,999000000101,low,,,9990001007", "nhs_number"),
        ("I-1,2026-11-09T10:00,asb,,low,,,", "row"),
    ] {
        let why = read(INCIDENTS, row).remove(0).result.unwrap_err();
        assert_eq!(why.field, field, "{row}");
    }
}

#[test]
fn rows_without_an_id_get_one_each_and_the_same_one_every_time() {
    let row = ",2026-11,F,F,,,On or near A,E01006226,,Anti-social behaviour,,\n";
    let rows = read(STREET, &row.repeat(3));
    let ids: HashSet<_> = rows
        .iter()
        .map(|one| one.result.as_ref().unwrap().draft().unwrap().source_id.clone())
        .collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(rows, read(STREET, &row.repeat(3)));
}

#[test]
fn a_crime_without_an_area_is_refused_by_that_column() {
    let rows = read(
        STREET,
        "ab12,2026-11,F,F,,,No Location,,,Burglary,,\n,2026-11,F,F,,,A,E01006226,,Burglary,,\n",
    );
    let why = rows[0].result.as_ref().unwrap_err();
    assert_eq!((why.field.as_str(), why.rule.as_str()), ("LSOA code", "is empty"));
    assert!(rows[1].result.is_ok());
}

#[test]
fn an_unknown_header_is_told_what_is_missing() {
    let refusal = translate(b"incident_ref,reported_at,type,uprn,severity\n", "x.csv").unwrap_err();
    assert_eq!(refusal.to_string(), "columns missing for incidents: summary, outcome");
}

#[test]
fn published_records_each_become_a_draft_with_an_id_of_its_own() {
    let Some(folder) = outside_data("police-street") else {
        return;
    };
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(ward) = name.split('_').find(|part| part.starts_with("E05")) else {
            continue;
        };
        let bytes = fs::read(&path).unwrap();
        let crimes: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
        let translated = translate(&bytes, &name).unwrap();
        assert_eq!(translated.len(), crimes.len());
        let drafts: Vec<_> = translated
            .iter()
            .map(|one| one.result.as_ref().unwrap().draft().unwrap())
            .collect();
        assert!(drafts.iter().all(|draft| draft.area_code == ward));
        let ids: HashSet<_> = drafts.iter().map(|draft| &draft.source_id).collect();
        assert_eq!(ids.len(), crimes.len());
        assert!(ids.iter().any(|id| id.starts_with("row-")));
        files += 1;
    }
    assert!(files > 0);
}

/// A record of the police API with one JSON pointer set to another value, in a file of this name.
fn record(pointer: &str, value: Value, name: &str) -> Translated {
    let mut record = serde_json::json!({
        "category": "violent-crime",
        "location": { "latitude": "53.540", "longitude": "-2.630", "street": { "id": 1, "name": "On or near Example Street" } },
        "persistent_id": "ab12",
        "month": "2026-11",
        "outcome_status": { "category": "Under investigation", "date": "2026-11" },
    });
    *record.pointer_mut(pointer).unwrap() = value;
    translate(record.to_string().as_bytes(), name).unwrap().remove(0)
}

#[test]
fn a_record_of_the_api_becomes_what_its_row_would() {
    let from_api = record("/month", "2026-11".into(), "E01006226.json")
        .result
        .unwrap()
        .draft()
        .unwrap()
        .clone();
    let row = "ab12,2026-11,F,F,-2.630,53.540,On or near Example Street,E01006226,,Violence and sexual offences,Under investigation,\n";
    assert_eq!(
        from_api,
        read(STREET, row).remove(0).result.unwrap().draft().unwrap().clone()
    );
}

#[test]
fn each_bad_field_of_a_record_is_named() {
    for (pointer, value, name, field) in [
        ("/month", Value::from("June"), "E01006226.json", "month"),
        ("/category", Value::Null, "E01006226.json", "category"),
        (
            "/location/latitude",
            Value::from("153.5"),
            "E01006226.json",
            "location.latitude",
        ),
        ("/category", Value::from("robbery"), "crimes.json", "file name"),
    ] {
        let why = record(pointer, value, name).result.unwrap_err();
        assert_eq!(why.field, field);
    }
}

#[test]
fn a_point_without_an_area_is_placed_by_the_polygons_of_the_place() {
    let square = serde_json::json!([[[-3, 53], [-2, 53], [-2, 54], [-3, 54], [-3, 53]]]);
    let file = serde_json::json!({ "features": [{
        "properties": { "LSOA21CD": "E01000007" },
        "geometry": { "type": "Polygon", "coordinates": square },
    }] });
    let polygons = Arc::new(Polygons::parse(&file, "LSOA21CD").unwrap());
    let areas = |text: String, name: &str| -> Vec<Option<String>> {
        let rows = rows(Box::new(Cursor::new(text.into_bytes())), name, &polygons).unwrap();
        rows.map(|row| Some(row.unwrap().result.ok()?.draft().unwrap().area_code.clone()))
            .collect()
    };
    let row = |point: &str, code: &str| format!("ab12,2026-11,F,F,{point},A,{code},,Burglary,,\n");
    let text = [
        row("-2.5,53.5", ""),
        row("-2.5,53.5", "E01006226"),
        row("1.5,53.5", ""),
        row(",", ""),
    ]
    .concat();
    let expected = [Some("E01000007".to_owned()), Some("E01006226".to_owned()), None, None];
    assert_eq!(areas(format!("{STREET}\n{text}"), "x.csv"), expected);
    let record = r#"{"category":"robbery","month":"2026-11","location":{"latitude":"53.5","longitude":"-2.5"}}"#;
    assert_eq!(areas(record.to_owned(), "crimes.json"), [Some("E01000007".to_owned())]);
}

#[test]
fn a_crime_that_is_published_anew_with_another_outcome_is_a_later_version_of_itself() {
    let version = |outcome: &str| {
        let row = format!("ab12,2026-11,F,F,,,A,E01006226,,Burglary,{outcome},\n");
        let draft = read(STREET, &row).remove(0).result.unwrap().draft().unwrap().clone();
        assert_eq!(draft.source_id, "ab12");
        draft.version
    };
    assert!(version("") < version("Under investigation"));
    assert!(version("Under investigation") < version("Offender fined"));
}

#[test]
fn an_id_that_comes_again_is_told_apart() {
    let row = "ab12,2026-11,F,F,,,A,E01006226,,Burglary,,\n";
    let ids: Vec<_> = read(STREET, &row.repeat(2))
        .into_iter()
        .map(|one| one.result.unwrap().draft().unwrap().clone().source_id)
        .collect();
    assert_eq!(ids, ["ab12", "ab12:2"]);
}

proptest! {
    #[test]
    fn no_bytes_make_the_format_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = translate(&bytes, "x.csv");
    }

    #[test]
    fn no_rows_make_the_format_panic(rows in "([ -~£\"]{0,40},){0,14}\n.{0,80}") {
        let _ = (read(STREET, &rows), read(INCIDENTS, &rows));
    }
}
