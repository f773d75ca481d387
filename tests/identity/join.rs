//! Joins and separations: what is found by whom, who may say so, what is refused, what the ledger says.

use placehub_proto::v1::{
    ConsentStance, IdentityOutcome, IdentityUndoOutcome, JoinIdentitiesRequest, PersonIdentity,
    SeparateIdentitiesRequest,
};
use tonic::Code;

use super::{both_agree, kinds, two_people};
use crate::harness::{
    Adjust, Hub, Screen, Watcher, alex, arrears, billie, casey, discharge, emery, known_as, numbered, only,
    question_address, question_person, refused,
};

const DISCHARGE: &str = "health.hospital-discharge";
const ARREARS: &str = "housing.rent-arrears";

#[tokio::test]
async fn after_a_join_a_question_about_either_finds_the_signals_of_both() {
    let hub = two_people().await;
    let adviser = hub.as_cast("adviser-8");
    both_agree(&adviser).await;
    assert_eq!(kinds(&adviser, alex()).await, [DISCHARGE]);
    assert_eq!(kinds(&adviser, emery()).await, [ARREARS, DISCHARGE]);
    let health = hub.adapter("health");
    let survivor = known_as("H2", numbered("9990001006"));
    assert_eq!(
        health.join(("m1", 1), survivor, only("H1")).await.unwrap(),
        IdentityOutcome::Recorded
    );
    // Newest first, whichever record it stands under.
    for who in [alex(), emery(), numbered("9990001006")] {
        assert_eq!(kinds(&adviser, who).await, [ARREARS, DISCHARGE, DISCHARGE]);
    }
    assert_eq!(health.separate("m1", 2).await.unwrap(), IdentityUndoOutcome::Undone);
    assert_eq!(kinds(&adviser, alex()).await, [DISCHARGE]);
    assert_eq!(kinds(&adviser, emery()).await, [ARREARS, DISCHARGE]);
}

#[tokio::test]
async fn pages_of_a_joined_person_hold_each_signal_once() {
    let hub = two_people().await;
    let adviser = hub.as_cast("adviser-8");
    for (who, days) in [(alex(), 4), (emery(), 5), (alex(), 6), (emery(), 7)] {
        let draft = arrears(who, hub.days_ago(days));
        hub.adapter("housing").push(draft).await.unwrap();
    }
    let health = hub.adapter("health");
    health.join(("m1", 1), alex(), only("H1")).await.unwrap();
    both_agree(&adviser).await;
    let whole = adviser
        .ask(question_person(alex(), super::PURPOSE))
        .await
        .unwrap()
        .signals;
    assert_eq!(whole.len(), 7);
    for size in [1, 2, 3] {
        let (mut paged, mut token) = (Vec::new(), String::new());
        loop {
            let question = question_person(emery(), super::PURPOSE);
            let page = adviser.ask_page(question, size, &token).await.unwrap();
            paged.extend(page.signals);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(paged, whole, "pages of {size}");
    }
}

#[tokio::test]
async fn nobody_is_joined_for_looking_alike() {
    let hub = two_people().await;
    let health = hub.adapter("health");
    let survivor = PersonIdentity {
        unverified_nhs_number: "9990001006".to_owned(),
        ..emery()
    };
    let refusal = refused(health.join(("m1", 1), survivor, emery()).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::InvalidArgument, "FIELD_INVALID")
    );
    assert_eq!(refusal.fields, ["survivor", "retired"]);
    let refusal = refused(
        health
            .identities
            .clone()
            .join_identities(JoinIdentitiesRequest::default())
            .await,
    );
    assert_eq!(
        refusal.fields,
        ["source_system", "source_id", "version", "survivor", "retired"]
    );
}

