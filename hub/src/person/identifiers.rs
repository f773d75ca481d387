//! The pseudonyms of what an identity can be matched on, by strength. Nothing here reads the store.

use super::spelling;
use crate::{
    keys::{Hashes, Home},
    model::{AgencyId, Identity},
};

/// What can be matched on. Each list is in the order in which it is tried.
pub(super) struct Identifiers {
    pub(super) nhs_number: Option<[u8; 32]>,
    pub(super) local_references: Vec<[u8; 32]>,
    pub(super) demographics: Vec<[u8; 32]>,
}

impl Identifiers {
    /// The identifiers of an identity that `agency` gave.
    pub(super) fn of(hashes: &Hashes, agency: &AgencyId, identity: &Identity) -> Self {
        Self {
            nhs_number: identity.nhs_number.as_ref().map(|number| hashes.nhs_number(number)),
            local_references: identity
                .local_references
                .iter()
                .map(|reference| hashes.local_reference(agency, reference))
                .collect(),
            demographics: demographics(hashes, identity),
        }
    }

    /// All of them, the strongest first.
    pub(super) fn strongest_first(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.nhs_number
            .iter()
            .chain(&self.local_references)
            .chain(&self.demographics)
    }
}

/// With the postcode, then with the UPRN; none unless both names and the birth date are given.
fn demographics(hashes: &Hashes, identity: &Identity) -> Vec<[u8; 32]> {
    let family = spelling::plain(&identity.family_name);
    let given = spelling::first_plain(&identity.given_name);
    let Some(born) = identity.birth_date else {
        return Vec::new();
    };
    if family.is_empty() || given.is_empty() {
        return Vec::new();
    }
    let postcode = identity.postcode.as_ref().map(Home::Postcode);
    let uprn = identity.uprn.map(Home::Uprn);
    postcode
        .into_iter()
        .chain(uprn)
        .map(|home| hashes.demographics(&family, &given, born, home))
        .collect()
}
