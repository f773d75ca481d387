//! The subjects under which the index lists entries that are not about a person: a practitioner's, an agreement's.
//! Both stand in the clear in every entry, so these names hide nothing; they are only all of one length.

use ring::digest::{SHA256, digest};

use super::Entry;
use crate::model::{AgencyId, AgreementId};

/// The subjects that follow from an entry alone: of an agency's, the practitioner who asked and the agreements that were asked
/// under. The many deliveries are found by their signal, and not by who delivers.
pub fn of(entry: &Entry) -> Vec<[u8; 16]> {
    let Some(agency) = &entry.agency else {
        return Vec::new();
    };
    let asked = !entry.practitioner.is_empty() && !matches!(entry.action.as_str(), "push" | "retract");
    let asker = asked.then(|| practitioner(agency, &entry.practitioner));
    asker
        .into_iter()
        .chain(entry.agreements.iter().map(agreement))
        .collect()
}

/// The subject of what a practitioner asked.
pub fn practitioner(agency: &AgencyId, subject: &str) -> [u8; 16] {
    name(&["practitioner", agency.as_str(), subject])
}

/// The subject of what was asked under an agreement.
pub fn agreement(agreement: &AgreementId) -> [u8; 16] {
    name(&["agreement", agreement.as_str()])
}

/// The first half of SHA-256 over the parts, each ended by a zero byte, which none of them holds.
fn name(parts: &[&str]) -> [u8; 16] {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0);
    }
    let hash = digest(&SHA256, &bytes);
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_practitioner_is_listed_as_another_or_as_an_agreement() {
        let id = |text: &str| text.parse::<AgencyId>().unwrap();
        let names = [
            practitioner(&id("housing"), "officer-42"),
            practitioner(&id("police"), "officer-42"),
            practitioner(&id("housing"), "officer-4"),
            agreement(&"housing".parse().unwrap()),
        ];
        for (index, one) in names.iter().enumerate() {
            assert!(!names[..index].contains(one));
        }
    }
}
