//! What is remembered from earlier questions never outlives what it depends on: each change takes effect at the very next
//! question, over the same connection, with the same token, and with every cache of the hub warm.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jiff::{SignedDuration, ToSpan as _};
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{
    ConsentMethod, ConsentStance, ConsentStatement, DisclosureLevel, RetractOutcome, Severity, Signal, SignalDraft,
};
use tonic::Code;

use crate::harness::{
    Adjust, Client, Hub, alex, arrears, cast, discharge, emery, known_as, only, question_area, question_person, refused,
};

const PURPOSE: &str = "homelessness-prevention";

async fn asked(adviser: &Client) -> Vec<Signal> {
    adviser.ask(question_person(alex(), PURPOSE)).await.unwrap().signals
}

/// How much is seen of the one signal that there is; `None` for nothing.
async fn level(adviser: &Client) -> Option<DisclosureLevel> {
    let signals = asked(adviser).await;
    assert!(signals.len() <= 1, "{signals:?}");
    signals.first().map(Signal::level)
}

/// A hub that knows of Alex's arrears, which Alex agreed to share, and an adviser with one token who has asked until nothing
/// is found out anew.
async fn warm() -> (Hub, Client) {
    let hub = Hub::fresh().await;
    let draft = arrears(alex(), hub.days_ago(3)).id("warm");
    hub.adapter("housing").push(draft).await.unwrap();
    let who = cast("adviser-8");
    let adviser = hub.with_token(&who.agency, "desk", &hub.place.token(&who));
    adviser.says(alex(), ConsentStance::Given).await.unwrap();
    heat(&adviser).await;
    (hub, adviser)
}

async fn heat(adviser: &Client) {
    for _ in 0..4 {
        assert_eq!(level(adviser).await, Some(DisclosureLevel::Detail));
    }
}

#[tokio::test]
async fn a_withdrawal_hides_at_the_next_question_and_a_new_consent_shows_again() {
    let (_hub, adviser) = warm().await;
    for _ in 0..2 {
        adviser.says(alex(), ConsentStance::Withdrawn).await.unwrap();
        assert_ne!(level(&adviser).await, Some(DisclosureLevel::Detail));
        adviser.says(alex(), ConsentStance::Given).await.unwrap();
        heat(&adviser).await;
    }
}

#[tokio::test]
async fn a_death_hides_at_the_next_question_and_its_error_shows_again() {
    let (hub, adviser) = warm().await;
    let health = hub.adapter("health");
    for id in ["d1", "d2"] {
        health.died((id, 1), alex()).await.unwrap();
        assert_eq!(level(&adviser).await, None);
        health.lives(id, 2).await.unwrap();
        heat(&adviser).await;
    }
}

#[tokio::test]
async fn other_policies_decide_the_next_question() {
    let (hub, adviser) = warm().await;
    let file = "policies/agreements/homelessness-prevention.cedar";
    let rule = "@id(\"homelessness-prevention-see-hardship\")";
    let forbid = format!(
        "@id(\"homelessness-prevention-none\")\n@agreement(\"homelessness-prevention\")\n@reason(\"None.\")\n\
         forbid (principal, action == Placehub::Action::\"detail\", resource);\n\n{rule}"
    );
    hub.place.edit(file, rule, &forbid);
    let reloaded = hub.reloader.reload("signal").await;
    assert!(reloaded.failed.is_empty(), "{:?}", reloaded.failed);
    assert_eq!(level(&adviser).await, Some(DisclosureLevel::Headline));
}

