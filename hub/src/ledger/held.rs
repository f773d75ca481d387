//! What access logs have left out, and what a reviewer made of it: one row for an entry and whose log it was, because a
//! verdict counts for them alone. Never says by which class an entry is held; that the catalogue says.

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::{
    store::{self, Read, Txn, row},
    tables::LEDGER_HELD,
};

/// An entry that an access log has left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The entry of the first access log that left it out.
    pub asked_in: u64,
    /// When that was.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub asked_at: Timestamp,
    /// Whether it may be about somebody else, with whom the person was once taken for one.
    pub doubtful: bool,
    /// What a reviewer made of it.
    pub verdict: Option<Verdict>,
}

/// What a reviewer made of a held entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which way.
    pub outcome: Outcome,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub at: Timestamp,
    /// The entry of the review, which says by whom and why.
    pub entry: u64,
}

/// Which way a review went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It stays out of access logs.
    Kept,
    /// It stands in access logs from now on.
    Released,
}

impl Outcome {
    /// The word that the ledger uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Released => "released",
        }
    }
}

/// A held entry's number, whose log left it out, and what is known of it.
pub type Row = (u64, [u8; 16], Held);

/// What is known of an entry, if a log of somebody with one of these subjects has left it out. If logs of several of their
/// records have, the newest verdict counts.
///
/// # Errors
/// If the store fails.
pub fn of(read: &dyn Read, number: u64, subjects: &[[u8; 16]]) -> Result<Option<Row>, Error> {
    let rows = all(read, number)?.into_iter();
    let theirs = rows.filter(|(_, subject, _)| subjects.contains(subject));
    Ok(theirs.max_by_key(|(.., held)| held.verdict.map(|verdict| verdict.entry)))
}

/// What is known of an entry, for each person whose logs have left it out.
///
/// # Errors
/// If the store fails.
pub fn all(read: &dyn Read, number: u64) -> Result<Vec<Row>, Error> {
    let prefix = key(number, &[]);
    scan(read, (&prefix, &store::after_prefix(&prefix)), usize::MAX)
}

/// Keeps what is known of an entry.
///
/// # Errors
/// If it cannot be encoded.
pub fn put(txn: &mut Txn<'_>, (number, subject, held): &Row) -> Result<(), Error> {
    let value = row::encode(LEDGER_HELD, held).map_err(Error::Store)?;
    txn.put(key(*number, subject), value);
    Ok(())
}

/// The first held entry from a place on, in the order of numbers and subjects.
///
/// # Errors
/// If the store fails.
pub fn next(read: &dyn Read, (number, subject): (u64, [u8; 16])) -> Result<Option<Row>, Error> {
    let (from, to) = (key(number, &subject), store::after_prefix(&[LEDGER_HELD]));
    Ok(scan(read, (&from, &to), 1)?.pop())
}

const TORN: Error = Error::Torn("a key of a held entry is malformed");

fn scan(read: &dyn Read, (from, to): (&[u8], &[u8]), most: usize) -> Result<Vec<Row>, Error> {
    let (mut found, mut odd) = (Vec::new(), None);
    read.scan(from, to, &mut |key, value| {
        match (place(key), row::decode::<Held>(LEDGER_HELD, value)) {
            (Some((number, subject)), Ok(held)) => found.push((number, subject, held)),
            (None, _) => odd = Some(TORN),
            (_, Err(why)) => odd = Some(Error::Store(why)),
        }
        if odd.is_none() && found.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })
    .map_err(Error::Store)?;
    odd.map_or(Ok(found), Err)
}

fn place(key: &[u8]) -> Option<(u64, [u8; 16])> {
    let (number, subject) = key.strip_prefix(&[LEDGER_HELD])?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), subject.try_into().ok()?))
}

fn key(number: u64, subject: &[u8]) -> Vec<u8> {
    [&[LEDGER_HELD], number.to_be_bytes().as_slice(), subject].concat()
}