#[tokio::test]
async fn only_health_names_an_nhs_number_and_nobody_anothers_reference() {
    let hub = two_people().await;
    let igo = hub.as_cast("igo-1");
    for agency in ["housing", "police", "welfare"] {
        let refusal = refused(hub.adapter(agency).join(("m1", 1), alex(), only("T1")).await);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::PermissionDenied, "NOT_PERMITTED"),
            "{agency}"
        );
    }
    let refusal = refused(igo.join(("m1", 1), only("H1"), only("T1")).await);
    assert_eq!(refusal.reason, "NOT_PERMITTED");
    // Another agency's `H1` and `T1` are other references than those of health and housing.
    let police = hub.adapter("police");
    police.join(("m1", 1), only("H1"), only("T1")).await.unwrap();
    let adviser = hub.as_cast("adviser-8");
    both_agree(&adviser).await;
    assert_eq!(kinds(&adviser, alex()).await, [DISCHARGE]);
    // Nor can anybody take back what another agency said.
    let health = hub.adapter("health");
    health.join(("m2", 1), alex(), only("H1")).await.unwrap();
    assert_eq!(police.separate("m2", 9).await.unwrap(), IdentityUndoOutcome::NotFound);
    assert_eq!(kinds(&adviser, alex()).await.len(), 3);
}

