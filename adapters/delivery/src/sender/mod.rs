//! From the outbox to the hub: one entry after the other, for as long as it takes.
//! It never lets an entry go before the hub has answered for it, and never gives up: a hub that is away for a day is normal.
//!
//! Drafts go over the two-way stream with a window, all else one by one between them, so that the order of the outbox is
//! the order at the hub.

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use placehub_proto::v1::{PushOutcome, SignalDraft};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::{
    catalogue::{Need, agree},
    channel::channel,
    clock,
    content::Content,
    folder::chain,
    metrics::Counters,
    outbox::{self, Entry, Outbox, Reader},
    push::{self, Delivery, Error as Trouble, Fate, FullJitter, Patience},
    quarantine::{Kept, Quarantine},
    settings::Settings,
};

/// What suits a daemon: it tries for ever, ever less often.
pub const PATIENCE: Patience = Patience {
    without_progress: Duration::MAX,
    longest_pause: Duration::from_secs(60),
    ..Patience::USUAL
};

/// How long the outbox is left as it is when nothing waits, before what has been delivered is removed from the disk.
const QUIET: Duration = Duration::from_secs(1);
/// How long answers are waited for once the adapter is stopping.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long the hub's catalogue is taken to be as it was told: its policies may be loaded anew on a connection that holds.
const AGREED_FOR: Duration = Duration::from_secs(60);

/// Makes a connection to the hub. Called anew whenever one broke.
pub type Connect = Box<dyn FnMut() -> Result<Channel, Trouble> + Send>;

/// Empties an outbox into a hub.
pub struct Sender {
    outbox: Arc<Outbox>,
    quarantine: Quarantine,
    counters: Arc<Counters>,
    connection: Connection,
    patience: Patience,
    needs: Vec<Need>,
    /// When the hub's catalogue was found to fit, if that was over the connection there is now and before any rest.
    agreed: Option<Instant>,
    agreed_for: Duration,
    /// How many entries still go one by one, because the hub refused a whole stream for the content of one of them.
    alone: usize,
}

impl Sender {
    /// A sender from this outbox; what the hub refuses goes to the quarantine. `needs` is what the hub's catalogue must have
    /// before anything is sent.
    pub fn new(
        outbox: Arc<Outbox>,
        quarantine: Quarantine,
        counters: Arc<Counters>,
        connect: Connect,
        patience: Patience,
        needs: Vec<Need>,
    ) -> Self {
        Self {
            outbox,
            quarantine,
            counters,
            connection: Connection { connect, channel: None },
            patience,
            needs,
            agreed: None,
            agreed_for: AGREED_FOR,
            alone: 0,
        }
    }

