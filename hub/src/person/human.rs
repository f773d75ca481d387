//! Which of the hub's records are of one human, and whether that human is said to have died: an overlay, so that it can be
//! taken back whole. Moves no identifier, no signal and no statement from one record to another.

use std::{collections::BTreeSet, ops::ControlFlow};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, store_failed};
use crate::{
    model::PersonId,
    store::{self, Read, Txn, row},
    tables::{HUMAN, PARTED},
};

/// The human of a record.
pub struct Human {
    person: PersonId,
    ties: Ties,
}

/// What was said about the records of one human, stored alike under each of them; nothing is stored for a record that
/// stands alone and whose human is not said to have died.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Ties {
    pub(super) links: Vec<Link>,
    pub(super) deaths: Vec<Death>,
}

/// Two records are said to be of one human.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) between: (PersonId, PersonId),
    /// Whether it is said because the NHS number of one replaced that of the other.
    pub(super) replaced: bool,
    /// Who says so: the hashed source.
    pub(super) by: [u8; 32],
    /// When the hub recorded it.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub(super) at: Timestamp,
}

/// The human of a record is said to have died.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Death {
    pub(super) person: PersonId,
    /// Who says so: the hashed source.
    pub(super) by: [u8; 32],
}

/// The human of a record.
///
/// # Errors
/// If the store fails.
pub fn human(read: &dyn Read, person: PersonId) -> Result<Human, Error> {
    let value = read.get(&human_key(person)).map_err(store_failed)?;
    let ties = value.map(|value| row::decode(HUMAN, &value)).transpose();
    Ok(Human {
        person,
        ties: ties.map_err(store_failed)?.unwrap_or_default(),
    })
}

impl Human {
    /// Every record of this human, first the one that was looked up. Each has signals, statements, ledger subjects and a
    /// data key of its own, so whatever is to hold of the human (withdrawal, erasure) is to be done for each.
    pub fn records(&self) -> Vec<PersonId> {
        let mut others = reach(self.person, &self.ties.links);
        others.remove(&self.person);
        std::iter::once(self.person).chain(others).collect()
    }

    /// Whether it has no other record than the one that was looked up.
    pub fn is_one_record(&self) -> bool {
        self.ties.links.is_empty()
    }

    /// Whether anybody says that they have died.
    pub fn has_died(&self) -> bool {
        !self.ties.deaths.is_empty()
    }

    /// Since when two of the human's records have without a break been known to be of one human.
    /// `None` if they are not.
    pub fn one_since(&self, one: PersonId, other: PersonId) -> Option<Timestamp> {
        let links = &self.ties.links;
        let mut times: Vec<_> = links.iter().map(|link| link.at).collect();
        times.sort_unstable();
        times.into_iter().find(|time| {
            let by_then: Vec<_> = links.iter().filter(|link| link.at <= *time).cloned().collect();
            reach(one, &by_then).contains(&other)
        })
    }
}

impl Ties {
    /// Gives up each join, the last first, that would now hold different NHS numbers together without any word that one of
    /// them was replaced. `numbered` are the records that have one.
    pub(super) fn part(&mut self, numbered: &BTreeSet<PersonId>) {
        let (replaced, mut joins): (Vec<_>, Vec<_>) = self.links.drain(..).partition(|link| link.replaced);
        joins.sort_by_key(|link| (link.at, link.by));
        self.links.clone_from(&replaced);
        for said in joins.chunk_by(|one, next| one.by == next.by) {
            let before = self.links.len();
            self.links.extend_from_slice(said);
            let one_number = |record: &PersonId| {
                let replacing = reach(*record, &replaced);
                reach(*record, &self.links)
                    .intersection(numbered)
                    .all(|other| replacing.contains(other))
            };
            if !numbered.iter().all(one_number) {
                self.links.truncate(before);
            }
        }
    }
}

