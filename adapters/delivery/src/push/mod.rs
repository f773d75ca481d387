//! Pushes drafts over the hub's two-way stream, and sends again what was not acknowledged when the stream breaks.
//! It never drops a draft silently, never sends without end, and never asks for anything back.
//!
//! Sending again is safe: the hub keeps one signal for each (owner, system, id, version).

mod verdict;

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use placehub_proto::v1::{
    PushSignalsRequest, PushSignalsResponse, SignalDraft, push_signals_response::Result as Answer,
    signal_service_client::SignalServiceClient,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, transport::Channel};

use crate::report::Report;
use verdict::{FullJitter, Verdict};

/// How hard to try.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Drafts that may be on their way without an acknowledgement.
    pub window: usize,
    /// How long the hub may take to answer before the stream counts as broken.
    pub answer: Duration,
    /// How long to go on trying without a single acknowledgement.
    pub without_progress: Duration,
    /// The first pause before trying again; each later one may be twice as long.
    pub first_pause: Duration,
    /// The longest pause, unless the hub asks for a longer one.
    pub longest_pause: Duration,
}

/// Why pushing stopped before the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The hub's certificate is not from the authority in the settings, or names another host.
    #[error(
        "this adapter does not trust the hub's certificate: is `ca` the hub's authority, and `server_name` its name?"
    )]
    HubNotTrusted,
    /// The hub answered for a draft that was not next in turn. Nothing after it can be believed.
    #[error("the hub answered out of turn")]
    OutOfTurn,
    /// The hub refused the whole stream. Trying again as it is would change nothing.
    #[error("the hub refused the push: {message} ({reason})")]
    Refused {
        /// The hub's reason, e.g. `CERTIFICATE_UNKNOWN`, or the name of the gRPC status.
        reason: String,
        /// The hub's sentence.
        message: String,
    },
    /// The hub ended the connection because of this adapter's certificate. TLS 1.3 lets a client learn no more.
    #[error("the hub refused the TLS connection: is the certificate revoked, expired, or for another place?")]
    TlsRefused,
    /// The hub could not be reached, or did not answer, for longer than [`Patience::without_progress`].
    #[error("the hub cannot be reached: {message}")]
    Unavailable {
        /// What was met last.
        message: String,
    },
}

/// A push that stopped before the end: why, and what had been done by then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of {} not delivered", .report.undelivered(), .report.taken)]
pub struct Unfinished {
    /// What had been done. Whatever is not counted there may be pushed again.
    pub report: Box<Report>,
    /// Why it stopped.
    pub source: Error,
}

impl Patience {
    /// What suits a hub that is restarted now and then.
    pub const USUAL: Self = Self {
        window: 256,
        answer: Duration::from_secs(60),
        without_progress: Duration::from_secs(300),
        first_pause: Duration::from_millis(200),
        longest_pause: Duration::from_secs(20),
    };
}

/// Pushes drafts, each with its origin, in their order, and reports what the hub did with each.
/// A draft that the hub refuses is in the report and keeps none back.
///
/// # Errors
///
/// [`Unfinished`] when the hub stays out of reach for longer than `patience` allows, or refuses the stream as such.
/// Then each draft has been acknowledged, refused, or may safely be pushed again.
pub async fn push(
    channel: Channel,
    drafts: impl IntoIterator<Item = (String, SignalDraft)>,
    patience: Patience,
) -> Result<Report, Unfinished> {
    let mut delivery = Delivery {
        client: SignalServiceClient::new(channel),
        drafts: drafts.into_iter(),
        waiting: VecDeque::new(),
        sequence: 0,
        report: Report::default(),
        progress: Instant::now(),
        patience,
    };
    match delivery.run().await {
        Ok(()) => Ok(delivery.report),
        Err(source) => {
            delivery.report.taken = delivery.drafts.fold(delivery.report.taken, |count, _| count + 1);
            Err(Unfinished {
                report: Box::new(delivery.report),
                source,
            })
        }
    }
}

/// How long to wait for the hub to end a stream on which everything has been answered.
const FAREWELL: Duration = Duration::from_secs(1);

/// A draft that was sent, or is to be sent again, and has no answer yet.
struct Waiting {
    sequence: u64,
    origin: String,
    draft: SignalDraft,
}

/// Why one stream ended early.
enum Broken {
    Status(Status),
    OutOfTurn,
}

struct Delivery<I> {
    client: SignalServiceClient<Channel>,
    drafts: I,
    /// INVARIANT: in the order of sending, with rising sequence numbers; never longer than the window.
    waiting: VecDeque<Waiting>,
    sequence: u64,
    report: Report,
    progress: Instant,
    patience: Patience,
}

