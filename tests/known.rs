//! A hub that has not come to know yet which signals there are: it answers as any other, and stops when it is told to.

use std::{net::Ipv4Addr, ops::ControlFlow, sync::Arc};

use placehub_hub::{
    hub,
    store::{Batch, Error, Memory, Read, Store, Visit, after_prefix},
    tables,
};
use placehub_proto::v1::{PushOutcome, RetractOutcome};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness::{Adjust as _, Hub, Place, alex, arrears};

/// A store with more signals than anybody can look through: behind those that are there, others without end.
#[derive(Default)]
struct Endless(Memory);

impl Read for Endless {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        let mut flow = ControlFlow::Continue(());
        self.0.scan(from, to, &mut |key, value| {
            flow = visit(key, value);
            flow
        })?;
        let before = [&[tables::SIGNAL][..], &[u8::MAX; 16]].concat();
        if from >= after_prefix(&before).as_slice() || to <= before.as_slice() {
            return Ok(());
        }
        let first = from.strip_prefix(before.as_slice()).and_then(|rest| rest.first_chunk());
        let first = first.map_or(0, |number| u64::from_be_bytes(*number));
        let others = (first..).map(|number| [before.as_slice(), &number.to_be_bytes()].concat());
        let mut others = others.skip_while(|key| key.as_slice() < from);
        while flow.is_continue()
            && let Some(key) = others.next()
        {
            flow = visit(&key, &[]);
        }
        Ok(())
    }
}

impl Store for Endless {
    fn commit(&self, batch: Batch) -> Result<(), Error> {
        self.0.commit(batch)
    }
}

#[tokio::test]
async fn a_hub_that_still_looks_which_signals_there_are_knows_them_all_the_same_and_stops_when_told() {
    let (place, store) = (Place::new(), Arc::new(Endless::default()));
    let hub = Hub::start(&place, store.clone()).await;
    let draft = |id: &str, hub: &Hub| arrears(alex(), hub.days_ago(3)).id(id);
    let (first, second) = (draft("first", &hub), draft("second", &hub));
    let pushed = async |draft, hub: &Hub| hub.adapter("housing").push(draft).await.unwrap().outcome();
    for draft in [&first, &second] {
        assert_eq!(pushed(draft.clone(), &hub).await, PushOutcome::Recorded);
    }
    let retracted = hub.adapter("housing").retract("second", 2).await.unwrap();
    assert_eq!(retracted, RetractOutcome::Retracted);
    hub.stop().await;
    let hub = Hub::start(&place, store).await;
    assert_eq!(pushed(first, &hub).await, PushOutcome::AlreadyKnown);
    assert_eq!(pushed(second, &hub).await, PushOutcome::Superseded);
    hub.stop().await;
}

#[tokio::test]
async fn it_stops_when_it_is_told_to_before_anybody_has_called() {
    let (place, store) = (Place::new(), Arc::new(Endless::default()));
    // Time and again: whether it serves or stops first is anybody's guess.
    for _ in 0..8 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let hub = hub::Hub::open_on(place.config(), place.clock.clone(), store.clone()).unwrap();
        let told = CancellationToken::new();
        told.cancel();
        hub.serve(listener, told).await.unwrap();
    }
}
