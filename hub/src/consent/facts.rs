//! Consent facts for the headers of one question: each human's statements are read once, those of all their records, and
//! not at all if they were read for an earlier question and nothing has been said since. Never judges.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Error, Grounds, Memory, Recorded, epoch, fact};
use crate::{
    keys::Vault,
    model::{AgencyId, ConsentFact, Header, PersonId, PurposeId},
    person::Human,
    store::Read,
};

/// Finds facts for one reader, one purpose and one moment.
pub struct Facts<'r> {
    read: &'r dyn Read,
    vault: &'r Vault,
    memory: &'r Memory,
    reader: &'r AgencyId,
    purpose: &'r PurposeId,
    now: Timestamp,
    known: HashMap<PersonId, Voice>,
    grounds: Grounds,
}

/// A human, and for each of their records what counts as said under it, the latest first: the record that was asked for
/// before the others. Empty until it is asked for.
struct Voice {
    human: Arc<Human>,
    /// The number of the record.
    newest: u64,
    said: Vec<Arc<[Recorded]>>,
}

impl<'r> Facts<'r> {
    /// Nothing read yet but how many statements there are.
    ///
    /// # Errors
    /// If the store fails.
    pub fn new(
        read: &'r dyn Read,
        (vault, memory): (&'r Vault, &'r Memory),
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
            memory,
            reader,
            purpose,
            now,
            known: HashMap::new(),
            grounds,
        })
    }

    /// Every record of a person's human, theirs first. What is decided rests on it from now on.
    ///
    /// # Errors
    /// If the store fails.
    pub fn records(&mut self, person: PersonId) -> Result<Vec<PersonId>, Error> {
        Ok(self.voice(person)?.human.records())
    }

    /// What the person of a signal said that covers showing it to the reader, and whether they have died.
    /// About no person: nothing, and no.
    ///
    /// # Errors
    /// If a statement cannot be read: the signal must then not be shown.
    pub fn of(&mut self, header: &Header) -> Result<(ConsentFact, bool), Error> {
        let Some(person) = header.person else {
            return Ok((ConsentFact::None, false));
        };
        let (reader, purpose, now) = (self.reader, self.purpose, self.now);
        let voice = match self.known.get(&person) {
            Some(voice) if !voice.said.is_empty() => voice,
            _ => self.listen(person)?,
        };
        let about = (&header.kind, &header.owner);
        let facts = voice.said.iter().map(|said| fact(said, about, reader, purpose, now));
        Ok((bound(facts), voice.human.has_died()))
    }

    /// What the facts rest on.
    pub fn into_grounds(self) -> Grounds {
        self.grounds
    }

    fn voice(&mut self, person: PersonId) -> Result<&mut Voice, Error> {
        Ok(match self.known.entry(person) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let (newest, human) = self.memory.human(self.read, person, self.grounds.epoch)?;
                self.grounds.people.push((person, newest));
                unknown.insert(Voice {
                    human,
                    newest,
                    said: Vec::new(),
                })
            }
        })
    }

    /// Reads what was said under every record of a person's human.
    fn listen(&mut self, person: PersonId) -> Result<&Voice, Error> {
        let (read, vault, memory) = (self.read, self.vault, self.memory);
        let Voice { human, newest, .. } = self.voice(person)?;
        let (human, newest) = (human.clone(), *newest);
        let said = if human.is_one_record() {
            vec![memory.statements(read, vault, person, newest)?]
        } else {
            let records = human.records();
            let mut own = Vec::with_capacity(records.len());
            for record in &records {
                let (newest, _) = memory.human(read, *record, self.grounds.epoch)?;
                self.grounds.people.push((*record, newest));
                own.push((*record, memory.statements(read, vault, *record, newest)?));
            }
            records.iter().map(|record| heard(&human, *record, &own)).collect()
        };
        let voice = self.voice(person)?;
        voice.said = said;
        Ok(voice)
    }
}

/// What counts as said under a record, the latest first: what was said under it, and what was said under the human's other
/// records once they were known to be of one human. So a join never lifts a refusal, and the human still can.
fn heard(human: &Human, record: PersonId, own: &[(PersonId, Arc<[Recorded]>)]) -> Arc<[Recorded]> {
    let mut heard = Vec::new();
    for (under, said) in own {
        let since = human.one_since(record, *under);
        let counts = |said: &&Recorded| *under == record || since.is_some_and(|since| since < said.recorded_at);
        heard.extend(said.iter().filter(counts).cloned());
    }
    heard.sort_by_key(|said| Reverse((said.statement.said_at, said.recorded_at)));
    heard.into()
}

/// What a record says for itself, unless another of the human's says no: a refusal before a withdrawal. A consent under
/// another record, said before the two were known to be one, is lent to none: whoever gave it spoke of that record alone.
fn bound(mut facts: impl Iterator<Item = ConsentFact>) -> ConsentFact {
    let own = facts.next().unwrap_or(ConsentFact::None);
    facts.fold(own, |bound, other| match (bound, other) {
        (ConsentFact::Refused, _) | (_, ConsentFact::Refused) => ConsentFact::Refused,
        (_, ConsentFact::Withdrawn) => ConsentFact::Withdrawn,
        (bound, ConsentFact::Given | ConsentFact::None) => bound,
    })
}
