//! What holds for who commits on their own thread.

use std::{
    future::Future,
    sync::{Arc, mpsc},
    thread::{self, ThreadId},
};

use super::{
    committer::{puts, started, wait, waits},
    everything, on_each,
};
use crate::store::{Committer, Fault, Memory, Read, Store, Txn, Unwritten};

/// Runs a test on one of two threads of a runtime.
fn on_one_of_two<T: Send + 'static>(test: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn(test)).unwrap()
}

/// Brings a job that puts a key, and gives the thread on which it ran.
async fn ran_on(committer: &Committer, key: &[u8]) -> Result<ThreadId, Unwritten> {
    let puts = puts(key);
    let job = move |txn: &mut Txn<'_>, _| puts(txn).map(|()| thread::current().id());
    Ok(committer.commit_here(None, job).await?.unwrap().into_inner())
}

#[test]
fn who_is_alone_commits_on_their_own_thread() {
    on_each(|store| {
        let committer = started(Arc::clone(&store));
        let found = store.clone();
        on_one_of_two(async move {
            for key in [b"a", b"b"] {
                let here = thread::current().id();
                assert_eq!(ran_on(&committer, key).await.unwrap(), here);
                assert!(found.get(key).unwrap().is_some(), "it is in the store");
            }
            committer.stop().await;
        });
    });
}

#[test]
fn a_runtimes_only_thread_is_not_kept_from_its_work() {
    let committer = started(Arc::new(Memory::new()));
    let there = wait(async { ran_on(&committer, b"a").await.unwrap() });
    assert_ne!(there, thread::current().id());
}

#[test]
fn who_is_not_alone_waits_their_turn() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    let there = on_one_of_two(async move {
        let (go, hold) = mpsc::channel::<()>();
        let mut first = Box::pin(committer.commit(move |txn| {
            hold.recv().unwrap();
            puts(b"first")(txn)
        }));
        assert!(waits(&mut first));
        let here = thread::current().id();
        let mut second = Box::pin(ran_on(&committer, b"second"));
        assert!(waits(&mut second));
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        (second.await.unwrap(), here)
    });
    assert_ne!(there.0, there.1);
    assert_eq!(everything(&*store).len(), 2);
}

#[test]
fn what_is_brought_while_somebody_commits_alone_runs_on_top_of_it() {
    on_each(|store| {
        let committer = started(Arc::clone(&store));
        let (begun, begins) = mpsc::channel();
        let (go, hold) = mpsc::channel::<()>();
        let alone = committer.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let first = runtime.spawn(async move {
            let job = move |txn: &mut Txn<'_>, _| {
                begun.send(()).unwrap();
                hold.recv().unwrap();
                puts(b"first")(txn)
            };
            alone.commit_here(None, job).await.unwrap().unwrap().into_inner()
        });
        begins.recv().unwrap();
        wait(async {
            let mut second = Box::pin(committer.commit(|txn| txn.get(b"first")));
            assert!(waits(&mut second));
            assert_eq!(store.get(b"first").unwrap(), None);
            go.send(()).unwrap();
            assert!(second.await.unwrap().unwrap().is_some());
        });
        runtime.block_on(first).unwrap();
    });
}

#[test]
fn a_commit_alone_that_fails_closes_the_committer_for_good() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    store.fail(Fault::Commit { skip: 0 });
    on_one_of_two(async move {
        let closed = |answer| match answer {
            Err(Unwritten::Closed { why }) => why,
            other => panic!("it should have been closed: {other:?}"),
        };
        let why = closed(ran_on(&committer, b"failing").await);
        assert_eq!(committer.closed(), Some(why.clone()));
        assert_eq!(closed(ran_on(&committer, b"later").await), why);
        let queued = committer.commit(|_| Ok::<_, ()>(thread::current().id()));
        assert_eq!(closed(queued.await.map(|done| done.unwrap().into_inner())), why);
        committer.stop().await;
        assert_eq!(committer.closed(), Some(why));
    });
    assert_eq!(everything(&*store), []);
}

#[test]
fn a_panic_of_who_commits_alone_is_their_own() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    on_one_of_two(async move {
        let panics = committer.commit_here(None, |_, _| -> Result<(), ()> { panic!("in a job") });
        assert!(matches!(panics.await, Err(Unwritten::Refused { .. })));
        ran_on(&committer, b"after").await.unwrap();
    });
    assert_eq!(everything(&*store).len(), 1);
}

#[test]
fn once_it_was_stopped_nobody_commits_alone_and_the_store_is_let_go() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let committer = started(store.clone());
    let held = Arc::downgrade(&store);
    on_one_of_two(async move {
        ran_on(&committer, b"before").await.unwrap();
        committer.stop().await;
        assert!(matches!(
            ran_on(&committer, b"after").await,
            Err(Unwritten::Closed { .. })
        ));
        drop(store);
        assert!(held.upgrade().is_none());
    });
}