/// The records that once were of this human, as the hub was told, and no longer are: what is recorded from that time may
/// be theirs.
///
/// # Errors
/// If the store fails, or holds a row that is none.
pub fn parted(read: &dyn Read, human: &Human) -> Result<Vec<PersonId>, Error> {
    let own = human.records();
    let (mut found, mut odd) = (BTreeSet::new(), false);
    for record in &own {
        let prefix = parted_key(*record, &[]);
        store::scan_prefix(read, &prefix, &mut |key, _| {
            match key
                .strip_prefix(prefix.as_slice())
                .and_then(|rest| rest.try_into().ok())
            {
                Some(other) => drop(found.insert(PersonId(other))),
                None => odd = true,
            }
            ControlFlow::Continue(())
        })
        .map_err(store_failed)?;
    }
    match odd {
        true => Err(store_failed(store::Error::Corrupt {
            table: char::from(PARTED),
            why: "its key is not two records",
        })),
        false => Ok(found.into_iter().filter(|other| !own.contains(other)).collect()),
    }
}

/// Changes the ties of some records and of all that are tied to them. Gives back every record that was or is tied to one
/// of them, themselves included.
///
/// # Errors
/// If the store fails.
pub(super) fn tie(
    txn: &mut Txn<'_>,
    records: impl IntoIterator<Item = PersonId>,
    change: impl FnOnce(&mut Ties),
) -> Result<BTreeSet<PersonId>, Error> {
    let mut all: BTreeSet<PersonId> = BTreeSet::new();
    let mut ties = Ties::default();
    for record in records {
        if all.insert(record) {
            let human = human(txn, record)?;
            // Records of one human have the same ties, so those of another's are new as a whole.
            let known = human.records().iter().skip(1).any(|other| all.contains(other));
            if !known {
                ties.links.extend(human.ties.links);
                ties.deaths.extend(human.ties.deaths);
            }
        }
    }
    all.extend(ends(&ties.links));
    change(&mut ties);
    all.extend(ends(&ties.links));
    for record in &all {
        let own = reach(*record, &ties.links);
        for other in human(txn, *record)?
            .records()
            .iter()
            .filter(|other| !own.contains(other))
        {
            txn.put(parted_key(*record, &other.0), Vec::new());
        }
        let of_own = Ties {
            links: ties
                .links
                .iter()
                .filter(|link| own.contains(&link.between.0))
                .cloned()
                .collect(),
            deaths: ties
                .deaths
                .iter()
                .filter(|death| own.contains(&death.person))
                .cloned()
                .collect(),
        };
        match of_own.links.is_empty() && of_own.deaths.is_empty() {
            true => txn.delete(human_key(*record)),
            false => txn.put(human_key(*record), row::encode(HUMAN, &of_own).map_err(store_failed)?),
        }
    }
    Ok(all)
}

/// The records that links lead to from one, itself included.
fn reach(from: PersonId, links: &[Link]) -> BTreeSet<PersonId> {
    let mut reached = BTreeSet::from([from]);
    loop {
        let touching = links
            .iter()
            .filter(|Link { between: (a, b), .. }| reached.contains(a) || reached.contains(b));
        let further: BTreeSet<_> = touching.flat_map(|link| [link.between.0, link.between.1]).collect();
        let before = reached.len();
        reached.extend(further);
        if reached.len() == before {
            return reached;
        }
    }
}

fn ends(links: &[Link]) -> impl Iterator<Item = PersonId> {
    links.iter().flat_map(|link| [link.between.0, link.between.1])
}

fn parted_key(one: PersonId, other: &[u8]) -> Vec<u8> {
    [&[PARTED], one.0.as_slice(), other].concat()
}

