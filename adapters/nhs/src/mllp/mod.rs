//! Listens for HL7 v2 messages over the minimal lower layer protocol, and acknowledges each.
//! It never says AA before what the message says is in the outbox, and never repeats a value of a person.
//!
//! A message that is refused (AE, AR) is its sender's to mend: nothing of it is kept here.
//! Without TLS, the address should be of this machine or of a network that is trusted with what the messages hold.

mod answer;
pub mod frames;

#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use placehub_delivery::{
    Content, Untranslatable, clock,
    intake::{self, Intake, Run, Source, Taken},
    listen::{Connection, Door},
    outbox,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Reading,
    format::{self, Saying},
    translate,
};
use answer::{Answer, Head};
use frames::{Found, Frames};

/// Fields that say what sort of message it is: what they rule out is rejected, and not found at fault.
const OF_HEAD: [&str; 4] = ["MSH", "MSH-9", "MSH-11", "MSH-18"];
/// How much is asked of a connection at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// What a sender may ask of the listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest message, in bytes.
    pub longest: usize,
    /// How many connections are open at a time; further senders wait.
    pub connections: usize,
    /// How long a connection may be silent between messages.
    pub silence: Duration,
    /// How long a message may take from its first byte to its last, and an answer to be read.
    pub message: Duration,
}

impl Limits {
    /// What suits a trust's integration engine, within 32 MiB.
    pub const USUAL: Self = Self {
        longest: 1024 * 1024,
        connections: 32,
        silence: Duration::from_secs(60 * 60),
        message: Duration::from_secs(30),
    };
}

/// A door at which messages come in.
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
        "mllp"
    }

    fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Run {
        Box::pin(async move {
            let desk = Arc::new(Desk {
                intake,
                limits: self.limits,
                reading: self.reading,
                answers: AtomicU64::new(1),
            });
            let stopping = stop.clone();
            let each = move |connection| {
                let (desk, stop) = (desk.clone(), stopping.clone());
                async move {
                    if let Err(error) = desk.serve(connection, &stop).await {
                        tracing::debug!(cause = %error, "a connection broke");
                    }
                }
            };
            self.door.serve(self.limits.connections, &stop, each).await
        })
    }
}

/// Takes messages and answers them, for all connections.
struct Desk {
    intake: Intake,
    limits: Limits,
    reading: Arc<Reading>,
    answers: AtomicU64,
}

impl Desk {
    /// Serves one connection until its sender leaves, breaks the protocol or is silent for too long, or until `stop`.
    async fn serve(&self, mut stream: Connection, stop: &CancellationToken) -> io::Result<()> {
        let mut frames = Frames::new(self.limits.longest);
        let mut begun = None;
        loop {
            let found = match frames.next() {
                Some(found) => found,
                None => {
                    let deadline = if frames.is_open() {
                        *begun.get_or_insert_with(|| Instant::now() + self.limits.message)
                    } else {
                        Instant::now() + self.limits.silence
                    };
                    let bytes = frames.end();
                    bytes.reserve(PIECE);
                    let mut piece = (&mut stream).take(PIECE as u64);
                    let read = timeout_at(deadline, piece.read_buf(bytes));
                    match stop.run_until_cancelled(read).await {
                        None | Some(Ok(Ok(0))) => return Ok(()),
                        Some(Ok(read)) => {
                            read?;
                            continue;
                        }
                        Some(Err(_)) if frames.is_open() => {
                            let why = Untranslatable::new("frame", "was not ended in time");
                            return self.let_go(stream, &Head::of(frames.beginning()), why).await;
                        }
                        Some(Err(_)) => return Ok(()),
                    }
                }
            };
            begun = None;
            match found {
                Found::Message(message) => {
                    let head = Head::of(&message);
                    let Some(answer) = self.take(&message, &head).await else {
                        return Ok(());
                    };
                    self.answer(&mut stream, &head, answer).await?;
                }
                Found::Unended(message) => {
                    let why = Untranslatable::new("frame", "has no end: another message begins within it");
                    self.answer(&mut stream, &Head::of(&message), Answer::Error(why))
                        .await?;
                }
                Found::TooLong(message) => {
                    let why = Untranslatable::new("frame", format!("is longer than {} bytes", self.limits.longest));
                    return self.let_go(stream, &Head::of(&message), why).await;
                }
                Found::Noise => {
                    tracing::warn!("a sender does not speak MLLP");
                    return Ok(());
                }
            }
        }
    }

    /// Takes one message. `None` if the adapter is stopping: a sender without an answer sends again.
    async fn take(&self, message: &[u8], head: &Head) -> Option<Answer> {
        let Some(id) = head.control_id() else {
            let why = Untranslatable::new("MSH-10", "is missing or longer than 199 characters");
            return Some(Answer::Reject(why));
        };
        let contents = match self.read(message) {
            Ok(contents) if contents.is_empty() => {
                self.intake.pass_over();
                return Some(Answer::Accept);
            }
            Ok(contents) => contents,
            Err(why) if OF_HEAD.contains(&why.field.as_str()) => return Some(Answer::Reject(why)),
            Err(why) => return Some(Answer::Error(why)),
        };
        if !self.intake.has_room() {
            // A sender that waited would give up, come again, and take one place more.
            let why = Untranslatable::new("outbox", "is full; send it again later");
            return Some(Answer::Reject(why));
        }
        let taken = contents.into_iter().map(|content| Taken {
            origin: format!("mllp message {id}"),
            content: Ok(content),
        });
        match self.intake.take_soon(taken.collect()).await {
            Ok(()) => Some(Answer::Accept),
            Err(intake::Error::Outbox(outbox::Error::Stopping)) => None,
            Err(error) => {
                let why = Untranslatable::new("outbox", "cannot take it now; send it again later");
                tracing::error!(cause = %error, "cannot take a message");
                Some(Answer::Reject(why))
            }
        }
    }

    /// What the hub is to be told of a message; nothing, if it carries no signal.
    fn read(&self, message: &[u8]) -> Result<Vec<Content>, Untranslatable> {
        match format::message(message, &self.reading)? {
            Saying::Told(facts) => facts.into_iter().map(translate::content).collect(),
            Saying::Nothing(_) => Ok(Vec::new()),
        }
    }

    async fn answer(&self, stream: &mut Connection, head: &Head, answer: Answer) -> io::Result<()> {
        if let Answer::Error(why) | Answer::Reject(why) = &answer {
            tracing::warn!(
                message = head.control_id(),
                field = why.field,
                rule = why.rule,
                "message refused"
            );
        }
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let bytes = head.answered(&answer, clock::now(), number);
        timeout(self.limits.message, stream.write_all(&bytes)).await?
    }

    /// Refuses a message and ends the connection. What still comes is thrown away for a while: closed with bytes unread, the
    /// connection would be reset, and the answer lost.
    async fn let_go(&self, mut stream: Connection, head: &Head, why: Untranslatable) -> io::Result<()> {
        self.answer(&mut stream, head, Answer::Reject(why)).await?;
        stream.shutdown().await?;
        let mut rest = tokio::io::sink();
        timeout(self.limits.message, tokio::io::copy(&mut stream, &mut rest))
            .await?
            .map(drop)
    }
}
