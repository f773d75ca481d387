//! The sample beside what is expected of it, and the rows that must be refused.

use std::collections::BTreeSet;

use placehub_delivery::{Translated, catalogue::Need, draft::views};
use proptest::prelude::*;

use super::*;

const HEADER: &str =
    "award_ref,nhs_number,family_name,given_name,birth_date,postcode,uprn,scheme,amount_pence,awarded_on";

fn awards(rows: &str) -> Vec<Translated> {
    translate(format!("{HEADER}\n{rows}").as_bytes(), "awards.csv").unwrap()
}

#[test]
fn the_samples_become_what_is_expected() {
    let expected = [
        include_str!("../samples/crisis-grants.expected.json"),
        include_str!("../samples/council-tax.expected.json"),
        include_str!("../samples/deductions.expected.json"),
        include_str!("../samples/sanctions.expected.json"),
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
fn each_bad_field_of_the_other_exports_is_named() {
    for (header, row, field) in [
        (
            "account_ref,uprn,arrears_pence,liability_order,as_of",
            "C-1,1,100,maybe,2026-11-09",
            "liability_order",
        ),
        (
            "account_ref,uprn,arrears_pence,liability_order,as_of",
            ",1,100,no,2026-11-09",
            "account_ref",
        ),
        (
            "deduction_ref,reason,amount_pence,decided_on,nhs_number",
            "D-1,rent,100,2026-11-09,",
            "row",
        ),
        (
            "sanction_ref,starts_on,ends_on,nhs_number",
            "S-1,2026-11-09,2026-11-08,9990001006",
            "ends_on",
        ),
    ] {
        let file = format!("{header}\n{row}\n");
        let why = translate(file.as_bytes(), "x").unwrap().remove(0).result.unwrap_err();
        assert_eq!(why.field, field, "{row}");
    }
}

#[test]
fn a_notice_on_universal_credit_is_always_restricted() {
    let file = "sanction_ref,starts_on,ends_on,nhs_number\nS-1,2026-11-09,,9990001006\n";
    let draft = translate(file.as_bytes(), "x")
        .unwrap()
        .remove(0)
        .result
        .unwrap()
        .draft()
        .unwrap()
        .clone();
    assert_eq!(draft.sensitivity(), placehub_proto::v1::Sensitivity::Restricted);
}

#[test]
fn the_scheme_decides_the_kind() {
    let rows = awards(
        "A-1,9990001006,,,,,,HSF,100,2026-11-09\nA-2,9990001006,,,,,,crisis,100,2026-11-09\n\
         A-3,9990001006,,,,,,dhp,100,2026-11-09\n",
    );
    let kinds: Vec<_> = rows
        .iter()
        .map(|row| row.result.as_ref().unwrap().draft().unwrap().kind.as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "welfare.crisis-grant",
            "welfare.crisis-grant",
            "welfare.discretionary-housing-payment"
        ]
    );
}

#[test]
fn each_bad_field_is_named() {
    for (row, field) in [
        (",9990001006,,,,,,hsf,100,2026-11-09", "award_ref"),
        ("A-1,9990001007,,,,,,hsf,100,2026-11-09", "nhs_number"),
        ("A-1,9990001006,,,,,,loan,100,2026-11-09", "scheme"),
        ("A-1,9990001006,,,,,,hsf,-100,2026-11-09", "amount_pence"),
        ("A-1,9990001006,,,,,,hsf,100,9 Nov 2026", "awarded_on"),
        ("A-1,,,,,WN99 9AA,,hsf,100,2026-11-09", "row"),
    ] {
        let why = awards(row).remove(0).result.unwrap_err();
        assert_eq!(why.field, field, "{row}");
    }
}

#[test]
fn a_bad_row_keeps_no_other_back() {
    let rows = awards("A-1,9990001006,,,,,,loan,100,2026-11-09\nA-2,9990001006,,,,,,hsf,100,2026-11-09\n");
    assert!(rows[0].result.is_err() && rows[1].result.is_ok());
}

#[test]
fn a_correction_takes_its_version_from_the_file() {
    let file = format!("{HEADER},version\nA-1,9990001006,,,,,,hsf,100,2026-11-09,2\n");
    let rows = translate(file.as_bytes(), "awards.csv").unwrap();
    assert_eq!(rows[0].result.as_ref().unwrap().draft().unwrap().version, 2);
}

proptest! {
    #[test]
    fn no_bytes_make_the_format_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = translate(&bytes, "x.csv");
    }

    #[test]
    fn no_rows_make_the_format_panic(rows in "([ -~£\"]{0,60},){0,12}\n.{0,80}") {
        let _ = awards(&rows);
    }
}
