//! Consent facts for the headers of one question: each human's statements are read once, those of all their records, and
//! not at all if they were read for an earlier question and nothing has been said since. Never judges.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Error, Grounds, Memory, Recorded, epoch, fact,
    memory::{Asker, Known},
    told::Told,
};
use crate::{
    keys::Vault,
    model::{AgencyId, ConsentFact, PersonId, PurposeId, Sort},
    person::Human,
    store::Read,
};

/// A question that is about more people than this is about many.
const FEW: usize = 8;
/// For so many, room is made at once.
const MANY: usize = 512;

/// Finds facts for one reader, one purpose and one moment.
pub struct Facts<'r> {
    read: &'r dyn Read,
    vault: &'r Vault,
    memory: &'r Memory,
    reader: &'r AgencyId,
    purpose: &'r PurposeId,
    asker: Asker,
    now: Timestamp,
    voices: HashMap<PersonId, Voice, BuildHasherDefault<Random>>,
    grounds: Grounds,
}

/// A person's voice.
enum Voice {
    /// Of somebody with one record, who says the same of every signal: what that is, and whether they have died.
    Same(ConsentFact, bool),
    /// What is known of them, and what counts as said under their human's records, once it was asked for.
    Each(Arc<Known>, Option<Heard>),
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
            asker: memory.asker(reader, purpose),
            now,
            voices: HashMap::default(),
            grounds,
        })
    }

    /// Every record of a person's human, theirs first. What is decided rests on it from now on.
    ///
    /// # Errors
    /// If the store fails.
    pub fn records(&mut self, person: PersonId) -> Result<Vec<PersonId>, Error> {
        Ok(match self.voices.get(&person) {
            Some(Voice::Same(..)) => vec![person],
            Some(Voice::Each(known, _)) => known.human.records(),
            None => {
                let known = look((self.read, self.memory), &mut self.grounds, person)?;
                let records = known.human.records();
                self.voices.insert(person, Voice::Each(known, None));
                records
            }
        })
    }

    /// What the person of a signal of this sort said that covers showing it to the reader, and whether they have died.
    /// About no person: nothing, and no.
    ///
    /// # Errors
    /// If a statement cannot be read: the signal must then not be shown.
    pub fn of(&mut self, person: Option<PersonId>, sort: &Sort) -> Result<(ConsentFact, bool), Error> {
        let Some(person) = person else {
            return Ok((ConsentFact::None, false));
        };
        if self.voices.len() == FEW {
            self.voices.reserve(MANY);
        }
        let (read, vault, memory) = (self.read, self.vault, self.memory);
        let (voice, is_new) = match self.voices.entry(person) {
            Entry::Occupied(known) => (known.into_mut(), false),
            Entry::Vacant(unknown) => {
                let voice = match memory.told(person, self.asker, self.grounds.epoch, self.now) {
                    Some(known) => {
                        self.grounds.people.push((person, known.newest));
                        Voice::Same(known.told.fact, known.has_died)
                    }
                    None => Voice::Each(look((read, memory), &mut self.grounds, person)?, None),
                };
                (unknown.insert(voice), true)
            }
        };
        let (known, said) = match voice {
            Voice::Same(fact, has_died) => return Ok((*fact, *has_died)),
            Voice::Each(known, said) => (known, said),
        };
        let human = &known.human;
        let heard = match said {
            Some(heard) => heard,
            None if human.is_one_record() => {
                let (own, certain) = memory.statements(read, vault, person, known)?;
                // Who is asked about by name was looked up before, and is asked about alone: that is quick as it is.
                if is_new
                    && certain
                    && let Some(told) = Told::of(&own, self.reader, self.purpose, self.now)
                {
                    memory.remember(person, self.asker, known, told);
                }
                let others = Vec::new();
                said.insert(Heard { own, others })
            }
            None => said.insert(listen((read, vault, memory), human, &mut self.grounds)?),
        };
        let about = (&sort.kind, &sort.owner);
        let fact = |said: &Arc<[Recorded]>| fact(said, about, self.reader, self.purpose, self.now);
        let others = heard.others.iter().map(fact);
        Ok((bound(fact(&heard.own), others), human.has_died()))
    }

    /// What the facts rest on.
    pub fn into_grounds(self) -> Grounds {
        self.grounds
    }
}

/// What is known of a person. What is decided rests on it from now on.
fn look((read, memory): (&dyn Read, &Memory), grounds: &mut Grounds, person: PersonId) -> Result<Arc<Known>, Error> {
    let known = memory.person(read, person, grounds.epoch)?;
    grounds.people.push((person, known.newest));
    Ok(known)
}

/// Reads what was said under every record of a human.
fn listen(
    (read, vault, memory): (&dyn Read, &Vault, &Memory),
    human: &Human,
    grounds: &mut Grounds,
) -> Result<Heard, Error> {
    let mut said = |record| {
        let known = look((read, memory), grounds, record)?;
        let (said, _) = memory.statements(read, vault, record, &known)?;
        Ok::<_, Error>(said)
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
