//! Decisions by class are the decisions that Cedar makes of each signal by itself.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Context, Decision, Entities, PolicySet as Cedar, Request};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::shipped;
use crate::{
    authn::{Caller, Practitioner},
    decide::{PolicySet, Sift},
    model::{
        AreaCode, ConsentFact, Header, Level, PersonId, Question, Sensitivity, Severity, SignalId, Subject, SubjectSort,
    },
};

/// Worlds, and signals in each: 100,000 in all.
const WORLDS: u32 = 100;
const SIGNALS: usize = 1000;

const AGENCIES: [&str; 4] = ["health", "housing", "police", "welfare"];
const AREAS: [&str; 4] = ["central", "east", "north", "west"];
const ROLES: [&str; 6] = [
    "discharge-coordinator",
    "housing-officer",
    "neighbourhood-officer",
    "safeguarding-lead",
    "violence-reduction-analyst",
    "welfare-adviser",
];

#[derive(Debug, Clone)]
struct World {
    agency: usize,
    role: usize,
    patch: Vec<&'static str>,
    agreement: usize,
    case_reference: bool,
    subject: usize,
    around: Vec<&'static str>,
    level: Level,
    signals: Vec<(usize, usize, usize, usize, usize, usize, usize)>,
}

fn worlds() -> impl Strategy<Value = World> {
    let kinds = shipped().catalogue().kinds().count();
    let areas = || proptest::sample::subsequence(AREAS.to_vec(), 0..=4);
    let level = proptest::sample::select(Level::Detail.downwards().to_vec());
    let signal = (
        0..kinds,
        0_usize..4,
        0_usize..4,
        0_usize..3,
        0_usize..3,
        0_usize..5,
        0_usize..4,
    );
    let signals = proptest::collection::vec(signal, SIGNALS);
    let standing = (
        0_usize..4,
        0_usize..6,
        areas(),
        0_usize..5,
        any::<bool>(),
        0_usize..3,
        areas(),
        level,
    );
    (standing, signals).prop_map(
        |((agency, role, patch, agreement, case_reference, subject, around, level), signals)| World {
            agency,
            role,
            patch,
            agreement,
            case_reference,
            subject,
            around,
            level,
            signals,
        },
    )
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn codes(names: &[&str]) -> BTreeSet<AreaCode> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn uid(sort: &str, id: &str) -> cedar_policy::EntityUid {
    format!("Placehub::{sort}::\"{id}\"").parse().unwrap()
}

/// Asks Cedar, with entities and context written as JSON for this one request.
fn permitted(
    set: &PolicySet,
    slice: &Cedar,
    action: &str,
    resource: (&str, serde_json::Value),
    world: &World,
    context: serde_json::Value,
) -> bool {
    let agency = AGENCIES[world.agency];
    let entity = |sort: &str, id: &str| json!({ "__entity": { "type": format!("Placehub::{sort}"), "id": id } });
    let of = |sort: &str, id: &str, attrs: serde_json::Value| json!({ "uid": { "type": format!("Placehub::{sort}"), "id": id }, "attrs": attrs, "parents": [] });
    let mut entities: Vec<_> = AGENCIES
        .iter()
        .map(|one| of("Agency", one, json!({ "sector": one })))
        .collect();
    let practitioner =
        json!({ "agency": entity("Agency", agency), "roles": [ROLES[world.role]], "teams": [], "areas": world.patch });
    entities.push(of("Practitioner", "asker", practitioner));
    entities.push(of(resource.0, "it", resource.1));
    let action = uid("Action", action);
    let context = Context::from_json_value(context, Some((&set.schema, &action))).unwrap();
    let request = Request::new(
        uid("Practitioner", "asker"),
        action,
        uid(resource.0, "it"),
        context,
        None,
    )
    .unwrap();
    let entities = Entities::from_json_value(json!(entities), Some(&set.schema)).unwrap();
    let response = Authorizer::new().is_authorized(&request, slice, &entities);
    response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
}

fn check(world: &World) {
    let set = shipped();
    let agreement = &set.agreements[world.agreement];
    let particulars = agreement.particulars();
    let subjects = [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area];
    let subject = subjects[world.subject];
    let (purpose, gateway) = (&particulars.purpose, &particulars.gateways[0]);
    let office = Practitioner {
        subject: "officer-1".into(),
        roles: [ROLES[world.role].to_owned()].into(),
        teams: BTreeSet::new(),
        areas: codes(&world.patch),
        expires_at: Timestamp::MAX,
    };
    let agency = AGENCIES[world.agency];
    let caller = Caller::sample(agency, agency, "desk", Some(office));
    let question = Question {
        subject: match subject {
            SubjectSort::Person => Subject::Person(Box::default()),
            SubjectSort::Address => Subject::Address("999000000101".parse().unwrap()),
            SubjectSort::Area => Subject::Area("central".parse().unwrap()),
        },
        purpose: purpose.clone(),
        gateway: gateway.clone(),
        case_reference: if world.case_reference {
            "26/1".into()
        } else {
            String::new()
        },
        since: None,
        until: None,
        level: world.level,
        kinds: BTreeSet::new(),
    };
    let around: &[&str] = if subject == SubjectSort::Person {
        &[]
    } else {
        &world.around
    };
    let mut sift = Sift::new(set, &caller, &question, codes(around).into_iter().collect(), now());
    let why = json!({
        "purpose": { "__entity": { "type": "Placehub::Purpose", "id": purpose.as_str() } },
        "gateway": { "__entity": { "type": "Placehub::Gateway", "id": gateway.as_str() } },
        "case_reference": world.case_reference,
    });
    let binds = |agency: &str| particulars.party.iter().any(|party| party.agency.as_str() == agency);
    let inquiry = ("Inquiry", json!({ "subject": subject.word(), "areas": around }));
    let taken = binds(agency) && permitted(set, &agreement.slice, "ask", inquiry, world, why.clone());
    assert_eq!(sift.is_taken(), taken);
    let kinds: Vec<_> = set.catalogue().kinds().collect();
    for (number, (kind, severity, consent, sensitivity, about, area, owner)) in
        world.signals.iter().copied().enumerate()
    {
        let kind = kinds[kind];
        // Most signals are of the sort that owns their kind; some are of another, which no rule may let through.
        let owner = if number % 7 == 0 {
            AGENCIES[owner]
        } else {
            kind.owner.as_str()
        };
        let severity = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical][severity];
        let consent = [
            ConsentFact::Given,
            ConsentFact::None,
            ConsentFact::Refused,
            ConsentFact::Withdrawn,
        ][consent];
        let sensitivity = [Sensitivity::Ordinary, Sensitivity::Sensitive, Sensitivity::Restricted][sensitivity];
        let places: Vec<&str> = AREAS.get(area).copied().into_iter().chain(["wigan"]).collect();
        let header = Header {
            id: SignalId([1; 16]),
            version: 1,
            kind: kind.id.clone(),
            owner: owner.parse().unwrap(),
            person: (about == 0).then_some(PersonId([1; 16])),
            address: (about <= 1).then_some([2; 16]),
            area: None,
            occurred_at: now(),
            lapses_at: Timestamp::MAX,
            severity,
            sensitivity,
        };
        let by_class = sift.level(&header, codes(&places).into_iter().collect(), consent);
        if !taken {
            assert_eq!(by_class, None);
            continue;
        }
        let signal = json!({
            "kind": { "__entity": { "type": "Placehub::Kind", "id": kind.id.as_str() } },
            "owner": { "__entity": { "type": "Placehub::Agency", "id": owner } },
            "severity": severity.rank(),
            "sensitivity": sensitivity.word(),
            "areas": places,
            "about": subjects[about].word(),
        });
        let mut context = why.clone();
        context["subject"] = json!(subject.word());
        context["consent"] = json!(consent.word());
        let seen = |level: &&Level| {
            permitted(
                set,
                &agreement.slice,
                level.word(),
                ("Signal", signal.clone()),
                world,
                context.clone(),
            )
        };
        let by_row = world
            .level
            .downwards()
            .iter()
            .find(seen)
            .copied()
            .filter(|_| binds(owner));
        let by_row = by_row.filter(|level| *level > Level::Existence || subject != SubjectSort::Area);
        assert_eq!(
            by_class, by_row,
            "{kind:?} of {owner}, {severity:?}, {consent:?}, {sensitivity:?}, at {places:?}"
        );
    }
}

#[test]
fn a_hundred_thousand_signals_decided_by_class_are_decided_as_each_by_itself() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(WORLDS));
    let tried = runner.run(&worlds(), |world| {
        check(&world);
        Ok(())
    });
    tried.unwrap();
}
