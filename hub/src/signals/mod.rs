//! Keeps and opens signals. Nothing is opened or kept without a permit, and nothing here decides, knows who asks, or knows
//! in what form a signal leaves the hub.

mod keep;
mod memory;
mod record;

use std::{fmt, sync::Arc};

pub use keep::{Outcome, Plan, RetractPlan, Retraction, forget, keep, plan, plan_retraction, retract};
pub use record::{State, each, state};

use crate::{
    decide::Shown,
    gate::{Permit, Show},
    keys::{self, Keys},
    model::{Body, Header, Level, SignalId},
    store::{self, Counted},
};
use memory::{Kept, Memory};

/// Why signals could not be kept or opened. Nothing was then kept, and nothing is to be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the permit rests on has changed since it was given: ask the gate again.
    #[error("something has changed since the decision")]
    Changed,
    /// The same version was pushed before, with other content.
    #[error("this version was pushed before with other content; raise `version` to correct it")]
    Conflict,
    /// The person could not be found or made.
    #[error("the person of a signal cannot be identified")]
    Person(#[source] crate::person::Error),
    /// Content cannot be sealed or opened.
    #[error("the content of a signal cannot be sealed or opened")]
    Sealed(#[source] keys::Error),
    /// The store failed.
    #[error("signals cannot be read or kept")]
    Store(#[from] store::Error),
}

/// A signal as far as a permit opens it. Prints nothing of its content.
#[derive(Clone, PartialEq, Eq)]
pub enum Opened {
    /// At detail level: all of it, written out in the hub's [`Form`].
    Whole(Arc<[u8]>),
    /// At a lower level: its labels, and how much of them may be shown.
    Labels(Arc<Header>, Level),
}

/// Writes a signal out at detail level, with all that its labels and its content say. The bytes are remembered in the
/// content's place and never looked into here, so they must follow from those two alone for as long as the hub runs.
pub type Form = Box<dyn Fn(&Header, Body) -> Arc<[u8]> + Send + Sync>;

/// Opens the signals of a permit. Remembers what it opened, as long as it holds, and gives it to no one without a permit.
pub struct Signals {
    store: Arc<Counted>,
    keys: Arc<Keys>,
    memory: Memory,
}

impl Signals {
    /// Opens signals of this store with these keys, and writes them out in this form.
    pub fn new(store: Arc<Counted>, keys: Arc<Keys>, form: Form) -> Self {
        Self {
            store,
            keys,
            memory: Memory::empty(form),
        }
    }

    /// Opens all that the permit shows.
    ///
    /// # Errors
    /// `Changed` if anything that the decision rests on, or any of the signals, has changed since; otherwise if something
    /// cannot be read.
    pub fn read(&self, permit: &Permit<Show>) -> Result<Vec<Opened>, Error> {
        let mut opener = None;
        let shown = permit.scope().shown().iter();
        let opened = shown.map(|shown| self.opened(shown, &mut opener));
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        self.release(permit, opened)
    }

    /// Opens one of the signals that the permit shows.
    ///
    /// # Errors
    /// `Changed` if the permit does not show it, or as `read`.
    pub fn open(&self, permit: &Permit<Show>, signal: SignalId) -> Result<Opened, Error> {
        let shown = permit.scope().of(signal).ok_or(Error::Changed)?;
        let opened = self.opened(shown, &mut None)?;
        self.release(permit, opened)
    }

    /// Looks which signals there are, at so many of them, and says whether there are more: once all are known, a new one is
    /// not looked for in vain.
    ///
    /// # Errors
    /// If the store fails.
    pub fn learn(&self, most: usize) -> Result<bool, Error> {
        Ok(self.store.learn(most)?)
    }

    /// Drops from memory what has been corrected, taken back or forgotten since it was opened.
    pub fn tidy(&self) {
        self.memory.tidy(&self.store);
    }

    fn release<T>(&self, permit: &Permit<Show>, opened: T) -> Result<T, Error> {
        match permit.scope().holds(&*self.store)? {
            true => Ok(opened),
            false => Err(Error::Changed),
        }
    }

    /// One look at a signal's row, or at what is remembered of it, after its decision was recorded, tells both that it is
    /// still the one that was decided on and what it says: what was taken back or corrected before that look is not shown.
    fn opened(&self, Shown { header, level }: &Shown, opener: &mut Option<Kept>) -> Result<Opened, Error> {
        let opens = *level == Level::Detail;
        let content = self.memory.content((&self.store, &self.keys), header, opens, opener)?;
        Ok(match content.filter(|_| opens) {
            Some(whole) => Opened::Whole(whole),
            None => Opened::Labels(header.clone(), *level),
        })
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(_) => f.write_str("Whole(…)"),
            Self::Labels(header, level) => f.debug_tuple("Labels").field(header).field(level).finish(),
        }
    }
}

/// Under whose data key the content of a signal is sealed: its person's, else its address's, else its own.
fn subject(header: &Header) -> [u8; 16] {
    let person = header.person.map(|person| person.0);
    person.or(header.address).unwrap_or(header.id.0)
}

/// What sealed content is bound to: it opens for this signal and this version alone.
fn bound_to(header: &Header) -> Vec<u8> {
    [&record::key(header.id)[..], &header.version.to_be_bytes()].concat()
}