#[tokio::test]
async fn what_the_clock_ends_is_over_at_the_next_question() {
    let (hub, adviser) = warm().await;
    let passing = ConsentStatement {
        person: Some(alex()),
        stance: ConsentStance::Refused.into(),
        method: ConsentMethod::Spoken.into(),
        valid_from: Some(timestamp(hub.place.clock.now() + 6.minutes())),
        ..ConsentStatement::default()
    };
    adviser.record(passing).await.unwrap();
    heat(&adviser).await;
    assert_eq!(seen_in_area(&hub, &adviser).await, [Severity::Medium]);
    hub.place.clock.advance(SignedDuration::from_mins(7));
    assert_eq!(seen_in_area(&hub, &adviser).await, []);
    assert_ne!(
        level(&adviser).await,
        Some(DisclosureLevel::Detail),
        "the refusal has begun"
    );
    hub.place.clock.advance(SignedDuration::from_mins(16));
    let late = refused(adviser.ask(question_person(alex(), PURPOSE)).await);
    assert_eq!(late.code, Code::Unauthenticated, "the token is over");
}

#[tokio::test]
async fn a_revoked_certificate_asks_nothing_more() {
    let (hub, adviser) = warm().await;
    let desk = hub.place.identity("welfare", "desk");
    hub.place.pki.revoke(&desk.serial, hub.place.clock.now()).unwrap();
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    let refusal = refused(adviser.ask(question_person(alex(), PURPOSE)).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Unauthenticated, "CERTIFICATE_REVOKED")
    );
}

#[tokio::test]
async fn a_correction_and_a_retraction_show_at_the_next_question() {
    let (hub, adviser) = warm().await;
    let housing = hub.adapter("housing");
    let corrected = arrears(alex(), hub.days_ago(2)).id("warm").version(2);
    let corrected = corrected.severe(Severity::High).summary("corrected");
    housing.push(corrected).await.unwrap();
    let signals = asked(&adviser).await;
    assert_eq!((signals.len(), signals[0].severity()), (1, Severity::High));
    assert_eq!(signals[0].detail.as_ref().unwrap().summary, "corrected");
    heat(&adviser).await;
    assert_eq!(housing.retract("warm", 3).await.unwrap(), RetractOutcome::Retracted);
    assert!(asked(&adviser).await.is_empty());
}

/// How severe the signals of the landlord are that an adviser sees of the centre's week, at the next question and at those
/// after it, which find every cache warm.
async fn seen_in_area(hub: &Hub, adviser: &Client) -> Vec<Severity> {
    let ask = async || {
        let week = question_area("central", PURPOSE, hub.days_ago(7));
        let signals = adviser.ask(week).await.unwrap().signals;
        let theirs = signals.iter().filter(|signal| signal.owner_agency == "housing");
        let mut seen: Vec<_> = theirs.map(Signal::severity).collect();
        seen.sort_unstable();
        seen
    };
    let seen = ask().await;
    for _ in 0..2 {
        assert_eq!(ask().await, seen);
    }
    seen
}

#[tokio::test]
async fn an_answer_about_an_area_follows_each_change_of_what_is_in_it() {
    let (hub, adviser) = warm().await;
    let housing = hub.adapter("housing");
    let push = async |version, days, severity| {
        let draft = arrears(alex(), hub.days_ago(days)).id("quarter").version(version);
        housing.push(draft.severe(severity)).await.unwrap();
        seen_in_area(&hub, &adviser).await
    };
    let usual = [Severity::Medium];
    assert_eq!(seen_in_area(&hub, &adviser).await, usual);
    assert_eq!(push(1, 2, Severity::Low).await, [Severity::Low, Severity::Medium]);
    assert_eq!(push(2, 1, Severity::High).await, [Severity::Medium, Severity::High]);
    assert_eq!(push(3, 12, Severity::High).await, usual, "it is no longer of this week");
    assert_eq!(
        push(4, 3, Severity::Critical).await,
        [Severity::Medium, Severity::Critical]
    );
    adviser.says(alex(), ConsentStance::Withdrawn).await.unwrap();
    assert_eq!(seen_in_area(&hub, &adviser).await, []);
    adviser.says(alex(), ConsentStance::Given).await.unwrap();
    let of_arrears = ConsentStatement {
        person: Some(alex()),
        stance: ConsentStance::Refused.into(),
        method: ConsentMethod::Spoken.into(),
        kinds: vec!["housing.rent-arrears".into()],
        ..ConsentStatement::default()
    };
    adviser.record(of_arrears).await.unwrap();
    assert_eq!(seen_in_area(&hub, &adviser).await, []);
    adviser.says(alex(), ConsentStance::Given).await.unwrap();
    assert_eq!(
        seen_in_area(&hub, &adviser).await,
        [Severity::Medium, Severity::Critical]
    );
    hub.adapter("health").died(("d1", 1), alex()).await.unwrap();
    assert_eq!(seen_in_area(&hub, &adviser).await, []);
    hub.adapter("health").lives("d1", 2).await.unwrap();
    housing.retract("quarter", 5).await.unwrap();
    assert_eq!(seen_in_area(&hub, &adviser).await, usual);
}

