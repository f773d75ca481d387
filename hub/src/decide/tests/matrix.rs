//! The matrix is what the rules come to, and says neither more nor less than the particulars.

use std::{collections::BTreeSet, fs};

use proptest::prelude::*;

use super::{changed_files, repository, shipped};
use crate::{
    decide::{
        PolicySet, Trust,
        rule::{Picture, Roles},
    },
    model::{ConsentFact, Level, Sensitivity, Severity, SubjectSort},
};

#[test]
fn the_matrix_of_the_repository_is_what_its_rules_come_to() {
    let kept = fs::read_to_string(repository().join("matrix.txt")).unwrap_or_default();
    let text = shipped().matrix().to_string();
    if let Some((kept, made)) = kept.lines().zip(text.lines()).find(|(kept, made)| kept != made) {
        panic!("policies/matrix.txt says `{kept}`, the rules say `{made}`: see `placehub policy matrix`");
    }
    assert_eq!(
        kept, text,
        "policies/matrix.txt is not up to date: see `placehub policy matrix`"
    );
}

#[test]
fn what_the_particulars_open_is_what_the_rules_open() {
    let set = shipped();
    let matrix = set.matrix();
    assert_eq!(set.unkept(&matrix), Vec::<String>::new());
    for row in matrix.rows.iter().filter(|row| row.owner != row.agency) {
        let agreement = set.agreements().iter().find(|one| *one.id() == row.agreement).unwrap();
        let opens = agreement.particulars().opens.iter();
        let fitting = opens.filter(|one| one.kinds.contains(&row.kind)).filter(|one| {
            let roles = one.to.get(&row.agency);
            roles.is_some_and(|roles| roles.contains(&row.role))
        });
        for cell in &row.cells {
            let said = fitting
                .clone()
                .filter(|one| one.consent.are_met_by(cell.consent))
                .map(|one| one.level)
                .max();
            assert_eq!(cell.most(), said, "{row:?}");
        }
    }
}

#[test]
fn particulars_that_promise_what_no_rule_opens_are_told() {
    let files = changed_files("agreements/asb-prevention.toml", |text| {
        text.replacen("level = \"existence\"", "level = \"detail\"", 1)
    });
    let set = PolicySet::of(&files, &Trust::default()).unwrap();
    let unkept = set.unkept(&set.matrix());
    assert_eq!(
        unkept.len(),
        4,
        "one for each thing that a person can have said: {unkept:#?}"
    );
    assert!(unkept[0].contains("`housing.rent-arrears`"), "{}", unkept[0]);
}

#[test]
fn a_condition_that_is_dropped_shows_in_the_matrix() {
    let files = changed_files("agreements/asb-prevention.cedar", |text| {
        text.replacen("when { resource.severity >= 2 }\n", "", 1)
    });
    let other = PolicySet::of(&files, &Trust::default()).unwrap();
    let (before, after) = (shipped().matrix().to_string(), other.matrix().to_string());
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(a, b)| a != b).collect();
    assert_eq!(changed.len(), 1, "{changed:#?}");
    assert!(changed[0].0.contains("police.asb-incident"), "{changed:#?}");
}

#[test]
fn the_loss_of_a_rule_that_bites_only_where_two_things_meet_shows_in_the_matrix() {
    let rule = "@id(\"base-no-patient-singled-out-for-serious-violence\")";
    let files = changed_files("base.cedar", |text| {
        let (before, after) = text.split_once(rule).unwrap();
        before.to_owned()
            + after
                .split_once("unless { resource.owner == principal.agency };\n")
                .unwrap()
                .1
    });
    let other = PolicySet::of(&files, &Trust::default()).unwrap();
    let (before, after) = (shipped().matrix().to_string(), other.matrix().to_string());
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(a, b)| a != b).collect();
    let told = "headline (on an address, about an address or about an area; or on an area), whatever was said";
    assert_eq!(changed.len(), 1, "{changed:#?}");
    assert!(
        changed[0].0.contains("health.assault-injury") && changed[0].0.ends_with(told),
        "{changed:#?}"
    );
}

/// One of a list.
fn any_of<T: Clone + std::fmt::Debug + 'static>(of: Vec<T>) -> impl Strategy<Value = T> {
    proptest::sample::select(of)
}

fn areas() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["central", "east", "west"], 0..=3)
}

prop_compose! {
    fn pictures()(
        agency in any_of(vec!["health", "police", "housing", "welfare", "governance"]),
        owner in any_of(vec!["health", "police", "housing", "welfare"]),
        role in any_of(vec!["neighbourhood-officer", "housing-officer", "welfare-adviser", "safeguarding-lead",
            "violence-reduction-analyst", "discharge-coordinator", "caretaker"]),
        patch in areas(), around in areas(),
        kind in any_of(shipped().catalogue().kinds().map(|kind| kind.id.clone()).collect()),
        case_reference in any::<bool>(),
        subject in any_of(vec![SubjectSort::Person, SubjectSort::Address, SubjectSort::Area]),
        about in any_of(vec![SubjectSort::Person, SubjectSort::Address, SubjectSort::Area]),
        severity in any_of(vec![Severity::Low, Severity::Medium, Severity::High, Severity::Critical]),
        sensitivity in any_of(vec![Sensitivity::Ordinary, Sensitivity::Sensitive, Sensitivity::Restricted]),
        consent in any_of(vec![ConsentFact::Given, ConsentFact::None, ConsentFact::Refused, ConsentFact::Withdrawn]),
        deceased: bool, agreement in 0_usize..5, gateway in any_of(vec!["none", "vital-interests", ""]),
    ) -> (usize, Picture) {
        let set = shipped();
        let particulars = set.agreements()[agreement].particulars();
        let gateway = gateway.parse().unwrap_or_else(|_| particulars.gateways[0].clone());
        let known = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<_>>();
        (agreement, Picture {
            agency: Some((agency.parse().unwrap(), agency.parse().unwrap())),
            roles: Roles::Are([role.to_owned()].into()),
            teams: Some(BTreeSet::new()),
            patch: Some(known(&patch)),
            purpose: Some(particulars.purpose.clone()),
            gateway: Some(gateway),
            case_reference: Some(case_reference),
            subject: Some(subject),
            areas: Some(known(&around).into_iter().collect()),
            kind: Some(kind),
            owner: Some((owner.parse().unwrap(), owner.parse().unwrap())),
            severity: Some(severity),
            sensitivity: Some(sensitivity),
            about: Some(about),
            consent: Some(consent),
            deceased: Some(deceased),
            ..Picture::of(Level::Detail.word())
        })
    }
}

#[test]
fn rules_that_are_read_over_what_is_known_agree_with_cedar() {
    let set = shipped();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    let tried = runner.run(&pictures(), |(agreement, picture)| {
        let agreement = &set.agreements()[agreement];
        let read = set.judged(agreement, &set.rules_of(agreement), &picture);
        let decided = set.settled(agreement, &picture);
        prop_assert!(decided.is_some(), "Cedar could not be asked");
        prop_assert_eq!(read, decided);
        Ok(())
    });
    tried.unwrap();
}
