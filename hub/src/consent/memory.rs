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

/// Of how many people it is remembered who they are, and about how many it is remembered what they said.
const REMEMBERED: usize = 16_384;
/// How much of what was said is remembered: each statement counts, and so does each person.
const STATEMENTS: u64 = 65_536;

/// Remembers who people are and what they said. Prints as `Memory(…)`.
///
/// Whoever changes either unsettles those whom it concerns (`consent::unsettle`), which gives them a new number and raises
/// the epoch: the number of all such changes of anybody.
pub struct Memory {
    humans: Cache<PersonId, Known>,
    said: Cache<PersonId, Said, Weight>,
}

/// What somebody said up to their number.
type Said = (u64, Arc<[Recorded]>);

/// So that nobody who said much takes more room than is theirs.
#[derive(Clone)]
struct Weight;

/// What is known of a person.
#[derive(Clone)]
struct Known {
    /// The epoch in which the number was looked up; it may be that of a later one.
    epoch: u64,
    /// The person's number; 0 if there never was a change.
    newest: u64,
    human: Arc<Human>,
}

impl Memory {
    /// Nothing remembered yet.
    pub fn empty() -> Self {
        Self {
            humans: Cache::new(REMEMBERED),
            said: Cache::with_weighter(REMEMBERED, STATEMENTS, Weight),
        }
    }

    /// A person's number and their human, as they were in this epoch or later.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn human(&self, read: &dyn Read, person: PersonId, epoch: u64) -> Result<(u64, Arc<Human>), Error> {
        let known = self.humans.get(&person);
        if let Some(known) = known.as_ref().filter(|known| known.epoch == epoch) {
            return Ok((known.newest, known.human.clone()));
        }
        // The number first: what is said or learnt in between makes the grounds fail, and never the facts.
        let newest = serial(read, person)?;
        let (human, certain) = match known.filter(|known| known.newest == newest) {
            Some(known) => (known.human, true),
            // What was learnt while it was read belongs to a later number.
            None => (Arc::new(human(read, person)?), serial(read, person)? == newest),
        };
        if certain {
            let human = human.clone();
            self.humans.insert(person, Known { epoch, newest, human });
        }
        Ok((newest, human))
    }

    /// What was said under a record of a person with this number.
    ///
    /// # Errors
    /// If a statement cannot be opened or the store fails.
    pub(super) fn statements(
        &self,
        read: &dyn Read,
        vault: &Vault,
        record: PersonId,
        newest: u64,
    ) -> Result<Arc<[Recorded]>, Error> {
        if newest == 0 {
            return Ok(Arc::default());
        }
        if let Some((_, said)) = self.said.get(&record).filter(|(known, _)| *known == newest) {
            return Ok(said);
        }
        self.said.remove_if(&record, |(known, _)| *known < newest);
        let said: Arc<[Recorded]> = statements(read, vault, record)?.into();
        if serial(read, record)? == newest {
            self.said.insert(record, (newest, said.clone()));
        }
        Ok(said)
    }
}

impl Weighter<PersonId, Said> for Weight {
    fn weight(&self, _: &PersonId, (_, said): &Said) -> u64 {
        said.len() as u64 + 1
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(…)")
    }
}
