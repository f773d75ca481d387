//! A store that fails, at each operation in turn: nothing is disclosed, nothing is half-written, nothing is forgotten,
//! and a hub that could not write stays closed until it is started anew. Never lets two operations fail at once.

mod closed;
mod looks;
mod writes;

use std::{collections::BTreeMap, sync::Arc};

use placehub_hub::{
    ledger::{VerifierKey, verify::verify_stored},
    store::{Batch, Fault, Memory, Operations, Store as _},
    tables,
};
use placehub_proto::v1::{AskSignalsResponse, ConsentStance, Question};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;

use crate::harness::{Adjust, Hub, Place, Refused, alex, arrears, billie, contents, drew, question_person};

const PURPOSE: &str = "homelessness-prevention";

fn about_alex() -> Question {
    question_person(alex(), PURPOSE)
}

/// A place with a store that holds a little, and copies of which fail.
struct Trial {
    place: Arc<Place>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether operations may come after the deed is done, so that their failure is too late for the test.
    goes_on: bool,
}

/// Something that is done to a hub, and how it was answered.
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
        hub.as_cast("adviser-8")
            .says(alex(), ConsentStance::Given)
            .await
            .unwrap();
        // Whom nobody knows gets a key of their own when they are first asked about, as each copy's hub does.
        asked(&hub, question_person(drew(), PURPOSE)).await;
        hub.stop().await;
        let rows = contents(&*store);
        Self {
            place,
            rows,
            goes_on: false,
        }
    }

    /// The same place and store, once this was done to it.
    async fn after(mut self, deed: impl AsyncFnOnce(&Hub)) -> Self {
        let (store, hub) = self.copy().await;
        deed(&hub).await;
        hub.stop().await;
        self.rows = contents(&*store);
        self
    }

    /// A store of its own that holds the same, and a hub on it.
    async fn copy(&self) -> (Arc<Memory>, Hub) {
        let store = Arc::new(Memory::new());
        let rows = self.rows.clone().into_iter();
        store
            .commit(rows.map(|(key, value)| (key.into(), Some(value))).collect::<Batch>())
            .unwrap();
        let hub = Hub::start(&self.place, store.clone()).await;
        // The first answer comes after what the hub does when it starts, so that only the deed is counted.
        let mut health = hub.as_cast("adviser-8").health.clone();
        health.check(HealthCheckRequest::default()).await.unwrap();
        asked(&hub, question_person(drew(), PURPOSE)).await;
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

    /// The same, for a deed that goes on when it is done.
    fn going_on(self) -> Self {
        Self { goes_on: true, ..self }
    }

    /// Has each operation of a deed fail in turn. `after` then meets a hub that was started anew on the healed store,
    /// and is told whether the deed was answered all the same.
    async fn each_failure(&self, deed: impl Deed, after: impl AsyncFn(&Hub, bool)) {
        let count = self.count(&deed).await;
        assert!(count.gets > 0 && count.commits > 0, "{count:?}");
        let gets = (0..count.gets).map(|skip| Fault::Get { skip });
        let scans = (0..count.scans).map(|skip| Fault::Scan { skip });
        let commits = (0..count.commits).map(|skip| Fault::Commit { skip });
        let mut swallowed = Vec::new();
        for fault in gets.chain(scans).chain(commits) {
            // Shown if a check below fails.
            eprintln!("{fault:?}");
            let (store, hub) = self.copy().await;
            store.fail(fault);
            let answered = match deed(&hub).await {
                Ok(()) => true,
                Err(status) => {
                    closed(&Refused::from(status));
                    false
                }
            };
            swallowed.extend(answered.then_some(fault));
            store.heal();
            hub.stop().await;
            let hub = Hub::start(&self.place, store.clone()).await;
            after(&hub, answered).await;
            let key: VerifierKey = hub.ledger_key.parse().unwrap();
            hub.stop().await;
            verify_stored(&*store, &key).unwrap();
            assert!(contents(&*store).len() >= self.rows.len(), "something is gone");
        }
        assert!(self.goes_on || swallowed.is_empty(), "swallowed: {swallowed:?}");
    }
}

/// A refusal that tells of a hub that is closed, and no more.
fn closed(refused: &Refused) {
    let told = (refused.code, refused.reason.as_str(), refused.retry.is_some());
    assert_eq!(told, (Code::Unavailable, "HUB_CLOSED", true));
    for needle in [
        "Sample",
        "Alex",
        "9990001006",
        "1958",
        "999000000101",
        "made-up",
        "told to fail",
    ] {
        assert!(!refused.says(needle), "the refusal says {needle}");
    }
}

/// All but the ledger, which may claim too much.
fn facts(rows: BTreeMap<Vec<u8>, Vec<u8>>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let ledger = [
        tables::LEDGER_ENTRY,
        tables::LEDGER_NODE,
        tables::LEDGER_SUBJECT,
        tables::LEDGER_WAITING,
        tables::SINGLE,
    ];
    rows.into_iter().filter(|(key, _)| !ledger.contains(&key[0])).collect()
}

async fn asked(hub: &Hub, question: Question) -> AskSignalsResponse {
    hub.as_cast("adviser-8").ask(question).await.unwrap()
}
