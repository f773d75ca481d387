//! How a caller who is alone is kept from waiting for a core to wake, which takes as long as a good part of an answer: who
//! waits looks for what they wait for, for a while, and sleeps only then. Between two looks, other tasks and threads go first.
//! Never does so for anyone who is not alone, nor where there is but one core.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::oneshot::{Receiver, error::TryRecvError},
    task,
};

/// For how long one looks at most: longer than an answer takes to decide, and than a commit mostly takes.
pub(super) const PATIENCE: Duration = Duration::from_micros(500);

/// Counts who is about to bring a job, or has brought one and waits.
#[derive(Debug)]
pub(super) struct Alone {
    coming: AtomicUsize,
    /// For how long who is alone looks.
    patience: Duration,
}

/// Somebody who is about to bring a job, until it is dropped.
#[derive(Debug)]
#[must_use = "who is not counted is not kept from sleeping"]
pub struct Coming<'a>(&'a Alone);

impl Alone {
    /// Nobody yet. With so many cores, whoever is alone looks for so long: not at all with one, from which they would keep
    /// what they wait for.
    pub(super) fn new(cores: usize, patience: Duration) -> Self {
        Self {
            coming: AtomicUsize::new(0),
            patience: if cores > 1 { patience } else { Duration::ZERO },
        }
    }

    /// Counts somebody, and says whether they are the only one and may look.
    pub(super) fn count(&self) -> (Coming<'_>, bool) {
        let before = self.coming.fetch_add(1, Ordering::Relaxed);
        (Coming(self), before == 0 && !self.patience.is_zero())
    }

    /// The answer to a job. `None` if there will be none.
    pub(super) async fn answer<T>(&self, mut answered: Receiver<T>) -> Option<T> {
        let began = Instant::now();
        while self.coming.load(Ordering::Relaxed) == 1 && began.elapsed() < self.patience {
            match answered.try_recv() {
                Ok(answer) => return Some(answer),
                // A receiver that has told this must not be asked again.
                Err(TryRecvError::Closed) => return None,
                Err(TryRecvError::Empty) => {
                    // The committing thread may wait for this very core.
                    thread::yield_now();
                    task::yield_now().await;
                }
            }
        }
        answered.await.ok()
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.0.coming.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::{Context, Poll, Wake, Waker},
    };

    use tokio::sync::oneshot::{self, Sender};

    use super::*;

    /// Tells whether it was woken.
    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    /// Polls once what is pending, and says whether it wants to be polled again at once: whether it looks.
    fn looks<T>(answer: &mut Pin<&mut impl Future<Output = Option<T>>>) -> bool {
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        assert!(answer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        woken.0.load(Ordering::SeqCst)
    }

    /// Whoever waits gets the answer that is sent, or is told that there will be none.
    fn ends(answer: &mut Pin<&mut impl Future<Output = Option<u8>>>, sender: Sender<u8>, answers: bool) {
        match answers {
            true => sender.send(7).unwrap(),
            false => drop(sender),
        }
        let got = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(got, Poll::Ready(answers.then_some(7)));
    }

    #[test]
    fn who_is_alone_looks_for_their_answer() {
        let alone = Alone::new(2, Duration::MAX);
        let (_coming, first) = alone.count();
        assert!(first);
        for answers in [true, false] {
            let (sender, answered) = oneshot::channel();
            let mut answer = pin!(alone.answer(answered));
            assert!(looks(&mut answer));
            ends(&mut answer, sender, answers);
        }
    }

    #[test]
    fn whoever_has_looked_for_long_enough_sleeps_until_there_is_an_answer() {
        let alone = Alone::new(2, PATIENCE);
        let (_coming, _first) = alone.count();
        for answers in [true, false] {
            let (sender, answered) = oneshot::channel();
            let mut answer = pin!(alone.answer(answered));
            assert!((0..100_000_000).any(|_| !looks(&mut answer)), "it looks for ever");
            ends(&mut answer, sender, answers);
        }
    }

    #[test]
    fn who_is_not_alone_or_has_one_core_does_not_look() {
        for (cores, count, expected) in [(2, 0, false), (2, 1, true), (2, 2, false), (1, 1, false)] {
            let alone = Alone::new(cores, Duration::MAX);
            let coming: Vec<_> = (0..count).map(|_| alone.count()).collect();
            let only: Vec<_> = coming.iter().filter(|(_, only)| *only).collect();
            assert_eq!(
                only.len(),
                usize::from(count > 0 && cores > 1),
                "{cores} cores, {count} coming"
            );
            let (_sender, answered) = oneshot::channel::<()>();
            let mut answer = pin!(alone.answer(answered));
            assert_eq!(looks(&mut answer), expected, "{cores} cores, {count} coming");
        }
    }

    #[test]
    fn who_looks_stops_when_another_comes() {
        let alone = Alone::new(2, Duration::MAX);
        let (_coming, _first) = alone.count();
        let (_sender, answered) = oneshot::channel::<()>();
        let mut answer = pin!(alone.answer(answered));
        assert!(looks(&mut answer));
        let other = alone.count();
        assert!(!looks(&mut answer));
        drop(other);
        let (_sender, answered) = oneshot::channel::<()>();
        assert!(looks(&mut pin!(alone.answer(answered))));
    }
}
