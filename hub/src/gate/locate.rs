//! Finds where a question is to be looked up: from identifiers to a person, an address or an area, and the areas around.
//! Writes nothing; whom it found stays in the gate.

use std::sync::Arc;

use super::{Error, Gate};
use crate::{
    authn::Caller,
    consent::Facts,
    keys::Hashes,
    labels::Locus,
    model::{AgencyId, AreaCode, Header, Identity, PersonId, Question, Subject},
    person,
    store::Read,
};

/// Whom or what a decision is about, as the ledger will name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// An address, by its keyed hash.
    Address([u8; 16]),
    /// An area.
    Area(AreaCode),
    /// Nothing in particular.
    Nothing,
    /// A person, by every record that the hub has of them, the one that was asked about first.
    Person(Vec<PersonId>),
    /// Several people, by every subject that entries about them are filed under; the first is the one that is named.
    Several(Vec<[u8; 16]>),
    /// Somebody whom the hub does not know, by a keyed hash of what they were asked for by.
    Stranger([u8; 16]),
}

/// Where a question is to be looked up.
#[derive(Debug)]
pub(super) struct Located {
    /// Where in the labels index.
    pub(super) locus: Locus,
    /// How the ledger names it.
    pub(super) about: About,
    /// For an address or area: its area and every area around it.
    pub(super) areas: Arc<[AreaCode]>,
}

impl Gate {
    /// Finds where a question of a caller is to be looked up. Whose records it finds is among what the facts rest on.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn locate(&self, caller: &Caller, question: &Question, facts: &mut Facts<'_>) -> Result<Located, Error> {
        Ok(match &question.subject {
            Subject::Address(uprn) => {
                let address = self.keys.hashes.address(*uprn);
                Located {
                    locus: Locus::Address(address),
                    about: About::Address(address),
                    areas: self
                        .places
                        .area_of(*uprn)
                        .map(|area| self.places.around(area))
                        .unwrap_or_default(),
                }
            }
            Subject::Area(area) => Located {
                locus: Locus::Area(self.places.within(area)),
                about: About::Area(area.clone()),
                areas: self.places.around(area),
            },
            Subject::Person(who) => {
                let about = match person::find(self.read(), &self.keys.hashes, caller.agency(), who)? {
                    Some(person) => About::Person(facts.records(person)?),
                    None => About::Stranger(person::identifier_hash(&self.keys.hashes, caller.agency(), who)),
                };
                Located {
                    locus: match &about {
                        About::Person(records) => Locus::Person(records.as_slice().into()),
                        _ => Locus::Nobody,
                    },
                    about,
                    areas: Arc::default(),
                }
            }
        })
    }

    /// The area of a signal and every area around it.
    pub(super) fn around(&self, header: &Header) -> Arc<[AreaCode]> {
        header
            .area
            .as_ref()
            .map(|area| self.places.around(area))
            .unwrap_or_default()
    }
}

/// How the ledger names a person whom something that somebody of `agency` does is about.
///
/// # Errors
/// If the store fails.
pub(super) fn about(
    read: &dyn Read,
    hashes: &Hashes,
    agency: &AgencyId,
    who: &Identity,
) -> Result<About, person::Error> {
    Ok(match person::find(read, hashes, agency, who)? {
        Some(person) => About::Person(person::human(read, person)?.records()),
        None => About::Stranger(person::identifier_hash(hashes, agency, who)),
    })
}
