//! How a caller who is alone is kept from waiting for a core to wake, which takes as long as a good part of an answer: who
//! waits looks for what they wait for, for a while, and sleeps only then. Between two looks, other threads go first.
//! Never does so for anyone who is counted beside another, or was lately, nor where there is but one core.
//!
//! Who looks keeps their thread from other tasks meanwhile, and nobody may be there to take what comes from the network. If
//! other tasks went first, the runtime would wake another of its threads at each look: with two cores, on the one that the
//! commit needs. So only those look who say that they may; in the task of a stream there are its next signals to take.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot::{Receiver, error::TryRecvError};

/// For how long one looks at most: longer than an answer takes to decide, and than a commit mostly takes.
pub(super) const PATIENCE: Duration = Duration::from_micros(500);

/// How many must come alone, one after the other, before the last of them looks: of two who ask time and again, one is often
/// alone by chance, and the other would have to wait until they have looked.
const BY_CHANCE: usize = 16;

/// Counts who is about to bring a job, or has brought one and waits.
#[derive(Debug)]
pub(super) struct Alone {
    coming: AtomicUsize,
    /// How many more must come alone before one looks.
    doubted: AtomicUsize,
    /// For how long who is alone looks.
    patience: Duration,
}

/// Somebody who is about to bring a job, until it is dropped.
#[derive(Debug)]
#[must_use = "who is not counted is taken for nobody"]
pub struct Coming<'a> {
    among: &'a Alone,
    /// Whether there is nothing else to do on their task until they have their answer.
    may_look: bool,
}

impl Alone {
    /// Nobody yet. With so many cores, whoever is alone looks for so long: not at all with one, from which they would keep
    /// what they wait for.
    pub(super) fn new(cores: usize, patience: Duration) -> Self {
        Self {
            coming: AtomicUsize::new(0),
            doubted: AtomicUsize::new(0),
            patience: if cores > 1 { patience } else { Duration::ZERO },
        }
    }

    /// Counts somebody, who may look if they are alone, or may not.
    pub(super) fn count(&self, may_look: bool) -> Coming<'_> {
        match self.coming.fetch_add(1, Ordering::Relaxed) {
            0 if may_look => {
                let less = |left: usize| left.checked_sub(1);
                let _none_left = self.doubted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            }
            0 => {}
            _ => self.doubted.store(BY_CHANCE, Ordering::Relaxed),
        }
        let may_look = may_look && !self.patience.is_zero();
        Coming { among: self, may_look }
    }
}

impl Coming<'_> {
    /// Whether they look, as it stands: whoever else came since has raised a doubt.
    pub(super) fn looks(&self) -> bool {
        self.may_look && self.among.doubted.load(Ordering::Relaxed) == 0
    }

    /// The answer to their job. `None` if there will be none.
    pub(super) async fn answer<T>(&self, mut answered: Receiver<T>) -> Option<T> {
        let began = Instant::now();
        while self.looks() && began.elapsed() < self.among.patience {
            match answered.try_recv() {
                Ok(answer) => return Some(answer),
                // A receiver that has told this must not be asked again.
                Err(TryRecvError::Closed) => return None,
                // The committing thread may wait for this very core.
                Err(TryRecvError::Empty) => thread::yield_now(),
            }
        }
        answered.await.ok()
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.among.coming.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        sync::mpsc,
        task::{Context, Poll, Waker},
    };

    use tokio::sync::oneshot;

    use super::*;

    /// How often to try what another thread may do too early to show anything.
    const MANY: usize = 50;

    /// Polls once.
    fn poll<T>(future: &mut Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Polls once for the answer to a job, while another thread does something, which mostly begins later than the poll.
    fn while_polled(coming: &Coming<'_>, job: Receiver<u8>, meanwhile: impl FnOnce() + Send) -> Poll<Option<u8>> {
        let (go, wait) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                wait.recv().unwrap();
                meanwhile();
            });
            let mut answer = pin!(coming.answer(job));
            go.send(()).unwrap();
            poll(&mut answer)
        })
    }

    #[test]
    fn who_is_alone_looks_until_there_is_an_answer_or_will_be_none() {
        let alone = Alone::new(2, Duration::MAX);
        for _ in 0..MANY {
            let coming = alone.count(true);
            let (sender, job) = oneshot::channel();
            let found = while_polled(&coming, job, || sender.send(7).unwrap());
            assert_eq!(found, Poll::Ready(Some(7)));
            let (sender, job) = oneshot::channel();
            assert_eq!(while_polled(&coming, job, || drop(sender)), Poll::Ready(None));
        }
    }

    #[test]
    fn who_looks_stops_when_another_comes() {
        for may_look in [true, false].repeat(MANY) {
            let alone = Alone::new(2, Duration::from_secs(10));
            let coming = alone.count(true);
            let (_sender, job) = oneshot::channel();
            let found = while_polled(&coming, job, || drop(alone.count(may_look)));
            assert_eq!(found, Poll::Pending);
            assert!(!coming.looks(), "it was given up only in the end");
        }
    }

    #[test]
    fn who_has_looked_for_long_enough_or_does_not_look_sleeps_until_there_is_an_answer_or_will_be_none() {
        for (may_look, patience) in [(true, PATIENCE), (false, Duration::MAX)] {
            let alone = Alone::new(2, patience);
            let coming = alone.count(may_look);
            for answer in [Some(7), None] {
                let (sender, job) = oneshot::channel();
                let mut waits = pin!(coming.answer(job));
                assert!(poll(&mut waits).is_pending());
                match answer {
                    Some(answer) => sender.send(answer).unwrap(),
                    None => drop(sender),
                }
                assert_eq!(poll(&mut waits), Poll::Ready(answer));
            }
        }
    }

    #[test]
    fn who_is_not_alone_or_may_not_look_or_has_one_core_does_not_look() {
        for (cores, may_look, others, expected) in [
            (2, true, 0, true),
            (2, true, 1, false),
            (2, false, 0, false),
            (1, true, 0, false),
        ] {
            let alone = Alone::new(cores, Duration::MAX);
            let _others: Vec<_> = (0..others).map(|_| alone.count(false)).collect();
            let looks = alone.count(may_look).looks();
            assert_eq!(looks, expected, "{cores} cores, {may_look}, {others} others");
        }
    }

    #[test]
    fn who_comes_alone_soon_after_two_at_once_does_not_look() {
        let alone = Alone::new(2, Duration::MAX);
        for _ in 0..2 {
            drop((alone.count(true), alone.count(true)));
            (1..BY_CHANCE).for_each(|_| assert!(!alone.count(true).looks()));
            (0..2).for_each(|_| assert!(alone.count(true).looks()));
        }
    }

    #[test]
    fn who_may_not_look_and_is_alone_neither_raises_a_doubt_nor_ends_it() {
        let alone = Alone::new(2, Duration::MAX);
        drop(alone.count(false));
        assert!(alone.count(true).looks());
        drop((alone.count(false), alone.count(true)));
        (0..BY_CHANCE).for_each(|_| drop(alone.count(false)));
        assert!(!alone.count(true).looks());
    }
}
