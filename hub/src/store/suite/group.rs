//! How jobs that wait at the same time share a commit, and how the committer ends.

use std::sync::{Arc, Mutex, mpsc};

use futures_util::future::join_all;

use super::{
    committer::{puts, started, wait, waits},
    everything, on_each,
};
use crate::store::{Committer, Disk, Hooks, Memory, Read, Seen, Txn, Unwritten, VALUE_CAP};

/// A job that waits until told, and then puts one key. While it waits, others queue up behind it.
fn held(
    key: &[u8],
) -> (
    mpsc::Sender<()>,
    impl FnOnce(&mut Txn<'_>) -> Result<(), &'static str> + Send + use<>,
) {
    let (go, hold) = mpsc::channel::<()>();
    let puts = puts(key);
    (go, move |txn: &mut Txn<'_>| {
        hold.recv().unwrap();
        puts(txn)
    })
}

#[test]
fn jobs_that_wait_together_share_a_commit() {
    let store = Arc::new(Memory::new());
    let sealed = Arc::new(Mutex::new(0));
    let hooks = Hooks {
        seal: Box::new({
            let sealed = Arc::clone(&sealed);
            move |txn| {
                *sealed.lock().unwrap() += 1;
                txn.put(b"sealed", everything(txn).len().to_be_bytes().to_vec());
                Ok(())
            }
        }),
        committed: Box::new(|_| ()),
    };
    let committer = Committer::start(store.clone(), hooks).unwrap();
    wait(async {
        let (go, job) = held(b"first");
        let mut first = Box::pin(committer.commit(job));
        assert!(waits(&mut first));
        let mut others: Vec<_> = (0..50_u8).map(|key| Box::pin(committer.commit(puts(&[key])))).collect();
        for other in &mut others {
            assert!(waits(other));
        }
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        for done in join_all(others).await {
            done.unwrap().unwrap();
        }
    });
    assert_eq!(store.operations().commits, 1);
    assert_eq!(*sealed.lock().unwrap(), 1, "one seal for the whole group");
    assert_eq!(
        store.get(b"sealed").unwrap(),
        Some(51_usize.to_be_bytes().to_vec()),
        "the seal sees all"
    );
    assert_eq!(everything(&*store).len(), 52);
}

#[test]
fn of_what_jobs_of_a_group_announce_the_highest_that_is_kept_is_told_once() {
    let (tell, told) = mpsc::channel();
    let hooks = Hooks {
        seal: Box::new(|_| Ok(())),
        committed: Box::new(move |changes| tell.send(changes).unwrap()),
    };
    let committer = Committer::start(Arc::new(Memory::new()), hooks).unwrap();
    let announces = |changes: u64, kept: Result<(), &'static str>| {
        move |txn: &mut Txn<'_>| {
            txn.put(changes.to_be_bytes(), b"put".to_vec());
            txn.announce(changes);
            kept
        }
    };
    wait(async {
        let (go, job) = held(b"first");
        let mut first = Box::pin(committer.commit(job));
        let mut one = Box::pin(committer.commit(announces(1, Ok(()))));
        let mut failed = Box::pin(committer.commit(announces(3, Err("no"))));
        let mut two = Box::pin(committer.commit(announces(2, Ok(()))));
        let mut silent = Box::pin(committer.commit(puts(b"silent")));
        assert!(waits(&mut first));
        assert!(waits(&mut one));
        assert!(waits(&mut failed));
        assert!(waits(&mut two));
        assert!(waits(&mut silent));
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        one.await.unwrap().unwrap();
        failed.await.unwrap().unwrap_err();
        two.await.unwrap().unwrap();
        silent.await.unwrap().unwrap();
    });
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_group_that_writes_much_is_not_made_larger() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    wait(async {
        let (go, job) = held(b"first");
        let mut first = Box::pin(committer.commit(job));
        assert!(waits(&mut first));
        let large = |key: u8| {
            move |txn: &mut Txn<'_>| {
                for part in 0..8 {
                    txn.put(vec![key, part], vec![0; VALUE_CAP]);
                }
                Ok::<_, ()>(())
            }
        };
        let mut others: Vec<_> = (0..6).map(|key| Box::pin(committer.commit(large(key)))).collect();
        for other in &mut others {
            assert!(waits(other));
        }
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        for done in join_all(others).await {
            done.unwrap().unwrap();
        }
    });
    assert_eq!(everything(&*store).len(), 6 * 8 + 1);
    assert!(store.operations().commits >= 6, "each of the large ones fills a group");
}

