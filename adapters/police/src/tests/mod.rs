//! The samples beside what is expected of them, the rows that must be refused, and a month of published crimes.

mod incidents;
#[path = "../../../outside.rs"]
mod outside;

use std::{
    collections::{BTreeSet, HashSet},
    fs,
};

use placehub_delivery::{Translated, draft::views};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
pub(crate) use outside::outside_data;

const STREET: &str = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,\
                      Crime type,Last outcome category,Context";

fn read(header: &str, rows: &str) -> Vec<Translated> {
    translate(format!("{header}\n{rows}").as_bytes(), "x.csv").unwrap()
}

#[test]
fn the_samples_become_what_is_expected() {
    let expected = [
        include_str!("../../samples/incidents.expected.json"),
        include_str!("../../samples/street.expected.json"),
        include_str!("../../samples/street-E01006370.expected.json"),
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
    let refusal = translate(b"incident_number,opened,category,markers,uprn\n", "x.csv").unwrap_err();
    assert_eq!(refusal.to_string(), "columns missing for incidents: grade");
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
    let place = Arc::new(Place {
        polygons: Polygons::parse(&file, "LSOA21CD").unwrap(),
        ..Default::default()
    });
    let areas = |text: String, name: &str| -> Vec<Option<String>> {
        let rows = rows(Box::new(Cursor::new(text.into_bytes())), name, &place).unwrap();
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
        let _ = (read(STREET, &rows), read(incidents::HEADER, &rows));
    }
}