    /// Sends until `stop`, and then waits a little for the answers that are due.
    ///
    /// # Errors
    ///
    /// [`Trouble::CatalogueDiffers`], after which nothing may be sent to this hub. Everything else is tried again.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Trouble> {
        let mut pauses = FullJitter::new(&self.patience);
        let mut news = self.outbox.watch();
        while !stop.is_cancelled() {
            news.mark_unchanged();
            if self.agreed.is_some() && self.outbox.depth() == 0 {
                rest(&self.outbox, &mut news, &stop).await;
                if self.outbox.depth() > 0 {
                    self.agreed = None;
                }
                continue;
            }
            let left = self.outbox.left();
            let done = tokio::select! {
                done = self.agree_and_empty(&stop) => done,
                () = late(&stop) => return Ok(()),
            };
            if done.is_ok() || self.outbox.left() > left {
                pauses = FullJitter::new(&self.patience);
            }
            let Err(trouble) = done else {
                continue;
            };
            self.connection.channel = None;
            self.agreed = None;
            if trouble.is_of_content() {
                continue;
            }
            if matches!(trouble, Trouble::CatalogueDiffers { .. }) {
                return Err(trouble);
            }
            self.counters.interruptions.add(1);
            let pause = match trouble {
                // It has been logged, and paused after, where it broke.
                Trouble::Interrupted => pauses.next(),
                trouble => {
                    tracing::error!(cause = %trouble, waiting = self.outbox.depth(), "cannot deliver");
                    self.patience.longest_pause / 2 + pauses.next()
                }
            };
            stop.run_until_cancelled(sleep(pause)).await;
        }
        Ok(())
    }

    /// Sees that the hub's catalogue fits, unless that is known, and sends what waits.
    async fn agree_and_empty(&mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        if !self.is_agreed() {
            let (connection, counters) = (&mut self.connection, &self.counters);
            let agreeing = agree(&self.needs, self.patience, |broke| {
                if broke {
                    counters.interruptions.add(1);
                    connection.channel = None;
                }
                connection.channel()
            });
            match stop.run_until_cancelled(agreeing).await {
                Some(agreed) => agreed?,
                None => return Ok(()),
            }
            self.agreed = Some(Instant::now());
        }
        self.empty(stop).await
    }

    fn is_agreed(&self) -> bool {
        self.agreed.is_some_and(|since| since.elapsed() < self.agreed_for)
    }

    /// Sends what waits, drafts up to whatever else is next, until nothing does or the catalogue is to be asked for anew.
    async fn empty(&mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut reader = self.outbox.reader();
        let mut held = None;
        loop {
            let next = match held.take() {
                Some(next) => Some(next),
                None if stop.is_cancelled() => None,
                None => self.outbox.read(&mut reader).map_err(unwritten)?,
            };
            let Some((number, entry)) = next else {
                return Ok(());
            };
            match entry.content {
                Some(Content::Draft(draft)) => {
                    let first = (number, entry.origin, draft);
                    held = self.stream(first, &mut reader, stop).await?;
                }
                Some(content) => self.tell(number, entry.origin, content).await?,
                // An entry of a later version of this program, which this one must not throw away.
                None => {
                    let message = "the outbox was written by a newer version of this program".to_owned();
                    return Err(Trouble::Unwritten { message });
                }
            }
            if !self.is_agreed() {
                return Ok(());
            }
        }
    }

    /// Sends drafts, the first and those behind it, until there are no more or something else is next, which it gives back.
    async fn stream(
        &mut self,
        first: (u64, String, SignalDraft),
        reader: &mut Reader,
        stop: &CancellationToken,
    ) -> Result<Option<(u64, Entry)>, Trouble> {
        let head = (first.0, first.1.clone(), first.2.clone());
        let (mut first, mut held, mut fault) = (Some(first), None, None);
        let (outbox, alone) = (self.outbox.clone(), self.alone > 0);
        let (agreed, agreed_for) = (self.agreed, self.agreed_for);
        let is_over = || agreed.is_none_or(|since| since.elapsed() >= agreed_for) || stop.is_cancelled();
        let drafts = std::iter::from_fn(|| {
            if let Some((number, origin, draft)) = first.take() {
                return Some(((number, origin, draft.clone()), draft));
            }
            if alone || held.is_some() || fault.is_some() || is_over() {
                return None;
            }
            match outbox.read(reader) {
                Ok(Some((number, entry))) => match entry.content {
                    Some(Content::Draft(draft)) => Some(((number, entry.origin, draft.clone()), draft)),
                    content => {
                        held = Some((number, Entry { content, ..entry }));
                        None
                    }
                },
                Ok(None) => None,
                Err(error) => {
                    fault = Some(error);
                    None
                }
            }
        });
        let desk = Desk {
            outbox: &self.outbox,
            quarantine: &self.quarantine,
            counters: &self.counters,
        };
        let connection = &mut self.connection;
        let told = |(number, origin, draft), fate| desk.book(number, origin, draft, fate);
        let result = Delivery::new(drafts, self.patience, |broke| connection.unbroken(broke), told)
            .run()
            .await;
        match result {
            Ok(()) => self.alone = self.alone.saturating_sub(1),
            Err(trouble) if trouble.is_of_content() => {
                // Sent one by one, the entry at fault shows itself, and all others pass.
                if alone {
                    let (number, origin, draft) = head;
                    desk.book(number, origin, draft, Fate::Refused(trouble.refusal()))?;
                    self.alone = self.alone.saturating_sub(1);
                } else {
                    self.alone = self.patience.window.max(1);
                }
                return Err(trouble);
            }
            Err(trouble) => return Err(trouble),
        }
        match fault {
            Some(error) => Err(unwritten(error)),
            None => Ok(held),
        }
    }
}