#[test]
fn a_job_sees_the_writes_of_those_before_it_but_not_of_those_that_failed() {
    on_each(|store| {
        let committer = started(Arc::clone(&store));
        wait(async {
            let (go, job) = held(b"kept");
            let mut first = Box::pin(committer.commit(job));
            let mut failed = Box::pin(committer.commit(|txn| {
                txn.delete(b"kept");
                txn.put(b"undone", b"put".to_vec());
                Err::<(), _>("no")
            }));
            let mut panicked = Box::pin(committer.commit(|txn| -> Result<(), ()> {
                txn.put(b"undone", b"put".to_vec());
                panic!("in a job")
            }));
            let mut reads = Box::pin(committer.commit(|txn| Ok::<_, ()>(everything(txn))));
            assert!(waits(&mut first));
            assert!(waits(&mut failed));
            assert!(waits(&mut panicked));
            assert!(waits(&mut reads));
            go.send(()).unwrap();
            first.await.unwrap().unwrap();
            assert_eq!(failed.await.unwrap().unwrap_err(), "no");
            assert!(matches!(panicked.await, Err(Unwritten::Refused { .. })));
            let seen = reads.await.unwrap().unwrap().into_inner();
            assert_eq!(seen, [(b"kept".to_vec(), b"put".to_vec())]);
            assert_eq!(everything(&*store), seen);
        });
    });
}

/// What a job is told that brings what was seen of a key.
async fn holds(committer: &Committer, seen: Seen) -> bool {
    let told = committer.commit_on(committer.soon(), seen, |_, holds| Ok::<_, ()>(holds));
    told.await.unwrap().unwrap().into_inner()
}

#[test]
fn what_was_seen_holds_unless_a_job_before_in_the_group_wrote_it() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    wait(async {
        let seen = |key: &[u8]| {
            let view = committer.view(&*store);
            view.get(key).unwrap();
            view.seen()
        };
        let (go, job) = held(b"written");
        let mut first = Box::pin(committer.commit(job));
        let mut failed = Box::pin(committer.commit(|txn| {
            txn.put(b"undone", b"put".to_vec());
            Err::<(), _>("no")
        }));
        assert!(waits(&mut first) && waits(&mut failed));
        let keys = [b"written".as_slice(), b"undone", b"another"];
        let mut told = keys.map(|key| Box::pin(holds(&committer, seen(key))));
        assert!(told.iter_mut().all(waits));
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(join_all(told).await, [false, true, true]);
    });
}

#[test]
fn what_was_seen_holds_unless_a_commit_since_wrote_it_be_it_by_the_seal() {
    let store = Arc::new(Memory::new());
    let hooks = Hooks {
        seal: Box::new(|txn| {
            txn.put(b"sealed", b"put".to_vec());
            Ok(())
        }),
        committed: Box::new(|_| ()),
    };
    let committer = Committer::start(store.clone(), hooks).unwrap();
    wait(async {
        let seen = |key: &[u8]| {
            let view = committer.view(&*store);
            view.get(key).unwrap();
            view.seen()
        };
        let before = [b"written".as_slice(), b"sealed", b"another"].map(seen);
        committer.commit(puts(b"written")).await.unwrap().unwrap();
        let told = before.map(|seen| holds(&committer, seen));
        assert_eq!(join_all(told).await, [false, false, true]);
        assert!(
            holds(&committer, seen(b"written")).await,
            "it was seen after that commit"
        );
    });
}

#[test]
fn jobs_run_in_the_order_they_came() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    wait(async {
        let (go, job) = held(b"first");
        let mut first = Box::pin(committer.commit(job));
        assert!(waits(&mut first));
        let append = |key: u8| {
            move |txn: &mut Txn<'_>| {
                let mut order = txn.get(b"order")?.unwrap_or_default();
                order.push(key);
                txn.put(b"order", order);
                Ok::<_, crate::store::Error>(())
            }
        };
        let mut others: Vec<_> = (0..30).map(|key| Box::pin(committer.commit(append(key)))).collect();
        for other in &mut others {
            assert!(waits(other));
        }
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        for done in join_all(others).await {
            done.unwrap().unwrap();
        }
    });
    assert_eq!(store.get(b"order").unwrap(), Some((0..30).collect()));
}

#[test]
fn stopping_finishes_what_waits_and_lets_go_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let committer = started(Arc::new(Disk::open(folder.path()).unwrap()));
    wait(async {
        let (go, job) = held(b"first");
        let mut first = Box::pin(committer.commit(job));
        let mut second = Box::pin(committer.commit(puts(b"second")));
        let mut stop = Box::pin(committer.stop());
        let mut third = Box::pin(committer.commit(puts(b"third")));
        assert!(waits(&mut first));
        assert!(waits(&mut second));
        assert!(waits(&mut stop));
        assert!(waits(&mut third), "it is in the queue, and so it is finished too");
        go.send(()).unwrap();
        stop.await;
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        third.await.unwrap().unwrap();
        assert_eq!(committer.closed().as_deref(), Some("it was stopped"));
        let late = committer.commit(puts(b"late")).await;
        assert!(matches!(late, Err(Unwritten::Closed { .. })), "{late:?}");
        committer.stop().await;
    });
    assert_eq!(everything(&Disk::open(folder.path()).unwrap()).len(), 3);
}

#[test]
fn the_thread_ends_with_the_last_committer() {
    let store = Arc::new(Memory::new());
    let committer = started(store.clone());
    let other = committer.clone();
    drop(committer);
    wait(async { other.commit(puts(b"a")).await.unwrap().unwrap() });
    drop(other);
    while Arc::strong_count(&store) > 1 {
        std::thread::yield_now();
    }
}
