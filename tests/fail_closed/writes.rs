//! What is written is written whole or not at all, whatever fails.

use std::cell::OnceCell;

use jiff::SignedDuration;
use placehub_proto::v1::{
    ConsentStance, DisclosureLevel, IdentityOutcome, IdentityUndoOutcome, ListConsentsRequest, PushOutcome,
    RetractOutcome, SignalDraft,
};

use super::{PURPOSE, Trial, about_alex, asked};
use crate::harness::{Adjust, Hub, alex, arrears, billie, known_as, only, question_person};

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

#[tokio::test]
async fn a_join_is_whole_or_not_at_all_and_so_is_a_separation() {
    let trial = Trial::begin().await;
    let join = async |hub: &Hub| {
        let joined = hub.adapter("health").join(("m1", 1), alex(), only("H1")).await;
        joined.map(|_| ())
    };
    let yesterday = OnceCell::new();
    let both = async |hub: &Hub| {
        // A signal under the reference alone, which a question about Alex finds exactly if the two are one.
        let yesterday = yesterday.get_or_init(|| hub.days_ago(1));
        let draft = crate::harness::discharge(only("H1"), *yesterday).id("of-h1");
        hub.adapter("health").push(draft).await.unwrap();
        // What is said now counts for every record of one human; what was said before, for its own.
        hub.place.clock.advance(SignedDuration::from_secs(1));
        hub.as_cast("adviser-8")
            .says(alex(), ConsentStance::Given)
            .await
            .unwrap();
        asked(hub, about_alex()).await.signals.len() == 2
    };
    let after = async |hub: &Hub, answered: bool| {
        let one = both(hub).await;
        assert!(!answered || one, "acknowledged and lost");
        let outcome = hub.adapter("health").join(("m1", 1), alex(), only("H1")).await.unwrap();
        let expected = match one {
            true => IdentityOutcome::AlreadyKnown,
            false => IdentityOutcome::Recorded,
        };
        assert_eq!(outcome, expected);
        assert!(both(hub).await);
        assert_eq!(
            hub.adapter("health").separate("m1", 2).await.unwrap(),
            IdentityUndoOutcome::Undone
        );
        assert!(!both(hub).await);
    };
    trial.each_failure(join, after).await;
}

#[tokio::test]
async fn a_death_is_on_record_whole_or_not_at_all() {
    let trial = Trial::begin().await;
    let died = async |hub: &Hub| {
        let died = hub.adapter("health").died(("d1", 1), known_as("H1", alex())).await;
        died.map(|_| ())
    };
    let after = async |hub: &Hub, answered: bool| {
        let shown = asked(hub, about_alex()).await.signals.len();
        assert!(!answered || shown == 0, "acknowledged and lost");
        let outcome = hub
            .adapter("health")
            .died(("d1", 1), known_as("H1", alex()))
            .await
            .unwrap();
        let expected = match shown {
            0 => IdentityOutcome::AlreadyKnown,
            _ => IdentityOutcome::Recorded,
        };
        assert_eq!(outcome, expected);
        assert_eq!(asked(hub, about_alex()).await.signals.len(), 0);
        assert_eq!(asked(hub, question_person(billie(), PURPOSE)).await.signals.len(), 1);
    };
    trial.each_failure(died, after).await;
}

#[tokio::test]
async fn a_replaced_number_and_taking_it_back_are_whole_or_not_at_all() {
    let trial = Trial::begin().await;
    let begin = async |hub: &Hub| {
        let health = hub.adapter("health");
        health.change_number("c1", &alex().nhs_number, "9990001049").await?;
        health.separate("c1", 2).await.map(|_| ())
    };
    let after = async |hub: &Hub, answered: bool| {
        let outcome = hub.adapter("health").separate("c1", 2).await.unwrap();
        assert!(!answered || outcome == IdentityUndoOutcome::AlreadyKnown);
        assert_ne!(outcome, IdentityUndoOutcome::Unspecified);
        let other = question_person(crate::harness::numbered("9990001049"), PURPOSE);
        assert_eq!(asked(hub, other).await.signals.len(), 0, "they are apart");
        assert_eq!(asked(hub, about_alex()).await.signals.len(), 1);
    };
    trial.each_failure(begin, after).await;
}
