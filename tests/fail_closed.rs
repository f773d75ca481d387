//! A store that fails, at each operation in turn: nothing is disclosed, nothing is half-written, nothing is forgotten,
//! and a hub that could not write stays closed until it is started anew.

use std::{collections::BTreeMap, sync::Arc};

use placehub_hub::{
    ledger::{VerifierKey, verify::verify_stored},
    store::{Batch, Fault, Memory, Operations, Store as _},
    tables,
};
use placehub_proto::v1::{
    AskSignalsResponse, ConsentStance, DisclosureLevel, ExportLedgerRequest, ListConsentsRequest, ListEntriesRequest,
    PushOutcome, PushSignalsRequest, Question, RetractOutcome, SignalDraft, push_signals_response::Result as Answer,
};
use tonic::{Code, Status};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use crate::harness::{
    Adjust, Hub, Place, Refused, Screen, Watcher, alex, arrears, billie, contents, drew, question_person, refused,
};

use ConsentStance::{Given, Withdrawn};

const PURPOSE: &str = "homelessness-prevention";

fn about_alex() -> Question {
    question_person(alex(), PURPOSE)
}

/// A place with a store that holds a little, and copies of which fail.
struct Trial {
    place: Arc<Place>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether the deeds go on after they have had their answer, so that what fails may be what comes then.
    goes_on: bool,
}

/// What a trial does to a hub; whether it was answered does not matter, but how.
trait Deed: AsyncFn(&Hub) -> Result<(), Status> {}
impl<F: AsyncFn(&Hub) -> Result<(), Status>> Deed for F {}

impl Trial {
    /// Alex and Billie have arrears, and Alex gives consent.
    async fn begin() -> Self {
        let place = Place::new();
        let store = Arc::new(Memory::new());
        let hub = Hub::start(&place, store.clone()).await;
        for (who, id) in [(alex(), "alexs"), (billie(), "billies")] {
            let draft = arrears(who, hub.days_ago(3)).id(id);
            hub.adapter("housing").push(draft).await.unwrap();
        }
        hub.as_cast("adviser-8").says(alex(), Given).await.unwrap();
        hub.stop().await;
        let rows = contents(&*store);
        Self {
            place,
            rows,
            goes_on: false,
        }
    }

    /// A store of its own that holds the same, and a hub on it.
    async fn copy(&self) -> (Arc<Memory>, Hub) {
        let store = Arc::new(Memory::new());
        let rows = self.rows.clone().into_iter();
        store.commit(rows.map(|(key, value)| (key, Some(value))).collect::<Batch>()).unwrap();
        let hub = Hub::start(&self.place, store.clone()).await;
        // The first answer comes after what the hub does when it starts, so that only the deed is counted.
        let mut health = hub.as_cast("adviser-8").health.clone();
        health.check(HealthCheckRequest::default()).await.unwrap();
        hub.as_cast("adviser-8").ask(question_person(drew(), PURPOSE)).await.unwrap();
        (store, hub)
    }

    /// How many operations of each sort a deed takes.
    async fn count(&self, deed: &impl Deed) -> Operations {
        let (store, hub) = self.copy().await;
        let before = store.operations();
        deed(&hub).await.unwrap();
        let after = store.operations();
        Operations {
            gets: after.gets - before.gets,
            scans: after.scans - before.scans,
            commits: after.commits - before.commits,
        }
    }

