//! Keeps and opens signals. Nothing here can be called without a permit, and nothing here decides or knows who asks.

mod keep;

use std::sync::Arc;

pub use keep::{Outcome, Plan, RetractPlan, Retraction, keep, plan, plan_retraction, retract};

use crate::{
    consent,
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
    /// What people said about sharing has changed since the permit was given: ask the gate again.
    #[error("consent has changed since the decision")]
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

    /// Opens what the permit shows. A signal that was corrected or taken back since is left out.
    ///
    /// # Errors
    /// `Changed` if anyone said anything about sharing since the decision; otherwise if something cannot be read.
    pub fn read(&self, permit: &Permit<Show>) -> Result<Vec<Opened>, Error> {
        let store: &dyn Read = &*self.store;
        let mut opened = Vec::with_capacity(permit.scope().shown().len());
        for Shown { header, level } in permit.scope().shown() {
            let current = labels::state(store, header.id)?;
            if !current.is_some_and(|state| !state.retracted && state.header.version == header.version) {
                continue;
            }
            let body = match level {
                Level::Detail => Some(self.body(header)?),
                Level::Existence | Level::Headline => None,
            };
            opened.push(Opened {
                header: header.clone(),
                level: *level,
                body,
            });
        }
        match consent::epoch(store)? == permit.scope().epoch() {
            true => Ok(opened),
            false => Err(Error::Changed),
        }
    }

    fn body(&self, header: &Header) -> Result<Body, Error> {
        let store: &dyn Read = &*self.store;
        let sealed = store.get(&body_key(header.id))?.ok_or(store::Error::Corrupt {
            table: char::from(tables::BODY),
            why: "a signal has no content",
        })?;
        let plain = self
            .keys
            .vault
            .open(store, subject(header), &bound_to(header), &sealed)
            .map_err(Error::Sealed)?;
        Ok(row::decode(tables::BODY, &plain)?)
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
