//! What the committer promises to one who brings it a job.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Waker},
    thread::ThreadId,
};

use super::{everything, on_each};
use crate::store::{
    BATCH_CAP, Committed, Committer, Disk, Error, Fault, Hooks, Memory, Read, Seal, Store, Txn, Unwritten, VALUE_CAP,
};

/// A committer whose hooks do nothing.
pub(super) fn started(store: Arc<dyn Store>) -> Committer {
    let hooks = Hooks {
        seal: Box::new(|_| Ok(())),
        committed: Box::new(|_| ()),
    };
    Committer::start(store, hooks).unwrap()
}

/// A job that puts one key.
pub(super) fn puts(key: &[u8]) -> impl FnOnce(&mut Txn<'_>) -> Result<(), &'static str> + Send + use<> {
    let key = key.to_vec();
    move |txn| {
        txn.put(key, b"put".to_vec());
        Ok(())
    }
}

/// Brings a job, for somebody who was said to be coming.
async fn awaited<T: Send + 'static>(
    committer: &Committer,
    store: &dyn Store,
    job: impl FnOnce(&mut Txn<'_>) -> Result<T, &'static str> + Send + 'static,
) -> Result<Result<Committed<T>, &'static str>, Unwritten> {
    let seen = committer.view(store).seen();
    let done = committer.commit_on(committer.soon(), seen, |txn, _| job(txn));
    done.await
}

/// Polls once, which puts a job in the queue, and says whether it waits there.
pub(super) fn waits(future: &mut Pin<Box<impl Future>>) -> bool {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

/// Runs a test that waits, on this thread.
pub(super) fn wait<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(test)
}

fn closed<T: std::fmt::Debug, E: std::fmt::Debug>(answer: Result<Result<Committed<T>, E>, Unwritten>) -> Arc<str> {
    match answer {
        Err(Unwritten::Closed { why }) => why,
        other => panic!("it should have been closed: {other:?}"),
    }
}

#[test]
fn what_is_answered_is_in_the_store() {
    on_each(|store| {
        let committer = started(Arc::clone(&store));
        wait(async {
            let done = committer.commit(|txn| {
                txn.put(b"a", b"put".to_vec());
                Ok::<_, ()>(7)
            });
            assert_eq!(*done.await.unwrap().unwrap(), 7);
            assert!(store.get(b"a").unwrap().is_some());
            committer.stop().await;
        });
    });
}

#[test]
fn what_is_answered_was_synced_before() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::open(folder.path()).unwrap());
    let committer = started(disk.clone());
    wait(async {
        for turn in 1..=5 {
            committer.commit(puts(&[turn])).await.unwrap().unwrap();
            assert_eq!(disk.syncs(), u64::from(turn));
        }
    });
}

#[test]
fn a_job_that_fails_leaves_no_writes_and_wakes_no_watch() {
    on_each(|store| {
        let (woken, heard) = mpsc::channel();
        let hooks = Hooks {
            seal: Box::new(|_| Ok(())),
            committed: Box::new(move |changes| woken.send(changes).unwrap()),
        };
        let committer = Committer::start(Arc::clone(&store), hooks).unwrap();
        wait(async {
            let answer = committer.commit(|txn| {
                txn.put(b"a", b"put".to_vec());
                txn.announce(1);
                Err::<(), _>("no")
            });
            assert_eq!(answer.await.unwrap().unwrap_err(), "no");
            assert_eq!(everything(&*store), []);
            committer.commit(puts(b"b")).await.unwrap().unwrap();
            assert!(heard.try_recv().is_err(), "nothing was announced");
            let announced = committer.commit(|txn| {
                txn.put(b"c", b"put".to_vec());
                txn.announce(7);
                Ok::<_, ()>(())
            });
            announced.await.unwrap().unwrap();
            assert_eq!(heard.try_recv(), Ok(7));
            assert!(heard.try_recv().is_err(), "once");
        });
    });
}

#[test]
fn watches_are_woken_after_the_commit_and_before_the_answer() {
    let store = Arc::new(Memory::new());
    let answered = Arc::new(AtomicBool::new(false));
    let (woken, at) = mpsc::channel();
    let hooks = Hooks {
        seal: Box::new(|_| Ok(())),
        committed: Box::new({
            let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
            move |changes| {
                let there = store.get(b"a").unwrap().is_some();
                woken.send((changes, there, answered.load(Ordering::SeqCst))).unwrap();
            }
        }),
    };
    let committer = Committer::start(store, hooks).unwrap();
    wait(async {
        let job = |txn: &mut Txn<'_>| {
            txn.put(b"a", b"put".to_vec());
            txn.announce(3);
            Ok::<_, ()>(())
        };
        committer.commit(job).await.unwrap().unwrap();
        answered.store(true, Ordering::SeqCst);
    });
    assert_eq!(at.try_recv(), Ok((3, true, false)));
}

#[test]
fn a_job_that_writes_nothing_costs_no_commit() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    wait(async {
        let read = committer.commit(|txn| txn.get(b"a"));
        assert_eq!(read.await.unwrap().unwrap().into_inner(), None);
    });
    assert_eq!(store.operations().commits, 0);
}