    /// Has each operation of a deed fail in turn. `after` then meets a hub that was started anew on the healed store.
    async fn each_failure(&self, deed: impl Deed, after: impl AsyncFn(&Hub, &str)) {
        let count = self.count(&deed).await;
        assert!(count.gets > 0 && count.commits > 0, "{count:?}");
        let gets = (0..count.gets).map(|skip| Fault::Get { skip });
        let scans = (0..count.scans).map(|skip| Fault::Scan { skip });
        let commits = (0..count.commits).map(|skip| Fault::Commit { skip });
        for fault in gets.chain(scans).chain(commits) {
            let (store, hub) = self.copy().await;
            store.fail(fault);
            let failed = deed(&hub).await;
            assert!(failed.is_err() || self.goes_on, "{fault:?} was swallowed");
            if let Err(status) = failed {
                closed(Refused::from(status), &format!("{fault:?}"));
            }
            store.heal();
            hub.stop().await;
            let hub = Hub::start(&self.place, store.clone()).await;
            after(&hub, &format!("{fault:?}")).await;
            let key: VerifierKey = hub.ledger_key.parse().unwrap();
            hub.stop().await;
            verify_stored(&*store, &key).unwrap_or_else(|why| panic!("{fault:?}: {why}"));
            assert!(contents(&*store).len() >= self.rows.len(), "{fault:?}: something is gone");
        }
    }
}

/// A refusal that tells of a hub that is closed, and no more.
fn closed(refused: Refused, fault: &str) {
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "HUB_CLOSED"), "{fault}");
    assert!(refused.retry.is_some());
    for needle in ["Sample", "Alex", "9990001006", "1958", "999000000101", "made-up", "told to fail"] {
        assert!(!refused.says(needle), "{fault}: the refusal says {needle}");
    }
}

/// All but the ledger, which may claim too much.
fn facts(rows: BTreeMap<Vec<u8>, Vec<u8>>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let ledger = [tables::LEDGER_ENTRY, tables::LEDGER_NODE, tables::LEDGER_SUBJECT, tables::SINGLE];
    rows.into_iter().filter(|(key, _)| !ledger.contains(&key[0])).collect()
}

async fn asked(hub: &Hub, question: Question) -> AskSignalsResponse {
    hub.as_cast("adviser-8").ask(question).await.unwrap()
}

#[tokio::test]
async fn a_push_is_kept_whole_or_not_at_all() {
    let trial = Trial::begin().await;
    let draft = |hub: &Hub| -> SignalDraft { arrears(alex(), hub.days_ago(1)).id("new").summary("new") };
    let push = async |hub: &Hub| hub.adapter("housing").push(draft(hub)).await.map(|_| ());
    let after = async |hub: &Hub, fault: &str| {
        let found = asked(hub, about_alex()).await.signals.len();
        let again = hub.adapter("housing").push(draft(hub)).await.unwrap().outcome();
        let expected = if found == 1 { PushOutcome::Recorded } else { PushOutcome::AlreadyKnown };
        assert_eq!(again, expected, "{fault}: {found} signals");
        let whole = asked(hub, about_alex()).await.signals;
        assert_eq!(whole.len(), 2, "{fault}");
        assert!(whole.iter().all(|signal| signal.level() == DisclosureLevel::Detail));
    };
    trial.each_failure(push, after).await;
}

#[tokio::test]
async fn a_correction_replaces_all_or_nothing() {
    let trial = Trial::begin().await;
    let draft = |hub: &Hub| arrears(billie(), hub.days_ago(3)).id("alexs").version(2).summary("moved");
    let correct = async |hub: &Hub| hub.adapter("housing").push(draft(hub)).await.map(|_| ());
    let after = async |hub: &Hub, fault: &str| {
        let alexs = asked(hub, about_alex()).await.signals.len();
        let outcome = hub.adapter("housing").push(draft(hub)).await.unwrap().outcome();
        let expected = if alexs == 1 { PushOutcome::Corrected } else { PushOutcome::AlreadyKnown };
        assert_eq!(outcome, expected, "{fault}");
        assert_eq!(asked(hub, about_alex()).await.signals.len(), 0, "{fault}");
    };
    trial.each_failure(correct, after).await;
}

