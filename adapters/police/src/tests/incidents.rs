//! Rows of the incident extract: who is told of, as what, and who never is.

use placehub_proto::v1::{PersonIdentity, Sensitivity, Severity, SignalDraft};

use super::*;
use crate::addresses::Addresses;
use placehub_delivery::{Content, Untranslatable};

pub(super) const HEADER: &str = "incident_number,opened,category,markers,uprn,address,grade,risk,role,person_no,\
                                 family_name,given_name,nhs_number,postcode,summary,outcome,version";

/// A row with some cells filled, and the others as they are for a call about noise at an address.
fn row(cells: &[(&str, &str)]) -> String {
    let usual = [
        ("incident_number", "I-1"),
        ("opened", "2026-11-09T10:00"),
        ("category", "asb"),
        ("uprn", "999000000101"),
        ("grade", "scheduled"),
    ];
    let cell = |column: &str| {
        let own = cells.iter().chain(&usual).find(|(name, _)| *name == column);
        own.map_or("", |(_, text)| *text)
    };
    let row: Vec<&str> = HEADER.split(',').map(cell).collect();
    assert!(
        cells
            .iter()
            .all(|(name, _)| HEADER.split(',').any(|column| column == *name))
    );
    format!("{}\n", row.join(","))
}

fn told(cells: &[(&str, &str)]) -> Vec<Content> {
    let rows = read(HEADER, &row(cells));
    rows.into_iter().map(|one| one.result.unwrap()).collect()
}

fn drafts(cells: &[(&str, &str)]) -> Vec<SignalDraft> {
    told(cells).iter().filter_map(Content::draft).cloned().collect()
}

fn kinds(cells: &[(&str, &str)]) -> Vec<String> {
    drafts(cells).into_iter().map(|draft| draft.kind).collect()
}

fn why(cells: &[(&str, &str)]) -> Untranslatable {
    read(HEADER, &row(cells)).remove(0).result.unwrap_err()
}

const VICTIM: [(&str, &str); 3] = [("role", "victim"), ("person_no", "1"), ("family_name", "Madeup")];
const SUBJECT: [(&str, &str); 3] = [("role", "subject"), ("person_no", "2"), ("family_name", "Madeup")];
const REPORTER: [(&str, &str); 5] = [
    ("role", "Reporter"),
    ("person_no", "3"),
    ("family_name", "Secretname"),
    ("nhs_number", "not even a number"),
    ("postcode", "nor this"),
];

fn with(
    cells: &[(&'static str, &'static str)],
    more: &[(&'static str, &'static str)],
) -> Vec<(&'static str, &'static str)> {
    [more, cells].concat()
}

#[test]
fn who_reported_an_incident_is_never_passed_on() {
    let drafts = drafts(&REPORTER);
    assert_eq!(drafts.len(), 1);
    assert_eq!((drafts[0].source_id.as_str(), &drafts[0].person), ("I-1", &None));
    assert!(!format!("{drafts:?}").contains("Secretname"));
    for marker in ["domestic-abuse", "missing", "vulnerable-adult"] {
        let told = told(&with(&REPORTER, &[("markers", marker), ("version", "2")]));
        assert!(!format!("{told:?}").contains("Secretname"), "{marker}");
    }
    assert_eq!(why(&with(&REPORTER, &[("uprn", "")])).field, "row");
}

#[test]
fn a_person_without_a_known_role_or_without_a_number_is_refused() {
    for (cells, field) in [
        ([("role", ""), ("person_no", "1")], "role"),
        ([("role", "witness"), ("person_no", "1")], "role"),
        ([("role", "victim"), ("person_no", "")], "person_no"),
    ] {
        let why = why(&[cells[0], cells[1], ("family_name", "Madeup")]);
        assert_eq!(why.field, field);
    }
}

