//! Where a question looks: one place of the labels index, or one for each record of a person.
//! Only reads the index; a person's records are told by others.

use std::{cmp::Reverse, ops::ControlFlow};

use crate::{
    labels::{self, Locus, Position, Window},
    model::{Header, PersonId},
    store::{Error, Read},
};

/// One or more places of the index, of which no signal is in two.
#[derive(Debug)]
pub(super) struct Loci(Vec<Locus>);

impl Loci {
    /// One place.
    pub(super) fn one(locus: Locus) -> Self {
        Self(vec![locus])
    }

    /// All records of a person.
    pub(super) fn of(records: &[PersonId]) -> Self {
        Self(records.iter().map(|record| Locus::Person(*record)).collect())
    }

    /// Whether they are of a person one of whose records this is.
    pub(super) fn are_of(&self, record: PersonId) -> bool {
        self.0.contains(&Locus::Person(record))
    }

    /// Whether a signal with these labels would be found here.
    pub(super) fn hold(&self, header: &Header) -> bool {
        self.0.iter().any(|locus| locus.holds(header))
    }

    /// Visits what is found here as `labels::scan` does, newest first whatever the record. The signals of a person with
    /// several records are gathered first: there are not many of them.
    ///
    /// # Errors
    /// If the store fails or a row cannot be read: what was visited until then is then not the whole answer.
    pub(super) fn scan(
        &self,
        read: &dyn Read,
        window: Window,
        after: Option<Position>,
        mut visit: impl FnMut(Header) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        if let [locus] = self.0.as_slice() {
            return labels::scan(read, locus, window, after, visit);
        }
        let mut found = Vec::new();
        for locus in &self.0 {
            labels::scan(read, locus, window, after, |header| {
                found.push(header);
                ControlFlow::Continue(())
            })?;
        }
        found.sort_by_key(|header| (Reverse(header.occurred_at), header.id));
        let _stopped = found.into_iter().try_for_each(&mut visit);
        Ok(())
    }
}
