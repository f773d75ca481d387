//! One stream of pushes, as an adapter keeps it: a window of signals that are not yet acknowledged, answers in order.

use std::time::Instant;

use placehub_proto::v1::{PushOutcome, PushSignalResponse, PushSignalsRequest, SignalDraft, push_signals_response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::measure::{Run, Wrong};
use crate::link::Link;

/// Signals of a stream that wait for their acknowledgement.
pub(super) const WINDOW: usize = 256;

/// Pushes these drafts, until `end` if there is one, and waits for all acknowledgements. Each must say that a new signal was
/// recorded. A stream that breaks, or an answer out of order, is one wrong.
pub(super) async fn push(link: &Link, drafts: impl Iterator<Item = SignalDraft> + Send, end: Option<Instant>) -> Run {
    let mut run = Run::default();
    if let Err(why) = keep(link, drafts, end, &mut run).await {
        run.note(why);
    }
    run
}

/// Whether a push was acknowledged as a new signal is.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(answer: &PushSignalResponse) -> Result<(), Wrong> {
    match answer.outcome() == PushOutcome::Recorded && answer.signal_id.len() == 36 {
        true => Ok(()),
        false => Err("a push was not acknowledged as recorded".to_owned()),
    }
}

async fn keep(
    link: &Link,
    mut drafts: impl Iterator<Item = SignalDraft> + Send,
    end: Option<Instant>,
    run: &mut Run,
) -> Result<(), Wrong> {
    let (sender, receiver) = mpsc::channel(WINDOW);
    let request = link
        .open(ReceiverStream::new(receiver))
        .map_err(|why| why.to_string())?;
    let opened = link.signals().push_signals(request).await;
    let mut answers = opened.map_err(|status| status.to_string())?.into_inner();
    let mut began = std::collections::VecDeque::with_capacity(WINDOW);
    let (mut sent, mut told, mut sender) = (0, 0, Some(sender));
    loop {
        while let Some(open) = sender.as_ref()
            && began.len() < WINDOW
        {
            let over = end.is_some_and(|end| Instant::now() >= end);
            let Some(draft) = drafts.next().filter(|_| !over) else {
                sender = None;
                break;
            };
            let request = PushSignalsRequest {
                sequence: sent,
                signal: Some(draft),
            };
            began.push_back(Instant::now());
            sent += 1;
            open.send(request)
                .await
                .map_err(|_| "the stream was closed".to_owned())?;
        }
        if began.is_empty() {
            return Ok(());
        }
        let answer = answers.message().await.map_err(|status| status.to_string())?;
        let answer = answer.ok_or_else(|| "the stream ended early".to_owned())?;
        if answer.sequence != told {
            return Err("an answer came out of order".to_owned());
        }
        told += 1;
        let took = began.pop_front().map(|began| began.elapsed()).unwrap_or_default();
        match answer.result {
            Some(push_signals_response::Result::Acknowledged(answer)) => match check(&answer) {
                Ok(()) => run.count(took),
                Err(why) => run.note(why),
            },
            Some(push_signals_response::Result::Refused(refusal)) => run.note(refusal.message),
            None => run.note("an answer says nothing".to_owned()),
        }
    }
}
