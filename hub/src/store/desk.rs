//! Where jobs become commits: runs them one on top of the other, and commits what they wrote as one batch, one batch at a
//! time. Never goes on after a commit has failed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    BATCH_CAP, Store, Txn,
    committer::{Hooks, Unwritten},
    effort::Effort,
    view::{Recent, Seen},
    weigh,
};

/// How many jobs share a commit.
const GROUP_CAP: usize = 512;
/// A group that writes more bytes than this takes no further job.
const GROUP_FULL: usize = BATCH_CAP / 4;
/// The most that one job may write, in bytes. With a group that is nearly full this leaves a quarter of a batch for what
/// the seal writes.
const JOB_CAP: usize = BATCH_CAP / 2;

/// A job, and what was read for it beforehand.
pub(super) struct Job {
    pub(super) seen: Option<Seen>,
    pub(super) run: Run,
}

pub(super) type Run = Box<dyn FnOnce(&mut Txn<'_>, bool) -> Done + Send>;

/// A job that has run: whether its writes are kept, and how to answer who brought it (with a refusal, or with its result).
pub(super) struct Done {
    pub(super) keep: bool,
    pub(super) answer: Box<dyn FnOnce(Option<Unwritten>) + Send>,
}

/// How to answer somebody once their group is durable.
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// Where groups are committed, one at a time: by the thread, or by somebody who has nobody to wait for.
pub(super) struct Desk {
    /// `None` once nothing is written any more.
    work: Mutex<Option<Work>>,
    /// Why not.
    pub(super) why: OnceLock<Arc<str>>,
    /// How many jobs were brought that are in no group yet, or in one that is not committed.
    pub(super) pending: AtomicUsize,
    /// Whether the last group was of several jobs, or others waited when it was committed.
    pub(super) shared: AtomicBool,
}

impl Desk {
    /// Where this is committed to.
    pub(super) fn of(work: Work) -> Self {
        Self {
            work: Mutex::new(Some(work)),
            why: OnceLock::new(),
            pending: AtomicUsize::new(0),
            shared: AtomicBool::new(false),
        }
    }

    /// Commits a group of the jobs that `next` gives. The answers are for those who brought them.
    ///
    /// # Errors
    /// Why nothing is written any more. Those who brought the jobs are told by being dropped.
    pub(super) fn commit(&self, next: &mut dyn FnMut() -> Option<Job>) -> Result<Vec<Answer>, Arc<str>> {
        let (mut taken, mut answers) = (0, Vec::new());
        let mut work = self.work.lock();
        let done = match work.as_mut() {
            Some(work) => work.group(&mut || next().inspect(|_| taken += 1), &mut answers),
            None => Err("it has ended".to_owned()),
        };
        if let Err(why) = done {
            // The reason is written down first, so that whoever is turned away can be told it.
            let why = self.why.get_or_init(|| why.into()).clone();
            if work.take().is_some() {
                tracing::error!(%why, "the hub has stopped writing");
            }
            return Err(why);
        }
        drop(work);
        let others = self.pending.fetch_sub(taken, Ordering::SeqCst) > taken;
        self.shared.store(taken > 1 || others, Ordering::Relaxed);
        Ok(answers)
    }

    /// Whether no job is pending and the last group was not shared, as this one would then be, too. If so, whoever asks
    /// has a job pending from now on.
    pub(super) fn is_free(&self) -> bool {
        let take = || self.pending.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst);
        !self.shared.load(Ordering::Relaxed) && take().is_ok()
    }

    /// Has nothing written any more, and lets go of the store.
    pub(super) fn end(&self) {
        drop(self.work.lock().take());
    }

    /// Commits one job, which is pending, and answers it.
    ///
    /// # Errors
    /// As for [`Desk::commit`].
    pub(super) fn commit_alone(&self, job: Job) -> Result<(), Arc<str>> {
        let mut job = Some(job);
        self.commit(&mut || job.take())?.into_iter().for_each(|answer| answer());
        Ok(())
    }
}

/// Whoever has it commits, and nobody else.
pub(super) struct Work {
    pub(super) store: Arc<dyn Store>,
    pub(super) hooks: Hooks,
    pub(super) recent: Recent,
    pub(super) effort: Arc<Effort>,
}

impl Work {
    /// Runs the jobs that `next` gives, as many as share a commit, and commits what they wrote. The answers are for after
    /// that; whoever's job panicked has none.
    ///
    /// # Errors
    /// Why nothing may be committed any more, by anybody.
    pub(super) fn group(
        &mut self,
        next: &mut dyn FnMut() -> Option<Job>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), String> {
        let commit = AssertUnwindSafe(|| self.commit(next, answers));
        // What a panic said stays out of the reason: it may quote what was being written.
        catch_unwind(commit).unwrap_or_else(|_| Err("a commit panicked".to_owned()))
    }

    fn commit(&mut self, next: &mut dyn FnMut() -> Option<Job>, answers: &mut Vec<Answer>) -> Result<(), String> {
        let store = Arc::clone(&self.store);
        let mut txn = Txn::new(&*store);
        let mut bytes = 0;
        while bytes <= GROUP_FULL
            && answers.len() < GROUP_CAP
            && let Some(job) = next()
        {
            let (answer, wrote) = run_job(job, &mut txn, &self.recent);
            answers.extend(answer);
            bytes += wrote;
        }
        if !txn.is_empty() {
            (self.hooks.seal)(&mut txn).map_err(|error| error.in_full())?;
            let (batch, announced) = txn.finish();
            self.recent.note(&batch);
            let committed = self.effort.time(|| store.commit(batch));
            committed.map_err(|error| error.in_full())?;
            // Not before: whoever reads now and finds this number finds all that was written up to it.
            self.effort.reach(self.recent.commits());
            if announced {
                (self.hooks.committed)();
            }
        }
        Ok(())
    }
}

/// Runs a job on top of its group, and takes over its writes if they are to be kept. Gives how to answer it after the commit
/// (not at all, if it panicked) and how many bytes were taken over.
fn run_job(Job { seen, run }: Job, group: &mut Txn<'_>, recent: &Recent) -> (Option<Answer>, usize) {
    let holds = seen.is_some_and(|seen| recent.leaves(&seen, group.writes()));
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
            group.absorb(writes);
            (Some(Box::new(move || answer(None))), bytes)
        }
        _ => {
            let why = "it writes more than the store takes at once";
            (Some(Box::new(move || answer(Some(Unwritten::Refused { why })))), 0)
        }
    }
}