impl<I: Iterator<Item = (String, SignalDraft)>> Delivery<I> {
    /// Streams again and again until all is answered or patience ends.
    async fn run(&mut self) -> Result<(), Error> {
        let mut pauses = FullJitter::new(&self.patience);
        let mut fruitless = 0;
        loop {
            let before = self.progress;
            let status = match self.stream().await {
                Ok(()) => return Ok(()),
                Err(Broken::OutOfTurn) => return Err(Error::OutOfTurn),
                Err(Broken::Status(status)) => status,
            };
            if self.progress > before {
                pauses = FullJitter::new(&self.patience);
                fruitless = 0;
            }
            fruitless += 1;
            let (message, asked) = match verdict::judge(&status, fruitless) {
                Verdict::GiveUp(error) => {
                    tracing::error!(code = %status.code(), cause = verdict::deepest(&status), "gave up");
                    return Err(error);
                }
                Verdict::TryAgain { message, asked } => (message, asked),
            };
            // The hub's own wish is a least pause; the jitter on top keeps many adapters from coming back at once.
            let pause = asked.unwrap_or_default() + pauses.next();
            if self.progress.elapsed() + pause > self.patience.without_progress {
                return Err(Error::Unavailable { message });
            }
            tracing::warn!(code = %status.code(), cause = message, pause_ms = pause.as_millis(), waiting = self.waiting.len(), "stream broke");
            sleep(pause).await;
        }
    }

    /// One stream: what waits is sent first, then new drafts, with one more for each answer.
    async fn stream(&mut self) -> Result<(), Broken> {
        let (sender, receiver) = mpsc::channel(self.patience.window.max(1));
        for waiting in &self.waiting {
            send(&sender, waiting);
        }
        while self.waiting.len() < self.patience.window.max(1) && self.send_next(&sender) {}
        if self.waiting.is_empty() {
            return Ok(());
        }
        let call = self.client.push_signals(ReceiverStream::new(receiver));
        let mut answers = in_time(self.patience.answer, call).await?.into_inner();
        while !self.waiting.is_empty() {
            match in_time(self.patience.answer, answers.message()).await? {
                Some(answer) => self.take(answer)?,
                None => {
                    return Err(Broken::Status(Status::unavailable("the hub ended the stream early")));
                }
            }
            self.send_next(&sender);
        }
        // All is acknowledged; waiting for the end only spares the hub a stream that looks torn off.
        drop(sender);
        let _ = in_time(FAREWELL, answers.message()).await;
        Ok(())
    }

    /// Sends one new draft, if there is one.
    fn send_next(&mut self, sender: &mpsc::Sender<PushSignalsRequest>) -> bool {
        let Some((origin, draft)) = self.drafts.next() else {
            return false;
        };
        self.sequence += 1;
        self.report.taken += 1;
        let waiting = Waiting {
            sequence: self.sequence,
            origin,
            draft,
        };
        send(sender, &waiting);
        self.waiting.push_back(waiting);
        true
    }

    /// Books one answer, which must be for the draft that has waited longest.
    fn take(&mut self, answer: PushSignalsResponse) -> Result<(), Broken> {
        let in_turn = self
            .waiting
            .front()
            .is_some_and(|first| first.sequence == answer.sequence);
        let next = if in_turn { self.waiting.pop_front() } else { None };
        match (next, answer.result) {
            (Some(_), Some(Answer::Acknowledged(response))) => self.report.acknowledge(response.outcome()),
            (Some(waiting), Some(Answer::Refused(refusal))) => self.report.refuse(waiting.origin, refusal),
            _ => return Err(Broken::OutOfTurn),
        }
        self.progress = Instant::now();
        Ok(())
    }
}

/// Puts a draft on the stream. The stream's room is the window, so it always fits; if the stream has been closed,
/// the draft still waits and goes out on the next one.
fn send(sender: &mpsc::Sender<PushSignalsRequest>, waiting: &Waiting) {
    let request = PushSignalsRequest {
        sequence: waiting.sequence,
        signal: Some(waiting.draft.clone()),
    };
    if sender.try_send(request).is_err() {
        tracing::debug!(sequence = waiting.sequence, "stream closed before sending");
    }
}

async fn in_time<T>(limit: Duration, answer: impl Future<Output = Result<T, Status>>) -> Result<T, Broken> {
    match timeout(limit, answer).await {
        Ok(result) => result.map_err(Broken::Status),
        Err(_) => Err(Broken::Status(Status::unavailable("the hub did not answer in time"))),
    }
}
