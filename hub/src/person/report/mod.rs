//! Takes what agencies learn of who people are: joins, replaced NHS numbers, deaths; and takes it back. At most once in
//! effect, by (agency, system, id, version). First a plan, which only reads, then the writes.
//! Counts NHS numbers and the agency's own references alone: nobody is ever joined for looking alike.
//!
//! # Safety
//! A wrong join shows one human's signals as another's, so records with different NHS numbers are never joined, unless the
//! number itself was replaced. A join adds ties between records and moves nothing, so taking it back leaves what there was;
//! but joins that were possible only because a number was replaced go when that is taken back.
//! Who may not say whose a number is joins no record that has one, or whose human is said to have died, and is answered as
//! if it were joined: else a reference of one's own would tell what others know of its human.

mod take;
mod undo;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
pub use take::{plan_report, report};
pub use undo::{plan_undo, undo};

use super::{
    Error,
    human::{Ties, human},
    nhs_number_of, store_failed,
};
use crate::{
    model::{Identity, NhsNumber, PersonId},
    store::{Read, Txn, row},
    tables::REPORT,
};

/// The most records that one human may have. More would be a mistake of a source, or an attempt to flood.
pub const MOST_RECORDS: usize = 16;

/// What an agency says of who people are.
pub enum Report {
    /// This person has died.
    Death(Box<Identity>),
    /// These are one person: the identifiers that stay in use, and those that fall out of it.
    Join(Box<(Identity, Identity)>),
    /// The first number was replaced by the second.
    Number(NhsNumber, NhsNumber),
}

/// The two spaces of source ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// News of deaths.
    Death,
    /// Joins and replaced numbers.
    Join,
}

/// What becomes of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// This very version is known.
    AlreadyKnown,
    /// It replaces a lower version.
    Corrected,
    /// It is new.
    Recorded,
    /// A higher version is known, or it was taken back.
    Superseded,
}

/// Why records stay apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bar {
    /// They have different NHS numbers.
    #[error("the identifiers have different NHS numbers, so they stay two people's")]
    NumbersDiffer,
    /// One human would have too many of them.
    #[error("one person would have more than {MOST_RECORDS} records")]
    TooMany,
}

/// What becomes of taking a report back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undoing {
    /// It had been taken back, or a higher version is known.
    AlreadyKnown,
    /// There is no such report; reports up to this version will change nothing.
    NotFound,
    /// It counts no more.
    Undone,
}

/// What will be done.
pub struct Plan<O> {
    /// What becomes of it.
    pub outcome: O,
    /// Every ledger subject of those whom it names, the survivor's or the old number's first.
    pub subjects: Vec<[u8; 16]>,
    /// Whether it is answered as if it were done, and is not.
    withheld: bool,
    sort: Sort,
    by: [u8; 32],
    version: u64,
    content: [u8; 32],
    /// Whom the report was said of until now.
    before: Vec<PersonId>,
}

/// What the hub knows of a source.
#[derive(Serialize, Deserialize)]
struct Known {
    version: u64,
    content: [u8; 32],
    retracted: bool,
    people: Vec<PersonId>,
}

impl Outcome {
    /// The word that the ledger uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlreadyKnown => "already-known",
            Self::Corrected => "corrected",
            Self::Recorded => "recorded",
            Self::Superseded => "superseded",
        }
    }
}

impl Plan<Result<Outcome, Bar>> {
    /// The word that the ledger uses: what really becomes of it, whatever is answered.
    pub fn word(&self) -> &'static str {
        match self.outcome {
            _ if self.withheld => "withheld",
            Ok(outcome) => outcome.word(),
            Err(bar) => bar.word(),
        }
    }
}

impl Bar {
    /// The word that the ledger uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::NumbersDiffer => "nhs-numbers-differ",
            Self::TooMany => "too-many-records",
        }
    }
}

impl Undoing {
    /// The word that the ledger uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlreadyKnown => "already-known",
            Self::NotFound => "not-found",
            Self::Undone => "undone",
        }
    }
}

impl Report {
    /// Which space of source ids it belongs to.
    pub fn sort(&self) -> Sort {
        match self {
            Self::Death(_) => Sort::Death,
            Self::Join(_) | Self::Number(..) => Sort::Join,
        }
    }

    /// Whether it names anybody by an NHS number.
    pub fn names_nhs_number(&self) -> bool {
        self.identities().iter().any(|who| who.nhs_number.is_some())
    }

    /// Those whom it names, by what counts here.
    fn identities(&self) -> Vec<Identity> {
        let strong = |who: &Identity| Identity {
            nhs_number: who.nhs_number.clone(),
            local_references: who.local_references.clone(),
            ..Identity::default()
        };
        let numbered = |number: &NhsNumber| Identity {
            nhs_number: Some(number.clone()),
            ..Identity::default()
        };
        match self {
            Self::Death(who) => vec![strong(who)],
            Self::Join(two) => vec![strong(&two.0), strong(&two.1)],
            Self::Number(old, new) => vec![numbered(old), numbered(new)],
        }
    }
}

/// Takes what a source said out of ties, and joins that cannot stand without it.
fn drop_said(ties: &mut Ties, sort: Sort, by: &[u8; 32], numbered: &BTreeSet<PersonId>) {
    match sort {
        Sort::Death => ties.deaths.retain(|death| death.by != *by),
        Sort::Join => {
            ties.links.retain(|link| link.by != *by);
            ties.part(numbered);
        }
    }
}

/// The records with an NHS number among some and all that are tied to them.
fn numbered(read: &dyn Read, records: impl IntoIterator<Item = PersonId>) -> Result<BTreeSet<PersonId>, Error> {
    let mut numbered = BTreeSet::new();
    for record in records {
        for record in human(read, record)?.records() {
            if nhs_number_of(read, record)?.is_some() {
                numbered.insert(record);
            }
        }
    }
    Ok(numbered)
}

fn subjects_of(read: &dyn Read, person: PersonId) -> Result<Vec<[u8; 16]>, Error> {
    let records = human(read, person)?.records();
    Ok(records.into_iter().map(|record| record.0).collect())
}

fn known(read: &dyn Read, sort: Sort, by: &[u8; 32]) -> Result<Option<Known>, Error> {
    let value = read.get(&report_key(sort, by)).map_err(store_failed)?;
    value
        .map(|value| row::decode(REPORT, &value))
        .transpose()
        .map_err(store_failed)
}

fn put_known(txn: &mut Txn<'_>, sort: Sort, by: &[u8; 32], known: &Known) -> Result<(), Error> {
    let value = row::encode(REPORT, known).map_err(store_failed)?;
    txn.put(report_key(sort, by), value);
    Ok(())
}

fn report_key(sort: Sort, by: &[u8; 32]) -> Vec<u8> {
    let sort = match sort {
        Sort::Death => b'd',
        Sort::Join => b'j',
    };
    [&[REPORT, sort], by.as_slice()].concat()
}
