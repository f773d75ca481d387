//! The same signal again: pushed twice, corrected, overtaken, in conflict, taken back. And the number that is kept
//! without being believed.

use placehub_hub::wire::timestamp;
use placehub_proto::v1::{
    LocalReference, PersonIdentity, PushOutcome, RetractOutcome, RetractSignalRequest, Severity, Signal, SignalDraft,
};
use tonic::Code;

use super::{HOMELESSNESS, Wall};
use crate::harness::{Adjust as _, alex, arrears, contents, integer, question_person, refused};

/// The summaries that the officer now sees, without that of the wall's first signal.
async fn seen(wall: &Wall) -> Vec<String> {
    let answer = wall.officer.ask(wall.question()).await.unwrap();
    let others = answer
        .signals
        .into_iter()
        .filter(|signal| signal.id != wall.first.signal_id);
    others.map(|signal: Signal| signal.detail.unwrap().summary).collect()
}

fn first(wall: &Wall) -> SignalDraft {
    arrears(alex(), wall.hub.days_ago(1)).id("ten-1").summary("first words")
}

#[tokio::test]
async fn the_same_push_twice_is_one_signal() {
    let wall = Wall::new().await;
    let once = wall.adapter.push(first(&wall)).await.unwrap();
    let twice = wall.adapter.push(first(&wall)).await.unwrap();
    assert_eq!(once.outcome(), PushOutcome::Recorded);
    assert_eq!(twice.outcome(), PushOutcome::AlreadyKnown);
    assert_eq!(once.signal_id, twice.signal_id);
    assert_eq!(seen(&wall).await, ["first words"]);
}

#[tokio::test]
async fn a_higher_version_corrects_what_is_shown_and_a_lower_one_is_overtaken() {
    let wall = Wall::new().await;
    let pushed = wall.adapter.push(first(&wall)).await.unwrap();
    let third = wall
        .adapter
        .push(first(&wall).version(3).summary("third words"))
        .await
        .unwrap();
    assert_eq!(third.outcome(), PushOutcome::Corrected);
    assert_eq!(third.signal_id, pushed.signal_id);
    let late = wall
        .adapter
        .push(first(&wall).version(2).summary("second words"))
        .await
        .unwrap();
    assert_eq!(late.outcome(), PushOutcome::Superseded);
    let again = wall.adapter.push(first(&wall)).await.unwrap();
    assert_eq!(again.outcome(), PushOutcome::Superseded);
    assert_eq!(seen(&wall).await, ["third words"]);
}

#[tokio::test]
async fn a_correction_moves_a_signal_to_another_day_and_leaves_nothing_on_the_first() {
    let wall = Wall::new().await;
    wall.adapter.push(first(&wall)).await.unwrap();
    let moved = SignalDraft {
        occurred_at: arrears(alex(), wall.hub.days_ago(20)).occurred_at,
        ..first(&wall).version(2).summary("moved words")
    };
    wall.adapter.push(moved).await.unwrap();
    assert_eq!(seen(&wall).await, ["moved words"]);
}

#[tokio::test]
async fn the_same_version_with_other_content_is_a_conflict_and_changes_nothing() {
    let wall = Wall::new().await;
    wall.adapter.push(first(&wall)).await.unwrap();
    let others = [
        first(&wall).summary("other words"),
        first(&wall).at("999000000102"),
        first(&wall).with("weeks", integer(9)),
        first(&wall).severe(Severity::High),
        SignalDraft {
            sensitivity: 3,
            ..first(&wall)
        },
        SignalDraft {
            lapses_at: Some(timestamp(wall.hub.days_ago(-1))),
            ..first(&wall)
        },
    ];
    for other in others {
        let before = contents(&*wall.hub.store);
        let refusal = refused(wall.adapter.push(other.clone()).await);
        let told = (refusal.code, refusal.reason.as_str());
        assert_eq!(told, (Code::FailedPrecondition, "VERSION_CONFLICT"), "{other:?}");
        assert!(!refusal.says("words"));
        assert!(contents(&*wall.hub.store) == before);
    }
    assert_eq!(seen(&wall).await, ["first words"]);
    wall.still_serves().await;
}

#[tokio::test]
async fn a_signal_that_was_taken_back_is_shown_no_more_and_comes_back_only_as_a_higher_version() {
    let wall = Wall::new().await;
    wall.adapter.push(first(&wall)).await.unwrap();
    assert_eq!(
        wall.adapter.retract("ten-1", 2).await.unwrap(),
        RetractOutcome::Retracted
    );
    assert!(seen(&wall).await.is_empty());
    assert_eq!(
        wall.adapter.retract("ten-1", 2).await.unwrap(),
        RetractOutcome::AlreadyKnown
    );
    for version in [1, 2] {
        let late = wall.adapter.push(first(&wall).version(version)).await.unwrap();
        assert_eq!(late.outcome(), PushOutcome::Superseded);
    }
    assert!(seen(&wall).await.is_empty());
    let back = wall
        .adapter
        .push(first(&wall).version(3).summary("third words"))
        .await
        .unwrap();
    assert_eq!(back.outcome(), PushOutcome::Corrected);
    assert_eq!(seen(&wall).await, ["third words"]);
}

