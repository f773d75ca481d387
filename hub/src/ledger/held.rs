//! What access logs have left out, and what a reviewer made of it: one row an entry. Never says why an entry is held;
//! that the catalogue says, by its purpose. A row says nothing of the person.

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

/// What is known of an entry, if an access log has left it out.
///
/// # Errors
/// If the store fails.
pub fn of(read: &dyn Read, number: u64) -> Result<Option<Held>, Error> {
    let value = read.get(&key(number)).map_err(Error::Store)?;
    value
        .map(|value| row::decode(LEDGER_HELD, &value))
        .transpose()
        .map_err(Error::Store)
}

/// Keeps what is known of an entry.
///
/// # Errors
/// If it cannot be encoded.
pub fn put(txn: &mut Txn<'_>, number: u64, held: &Held) -> Result<(), Error> {
    txn.put(key(number), row::encode(LEDGER_HELD, held).map_err(Error::Store)?);
    Ok(())
}

/// At most `limit` held entries from number `from` on, in order; with `reviewed`, also those that were reviewed.
///
/// # Errors
/// If the store fails.
pub fn list(read: &dyn Read, from: u64, reviewed: bool, limit: usize) -> Result<Vec<(u64, Held)>, Error> {
    let (mut found, mut odd) = (Vec::new(), None);
    read.scan(&key(from), &store::after_prefix(&[LEDGER_HELD]), &mut |key, value| {
        let number = key.strip_prefix(&[LEDGER_HELD]).and_then(|rest| rest.try_into().ok());
        match (number, row::decode::<Held>(LEDGER_HELD, value)) {
            (Some(number), Ok(held)) if reviewed || held.verdict.is_none() => {
                found.push((u64::from_be_bytes(number), held));
            }
            (Some(_), Ok(_)) => {}
            (None, _) => odd = Some(Error::Torn("a key of a held entry is malformed")),
            (_, Err(why)) => odd = Some(Error::Store(why)),
        }
        if odd.is_none() && found.len() < limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })
    .map_err(Error::Store)?;
    odd.map_or(Ok(found), Err)
}

fn key(number: u64) -> Vec<u8> {
    [&[LEDGER_HELD], number.to_be_bytes().as_slice()].concat()
}
