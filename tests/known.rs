//! A hub that has not come to know yet which signals there are, or never does: it answers as any other, and stops when it is
//! told to.

use std::{net::Ipv4Addr, ops::ControlFlow, sync::Arc};

use placehub_hub::{
    hub,
    store::{Batch, Error, Memory, Read, Store, Visit, after_prefix},
    tables,
};
use placehub_proto::v1::{PushOutcome, RetractOutcome};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::harness::{Adjust as _, Hub, PATIENCE, Place, alex, arrears};

/// A store whose signals nobody can look through.
struct Unending {
    memory: Memory,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    /// Before those that there are come others without end.
    Others,
    /// Whoever looks is told of a failure.
    Fails,
}

impl Unending {
    fn new(how: How) -> Arc<Self> {
        let memory = Memory::new();
        Arc::new(Self { memory, how })
    }
}

impl Read for Unending {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.memory.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        let before = [&[tables::SIGNAL][..], &[0; 16]].concat();
        if from >= after_prefix(&before).as_slice() || to <= before.as_slice() {
            return self.memory.scan(from, to, visit);
        }
        if let How::Fails = self.how {
            return Err(Error::Engine {
                doing: "look",
                source: "it was told to".into(),
            });
        }
        let last = from.get(before.len()..).and_then(|rest| rest.first_chunk());
        let mut next = last.map_or(0, |number| u64::from_be_bytes(*number) + 1);
        while let ControlFlow::Continue(()) = visit(&[before.as_slice(), &next.to_be_bytes()].concat(), &[]) {
            next += 1;
        }
        Ok(())
    }
}

impl Store for Unending {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        self.memory.commit(batch)
    }
}

async fn answers_and_stops(how: How) {
    let (place, store) = (Place::new(), Unending::new(how));
    let hub = Hub::start(&place, store.clone()).await;
    let draft = |id: &str| arrears(alex(), hub.days_ago(3)).id(id);
    let (first, second) = (draft("first"), draft("second"));
    let pushed = async |draft, hub: &Hub| hub.adapter("housing").push(draft).await.unwrap().outcome();
    for draft in [&first, &second] {
        assert_eq!(pushed(draft.clone(), &hub).await, PushOutcome::Recorded);
    }
    let retracted = hub.adapter("housing").retract("second", 2).await.unwrap();
    assert_eq!(retracted, RetractOutcome::Retracted);
    timeout(PATIENCE, hub.stop()).await.unwrap();

    let hub = Hub::start(&place, store).await;
    assert_eq!(pushed(first, &hub).await, PushOutcome::AlreadyKnown);
    assert_eq!(pushed(second, &hub).await, PushOutcome::Superseded);
    timeout(PATIENCE, hub.stop()).await.unwrap();
}

#[tokio::test]
async fn a_hub_that_still_looks_which_signals_there_are_knows_them_all_the_same() {
    answers_and_stops(How::Others).await;
}

#[tokio::test]
async fn a_hub_that_cannot_look_which_signals_there_are_knows_them_all_the_same() {
    answers_and_stops(How::Fails).await;
}

#[tokio::test]
async fn it_stops_when_it_is_told_to_before_anybody_has_called() {
    let (place, store) = (Place::new(), Unending::new(How::Others));
    // Time and again: whether it serves or stops first is anybody's guess.
    for _ in 0..8 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let hub = hub::Hub::open_on(place.config(), place.clock.clone(), store.clone()).unwrap();
        let told = CancellationToken::new();
        told.cancel();
        timeout(PATIENCE, hub.serve(listener, told)).await.unwrap().unwrap();
    }
}
