//! A death: new sharing stops, but for what the policies leave open; and lives again if it was said in error.

use placehub_proto::v1::{ConsentStance, IdentityOutcome, IdentityUndoOutcome, RecordDeathRequest};
use tonic::Code;

use super::{both_agree, kinds, two_people};
use crate::harness::{
    Client, Hub, Narrow, Screen, Watcher, alex, arrears, emery, known_as, numbered, only, question_person, refused,
};

/// How many signals of Alex an asker sees for safeguarding.
async fn safeguarding(lead: &Client) -> usize {
    let question = question_person(alex(), "safeguarding-adults");
    let question = question.under("care-act-2014-s42").case("SG-1");
    lead.ask(question).await.unwrap().signals.len()
}

async fn alex_and_consent() -> Hub {
    let hub = two_people().await;
    hub.adapter("housing")
        .push(arrears(alex(), hub.days_ago(5)))
        .await
        .unwrap();
    hub.as_cast("adviser-8")
        .says(alex(), ConsentStance::Given)
        .await
        .unwrap();
    hub
}

#[tokio::test]
async fn a_death_stops_new_sharing_but_for_safeguarding_and_ones_own() {
    let hub = alex_and_consent().await;
    let (health, adviser, officer) = (
        hub.adapter("health"),
        hub.as_cast("adviser-8"),
        hub.as_cast("officer-42"),
    );
    let lead = hub.as_cast("lead-welfare");
    let before = safeguarding(&lead).await;
    assert_eq!(
        (kinds(&adviser, alex()).await.len(), kinds(&officer, alex()).await.len()),
        (2, 2)
    );
    assert!(before > 0);
    assert_eq!(health.died(("d1", 1), alex()).await.unwrap(), IdentityOutcome::Recorded);
    assert_eq!(kinds(&adviser, alex()).await, [""; 0]);
    assert_eq!(
        kinds(&officer, alex()).await,
        ["housing.rent-arrears"],
        "the landlord's own"
    );
    assert_eq!(safeguarding(&lead).await, before);
    let entries = hub.as_cast("igo-1").export().await.unwrap().0;
    let text = entries
        .iter()
        .map(|entry| String::from_utf8_lossy(entry))
        .collect::<String>();
    assert!(text.contains(r#""deceased":true,"level":null,"rules":[]"#), "{text}");
    assert_eq!(health.lives("d1", 2).await.unwrap(), IdentityUndoOutcome::Undone);
    assert_eq!(kinds(&adviser, alex()).await.len(), 2);
}

#[tokio::test]
async fn a_death_is_of_the_human_whatever_the_record() {
    let hub = two_people().await;
    let (health, adviser) = (hub.adapter("health"), hub.as_cast("adviser-8"));
    both_agree(&adviser).await;
    health.died(("d1", 1), alex()).await.unwrap();
    assert_eq!(kinds(&adviser, emery()).await.len(), 2);
    health.join(("m1", 1), alex(), only("H1")).await.unwrap();
    assert_eq!(kinds(&adviser, emery()).await, [""; 0]);
    health.separate("m1", 2).await.unwrap();
    assert_eq!(kinds(&adviser, emery()).await.len(), 2);
    assert_eq!(kinds(&adviser, alex()).await, [""; 0]);
}

#[tokio::test]
async fn a_death_that_two_said_stands_until_both_take_it_back() {
    let hub = alex_and_consent().await;
    let (health, adviser) = (hub.adapter("health"), hub.as_cast("adviser-8"));
    health.died(("d1", 1), alex()).await.unwrap();
    health.died(("d2", 1), numbered("9990001006")).await.unwrap();
    health.lives("d1", 2).await.unwrap();
    assert_eq!(kinds(&adviser, alex()).await, [""; 0]);
    health.lives("d2", 2).await.unwrap();
    assert_eq!(kinds(&adviser, alex()).await.len(), 2);
    assert_eq!(
        health.died(("d2", 1), alex()).await.unwrap(),
        IdentityOutcome::Superseded
    );
    assert_eq!(kinds(&adviser, alex()).await.len(), 2);
}

#[tokio::test]
async fn a_corrected_death_is_of_the_other_person_alone() {
    let hub = alex_and_consent().await;
    let (health, adviser) = (hub.adapter("health"), hub.as_cast("adviser-8"));
    health
        .push(crate::harness::discharge(known_as("A", alex()), hub.days_ago(1)))
        .await
        .unwrap();
    health.died(("d1", 1), only("A")).await.unwrap();
    assert_eq!(kinds(&adviser, alex()).await, [""; 0]);
    assert_eq!(
        health.died(("d1", 2), only("H1")).await.unwrap(),
        IdentityOutcome::Corrected
    );
    assert_eq!(kinds(&adviser, alex()).await.len(), 3);
    assert_eq!(kinds(&adviser, emery()).await, [""; 0]);
}

#[tokio::test]
async fn the_death_of_somebody_whom_the_hub_meets_later_counts_too() {
    let hub = Hub::fresh().await;
    let (health, adviser) = (hub.adapter("health"), hub.as_cast("adviser-8"));
    health.died(("d1", 1), numbered("9990001006")).await.unwrap();
    hub.adapter("housing")
        .push(arrears(alex(), hub.days_ago(1)))
        .await
        .unwrap();
    assert_eq!(kinds(&adviser, alex()).await, [""; 0]);
}

#[tokio::test]
async fn an_open_watch_is_told_of_a_death_and_of_its_error() {
    let hub = alex_and_consent().await;
    let (health, adviser) = (hub.adapter("health"), hub.as_cast("adviser-8"));
    let question = question_person(alex(), super::PURPOSE);
    let mut watch = Watcher::open(&adviser, &question).await;
    watch.events(2).await;
    health.died(("d1", 1), alex()).await.unwrap();
    watch.events(2).await;
    assert_eq!(watch.screen, Screen::default());
    health.lives("d1", 2).await.unwrap();
    watch.events(2).await;
    assert_eq!(watch.screen, Screen::of(&adviser.ask(question).await.unwrap()));
}

#[tokio::test]
async fn only_health_brings_the_news_of_a_death_or_takes_it_back() {
    let hub = alex_and_consent().await;
    for agency in ["housing", "police", "welfare"] {
        let refusal = refused(hub.adapter(agency).died(("d1", 1), alex()).await);
        assert_eq!(refusal.code, Code::PermissionDenied, "{agency}");
        let refusal = refused(hub.adapter(agency).lives("d1", 2).await);
        assert_eq!(refusal.code, Code::PermissionDenied, "{agency}");
    }
    let health = hub.adapter("health");
    let refusal = refused(
        health
            .identities
            .clone()
            .record_death(RecordDeathRequest::default())
            .await,
    );
    assert_eq!(refusal.fields, ["source_system", "source_id", "version", "person"]);
    let refusal = refused(health.died(("d1", 1), emery()).await);
    assert_eq!(refusal.fields, ["person"]);
}
