//! Makes the head of the ledger known outside: as a file, and to witnesses, whose cosignatures it gathers.
//! Never signs for the hub, and never holds an answer back but by closing the hub, if its settings say so.

mod http;
mod round;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod witness;

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub use settings::{Settings, WitnessSettings};
pub use state::{Standing, State};

use crate::{
    clock::Clock,
    ledger::read,
    store::{Committer, Store},
};
use round::Round;
use witness::Witness;

/// How often the head is looked at, and at most how often witnesses are asked for another.
const PULSE: Duration = Duration::from_millis(250);
/// How long the last head waits for witnesses when the hub stops: each may have to end one exchange and make another.
const PATIENCE: Duration = Duration::from_secs(10);
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
    /// As many witnesses as are required have cosigned a head of this run.
    seen: CancellationToken,
    /// What the hub writes before everything else is written.
    begun: AtomicBool,
}

/// What was made known, and what was judged.
#[derive(Default)]
struct Told {
    /// What the file says.
    written: String,
    /// Whether the file could not be written.
    unwritten: bool,
    /// Whether the last head of which that is known has fewer cosignatures than are required.
    lacking: bool,
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
            seen: CancellationToken::new(),
            begun: AtomicBool::new(false),
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

    /// Holds the committer until witnesses have cosigned a head of this run, and the hub has begun after that, if the hub is
    /// to close without them: a store that was put back must not take anything first. To be called before anybody is served.
    /// Tells whether there is a head that they are to see before the hub begins.
    pub fn begin(&self) -> bool {
        if self.settings.close_without_witnesses {
            self.committer.hold(Some(Arc::from(UNSEEN)));
        }
        // A head that cannot be read is no reason to go on without it.
        self.settings.close_without_witnesses && !matches!(read::checkpoint(&*self.store), Ok(None))
    }

    /// Returns once as many witnesses as are required have cosigned a head of this run.
    pub async fn seen(&self) {
        self.seen.cancelled().await;
    }

    /// What the hub writes before everything else is written: others may write from when witnesses have seen a head.
    pub fn begun(&self) {
        self.begun.store(true, Ordering::Release);
        self.answered.notify_one();
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
        let (mut round, mut told) = (Round::default(), Told::default());
        let next = async |pulse: &mut tokio::time::Interval| {
            tokio::select! {
                _ = pulse.tick() => true,
                () = self.answered.notified() => false,
            }
        };
        while let Some(pulse) = stop.run_until_cancelled(next(&mut pulse)).await {
            self.look(&mut round, &mut told);
            if pulse && self.is_settled(&round) {
                ask_for_newest(&mut round, &heads);
            }
        }
        self.look(&mut round, &mut told);
        ask_for_newest(&mut round, &heads);
        let all = async {
            while !self.have_answered(&round) {
                self.answered.notified().await;
            }
        };
        // Who has not answered by then has not cosigned.
        let _answered = tokio::time::timeout(PATIENCE, all).await;
        self.look(&mut round, &mut told);
    }

    fn look(&self, round: &mut Round, told: &mut Told) {
        match read::checkpoint(&*self.store) {
            Ok(Some(head)) => round.found(head, self.clock.now()),
            Ok(None) => return,
            Err(why) => return tracing::error!(why = %why, "the head of the ledger cannot be read"),
        }
        for witness in &self.witnesses {
            if let Some(cosigned) = witness.cosigned(round.asked()) {
                round.add(&cosigned);
            }
        }
        self.write(round.newest(), told);
        self.judge(round, told);
    }

    fn judge(&self, round: &mut Round, told: &mut Told) {
        let before = self.state.load_full();
        let (have, need) = (self.have_cosigned(round), self.settings.require_witnesses);
        let enough = have >= need;
        if enough {
            round.cover();
        }
        if enough {
            self.seen.cancel();
        }
        if enough || self.have_answered(round) {
            told.lacking = !enough;
        }
        let now = self.clock.now();
        let late = need > 0
            && round
                .uncovered_since()
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
            let why = alarm.as_deref().filter(|_| late || told.lacking);
            let open = self.seen.is_cancelled() && self.begun.load(Ordering::Acquire);
            let why = why.or((!open).then_some(UNSEEN));
            self.committer.hold(why.map(Arc::from));
        }
        self.state.store(Arc::new(State {
            witnessed: if enough && have > 0 {
                round.note().to_owned()
            } else {
                before.witnessed.clone()
            },
            cosigned: have,
            witnesses: self.witnesses.iter().map(Witness::standing).collect(),
            alarm,
        }));
    }

    /// Whether there is nothing more to wait for with the head that witnesses are asked for: enough have cosigned it, or all
    /// have answered.
    fn is_settled(&self, round: &Round) -> bool {
        self.have_cosigned(round) >= self.settings.require_witnesses.max(1) || self.have_answered(round)
    }

    fn have_answered(&self, round: &Round) -> bool {
        round.asked().is_empty() || self.witnesses.iter().all(|witness| witness.has_answered(round.asked()))
    }

    fn have_cosigned(&self, round: &Round) -> usize {
        let cosigned = self
            .witnesses
            .iter()
            .filter(|witness| witness.has_cosigned(round.note()));
        cosigned.count()
    }

    /// Writes the newest head with what it has by way of cosignatures, if the file says something else.
    fn write(&self, newest: &str, told: &mut Told) {
        let Some(path) = self.settings.publish.as_deref().filter(|_| told.written != newest) else {
            return;
        };
        match replace(path, newest) {
            Ok(()) => {
                newest.clone_into(&mut told.written);
                told.unwritten = false;
            }
            Err(why) if !told.unwritten => {
                told.unwritten = true;
                tracing::error!(why = %why, file = %path.display(), "the checkpoint cannot be published; it is tried again");
            }
            Err(_) => {}
        }
    }
}

fn ask_for_newest(round: &mut Round, heads: &watch::Sender<String>) {
    if let Some(head) = round.take() {
        heads.send_replace(head.to_owned());
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
