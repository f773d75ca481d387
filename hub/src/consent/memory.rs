//! What was read of people for earlier questions, so that it need not be read and opened again.
//! Never older than what is committed: each piece is kept under the numbers that go up with whatever it rests on.

use std::{fmt, sync::Arc};

use quick_cache::{Weighter, sync::Cache};

use super::{Error, Recorded, serial, statements};
use crate::{
    keys::Vault,
    model::PersonId,
    person::{Human, human},
    store::Read,
};

/// How much is remembered: each person counts, and so does each statement.
const REMEMBERED: u64 = 65_536;
/// How many people that is expected to be.
const PEOPLE: usize = 16_384;

/// Remembers who people are and what they said. Prints as `Memory(…)`.
///
/// Whoever changes either unsettles those whom it concerns (`consent::unsettle`), which gives them a new number and raises
/// the epoch: the number of all such changes of anybody.
pub struct Memory(Cache<PersonId, Arc<Known>, Weight>);

/// Whoever has said more takes more of the room.
#[derive(Clone)]
struct Weight;

/// What is known of a person.
#[derive(Clone)]
pub(super) struct Known {
    /// The epoch in which the number was looked up; it may be that of a later one.
    epoch: u64,
    /// The person's number; 0 if there never was a change.
    pub(super) newest: u64,
    pub(super) human: Arc<Human>,
    /// What they said up to that number, once somebody has asked.
    said: Option<Arc<[Recorded]>>,
}

impl Memory {
    /// Nothing remembered yet.
    pub fn empty() -> Self {
        Self(Cache::with_weighter(PEOPLE, REMEMBERED, Weight))
    }

    /// A person's number and their human, as they were in this epoch or later.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn person(&self, read: &dyn Read, person: PersonId, epoch: u64) -> Result<Arc<Known>, Error> {
        let known = match self.0.get(&person) {
            Some(known) if known.epoch == epoch => return Ok(known),
            known => known,
        };
        // The number first: what is said or learnt in between makes the grounds fail, and never the facts.
        let newest = serial(read, person)?;
        let (human, said, certain) = match known.filter(|known| known.newest == newest) {
            Some(known) => (known.human.clone(), known.said.clone(), true),
            // What was learnt while it was read belongs to a later number.
            None => (Arc::new(human(read, person)?), None, serial(read, person)? == newest),
        };
        let known = Arc::new(Known {
            epoch,
            newest,
            human,
            said,
        });
        match certain {
            true => self.0.insert(person, known.clone()),
            false => drop(self.0.remove(&person)),
        }
        Ok(known)
    }

    /// What was said under a record of a person, of whom so much is known.
    ///
    /// # Errors
    /// If a statement cannot be opened or the store fails.
    pub(super) fn statements(
        &self,
        read: &dyn Read,
        vault: &Vault,
        record: PersonId,
        known: &Known,
    ) -> Result<Arc<[Recorded]>, Error> {
        if let Some(said) = &known.said {
            return Ok(said.clone());
        }
        let said: Arc<[Recorded]> = match known.newest {
            0 => Arc::default(),
            _ => statements(read, vault, record)?.into(),
        };
        if serial(read, record)? == known.newest {
            let said = Some(said.clone());
            self.0.insert(record, Arc::new(Known { said, ..known.clone() }));
        }
        Ok(said)
    }
}

impl Weighter<PersonId, Arc<Known>> for Weight {
    fn weight(&self, _: &PersonId, known: &Arc<Known>) -> u64 {
        known.said.as_ref().map_or(0, |said| said.len() as u64) + 1
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(…)")
    }
}
