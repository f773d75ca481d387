//! What the record holds of what is easily left out: a person who cannot be told apart, and what a watch took off a screen.

use placehub_proto::v1::{ConsentStance, PersonIdentity};

use super::{HOMELESSNESS, last};
use crate::harness::{Adjust as _, Hub, Watcher, alex, emery, grant, question_person, refused, signal};

#[tokio::test]
async fn an_ambiguous_person_is_answered_with_an_entry() {
    let hub = Hub::fresh().await;
    // Two people of one name, birth date and home, told apart by their NHS numbers alone.
    for nhs_number in ["9990001006", "9990001014"] {
        let twin = PersonIdentity {
            nhs_number: nhs_number.to_owned(),
            ..emery()
        };
        hub.adapter("housing")
            .push(signal("housing.rent-arrears", twin, hub.days_ago(1)))
            .await
            .unwrap();
    }
    let refusal = refused(hub.as_cast("adviser-8").says(emery(), ConsentStance::Refused).await);
    assert_eq!(refusal.reason, "PERSON_AMBIGUOUS");
    let entry = last(&hub).await;
    assert_eq!((entry.action.as_str(), entry.allowed), ("record-consent", false));
    assert_eq!(entry.refusal.unwrap().code, "PERSON_AMBIGUOUS");
    assert!(entry.subject.is_some() && entry.touched.is_none());
}

#[tokio::test]
async fn what_a_watch_takes_off_the_screen_stands_in_the_entry_of_its_step() {
    let hub = Hub::fresh().await;
    let adviser = hub.as_cast("adviser-8");
    let welfare = hub.adapter("welfare");
    let pushed = welfare.push(grant(alex(), hub.days_ago(1)).id("shed")).await.unwrap();
    let mut watch = Watcher::open(&adviser, &question_person(alex(), HOMELESSNESS)).await;
    watch.event().await;
    welfare.retract("shed", 2).await.unwrap();
    watch.event().await;
    let entry = last(&hub).await;
    assert_eq!(entry.action, "watch");
    let hidden: Vec<_> = entry
        .hidden
        .iter()
        .map(|hidden| hidden.signal.unwrap().text())
        .collect();
    assert_eq!(hidden, [pushed.signal_id]);
    assert_eq!(entry.hidden[0].owner.as_str(), "welfare");
    assert!(entry.shown.is_empty());
}
