//! A hub whose commit failed: closed to everybody, and says so, until it is started anew.

use placehub_hub::store::Fault;
use placehub_proto::v1::{
    ConsentStance, ExportLedgerRequest, ListConsentsRequest, ListEntriesRequest, PushOutcome, PushSignalsRequest,
    push_signals_response::Result as Answer,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use super::{PURPOSE, Trial, about_alex, asked, closed, facts};
use crate::harness::{Adjust, Client, Hub, Refused, alex, arrears, contents, drew, question_person, refused};

async fn health(client: &Client) -> ServingStatus {
    let mut health = client.health.clone();
    let answer = health.check(HealthCheckRequest::default()).await.unwrap();
    answer.into_inner().status()
}

/// How a watch ends that is opened now.
async fn watched(hub: &Hub) -> Result<(), Status> {
    let mut events = hub.as_cast("adviser-8").watch(about_alex(), "").await?;
    events.message().await.map(|_| ())
}

#[tokio::test]
async fn a_hub_whose_commit_failed_answers_nobody_until_it_is_started_anew() {
    let trial = Trial::begin().await;
    let (store, hub) = trial.copy().await;
    let (housing, adviser, igo) = (hub.adapter("housing"), hub.as_cast("adviser-8"), hub.as_cast("igo-1"));
    store.fail(Fault::Commit { skip: 0 });
    let lost = arrears(alex(), hub.days_ago(1)).id("lost");
    closed(&refused(housing.push(lost.clone()).await));
    // The store is well again, and the hub does not know.
    for _ in 0..2 {
        let list = ListConsentsRequest { person: Some(alex()) };
        let mut ledger = igo.ledger.clone();
        let refusals = [
            refused(housing.push(lost.clone()).await),
            refused(housing.retract("alexs", 9).await),
            refused(adviser.ask(about_alex()).await),
            refused(adviser.ask(question_person(drew(), PURPOSE)).await),
            refused(adviser.says(alex(), ConsentStance::Withdrawn).await),
            refused(adviser.consents.clone().list_consents(list).await),
            refused(hub.adapter("health").join(("m1", 1), alex(), drew()).await),
            refused(hub.adapter("health").separate("m1", 2).await),
            refused(
                hub.adapter("health")
                    .change_number("c1", "9990001049", "9990001057")
                    .await,
            ),
            refused(hub.adapter("health").died(("d1", 1), alex()).await),
            refused(hub.adapter("health").lives("d1", 2).await),
            refused(igo.who_saw(alex()).await),
            refused(ledger.list_entries(ListEntriesRequest::default()).await),
            refused(ledger.export_ledger(ExportLedgerRequest::default()).await.map(|_| ())),
            refused(watched(&hub).await),
        ];
        refusals.iter().for_each(closed);
    }
    assert_eq!(health(&adviser).await, ServingStatus::NotServing);
    assert_eq!(facts(contents(&*store)), facts(trial.rows.clone()));
    hub.stop().await;
    let hub = Hub::start(&trial.place, store).await;
    assert_eq!(asked(&hub, about_alex()).await.signals.len(), 1);
    let pushed = hub.adapter("housing").push(lost).await.unwrap();
    assert_eq!(pushed.outcome(), PushOutcome::Recorded);
    assert_eq!(health(&hub.as_cast("adviser-8")).await, ServingStatus::Serving);
}

#[tokio::test]
async fn a_stream_of_pushes_acknowledges_only_what_a_new_hub_finds() {
    let trial = Trial::begin().await;
    for skip in [0, 1, 2] {
        let (store, hub) = trial.copy().await;
        store.fail(Fault::Commit { skip });
        let (sender, requests) = mpsc::channel(1);
        let mut housing = hub.adapter("housing").signals;
        let answers = housing.push_signals(ReceiverStream::new(requests)).await;
        let mut answers = answers.unwrap().into_inner();
        let mut acknowledged = Vec::new();
        let end = loop {
            let id = format!("of-stream-{}", acknowledged.len());
            let request = PushSignalsRequest {
                sequence: acknowledged.len() as u64,
                signal: Some(arrears(drew(), hub.days_ago(1)).id(&id)),
            };
            sender.send(request).await.unwrap();
            match answers.message().await {
                Ok(answer) => match answer.unwrap().result.unwrap() {
                    Answer::Acknowledged(done) => acknowledged.push(done.signal_id),
                    Answer::Refused(refusal) => panic!("{refusal:?}"),
                },
                Err(status) => break Refused::from(status),
            }
        };
        closed(&end);
        assert_eq!(acknowledged.len() as u64, skip, "each waits for its own commit");
        hub.stop().await;
        let hub = Hub::start(&trial.place, store).await;
        let officer = hub.as_cast("officer-42");
        let found = officer.ask(question_person(drew(), PURPOSE)).await.unwrap().signals;
        let mut found: Vec<_> = found.into_iter().map(|signal| signal.id).collect();
        found.sort();
        acknowledged.sort();
        assert_eq!(found, acknowledged);
    }
}
