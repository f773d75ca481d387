//! Keeps what people said about sharing, sealed under each person's own key, and finds what of it bears on a question.
//! Facts, never verdicts: what a fact allows is for the policies to say.

mod facts;
mod grounds;
mod memory;
#[cfg(test)]
mod tests;
mod told;

use std::ops::ControlFlow;

pub use facts::Facts;
pub use grounds::Grounds;
use jiff::Timestamp;
pub use memory::Memory;
use serde::{Deserialize, Serialize};

use crate::{
    keys::Vault,
    model::{AgencyId, ConsentFact, KindId, PersonId, PurposeId, Scope, Stance, Statement, StatementId},
    store::{self, Read, Txn, row, scan_prefix},
    tables,
};

/// Why statements could not be kept or read. Whoever asked must then be told nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whose statements count cannot be told.
    #[error("the records of a person cannot be read")]
    Person(#[from] crate::person::Error),
    /// A statement cannot be sealed or opened.
    #[error("a consent statement cannot be sealed or opened")]
    Sealed(#[source] crate::keys::Error),
    /// The store failed.
    #[error("consent statements cannot be read or kept")]
    Store(#[from] store::Error),
}

/// A statement as the hub keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The hub's id of it.
    pub id: StatementId,
    /// The statement.
    pub statement: Statement,
    /// The agency that took it down.
    pub taken_by: AgencyId,
    /// When the hub recorded it.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub recorded_at: Timestamp,
}

/// Keeps a statement and starts a new epoch: decisions made on older facts can be told from newer ones.
///
/// # Errors
/// If it cannot be sealed or the store fails; nothing is then kept.
pub fn record(txn: &mut Txn<'_>, vault: &Vault, person: PersonId, recorded: &Recorded) -> Result<(), Error> {
    let serial = epoch(txn)? + 1;
    let mut key = prefix(person);
    key.extend_from_slice(&descending(recorded.statement.said_at));
    key.extend_from_slice(&(!serial).to_be_bytes());
    let plain = row::encode(tables::STATEMENT, recorded)?;
    let sealed = vault.seal(txn, person.0, &key, &plain).map_err(Error::Sealed)?;
    txn.put(key, sealed);
    Ok(unsettle(txn, [person])?)
}

/// Starts a new epoch for people of whom something changed that facts rest on. Decisions made before are made anew.
///
/// # Errors
/// If the store fails.
pub fn unsettle(txn: &mut Txn<'_>, people: impl IntoIterator<Item = PersonId>) -> Result<(), store::Error> {
    let serial = (epoch(txn)? + 1).to_be_bytes();
    txn.put(tables::CONSENT_EPOCH, serial.to_vec());
    people
        .into_iter()
        .for_each(|person| txn.put(serial_key(person), serial.to_vec()));
    Ok(())
}

/// The statements of a record of a person: the latest said first, and of those said at once the latest recorded first.
///
/// # Errors
/// If any of them cannot be opened or the store fails.
pub fn statements(read: &dyn Read, vault: &Vault, person: PersonId) -> Result<Vec<Recorded>, Error> {
    let mut sealed = Vec::new();
    scan_prefix(read, &prefix(person), &mut |key, value| {
        sealed.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })?;
    sealed
        .into_iter()
        .map(|(key, value)| {
            let plain = vault.open(read, person.0, &key, &value).map_err(Error::Sealed)?;
            Ok(row::decode(tables::STATEMENT, &plain)?)
        })
        .collect()
}

/// What a person's statements, as `statements` gives them, say on showing a signal of `owner` to `reader`.
/// The latest whose scope and period cover the question is the one that counts.
pub fn fact(
    statements: &[Recorded],
    (kind, owner): (&KindId, &AgencyId),
    reader: &AgencyId,
    purpose: &PurposeId,
    now: Timestamp,
) -> ConsentFact {
    let covers = |recorded: &&Recorded| {
        let scope = &recorded.statement.scope;
        is_in_force(recorded, now)
            && (scope.kinds.is_empty() || scope.kinds.contains(kind))
            && (scope.from.is_empty() || scope.from.contains(owner))
            && speaks_to(scope, reader, purpose)
    };
    fact_of(statements.iter().find(covers))
}

/// Whether it is within its time. What had begun when it was recorded is in force, whatever the clock of whoever asks says
/// by now.
fn is_in_force(recorded: &Recorded, now: Timestamp) -> bool {
    let Statement {
        valid_from,
        valid_until,
        ..
    } = recorded.statement;
    (valid_from <= now || !begins_later(recorded)) && valid_until.is_none_or(|until| now < until)
}

/// Whether it had not begun when it was recorded.
fn begins_later(recorded: &Recorded) -> bool {
    recorded.recorded_at < recorded.statement.valid_from
}

/// Whether it is about showing something to this reader for this purpose.
fn speaks_to(scope: &Scope, reader: &AgencyId, purpose: &PurposeId) -> bool {
    (scope.to.is_empty() || scope.to.contains(reader))
        && (scope.purposes.is_empty() || scope.purposes.contains(purpose))
}

/// What the statement says that counts.
fn fact_of(counts: Option<&Recorded>) -> ConsentFact {
    match counts.map(|recorded| recorded.statement.stance) {
        Some(Stance::Given) => ConsentFact::Given,
        Some(Stance::Refused) => ConsentFact::Refused,
        Some(Stance::Withdrawn) => ConsentFact::Withdrawn,
        None => ConsentFact::None,
    }
}

/// How often the hub has recorded a statement, or a change to who people are.
///
/// # Errors
/// If the store fails.
pub fn epoch(read: &dyn Read) -> Result<u64, store::Error> {
    number(read, tables::CONSENT_EPOCH)
}

/// The epoch that a person's newest statement, or the newest change to who they are, started; 0 if there is none.
fn serial(read: &dyn Read, person: PersonId) -> Result<u64, store::Error> {
    number(read, &serial_key(person))
}

fn number(read: &dyn Read, key: &[u8]) -> Result<u64, store::Error> {
    read.get(key)?.map_or(Ok(0), |bytes| {
        let bytes = bytes.try_into().map_err(|_| store::Error::Corrupt {
            table: char::from(tables::CONSENT_SERIAL),
            why: "a number of statements is not eight bytes",
        })?;
        Ok(u64::from_be_bytes(bytes))
    })
}

fn serial_key(person: PersonId) -> Vec<u8> {
    [&[tables::CONSENT_SERIAL], &person.0[..]].concat()
}

fn prefix(person: PersonId) -> Vec<u8> {
    [&[tables::STATEMENT], &person.0[..]].concat()
}

fn descending(time: Timestamp) -> [u8; 8] {
    (!(time.as_microsecond().cast_unsigned() ^ (1 << 63))).to_be_bytes()
}
