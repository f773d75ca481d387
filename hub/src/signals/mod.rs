//! Keeps and opens signals. Nothing is opened or kept without a permit, and nothing here decides or knows who asks.

mod keep;

use std::sync::Arc;

pub use keep::{Outcome, Plan, RetractPlan, Retraction, forget, keep, plan, plan_retraction, retract};

use crate::{
    decide::Shown,
    gate::{Permit, Show},
    keys::{self, Keys},
    labels,
    model::{Body, Header, Level, SignalId},
    store::{self, Read, Store, row},
    tables,
};

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

/// A signal as far as a permit opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its labels.
    pub header: Header,
    /// How much of it may be shown.
    pub level: Level,
    /// Its content, at detail level alone.
    pub body: Option<Body>,
}

/// Opens the signals of a permit.
#[derive(Clone)]
pub struct Signals {
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
}

impl Signals {
    /// Opens signals of this store with these keys.
    pub fn new(store: Arc<dyn Store>, keys: Arc<Keys>) -> Self {
        Self { store, keys }
    }

    /// Opens all that the permit shows.
    ///
    /// # Errors
    /// `Changed` if anything that the decision rests on, or any of the signals, has changed since; otherwise if something
    /// cannot be read.
    pub fn read(&self, permit: &Permit<Show>) -> Result<Vec<Opened>, Error> {
        let opened = permit.scope().shown().iter().map(|shown| self.opened(shown));
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        for shown in permit.scope().shown() {
            self.check(shown)?;
        }
        self.release(permit, opened)
    }

    /// Opens one of the signals that the permit shows.
    ///
    /// # Errors
    /// `Changed` if the permit does not show it, or as `read`.
    pub fn open(&self, permit: &Permit<Show>, signal: SignalId) -> Result<Opened, Error> {
        let shown = permit.scope().of(signal).ok_or(Error::Changed)?;
        let opened = self.opened(shown)?;
        self.check(shown)?;
        self.release(permit, opened)
    }

    fn release<T>(&self, permit: &Permit<Show>, opened: T) -> Result<T, Error> {
        match permit.scope().holds(&*self.store)? {
            true => Ok(opened),
            false => Err(Error::Changed),
        }
    }

    fn opened(&self, Shown { header, level }: &Shown) -> Result<Opened, Error> {
        let body = match level {
            Level::Detail => Some(self.body(header)?),
            Level::Existence | Level::Headline => None,
        };
        Ok(Opened {
            header: header.clone(),
            level: *level,
            body,
        })
    }

    /// Whether a signal is still the one that was decided on.
    fn check(&self, shown: &Shown) -> Result<(), Error> {
        let current = labels::state(&*self.store, shown.header.id)?;
        match current.is_some_and(|state| !state.retracted && state.header.version == shown.header.version) {
            true => Ok(()),
            false => Err(Error::Changed),
        }
    }

    fn body(&self, header: &Header) -> Result<Body, Error> {
        let store: &dyn Read = &*self.store;
        // The content of another version is no fault: somebody has just corrected or taken back the signal.
        let Some(sealed) = store.get(&body_key(header.id))? else {
            return Err(Error::Changed);
        };
        let opened = self.keys.vault.open(store, subject(header), &bound_to(header), &sealed);
        match opened {
            Ok(plain) => Ok(row::decode(tables::BODY, &plain)?),
            Err(why) => Err(self
                .check_version(header)?
                .map_or(Error::Sealed(why), |()| Error::Changed)),
        }
    }

    /// `Some` if the signal is another version by now.
    fn check_version(&self, header: &Header) -> Result<Option<()>, Error> {
        let current = labels::state(&*self.store, header.id)?;
        Ok(current
            .is_none_or(|state| state.header.version != header.version)
            .then_some(()))
    }
}

/// Under whose data key the content of a signal is sealed: its person's, else its address's, else its own.
fn subject(header: &Header) -> [u8; 16] {
    let person = header.person.map(|person| person.0);
    person.or(header.address).unwrap_or(header.id.0)
}

fn body_key(signal: SignalId) -> Vec<u8> {
    [&[tables::BODY], &signal.0[..]].concat()
}

/// What sealed content is bound to: it opens for this signal and this version alone.
fn bound_to(header: &Header) -> Vec<u8> {
    [&body_key(header.id)[..], &header.version.to_be_bytes()].concat()
}
