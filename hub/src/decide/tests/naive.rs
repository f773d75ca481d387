//! Decisions by class are the decisions that Cedar makes of each signal by itself, agreement by agreement.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::LazyLock,
};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, PolicySet as Cedar, Request, RestrictedExpression as Expression,
};
use jiff::Timestamp;
use proptest::prelude::*;

use super::{files, shipped};
use crate::{
    authn::{Caller, Own, Practitioner},
    decide::{Agreement, Circumstances, PolicySet, Sift, Trust},
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

/// What some questions rely on, whether rightly or not.
const GATEWAYS: [&str; 5] = [
    "none",
    "cda-1998-s115",
    "care-act-2014-s42",
    "pcsc-2022-serious-violence",
    "vital-interests",
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
    doubled: bool,
    gateway: usize,
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
    let policies = (any::<bool>(), 0_usize..20);
    (standing, policies, signals).prop_map(
        |((agency, role, patch, agreement, case_reference, subject, around, level), (doubled, gateway), signals)| {
            World {
                agency,
                role,
                patch,
                agreement,
                case_reference,
                subject,
                around,
                level,
                doubled,
                gateway,
                signals,
            }
        },
    )
}

/// The policies of the repository with a second agreement of each purpose: it takes questions with a case alone, opens
/// less of what the first opens in detail and more of what the first opens least, and its rules leave the gateway to its
/// particulars.
fn doubled() -> &'static PolicySet {
    static DOUBLED: LazyLock<PolicySet> = LazyLock::new(|| {
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        for (file, text) in files().within("") {
            all.insert(file.to_owned(), text.to_owned());
            let Some(name) = file.strip_prefix("agreements/") else {
                continue;
            };
            let name = name.rsplit_once('.').unwrap().0;
            let named = |note: &str| (format!("@{note}(\"{name}"), format!("@{note}(\"second-{name}"));
            let mut text = text.replace("level = \"existence\"", "level = \"detail\"");
            for (old, new) in [
                named("id"),
                named("agreement"),
                (
                    "\"headline\", Placehub::Action::\"detail\"]".into(),
                    "\"headline\"]".into(),
                ),
                (
                    "action == Placehub::Action::\"existence\"".into(),
                    "action in [Placehub::Action::\"existence\", Placehub::Action::\"headline\", \
                     Placehub::Action::\"detail\"]"
                        .into(),
                ),
                (
                    "Placehub::Action::\"ask\",\n  resource\n)".into(),
                    "Placehub::Action::\"ask\",\n  resource\n)\nwhen { context.case_reference }".into(),
                ),
            ] {
                text = text.replace(&old, &new);
            }
            let kept = text
                .lines()
                .filter(|line| !line.starts_with("when { context.gateway == "));
            let text: Vec<&str> = kept.collect();
            all.insert(file.replace(name, &format!("second-{name}")), text.join("\n"));
        }
        PolicySet::of(&all.into_iter().collect(), &Trust::default()).unwrap()
    });
    &DOUBLED
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

fn text(word: &str) -> Expression {
    Expression::new_string(word.to_owned())
}

fn texts(words: &[&str]) -> Expression {
    Expression::new_set(words.iter().map(|word| text(word)))
}

fn entity<const N: usize>(sort: &str, id: &str, attributes: [(&str, Expression); N]) -> Entity {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
    Entity::new(uid(sort, id), attributes.collect(), HashSet::new()).unwrap()
}

/// All agencies, the asker, and what is asked for.
fn entities(world: &World, resource: Entity) -> Entities {
    let agencies = AGENCIES.map(|one| entity("Agency", one, [("sector", text(one))]));
    let asker = [
        (
            "agency",
            Expression::new_entity_uid(uid("Agency", AGENCIES[world.agency])),
        ),
        ("roles", texts(&[ROLES[world.role]])),
        ("teams", texts(&[])),
        ("areas", texts(&world.patch)),
    ];
    let all = agencies
        .into_iter()
        .chain([entity("Practitioner", "asker", asker), resource]);
    Entities::from_entities(all, None).unwrap()
}

/// Asks Cedar, of this one resource.
fn permitted(
    slice: &Cedar,
    action: &str,
    resource: &str,
    entities: &Entities,
    context: Vec<(&str, Expression)>,
) -> bool {
    let context = Context::from_pairs(context.into_iter().map(|(name, value)| (name.to_owned(), value))).unwrap();
    let (action, resource) = (uid("Action", action), uid(resource, "it"));
    let request = Request::new(uid("Practitioner", "asker"), action, resource, context, None).unwrap();
    let response = Authorizer::new().is_authorized(&request, slice, entities);
    response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
}

fn check(world: &World) {
    let particulars = shipped().agreements[world.agreement].particulars();
    let set = if world.doubled { doubled() } else { shipped() };
    let mut world = world.clone();
    // Most askers are such as the agreement has in view; the others see nothing, by either way.
    if !world.signals[0].0.is_multiple_of(8) {
        let (agency, roles) = particulars
            .askers
            .iter()
            .nth(world.agency % particulars.askers.len())
            .unwrap();
        world.agency = AGENCIES.iter().position(|one| *one == agency.as_str()).unwrap();
        world.role = ROLES.iter().position(|one| roles.contains(*one)).unwrap();
    }
    let world = &world;
    let subjects = [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area];
    let subject = subjects[world.subject];
    let (purpose, own) = (&particulars.purpose, &particulars.gateways[0]);
    let gateway = GATEWAYS
        .get(world.gateway)
        .map_or(own.clone(), |other| other.parse().unwrap());
    let gateway = &gateway;
    let office = Practitioner {
        subject: "officer-1".into(),
        roles: [ROLES[world.role].to_owned()].into(),
        teams: BTreeSet::new(),
        areas: codes(&world.patch),
        own: Own::default(),
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
    let why = || {
        vec![
            ("purpose", Expression::new_entity_uid(uid("Purpose", purpose.as_str()))),
            ("gateway", Expression::new_entity_uid(uid("Gateway", gateway.as_str()))),
            ("case_reference", Expression::new_bool(world.case_reference)),
        ]
    };
    let binds = |one: &Agreement, agency: &str| one.particulars().party.iter().any(|it| it.agency.as_str() == agency);
    let inquiry = entity(
        "Inquiry",
        "it",
        [("subject", text(subject.word())), ("areas", texts(around))],
    );
    let asked = entities(world, inquiry);
    let takes = |one: &&Agreement| {
        let of_it = one.particulars().purpose == *purpose && one.particulars().gateways.contains(gateway);
        of_it && binds(one, agency) && permitted(&one.slice, "ask", "Inquiry", &asked, why())
    };
    let takers: Vec<&Agreement> = set.agreements.iter().filter(takes).collect();
    assert_eq!(sift.is_taken(), !takers.is_empty());
    let kinds: Vec<_> = set.catalogue().kinds().collect();
    for (number, (kind, severity, consent, sensitivity, about, area, owner)) in
        world.signals.iter().copied().enumerate()
    {
        let kind = kinds[kind];
        // Most signals are of the sort that owns their kind; some are of another, which no rule may let through.
        let owner = if number.is_multiple_of(7) {
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
        let deceased = number.is_multiple_of(11) && about == 0;
        let by_class = sift.level(&header.into(), Circumstances { consent, deceased }, || {
            codes(&places).into_iter().collect()
        });
        if takers.is_empty() {
            assert_eq!(by_class, None);
            continue;
        }
        let signal = [
            ("kind", Expression::new_entity_uid(uid("Kind", kind.id.as_str()))),
            ("owner", Expression::new_entity_uid(uid("Agency", owner))),
            ("severity", Expression::new_long(severity.rank())),
            ("sensitivity", text(sensitivity.word())),
            ("areas", texts(&places)),
            ("about", text(subjects[about].word())),
        ];
        let entities = entities(world, entity("Signal", "it", signal));
        let seen = |one: &Agreement, level: Level| {
            let mut context = why();
            context.extend([
                ("subject", text(subject.word())),
                ("consent", text(consent.word())),
                ("deceased", Expression::new_bool(deceased)),
            ]);
            permitted(&one.slice, level.word(), "Signal", &entities, context)
        };
        let shows = |one: &&Agreement| {
            let mut levels = world.level.downwards().iter().copied();
            let level = levels.find(|level| seen(one, *level));
            level.filter(|_| binds(one, owner) && owner == kind.owner.as_str())
        };
        let by_row = takers.iter().filter_map(shows).max();
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
