//! The named cases of `policies/cases`, and that nothing in the shipped agreements goes untested.

use super::{changed_files, files, shipped};
use crate::decide::{Files, PolicySet, Trust};

fn load(files: &Files) -> PolicySet {
    PolicySet::of(files, &Trust::default()).unwrap()
}

#[test]
fn every_case_is_decided_as_it_says_and_for_the_reason_it_says() {
    let files = files();
    let cases = load(&files).cases(&files).unwrap();
    assert!(cases.count() > 100, "only {} cases were found", cases.count());
    assert!(cases.wrong().is_empty(), "{:#?}", cases.wrong());
}

#[test]
fn every_rule_decides_a_case_and_no_condition_can_be_dropped_unnoticed() {
    let files = files();
    let set = load(&files);
    let coverage = set.cases(&files).unwrap().coverage(&set);
    assert!(coverage.tried > 200, "{} mutants", coverage.tried);
    let idle: Vec<_> = coverage.idle.iter().map(|rule| &rule.id).collect();
    assert!(idle.is_empty(), "no case is decided by {idle:?}");
    let unguarded: Vec<_> = coverage
        .unguarded
        .iter()
        .map(|one| format!("{}: {}", one.rule.id, one.condition))
        .collect();
    assert!(unguarded.is_empty(), "{unguarded:#?}");
}

#[test]
fn every_agreement_has_cases_on_both_sides() {
    let set = shipped();
    assert_eq!(set.agreements().len(), 5);
    for agreement in set.agreements() {
        let files = files();
        let text = files.text(&format!("cases/{}.json", agreement.id())).unwrap();
        for side in ["allow", "deny"] {
            let decided = format!("\"decision\": \"{side}\"");
            assert!(
                text.contains(&decided),
                "{} has no case that is decided {side}",
                agreement.id()
            );
        }
    }
}

#[test]
fn a_rule_that_decides_no_case_is_told() {
    let idle = "\n@id(\"base-idle\")\n@agreement(\"base\")\n@reason(\"Never.\")\nforbid (principal, action == \
                Placehub::Action::\"detail\", resource)\nwhen { resource.severity >= 9 };\n";
    let files = changed_files("base.cedar", |text| text + idle);
    let set = load(&files);
    let coverage = set.cases(&files).unwrap().coverage(&set);
    assert_eq!(coverage.idle.len(), 1);
    assert_eq!(coverage.idle[0].id, "base-idle");
}

#[test]
fn a_sort_of_asker_that_no_case_keeps_out_is_told() {
    let files = changed_files("cases/operation.json", |text| {
        let mut cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        cases.retain(|case| !case["name"].as_str().unwrap().starts_with("A practitioner "));
        serde_json::to_string_pretty(&cases).unwrap()
    });
    let set = load(&files);
    let unguarded = set.cases(&files).unwrap().coverage(&set).unguarded;
    let told: Vec<_> = unguarded.iter().map(|one| (&*one.rule.id, &*one.condition)).collect();
    let expected = [
        "operation-join-own-records",
        "operation-separate-what-one-joined",
        "operation-health-says-whose-nhs-number",
    ];
    assert_eq!(told, expected.map(|rule| (rule, "the asker is a Workload")));
}

#[test]
fn a_case_that_comes_out_otherwise_is_told_with_its_line() {
    let files = changed_files("cases/base.json", |text| {
        text.replacen("\"decision\": \"deny\"", "\"decision\": \"allow\"", 1)
    });
    let wrong = load(&files).cases(&files).unwrap().wrong();
    assert_eq!(wrong.len(), 1);
    let text = wrong[0].to_string();
    assert!(
        text.starts_with("cases/base.json:") && text.contains("is to come to allow"),
        "{text}"
    );
    assert!(!text.starts_with("cases/base.json:1:"), "{text}");
}