#[test]
fn one_who_turns_out_to_be_the_reporter_is_taken_back() {
    let earlier = drafts(&VICTIM);
    let reporter = [("role", "reporter"), ("person_no", "1"), ("uprn", ""), ("version", "2")];
    let taken_back: Vec<_> = told(&reporter)
        .into_iter()
        .map(|content| match content {
            Content::Retraction(one) => (one.source_id, one.version),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        taken_back.contains(&(earlier[0].source_id.clone(), 2)),
        "{taken_back:?}"
    );
    assert_eq!(taken_back.len(), 4);
}

#[test]
fn each_category_has_its_kind_and_a_concern_needs_a_marker() {
    for (category, kind) in [
        ("asb", "police.asb-incident"),
        ("criminal-damage", "police.criminal-damage"),
        ("domestic-abuse", "police.domestic-abuse-incident"),
        ("missing", "police.missing-person"),
        ("violence", "police.violence-incident"),
    ] {
        assert_eq!(kinds(&[("category", category)]), [kind]);
    }
    assert_eq!(why(&[("category", "concern")]).field, "markers");
    let marked = kinds(&[("category", "concern"), ("markers", "vulnerable-adult")]);
    assert_eq!(marked, ["police.vulnerable-adult"]);
}

#[test]
fn each_marker_is_a_signal_and_domestic_abuse_is_never_an_ordinary_incident() {
    let both = drafts(&with(&VICTIM, &[("markers", "missing; Vulnerable-Adult")]));
    let told: Vec<_> = both
        .iter()
        .map(|draft| (draft.kind.as_str(), draft.source_id.as_str()))
        .collect();
    // A victim is not the one who is missing.
    let expected = [
        ("police.asb-incident", "I-1/1"),
        ("police.vulnerable-adult", "I-1/1/vulnerable-adult"),
    ];
    assert_eq!(told, expected);
    let abuse = drafts(&with(&SUBJECT, &[("markers", "missing;domestic-abuse")]));
    let told: Vec<_> = abuse
        .iter()
        .map(|draft| (draft.kind.as_str(), draft.source_id.as_str()))
        .collect();
    let expected = [
        ("police.domestic-abuse-incident", "I-1/2"),
        ("police.missing-person", "I-1/2/missing"),
    ];
    assert_eq!(told, expected);
    assert!(abuse.iter().all(|draft| draft.sensitivity() == Sensitivity::Restricted));
}

#[test]
fn only_its_subject_was_taken_to_a_place_of_safety() {
    assert_eq!(
        kinds(&with(&SUBJECT, &[("markers", "s.136")])),
        ["police.mental-health-detention"]
    );
    assert_eq!(kinds(&with(&VICTIM, &[("markers", "s136")])), ["police.asb-incident"]);
    assert_eq!(kinds(&[("markers", "s136")]), ["police.asb-incident"]);
    assert_eq!(
        why(&with(&VICTIM, &[("markers", "s136"), ("category", "concern")])).field,
        "markers"
    );
}

#[test]
fn a_marker_that_is_not_understood_refuses_the_row() {
    assert_eq!(why(&[("markers", "domestic-abuse;misssing")]).field, "markers");
}

#[test]
fn a_correction_that_marks_an_incident_replaces_what_it_was_and_takes_back_what_it_is_no_more() {
    let first = drafts(&with(&SUBJECT, &[("markers", "vulnerable-adult")]));
    let second = told(&with(&SUBJECT, &[("markers", "domestic-abuse"), ("version", "2")]));
    let draft = second[0].draft().unwrap();
    assert_eq!(
        (draft.source_id.as_str(), draft.kind.as_str(), draft.version),
        (first[0].source_id.as_str(), "police.domestic-abuse-incident", 2)
    );
    let gone = second.iter().any(
        |content| matches!(content, Content::Retraction(one) if one.source_id == first[1].source_id && one.version == 2),
    );
    assert!(gone, "{second:?}");
}

#[test]
fn a_correction_that_leaves_nothing_to_tell_takes_back_all_that_was_told() {
    let concern = with(&VICTIM, &[("category", "concern")]);
    let first = drafts(&with(&concern, &[("markers", "vulnerable-adult")]));
    let second = told(&with(&concern, &[("version", "2")]));
    let taken_back: Vec<_> = second
        .into_iter()
        .map(|content| match content {
            Content::Retraction(one) => (one.source_id, one.version),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(taken_back.contains(&(first[0].source_id.clone(), 2)), "{taken_back:?}");
    assert_eq!(taken_back.len(), 4);
    assert_eq!(why(&concern).field, "markers");
}

#[test]
fn grade_and_risk_say_how_urgent_it_is() {
    for (grade, risk, severity) in [
        ("Emergency", "", Severity::High),
        ("2", "", Severity::Medium),
        ("scheduled", "medium", Severity::Low),
        ("4", "High", Severity::High),
    ] {
        let draft = drafts(&[("category", "missing"), ("grade", grade), ("risk", risk)]).remove(0);
        assert_eq!(draft.severity(), severity, "{grade} {risk}");
        assert_eq!(draft.attributes.contains_key("risk_grade"), !risk.is_empty());
    }
}

#[test]
fn what_came_of_a_marked_incident_and_its_line_stay_with_the_force() {
    let abuse = drafts(&[("markers", "domestic-abuse"), ("outcome", "arrest")]).remove(0);
    assert!(abuse.attributes.is_empty());
    let missing = drafts(&[("markers", "missing"), ("summary", "Noise")]);
    let lines: Vec<&str> = missing.iter().map(|draft| draft.summary.as_str()).collect();
    assert_eq!(lines, ["Noise", "Person reported missing"]);
}

#[test]
fn an_address_stands_for_its_uprn_if_it_is_a_known_one() {
    let file = "uprn,address\n999000000105,The Cottage\n";
    let place = Arc::new(Place {
        addresses: Addresses::parse(file.as_bytes()).unwrap(),
        ..Default::default()
    });
    let told = |cells: &[(&str, &str)]| {
        let text = format!("{HEADER}\n{}", row(cells));
        let mut rows = super::rows(Box::new(Cursor::new(text.into_bytes())), "x.csv", &place).unwrap();
        rows.next().unwrap().unwrap().result
    };
    let known = told(&[("uprn", ""), ("address", "the cottage.")]).unwrap();
    assert_eq!(known.draft().unwrap().uprn, "999000000105");
    let why = told(&[("uprn", ""), ("address", "Elsewhere")]).unwrap_err();
    assert_eq!(why.field, "address");
    assert!(!why.to_string().contains("Elsewhere"));
    let somebody = told(&with(&VICTIM, &[("uprn", ""), ("address", "Elsewhere")])).unwrap();
    let draft = somebody.draft().unwrap();
    assert_eq!(draft.uprn, "");
    assert!(
        draft
            .person
            .as_ref()
            .is_some_and(|person| *person != PersonIdentity::default())
    );
}

#[test]
fn each_bad_cell_is_named() {
    for (column, text) in [
        ("incident_number", ""),
        ("opened", "yesterday"),
        ("category", "noise"),
        ("uprn", "ninety"),
        ("grade", "urgent"),
        ("grade", ""),
        ("risk", "some"),
    ] {
        assert_eq!(why(&[(column, text)]).field, column, "{text}");
    }
    assert_eq!(why(&with(&VICTIM, &[("nhs_number", "9990001007")])).field, "nhs_number");
    assert_eq!(why(&[("uprn", "")]).field, "row");
}
