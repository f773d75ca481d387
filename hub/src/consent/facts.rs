//! Consent facts for the headers of one question: each person's statements are read once.
//! Never judges.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Error, Grounds, Recorded, epoch, fact, serial, statements};
use crate::{
    keys::Vault,
    model::{AgencyId, ConsentFact, Header, PersonId, PurposeId},
    store::Read,
};

/// Finds facts for one reader, one purpose and one moment.
pub struct Facts<'r> {
    read: &'r dyn Read,
    vault: &'r Vault,
    reader: &'r AgencyId,
    purpose: &'r PurposeId,
    now: Timestamp,
    known: HashMap<PersonId, Vec<Recorded>>,
    grounds: Grounds,
}

impl<'r> Facts<'r> {
    /// Nothing read yet but how many statements there are.
    ///
    /// # Errors
    /// If the store fails.
    pub fn new(
        read: &'r dyn Read,
        vault: &'r Vault,
        (reader, purpose): (&'r AgencyId, &'r PurposeId),
        now: Timestamp,
    ) -> Result<Self, Error> {
        let grounds = Grounds {
            epoch: epoch(read)?,
            people: Vec::new(),
        };
        Ok(Self {
            read,
            vault,
            reader,
            purpose,
            now,
            known: HashMap::new(),
            grounds,
        })
    }

    /// What the person of a signal said that covers showing it to the reader. About no person: nothing.
    ///
    /// # Errors
    /// If a statement cannot be read: the signal must then not be shown.
    pub fn of(&mut self, header: &Header) -> Result<ConsentFact, Error> {
        let Some(person) = header.person else {
            return Ok(ConsentFact::None);
        };
        let said = match self.known.entry(person) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                // The number first: a statement that comes in between makes the grounds fail, and never the facts.
                self.grounds.people.push((person, serial(self.read, person)?));
                unknown.insert(statements(self.read, self.vault, person)?)
            }
        };
        Ok(fact(
            said,
            (&header.kind, &header.owner),
            self.reader,
            self.purpose,
            self.now,
        ))
    }
    /// What the facts rest on.
    pub fn into_grounds(self) -> Grounds {
        self.grounds
    }
}
