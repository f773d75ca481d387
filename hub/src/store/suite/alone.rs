//! That who is alone looks for their answer for a while and no longer, that others do not, and that a job which is expected
//! may come or not.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Wake, Waker},
};

use super::{
    committer::{puts, started, wait, waits},
    everything,
    group::held,
    on_each,
};
use crate::store::{Committer, Memory, committer::STREAK};

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once what is pending, and says whether it is to be polled again at once: it is looking for its answer then.
fn looks(future: &mut Pin<&mut impl Future>) -> bool {
    let woken = Arc::<Woken>::default();
    let waker = Waker::from(woken.clone());
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    woken.0.load(Ordering::SeqCst) > 0
}

/// Commits as often as it takes to be taken for alone.
fn quiet(committer: &Committer) {
    for key in 0..STREAK {
        wait(committer.commit(puts(&key.to_be_bytes()))).unwrap().unwrap();
    }
}

#[test]
fn who_is_alone_looks_for_their_answer_and_goes_to_sleep_after_a_while() {
    let committer = started(Arc::new(Memory::new()));
    quiet(&committer);
    let (go, job) = held(b"last");
    let mut last = pin!(committer.commit(job));
    assert!(looks(&mut last));
    while looks(&mut last) {}
    go.send(()).unwrap();
    wait(last).unwrap().unwrap();
}

#[test]
fn who_comes_after_several_came_together_goes_to_sleep_at_once() {
    let committer = started(Arc::new(Memory::new()));
    quiet(&committer);
    let (go, job) = held(b"first");
    let mut first = pin!(committer.commit(job));
    let mut other = Box::pin(committer.commit(puts(b"other")));
    assert!(looks(&mut first));
    assert!(waits(&mut other));
    go.send(()).unwrap();
    wait(async { (first.await.unwrap().unwrap(), other.await.unwrap().unwrap()) });

    let (go, job) = held(b"next");
    let mut next = pin!(committer.commit(job));
    assert!(!looks(&mut next));
    go.send(()).unwrap();
    wait(next).unwrap().unwrap();
}

#[test]
fn a_job_that_is_expected_may_come_or_not() {
    on_each(|store| {
        let committer = started(store.clone());
        quiet(&committer);
        wait(async {
            committer.expect();
            committer.commit(puts(b"b")).await.unwrap().unwrap();
            committer.expect();
            committer.expect();
            committer.commit(puts(b"c")).await.unwrap().unwrap();
            committer.expect();
            committer.stop().await;
            committer.expect();
            assert!(committer.closed().is_some());
        });
        assert_eq!(everything(&*store).len(), STREAK as usize + 2);
    });
}
