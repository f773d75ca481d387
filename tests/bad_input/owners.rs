//! Signals and sources that belong to somebody else. A refusal of this sort is itself in the ledger, and nothing else is.

use placehub_proto::v1::{
    ListEntriesRequest, LocalReference, PersonIdentity, PushOutcome, RetractOutcome, SignalDraft,
};
use tonic::Code;

use super::{HOMELESSNESS, Wall};
use crate::harness::{Adjust as _, alex, arrears, asb_at, discharge, grant, question_person, refused};

#[tokio::test]
async fn a_kind_of_another_sort_of_agency_is_refused_and_the_refusal_recorded() {
    let wall = Wall::new().await;
    let day = wall.hub.days_ago(1);
    let igo = wall.hub.as_cast("igo-1");
    let foreign = [asb_at("999000000101", day), discharge(alex(), day), grant(alex(), day)];
    for draft in foreign {
        let refusal = refused(wall.adapter.push(draft).await);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::PermissionDenied, "KIND_NOT_YOURS")
        );
        assert!(!refusal.says("Sample"), "{refusal:?}");
        let request = ListEntriesRequest {
            page_size: 2,
            page_token: String::new(),
        };
        let entries = igo
            .ledger
            .clone()
            .list_entries(request)
            .await
            .unwrap()
            .into_inner()
            .entries;
        let push = &entries[1];
        assert_eq!(
            (push.action.as_str(), push.agency.as_str(), push.allowed),
            ("push", "housing", false)
        );
        assert!(!push.refusal.is_empty());
        wall.still_serves().await;
    }
    let coordinator = wall.hub.as_cast("coordinator-3");
    let answer = coordinator
        .ask(question_person(alex(), "hospital-discharge"))
        .await
        .unwrap();
    assert!(answer.signals.is_empty(), "a refused signal was kept: {answer:?}");
}

#[tokio::test]
async fn governance_owns_no_kind() {
    let wall = Wall::new().await;
    let igo = wall.hub.as_cast("igo-1");
    let refusal = refused(igo.push(arrears(alex(), wall.hub.days_ago(1))).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::PermissionDenied, "KIND_NOT_YOURS")
    );
}

#[tokio::test]
async fn another_agency_never_corrects_or_takes_back_a_signal_by_naming_its_source() {
    let wall = Wall::new().await;
    let own = wall.draft().id("shared-id").summary("the owner's words");
    let pushed = wall.adapter.push(own).await.unwrap();
    let welfare = wall.hub.adapter("welfare");
    assert_eq!(welfare.retract("shared-id", 9).await.unwrap(), RetractOutcome::NotFound);
    let grant = grant(alex(), wall.hub.days_ago(1)).id("shared-id").version(10);
    let other = welfare.push(grant).await.unwrap();
    assert_eq!(other.outcome(), PushOutcome::Recorded);
    assert_ne!(other.signal_id, pushed.signal_id);
    let answer = wall.officer.ask(wall.question()).await.unwrap();
    let kept = answer
        .signals
        .iter()
        .find(|signal| signal.id == pushed.signal_id)
        .unwrap();
    assert_eq!(kept.detail.as_ref().unwrap().summary, "the owner's words");
}

#[tokio::test]
async fn the_same_number_in_two_agencies_systems_is_two_people() {
    let wall = Wall::new().await;
    let reference = LocalReference {
        system: "civica".to_owned(),
        value: "T-1".to_owned(),
    };
    let named = |draft: SignalDraft| SignalDraft {
        person: Some(PersonIdentity {
            local_references: vec![reference.clone()],
            ..PersonIdentity::default()
        }),
        uprn: String::new(),
        ..draft
    };
    let day = wall.hub.days_ago(1);
    let ours = wall.adapter.push(named(arrears(alex(), day))).await.unwrap();
    let theirs = wall
        .hub
        .adapter("welfare")
        .push(named(grant(alex(), day)))
        .await
        .unwrap();
    let who = named(arrears(alex(), day)).person.unwrap();
    let answer = wall.officer.ask(question_person(who, HOMELESSNESS)).await.unwrap();
    let ids: Vec<_> = answer.signals.iter().map(|signal| &signal.id).collect();
    assert_eq!(ids, [&ours.signal_id]);
    assert_ne!(ours.signal_id, theirs.signal_id);
}
