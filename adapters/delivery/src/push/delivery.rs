//! One delivery: a stream, and another one whenever it breaks, until every draft has met its fate.
//! It never drops a draft silently and never has more on its way than the window allows.

use std::{collections::VecDeque, time::Duration};

use placehub_proto::v1::{
    PushOutcome, PushSignalsRequest, PushSignalsResponse, Refusal, SignalDraft,
    push_signals_response::Result as Answer, signal_service_client::SignalServiceClient,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, transport::Channel};

use super::{
    Error, Patience,
    verdict::{self, FullJitter, Verdict},
};

/// How long to wait for the hub to end a stream on which everything has been answered.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the hub did with one draft.
pub(crate) enum Fate {
    /// It is durable at the hub.
    Durable(PushOutcome),
    /// The hub refused it and kept nothing of it.
    Refused(Refusal),
}

/// Drafts on their way to the hub. `T` is what their giver knows them by.
///
/// `connect` gives a channel for each stream, and is told whether the one before it broke. `told` hears the fate of each
/// draft, in their order; if it fails, the delivery ends, and that draft counts as not answered.
pub(crate) struct Delivery<T, I, C, F> {
    drafts: I,
    connect: C,
    told: F,
    /// INVARIANT: in the order of sending, with rising sequence numbers; never longer than the window.
    waiting: VecDeque<Waiting<T>>,
    sequence: u64,
    progress: Instant,
    patience: Patience,
}

/// A draft that was sent, or is to be sent again, and has no answer yet.
struct Waiting<T> {
    sequence: u64,
    token: T,
    draft: SignalDraft,
}

/// Why one stream ended early.
enum Broken {
    Status(Status),
    Told(Error),
}

impl<T, I, C, F> Delivery<T, I, C, F>
where
    I: Iterator<Item = (T, SignalDraft)>,
    C: FnMut(bool) -> Result<Channel, Error>,
    F: FnMut(T, Fate) -> Result<(), Error>,
{
    pub(crate) fn new(drafts: I, patience: Patience, connect: C, told: F) -> Self {
        Self {
            drafts,
            connect,
            told,
            waiting: VecDeque::new(),
            sequence: 0,
            progress: Instant::now(),
            patience,
        }
    }

    /// Streams again and again until all is answered or patience ends. The drafts are asked for more after each answer,
    /// also when they had no more before; the delivery ends when they have none and none waits.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        let mut pauses = FullJitter::new(&self.patience);
        let (mut fruitless, mut again) = (0, false);
        loop {
            let before = self.progress;
            let status = match self.stream(again).await {
                Ok(()) => return Ok(()),
                Err(Broken::Told(error)) => return Err(error),
                Err(Broken::Status(status)) => status,
            };
            again = true;
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

    /// How many drafts were taken in.
    pub(crate) fn taken(&self) -> u64 {
        self.sequence
    }

    /// Takes in the drafts that are left, and says how many there were.
    pub(crate) fn leave_rest(&mut self) -> u64 {
        self.drafts.by_ref().fold(0, |count, _| count + 1)
    }

    /// One stream: what waits is sent first, then new drafts as far as the window allows.
    async fn stream(&mut self, again: bool) -> Result<(), Broken> {
        let (sender, receiver) = mpsc::channel(self.patience.window.max(1));
        for waiting in &self.waiting {
            send(&sender, waiting);
        }
        self.fill(&sender);
        if self.waiting.is_empty() {
            return Ok(());
        }
        let channel = (self.connect)(again).map_err(Broken::Told)?;
        let mut client = SignalServiceClient::new(channel);
        let call = client.push_signals(ReceiverStream::new(receiver));
        let mut answers = in_time(self.patience.answer, call).await?.into_inner();
        while !self.waiting.is_empty() {
            match in_time(self.patience.answer, answers.message()).await? {
                Some(answer) => self.take(answer).map_err(Broken::Told)?,
                None => {
                    return Err(Broken::Status(Status::unavailable("the hub ended the stream early")));
                }
            }
            self.fill(&sender);
        }
        // All is acknowledged; waiting for the end only spares the hub a stream that looks torn off.
        drop(sender);
        let _ = in_time(FAREWELL, answers.message()).await;
        Ok(())
    }

    /// Sends new drafts until the window is full or there are no more.
    fn fill(&mut self, sender: &mpsc::Sender<PushSignalsRequest>) {
        while self.waiting.len() < self.patience.window.max(1) {
            let Some((token, draft)) = self.drafts.next() else {
                break;
            };
            self.sequence += 1;
            let waiting = Waiting {
                sequence: self.sequence,
                token,
                draft,
            };
            send(sender, &waiting);
            self.waiting.push_back(waiting);
        }
    }

    /// Books one answer, which must be for the draft that has waited longest.
    fn take(&mut self, answer: PushSignalsResponse) -> Result<(), Error> {
        let in_turn = self
            .waiting
            .front()
            .is_some_and(|first| first.sequence == answer.sequence);
        let next = if in_turn { self.waiting.pop_front() } else { None };
        match (next, answer.result) {
            (Some(it), Some(Answer::Acknowledged(done))) => (self.told)(it.token, Fate::Durable(done.outcome()))?,
            (Some(it), Some(Answer::Refused(refusal))) => (self.told)(it.token, Fate::Refused(refusal))?,
            _ => return Err(Error::OutOfTurn),
        }
        self.progress = Instant::now();
        Ok(())
    }
}

/// Puts a draft on the stream. The stream's room is the window, so it always fits; if the stream has been closed,
/// the draft still waits and goes out on the next one.
fn send<T>(sender: &mpsc::Sender<PushSignalsRequest>, waiting: &Waiting<T>) {
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
