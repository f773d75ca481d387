//! What a person said under two records: a join never lifts a refusal nor lends a consent, and the person still can.

use jiff::SignedDuration;
use placehub_proto::v1::{ConsentStance, DisclosureLevel, ListConsentsRequest};

use super::{seen, two_people};
use crate::harness::{Hub, alex, emery, only};

use ConsentStance::{Given, Refused, Withdrawn};

async fn join(hub: &Hub) {
    hub.adapter("health").join(("m1", 1), alex(), only("H1")).await.unwrap();
}

/// How many signals of each the adviser sees with more than their existence.
async fn open(hub: &Hub) -> [usize; 2] {
    let adviser = hub.as_cast("adviser-8");
    let mut counts = [0; 2];
    for (count, who) in counts.iter_mut().zip([alex(), emery()]) {
        let dated = seen(&adviser, who).await;
        *count = dated
            .iter()
            .filter(|(_, level)| *level > DisclosureLevel::Existence)
            .count();
    }
    counts
}

#[tokio::test]
async fn a_refusal_under_either_record_binds_both_whichever_was_said_last() {
    for (of_alex, of_emery) in [
        (Given, Refused),
        (Refused, Given),
        (Given, Withdrawn),
        (Withdrawn, Given),
    ] {
        let hub = two_people().await;
        let adviser = hub.as_cast("adviser-8");
        adviser.says(alex(), of_alex).await.unwrap();
        hub.place.clock.advance(SignedDuration::from_secs(1));
        adviser.says(emery(), of_emery).await.unwrap();
        hub.place.clock.advance(SignedDuration::from_secs(1));
        join(&hub).await;
        assert_eq!(open(&hub).await, [0, 0], "{of_alex:?} and {of_emery:?}");
    }
}

#[tokio::test]
async fn a_consent_is_not_lent_to_the_record_that_another_is_joined_to() {
    let hub = two_people().await;
    let adviser = hub.as_cast("adviser-8");
    adviser.says(alex(), Given).await.unwrap();
    assert_eq!(open(&hub).await, [1, 0]);
    join(&hub).await;
    assert_eq!(open(&hub).await, [1, 1], "each finds both, of which one is open");
    hub.place.clock.advance(SignedDuration::from_secs(1));
    adviser.says(emery(), Given).await.unwrap();
    assert_eq!(open(&hub).await, [3, 3]);
    hub.adapter("health").separate("m1", 2).await.unwrap();
    assert_eq!(open(&hub).await, [1, 2]);
}

#[tokio::test]
async fn what_is_said_after_a_join_counts_for_both_and_takes_back_what_was_refused_before() {
    let hub = two_people().await;
    let adviser = hub.as_cast("adviser-8");
    adviser.says(emery(), Refused).await.unwrap();
    join(&hub).await;
    assert_eq!(open(&hub).await, [0, 0]);
    hub.place.clock.advance(SignedDuration::from_secs(1));
    adviser.says(alex(), Given).await.unwrap();
    assert_eq!(open(&hub).await, [3, 3]);
    hub.place.clock.advance(SignedDuration::from_secs(1));
    adviser.says(emery(), Withdrawn).await.unwrap();
    assert_eq!(open(&hub).await, [0, 0]);
    hub.adapter("health").separate("m1", 2).await.unwrap();
    assert_eq!(open(&hub).await, [1, 0]);
}

#[tokio::test]
async fn statements_of_both_records_are_listed_the_latest_first() {
    let hub = two_people().await;
    let adviser = hub.as_cast("adviser-8");
    for (who, stance) in [(alex(), Given), (emery(), Refused), (alex(), Withdrawn)] {
        adviser.says(who, stance).await.unwrap();
        hub.place.clock.advance(SignedDuration::from_secs(1));
    }
    join(&hub).await;
    let request = ListConsentsRequest { person: Some(emery()) };
    let listed = adviser.consents.clone().list_consents(request).await.unwrap();
    let stances: Vec<_> = listed
        .into_inner()
        .consents
        .iter()
        .map(|said| said.statement.as_ref().unwrap().stance())
        .collect();
    assert_eq!(stances, [Withdrawn, Refused, Given]);
}