#[tokio::test]
async fn whoever_knows_no_numbers_joins_no_record_that_has_one_and_is_not_told() {
    let hub = two_people().await;
    let (health, housing, adviser) = (hub.adapter("health"), hub.adapter("housing"), hub.as_cast("adviser-8"));
    both_agree(&adviser).await;
    for (reference, who) in [("T2", billie()), ("T3", alex()), ("T4", casey())] {
        housing
            .push(arrears(known_as(reference, who), hub.days_ago(1)).id(reference))
            .await
            .unwrap();
    }
    health.died(("d1", 1), known_as("C", casey())).await.unwrap();
    let before = (kinds(&adviser, alex()).await, kinds(&adviser, emery()).await);
    use IdentityOutcome::{AlreadyKnown, Corrected, Recorded};
    // Emery with Alex, who has a number; two numbers; somebody who died; and two of whom nothing else is known.
    for (id, survivor, retired) in [
        ("m1", "T1", "T3"),
        ("m2", "T3", "T2"),
        ("m3", "T1", "T4"),
        ("m4", "T8", "T9"),
    ] {
        let join = async |version, retired| housing.join((id, version), only(survivor), only(retired)).await;
        assert_eq!(join(1, retired).await.unwrap(), Recorded, "{id}");
        assert_eq!(join(1, retired).await.unwrap(), AlreadyKnown, "{id}");
        assert_eq!(join(2, retired).await.unwrap(), Corrected, "{id}");
        assert_eq!(
            (kinds(&adviser, alex()).await, kinds(&adviser, emery()).await),
            before,
            "{id}"
        );
        assert_eq!(
            housing.separate(id, 3).await.unwrap(),
            IdentityUndoOutcome::Undone,
            "{id}"
        );
    }
    let entries = hub.as_cast("igo-1").export().await.unwrap().0;
    let lines = entries.iter().map(|entry| String::from_utf8_lossy(entry));
    let text = lines.collect::<String>();
    assert_eq!(text.matches(r#""outcome":"withheld""#).count(), 6, "the ledger knows");
}

#[tokio::test]
async fn records_with_different_nhs_numbers_stay_two_peoples() {
    let hub = two_people().await;
    let health = hub.adapter("health");
    health
        .push(discharge(known_as("B", billie()), hub.days_ago(1)))
        .await
        .unwrap();
    let refusal = refused(health.join(("m1", 1), alex(), billie()).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::FailedPrecondition, "NHS_NUMBERS_DIFFER")
    );
    // Not by a detour either: through a reference, through a third record, or through a number that nobody has yet.
    for (id, survivor, retired) in [
        ("m2", alex(), only("B")),
        ("m3", only("B"), numbered("9990001006")),
        ("m4", numbered("9990001049"), only("B")),
    ] {
        let refusal = refused(health.join((id, 1), survivor, retired).await);
        assert_eq!(refusal.reason, "NHS_NUMBERS_DIFFER", "{id}");
    }
    health.join(("m5", 1), alex(), only("H1")).await.unwrap();
    let refusal = refused(health.join(("m6", 1), only("H1"), only("B")).await);
    assert_eq!(refusal.reason, "NHS_NUMBERS_DIFFER");
    // A push cannot give a joined person a second number.
    let strange = PersonIdentity {
        nhs_number: "9990001049".to_owned(),
        ..only("H1")
    };
    health.push(discharge(strange, hub.days_ago(1))).await.unwrap();
    let adviser = hub.as_cast("adviser-8");
    both_agree(&adviser).await;
    assert_eq!(kinds(&adviser, alex()).await.len(), 3);
    assert!(!refusal.says("9990001"));
}

#[tokio::test]
async fn the_same_again_changes_nothing_and_a_higher_version_replaces() {
    let hub = two_people().await;
    let health = hub.adapter("health");
    let adviser = hub.as_cast("adviser-8");
    both_agree(&adviser).await;
    use IdentityOutcome::{AlreadyKnown, Corrected, Recorded, Superseded};
    let join = async |version, retired: &str| {
        let joined = health.join(("m1", version), alex(), only(retired)).await;
        joined.map_err(|status| refused::<()>(Err(status)).reason)
    };
    assert_eq!(join(2, "H1").await, Ok(Recorded));
    assert_eq!(join(2, "H1").await, Ok(AlreadyKnown));
    assert_eq!(join(1, "H9").await, Ok(Superseded));
    assert_eq!(join(2, "H9").await, Err("VERSION_CONFLICT".to_owned()));
    assert_eq!(kinds(&adviser, alex()).await.len(), 3);
    assert_eq!(join(3, "H9").await, Ok(Corrected), "it was another patient");
    assert_eq!(kinds(&adviser, alex()).await.len(), 1);
    use IdentityUndoOutcome as Undo;
    let conflict = refused(health.separate("m1", 3).await);
    assert_eq!(conflict.reason, "VERSION_CONFLICT");
    assert_eq!(health.separate("m1", 2).await.unwrap(), Undo::AlreadyKnown);
    assert_eq!(health.separate("m1", 4).await.unwrap(), Undo::Undone);
    assert_eq!(health.separate("m1", 4).await.unwrap(), Undo::AlreadyKnown);
    assert_eq!(join(4, "H9").await, Ok(Superseded));
    assert_eq!(join(5, "H1").await, Ok(Recorded));
    assert_eq!(health.separate("never", 3).await.unwrap(), Undo::NotFound);
    let late = health.join(("never", 3), alex(), only("H1")).await.unwrap();
    assert_eq!(late, Superseded, "it was taken back before it came");
    let bad = SeparateIdentitiesRequest::default();
    let refusal = refused(health.identities.clone().separate_identities(bad).await);
    assert_eq!(refusal.fields, ["source_system", "source_id", "version"]);
}

#[tokio::test]
async fn two_joins_of_the_same_hold_until_both_are_taken_back() {
    let hub = two_people().await;
    let health = hub.adapter("health");
    let adviser = hub.as_cast("adviser-8");
    both_agree(&adviser).await;
    health.join(("m1", 1), alex(), only("H1")).await.unwrap();
    health.join(("m2", 1), only("H1"), alex()).await.unwrap();
    health.separate("m1", 2).await.unwrap();
    assert_eq!(kinds(&adviser, alex()).await.len(), 3);
    health.separate("m2", 2).await.unwrap();
    assert_eq!(kinds(&adviser, alex()).await.len(), 1);
}

#[tokio::test]
async fn one_person_has_so_many_records_and_no_more() {
    let hub = Hub::fresh().await;
    let health = hub.adapter("health");
    for number in 1..=15 {
        let retired = only(&format!("T{number}"));
        health
            .join((&format!("m{number}"), 1), only("T0"), retired)
            .await
            .unwrap();
    }
    let refusal = refused(health.join(("m16", 1), only("T0"), only("T16")).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::FailedPrecondition, "TOO_MANY_RECORDS")
    );
}

