//! Finds the person of an identity by keyed hashes of identifiers, or makes a new one; and knows which persons an agency has
//! said to be one human. Identifiers are never kept in the clear, two persons are never joined by matching, and nobody ever
//! gets a second NHS number.
//!
//! # Rules, in this order
//! 1. The NHS number, if given: whoever has it is the person.
//! 2. The calling agency's own references, in the order given: the first that leads to somebody decides, even if a later one
//!    leads to somebody else.
//! 3. Family name, first given name and birth date, with the postcode, then with the UPRN.
//!
//! Whoever has another NHS number than the one given is passed over by 2 and 3: so an NHS number that the hub has not met
//! can only lead to somebody whose NHS number it does not know. `unverified_nhs_number` is never matched on.
//!
//! A person is a record of the hub: one human may have several, which `human` gives. Matching leads to one of them, and the
//! NHS number of any counts as every one's.
//!
//! What a push or a statement gives beyond the match is added to the person, where nobody has it. A reference that is
//! somebody else's stays theirs. Demographics that are somebody else's become ambiguous, and lead to nobody from then on:
//! twins at one address, or one human whom the hub met under two sets of identifiers. In the second case what was said and
//! signalled under the other set stays with the other person, because joining on demographics could show one human's signals
//! as another's.
//!
//! An identity that nothing can be matched on (no NHS number, no reference, and no name, birth date and home together, or
//! only ambiguous ones) is a new person at each push, and nobody when asked about.

mod human;
mod identifiers;
mod report;
mod spelling;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use human::{Human, human, parted};
pub use report::{Bar, MOST_RECORDS, Outcome, Plan, Report, Sort, Undoing, plan_report, plan_undo, report, undo};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use self::identifiers::Identifiers;
use crate::{
    keys::Hashes,
    model::{AgencyId, Identity, PersonId},
    store::{self, Read, Txn, row},
    tables::{IDENTIFIER, PERSON},
};

/// Why a person could not be told. Names no identifier.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system has no random bytes for a new person's id.
    #[error("the system gave no random bytes")]
    Random,
    /// The store failed, or holds what it should not.
    #[error("a person could not be looked up")]
    Store {
        /// The store's words.
        #[source]
        source: store::Error,
    },
}

/// Whose an identifier is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Claim {
    Ambiguous,
    One(PersonId),
}

/// What the hub holds on a person.
#[derive(Serialize, Deserialize)]
struct Known {
    /// The pseudonym of their NHS number. Once set, never changed.
    nhs_number: Option<[u8; 32]>,
}

/// The person of an identity that `agency` pushes or takes a statement from: found by the rules above, or new.
/// The transaction then holds what there was to add.
///
/// # Errors
/// If the store or the system's randomness fails. The transaction must then be dropped.
pub fn resolve(txn: &mut Txn<'_>, hashes: &Hashes, agency: &AgencyId, identity: &Identity) -> Result<PersonId, Error> {
    let given = Identifiers::of(hashes, agency, identity);
    let by_number = by_number(txn, &given)?;
    let person = match matching(txn, &given, by_number)? {
        Some(person) => {
            if given.nhs_number.is_some() && nhs_number_of(txn, person)?.is_none() {
                put_known(txn, person, given.nhs_number)?;
            }
            person
        }
        None => {
            let person = new_person()?;
            put_known(txn, person, given.nhs_number)?;
            person
        }
    };
    if let (Some(number), None) = (&given.nhs_number, by_number) {
        put_claim(txn, number, Claim::One(person))?;
    }
    for identifier in &given.local_references {
        if claim(txn, identifier)?.is_none() {
            put_claim(txn, identifier, Claim::One(person))?;
        }
    }
    for identifier in &given.demographics {
        match claim(txn, identifier)? {
            None => put_claim(txn, identifier, Claim::One(person))?,
            Some(Claim::One(other)) if other != person && !human(txn, person)?.records().contains(&other) => {
                put_claim(txn, identifier, Claim::Ambiguous)?;
            }
            Some(Claim::One(_) | Claim::Ambiguous) => {}
        }
    }
    Ok(person)
}

/// The person of an identity that `agency` asks about, if the hub knows them by the rules above. Writes nothing.
///
/// # Errors
/// If the store fails.
pub fn find(
    read: &dyn Read,
    hashes: &Hashes,
    agency: &AgencyId,
    identity: &Identity,
) -> Result<Option<PersonId>, Error> {
    let given = Identifiers::of(hashes, agency, identity);
    matching(read, &given, by_number(read, &given)?)
}