#[test]
fn a_failed_commit_closes_the_committer_for_good_and_nothing_of_it_is_seen() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    wait(async {
        committer.commit(puts(b"before")).await.unwrap().unwrap();
        assert_eq!(committer.closed(), None);
        store.fail(Fault::Commit { skip: 0 });
        let why = closed(committer.commit(puts(b"failing")).await);
        assert_eq!(
            &*why,
            "the store failed while it was to commit a batch: the store was told to fail here",
        );
        assert_eq!(committer.closed(), Some(why.clone()));
        assert_eq!(
            closed(committer.commit(puts(b"later")).await),
            why,
            "the store is well again, and yet"
        );
        assert_eq!(everything(&*store).len(), 1);
        committer.stop().await;
        assert_eq!(committer.closed(), Some(why));
    });
}

#[test]
fn a_job_that_was_said_to_come_may_come_or_not() {
    on_each(|store| {
        let committer = started(Arc::clone(&store));
        wait(async {
            drop(committer.soon());
            awaited(&committer, &*store, puts(b"a")).await.unwrap().unwrap();
            let others = (committer.soon(), committer.among_others());
            awaited(&committer, &*store, puts(b"b")).await.unwrap().unwrap();
            drop(others);
            (0..64).for_each(|_| drop(committer.soon()));
            committer.stop().await;
            let _late = committer.soon();
            closed(awaited(&committer, &*store, puts(b"c")).await);
        });
        assert_eq!(everything(&*store).len(), 2);
    });
}

#[test]
fn who_is_alone_is_told_of_a_job_that_panics_and_of_a_commit_that_fails() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    wait(async {
        let job = |_: &mut Txn<'_>| -> Result<(), &'static str> { panic!("a name that must not be told") };
        let panicked = awaited(&committer, &*store, job).await;
        assert!(matches!(panicked, Err(Unwritten::Refused { .. })));
        store.fail(Fault::Commit { skip: 0 });
        closed(awaited(&committer, &*store, puts(b"failing")).await);
        closed(awaited(&committer, &*store, puts(b"later")).await);
    });
}

#[test]
fn a_failed_commit_withholds_even_refusals_that_rested_on_it() {
    let store = Arc::new(Memory::new());
    store.fail(Fault::Commit { skip: 0 });
    let committer = started(store);
    let (go, hold) = mpsc::channel::<()>();
    wait(async {
        let mut first = Box::pin(committer.commit(move |txn| {
            hold.recv().unwrap();
            puts(b"a")(txn)
        }));
        assert!(waits(&mut first));
        let mut second = Box::pin(committer.commit(|txn| match txn.get(b"a") {
            Ok(Some(_)) => Err("a is there"),
            _ => Ok(()),
        }));
        assert!(waits(&mut second));
        go.send(()).unwrap();
        closed(first.await);
        closed(second.await);
    });
}

#[test]
fn a_failing_or_panicking_seal_closes_the_committer_before_anything_is_written() {
    let fails: Seal = Box::new(|_| {
        Err(Error::Corrupt {
            table: 't',
            why: "it is odd",
        })
    });
    let panics: Seal = Box::new(|_| panic!("a name that must not be told"));
    for (seal, why) in [
        (fails, "a stored value in table `t` cannot be read: it is odd"),
        (panics, "a commit panicked"),
    ] {
        let store = Arc::new(Memory::new());
        let committed = Box::new(|_| ());
        let committer = Committer::start(store.clone(), Hooks { seal, committed }).unwrap();
        wait(async {
            assert_eq!(&*closed(committer.commit(puts(b"a")).await), why);
            assert_eq!(&*closed(committer.commit(puts(b"b")).await), why);
        });
        assert_eq!(store.operations().commits, 0);
    }
}

#[test]
fn a_job_that_panics_or_writes_too_much_is_refused_alone() {
    on_each(|store| {
        let committer = started(Arc::clone(&store));
        wait(async {
            let panics = committer.commit(|txn| -> Result<(), ()> {
                txn.put(b"half", b"put".to_vec());
                panic!("in a job")
            });
            assert!(matches!(panics.await, Err(Unwritten::Refused { .. })));
            let value = committer.commit(|txn| {
                txn.put(b"large", vec![0; VALUE_CAP + 1]);
                Ok::<_, ()>(())
            });
            assert!(matches!(value.await, Err(Unwritten::Refused { .. })));
            let many = committer.commit(|txn| {
                for key in 0..=BATCH_CAP / 2 / VALUE_CAP {
                    txn.put(vec![u8::try_from(key).unwrap()], vec![0; VALUE_CAP]);
                }
                Ok::<_, ()>(())
            });
            assert!(matches!(many.await, Err(Unwritten::Refused { .. })));
            assert_eq!(everything(&*store), []);
            committer.commit(puts(b"sound")).await.unwrap().unwrap();
            assert_eq!(everything(&*store).len(), 1);
        });
    });
}

#[test]
fn a_caller_who_hangs_up_does_not_undo_what_is_queued() {
    on_each(|store| {
        let committer = started(Arc::clone(&store));
        wait(async {
            let (go, hold) = mpsc::channel::<()>();
            let mut gone = Box::pin(committer.commit(move |txn| {
                hold.recv().unwrap();
                puts(b"a")(txn)
            }));
            assert!(waits(&mut gone));
            drop(gone);
            go.send(()).unwrap();
            committer.stop().await;
        });
        assert_eq!(everything(&*store).len(), 1);
    });
}

#[test]
fn jobs_run_on_a_thread_that_is_not_the_callers() {
    let committer = started(Arc::new(Memory::new()));
    let here = std::thread::current().id();
    let there: ThreadId = wait(async {
        let done = committer.commit(|_| Ok::<_, ()>(std::thread::current().id()));
        done.await.unwrap().unwrap().into_inner()
    });
    assert_ne!(here, there);
}
