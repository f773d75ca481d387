//! Bad input in statements of consent: one that was misread could open what a person wants closed.

use jiff::ToSpan as _;
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{ConsentMethod, ConsentStance, ConsentStatement, ListConsentsRequest, PersonIdentity};
use tonic::Code;

use super::Wall;
use crate::harness::{alex, refused};

fn statement() -> ConsentStatement {
    ConsentStatement {
        person: Some(alex()),
        stance: ConsentStance::Given.into(),
        method: ConsentMethod::Written.into(),
        ..ConsentStatement::default()
    }
}

async fn check(wall: &Wall, change: impl FnOnce(&mut ConsentStatement), fields: &[&str], secret: &str) {
    let mut bad = statement();
    change(&mut bad);
    wall.refuses(wall.officer.record(bad), fields, secret).await;
}

#[tokio::test]
async fn a_statement_says_who_said_what_and_how() {
    let wall = Wall::new().await;
    check(&wall, |bad| bad.person = None, &["statement.person"], "").await;
    for wrong in [0, 9] {
        check(&wall, |bad| bad.stance = wrong, &["statement.stance"], "").await;
        check(&wall, |bad| bad.method = wrong, &["statement.method"], "").await;
    }
}

#[tokio::test]
async fn whose_statement_it_is_keeps_the_rules_of_a_push() {
    let wall = Wall::new().await;
    let wrong = PersonIdentity {
        nhs_number: "9990001007".to_owned(),
        ..alex()
    };
    let fields = ["statement.person.nhs_number"];
    check(&wall, |bad| bad.person = Some(wrong.clone()), &fields, "9990001007").await;
    let request = ListConsentsRequest { person: Some(wrong) };
    let list = async || wall.officer.consents.clone().list_consents(request).await;
    wall.refuses(list(), &["person.nhs_number"], "9990001007").await;
    let nobody = async || {
        wall.officer
            .consents
            .clone()
            .list_consents(ListConsentsRequest::default())
            .await
    };
    wall.refuses(nobody(), &["person"], "").await;
}

#[tokio::test]
async fn a_scope_names_only_what_there_is() {
    let wall = Wall::new().await;
    let strange = || vec!["unheard-of".to_owned()];
    check(&wall, |bad| bad.kinds = strange(), &["statement.kinds"], "unheard-of").await;
    check(
        &wall,
        |bad| bad.purposes = strange(),
        &["statement.purposes"],
        "unheard-of",
    )
    .await;
}

#[tokio::test]
async fn a_refusal_for_an_agency_that_there_is_not_is_never_quietly_without_effect() {
    let wall = Wall::new().await;
    let strange = || vec!["hosing".to_owned()];
    let refusal = |bad: &mut ConsentStatement| {
        bad.stance = ConsentStance::Refused.into();
        bad.to_agencies = strange();
    };
    check(&wall, refusal, &["statement.to_agencies"], "hosing").await;
    check(
        &wall,
        |bad| bad.from_agencies = strange(),
        &["statement.from_agencies"],
        "hosing",
    )
    .await;
}

#[tokio::test]
async fn a_statement_is_never_said_tomorrow() {
    let wall = Wall::new().await;
    let ahead = wall.hub.place.clock.now() + 6.minutes();
    check(
        &wall,
        |bad| bad.said_at = Some(timestamp(ahead)),
        &["statement.said_at"],
        "",
    )
    .await;
}

#[tokio::test]
async fn a_statement_ends_after_it_begins() {
    let wall = Wall::new().await;
    let (from, until) = (wall.hub.days_ago(1), wall.hub.days_ago(2));
    let change = |bad: &mut ConsentStatement| {
        bad.valid_from = Some(timestamp(from));
        bad.valid_until = Some(timestamp(until));
    };
    check(&wall, change, &["statement.valid_until"], "").await;
}

#[tokio::test]
async fn an_evidence_reference_has_at_most_64_characters() {
    let wall = Wall::new().await;
    let long = "Alex".repeat(17);
    let fields = ["statement.evidence_reference"];
    check(&wall, |bad| bad.evidence_reference = long, &fields, "Alex").await;
}

#[tokio::test]
async fn the_police_may_not_take_down_that_somebody_gives_consent() {
    let wall = Wall::new().await;
    let police = wall.hub.as_cast("officer-17");
    let refusal = refused(police.record(statement()).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::PermissionDenied, "NOT_PERMITTED")
    );
    let igo = wall.hub.as_cast("igo-1");
    let mut list = igo.consents.clone();
    let request = ListConsentsRequest { person: Some(alex()) };
    let known = list.list_consents(request).await.unwrap().into_inner();
    assert!(known.consents.iter().all(|consent| consent.taken_by_agency != "police"));
}
