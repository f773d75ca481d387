//! The one path by which anything is written: merges what is waiting into one batch, commits it, then answers everyone.
//! Never says "done" before the batch is durable, and never writes again after a commit has failed.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
};

use super::{
    Error, Read, Store, Txn,
    desk::{Desk, Done, Job, Run, Work},
    effort::Effort,
    view::{Recent, Seen, View},
};

/// How many jobs may wait before those who bring more must wait to hand them over.
const WAITING_CAP: usize = 4096;
/// How often the thread lets others run before it takes a group, if the one before was shared: those who are about to bring
/// another then share this one, and what a commit costs. Whoever is alone is not kept waiting.
const YIELDS: usize = 4;
/// What completes a group before its commit.
pub type Seal = Box<dyn Fn(&mut Txn<'_>) -> Result<(), Error> + Send>;

/// What the hub has done with each group.
pub struct Hooks {
    /// Completes a group that writes something, just before its commit: the ledger puts its tree in order here.
    pub seal: Seal,
    /// Called after the commit of a group in which a job announced a change, and before anyone is answered.
    pub committed: Box<dyn Fn() + Send>,
}

/// Hands jobs to the one thread that commits. Clones hand them to the same thread, which ends with the last of them.
#[derive(Clone)]
pub struct Committer {
    jobs: mpsc::Sender<Message>,
    desk: Arc<Desk>,
    effort: Arc<Effort>,
    held: Arc<Mutex<Option<Arc<str>>>>,
    ended: watch::Receiver<()>,
}

/// What a job returned, and the evidence that everything it wrote, and everything it read, is durable.
/// Only the committer makes it.
#[derive(Debug)]
pub struct Committed<T>(T);

/// Why no answer may rest on a job.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unwritten {
    /// The committer writes nothing more, in this process or until it is let go on, for anyone. Of a job that waited when it closed, nothing can
    /// be said: its writes may be there after the next start, or not.
    #[error("the hub has stopped writing: {why}")]
    Closed {
        /// What closed it.
        why: Arc<str>,
    },
    /// This job alone was dropped, and nothing that it wrote is in the store. It would be dropped again.
    #[error("the hub cannot write this: {why}")]
    Refused {
        /// What is wrong with the job.
        why: &'static str,
    },
}

impl<T> Committed<T> {
    /// What the job returned.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Committed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").field("closed", &self.closed()).finish()
    }
}