#[tokio::test]
async fn a_retraction_that_comes_before_its_signal_keeps_it_out() {
    let wall = Wall::new().await;
    assert_eq!(
        wall.adapter.retract("ten-1", 5).await.unwrap(),
        RetractOutcome::NotFound
    );
    for version in [1, 5] {
        let late = wall.adapter.push(first(&wall).version(version)).await.unwrap();
        assert_eq!(late.outcome(), PushOutcome::Superseded);
    }
    assert!(seen(&wall).await.is_empty());
    let newer = wall.adapter.push(first(&wall).version(6)).await.unwrap();
    assert_eq!(newer.outcome(), PushOutcome::Recorded);
}

#[tokio::test]
async fn a_retraction_below_the_version_that_is_known_changes_nothing() {
    let wall = Wall::new().await;
    wall.adapter.push(first(&wall).version(4)).await.unwrap();
    for version in [1, 3] {
        assert_eq!(
            wall.adapter.retract("ten-1", version).await.unwrap(),
            RetractOutcome::AlreadyKnown
        );
    }
    assert_eq!(seen(&wall).await, ["first words"]);
}

#[tokio::test]
async fn a_retraction_needs_a_higher_version_than_what_it_takes_back() {
    let wall = Wall::new().await;
    wall.adapter.push(first(&wall).version(4)).await.unwrap();
    let refused = refused(wall.adapter.retract("ten-1", 4).await);
    assert_eq!(refused.reason, "VERSION_CONFLICT");
    assert_eq!(seen(&wall).await, ["first words"]);
    assert_eq!(
        wall.adapter.retract("ten-1", 5).await.unwrap(),
        RetractOutcome::Retracted
    );
    assert!(seen(&wall).await.is_empty());
}

#[tokio::test]
async fn a_higher_retraction_of_what_was_taken_back_also_bars_the_versions_between() {
    let wall = Wall::new().await;
    wall.adapter.push(first(&wall).version(1)).await.unwrap();
    assert_eq!(
        wall.adapter.retract("ten-1", 2).await.unwrap(),
        RetractOutcome::Retracted
    );
    assert_eq!(
        wall.adapter.retract("ten-1", 5).await.unwrap(),
        RetractOutcome::AlreadyKnown
    );
    let late = wall.adapter.push(first(&wall).version(3)).await.unwrap();
    assert_eq!(late.outcome(), PushOutcome::Superseded);
    assert!(seen(&wall).await.is_empty());
}

#[tokio::test]
async fn a_bad_retraction_is_refused() {
    let wall = Wall::new().await;
    let call = async |system: &str, id: &str, version| {
        let request = RetractSignalRequest {
            source_system: system.to_owned(),
            source_id: id.to_owned(),
            version,
        };
        wall.adapter.signals.clone().retract_signal(request).await
    };
    wall.refuses(call("", "", 0), &["source_system", "source_id", "version"], "")
        .await;
    let long = "T".repeat(129);
    wall.refuses(call("sample", &long, 1), &["source_id"], &long).await;
}

#[tokio::test]
async fn an_unverified_nhs_number_is_kept_and_shown_and_never_matched_on() {
    let wall = Wall::new().await;
    let unverified = |number: &str| PersonIdentity {
        unverified_nhs_number: number.to_owned(),
        ..PersonIdentity::default()
    };
    let reference = LocalReference {
        system: "civica".to_owned(),
        value: "T-77".to_owned(),
    };
    let known = PersonIdentity {
        local_references: vec![reference.clone()],
        ..PersonIdentity::default()
    };
    // The check digit is wrong, as in an example of NHS England's own.
    let number = "9876543211";
    let draft = SignalDraft {
        person: Some(PersonIdentity {
            local_references: vec![reference],
            ..unverified("987 654 3211")
        }),
        uprn: "999000000103".to_owned(),
        ..wall.draft()
    };
    let pushed = wall.adapter.push(draft).await.unwrap();

    let answer = wall.officer.ask(question_person(known, HOMELESSNESS)).await.unwrap();
    assert_eq!(answer.signals[0].id, pushed.signal_id);
    let shown = answer.signals[0].detail.as_ref().unwrap().person.as_ref().unwrap();
    assert_eq!(shown.unverified_nhs_number, number);
    assert!(shown.nhs_number.is_empty() && shown.local_references.is_empty());

    // Not by itself, nor where it is by chance somebody's right number.
    let by_number = question_person(unverified(number), HOMELESSNESS);
    assert!(wall.officer.ask(by_number).await.unwrap().signals.is_empty());
    let alexs = question_person(unverified(&alex().nhs_number), HOMELESSNESS);
    assert!(wall.officer.ask(alexs).await.unwrap().signals.is_empty());
    let as_verified = PersonIdentity {
        nhs_number: number.to_owned(),
        ..PersonIdentity::default()
    };
    let refusal = wall.officer.ask(question_person(as_verified, HOMELESSNESS));
    wall.refuses(refusal, &["question.person.nhs_number"], number).await;
}
