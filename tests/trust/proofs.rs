//! Heads and proofs over the wire: who may have them, that they hold, and that they are at once as new as the answer.

use placehub_ledger::{
    VerifierKey,
    proof::{InclusionProof, check_consistency},
};
use placehub_proto::v1::{ProveConsistencyRequest, ProveInclusionRequest};
use tonic::Code;

use super::{PURPOSE, grow, opened, size};
use crate::harness::{Adjust as _, Client, Hub, alex, arrears, question_person, refused};

async fn prove(client: &Client, number: u64, size: u64) -> Result<InclusionProof, tonic::Status> {
    let request = ProveInclusionRequest { number, size };
    let answer = client.ledger.clone().prove_inclusion(request).await?.into_inner();
    Ok(InclusionProof {
        number,
        hashes: answer.hashes.into_iter().map(|hash| hash.try_into().unwrap()).collect(),
        checkpoint: answer.checkpoint,
    })
}

#[tokio::test]
async fn an_entry_is_proved_as_soon_as_its_answer_has_arrived() {
    let hub = Hub::fresh().await;
    let key: VerifierKey = hub.ledger_key.parse().unwrap();
    grow(&hub, 40).await;
    let (officer, igo) = (hub.as_cast("officer-42"), hub.as_cast("igo-1"));
    for _ in 0..5 {
        let number = officer
            .ask(question_person(alex(), PURPOSE))
            .await
            .unwrap()
            .ledger_entry;
        let proof = prove(&igo, number, 0).await.unwrap();
        let (entries, _) = igo.export().await.unwrap();
        let entry = &entries[usize::try_from(number).unwrap()];
        let head = proof.check(entry, &key).unwrap();
        assert_eq!(head.size, number + 1);
        assert!(proof.check(&entries[0], &key).is_err());
    }
}

#[tokio::test]
async fn the_ledger_is_proved_to_have_only_grown_from_every_head_that_was_seen() {
    let hub = Hub::fresh().await;
    let key: VerifierKey = hub.ledger_key.parse().unwrap();
    let (igo, police) = (hub.as_cast("igo-1"), hub.adapter("police"));
    let mut heads = Vec::new();
    for entries in [1, 2, 5, 16, 3, 40] {
        grow(&hub, entries).await;
        heads.push(opened(&police.head().await.unwrap().checkpoint, &key));
    }
    let newest = opened(&police.head().await.unwrap().checkpoint, &key);
    for from in &heads {
        let request = ProveConsistencyRequest {
            from: from.size,
            to: newest.size,
        };
        let answer = igo
            .ledger
            .clone()
            .prove_consistency(request)
            .await
            .unwrap()
            .into_inner();
        let proof: Vec<[u8; 32]> = answer.hashes.into_iter().map(|hash| hash.try_into().unwrap()).collect();
        check_consistency((from.size, &from.root), (newest.size, &newest.root), &proof).unwrap();
    }
}

#[tokio::test]
async fn any_agency_may_read_the_head_and_that_is_no_entry_but_a_proof_is() {
    let hub = Hub::fresh().await;
    let key: VerifierKey = hub.ledger_key.parse().unwrap();
    let igo = hub.as_cast("igo-1");
    let before = size(&igo).await;
    grow(&hub, 3).await;
    let mut seen = Vec::new();
    for client in [
        hub.adapter("police"),
        hub.adapter("welfare"),
        hub.as_cast("officer-17"),
        igo.clone(),
    ] {
        seen.push(opened(&client.head().await.unwrap().checkpoint, &key).size);
    }
    assert_eq!(seen, [before + 3; 4]);
    prove(&igo, 0, 0).await.unwrap();
    let (entries, _) = igo.export().await.unwrap();
    let last = String::from_utf8(entries.last().unwrap().clone()).unwrap();
    assert!(
        last.contains(r#""action":"prove-ledger","agency":"governance""#),
        "{last}"
    );
}

#[tokio::test]
async fn who_may_not_read_the_ledger_has_nothing_proved_and_that_is_an_entry() {
    let hub = Hub::fresh().await;
    let before = size(&hub.adapter("police")).await;
    for subject in ["officer-17", "officer-42", "lead-police"] {
        let refusal = refused(prove(&hub.as_cast(subject), 0, 0).await);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::PermissionDenied, "NOT_PERMITTED")
        );
    }
    let refusal = refused(prove(&hub.adapter("housing"), 0, 0).await);
    assert_eq!(refusal.reason, "TOKEN_MISSING");
    let (entries, _) = hub.as_cast("igo-1").export().await.unwrap();
    assert_eq!(entries.len() as u64, before + 3);
}

#[tokio::test]
async fn what_the_ledger_does_not_have_is_refused_by_field() {
    let hub = Hub::fresh().await;
    hub.adapter("housing")
        .push(arrears(alex(), hub.days_ago(1)).id("1"))
        .await
        .unwrap();
    let igo = hub.as_cast("igo-1");
    assert_eq!(refused(prove(&igo, 99, 0).await).fields, ["number"]);
    assert_eq!(refused(prove(&igo, 0, 99).await).fields, ["size"]);
    let consistency = |from, to| {
        let mut ledger = igo.ledger.clone();
        async move { refused(ledger.prove_consistency(ProveConsistencyRequest { from, to }).await).fields }
    };
    assert_eq!(consistency(99, 0).await, ["from"]);
    assert_eq!(consistency(0, 99).await, ["to"]);
}
