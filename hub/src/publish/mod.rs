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
use tokio::sync::{Notify, watch};
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
/// How long the last head waits for witnesses when the hub stops.
const PATIENCE: Duration = Duration::from_secs(5);
/// What holds a hub that is to close without witnesses, until they have cosigned a head of this run.
const UNSEEN: &str = "witnesses have yet to cosign the ledger's head since the hub started";

/// Follows the head of the ledger.
pub struct Publisher {
    store: Arc<dyn Store>,
    committer: Committer,
    clock: Arc<dyn Clock>,
    settings: Settings,
    witnesses: Vec<Witness>,
    state: ArcSwap<State>,
    /// A witness has answered.
    answered: Notify,
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
    /// Since when there are fewer cosignatures than required.
    lacking_since: Option<Timestamp>,
    /// Whether as many witnesses as are required have cosigned a head of this run.
    seen: bool,
    /// Whether the file could not be written.
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
            answered: Notify::new(),
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

    /// Holds the committer until witnesses have cosigned a head of this run, if the hub is to close without them: a store
    /// that was put back must not take anything first. To be called before anybody is served.
    pub fn begin(&self) {
        if self.settings.close_without_witnesses {
            self.committer.hold(Some(Arc::from(UNSEEN)));
        }
    }

    /// Follows the head until told to stop, and once more then. Each witness is asked at its own pace, so that none of them
    /// delays the file, or another.
    pub async fn run(&self, stop: CancellationToken) {
        if self.settings.publish.is_none() && self.witnesses.is_empty() {
            return;
        }
        let (heads, newest) = watch::channel(String::new());
        let witnesses = self.witnesses.iter();
        let asking = join_all(witnesses.map(|witness| witness.follow(&*self.store, newest.clone(), &self.answered)));
        tokio::join!(self.follow(heads, stop), asking);
    }

    async fn follow(&self, heads: watch::Sender<String>, stop: CancellationToken) {
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut round = Round::default();
        let next = async |pulse: &mut tokio::time::Interval| {
            tokio::select! {
                _ = pulse.tick() => {}
                () = self.answered.notified() => {}
            }
        };
        while stop.run_until_cancelled(next(&mut pulse)).await.is_some() {
            self.look(&mut round, &heads);
        }
        self.look(&mut round, &heads);
        let all = async {
            while !self.witnesses.iter().all(|witness| witness.has_answered(&round.head)) {
                self.answered.notified().await;
            }
        };
        // Who has not answered by then has not cosigned.
        let _answered = tokio::time::timeout(PATIENCE, all).await;
        self.look(&mut round, &heads);
    }

    fn look(&self, round: &mut Round, heads: &watch::Sender<String>) {
        let head = match read::checkpoint(&*self.store) {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(why) => return tracing::error!(why = %why, "the head of the ledger cannot be read"),
        };
        if round.head != head {
            heads.send_replace(head.clone());
            (round.head, round.note) = (head.clone(), head);
        }
        for cosigned in self
            .witnesses
            .iter()
            .filter_map(|witness| witness.cosigned(&round.head))
        {
            if let Ok(note) = Checkpoint::join(&round.note, &cosigned) {
                round.note = note;
            }
        }
        self.write(round);
        self.judge(round);
    }

    fn judge(&self, round: &mut Round) {
        let now = self.clock.now();
        let before = self.state.load_full();
        let (have, need) = (self.have_cosigned(&round.note), self.settings.require_witnesses);
        let lacking = have < need;
        round.seen |= !lacking;
        round.lacking_since = lacking.then(|| round.lacking_since.unwrap_or(now));
        let late = round
            .lacking_since
            .is_some_and(|since| now.duration_since(since) >= self.settings.limit());
        let other = self.witnesses.iter().find(|witness| witness.has_seen_another());
        let alarm = match other {
            Some(other) => Some(format!("the witness {} has cosigned another ledger", other.name())),
            None => late.then(|| format!("{have} of {need} required witnesses have cosigned the ledger's head")),
        };
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
            // Where enough have cosigned all the same, one that says otherwise must not close the hub by itself.
            let why = alarm.as_deref().filter(|_| lacking).or((!round.seen).then_some(UNSEEN));
            self.committer.hold(why.map(Arc::from));
        }
        let enough = have > 0 && !lacking;
        self.state.store(Arc::new(State {
            witnessed: if enough {
                round.note.clone()
            } else {
                before.witnessed.clone()
            },
            cosigned: have,
            witnesses: self.witnesses.iter().map(Witness::standing).collect(),
            alarm,
        }));
    }

    fn have_cosigned(&self, note: &str) -> usize {
        let cosigned = self.witnesses.iter().filter(|witness| witness.has_cosigned(note));
        cosigned.count()
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
