//! Runs the named cases of `policies/cases` as Cedar's own command line would: decision, deciding rules and errors.

use std::{collections::BTreeSet, fs, path::Path};

use cedar_policy::{Authorizer, Context, Decision, Entities, PolicySet as Cedar, Request, Schema};
use serde::Deserialize;

use super::repository;
use crate::decide::PolicySet;

#[derive(Deserialize)]
struct Case {
    name: String,
    request: Asked,
    entities: serde_json::Value,
    decision: String,
    reason: BTreeSet<String>,
    num_errors: usize,
}

#[derive(Deserialize)]
struct Asked {
    principal: String,
    action: String,
    resource: String,
    context: serde_json::Value,
}

struct House {
    all: Cedar,
    schema: Schema,
}

impl House {
    fn open() -> Self {
        let set = PolicySet::load(&repository()).unwrap();
        let slices = set.agreements().iter().map(|agreement| &agreement.slice);
        let mut all = Cedar::new();
        for policy in slices.chain([&set.operation]).flat_map(Cedar::policies) {
            if all.policy(policy.id()).is_none() {
                all.add(policy.clone()).unwrap();
            }
        }
        Self {
            all,
            schema: set.schema,
        }
    }

    fn check(&self, case: &Case) -> Result<(), String> {
        let Asked {
            principal,
            action,
            resource,
            context,
        } = &case.request;
        let action: cedar_policy::EntityUid = action.parse().unwrap();
        let context = Context::from_json_value(context.clone(), Some((&self.schema, &action))).unwrap();
        let (principal, resource) = (principal.parse().unwrap(), resource.parse().unwrap());
        let request = Request::new(principal, action, resource, context, Some(&self.schema)).unwrap();
        let entities = Entities::from_json_value(case.entities.clone(), Some(&self.schema)).unwrap();
        let response = Authorizer::new().is_authorized(&request, &self.all, &entities);
        let decision = match response.decision() {
            Decision::Allow => "allow",
            Decision::Deny => "deny",
        };
        let reason: BTreeSet<_> = response.diagnostics().reason().map(ToString::to_string).collect();
        let errors = response.diagnostics().errors().count();
        if decision == case.decision && reason == case.reason && errors == case.num_errors {
            return Ok(());
        }
        Err(format!("{}: {decision} by {reason:?} with {errors} errors", case.name))
    }
}

fn cases(file: &Path) -> Vec<Case> {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn files() -> Vec<std::path::PathBuf> {
    let listing = fs::read_dir(repository().join("cases")).unwrap();
    let mut files: Vec<_> = listing.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_case_is_decided_as_it_says_and_for_the_reason_it_says() {
    let house = House::open();
    let all: Vec<_> = files().iter().flat_map(|file| cases(file)).collect();
    assert!(all.len() > 100, "only {} cases were found", all.len());
    let wrong: Vec<_> = all.iter().filter_map(|case| house.check(case).err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_agreement_has_cases_on_both_sides() {
    let set = PolicySet::load(&repository()).unwrap();
    assert_eq!(set.agreements().len(), 5);
    for agreement in set.agreements() {
        let cases = cases(&repository().join(format!("cases/{}.json", agreement.id())));
        for side in ["allow", "deny"] {
            assert!(
                cases.iter().any(|case| case.decision == side),
                "{} has no case that is decided {side}",
                agreement.id()
            );
        }
    }
}

#[test]
fn every_rule_decides_a_case() {
    let set = PolicySet::load(&repository()).unwrap();
    let decided: BTreeSet<String> = files()
        .iter()
        .flat_map(|file| cases(file))
        .flat_map(|case| case.reason)
        .collect();
    let idle: Vec<_> = set.rules.keys().filter(|rule| !decided.contains(*rule)).collect();
    assert!(idle.is_empty(), "no case is decided by {idle:?}");
}
