//! The committing thread: runs the jobs that wait, one after the other, and commits what they wrote together.
//! Never answers before the batch is durable, and runs nothing after a commit has failed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{Hooks, Unwritten, alone::PATIENCE};
use crate::store::{
    BATCH_CAP, Store, Txn,
    effort::Effort,
    view::{Recent, Seen},
    weigh,
};

/// How many jobs share a commit.
const GROUP_CAP: usize = 512;
/// A group that writes more bytes than this takes no further job.
const GROUP_FULL: usize = BATCH_CAP / 4;
/// How often the thread lets others run before it takes a group, if several jobs shared the one before: those who are about
/// to bring another then share this one, and what a commit costs. Whoever is alone is not kept waiting.
const YIELDS: usize = 4;
/// The most that one job may write, in bytes. With a group that is nearly full this leaves a quarter of a batch for what
/// the seal writes.
const JOB_CAP: usize = BATCH_CAP / 2;

pub(super) type Run = Box<dyn FnOnce(&mut Txn<'_>, bool) -> Done + Send>;

/// A job, and what was read for it beforehand.
pub(super) struct Job {
    pub(super) seen: Option<Seen>,
    pub(super) run: Run,
}

pub(super) enum Message {
    Job(Job),
    /// A job is about to be brought.
    Soon,
    Stop,
}

/// A job that has run: whether its writes are kept, and how to answer who brought it (with a refusal, or with its result).
pub(super) struct Done {
    pub(super) keep: bool,
    pub(super) answer: Box<dyn FnOnce(Option<Unwritten>) + Send>,
}

/// The thread, and what it works with.
pub(super) struct Thread {
    pub(super) store: Arc<dyn Store>,
    pub(super) hooks: Hooks,
    pub(super) waiting: mpsc::Receiver<Message>,
    pub(super) recent: Recent,
    pub(super) effort: Arc<Effort>,
    pub(super) why: Arc<OnceLock<Arc<str>>>,
}

impl Thread {
    pub(super) fn run(mut self) {
        let mut shared = false;
        while let Some(message) = next(&mut self.waiting) {
            if shared {
                (0..YIELDS).for_each(|_| thread::yield_now());
            }
            let mut answers = Vec::new();
            let group = AssertUnwindSafe(|| self.group(message, &mut answers));
            // What a panic said stays out of the reason: it may quote what was being written.
            match catch_unwind(group).unwrap_or_else(|_| Err("a commit panicked".to_owned())) {
                Ok(stop) => {
                    shared = answers.len() > 1;
                    if stop {
                        self.close("it was stopped".into());
                    }
                    for answer in answers {
                        answer();
                    }
                }
                Err(why) => {
                    tracing::error!(why, "the hub has stopped writing");
                    self.close(why.into());
                    // The group, and whoever handed over a job while the queue was being closed, are told by being dropped.
                    drop(answers);
                    while self.waiting.blocking_recv().is_some() {}
                }
            }
        }
    }

    /// The reason is written down first, so that whoever is turned away can be told it.
    fn close(&mut self, why: Arc<str>) {
        let _first = self.why.set(why);
        self.waiting.close();
    }

    /// Runs one job and those waiting behind it, and commits what they wrote. Says whether it was told to stop. The answers
    /// are for after that.
    fn group(&mut self, first: Message, answers: &mut Vec<Answer>) -> Result<bool, String> {
        let store = Arc::clone(&self.store);
        let mut txn = Txn::new(&*store);
        let mut bytes = 0;
        let mut stop = false;
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Job(job) => {
                    let (answer, wrote) = run_job(job, &mut txn, &mut self.recent);
                    answers.extend(answer);
                    bytes += wrote;
                }
                Message::Soon => {}
                Message::Stop => stop = true,
            }
            let full = stop || bytes > GROUP_FULL || answers.len() >= GROUP_CAP;
            next = if full { None } else { self.waiting.try_recv().ok() };
        }
        if !txn.is_empty() {
            (self.hooks.seal)(&mut txn).map_err(|error| error.in_full())?;
            let (batch, announced) = txn.finish();
            // What the seal writes, too.
            self.recent.note(&batch);
            self.recent.commit();
            let committed = self.effort.time(|| store.commit(batch));
            committed.map_err(|error| error.in_full())?;
            // Not before: whoever reads now and finds this number finds all that was written up to it.
            self.effort.reach(self.recent.commits());
            if let Some(changes) = announced {
                (self.hooks.committed)(changes);
            }
        }
        Ok(stop)
    }
}

/// Waits for the next message that is more than the word that one is coming. `None` once there will be none.
fn next(waiting: &mut mpsc::Receiver<Message>) -> Option<Message> {
    loop {
        match waiting.blocking_recv()? {
            Message::Soon => {
                if let Some(message) = look(waiting, PATIENCE) {
                    return Some(message);
                }
            }
            message => return Some(message),
        }
    }
}

/// Looks for a message that is coming, for a while. Other threads go first.
fn look(waiting: &mut mpsc::Receiver<Message>, patience: Duration) -> Option<Message> {
    let began = Instant::now();
    while began.elapsed() < patience {
        match waiting.try_recv() {
            Ok(Message::Soon) => {}
            Ok(message) => return Some(message),
            Err(mpsc::error::TryRecvError::Empty) => thread::yield_now(),
            Err(mpsc::error::TryRecvError::Disconnected) => return None,
        }
    }
    None
}

type Answer = Box<dyn FnOnce() + Send>;

/// Runs a job on top of its group, and takes over its writes if they are to be kept. Gives how to answer it after the commit
/// (not at all, if it panicked) and how many bytes were taken over.
fn run_job(Job { seen, run }: Job, group: &mut Txn<'_>, recent: &mut Recent) -> (Option<Answer>, usize) {
    let holds = seen.is_some_and(|seen| recent.leaves(&seen));
    let mut txn = Txn::new(&*group);
    let Ok(Done { keep, answer }) = catch_unwind(AssertUnwindSafe(|| run(&mut txn, holds))) else {
        return (None, 0);
    };
    let writes = txn.finish();
    if !keep {
        return (Some(Box::new(move || answer(None))), 0);
    }
    match weigh(&writes.0) {
        Ok(bytes) if bytes <= JOB_CAP => {
            recent.note(&writes.0);
            group.absorb(writes);
            (Some(Box::new(move || answer(None))), bytes)
        }
        _ => {
            let why = "it writes more than the store takes at once";
            (Some(Box::new(move || answer(Some(Unwritten::Refused { why })))), 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_coming_is_looked_for_for_a_while() {
        let (sender, mut waiting) = mpsc::channel(8);
        assert!(look(&mut waiting, PATIENCE).is_none(), "nothing came");
        for message in [Message::Soon, Message::Soon, Message::Stop] {
            assert!(sender.try_send(message).is_ok());
        }
        assert!(matches!(look(&mut waiting, Duration::MAX), Some(Message::Stop)));
        drop(sender);
        assert!(look(&mut waiting, Duration::MAX).is_none(), "nothing will come");
    }

    #[test]
    fn the_word_that_one_is_coming_is_no_message() {
        let (sender, mut waiting) = mpsc::channel(8);
        for message in [Message::Soon, Message::Soon, Message::Stop, Message::Soon] {
            assert!(sender.try_send(message).is_ok());
        }
        assert!(matches!(next(&mut waiting), Some(Message::Stop)));
        drop(sender);
        assert!(next(&mut waiting).is_none());
    }
}
