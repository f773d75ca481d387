//! What is written is written whole or not at all, whatever fails.

use placehub_proto::v1::{
    ConsentStance, DisclosureLevel, ListConsentsRequest, PushOutcome, RetractOutcome, SignalDraft,
};

use super::{Trial, about_alex, asked};
use crate::harness::{Adjust, Hub, alex, arrears, billie};

#[tokio::test]
async fn a_push_is_kept_whole_or_not_at_all() {
    let trial = Trial::begin().await;
    let draft = |hub: &Hub| -> SignalDraft { arrears(alex(), hub.days_ago(1)).id("new").summary("new") };
    let push = async |hub: &Hub| hub.adapter("housing").push(draft(hub)).await.map(|_| ());
    let after = async |hub: &Hub, answered: bool| {
        let found = asked(hub, about_alex()).await.signals.len();
        assert!(!answered || found == 2, "acknowledged and lost");
        let again = hub.adapter("housing").push(draft(hub)).await.unwrap().outcome();
        let expected = match found {
            1 => PushOutcome::Recorded,
            _ => PushOutcome::AlreadyKnown,
        };
        assert_eq!(again, expected, "{found} signals");
        let whole = asked(hub, about_alex()).await.signals;
        let details = whole.iter().filter(|signal| signal.level() == DisclosureLevel::Detail);
        assert_eq!(details.count(), 2);
    };
    trial.each_failure(push, after).await;
}

#[tokio::test]
async fn a_correction_replaces_all_or_nothing() {
    let trial = Trial::begin().await;
    let draft = |hub: &Hub| {
        let moved = arrears(billie(), hub.days_ago(3)).id("alexs").version(2);
        moved.summary("moved")
    };
    let correct = async |hub: &Hub| hub.adapter("housing").push(draft(hub)).await.map(|_| ());
    let after = async |hub: &Hub, answered: bool| {
        let alexs = asked(hub, about_alex()).await.signals.len();
        assert!(!answered || alexs == 0, "acknowledged and lost");
        let outcome = hub.adapter("housing").push(draft(hub)).await.unwrap().outcome();
        let expected = match alexs {
            1 => PushOutcome::Corrected,
            _ => PushOutcome::AlreadyKnown,
        };
        assert_eq!(outcome, expected);
        assert_eq!(asked(hub, about_alex()).await.signals.len(), 0);
    };
    trial.each_failure(correct, after).await;
}

#[tokio::test]
async fn a_retraction_takes_back_all_or_nothing() {
    let trial = Trial::begin().await;
    let retract = async |hub: &Hub| hub.adapter("housing").retract("alexs", 2).await.map(|_| ());
    let after = async |hub: &Hub, answered: bool| {
        let found = asked(hub, about_alex()).await.signals.len();
        assert!(!answered || found == 0, "acknowledged and lost");
        let outcome = hub.adapter("housing").retract("alexs", 2).await.unwrap();
        let expected = match found {
            1 => RetractOutcome::Retracted,
            _ => RetractOutcome::AlreadyKnown,
        };
        assert_eq!(outcome, expected);
        assert_eq!(asked(hub, about_alex()).await.signals.len(), 0);
    };
    trial.each_failure(retract, after).await;
}

#[tokio::test]
async fn a_statement_is_in_force_and_listed_or_neither() {
    let trial = Trial::begin().await;
    let withdraw = async |hub: &Hub| {
        let said = hub.as_cast("adviser-8").says(alex(), ConsentStance::Withdrawn).await;
        said.map(|_| ())
    };
    let after = async |hub: &Hub, answered: bool| {
        let request = ListConsentsRequest { person: Some(alex()) };
        let adviser = hub.as_cast("adviser-8");
        let listed = adviser.consents.clone().list_consents(request).await.unwrap();
        let said = listed.into_inner().consents.len();
        let shown = asked(hub, about_alex()).await.signals.len();
        let expected = if answered || said == 2 { (2, 0) } else { (1, 1) };
        assert_eq!((said, shown), expected);
    };
    trial.each_failure(withdraw, after).await;
}
