//! The threads that run tasks: one for each core, each kept to its own. Left to itself, Linux often has two of them wait for
//! one core while another does nothing: it seldom looks for work for a core that does nothing for short times only.
//! Never keeps any other thread to a core, and never uses one that the process may not.

use std::{
    env, io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::runtime::{Builder, Runtime};

/// tokio's own setting of how many threads there are.
const SETTING: &str = "TOKIO_WORKER_THREADS";

/// A runtime whose threads have this name. None is kept to a core where there are not to be as many as the process has cores:
/// because `TOKIO_WORKER_THREADS` says how many, or because it may not use its cores all the time.
///
/// # Errors
/// If the system gives no threads.
pub(crate) fn runtime(name: &'static str) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().thread_name(name);
    let cores = thread::available_parallelism().map_or(0, Into::into);
    if let Ok(allowed) = sched_getaffinity(None)
        && allowed.count() as usize == cores
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
    let (count, made) = (cores.len(), AtomicUsize::new(0));
    builder
        .worker_threads(count)
        // They are made first, and before a thread is made its name is asked for.
        .thread_name_fn(move || match made.fetch_add(1, Ordering::Relaxed) {
            number if number < count => format!("{name}-{number}"),
            _ => name.to_owned(),
        })
        .on_thread_start(move || {
            let current = thread::current();
            let number = current.name().and_then(|its| its.strip_prefix(name)?.strip_prefix('-'));
            let core = number.and_then(|number| cores.get(number.parse::<usize>().ok()?));
            // Others begin where they are kept who made them. Where it cannot be done, nothing but time is lost.
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
    use std::sync::{Arc, Barrier};

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
        let met = Arc::new(Barrier::new(all.len()));
        let task = |_: &usize| {
            let met = met.clone();
            runtime.spawn(async move {
                // Only once each of them has come here does any of them go on.
                met.wait();
                (cores(), tokio::task::spawn_blocking(cores).await.unwrap())
            })
        };
        let tasks: Vec<_> = all.iter().map(task).collect();
        let told = runtime.block_on(async {
            let mut told = Vec::new();
            for task in tasks {
                told.push(task.await.unwrap());
            }
            told
        });
        let (mut workers, others): (Vec<_>, Vec<_>) = told.into_iter().unzip();
        workers.sort();
        assert_eq!(workers.concat(), all);
        assert!(workers.iter().all(|cores| cores.len() == 1));
        assert!(others.iter().all(|cores| *cores == all));
    }
}