impl Committer {
    /// Starts the thread that commits to `store`. Nothing else may commit to it.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(store: Arc<dyn Store>, hooks: Hooks) -> Result<Self, Error> {
        let (jobs, waiting) = mpsc::channel(WAITING_CAP);
        let (alive, ended) = watch::channel(());
        let effort = Arc::<Effort>::default();
        let work = Work {
            recent: Recent::default(),
            effort: Arc::clone(&effort),
            store,
            hooks,
        };
        let desk = Arc::new(Desk::of(work));
        let thread = Thread {
            desk: desk.clone(),
            waiting,
        };
        thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || {
                thread.run();
                drop(alive);
            })
            .map_err(|error| Error::Engine {
                doing: "start its committer",
                source: error.into(),
            })?;
        Ok(Self {
            jobs,
            desk,
            effort,
            held: Arc::default(),
            ended,
        })
    }

    /// Has a job run on top of what was committed before and of the jobs before it, and waits until what it wrote is durable.
    /// A job that returns `Err` leaves no writes.
    ///
    /// Once the job is in the queue it runs and is committed, even if the caller drops the future. The job must be quick
    /// and must not wait for the committer: all other writes wait for it.
    ///
    /// # Errors
    /// [`Unwritten`] if there is no knowing that the job's writes are durable. The inner result is the job's own; an `Err`
    /// of it, too, arrives only once all that the job read is durable.
    pub async fn commit<T, E>(
        &self,
        job: impl FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<Committed<T>, E>, Unwritten>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.bring((None, How::Usual), move |txn, _| job(txn)).await
    }

    /// As `commit`, also while every job is turned away: for what must come before they are taken again.
    ///
    /// # Errors
    /// As for `commit`.
    pub async fn commit_though_held<T, E>(
        &self,
        job: impl FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<Committed<T>, E>, Unwritten>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.bring((None, How::ThoughHeld), move |txn, _| job(txn)).await
    }

    /// A view of `base`, which must be the store that is committed to: to make ready on the caller's own thread what a job
    /// is to write.
    pub fn view<'r>(&self, base: &'r dyn Read) -> View<'r> {
        View::new(base, self.effort.commits())
    }

    /// As `commit`. The job is also told whether nothing that was seen has been written since, so that what was made ready
    /// on it may be used. If not, the job must read anew.
    ///
    /// # Errors
    /// As for `commit`.
    pub async fn commit_on<T, E>(
        &self,
        seen: Seen,
        job: impl FnOnce(&mut Txn<'_>, bool) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<Committed<T>, E>, Unwritten>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.bring((Some(seen), How::Usual), job).await
    }

    /// As `commit_on`, or as `commit` if nothing was seen, by the caller's own thread if nobody else is waiting and the runtime has other threads: to wake the
    /// committer's, and to be woken by it, may take longer than the job. Not for who brings many jobs from one task, each
    /// of which would have a commit to itself.
    ///
    /// # Errors
    /// As for `commit`.
    pub async fn commit_here<T, E>(
        &self,
        seen: Option<Seen>,
        job: impl FnOnce(&mut Txn<'_>, bool) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<Committed<T>, E>, Unwritten>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.bring((seen, How::Here), job).await
    }

    async fn bring<T, E>(
        &self,
        (seen, how): (Option<Seen>, How),
        job: impl FnOnce(&mut Txn<'_>, bool) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<Committed<T>, E>, Unwritten>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        if let Some(why) = self.held.lock().clone().filter(|_| how != How::ThoughHeld) {
            return Err(Unwritten::Closed { why });
        }
        let (answer, answered) = oneshot::channel();
        let run: Run = Box::new(move |txn, holds| {
            let done = job(txn, holds);
            Done {
                keep: done.is_ok(),
                // A caller who no longer listens is no reason to undo anything.
                answer: Box::new(move |refused| {
                    let _gone = answer.send(refused.map_or_else(|| Ok(done.map(Committed)), Err));
                }),
            }
        });
        let job = Job { seen, run };
        if how == How::Here && others_work() && self.desk.is_free() {
            // If it is closed, that is told by the answer that does not come.
            let _closed = self.desk.commit_alone(job);
        } else {
            let Ok(room) = self.jobs.reserve().await else {
                return Err(self.unanswered());
            };
            self.desk.pending.fetch_add(1, Ordering::SeqCst);
            room.send(Message::Job(job));
        }
        answered.await.unwrap_or_else(|_| Err(self.unanswered()))
    }

    /// What closed the committer, if it is closed. It says nothing of what was to be written.
    pub fn closed(&self) -> Option<Arc<str>> {
        self.desk.why.get().cloned().or_else(|| self.held.lock().clone())
    }

    /// How many batches were written, and how long the store took for them altogether.
    pub fn effort(&self) -> (u64, Duration) {
        (self.effort.commits(), self.effort.took())
    }

    /// Turns every job away from now on, for this reason, or (`None`) takes them again. What is waiting is still written.
    pub fn hold(&self, why: Option<Arc<str>>) {
        *self.held.lock() = why;
    }

    /// Finishes what is waiting, closes the committer for good, and returns when its thread has ended and has let go of the store.
    pub async fn stop(&self) {
        // If it cannot be told, it has stopped already.
        let _stopped = self.jobs.send(Message::Stop).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// A job is dropped unanswered if it panicked, or if the committer closed with the reason written down before.
    fn unanswered(&self) -> Unwritten {
        match self.closed() {
            Some(why) => Unwritten::Closed { why },
            None => Unwritten::Refused { why: "it panicked" },
        }
    }
}

/// How a job is brought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// To the thread.
    Usual,
    /// To the thread, also while jobs are turned away.
    ThoughHeld,
    /// To be run on this thread, if nobody else is waiting.
    Here,
}

/// Whether this thread is one of several of a runtime, so that the others go on while it waits for the disk.
fn others_work() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.metrics().num_workers() > 1)
}

enum Message {
    Job(Job),
    Stop,
}

/// The thread that commits.
struct Thread {
    desk: Arc<Desk>,
    waiting: mpsc::Receiver<Message>,
}

impl Thread {
    fn run(mut self) {
        while let Some(message) = self.waiting.blocking_recv() {
            if self.desk.shared.load(Ordering::Relaxed) {
                (0..YIELDS).for_each(|_| thread::yield_now());
            }
            let (mut first, mut stop) = (Some(message), false);
            let done = self.desk.commit(&mut || {
                if stop {
                    return None;
                }
                match first.take().or_else(|| self.waiting.try_recv().ok())? {
                    Message::Job(job) => Some(job),
                    Message::Stop => {
                        stop = true;
                        None
                    }
                }
            });
            match done {
                Ok(answers) => {
                    if stop {
                        self.close("it was stopped".into());
                    }
                    answers.into_iter().for_each(|answer| answer());
                }
                Err(why) => {
                    self.close(why);
                    // Whoever handed over a job while the queue was being closed is told by being dropped.
                    while self.waiting.blocking_recv().is_some() {}
                }
            }
        }
        self.desk.end();
    }

    /// The reason is written down first, so that whoever is turned away can be told it.
    fn close(&mut self, why: Arc<str>) {
        let _first = self.desk.why.set(why);
        self.waiting.close();
    }
}
