//! The one door: looks up what a question is about, has it decided, has the decision recorded on the disk,
//! and only then gives a permit. Never decides, never opens content, never knows the wire.

mod deeds;
mod permit;
mod telling;
mod watch;

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use arc_swap::ArcSwap;
use jiff::Timestamp;

pub use permit::{Act, Permit, Show};
pub use watch::{Event, Standpoint, Step};

use crate::{
    authn::Caller,
    consent::{self, Facts},
    decide::{Decision, Deed, Operation, PolicySet, Refusal, Sift},
    keys::Keys,
    labels::{self, Position, State, Window},
    ledger::{Ledger, Receipt, Touched},
    locate::{About, Located},
    model::{AgencyId, Question, SignalId},
    place::Places,
    record, signals,
    store::{self, Committer, Read, Store, Txn},
};

/// How often a question is decided anew when consent changes under it, before the asker is told to try again.
const TRIES: usize = 8;

/// Why nothing may be shown or done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something below the gate failed. Nothing was disclosed.
    #[error("the hub could not come to a decision")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Consent changed under the question again and again.
    #[error("consent changed while the question was being decided; ask again")]
    Changing,
    /// The hub writes nothing more, or refused to write this.
    #[error("nothing can be recorded")]
    Closed(#[from] store::Unwritten),
    /// The same version was pushed before, with other content.
    #[error("this version was pushed before with other content; raise `version` to correct it")]
    Conflict,
    /// The rules do not permit it. The refusal is in the ledger.
    #[error("{}", .0.reason)]
    Refused(Refusal),
}

/// Everything that the walk of a request needs.
pub struct Gate {
    /// Where everything lies.
    pub store: Arc<dyn Store>,
    /// The one way to write.
    pub committer: Committer,
    /// The record of decisions.
    pub ledger: Arc<Ledger>,
    /// Seals, opens and hashes.
    pub keys: Arc<Keys>,
    /// Areas and addresses.
    pub places: Arc<Places>,
    /// The policies in force.
    pub policies: Arc<ArcSwap<PolicySet>>,
}

/// Which part of an answer is wanted.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// How many signals at most.
    pub size: usize,
    /// After which one.
    pub after: Option<Position>,
    /// Agencies that earlier pages found to know the subject, each by one signal: told at the end of the answer.
    pub known: BTreeMap<AgencyId, SignalId>,
}

/// An answer that may be shown.
#[derive(Debug)]
pub struct Answer {
    /// The permit to show it.
    pub permit: Permit<Show>,
    /// Where the next page starts, if there is one.
    pub next: Option<Page>,
}

impl Gate {
    /// Decides and records one page of a question.
    ///
    /// # Errors
    /// `Refused` if the question is not taken; otherwise if anything fails. Nothing may then be shown.
    pub async fn ask(
        &self,
        caller: &Caller,
        question: &Question,
        page: &Page,
        now: Timestamp,
    ) -> Result<Answer, Error> {
        for _ in 0..TRIES {
            let epoch = consent::epoch(self.read())?;
            let (decision, about, next) = self.decide(caller, question, page, now)?;
            let Some(receipt) = self.enter(decision, about, epoch, |_| Ok(())).await? else {
                continue;
            };
            if let Some(refusal) = receipt.decision().refusal() {
                return Err(Error::Refused(refusal.clone()));
            }
            let permit = Permit::show(receipt, epoch);
            return Ok(Answer { permit, next });
        }
        Err(Error::Changing)
    }

