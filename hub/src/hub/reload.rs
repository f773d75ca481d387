//! Reads again what may change while a hub serves: on a signal, and policies also when their files change.
//! What cannot be used leaves what was in force in force.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{sync::Mutex, time::MissedTickBehavior};

use super::Error;
use crate::{
    config::{Config, PolicyFiles},
    decide::{self, Edition, Files, PolicySet, PublicKey, Trust},
    gate::{self, Unfit},
    ledger::Ledger,
    model::PolicyVersion,
    rpc::{House, Refused},
    store::Committer,
    tls::Live,
};

/// How often lapsed agreements are looked for where files are not watched.
const DAILY_MATTERS: Duration = Duration::from_secs(60);

/// Reads again what may change while a hub serves.
#[derive(Clone)]
pub struct Reloader {
    house: Arc<House>,
    live: Arc<Live>,
    config: Arc<Config>,
    /// Held while policies are read and come into force, or two could come into force in the wrong order.
    policies: Arc<Mutex<()>>,
}

/// What a reload came to.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// What was taken.
    pub taken: Vec<String>,
    /// What could not be used: of that, what was in force stays in force.
    pub failed: Vec<Error>,
}

impl Reloader {
    pub(super) fn new(house: &Arc<House>, live: &Arc<Live>, config: &Config) -> Self {
        Self {
            house: house.clone(),
            live: live.clone(),
            config: Arc::new(config.clone()),
            policies: Arc::default(),
        }
    }

    /// Reads certificates, the revocation list, the issuers' keys and the policies again. What cannot be used leaves
    /// what was in force before in force; everything else is taken. `by` says in the ledger what made it so.
    pub async fn reload(&self, by: &str) -> Reloaded {
        let mut reloaded = Reloaded::default();
        let mut note = |what: String, done: Result<(), Error>| match done {
            Ok(()) => reloaded.taken.push(what),
            Err(why) => reloaded.failed.push(why),
        };
        let (live, authenticator) = (self.live.clone(), self.house.authenticator.clone());
        let read = tokio::task::spawn_blocking(move || {
            (
                live.reload().map_err(Error::Tls),
                authenticator.reload().map_err(Error::Agencies),
            )
        });
        if let Ok((certificates, issuers)) = read.await {
            note("certificates and revocation list".to_owned(), certificates);
            note("issuers' keys".to_owned(), issuers);
        }
        match self.reload_policies(by).await {
            Ok(digest) => note(format!("policies {digest}"), Ok(())),
            Err(why) => note("policies".to_owned(), Err(why)),
        }
        reloaded
    }

    /// Enters in the ledger what is in force from the start on, if it is not what was in force last.
    pub(super) async fn begin(&self) -> Result<(), Error> {
        let _alone = self.policies.lock().await;
        // A change that was refused before this turn came stays told as refused.
        let begun = self.house.gate.begin(self.house.clock.now()).await;
        begun.map_err(Error::Unrecorded)
    }

    /// Looks again and again whether the policies' files have changed, or an agreement has lapsed. `known` is how they
    /// looked before those in force were read.
    pub(super) async fn keep_up(self, mut known: Vec<String>) {
        let seconds = self.config.policies.poll_seconds;
        let every = if seconds == 0 {
            DAILY_MATTERS
        } else {
            Duration::from_secs(seconds)
        };
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = known.clone();
        loop {
            ticks.tick().await;
            self.lapses().await;
            if seconds == 0 {
                continue;
            }
            let now = self.look().await;
            // Files that are still being written are let be until two looks see the same.
            if now != known && now == seen {
                let reloaded = self.reload_policies("files changed").await;
                // What could not be read or recorded is tried again at the next look.
                if reloaded.as_ref().map_or_else(is_settled, |_| true) {
                    known = now.clone();
                }
                match reloaded {
                    Ok(digest) => tracing::info!(%digest, "policies reloaded: their files had changed"),
                    Err(why) => tracing::error!(why = chain(&why), "policies refused: those in force stay in force"),
                }
            }
            seen = now;
        }
    }

    async fn reload_policies(&self, by: &str) -> Result<Arc<str>, Error> {
        let _alone = self.policies.lock().await;
        let config = self.config.clone();
        let read = tokio::task::spawn_blocking(move || policies(&config)).await;
        match read.unwrap_or_else(|_| Err(Error::Policies(decide::Error::cut_short()))) {
            Ok(set) => {
                let digest = set.digest().to_owned();
                let version = Some(set.version().clone());
                let adopted = self.adopt(Arc::new(set), by).await;
                if let Err(why) = &adopted {
                    let refused = self.refused((digest, version), why);
                    self.house.refused.store(Some(Arc::new(refused)));
                }
                adopted
            }
            Err(why) => {
                self.refuse(&why, by).await?;
                Err(why)
            }
        }
    }

    async fn adopt(&self, set: Arc<PolicySet>, by: &str) -> Result<Arc<str>, Error> {
        let now = self.house.clock.now();
        let before = self.house.gate.policies();
        self.house
            .gate
            .adopt(set.clone(), by, now)
            .await
            .map_err(Error::Unrecorded)?;
        self.house.refused.store(None);
        if before.digest() != set.digest() {
            self.house.loaded_at.store(Arc::new(now));
        }
        Ok(set.digest().into())
    }

