//! What was read of people for earlier questions, so that it need not be read and opened again.
//! Never older than what is committed: each piece is kept under the numbers that go up with whatever it rests on, and what
//! may change with the time, for as long as it holds.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use quick_cache::{Weighter, sync::Cache};

use super::{Error, Recorded, serial, statements, told::Told};
use crate::{
    keys::Vault,
    model::{AgencyId, PersonId, PurposeId},
    person::{Human, human},
    store::Read,
};

/// How much is remembered: each person counts, and so does each statement.
const REMEMBERED: u64 = 65_536;
/// How many people that is expected to be.
const PEOPLE: usize = 16_384;
/// Of how many readers and purposes it is remembered what people told them.
const ASKERS: usize = 1024;

/// Remembers who people are and what they said. Prints as `Memory(…)`.
///
/// Whoever changes either unsettles those whom it concerns (`consent::unsettle`), which gives them a new number and raises
/// the epoch: the number of all such changes of anybody.
pub struct Memory {
    people: Cache<PersonId, Arc<Known>, Weight>,
    askers: Cache<(AgencyId, PurposeId), Asker>,
    next: AtomicU64,
    told: Cache<(PersonId, Asker), Remembered>,
}

/// A reader and a purpose. No others have the number, nor these if they were forgotten in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Asker(u64);

/// What a person told one who asks, beside all else that a decision needs of them: one look instead of several.
#[derive(Clone, Copy)]
pub(super) struct Remembered {
    /// As in [`Known`].
    epoch: u64,
    pub(super) newest: u64,
    pub(super) told: Told,
    pub(super) has_died: bool,
}

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
        Self {
            people: Cache::with_weighter(PEOPLE, REMEMBERED, Weight),
            askers: Cache::new(ASKERS),
            next: AtomicU64::new(0),
            told: Cache::new(PEOPLE),
        }
    }

    /// A person's number and their human, as they were in this epoch or later.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn person(&self, read: &dyn Read, person: PersonId, epoch: u64) -> Result<Arc<Known>, Error> {
        let known = match self.people.get(&person) {
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
            true => self.people.insert(person, known.clone()),
            false => drop(self.people.remove(&person)),
        }
        Ok(known)
    }

    /// What was said under a record of a person, of whom so much is known, and whether that is certain to be what was said
    /// up to the number that is known.
    ///
    /// # Errors
    /// If a statement cannot be opened or the store fails.
    pub(super) fn statements(
        &self,
        read: &dyn Read,
        vault: &Vault,
        record: PersonId,
        known: &Known,
    ) -> Result<(Arc<[Recorded]>, bool), Error> {
        if let Some(said) = &known.said {
            return Ok((said.clone(), true));
        }
        let said: Arc<[Recorded]> = match known.newest {
            0 => Arc::default(),
            _ => statements(read, vault, record)?.into(),
        };
        let certain = serial(read, record)? == known.newest;
        if certain {
            let said = Some(said.clone());
            self.people.insert(record, Arc::new(Known { said, ..known.clone() }));
        }
        Ok((said, certain))
    }

    /// The number of a reader and a purpose.
    pub(super) fn asker(&self, reader: &AgencyId, purpose: &PurposeId) -> Asker {
        let named = (reader.clone(), purpose.clone());
        self.askers.get(&named).unwrap_or_else(|| {
            let asker = Asker(self.next.fetch_add(1, Ordering::Relaxed));
            self.askers.insert(named, asker);
            asker
        })
    }

    /// What a person told one who asks, as it was in this epoch or later, if it is remembered and so at this time.
    pub(super) fn told(&self, person: PersonId, asker: Asker, epoch: u64, now: Timestamp) -> Option<Remembered> {
        let known = self.told.get(&(person, asker))?;
        Some(known).filter(|known| known.epoch == epoch && known.told.holds_at(now))
    }

    /// Remembers what a person who has one record told one who asks: what is certain to have been said up to the number
    /// that is known.
    pub(super) fn remember(&self, person: PersonId, asker: Asker, known: &Known, told: Told) {
        let remembered = Remembered {
            epoch: known.epoch,
            newest: known.newest,
            told,
            has_died: known.human.has_died(),
        };
        self.told.insert((person, asker), remembered);
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
