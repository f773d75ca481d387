//! What an information governance officer finds in the ledger, and what anybody can check of it.

use std::convert::Infallible;

use jiff::SignedDuration;
use placehub_hub::ledger::verify::{self, Evidence, Row, Verified};
use tonic::Code;

use super::{CASEYS_HOME, HOMELESSNESS, PERSONAL, given};
use crate::harness::{Hub, Narrow as _, alex, billie, casey, drew, question_address, question_person, refused};

fn verify(entries: &[Vec<u8>], checkpoint: &str, hub: &Hub) -> Result<Verified, verify::Fault> {
    let rows = entries.iter().cloned().map(Row::alone).map(Ok::<_, Infallible>);
    verify::verify(rows, &Evidence::of(checkpoint), &hub.ledger_key.parse().unwrap())
}

#[tokio::test]
async fn governance_sees_who_saw_a_person_and_never_a_signal() {
    let hub = given().await;
    let (officer, adviser) = (hub.as_cast("officer-42"), hub.as_cast("adviser-8"));
    let asked = officer
        .ask(question_person(alex(), HOMELESSNESS).case("CASE-7"))
        .await
        .unwrap();
    let other = adviser.ask(question_person(billie(), HOMELESSNESS)).await.unwrap();
    let passing = adviser
        .ask(question_address("999000000101", HOMELESSNESS))
        .await
        .unwrap();

    let igo = hub.as_cast("igo-1");
    let saw = igo.who_saw(alex()).await.unwrap();
    let asks: Vec<_> = saw.entries.iter().filter(|entry| entry.action == "ask").collect();
    let numbers: Vec<_> = asks.iter().map(|entry| entry.number).collect();
    assert_eq!(
        numbers,
        [passing.ledger_entry, asked.ledger_entry],
        "not newest first, or not all"
    );
    assert!(!numbers.contains(&other.ledger_entry));
    let entry = asks[1];
    assert_eq!((entry.agency.as_str(), entry.workload.as_str()), ("housing", "desk"));
    assert_eq!(
        (entry.practitioner.as_str(), entry.roles.as_slice()),
        ("officer-42", &["housing-officer".to_owned()][..])
    );
    assert_eq!(
        (entry.subject.as_str(), entry.purpose.as_str()),
        ("person", HOMELESSNESS)
    );
    assert_eq!(
        (entry.gateway.as_str(), entry.case_reference.as_str()),
        ("none", "CASE-7")
    );
    assert_eq!(entry.agreements, [HOMELESSNESS]);
    assert!(entry.allowed && entry.refusal.is_empty());
    assert_eq!((entry.policy_digest.len(), entry.certificate.len()), (64, 64));
    let told: Vec<_> = asked
        .signals
        .iter()
        .map(|signal| (signal.id.as_str(), signal.level))
        .collect();
    let shown: Vec<_> = entry
        .shown
        .iter()
        .map(|shown| (shown.signal_id.as_str(), shown.level))
        .collect();
    assert_eq!(shown, told);

    // What was held back from the adviser, who was not told of it, is counted here.
    let billies = igo.who_saw(billie()).await.unwrap();
    let entry = billies
        .entries
        .iter()
        .find(|entry| entry.number == other.ledger_entry)
        .unwrap();
    assert_eq!((entry.shown.len(), entry.withheld), (0, 2));

    let refusal = refused(igo.ask(question_person(alex(), HOMELESSNESS)).await);
    assert_eq!(refusal.reason, "NOT_PERMITTED");
    for subject in ["officer-17", "officer-42", "coordinator-3", "adviser-8", "lead-police"] {
        let refusal = refused(hub.as_cast(subject).who_saw(alex()).await);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::PermissionDenied, "NOT_PERMITTED")
        );
    }
}

#[tokio::test]
async fn the_exported_ledger_proves_itself_and_any_change_to_it() {
    let hub = given().await;
    let officer = hub.as_cast("officer-42");
    let asked = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    refused(
        hub.as_cast("officer-17")
            .ask(question_person(alex(), HOMELESSNESS))
            .await,
    );
    let igo = hub.as_cast("igo-1");
    let (entries, head) = igo.export().await.unwrap();
    let verified = verify(&entries, &head, &hub).unwrap();
    assert_eq!(verified.size, entries.len() as u64);
    assert!(verified.size > asked.ledger_entry);
    assert_eq!(verified.last_at, Some(hub.place.clock.now()));

    let mut changed = entries.clone();
    let spot = changed[3].len() / 2;
    changed[3][spot] ^= 1;
    verify(&changed, &head, &hub).unwrap_err();
    let mut dropped = entries.clone();
    dropped.remove(2);
    verify(&dropped, &head, &hub).unwrap_err();
    let mut swapped = entries.clone();
    swapped.swap(4, 5);
    verify(&swapped, &head, &hub).unwrap_err();
    let another = Hub::fresh().await;
    verify(&entries, &head, &another).unwrap_err();

    // Every later head speaks for the same entries.
    hub.place.clock.advance(SignedDuration::from_mins(1));
    officer.ask(question_person(billie(), HOMELESSNESS)).await.unwrap();
    let (longer, head) = igo.export().await.unwrap();
    verify(&longer, &head, &hub).unwrap();
    assert_eq!(longer[..entries.len()], entries[..]);
}

#[tokio::test]
async fn the_ledger_names_nobody_and_holds_no_content() {
    let hub = given().await;
    for subject in ["officer-42", "adviser-8"] {
        let caller = hub.as_cast(subject);
        for who in [alex(), billie(), casey(), drew()] {
            caller.ask(question_person(who, HOMELESSNESS)).await.unwrap();
        }
        caller.ask(question_address(CASEYS_HOME, HOMELESSNESS)).await.unwrap();
    }
    let (entries, _) = hub.as_cast("igo-1").export().await.unwrap();
    assert!(entries.len() > 20);
    for entry in entries {
        let text = String::from_utf8(entry).unwrap();
        for personal in PERSONAL {
            assert!(!text.contains(personal), "{text} says {personal}");
        }
    }
}
