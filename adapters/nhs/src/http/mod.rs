//! Listens for FHIR R4 resources and notifications over HTTP, and answers each with an OperationOutcome.
//! It never says that something is taken before it is in the outbox, and never repeats a value of a person.
//!
//! What is refused is its sender's to mend: nothing of it is kept here. A Bundle is taken whole or not at all, but for a
//! batch, whose entries stand alone.

mod answer;
mod desk;
mod requests;

#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use placehub_delivery::{
    intake::{Intake, Run, Source},
    listen::{Connection, Door},
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::Reading;
use desk::Desk;

/// How many requests are read at a time: JSON takes several times its length in memory.
const READ_AT_ONCE: usize = 4;

/// What a sender may ask of the listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest body, in bytes.
    pub longest: usize,
    /// How many connections are open at a time; further senders wait.
    pub connections: usize,
    /// How long the head of a request may take, and its body; and how long a connection may be silent.
    pub request: Duration,
}

impl Limits {
    /// What suits a trust's integration engine, within 32 MiB and what is being read.
    pub const USUAL: Self = Self {
        longest: 1024 * 1024,
        connections: 32,
        request: Duration::from_secs(30),
    };
}

/// A door at which requests come in.
#[derive(Debug)]
pub struct Listener {
    door: Door,
    limits: Limits,
    reading: Arc<Reading>,
}

impl Listener {
    /// Listens at this door, and reads as `reading` says.
    pub fn new(door: Door, limits: Limits, reading: Arc<Reading>) -> Self {
        Self { door, limits, reading }
    }
}

impl Source for Listener {
    fn name(&self) -> &'static str {
        "http"
    }

    fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Run {
        Box::pin(async move {
            let limits = self.limits;
            let desk = Arc::new(Desk {
                intake,
                limits,
                reading: self.reading,
                requests: AtomicU64::new(1),
                readers: Semaphore::new(READ_AT_ONCE),
            });
            let stopping = stop.clone();
            let each = move |connection| serve(desk.clone(), connection, stopping.clone());
            self.door.serve(limits.connections, &stop, each).await
        })
    }
}

/// Serves one connection until its sender leaves, breaks the protocol or is silent for too long, or until `stop`; a request
/// that has begun is answered.
async fn serve(desk: Arc<Desk>, connection: Connection, stop: CancellationToken) {
    let limits = desk.limits;
    let service = service_fn(move |request| {
        let desk = desk.clone();
        async move { Ok::<_, std::convert::Infallible>(desk.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request)
        // A sender may say that it has no more to say, and still wait for its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(connection), service);
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(cause = %error, "a connection broke");
    }
}