#[tokio::test]
async fn what_has_lapsed_is_not_shown_however_often_it_was_before() {
    let (hub, adviser) = warm().await;
    let passing = arrears(alex(), hub.days_ago(1)).id("passing");
    let lapses_at = Some(timestamp(hub.place.clock.now() + 5.minutes()));
    let passing = SignalDraft { lapses_at, ..passing };
    hub.adapter("housing").push(passing).await.unwrap();
    for _ in 0..3 {
        assert_eq!(asked(&adviser).await.len(), 2);
    }
    hub.place.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(asked(&adviser).await.len(), 1);
}

/// Health, which has told of a discharge of Emery's, whom it knows as `H1` and who has said so much about sharing.
async fn knows_emery(hub: &Hub, adviser: &Client, stance: ConsentStance) -> Client {
    let health = hub.adapter("health");
    let emerys = discharge(known_as("H1", emery()), hub.days_ago(4));
    health.push(emerys).await.unwrap();
    adviser.says(emery(), stance).await.unwrap();
    health
}

#[tokio::test]
async fn signals_of_another_record_come_with_a_join_and_go_with_its_end() {
    let (hub, adviser) = warm().await;
    let health = knows_emery(&hub, &adviser, ConsentStance::Given).await;
    heat(&adviser).await;
    for id in ["j1", "j2"] {
        health.join((id, 1), alex(), only("H1")).await.unwrap();
        for _ in 0..2 {
            assert_eq!(asked(&adviser).await.len(), 2, "{id}");
        }
        health.separate(id, 2).await.unwrap();
        heat(&adviser).await;
    }
}

#[tokio::test]
async fn a_refusal_under_another_record_counts_about_an_area_from_a_join_to_its_end() {
    let (hub, adviser) = warm().await;
    let health = knows_emery(&hub, &adviser, ConsentStance::Refused).await;
    assert_eq!(seen_in_area(&hub, &adviser).await, [Severity::Medium]);
    for id in ["j1", "j2"] {
        health.join((id, 1), alex(), only("H1")).await.unwrap();
        assert_eq!(seen_in_area(&hub, &adviser).await, [], "{id}");
        health.separate(id, 2).await.unwrap();
        assert_eq!(seen_in_area(&hub, &adviser).await, [Severity::Medium], "{id}");
    }
}

/// While others ask about the same person all the time, so that whatever is remembered is filled at every moment of a push.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn once_a_correction_is_acknowledged_nobody_is_shown_what_was_before_it() {
    let (hub, adviser) = warm().await;
    let stop = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..4)
        .map(|_| {
            let (adviser, stop) = (adviser.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    asked(&adviser).await;
                }
            })
        })
        .collect();
    let housing = hub.adapter("housing");
    for version in 2..60_u64 {
        let draft = arrears(alex(), hub.days_ago(2)).id("warm").version(version);
        housing.push(draft.summary(&version.to_string())).await.unwrap();
        let signals = asked(&adviser).await;
        assert_eq!(signals.len(), 1);
        assert_eq!(signals[0].detail.as_ref().unwrap().summary, version.to_string());
    }
    housing.retract("warm", 60).await.unwrap();
    assert!(asked(&adviser).await.is_empty());
    stop.store(true, Ordering::Relaxed);
    for other in others {
        other.await.unwrap();
    }
}