/// Whether an identity leads to nobody although somebody has what it gives: two people share its demographics, and nothing
/// stronger is given that anybody has. What is said of such an identity cannot be laid to anybody.
///
/// # Errors
/// If the store fails.
pub fn is_ambiguous(read: &dyn Read, hashes: &Hashes, agency: &AgencyId, identity: &Identity) -> Result<bool, Error> {
    let given = Identifiers::of(hashes, agency, identity);
    if given.nhs_number.is_some() || matching(read, &given, None)?.is_some() {
        return Ok(false);
    }
    for identifier in &given.demographics {
        if claim(read, identifier)? == Some(Claim::Ambiguous) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The subject under which the ledger files a question about somebody whom the hub does not know: by the strongest
/// identifier given. All questions that give none share one subject.
pub fn identifier_hash(hashes: &Hashes, agency: &AgencyId, identity: &Identity) -> [u8; 16] {
    let given = Identifiers::of(hashes, agency, identity);
    let strongest = given.strongest_first().next().copied().unwrap_or_default();
    hashes.unknown_subject(&strongest)
}

/// Every subject under which the ledger may have filed earlier questions about this identity while the hub did not know it,
/// the strongest identifier first; empty if it gives none.
pub fn identifier_hashes(hashes: &Hashes, agency: &AgencyId, identity: &Identity) -> Vec<[u8; 16]> {
    Identifiers::of(hashes, agency, identity)
        .strongest_first()
        .map(|identifier| hashes.unknown_subject(identifier))
        .collect()
}

/// Whether two family names are spelt the same but for case, accents, hyphens and apostrophes.
pub fn is_same_name(one: &str, other: &str) -> bool {
    let one = spelling::plain(one);
    !one.is_empty() && one == spelling::plain(other)
}

/// Whose the NHS number is.
fn by_number(read: &dyn Read, given: &Identifiers) -> Result<Option<Claim>, Error> {
    let claimed = given.nhs_number.as_ref().map(|number| claim(read, number));
    Ok(claimed.transpose()?.flatten())
}

fn matching(read: &dyn Read, given: &Identifiers, by_number: Option<Claim>) -> Result<Option<PersonId>, Error> {
    if let Some(Claim::One(person)) = by_number {
        return Ok(Some(person));
    }
    for identifier in given.local_references.iter().chain(&given.demographics) {
        if let Some(Claim::One(person)) = claim(read, identifier)?
            && (given.nhs_number.is_none() || numbers(read, person)?.is_empty())
        {
            return Ok(Some(person));
        }
    }
    Ok(None)
}

/// The NHS numbers of all records of a person's human: more than one if one replaced another.
fn numbers(read: &dyn Read, person: PersonId) -> Result<BTreeSet<[u8; 32]>, Error> {
    let mut numbers = BTreeSet::new();
    for record in human(read, person)?.records() {
        numbers.extend(nhs_number_of(read, record)?);
    }
    Ok(numbers)
}

fn new_person() -> Result<PersonId, Error> {
    let mut id = [0; 16];
    SystemRandom::new().fill(&mut id).map_err(|_| Error::Random)?;
    Ok(PersonId(id))
}

fn claim(read: &dyn Read, identifier: &[u8; 32]) -> Result<Option<Claim>, Error> {
    let value = read.get(&identifier_key(identifier)).map_err(store_failed)?;
    value
        .map(|value| row::decode(IDENTIFIER, &value))
        .transpose()
        .map_err(store_failed)
}

fn put_claim(txn: &mut Txn<'_>, identifier: &[u8; 32], claim: Claim) -> Result<(), Error> {
    let value = row::encode(IDENTIFIER, &claim).map_err(store_failed)?;
    txn.put(identifier_key(identifier), value);
    Ok(())
}

fn nhs_number_of(read: &dyn Read, person: PersonId) -> Result<Option<[u8; 32]>, Error> {
    let value = read.get(&person_key(person)).map_err(store_failed)?;
    let value = value.ok_or_else(|| {
        store_failed(store::Error::Corrupt {
            table: char::from(PERSON),
            why: "an identifier leads to a person who is not there",
        })
    })?;
    let known: Known = row::decode(PERSON, &value).map_err(store_failed)?;
    Ok(known.nhs_number)
}

fn put_known(txn: &mut Txn<'_>, person: PersonId, nhs_number: Option<[u8; 32]>) -> Result<(), Error> {
    let value = row::encode(PERSON, &Known { nhs_number }).map_err(store_failed)?;
    txn.put(person_key(person), value);
    Ok(())
}

fn identifier_key(identifier: &[u8; 32]) -> Vec<u8> {
    [&[IDENTIFIER], identifier.as_slice()].concat()
}

fn person_key(person: PersonId) -> Vec<u8> {
    [&[PERSON], person.0.as_slice()].concat()
}

fn store_failed(source: store::Error) -> Error {
    Error::Store { source }
}