#[tokio::test]
async fn a_retraction_takes_back_all_or_nothing() {
    let trial = Trial::begin().await;
    let retract = async |hub: &Hub| hub.adapter("housing").retract("alexs", 2).await.map(|_| ());
    let after = async |hub: &Hub, fault: &str| {
        let found = asked(hub, about_alex()).await.signals.len();
        let outcome = hub.adapter("housing").retract("alexs", 2).await.unwrap();
        let expected = if found == 1 { RetractOutcome::Retracted } else { RetractOutcome::AlreadyKnown };
        assert_eq!(outcome, expected, "{fault}");
        assert_eq!(asked(hub, about_alex()).await.signals.len(), 0, "{fault}");
    };
    trial.each_failure(retract, after).await;
}

#[tokio::test]
async fn a_statement_is_in_force_and_listed_or_neither() {
    let trial = Trial::begin().await;
    let withdraw = async |hub: &Hub| hub.as_cast("adviser-8").says(alex(), Withdrawn).await.map(|_| ());
    let after = async |hub: &Hub, fault: &str| {
        let request = ListConsentsRequest { person: Some(alex()) };
        let adviser = hub.as_cast("adviser-8");
        let listed = adviser.consents.clone().list_consents(request).await.unwrap();
        let said = listed.into_inner().consents.len();
        let shown = asked(hub, about_alex()).await.signals.len();
        assert!(matches!((said, shown), (1, 1) | (2, 0)), "{fault}: {said} statements, {shown} signals");
    };
    trial.each_failure(withdraw, after).await;
}

#[tokio::test]
async fn a_question_that_fails_shows_nothing_and_changes_nothing() {
    let trial = Trial::begin().await;
    let ask = async |hub: &Hub| hub.as_cast("adviser-8").ask(about_alex()).await.map(|_| ());
    let before = facts(trial.rows.clone());
    let after = async |hub: &Hub, fault: &str| {
        assert_eq!(facts(contents(&*hub.store)), before, "{fault}");
        assert_eq!(asked(hub, about_alex()).await.signals.len(), 1, "{fault}");
    };
    trial.each_failure(ask, after).await;
}

#[tokio::test]
async fn looking_at_the_record_fails_closed_too() {
    let trial = Trial::begin().await;
    let before = facts(trial.rows.clone());
    let unchanged = async |hub: &Hub, fault: &str| {
        assert_eq!(facts(contents(&*hub.store)), before, "{fault}");
        let seen = hub.as_cast("igo-1").who_saw(alex()).await.unwrap().entries;
        assert!(seen.iter().any(|entry| entry.action == "record-consent"), "{fault}");
    };
    let who_saw = async |hub: &Hub| hub.as_cast("igo-1").who_saw(alex()).await.map(|_| ());
    trial.each_failure(who_saw, &unchanged).await;
    let export = async |hub: &Hub| hub.as_cast("igo-1").export().await.map(|_| ());
    trial.each_failure(export, &unchanged).await;
    let list = async |hub: &Hub| {
        let request = ListConsentsRequest { person: Some(alex()) };
        let igo = hub.as_cast("igo-1");
        igo.consents.clone().list_consents(request).await.map(|_| ())
    };
    trial.each_failure(list, &unchanged).await;
}

#[tokio::test]
async fn a_watch_that_fails_goes_on_from_what_was_told() {
    let mut trial = Trial::begin().await;
    trial.goes_on = true;
    let question = about_alex();
    let told = std::cell::RefCell::new((String::new(), Screen::default()));
    let first = async |hub: &Hub| {
        told.take();
        let adviser = hub.as_cast("adviser-8");
        let mut watch = Watcher::resume(&adviser, &question, "", Screen::default()).await?;
        while watch.next().await?.is_none() {}
        told.replace((watch.cursor, watch.screen));
        Ok(())
    };
    let after = async |hub: &Hub, fault: &str| {
        let (adviser, (cursor, screen)) = (hub.as_cast("adviser-8"), told.take());
        let mut watch = Watcher::resume(&adviser, &question, &cursor, screen).await.unwrap();
        let marker = hub.adapter("housing").push(arrears(alex(), hub.days_ago(1)).id("marker")).await.unwrap();
        watch.until(&marker.signal_id).await;
        assert_eq!(watch.screen, Screen::of(&asked(hub, about_alex()).await), "{fault}");
    };
    trial.each_failure(first, after).await;
}