impl Sender {
    /// Tells the hub what has a call of its own.
    async fn tell(&mut self, number: u64, origin: String, content: Content) -> Result<(), Trouble> {
        let connection = &mut self.connection;
        let refusal = push::tell(&content, self.patience, |broke| connection.unbroken(broke)).await?;
        let counter = match &content {
            Content::Draft(_) => &self.counters.recorded,
            Content::Retraction(_) => &self.counters.retracted,
            Content::Death(_)
            | Content::Join(_)
            | Content::Life(_)
            | Content::NumberChange(_)
            | Content::Separation(_)
            | Content::Statement(_) => &self.counters.stated,
        };
        match refusal {
            None => {
                counter.add(1);
                self.outbox.leave(number, clock::now()).map_err(unwritten)
            }
            Some(refusal) => {
                let desk = Desk {
                    outbox: &self.outbox,
                    quarantine: &self.quarantine,
                    counters: &self.counters,
                };
                desk.put_aside(number, origin, content, refusal)
            }
        }
    }
}

/// The connection to the hub, kept while it holds.
struct Connection {
    connect: Connect,
    channel: Option<Channel>,
}

impl Connection {
    /// The connection there is. Where one broke there is none: whoever answers next may be a hub with another catalogue.
    fn unbroken(&mut self, broke: bool) -> Result<Channel, Trouble> {
        if broke {
            Err(Trouble::Interrupted)
        } else {
            self.channel()
        }
    }

    fn channel(&mut self) -> Result<Channel, Trouble> {
        match &self.channel {
            Some(channel) => Ok(channel.clone()),
            None => {
                let channel = (self.connect)()?;
                self.channel = Some(channel.clone());
                Ok(channel)
            }
        }
    }
}

/// Where the hub's answers are written down.
struct Desk<'s> {
    outbox: &'s Outbox,
    quarantine: &'s Quarantine,
    counters: &'s Counters,
}

impl Desk<'_> {
    /// Writes down the hub's answer for a draft, and lets go of it.
    fn book(&self, number: u64, origin: String, draft: SignalDraft, fate: Fate) -> Result<(), Trouble> {
        match fate {
            Fate::Durable(outcome) => {
                let counter = match outcome {
                    // A hub newer than this adapter may acknowledge in a way unknown here: it is durable all the same.
                    PushOutcome::Recorded | PushOutcome::Unspecified => &self.counters.recorded,
                    PushOutcome::AlreadyKnown => &self.counters.already_known,
                    PushOutcome::Corrected => &self.counters.corrected,
                    PushOutcome::Superseded => &self.counters.superseded,
                };
                counter.add(1);
                if outcome == PushOutcome::Superseded {
                    tracing::info!(origin, "not kept: the hub has a higher version, or a retraction");
                }
                self.outbox.leave(number, clock::now()).map_err(unwritten)
            }
            Fate::Refused(refusal) => self.put_aside(number, origin, Content::Draft(draft), refusal),
        }
    }

    /// Keeps what the hub refused, and lets go of it in the outbox.
    fn put_aside(
        &self,
        number: u64,
        origin: String,
        content: Content,
        refusal: placehub_proto::v1::Refusal,
    ) -> Result<(), Trouble> {
        let now = clock::now();
        tracing::warn!(origin, reason = refusal.reason, "refused by the hub");
        let kept = Kept::refused(origin, content, refusal, now);
        self.quarantine
            .keep(&[kept])
            .map_err(|error| Trouble::Unwritten { message: chain(&error) })?;
        self.counters.refused.add(1);
        self.outbox.leave(number, now).map_err(unwritten)
    }
}

/// Connections made from a settings file, which is read anew for each, with the certificates that it names.
pub fn by_settings(file: PathBuf) -> Connect {
    Box::new(move || {
        let settings = Settings::load(&file).map_err(|error| Trouble::Settings { message: chain(&error) })?;
        channel(&settings).map_err(|error| Trouble::Settings { message: chain(&error) })
    })
}

fn unwritten(error: outbox::Error) -> Trouble {
    Trouble::Unwritten { message: chain(&error) }
}

/// Waits until there is something to send.
async fn rest(outbox: &Outbox, news: &mut watch::Receiver<u64>, stop: &CancellationToken) {
    tokio::select! {
        _ = news.changed() => return,
        () = stop.cancelled() => return,
        () = sleep(QUIET) => {}
    }
    if let Err(error) = outbox.tidy(clock::now()) {
        tracing::error!(cause = %chain(&error), "cannot tidy the outbox");
    }
    tokio::select! {
        _ = news.changed() => {}
        () = stop.cancelled() => {}
    }
}

async fn late(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(FAREWELL).await;
}