    /// Decides on one of the things that run the hub, and does it in the batch that records it.
    ///
    /// `plan` reads, and says what will be done and what the ledger is to say of it; `act` writes.
    ///
    /// # Errors
    /// `Refused` if it is not permitted; otherwise what `plan` or `act` say. Nothing was then done.
    async fn operate<P, T>(
        &self,
        caller: &Caller,
        operation: Operation,
        now: Timestamp,
        plan: impl FnOnce(&dyn Read) -> Result<(P, About, Option<Touched>), Error> + Send + 'static,
        act: impl FnOnce(&mut Txn<'_>, &Permit<Act>, P) -> Result<T, Error> + Send + 'static,
    ) -> Result<(Permit<Act>, T), Error>
    where
        T: Send + 'static,
    {
        let decision = self.policies.load().operate(caller, operation, now);
        let refused = decision.refusal().cloned();
        let (ledger, keys) = (self.ledger.clone(), self.keys.clone());
        let caller = caller.clone();
        let done = self.committer.commit(move |txn| {
            if decision.refusal().is_some() {
                let (entry, concerns) = record::entry(txn, &keys.vault, &decision, &About::Nothing, None)?;
                let _refused = ledger.enter(txn, entry, &concerns)?;
                return Ok(None);
            }
            let (planned, about, touched) = plan(txn)?;
            let (entry, concerns) = record::entry(txn, &keys.vault, &decision, &about, touched)?;
            let entered = ledger.enter(txn, entry, &concerns)?;
            let permit = Permit::act(&entered, &caller, now);
            let outcome = act(txn, &permit, planned)?;
            Ok::<_, Error>(Some((permit, outcome)))
        });
        let done = done.await??.into_inner();
        done.ok_or_else(|| refused.map_or(Error::Changing, Error::Refused))
    }

    /// Looks a question up and sifts one page of what is found.
    fn decide(
        &self,
        caller: &Caller,
        question: &Question,
        page: &Page,
        now: Timestamp,
    ) -> Result<(Decision, About, Option<Page>), Error> {
        let policies = self.policies.load_full();
        let Located { locus, about, areas } = self.locate(caller, question)?;
        let mut sift = Sift::new(&policies, caller, question, areas, page.known.clone(), now);
        let window = Window {
            since: question.since,
            until: question.until,
            now,
        };
        let mut facts = Facts::new(self.read(), &self.keys.vault, (caller.agency(), &question.purpose), now);
        let (mut broken, mut last) = (None, page.after);
        labels::scan(self.read(), &locus, window, page.after, |header| {
            match facts.of(&header) {
                Ok(fact) => {
                    let here = Position::of(&header);
                    let areas = self.around(&header);
                    let flow = sift.offer(header, areas, fact, page.size);
                    last = if flow.is_continue() { Some(here) } else { last };
                    flow
                }
                Err(why) => {
                    broken = Some(why);
                    ControlFlow::Break(())
                }
            }
        })?;
        broken.map_or(Ok(()), Err)?;
        if !sift.has_more() {
            for signal in page.known.values() {
                let state = labels::state(self.read(), *signal)?;
                if let Some(State {
                    header,
                    retracted: false,
                    ..
                }) = state
                    && window.holds(&header)
                {
                    let (areas, fact) = (self.around(&header), facts.of(&header)?);
                    sift.recall(header, areas, fact);
                }
            }
        }
        let next = sift.has_more().then(|| Page {
            size: page.size,
            after: last,
            known: sift.known().clone(),
        });
        Ok((sift.finish(Deed::Ask), about, next))
    }

    /// Records a decision, with further writes of the gate. `None` if consent changed since the decision was made.
    async fn enter(
        &self,
        decision: Decision,
        about: About,
        epoch: u64,
        further: impl FnOnce(&mut Txn<'_>) -> Result<(), store::Error> + Send + 'static,
    ) -> Result<Option<Receipt<Decision>>, Error> {
        let (ledger, keys) = (self.ledger.clone(), self.keys.clone());
        let entered = self.committer.commit(move |txn| {
            if consent::epoch(txn)? != epoch {
                return Ok(None);
            }
            let (entry, concerns) = record::entry(txn, &keys.vault, &decision, &about, None)?;
            let entered = ledger.enter(txn, entry, &concerns)?;
            further(txn)?;
            Ok::<_, Error>(Some((entered, decision)))
        });
        Ok(Receipt::of(entered.await??))
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

impl From<signals::Error> for Error {
    fn from(why: signals::Error) -> Self {
        match why {
            signals::Error::Conflict => Self::Conflict,
            signals::Error::Changed => Self::Changing,
            other => Self::Broken(Box::new(other)),
        }
    }
}
