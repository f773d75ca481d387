//! Consent facts for the headers of one question: each human's statements are read once, those of all their records, and
//! not at all if they were read for an earlier question and nothing has been said since. Never judges.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Error, Grounds, Memory, Recorded, epoch, fact, memory::Known};
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
    known: HashMap<PersonId, Voice, BuildHasherDefault<Random>>,
    grounds: Grounds,
}

/// What is known of a person, and what counts as said under their human's records, once it was asked for.
struct Voice {
    known: Arc<Known>,
    said: Option<Heard>,
}

/// What counts as said, the latest first: under the record that was asked for, and under each of the human's others.
struct Heard {
    own: Arc<[Recorded]>,
    others: Vec<Arc<[Recorded]>>,
}

/// Hashes ids of people, which are random already.
#[derive(Default)]
struct Random(u64);

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
            known: HashMap::default(),
            grounds,
        })
    }

    /// Every record of a person's human, theirs first. What is decided rests on it from now on.
    ///
    /// # Errors
    /// If the store fails.
    pub fn records(&mut self, person: PersonId) -> Result<Vec<PersonId>, Error> {
        let (read, memory) = (self.read, self.memory);
        Ok(voice((read, memory), &mut self.known, &mut self.grounds, person)?
            .known
            .human
            .records())
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
        let (read, vault, memory) = (self.read, self.vault, self.memory);
        let Voice { known, said } = voice((read, memory), &mut self.known, &mut self.grounds, person)?;
        let human = &known.human;
        let heard = match said {
            Some(heard) => heard,
            None if human.is_one_record() => said.insert(Heard {
                own: memory.statements(read, vault, person, known)?,
                others: Vec::new(),
            }),
            None => said.insert(listen((read, vault, memory), human, &mut self.grounds)?),
        };
        let about = (&header.kind, &header.owner);
        let fact = |said: &Arc<[Recorded]>| fact(said, about, self.reader, self.purpose, self.now);
        let others = heard.others.iter().map(fact);
        Ok((bound(fact(&heard.own), others), human.has_died()))
    }

    /// What the facts rest on.
    pub fn into_grounds(self) -> Grounds {
        self.grounds
    }
}

/// A person's human. What is decided rests on it from now on.
fn voice<'k>(
    (read, memory): (&dyn Read, &Memory),
    known: &'k mut HashMap<PersonId, Voice, BuildHasherDefault<Random>>,
    grounds: &mut Grounds,
    person: PersonId,
) -> Result<&'k mut Voice, Error> {
    Ok(match known.entry(person) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => {
            let known = memory.person(read, person, grounds.epoch)?;
            grounds.people.push((person, known.newest));
            unknown.insert(Voice { known, said: None })
        }
    })
}

/// Reads what was said under every record of a human.
fn listen(
    (read, vault, memory): (&dyn Read, &Vault, &Memory),
    human: &Human,
    grounds: &mut Grounds,
) -> Result<Heard, Error> {
    let mut said = |record| {
        let known = memory.person(read, record, grounds.epoch)?;
        grounds.people.push((record, known.newest));
        memory.statements(read, vault, record, &known)
    };
    let records = human.records();
    let each = records.iter().map(|record| Ok((*record, said(*record)?)));
    let each = each.collect::<Result<Vec<_>, Error>>()?;
    let mut heard = records.iter().map(|record| heard(human, *record, &each));
    Ok(Heard {
        own: heard.next().unwrap_or_default(),
        others: heard.collect(),
    })
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
fn bound(own: ConsentFact, others: impl Iterator<Item = ConsentFact>) -> ConsentFact {
    others.fold(own, |bound, other| match (bound, other) {
        (ConsentFact::Refused, _) | (_, ConsentFact::Refused) => ConsentFact::Refused,
        (_, ConsentFact::Withdrawn) => ConsentFact::Withdrawn,
        (bound, ConsentFact::Given | ConsentFact::None) => bound,
    })
}

impl Hasher for Random {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |chunk| u64::from_ne_bytes(*chunk));
    }

    /// The length of an id, which tells nothing.
    fn write_usize(&mut self, _: usize) {}
}
