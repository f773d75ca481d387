//! The one path by which anything is written: merges what is waiting into one batch, commits it, then answers everyone.
//! Never says "done" before the batch is durable, and never writes again after a commit has failed.

mod alone;
mod groups;

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Error, Read, Store, Txn,
    effort::Effort,
    view::{Recent, Seen, View},
};
pub use alone::Coming;
use alone::{Alone, PATIENCE};
use groups::{Done, Job, Message, Run, Thread};

/// How many jobs may wait before those who bring more must wait to hand them over.
const WAITING_CAP: usize = 4096;

/// What completes a group before its commit.
pub type Seal = Box<dyn Fn(&mut Txn<'_>) -> Result<(), Error> + Send>;

/// What the hub has done with each group.
pub struct Hooks {
    /// Completes a group that writes something, just before its commit: the ledger puts its tree in order here.
    pub seal: Seal,
    /// Called after the commit of a group in which a job announced a change, with what was announced last, and before anyone
    /// is answered.
    pub committed: Box<dyn Fn(u64) + Send>,
}

/// Hands jobs to the one thread that commits. Clones hand them to the same thread, which ends with the last of them.
#[derive(Clone)]
pub struct Committer {
    jobs: mpsc::Sender<Message>,
    effort: Arc<Effort>,
    hasher: RandomState,
    alone: Arc<Alone>,
    why: Arc<OnceLock<Arc<str>>>,
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
        let (why, effort) = (Arc::new(OnceLock::new()), Arc::<Effort>::default());
        let recent = Recent::default();
        let hasher = recent.hasher();
        let cores = thread::available_parallelism().map_or(1, Into::into);
        let work = Thread {
            recent,
            effort: Arc::clone(&effort),
            store,
            hooks,
            waiting,
            why: Arc::clone(&why),
        };
        thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || {
                work.run();
                drop(alive);
            })
            .map_err(|error| Error::Engine {
                doing: "start its committer",
                source: error.into(),
            })?;
        Ok(Self {
            jobs,
            effort,
            hasher,
            alone: Arc::new(Alone::new(cores, PATIENCE)),
            why,
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
    pub fn commit<T, E>(
        &self,
        job: impl FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    ) -> impl Future<Output = Result<Result<Committed<T>, E>, Unwritten>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.bring(self.among_others(), (None, false), move |txn, _| job(txn))
    }

    /// As `commit`, also while every job is turned away: for what must come before they are taken again.
    ///
    /// # Errors
    /// As for `commit`.
    pub fn commit_though_held<T, E>(
        &self,
        job: impl FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    ) -> impl Future<Output = Result<Result<Committed<T>, E>, Unwritten>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.bring(self.among_others(), (None, true), move |txn, _| job(txn))
    }

    /// A view of `base`, which must be the store that is committed to: to make ready on the caller's own thread what a job
    /// is to write.
    pub fn view<'r>(&self, base: &'r dyn Read) -> View<'r> {
        View::new(base, self.effort.commits(), self.hasher.clone())
    }

    /// As `commit`, for somebody who was said to be coming. The job is also told whether nothing that was seen has been written
    /// since, so that what was made ready on it may be used. If not, the job must read anew.
    ///
    /// # Errors
    /// As for `commit`.
    pub fn commit_on<T, E>(
        &self,
        coming: Coming<'_>,
        seen: Seen,
        job: impl FnOnce(&mut Txn<'_>, bool) -> Result<T, E> + Send + 'static,
    ) -> impl Future<Output = Result<Result<Committed<T>, E>, Unwritten>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.bring(coming, (Some(seen), false), job)
    }

    /// The job is put where it stays at once: what waits for its answer holds no copy of it.
    fn bring<T, E>(
        &self,
        coming: Coming<'_>,
        (seen, though_held): (Option<Seen>, bool),
        job: impl FnOnce(&mut Txn<'_>, bool) -> Result<T, E> + Send + 'static,
    ) -> impl Future<Output = Result<Result<Committed<T>, E>, Unwritten>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
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
        let job = Message::Job(Job { seen, run });
        async move {
            if let Some(why) = self.held.lock().clone().filter(|_| !though_held) {
                return Err(Unwritten::Closed { why });
            }
            if self.jobs.send(job).await.is_err() {
                return Err(self.unanswered());
            }
            let answer = coming.answer(answered).await;
            answer.unwrap_or_else(|| Err(self.unanswered()))
        }
    }

    /// Says that a job will be brought soon, by somebody who has nothing else to do on the task that waits for it: who is alone
    /// then need not wait for the thread to be woken, nor to be woken by it, and keeps their own thread meanwhile. It promises
    /// nothing.
    pub fn soon(&self) -> Coming<'_> {
        let coming = self.alone.count(true);
        if coming.looks() {
            // If the queue is full, the thread is awake.
            let _full = self.jobs.try_send(Message::Soon);
        }
        coming
    }

    /// Says that a job will be brought by somebody who leaves their thread to others while they wait.
    pub fn among_others(&self) -> Coming<'_> {
        self.alone.count(false)
    }

    /// What closed the committer, if it is closed. It says nothing of what was to be written.
    pub fn closed(&self) -> Option<Arc<str>> {
        self.why.get().cloned().or_else(|| self.held.lock().clone())
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