#[tokio::test]
async fn a_hub_whose_commit_failed_answers_nobody_until_it_is_started_anew() {
    let trial = Trial::begin().await;
    let (store, hub) = trial.copy().await;
    let (housing, adviser, igo) = (hub.adapter("housing"), hub.as_cast("adviser-8"), hub.as_cast("igo-1"));
    store.fail(Fault::Commit { skip: 0 });
    let lost = arrears(alex(), hub.days_ago(1)).id("lost");
    assert_eq!(refused(housing.push(lost.clone()).await).reason, "HUB_CLOSED");
    // The store is well again, and the hub does not know.
    for _ in 0..2 {
        let list = ListConsentsRequest { person: Some(alex()) };
        let refusals = [
            refused(housing.push(lost.clone()).await),
            refused(housing.retract("alexs", 9).await),
            refused(adviser.ask(about_alex()).await),
            refused(adviser.ask(question_person(drew(), PURPOSE)).await),
            refused(adviser.says(alex(), Withdrawn).await),
            refused(adviser.consents.clone().list_consents(list).await),
            refused(igo.who_saw(alex()).await),
            refused(igo.ledger.clone().list_entries(ListEntriesRequest::default()).await),
            refused(igo.ledger.clone().export_ledger(ExportLedgerRequest {}).await.map(|_| ())),
            refused(watched(&hub).await),
        ];
        for (call, refused) in refusals.iter().enumerate() {
            let told = (refused.code, refused.reason.as_str(), refused.retry.is_some());
            assert_eq!(told, (Code::Unavailable, "HUB_CLOSED", true), "call {call}");
        }
    }
    let mut health = adviser.health.clone();
    let health = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(health.status(), ServingStatus::NotServing);
    assert_eq!(facts(contents(&*store)), facts(trial.rows.clone()));
    hub.stop().await;
    let hub = Hub::start(&trial.place, store).await;
    assert_eq!(asked(&hub, about_alex()).await.signals.len(), 1);
    let pushed = hub.adapter("housing").push(lost).await.unwrap();
    assert_eq!(pushed.outcome(), PushOutcome::Recorded);
    let mut health = hub.as_cast("adviser-8").health.clone();
    let health = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(health.status(), ServingStatus::Serving);
}

/// How a watch ends that is opened now.
async fn watched(hub: &Hub) -> Result<(), Status> {
    let mut events = hub.as_cast("adviser-8").watch(about_alex(), "").await?;
    events.message().await.map(|_| ())
}

#[tokio::test]
async fn a_stream_of_pushes_acknowledges_only_what_a_new_hub_finds() {
    let trial = Trial::begin().await;
    for skip in [0, 1, 2] {
        let (store, hub) = trial.copy().await;
        let adviser = hub.as_cast("adviser-8");
        store.fail(Fault::Commit { skip });
        let (sender, requests) = tokio::sync::mpsc::channel(1);
        let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
        let mut housing = hub.adapter("housing").signals;
        let mut answers = housing.push_signals(requests).await.unwrap().into_inner();
        let mut acknowledged = Vec::new();
        let end = loop {
            let signal = arrears(drew(), hub.days_ago(1)).id(&format!("of-stream-{}", acknowledged.len()));
            let request = PushSignalsRequest {
                sequence: acknowledged.len() as u64,
                signal: Some(signal),
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
        assert_eq!((end.code, end.reason.as_str()), (Code::Unavailable, "HUB_CLOSED"));
        assert_eq!(acknowledged.len() as u64, skip, "each waits for its own commit");
        drop(adviser);
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
