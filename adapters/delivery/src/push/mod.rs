//! Pushes drafts over the hub's two-way stream, and sends again what was not acknowledged when the stream breaks.
//! Whatever is not a draft has a call of its own, in its turn.
//! It never drops a draft silently, never sends without end, and never asks for anything back.
//!
//! Sending again is safe: the hub keeps one signal for each (owner, system, id, version).

mod delivery;
mod refusal;
mod single;
mod verdict;

#[cfg(test)]
mod tests;

use std::time::Duration;

use tonic::transport::Channel;

use crate::{content::Content, report::Report};
pub(crate) use delivery::{Delivery, Fate};
pub(crate) use single::{persist, tell};
pub(crate) use verdict::FullJitter;

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
    /// The hub's catalogue is not what this adapter needs, so nothing is sent.
    #[error("the hub's catalogue does not fit this adapter: {message}")]
    CatalogueDiffers {
        /// What does not fit.
        message: String,
    },
    /// The hub's certificate is not from the authority in the settings, or names another host.
    #[error(
        "this adapter does not trust the hub's certificate: is `ca` the hub's authority, and `server_name` its name?"
    )]
    HubNotTrusted,
    /// The connection broke, and what waits for an answer is to be sent over another, once the hub's catalogue has been asked
    /// for anew.
    #[error("the connection to the hub broke")]
    Interrupted,
    /// No connection can be made from the settings as they are now.
    #[error("no connection can be made from the settings: {message}")]
    Settings {
        /// What is wrong with them.
        message: String,
    },
    /// What the hub answered could not be written down here.
    #[error("what the hub answered could not be written down: {message}")]
    Unwritten {
        /// What was met.
        message: String,
    },
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
        /// The gRPC code.
        code: i32,
        /// The fields at fault, each with the rule that it broke.
        violations: Vec<(String, String)>,
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

impl Unfinished {
    /// A push that stopped before it began.
    pub(crate) fn before<C>(contents: impl IntoIterator<Item = (String, C)>, source: Error) -> Self {
        let report = Report {
            taken: contents.into_iter().fold(0, |count, _| count + 1),
            ..Report::default()
        };
        Self {
            report: Box::new(report),
            source,
        }
    }
}

/// Pushes drafts and tells whatever else there is, each with its origin, in their order, and reports what the hub did with
/// each. One that the hub refuses is in the report and keeps none back.
///
/// # Errors
///
/// [`Unfinished`] when the hub stays out of reach for longer than `patience` allows, or refuses the stream as such.
/// Then each has been acknowledged, refused, or may safely be pushed again.
pub async fn push<C: Into<Content>>(
    channel: Channel,
    contents: impl IntoIterator<Item = (String, C)>,
    patience: Patience,
) -> Result<Report, Unfinished> {
    let mut report = Report::default();
    let mut contents = contents.into_iter().fuse();
    loop {
        let mut held = None;
        let drafts = std::iter::from_fn(|| {
            if held.is_some() {
                return None;
            }
            let (origin, content) = contents.next()?;
            match content.into() {
                Content::Draft(draft) => Some((origin, draft)),
                content => {
                    held = Some((origin, content));
                    None
                }
            }
        });
        let told = |origin, fate| {
            match fate {
                Fate::Durable(outcome) => report.acknowledge(outcome),
                Fate::Refused(refusal) => report.refuse(origin, refusal),
            }
            Ok(())
        };
        let mut delivery = Delivery::new(drafts, patience, |_| Ok(channel.clone()), told);
        let mut result = delivery.run().await;
        let rest = if result.is_err() { delivery.leave_rest() } else { 0 };
        let taken = delivery.taken() + rest;
        drop(delivery);
        report.taken += taken;
        let last = held.is_none();
        if let Some((origin, content)) = held {
            report.taken += 1;
            if result.is_ok() {
                match tell(&content, patience, |_| Ok(channel.clone())).await {
                    Ok(None) => report.told(&content),
                    Ok(Some(refusal)) => report.refuse(origin, refusal),
                    Err(error) => result = Err(error),
                }
            }
        }
        match result {
            Ok(()) if last => return Ok(report),
            Ok(()) => {}
            Err(source) => {
                report.taken += contents.fold(0, |count, _| count + 1);
                let report = Box::new(report);
                return Err(Unfinished { report, source });
            }
        }
    }
}
