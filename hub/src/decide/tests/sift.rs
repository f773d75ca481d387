//! What a sift gives for headers, facts and moments made up here, under the policies of the repository.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use jiff::Timestamp;

use super::shipped;
use crate::{
    authn::{Caller, Own, Practitioner},
    decide::{Circumstances, Decision, Deed, Sift},
    model::{AreaCode, ConsentFact, Header, Level, PersonId, Question, Sensitivity, Severity, SignalId, Subject},
};

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(super) fn caller(agency: &str, role: &str) -> Caller {
    let practitioner = Practitioner {
        subject: "officer-1".into(),
        roles: BTreeSet::from([role.to_owned()]),
        teams: BTreeSet::new(),
        areas: BTreeSet::from(["central".parse().unwrap()]),
        own: Own::default(),
        expires_at: "2026-11-21T12:10:00Z".parse().unwrap(),
    };
    Caller::sample(agency, agency, "desk", Some(practitioner))
}

pub(super) fn question(purpose: &str, gateway: &str) -> Question {
    Question {
        subject: Subject::Person(Box::default()),
        purpose: purpose.parse().unwrap(),
        gateway: gateway.parse().unwrap(),
        case_reference: "26/1".into(),
        since: None,
        until: None,
        level: Level::Detail,
        kinds: BTreeSet::new(),
    }
}

pub(super) fn header(kind: &str, number: u8) -> Header {
    let owner = kind.split('.').next().unwrap();
    Header {
        id: SignalId([number; 16]),
        version: 1,
        kind: kind.parse().unwrap(),
        owner: owner.parse().unwrap(),
        person: Some(PersonId([1; 16])),
        address: None,
        area: None,
        occurred_at: now(),
        lapses_at: Timestamp::MAX,
        severity: Severity::Medium,
        sensitivity: Sensitivity::Ordinary,
    }
}

pub(super) fn central() -> Arc<[AreaCode]> {
    Arc::from(["central".parse().unwrap()])
}

/// The circumstances of somebody who lives, and said this.
pub(super) fn living(consent: ConsentFact) -> Circumstances {
    Circumstances {
        consent,
        deceased: false,
    }
}

fn see(caller: &Caller, question: &Question, kind: &str, consent: ConsentFact, at: Timestamp) -> Option<Level> {
    let mut sift = Sift::new(shipped(), caller, question, Arc::default(), at);
    sift.level(&header(kind, 1).into(), living(consent), central)
}

fn refusal(caller: &Caller, question: &Question, at: Timestamp) -> String {
    let sift = Sift::new(shipped(), caller, question, Arc::default(), at);
    let decision: Decision = sift.finish(Deed::Ask);
    decision
        .refusal()
        .expect("this question must be refused")
        .reason
        .clone()
}

#[test]
fn consent_decides_how_much_a_housing_officer_sees() {
    let (officer, question) = (
        caller("housing", "housing-officer"),
        question("homelessness-prevention", "none"),
    );
    let sees = |consent| see(&officer, &question, "welfare.crisis-grant", consent, now());
    assert_eq!(sees(ConsentFact::Given), Some(Level::Detail));
    assert_eq!(sees(ConsentFact::None), Some(Level::Existence));
    assert_eq!(sees(ConsentFact::Refused), None);
    assert_eq!(sees(ConsentFact::Withdrawn), None);
}

#[test]
fn a_lapsed_agreement_permits_nothing_without_a_restart() {
    let (officer, question) = (
        caller("housing", "housing-officer"),
        question("homelessness-prevention", "none"),
    );
    let sees = |at: &str| {
        see(
            &officer,
            &question,
            "welfare.crisis-grant",
            ConsentFact::Given,
            at.parse().unwrap(),
        )
    };
    assert_eq!(
        sees("2028-03-31T22:00:00Z"),
        Some(Level::Detail),
        "the last day, in British summer time"
    );
    assert_eq!(sees("2028-04-01T12:00:00Z"), None);
    assert_eq!(sees("2025-01-01T12:00:00Z"), None);
    let reason = refusal(&officer, &question, "2028-04-01T12:00:00Z".parse().unwrap());
    assert!(reason.contains("permits nothing outside"), "{reason}");
}

#[test]
fn a_refusal_names_the_nearest_thing_that_is_not_met() {
    let no_case = Question {
        case_reference: String::new(),
        ..question("asb-prevention", "cda-1998-s115")
    };
    let cases = [
        (
            caller("welfare", "welfare-adviser"),
            question("asb-prevention", "cda-1998-s115"),
            "no party",
        ),
        (
            caller("police", "neighbourhood-officer"),
            question("asb-prevention", "none"),
            "relies on the gateway",
        ),
        (
            caller("police", "neighbourhood-officer"),
            no_case,
            "needs a case reference",
        ),
        (
            caller("police", "detective"),
            question("asb-prevention", "cda-1998-s115"),
            "none of your roles",
        ),
        (
            caller("police", "violence-reduction-analyst"),
            question("serious-violence-reduction", "pcsc-2022-serious-violence"),
            "not about a person",
        ),
    ];
    for (caller, question, words) in cases {
        let reason = refusal(&caller, &question, now());
        assert!(reason.contains(words), "`{words}` is not in: {reason}");
    }
}

#[test]
fn a_refused_question_shows_nothing() {
    let (stranger, question) = (
        caller("police", "neighbourhood-officer"),
        question("homelessness-prevention", "none"),
    );
    for kind in ["housing.rent-arrears", "welfare.crisis-grant", "police.asb-incident"] {
        assert_eq!(
            see(&stranger, &question, kind, ConsentFact::Given, now()),
            None,
            "{kind}"
        );
    }
}

#[test]
fn at_existence_level_an_agency_has_one_line_however_many_signals_there_are() {
    let (officer, question) = (
        caller("housing", "housing-officer"),
        question("homelessness-prevention", "none"),
    );
    let mut sift = Sift::new(shipped(), &officer, &question, Arc::default(), now());
    for number in 1..=9 {
        let flow = sift.offer(
            &header("welfare.crisis-grant", number).into(),
            living(ConsentFact::None),
            central,
            2,
        );
        assert_eq!(flow, ControlFlow::Continue(()));
    }
    assert!(!sift.has_more(), "a further page would tell that there are more");
    let decision = sift.finish(Deed::Ask);
    assert_eq!(decision.shown().len(), 1);
    assert_eq!(decision.tally().iter().map(|tally| tally.count).sum::<u32>(), 9);
}

#[test]
fn a_page_is_full_only_when_one_more_could_be_shown() {
    let (officer, question) = (
        caller("housing", "housing-officer"),
        question("homelessness-prevention", "none"),
    );
    let mut sift = Sift::new(shipped(), &officer, &question, Arc::default(), now());
    let mut offer = |number, kind, consent| sift.offer(&header(kind, number).into(), living(consent), central, 2);
    assert!(offer(1, "welfare.crisis-grant", ConsentFact::Given).is_continue());
    assert!(offer(2, "welfare.crisis-grant", ConsentFact::Given).is_continue());
    assert!(
        offer(3, "police.warning", ConsentFact::Given).is_continue(),
        "unknown kinds are never shown"
    );
    assert!(offer(4, "welfare.crisis-grant", ConsentFact::Refused).is_continue());
    assert!(offer(5, "welfare.crisis-grant", ConsentFact::Given).is_break());
    assert!(sift.has_more());
}