#[tokio::test]
async fn an_open_watch_shows_what_a_join_brings_and_hides_what_a_separation_takes() {
    let hub = two_people().await;
    let (health, adviser) = (hub.adapter("health"), hub.as_cast("adviser-8"));
    both_agree(&adviser).await;
    let question = question_person(alex(), super::PURPOSE);
    let mut watch = Watcher::open(&adviser, &question).await;
    watch.events(1).await;
    health.join(("m1", 1), alex(), only("H1")).await.unwrap();
    watch.events(2).await;
    assert_eq!(watch.screen, Screen::of(&adviser.ask(question.clone()).await.unwrap()));
    assert_eq!(watch.screen.0.len(), 3);
    // What comes under either record is told.
    let more = arrears(known_as("T1", emery()), hub.days_ago(1)).id("more");
    let more = hub.adapter("housing").push(more).await.unwrap();
    watch.until(&more.signal_id).await;
    health.separate("m1", 2).await.unwrap();
    watch.events(3).await;
    assert_eq!(watch.screen, Screen::of(&adviser.ask(question).await.unwrap()));
    assert_eq!(watch.screen.0.len(), 1);
}

#[tokio::test]
async fn who_saw_finds_the_looks_at_both_records_and_the_join_itself() {
    let hub = two_people().await;
    let (health, igo) = (hub.adapter("health"), hub.as_cast("igo-1"));
    hub.as_cast("officer-42")
        .ask(question_person(emery(), super::PURPOSE))
        .await
        .unwrap();
    hub.as_cast("adviser-8")
        .ask(question_person(alex(), super::PURPOSE))
        .await
        .unwrap();
    refused(hub.adapter("housing").join(("m0", 1), alex(), only("T1")).await);
    health.join(("m1", 1), alex(), only("H1")).await.unwrap();
    let actions = async |who| {
        let entries = igo.who_saw(who).await.unwrap().entries;
        let line = |entry: placehub_proto::v1::LedgerEntry| format!("{} {}", entry.agency, entry.action);
        entries.into_iter().map(line).collect::<Vec<_>>()
    };
    let seen = ["health join-identities", "welfare ask", "housing ask"];
    let looks = |number| [&["governance who-saw"; 2][..number], &seen].concat();
    assert_eq!(actions(alex()).await, looks(1));
    assert_eq!(actions(emery()).await, looks(2), "and the look at the other record");
    health.separate("m1", 2).await.unwrap();
    let apart = actions(emery()).await;
    assert!(apart.contains(&"health separate-identities".to_owned()), "{apart:?}");
    assert!(
        !apart.contains(&"welfare ask".to_owned()),
        "that was about somebody else: {apart:?}"
    );
    let entries = igo.export().await.unwrap().0;
    let text = entries
        .iter()
        .map(|entry| String::from_utf8_lossy(entry))
        .collect::<String>();
    assert!(text.contains(r#""action":"join-identities","agency":"health""#));
    assert!(
        text.contains(r#""touched":{"version":1,"outcome":"recorded"}"#),
        "{text}"
    );
    assert!(!text.contains("9990001006") && !text.contains("H1"));
    assert_eq!(
        text.matches(r#""action":"join-identities""#).count(),
        2,
        "the refused one too"
    );
}

#[tokio::test]
async fn a_question_about_an_address_minds_who_lives_there_under_two_records() {
    let hub = two_people().await;
    let (health, adviser) = (hub.adapter("health"), hub.as_cast("adviser-8"));
    adviser.says(alex(), ConsentStance::Given).await.unwrap();
    adviser.says(casey(), ConsentStance::Given).await.unwrap();
    let at_home = async || {
        let question = question_address(&emery().uprn, super::PURPOSE);
        adviser.ask(question).await.unwrap().signals.len()
    };
    let before = at_home().await;
    health.join(("m1", 1), alex(), only("H1")).await.unwrap();
    adviser.says(alex(), ConsentStance::Withdrawn).await.unwrap();
    assert!(before > 0);
    assert_eq!(at_home().await, 0, "Alex is Emery, and said no");
}
