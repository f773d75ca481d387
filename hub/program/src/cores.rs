//! The threads that answer: where there are few cores, one for each, kept to it. With threads that go where they like, an
//! answer takes more of the processor (docs/performance.md).
//! Never keeps a thread of a runtime to a core that was not made to run tasks, and never uses one that the process may not.

use std::{
    env, io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::runtime::{Builder, Runtime};

/// tokio's own setting of how many threads there are.
const SETTING: &str = "TOKIO_WORKER_THREADS";

/// The most cores to which threads are kept. With more it was not tried, and Linux knows better which of them share what.
const FEW: usize = 4;

/// A runtime whose threads have this name, with what `TOKIO_WORKER_THREADS` says as their number. Without it there is one for
/// each core that the process may use; and each is kept to its core, if these are few and the process may use them all the
/// time.
///
/// # Errors
/// If the system gives no threads.
pub(crate) fn runtime(name: &'static str) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().thread_name(name);
    let cores = thread::available_parallelism().map_or(0, Into::into);
    if let Ok(allowed) = sched_getaffinity(None)
        && allowed.count() as usize == cores
        && cores <= FEW
        && env::var_os(SETTING).is_none()
    {
        keep(&mut builder, name, allowed);
    }
    builder.build()
}

/// Has a runtime have a thread for each of these cores, and keeps it there.
fn keep(builder: &mut Builder, name: &'static str, allowed: CpuSet) {
    let cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let cores: Vec<_> = cores.map(only).collect();
    let made = AtomicUsize::new(0);
    builder
        .worker_threads(cores.len())
        // They are made first, and before a thread is made its name is asked for.
        .thread_name_fn(move || format!("{name}-{}", made.fetch_add(1, Ordering::Relaxed)))
        .on_thread_start(move || {
            let current = thread::current();
            let number = current.name().and_then(|its| its.strip_prefix(name)?.strip_prefix('-'));
            let core = number.and_then(|number| cores.get(number.parse::<usize>().ok()?));
            // Any other begins where the thread is kept that made it. If this cannot be done, nothing but time is lost.
            let _kept = sched_setaffinity(None, core.unwrap_or(&allowed));
        });
}

fn only(core: usize) -> CpuSet {
    let mut cores = CpuSet::new();
    cores.set(core);
    cores
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    use super::*;

    fn cores() -> Vec<usize> {
        let allowed = sched_getaffinity(None).unwrap();
        (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
    }

    #[test]
    fn each_thread_that_runs_tasks_has_a_core_of_its_own_and_no_other_is_kept_to_one() {
        let (all, allowed) = (cores(), sched_getaffinity(None).unwrap());
        let mut builder = Builder::new_multi_thread();
        keep(&mut builder, "kept", allowed);
        let runtime = builder.build().unwrap();
        let found = Arc::new(Mutex::new(BTreeSet::new()));
        let task = |_: &usize| {
            let (found, count) = (found.clone(), all.len());
            runtime.spawn(async move {
                // Goes on until tasks have run on each of the threads.
                loop {
                    let whole = {
                        let mut found = found.lock().unwrap();
                        found.insert(cores());
                        found.len() >= count
                    };
                    if whole {
                        return tokio::task::spawn_blocking(cores).await.unwrap();
                    }
                    tokio::task::yield_now().await;
                }
            })
        };
        for task in all.iter().map(task).collect::<Vec<_>>() {
            assert_eq!(runtime.block_on(task).unwrap(), all, "a thread that may block");
        }
        let own: BTreeSet<_> = all.iter().map(|core| vec![*core]).collect();
        assert_eq!(*found.lock().unwrap(), own);
    }
}
