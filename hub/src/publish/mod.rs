//! Makes the head of the ledger known outside: as a file, and to witnesses, whose cosignatures it gathers.
//! Never signs for the hub, and never holds an answer back but by closing the hub, if its settings say so.

mod http;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod witness;

use std::{fs::File, io::Write as _, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use settings::{Settings, WitnessSettings};
pub use state::{Standing, State};

use crate::{
    clock::Clock,
    ledger::{Checkpoint, read},
    store::{Committer, Store},
};
use witness::Witness;

/// How often the head is looked at.
const PULSE: Duration = Duration::from_millis(250);
/// How long the file waits for witnesses: it follows the head within a second whatever they do.
const PROMPT: Duration = Duration::from_millis(500);
/// How long a witness that failed is left alone while the head stays the same.
const AGAIN: Duration = Duration::from_secs(1);

/// Follows the head of the ledger.
pub struct Publisher {
    store: Arc<dyn Store>,
    committer: Committer,
    clock: Arc<dyn Clock>,
    settings: Settings,
    witnesses: Vec<Witness>,
    state: ArcSwap<State>,
}

/// What is remembered from one look at the head to the next.
#[derive(Default)]
struct Round {
    /// The head as it is stored.
    head: String,
    /// The head with the cosignatures that it has.
    note: String,
    /// What the file says.
    written: String,
    /// When witnesses were last asked.
    asked_at: Option<Instant>,
    /// Since when there are fewer cosignatures than required.
    lacking_since: Option<Timestamp>,
    /// Whether the file could be written.
    unwritten: bool,
}

impl Publisher {
    /// A publisher of this store's ledger, which may hold the committer.
    ///
    /// # Errors
    /// If a witness's authority cannot be read.
    pub fn open(
        (store, committer): (Arc<dyn Store>, Committer),
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, http::Error> {
        let witnesses: Vec<Witness> = settings.witness.iter().map(Witness::open).collect::<Result<_, _>>()?;
        let state = State {
            witnesses: witnesses.iter().map(Witness::standing).collect(),
            ..State::default()
        };
        Ok(Self {
            store,
            committer,
            clock,
            settings,
            witnesses,
            state: ArcSwap::from_pointee(state),
        })
    }

    /// What is known of the witnesses now.
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// How many witnesses are required.
    pub fn required(&self) -> usize {
        self.settings.require_witnesses
    }

    /// Follows the head until told to stop, and once more then.
    pub async fn run(&self, stop: CancellationToken) {
        if self.settings.publish.is_none() && self.witnesses.is_empty() {
            return;
        }
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut round = Round::default();
        loop {
            let going = stop.run_until_cancelled(pulse.tick()).await.is_some();
            self.look(&mut round).await;
            if !going {
                return;
            }
        }
    }

    async fn look(&self, round: &mut Round) {
        let head = match read::checkpoint(&*self.store) {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(why) => return tracing::error!(why = %why, "the head of the ledger cannot be read"),
        };
        let fresh = round.head != head;
        if fresh {
            (round.head, round.note) = (head.clone(), head);
        }
        let rested = round.asked_at.is_none_or(|asked| asked.elapsed() >= AGAIN);
        if (fresh || rested) && self.witnesses.iter().any(|witness| !witness.has_cosigned(&round.note)) {
            round.asked_at = Some(Instant::now());
            self.gather(round).await;
        }
        self.write(round);
        self.judge(round);
    }

    /// Asks all witnesses that have not cosigned the head, at once.
    async fn gather(&self, round: &mut Round) {
        let (store, note) = (&*self.store, round.note.clone());
        let asked = self.witnesses.iter().filter(|witness| !witness.has_cosigned(&note));
        let mut answers = std::pin::pin!(join_all(asked.map(|witness| witness.ask(store, &note))));
        let answers = match tokio::time::timeout(PROMPT, &mut answers).await {
            Ok(answers) => answers,
            Err(_) => {
                self.write(round);
                answers.await
            }
        };
        for cosigned in answers.into_iter().flatten() {
            if let Ok(note) = Checkpoint::join(&round.note, &cosigned) {
                round.note = note;
            }
        }
    }

    fn judge(&self, round: &mut Round) {
        let now = self.clock.now();
        let before = self.state.load_full();
        let have = self
            .witnesses
            .iter()
            .filter(|witness| witness.has_cosigned(&round.note))
            .count();
        let lacking = have < self.settings.require_witnesses;
        round.lacking_since = lacking.then(|| round.lacking_since.unwrap_or(now));
        let late = round
            .lacking_since
            .is_some_and(|since| now.duration_since(since) >= self.settings.limit());
        let alarm = late.then(|| {
            let need = self.settings.require_witnesses;
            format!("{have} of {need} required witnesses have cosigned the ledger's head")
        });
        if alarm.is_some() != before.alarm.is_some() {
            match &alarm {
                Some(why) => tracing::error!(
                    why,
                    closed = self.settings.close_without_witnesses,
                    "witnesses are lacking"
                ),
                None => tracing::info!("enough witnesses have cosigned the ledger's head again"),
            }
        }
        if self.settings.close_without_witnesses {
            self.committer.hold(alarm.as_deref().map(Arc::from));
        }
        let enough = have > 0 && !lacking;
        self.state.store(Arc::new(State {
            witnessed: if enough {
                round.note.clone()
            } else {
                before.witnessed.clone()
            },
            witnesses: self.witnesses.iter().map(Witness::standing).collect(),
            alarm,
        }));
    }

    /// Writes the head with what it has by way of cosignatures, if the file says something else.
    fn write(&self, round: &mut Round) {
        let Some(path) = self.settings.publish.as_deref().filter(|_| round.written != round.note) else {
            return;
        };
        match replace(path, &round.note) {
            Ok(()) => {
                round.written.clone_from(&round.note);
                round.unwritten = false;
            }
            Err(why) if !round.unwritten => {
                round.unwritten = true;
                tracing::error!(why = %why, file = %path.display(), "the checkpoint cannot be published; it is tried again");
            }
            Err(_) => {}
        }
    }
}

/// Replaces a file as a whole: who reads it meets the old text or the new.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".part");
    let mut file = File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}