    /// Records policies that cannot be used, unless that is known already.
    async fn refuse(&self, why: &Error, by: &str) -> Result<(), Error> {
        let folder = self.config.policies.folder.clone();
        let named = tokio::task::spawn_blocking(move || named(&folder)).await;
        let mut refused = self.refused(named.unwrap_or_default(), why);
        let known = self.house.refused.load_full();
        let same = |known: &Refused| (&known.digest, &known.fault) == (&refused.digest, &refused.fault);
        if known.is_some_and(|known| known.entered && same(&known)) {
            return Ok(());
        }
        let unfit = Unfit {
            at: refused.at,
            digest: refused.digest.clone(),
            version: refused.version.clone(),
            fault: refused.fault.clone(),
            by: by.to_owned(),
        };
        let entered = self.house.gate.refuse(unfit).await;
        refused.entered = entered.is_ok();
        self.house.refused.store(Some(Arc::new(refused)));
        entered.map_err(Error::Unrecorded)
    }

    /// What to tell of policies that did not come into force.
    fn refused(&self, (digest, version): Named, why: &Error) -> Refused {
        Refused {
            at: self.house.clock.now(),
            digest,
            version,
            fault: fault(&self.config, why),
            entered: false,
        }
    }

    async fn lapses(&self) {
        let now = self.house.clock.now();
        if let Err(why) = self.house.gate.note_lapses(now).await {
            tracing::error!(
                why = chain(&why),
                "a lapsed agreement could not be recorded; it permits nothing all the same"
            );
        }
    }

    async fn look(&self) -> Vec<String> {
        let config = self.config.clone();
        let looked = tokio::task::spawn_blocking(move || look(&config.policies));
        looked.await.unwrap_or_default()
    }
}

/// Reads and checks the policies of a configuration.
pub(super) fn policies(config: &Config) -> Result<PolicySet, Error> {
    PolicySet::load_trusting(&config.policies.folder, &trust(config)?).map_err(Error::Policies)
}

/// Has it entered that a hub cannot start by its policies, and lets go of the store. Not where it is to wait for witnesses
/// first: the store may be one that was put back.
pub(super) fn refuse(config: &Config, (committer, ledger): (Committer, Arc<Ledger>), why: &Error, at: Timestamp) {
    let (digest, version) = named(&config.policies.folder);
    let unfit = Unfit {
        at,
        digest,
        version,
        fault: fault(config, why),
        by: "start".to_owned(),
    };
    let entering = async move {
        let entered = match config.ledger.close_without_witnesses {
            true => Ok(()),
            false => gate::refuse_at_start(&committer, ledger, unfit).await,
        };
        committer.stop().await;
        entered
    };
    // On a thread of its own, since whoever opens a hub may be one of a runtime's.
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.map(|runtime| runtime.block_on(entering))
        });
        waiting.join()
    });
    if !matches!(waited, Ok(Ok(Ok(())))) {
        tracing::error!("it could not be recorded that the policies were refused");
    }
}

/// The digest and the version of files, as far as they can be told.
type Named = (String, Option<PolicyVersion>);

fn named(folder: &Path) -> Named {
    let files = Files::read(folder).ok();
    let version = files.as_ref().and_then(|files| Edition::read(files).ok());
    let digest = files.map(|files| files.say()).unwrap_or_default();
    (digest, version.map(|edition| edition.version))
}

/// What is wrong, without the folders of this machine.
fn fault(config: &Config, why: &Error) -> String {
    let policies = &config.policies;
    let folders = policies.keys.values().filter_map(|key| key.parent());
    let mut fault = chain(why);
    for folder in folders.chain([&*policies.folder]) {
        fault = fault.replace(&format!("{}/", folder.display()), "");
    }
    fault.chars().take(gate::FAULT).collect()
}

/// Whether the same files would be refused for the same reason at the next look, and the ledger has it.
fn is_settled(why: &Error) -> bool {
    matches!(
        why,
        Error::Policies(decide::Error::Catalogue(_) | decide::Error::Wrong { .. })
    )
}

/// Who the parties are, and whose signatures count.
///
/// # Errors
/// If a party's public key cannot be used.
pub fn trust(config: &Config) -> Result<Trust, Error> {
    let listed = config.agency.iter();
    let mut trust = Trust {
        required: config.policies.require_signatures,
        sectors: listed
            .map(|agency| (agency.id.clone(), agency.sector.clone()))
            .collect(),
        ..Trust::default()
    };
    for (agency, file) in &config.policies.keys {
        let wrong = |why: String| Error::PolicyKey {
            path: file.display().to_string(),
            why,
        };
        let text = std::fs::read_to_string(file).map_err(|why| wrong(why.to_string()))?;
        let key = PublicKey::from_pem(&text).map_err(|why| wrong(why.to_string()))?;
        trust.keys.insert(agency.clone(), key);
    }
    Ok(trust)
}

/// What the policies' files look like from outside: names, lengths and times of change.
pub(super) fn look(config: &PolicyFiles) -> Vec<String> {
    let mut seen = Vec::new();
    look_into(&config.folder, &mut seen);
    config.keys.values().for_each(|file| seen.extend(looks(file)));
    seen.sort();
    seen
}

fn look_into(folder: &Path, seen: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => look_into(&path, seen),
            false => seen.extend(looks(&path)),
        }
    }
}

fn looks(file: &Path) -> Option<String> {
    let found = std::fs::metadata(file).ok()?;
    Some(format!(
        "{} {} {:?}",
        file.display(),
        found.len(),
        found.modified().ok()?
    ))
}

/// An error and its causes in one sentence.
fn chain(why: &dyn std::error::Error) -> String {
    let mut text = why.to_string();
    let mut cause = why.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
