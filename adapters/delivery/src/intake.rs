//! Through which every source hands over what it took: a file, a message, a row.
//! It never tells a source that something is taken before it is on the disk, in the outbox or in the quarantine.

use std::{io, pin::Pin, sync::Arc};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    content::Content,
    draft::{Translated, Untranslatable},
    metrics::Counters,
    outbox::{self, Entry, Outbox},
    quarantine::{self, Kept, Quarantine},
};

/// Where signals come from: a drop folder, a listener.
pub trait Source: Send {
    /// Its name in the log.
    fn name(&self) -> &'static str;

    /// Takes in and hands over until `stop`. It answers whoever it took something from only when [`Intake`] has it.
    /// An error ends the adapter: a source that is gone would leave one that only looks alive.
    fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Run;
}

/// A source at work.
pub type Run = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// The way into the outbox. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake {
    outbox: Arc<Outbox>,
    quarantine: Quarantine,
    counters: Arc<Counters>,
    /// How many of the listeners' messages wait for the outbox at a time, each on a thread of its own.
    waiting: Arc<Semaphore>,
}

/// How many messages of listeners may wait for the outbox at a time; further ones hold no thread.
const WAITING: usize = 64;

/// What a source took.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Where it came from, e.g. `arrears.csv row 3` or `message 00042`. Never a value of it.
    pub origin: String,
    /// What the hub is to be told, or why nothing can be made of it.
    pub content: Result<Content, Left>,
}

/// What a source took and could make nothing of.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// The field and the rule.
    pub why: Untranslatable,
    /// The name of the file, or of the listener.
    pub name: String,
    /// What it was made of, to be translated again after a fix.
    pub bytes: Vec<u8>,
}

/// Why a source may not count something as taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The outbox does not have it.
    #[error("the outbox cannot take it")]
    Outbox(#[source] outbox::Error),
    /// The quarantine does not have it.
    #[error("the quarantine cannot take it")]
    Quarantine(#[source] quarantine::Error),
    /// The task that was to write it ended early.
    #[error("it was interrupted")]
    Interrupted,
}

impl Intake {
    /// The way into this outbox, and into this quarantine for what nothing can be made of.
    pub fn new(outbox: Arc<Outbox>, quarantine: Quarantine, counters: Arc<Counters>) -> Self {
        Self {
            outbox,
            quarantine,
            counters,
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// Takes what a source has, in its order; what is passed over is counted. When it returns, all of it is on the disk, and the source may be told so.
    /// It waits while the outbox is full; do not call it on a thread that others need.
    ///
    /// # Errors
    ///
    /// [`Error`]; then none of it may be told to be taken. All of it may be handed over again.
    pub fn take(&self, taken: Vec<Taken>) -> Result<(), Error> {
        let now = clock::now();
        let (mut entries, mut left, mut passed_over) = (Vec::new(), Vec::new(), 0);
        for Taken { origin, content } in taken {
            match content {
                Ok(content) => entries.push(Entry {
                    origin,
                    taken_at: now.as_millisecond(),
                    content: Some(content),
                }),
                Err(Left { why, .. }) if why.passed_over => passed_over += 1,
                Err(Left { why, name, bytes }) => left.push(Kept::untranslated(origin, &name, bytes, why, now)),
            }
        }
        self.quarantine.keep(&left).map_err(Error::Quarantine)?;
        if !entries.is_empty() {
            self.outbox.put(&entries).map_err(Error::Outbox)?;
        }
        self.counters.taken.add(entries.len() as u64);
        self.counters.untranslated.add(left.len() as u64);
        self.counters.passed_over.add(passed_over);
        Ok(())
    }

    /// As [`Intake::take`], for a listener: waits without holding a thread of the runtime that others need.
    ///
    /// # Errors
    ///
    /// As [`Intake::take`]. If the caller stops waiting, what it handed over may be taken or not.
    pub async fn take_soon(&self, taken: Vec<Taken>) -> Result<(), Error> {
        // A caller that stops waiting leaves its message to its thread, which keeps the place until it is done.
        let place = self.waiting.clone().acquire_owned().await;
        let intake = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            intake.take(taken)
        });
        task.await.map_err(|_| Error::Interrupted)?
    }

    /// Counts a row of which nothing can be made, and which stays in its file.
    pub(crate) fn leave_in_file(&self) {
        self.counters.untranslated.add(1);
    }

    /// Whether the outbox would take something now, without a wait for room.
    pub fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Counts a message that was understood, and of which there is nothing to tell the hub.
    pub fn pass_over(&self) {
        self.counters.passed_over.add(1);
    }

    /// The counters of the adapter.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl Taken {
    /// What was made of a row or message of the file `name`.
    pub fn of(translated: Translated, name: &str) -> Self {
        let piece = translated.piece;
        Self {
            origin: translated.origin,
            content: translated.result.map_err(|why| Left {
                bytes: if why.passed_over { Vec::new() } else { piece.bytes() },
                name: name.to_owned(),
                why,
            }),
        }
    }
}
