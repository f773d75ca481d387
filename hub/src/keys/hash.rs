//! Pseudonyms of identifiers: HMAC-SHA-256 under the identifier key, apart for each sort of identifier.
//! Never a plain hash, because ten digits are soon tried out; and never reversible without trying.

use std::fmt;

use ring::hmac;

use super::{Keyring, sealing};
use crate::model::{AgencyId, BirthDate, LocalReference, NhsNumber, Postcode, Uprn};

/// Makes pseudonyms. The same identifier always has the same one, under the same keyring. Prints as `Hashes(…)`.
///
/// What is hashed is a label that names the sort, then each part, every one with its length in front (8 bytes, big-endian),
/// so that no two identifiers are ever the same bytes.
pub struct Hashes {
    key: hmac::Key,
}

/// The home in a person's demographics.
#[derive(Clone, Copy)]
pub enum Home<'h> {
    /// By postcode.
    Postcode(&'h Postcode),
    /// By address.
    Uprn(Uprn),
}

impl Hashes {
    /// The pseudonyms of a keyring.
    pub fn of(keyring: &Keyring) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, keyring.identifier()),
        }
    }

    /// An NHS number.
    pub fn nhs_number(&self, number: &NhsNumber) -> [u8; 32] {
        self.hash("nhs number", &[number.digits().as_bytes()])
    }

    /// A reference of an agency's own system: another agency's same reference has another pseudonym.
    pub fn local_reference(&self, agency: &AgencyId, reference: &LocalReference) -> [u8; 32] {
        let parts = [agency.as_str(), &reference.system, &reference.value];
        self.hash("local reference", &parts.map(str::as_bytes))
    }

    /// A name, birth date and home. The names are hashed as they are: bring them into one form before.
    pub fn demographics(&self, family: &str, given: &str, born: BirthDate, home: Home<'_>) -> [u8; 32] {
        let born = born.date().to_string();
        let names = (family.as_bytes(), given.as_bytes(), born.as_bytes());
        match home {
            Home::Postcode(postcode) => self.hash(
                "demographics with postcode",
                &[names.0, names.1, names.2, postcode.as_str().as_bytes()],
            ),
            Home::Uprn(uprn) => self.hash(
                "demographics with uprn",
                &[names.0, names.1, names.2, &uprn.number().to_be_bytes()],
            ),
        }
    }

    /// An address, as labels and the ledger name it.
    pub fn address(&self, uprn: Uprn) -> [u8; 16] {
        self.short("address", &[&uprn.number().to_be_bytes()])
    }

    /// A fact in an owner's system: without the version, which is no part of which fact it is.
    pub fn source(&self, owner: &AgencyId, system: &str, id: &str) -> [u8; 32] {
        self.hash("source", &[owner.as_str().as_bytes(), system.as_bytes(), id.as_bytes()])
    }

    /// The id of the signal that tells a fact in an owner's system, for the same reason without the version.
    pub fn signal(&self, owner: &AgencyId, system: &str, id: &str) -> [u8; 16] {
        self.short("signal", &[owner.as_str().as_bytes(), system.as_bytes(), id.as_bytes()])
    }

    /// What an owner pushed, to notice other content under the same version.
    pub fn content(&self, bytes: &[u8]) -> [u8; 32] {
        self.hash("content", &[bytes])
    }

    /// The subject that a question about somebody whom the hub does not know is filed under in the ledger's index:
    /// the pseudonym of an identifier, hashed once more, so that the index does not show which identifiers are known.
    pub fn unknown_subject(&self, identifier: &[u8; 32]) -> [u8; 16] {
        self.short("unknown subject", &[identifier])
    }

    fn short(&self, label: &str, parts: &[&[u8]]) -> [u8; 16] {
        sealing::first_half(self.hash(label, parts))
    }

    fn hash(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let parts = std::iter::once(label.as_bytes()).chain(parts.iter().copied());
        let mut message = Vec::with_capacity(parts.clone().map(|part| 8 + part.len()).sum());
        for part in parts {
            // A length in memory always fits into eight bytes.
            message.extend_from_slice(&(part.len() as u64).to_be_bytes());
            message.extend_from_slice(part);
        }
        sealing::mac_with(&self.key, &[&message])
    }
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashes(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn hashes() -> Hashes {
        Hashes::of(&Keyring::random().unwrap())
    }

    fn reference(system: &str, value: &str) -> LocalReference {
        LocalReference {
            system: system.into(),
            value: value.into(),
        }
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let hashes = hashes();
        let (health, housing): (AgencyId, AgencyId) = ("health".parse().unwrap(), "housing".parse().unwrap());
        let all = [
            hashes.local_reference(&health, &reference("ab", "c")),
            hashes.local_reference(&health, &reference("a", "bc")),
            hashes.local_reference(&health, &reference("", "abc")),
            hashes.local_reference(&housing, &reference("ab", "c")),
            hashes.source(&health, "ab", "c"),
            hashes.source(&health, "a", "bc"),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let signals = [hashes.signal(&health, "ab", "c"), hashes.signal(&health, "a", "bc")];
        assert_ne!(signals[0], signals[1]);
    }

    #[test]
    fn each_sort_has_its_own_pseudonyms() {
        let hashes = hashes();
        let all = [
            hashes.address("7".parse().unwrap()),
            hashes.unknown_subject(&[0; 32]),
            hashes.unknown_subject(&[7; 32]),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn a_pseudonym_is_the_same_under_the_same_keyring_only() {
        let number: NhsNumber = "9990001006".parse().unwrap();
        let spaced: NhsNumber = "999 000 1006".parse().unwrap();
        let keyring = Keyring::random().unwrap();
        let (here, again) = (Hashes::of(&keyring), Hashes::of(&keyring));
        assert_eq!(here.nhs_number(&number), again.nhs_number(&spaced));
        assert_ne!(here.nhs_number(&number), hashes().nhs_number(&number));
    }

    #[test]
    fn an_address_is_the_same_with_and_without_leading_zeros() {
        let hashes = hashes();
        let (short, long) = ("199356".parse().unwrap(), "000000199356".parse().unwrap());
        assert_eq!(hashes.address(short), hashes.address(long));
    }
}