fn human_key(person: PersonId) -> Vec<u8> {
    [&[HUMAN], person.0.as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::store::Memory;

    /// A source says that two records are one (`Some`), or takes that back; or the same of a death.
    #[derive(Debug, Clone)]
    enum Said {
        Death(u8, Option<u8>),
        Join(u8, Option<(u8, u8)>),
    }

    fn said() -> impl Strategy<Value = Said> {
        let (source, record) = (0_u8..5, 0_u8..6);
        prop_oneof![
            (source.clone(), proptest::option::of(record.clone())).prop_map(|(by, who)| Said::Death(by, who)),
            (source, proptest::option::of((record.clone(), record))).prop_map(|(by, two)| Said::Join(by, two)),
        ]
    }

    fn id(record: u8) -> PersonId {
        PersonId([record; 16])
    }

    fn time(second: usize) -> Timestamp {
        Timestamp::from_second(i64::try_from(second).unwrap()).unwrap()
    }

    /// The records that joins lead to from one.
    fn joined<'j>(from: u8, joins: impl Iterator<Item = &'j (u8, u8)> + Clone) -> BTreeSet<u8> {
        let mut all = BTreeSet::from([from]);
        for _ in 0..6 {
            for (one, other) in joins.clone() {
                if all.contains(one) || all.contains(other) {
                    all.extend([*one, *other]);
                }
            }
        }
        all
    }

    proptest! {
        #[test]
        fn records_are_one_humans_exactly_while_somebody_says_so(told in proptest::collection::vec(said(), 1..25)) {
            let memory = Memory::new();
            let mut txn = Txn::new(&memory);
            let mut joins: BTreeMap<u8, ((u8, u8), usize)> = BTreeMap::new();
            let mut deaths: BTreeMap<u8, u8> = BTreeMap::new();
            for (second, said) in told.iter().enumerate() {
                match said {
                    Said::Join(by, two) => {
                        let before = joins.remove(by).map(|(two, _)| two);
                        let touched = before.iter().chain(two).flat_map(|(a, b)| [id(*a), id(*b)]);
                        tie(&mut txn, touched, |ties| {
                            ties.links.retain(|link| link.by != [*by; 32]);
                            ties.links.extend(two.map(|(a, b)| Link {
                                between: (id(a), id(b)),
                                replaced: false,
                                by: [*by; 32],
                                at: time(second),
                            }));
                        }).unwrap();
                        joins.extend(two.map(|two| (*by, (two, second))));
                    }
                    Said::Death(by, who) => {
                        let before = deaths.remove(by);
                        tie(&mut txn, before.iter().chain(who).map(|who| id(*who)), |ties| {
                            ties.deaths.retain(|death| death.by != [*by; 32]);
                            ties.deaths.extend(who.map(|who| Death { person: id(who), by: [*by; 32] }));
                        }).unwrap();
                        deaths.extend(who.map(|who| (*by, who)));
                    }
                }
            }
            for record in 0..6 {
                let human = human(&txn, id(record)).unwrap();
                let one = joined(record, joins.values().map(|(two, _)| two));
                prop_assert_eq!(human.records()[0], id(record));
                let records: Vec<_> = human.records();
                prop_assert_eq!(records.len(), one.len());
                prop_assert_eq!(records.into_iter().collect::<BTreeSet<_>>(), one.iter().map(|one| id(*one)).collect());
                prop_assert_eq!(human.has_died(), deaths.values().any(|dead| one.contains(dead)));
                for other in 0..6 {
                    let since = (0..told.len()).find(|until| {
                        let by_then = joins.values().filter(|(_, at)| at <= until).map(|(two, _)| two);
                        joined(record, by_then).contains(&other)
                    });
                    let since = since.filter(|_| record != other).map(time);
                    let found = human.one_since(id(record), id(other)).filter(|_| record != other);
                    prop_assert_eq!(found, since);
                }
            }
            if joins.is_empty() && deaths.is_empty() {
                let left = txn.into_writes();
                let mut left = left.iter().filter(|(key, value)| key[0] != PARTED && value.is_some());
                prop_assert!(left.next().is_none(), "nothing is left but who was once taken for whom");
            }
        }
    }
}
