//! Runs calls for a while with so many in flight, and keeps how long each took and what was wrong with it.
//! It never counts a call that did not answer as it should have.

use std::{
    fs,
    future::Future,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::task::JoinSet;

/// What a call that went wrong says. Never a personal value.
pub(super) type Wrong = String;

/// One measurement.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Calls whose right answer came within the time.
    pub(super) calls: u64,
    /// The time.
    pub(super) span: Duration,
    /// How long each call took, in ascending order.
    took: Vec<Duration>,
    /// Processor time of the server's threads in that time.
    pub(super) server: Duration,
    /// How many went wrong, at any time.
    pub(super) wrong: u64,
    /// What the first said that went wrong.
    pub(super) first_wrong: Option<Wrong>,
}

/// How to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Calls in flight.
    pub(super) in_flight: usize,
    /// Answers that come before this time has passed are not counted.
    pub(super) warm_up: Duration,
    /// How long to count.
    pub(super) span: Duration,
}

/// Runs `call(worker, round)` with so many workers, each of which calls again as soon as it has its answer.
///
/// # Errors
/// If a worker was cut short.
pub(super) async fn run<F, A>(pace: Pace, call: F) -> Result<Run>
where
    F: Fn(usize, u64) -> A + Clone + Send + 'static,
    A: Future<Output = Result<(), Wrong>> + Send,
{
    let start = Instant::now() + pace.warm_up;
    let end = start + pace.span;
    let mut workers = JoinSet::new();
    for worker in 0..pace.in_flight {
        let call = call.clone();
        workers.spawn(async move {
            let mut run = Run::default();
            for round in 0.. {
                let began = Instant::now();
                if began >= end {
                    break;
                }
                let answer = call(worker, round).await;
                let ended = Instant::now();
                match answer {
                    Err(why) => run.note(why),
                    Ok(()) if ended >= start && ended < end => run.took.push(ended - began),
                    Ok(()) => {}
                }
            }
            run
        });
    }
    tokio::time::sleep_until(start.into()).await;
    let before = server_time();
    tokio::time::sleep_until(end.into()).await;
    let mut whole = Run {
        span: pace.span,
        server: server_time().saturating_sub(before),
        ..Run::default()
    };
    while let Some(run) = workers.join_next().await {
        whole.absorb(run?);
    }
    whole.finish();
    Ok(whole)
}

impl Run {
    /// Notes a call that went wrong.
    pub(super) fn note(&mut self, why: Wrong) {
        self.wrong += 1;
        self.first_wrong.get_or_insert(why);
    }

    /// Counts a call.
    pub(super) fn count(&mut self, took: Duration) {
        self.took.push(took);
    }

    /// Takes over another run's calls.
    pub(super) fn absorb(&mut self, other: Self) {
        self.took.extend(other.took);
        self.wrong += other.wrong;
        if self.first_wrong.is_none() {
            self.first_wrong = other.first_wrong;
        }
    }

    /// Puts the times in order. To be called once, when all are there.
    pub(super) fn finish(&mut self) {
        self.took.sort_unstable();
        self.calls = self.took.len() as u64;
    }

    /// Calls a second.
    pub(super) fn rate(&self) -> f64 {
        self.calls as f64 / self.span.as_secs_f64().max(f64::EPSILON)
    }

    /// The time within which so many in a hundred calls were answered, in microseconds (nearest rank).
    pub(super) fn percentile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.took.len() as f64).ceil().max(1.0);
        let at = self.took.get(rank as usize - 1).or(self.took.last());
        at.map_or(f64::NAN, |took| took.as_secs_f64() * 1e6)
    }

    /// Processor time of the server a call, in microseconds.
    pub(super) fn server_each(&self) -> f64 {
        self.server.as_secs_f64() * 1e6 / self.calls.max(1) as f64
    }
}

/// Processor time of all threads of this process but the client's, which run on the program's own runtime.
pub(super) fn server_time() -> Duration {
    processor_time("self", |thread| !thread.starts_with("tokio-r") && thread != "placehub")
}

/// Processor time of those threads of a process that have such a name.
pub(super) fn processor_time(process: &str, counts: impl Fn(&str) -> bool) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let nanos = threads.into_iter().flatten().flatten().filter_map(|thread| {
        let name = fs::read_to_string(thread.path().join("comm")).ok()?;
        if !counts(name.trim()) {
            return None;
        }
        let spent = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        spent.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
