//! The samples beside what is expected of them, and the rows that must be refused.

use std::collections::BTreeSet;

use placehub_delivery::{FileError, Translated, draft::views};
use proptest::prelude::*;

use super::*;

const HEADER: &str =
    "tenancy_ref,uprn,family_name,given_name,birth_date,nhs_number,postcode,weeks_in_arrears,arrears_pence,as_of";

fn arrears(rows: &str) -> Vec<Translated> {
    translate(format!("{HEADER}\n{rows}").as_bytes(), "arrears.csv").unwrap()
}

fn refusal(rows: &str) -> (String, String) {
    let why = arrears(rows).remove(0).result.unwrap_err();
    (why.field, why.rule)
}

#[test]
fn the_samples_become_what_is_expected() {
    let expected = [
        include_str!("../samples/arrears.expected.json"),
        include_str!("../samples/notices.expected.json"),
        include_str!("../samples/asb-cases.expected.json"),
        include_str!("../samples/evictions.expected.json"),
        include_str!("../samples/damp-and-mould.expected.json"),
    ];
    for ((name, bytes), expected) in SAMPLES.iter().zip(expected) {
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
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
fn a_bad_row_keeps_no_other_back_and_its_value_is_not_repeated() {
    let rows = arrears(
        "T-1,999000000101,Sample,Alex,1958-03-14,9990001007,WN99 9AA,9,81240,2026-11-09\n\
         T-2,999000000102,Example,Billie,1991-11-02,9990001014,WN99 9AA,3,21000,2026-11-09\n",
    );
    let why = rows[0].result.as_ref().unwrap_err();
    assert_eq!(
        (rows[0].origin.as_str(), why.field.as_str()),
        ("arrears.csv row 2", "nhs_number")
    );
    assert!(!why.to_string().contains("9990001007"));
    assert!(rows[1].result.is_ok());
}

#[test]
fn each_bad_field_is_named() {
    for (row, field) in [
        (",,,,,,,9,1,2026-11-09", "tenancy_ref"),
        ("T-1,9.99E+11,,,,,,9,1,2026-11-09", "uprn"),
        ("T-1,,,,30/02/1958,,,9,1,2026-11-09", "birth_date"),
        ("T-1,,,,,,WN999,9,1,2026-11-09", "postcode"),
        ("T-1,,,,,,,nine,1,2026-11-09", "weeks_in_arrears"),
        ("T-1,,,,,,,9,£812.40,2026-11-09", "arrears_pence"),
        ("T-1,,,,,,,9,1,11/20/2026", "as_of"),
        ("T-1,,,,,,,9,1", "row"),
    ] {
        assert_eq!(refusal(row).0, field, "{row}");
    }
}

#[test]
fn a_later_balance_of_the_same_month_corrects_the_earlier_one() {
    let rows = arrears("T-1,,,,,,,8,70000,02/11/2026\nT-1,,,,,,,9,81240,2026-11-09\n");
    let [first, second] = [&rows[0], &rows[1]].map(|row| row.result.as_ref().unwrap().draft().unwrap());
    assert_eq!(first.source_id, second.source_id);
    assert!(first.version < second.version);
}

#[test]
fn arrears_grow_more_urgent_with_the_weeks() {
    let rows = arrears(
        "T-1,,,,,,,3,1,2026-11-09\nT-1,,,,,,,4,1,2026-11-09\nT-1,,,,,,,7,1,2026-11-09\nT-1,,,,,,,8,1,2026-11-09\n",
    );
    let severities: Vec<i32> = rows
        .iter()
        .map(|row| row.result.as_ref().unwrap().draft().unwrap().severity)
        .collect();
    assert_eq!(severities, [1, 2, 2, 3]);
}

#[test]
fn each_bad_field_of_a_hazard_is_named() {
    for (record, field) in [
        (
            r#"{"uprn": 1, "date_reported": "2026-11-05"}"#,
            "hazard_report_reference",
        ),
        (r#"{"hazard_report_reference": "D", "uprn": 1}"#, "date_reported"),
        (
            r#"{"hazard_report_reference": "D", "uprn": 9.99e11, "date_reported": "2026-11-05"}"#,
            "uprn",
        ),
        (
            r#"{"hazard_report_reference": "D", "date_reported": "2026-11-05"}"#,
            "record",
        ),
        (
            r#"{"hazard_report_reference": "D", "uprn": 1, "date_reported": "2026-11-05", "sla_breach_flag": 2}"#,
            "sla_breach_flag",
        ),
        (
            r#"{"hazard_report_reference": ["D"], "uprn": 1, "date_reported": "2026-11-05"}"#,
            "hazard_report_reference",
        ),
    ] {
        let why = translate(record.as_bytes(), "x.json")
            .unwrap()
            .remove(0)
            .result
            .unwrap_err();
        assert_eq!(why.field, field, "{record}");
    }
}

#[test]
fn each_step_in_dealing_with_a_hazard_is_a_higher_version() {
    let version = |rest: &str| {
        let record = format!(r#"{{"hazard_report_reference":"D","uprn":1,"date_reported":"2026-11-05"{rest}}}"#);
        translate(record.as_bytes(), "x")
            .unwrap()
            .remove(0)
            .result
            .unwrap()
            .draft()
            .unwrap()
            .version
    };
    let steps = [
        version(""),
        version(r#","sla_breach_flag":true"#),
        version(r#","made_safe_date":"2026-11-07""#),
        version(r#","made_safe_date":"2026-11-07","sla_breach_flag":"Y""#),
        version(r#","last_updated":"2026-11-08""#),
    ];
    assert!(steps.is_sorted() && steps.first() < steps.last(), "{steps:?}");
    assert_eq!(version(r#","version":7"#), 7);
}

#[test]
fn a_case_that_is_closed_replaces_the_open_one() {
    let header = "case_ref,tenancy_ref,uprn,case_type,status,opened_on,updated_on";
    let file = format!("{header}\nC,T,1,noise,open,02/11/2026,02/11/2026\nC,T,1,noise,Closed,02/11/2026,09/11/2026\n");
    let rows = translate(file.as_bytes(), "x").unwrap();
    let [open, closed] = [&rows[0], &rows[1]].map(|row| row.result.as_ref().unwrap().draft().unwrap());
    assert_eq!(open.source_id, closed.source_id);
    assert!(open.version < closed.version);
}

#[test]
fn an_unknown_header_is_told_what_is_missing() {
    let refusal = translate(b"notice_ref,tenancy_ref,uprn,notice_type\n", "x.csv").unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "columns missing for notices: served_on, expires_on"
    );
}

#[test]
fn a_file_in_another_encoding_is_refused_as_such() {
    assert_eq!(
        translate(b"tenancy_ref,caf\xe9\n", "x.csv").unwrap_err(),
        FileError::NotUtf8
    );
}

#[test]
fn joint_tenants_of_a_home_are_two_people_with_a_signal_each() {
    let rows = "T-1,999000000101,Sample,Alex,14/03/1958,,,5,81240,09/11/2026,\n\
                T-1,999000000101,Example,Billie,02/11/1991,,,5,81240,09/11/2026,2\n\
                T-1,999000000101,Other,Chris,02/11/1991,,,5,81240,09/11/2026,second\n";
    let header =
        "tenancy_ref,uprn,family_name,given_name,birth_date,nhs_number,postcode,weeks_in_arrears,arrears_pence,as_of";
    let rows = translate(format!("{header},tenant_no\n{rows}").as_bytes(), "x").unwrap();
    let [first, second] = [&rows[0], &rows[1]].map(|row| row.result.as_ref().unwrap().draft().unwrap());
    assert_eq!(
        (first.source_id.as_str(), second.source_id.as_str()),
        ("T-1:2026-11", "T-1/2:2026-11")
    );
    assert_eq!(first.uprn, second.uprn, "a question about the address finds both");
    let reference =
        |draft: &placehub_proto::v1::SignalDraft| draft.person.as_ref().unwrap().local_references[0].value.clone();
    assert_ne!(reference(first), reference(second), "one reference is one person");
    assert_eq!(rows[2].result.as_ref().unwrap_err().field, "tenant_no");
}

proptest! {
    #[test]
    fn no_bytes_make_the_format_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = translate(&bytes, "x.csv");
    }

    #[test]
    fn no_rows_make_the_format_panic(rows in "([ -~£\"]{0,60},){0,12}\n.{0,80}") {
        let _ = arrears(&rows);
    }
}
