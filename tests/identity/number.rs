//! A replaced NHS number: both lead to the person, and no third.

use jiff::SignedDuration;
use placehub_proto::v1::{ChangeNhsNumberRequest, ConsentStance, IdentityOutcome, IdentityUndoOutcome};
use tonic::Code;

use super::kinds;
use crate::harness::{Hub, alex, arrears, billie, discharge, numbered, only, refused};

const OLD: &str = "9990001049";
const NEW: &str = "9990001057";

#[tokio::test]
async fn both_numbers_lead_to_the_person_whichever_the_hub_had_met() {
    for (met, later) in [(vec![OLD], NEW), (vec![NEW], OLD), (vec![OLD, NEW], NEW), (vec![], OLD)] {
        let hub = Hub::fresh().await;
        let (housing, health, adviser) = (hub.adapter("housing"), hub.adapter("health"), hub.as_cast("adviser-8"));
        for number in &met {
            housing.push(arrears(numbered(number), hub.days_ago(3))).await.unwrap();
        }
        let changed = health.change_number("c1", OLD, NEW).await.unwrap();
        assert_eq!(changed, IdentityOutcome::Recorded);
        assert_eq!(
            health.change_number("c1", OLD, NEW).await.unwrap(),
            IdentityOutcome::AlreadyKnown
        );
        hub.place.clock.advance(SignedDuration::from_secs(1));
        adviser.says(numbered(NEW), ConsentStance::Given).await.unwrap();
        health.push(discharge(numbered(later), hub.days_ago(1))).await.unwrap();
        for number in [OLD, NEW] {
            let found = kinds(&adviser, numbered(number)).await;
            assert_eq!(found.len(), met.len() + 1, "{number} after {met:?}");
        }
        assert_eq!(health.separate("c1", 2).await.unwrap(), IdentityUndoOutcome::Undone);
        adviser.says(numbered(OLD), ConsentStance::Given).await.unwrap();
        let (old, new) = (
            kinds(&adviser, numbered(OLD)).await,
            kinds(&adviser, numbered(NEW)).await,
        );
        assert_eq!(old.len() + new.len(), met.len() + 1, "each is one's alone again");
    }
}

#[tokio::test]
async fn a_replacement_that_is_taken_back_or_corrected_takes_the_joins_with_it_that_leant_on_it() {
    for corrected in [false, true] {
        let hub = Hub::fresh().await;
        let (housing, health, adviser) = (hub.adapter("housing"), hub.adapter("health"), hub.as_cast("adviser-8"));
        for number in [OLD, NEW] {
            housing.push(arrears(numbered(number), hub.days_ago(3))).await.unwrap();
            adviser.says(numbered(number), ConsentStance::Given).await.unwrap();
        }
        let counts = async || {
            let old = kinds(&adviser, numbered(OLD)).await.len();
            (old, kinds(&adviser, numbered(NEW)).await.len())
        };
        health.change_number("c1", OLD, NEW).await.unwrap();
        for (id, number) in [("m1", OLD), ("m2", NEW)] {
            hub.place.clock.advance(SignedDuration::from_secs(1));
            health.join((id, 1), numbered(number), only("H1")).await.unwrap();
        }
        health.join(("m3", 1), numbered(OLD), numbered(NEW)).await.unwrap();
        assert_eq!(counts().await, (2, 2));
        match corrected {
            true => {
                let request = ChangeNhsNumberRequest {
                    version: 2,
                    source_system: "sample".to_owned(),
                    source_id: "c1".to_owned(),
                    old_nhs_number: OLD.to_owned(),
                    new_nhs_number: alex().nhs_number,
                };
                health.identities.clone().change_nhs_number(request).await.unwrap();
            }
            false => assert_eq!(health.separate("c1", 2).await.unwrap(), IdentityUndoOutcome::Undone),
        }
        assert_eq!(counts().await, (1, 1));
        health.push(discharge(only("H1"), hub.days_ago(1))).await.unwrap();
        assert_eq!(counts().await.1, 1, "the first join stands, the others do not");
    }
}

#[tokio::test]
async fn only_health_says_so_and_a_join_cannot() {
    let hub = Hub::fresh().await;
    for agency in ["housing", "police", "welfare"] {
        let refusal = refused(hub.adapter(agency).change_number("c1", OLD, NEW).await);
        assert_eq!(refusal.code, Code::PermissionDenied, "{agency}");
    }
    let health = hub.adapter("health");
    let refusal = refused(health.join(("c1", 1), numbered(NEW), numbered(OLD)).await);
    assert_eq!(refusal.reason, "NHS_NUMBERS_DIFFER");
    health.change_number("c1", OLD, NEW).await.unwrap();
    let joined = health.join(("m1", 1), numbered(NEW), numbered(OLD)).await.unwrap();
    assert_eq!(joined, IdentityOutcome::Recorded, "they are one person's by now");
    let refusal = refused(health.join(("m2", 1), numbered(NEW), alex()).await);
    assert_eq!(refusal.reason, "NHS_NUMBERS_DIFFER");
}

#[tokio::test]
async fn a_number_must_be_right_and_another() {
    let hub = Hub::fresh().await;
    let health = hub.adapter("health");
    let refusal = refused(health.change_number("c1", OLD, OLD).await);
    assert_eq!(refusal.fields, ["new_nhs_number"]);
    let refusal = refused(health.change_number("", "9990001048", "").await);
    assert_eq!(refusal.fields, ["source_id", "old_nhs_number", "new_nhs_number"]);
    assert!(!refusal.says("9990001048"));
    let empty = ChangeNhsNumberRequest::default();
    let refusal = refused(health.identities.clone().change_nhs_number(empty).await);
    assert_eq!(refusal.fields.len(), 5);
    let changed = health.change_number("c1", &billie().nhs_number, NEW).await.unwrap();
    assert_eq!(changed, IdentityOutcome::Recorded);
}
