//! Finds where a question is to be looked up: from identifiers to a person, an address or an area, and the areas around.
//! Writes nothing; whom it found stays in the gate.

use std::sync::Arc;

use super::{Error, Gate};
use crate::{
    authn::Caller,
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
    /// A person, by the hub's id.
    Person(PersonId),
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
    /// Finds where a question of a caller is to be looked up.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn locate(&self, caller: &Caller, question: &Question) -> Result<Located, Error> {
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
                locus: Locus::Area(area.clone()),
                about: About::Area(area.clone()),
                areas: self.places.around(area),
            },
            Subject::Person(who) => {
                let about = about(&*self.store, &self.keys.hashes, caller.agency(), who)?;
                Located {
                    locus: match &about {
                        About::Person(person) => Locus::Person(*person),
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

/// How the ledger names a person that somebody of `agency` asks about.
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
        Some(person) => About::Person(person),
        None => About::Stranger(person::identifier_hash(hashes, agency, who)),
    })
}
