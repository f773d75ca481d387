//! The one door: looks up what a question is about, has it decided, has the decision recorded on the disk,
//! and only then gives a permit. Holds no rule, never opens content, never knows the wire.

mod adopt;
mod ask;
mod candidates;
mod deeds;
mod identities;
mod locate;
mod looks;
#[cfg(test)]
mod muting;
mod near;
mod operate;
mod permit;
mod record;
mod sweep;
mod telling;
#[cfg(test)]
mod tests;
mod watch;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;

pub use crate::store::Coming;
pub use adopt::{FAULT, Unfit, refuse_at_start};
pub use ask::{Answer, Page};
pub use looks::{AccessLog, Examine, Export, Inquiry, ListEntries, ListHeld, Prove, Review, ShowEntry, WhoSaw};
pub use permit::{Act, Identify, ListConsents, Permit, Push, Retract, Show, TakeDown};
pub use sweep::Swept;
pub use telling::{Event, Told};
pub use watch::{Next, Standpoint, Step, Watch};

use crate::{
    consent::{self, Grounds},
    decide::{Decision, PolicySet, Refusal},
    keys::{Keys, Tokens},
    labels::Index,
    ledger::{self, Ledger, Receipt, VerifierKey},
    person::Bar,
    place::Places,
    signals,
    store::{self, Committer, Counted, Read, Txn, Unwritten},
};
use locate::About;
use operate::Planned;
use record::Noted;

/// Why nothing may be shown or done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whom a statement is of cannot be told: two people share what was given.
    #[error("these identifiers do not single out one person: give the NHS number")]
    Ambiguous,
    /// Records are not to be one person's. The attempt is in the ledger.
    #[error("{0}")]
    Apart(Bar),
    /// Something below the gate failed. Nothing was disclosed.
    #[error("the hub could not come to a decision")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Consent, the policies or a signal changed while the question was being answered.
    #[error("something changed while the question was being answered; ask again")]
    Changing,
    /// The same version was pushed before, with other content, or a retraction does not have a higher one.
    #[error("this version is known with other content; raise `version`")]
    Conflict,
    /// It is held back from several people.
    #[error("it is held back from several people; say which access log met it")]
    HeldForSeveral,
    /// No access log has met this entry as one to be held back.
    #[error("no such entry is held back")]
    NotHeld,
    /// The rules do not permit it. The refusal is in the ledger.
    #[error("{}", .0.reason)]
    Refused(Refusal),
    /// The hub is closed: nothing can be recorded any more.
    #[error("the hub is closed")]
    Closed(#[source] Unwritten),
    /// This request alone cannot be recorded.
    #[error("the hub cannot record this request")]
    Unrecordable(#[source] Unwritten),
}

/// Everything that the walk of a request needs.
pub struct Gate {
    store: Arc<Counted>,
    labels: Index,
    committer: Committer,
    ledger: Arc<Ledger>,
    keys: Arc<Keys>,
    places: Arc<Places>,
    policies: Arc<ArcSwap<PolicySet>>,
    said: consent::Memory,
}

impl Gate {
    /// A gate in front of a store, with the one way to write it.
    pub fn new(
        (store, committer): (Arc<Counted>, Committer),
        ledger: Arc<Ledger>,
        keys: Arc<Keys>,
        places: Arc<Places>,
        policies: PolicySet,
    ) -> Self {
        Self {
            labels: Index::new(store.clone()),
            store,
            committer,
            ledger,
            keys,
            places,
            policies: Arc::new(ArcSwap::from_pointee(policies)),
            said: consent::Memory::empty(),
        }
    }

    /// The policies in force.
    pub fn policies(&self) -> Arc<PolicySet> {
        self.policies.load_full()
    }

    /// Areas and addresses.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Seals page tokens and cursors.
    pub fn tokens(&self) -> &Tokens {
        &self.keys.tokens
    }

    /// Checks the signatures of the ledger.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.ledger.verifier_key()
    }

    /// Why the hub is closed, if it is: nothing can be recorded, so nothing is shown.
    pub fn closed(&self) -> Option<Arc<str>> {
        self.committer.closed()
    }

    /// How many batches were written since the start, and how long that took altogether.
    pub fn commits(&self) -> (u64, Duration) {
        self.committer.effort()
    }

    /// How many entries the ledger has. That is no secret, as its signed head says it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn ledger_size(&self) -> Result<u64, Error> {
        Ok(ledger::read::size(self.read())?)
    }

    /// Counts somebody who will push or take back, and has nothing else to do on their task until that is done.
    pub fn soon(&self) -> Coming<'_> {
        self.committer.soon()
    }

    /// Counts somebody who will push and has more to do meanwhile, such as taking the next signal of a stream.
    pub fn among_others(&self) -> Coming<'_> {
        self.committer.among_others()
    }

    /// Finishes what is being written, and closes.
    pub async fn stop(&self) {
        self.committer.stop().await;
    }

    /// Records a decision that was made on `grounds`, with what else is to be said of it and further writes of the gate.
    async fn enter(
        &self,
        coming: Coming<'_>,
        decision: Decision,
        (about, noted): (About, Noted),
        grounds: Arc<Grounds>,
        further: impl FnOnce(&mut Txn<'_>) -> Result<(), store::Error> + Send + 'static,
    ) -> Result<Permit<Show>, Error> {
        let (ledger, keys, policies) = (self.ledger.clone(), self.keys.clone(), self.policies.clone());
        let same = grounds.clone();
        let (ready, seen) = {
            let view = self.committer.view(self.read());
            let ready = record::entry(&view, &keys.vault, &decision, &about, noted.clone())?;
            (ready, view.seen())
        };
        let entered = self.committer.commit_on(coming, seen, move |txn, holds| {
            if policies.load().digest() != decision.policy() || !same.hold(txn)? {
                return Err(Error::Changing);
            }
            let ready = match holds {
                true => ready,
                false => record::entry(txn, &keys.vault, &decision, &about, noted)?,
            };
            let entered = ready.append(txn, &ledger)?;
            further(txn)?;
            Ok((entered, decision))
        });
        let receipt = Receipt::new(entered.await??);
        match receipt.decision().refusal() {
            Some(refusal) => Err(Error::Refused(refusal.clone())),
            None => Ok(Permit::show(receipt, grounds, self.policies.clone())),
        }
    }

    fn read(&self) -> &dyn Read {
        &*self.store
    }
}

macro_rules! broken_by {
    ($($error:ty),*) => {$(
        impl From<$error> for Error {
            fn from(why: $error) -> Self {
                Self::Broken(Box::new(why))
            }
        }
    )*};
}

broken_by!(
    store::Error,
    consent::Error,
    crate::ledger::Error,
    crate::person::Error,
    crate::keys::Error
);

impl From<Unwritten> for Error {
    fn from(why: Unwritten) -> Self {
        match why {
            Unwritten::Closed { .. } => Self::Closed(why),
            Unwritten::Refused { .. } => Self::Unrecordable(why),
        }
    }
}

impl From<signals::Error> for Error {
    fn from(why: signals::Error) -> Self {
        match why {
            signals::Error::Changed => Self::Changing,
            signals::Error::Conflict => Self::Conflict,
            other => Self::Broken(Box::new(other)),
        }
    }
}
