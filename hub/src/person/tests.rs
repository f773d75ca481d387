//! What the rules of matching promise. Says nothing of how rows are stored.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::select};

use super::*;
use crate::{
    keys::{Keyring, Keys},
    model::LocalReference,
    store::Visit,
};

struct Nothing;

impl Read for Nothing {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, store::Error> {
        Ok(None)
    }

    fn scan(&self, _: &[u8], _: &[u8], _: &mut Visit<'_>) -> Result<(), store::Error> {
        Ok(())
    }
}

/// A hub that has met nobody.
struct Hub {
    hashes: Hashes,
    agency: AgencyId,
    txn: Txn<'static>,
}

impl Hub {
    fn new() -> Self {
        Self {
            hashes: Keys::of(Keyring::random().unwrap()).hashes,
            agency: "housing".parse().unwrap(),
            txn: Txn::new(&Nothing),
        }
    }

    fn resolve(&mut self, identity: &Identity) -> PersonId {
        resolve(&mut self.txn, &self.hashes, &self.agency, identity).unwrap()
    }

    fn find(&self, identity: &Identity) -> Option<PersonId> {
        find(&self.txn, &self.hashes, &self.agency, identity).unwrap()
    }
}

fn alex() -> Identity {
    Identity {
        family_name: "Sample".into(),
        given_name: "Alex".into(),
        birth_date: Some("1958-03-14".parse().unwrap()),
        postcode: Some("WN99 9AA".parse().unwrap()),
        uprn: Some("999000000101".parse().unwrap()),
        ..Identity::default()
    }
}

fn with_nhs_number(identity: Identity, digits: &str) -> Identity {
    Identity {
        nhs_number: Some(digits.parse().unwrap()),
        ..identity
    }
}

fn with_references(identity: Identity, values: &[&str]) -> Identity {
    let reference = |value: &&str| LocalReference {
        system: "tenancies".into(),
        value: (*value).into(),
    };
    Identity {
        local_references: values.iter().map(reference).collect(),
        ..identity
    }
}

fn nobody() -> Identity {
    Identity::default()
}

#[test]
fn each_identifier_of_a_push_leads_to_its_person() {
    let mut hub = Hub::new();
    let person = hub.resolve(&with_nhs_number(with_references(alex(), &["t-1"]), "9990001006"));
    for asked in [
        with_nhs_number(nobody(), "9990001006"),
        with_references(nobody(), &["t-1"]),
        alex(),
        Identity { uprn: None, ..alex() },
        Identity {
            postcode: None,
            ..alex()
        },
        Identity {
            family_name: "SÁMPLE".into(),
            given_name: "alex b.".into(),
            ..alex()
        },
    ] {
        assert_eq!(hub.find(&asked), Some(person));
    }
    for asked in [
        Identity {
            birth_date: None,
            ..alex()
        },
        Identity {
            given_name: "Billie".into(),
            ..alex()
        },
        Identity {
            postcode: None,
            uprn: None,
            ..alex()
        },
        with_references(nobody(), &["t-2"]),
        with_nhs_number(alex(), "9990001014"),
    ] {
        assert_eq!(hub.find(&asked), None);
    }
}

#[test]
fn a_reference_is_that_agencys_own() {
    let mut hub = Hub::new();
    hub.resolve(&with_references(nobody(), &["t-1"]));
    hub.agency = "police".parse().unwrap();
    assert_eq!(hub.find(&with_references(nobody(), &["t-1"])), None);
}

#[test]
fn an_nhs_number_comes_to_the_person_known_without_one() {
    let mut hub = Hub::new();
    let person = hub.resolve(&alex());
    assert_eq!(hub.find(&with_nhs_number(alex(), "9990001006")), Some(person));
    assert_eq!(hub.resolve(&with_nhs_number(alex(), "9990001006")), person);
    assert_eq!(hub.find(&with_nhs_number(nobody(), "9990001006")), Some(person));
}

#[test]
fn demographics_of_two_people_lead_to_nobody() {
    let mut hub = Hub::new();
    let first = hub.resolve(&with_nhs_number(alex(), "9990001006"));
    let second = hub.resolve(&with_nhs_number(alex(), "9990001014"));
    assert_ne!(first, second);
    assert_eq!(hub.find(&alex()), None);
    assert_eq!(hub.resolve(&with_nhs_number(alex(), "9990001006")), first);
    assert_eq!(hub.find(&alex()), None, "from then on");
    assert_ne!(hub.resolve(&alex()), hub.resolve(&alex()));
}

#[test]
fn a_reference_stays_with_whom_it_came_to_first() {
    let mut hub = Hub::new();
    let first = hub.resolve(&with_references(with_nhs_number(nobody(), "9990001006"), &["t-1"]));
    let second = hub.resolve(&with_references(with_nhs_number(nobody(), "9990001014"), &["t-1"]));
    assert_ne!(first, second);
    assert_eq!(hub.find(&with_references(nobody(), &["t-1"])), Some(first));
    assert_eq!(hub.find(&with_nhs_number(nobody(), "9990001014")), Some(second));
}

#[test]
fn of_two_references_the_first_wins() {
    let mut hub = Hub::new();
    let first = hub.resolve(&with_references(nobody(), &["t-1"]));
    let second = hub.resolve(&with_references(nobody(), &["t-2"]));
    assert_eq!(hub.resolve(&with_references(nobody(), &["t-1", "t-2"])), first);
    assert_eq!(hub.find(&with_references(nobody(), &["t-2", "t-1"])), Some(second));
}

#[test]
fn an_unverified_nhs_number_is_never_matched_on() {
    let mut hub = Hub::new();
    let unverified = Identity {
        unverified_nhs_number: Some("9990001006".into()),
        ..nobody()
    };
    let first = hub.resolve(&unverified);
    assert_ne!(hub.resolve(&unverified), first);
    assert_eq!(hub.find(&unverified), None);
    assert_eq!(hub.find(&with_nhs_number(nobody(), "9990001006")), None);
}

#[test]
fn the_ledger_files_the_unknown_under_their_strongest_identifier() {
    let hub = Hub::new();
    let hash = |identity: &Identity| identifier_hash(&hub.hashes, &hub.agency, identity);
    let hashes = |identity: &Identity| identifier_hashes(&hub.hashes, &hub.agency, identity);
    let full = with_nhs_number(with_references(alex(), &["t-1"]), "9990001006");
    assert_eq!(hash(&full), hash(&with_nhs_number(nobody(), "9990001006")));
    assert_eq!(hashes(&full).len(), 4);
    for weaker in [with_references(nobody(), &["t-1"]), alex()] {
        assert!(hashes(&full).contains(&hash(&weaker)));
        assert_ne!(hash(&full), hash(&weaker));
    }
    assert_eq!(
        hash(&nobody()),
        hash(&Identity {
            birth_date: None,
            ..alex()
        })
    );
    assert_eq!(hashes(&nobody()), Vec::<[u8; 16]>::new());
}

fn identity(nhs_number: impl Strategy<Value = Option<&'static str>>) -> impl Strategy<Value = Identity> {
    (
        nhs_number,
        proptest::collection::vec(select(vec!["t-1", "t-2", "t-3"]), 0..3),
        select(vec!["Sample", "Example", ""]),
        select(vec!["Alex", "Billie"]),
        select(vec![None, Some("WN99 9AA"), Some("WN99 9AB")]),
        select(vec![None, Some("999000000101"), Some("999000000102")]),
    )
        .prop_map(|(nhs_number, references, family, given, postcode, uprn)| Identity {
            nhs_number: nhs_number.map(|digits| digits.parse().unwrap()),
            family_name: family.into(),
            given_name: given.into(),
            postcode: postcode.map(|text| text.parse().unwrap()),
            uprn: uprn.map(|digits| digits.parse().unwrap()),
            ..with_references(alex(), &references)
        })
}

fn any_identity() -> impl Strategy<Value = Identity> {
    identity(select(vec![
        None,
        Some("9990001006"),
        Some("9990001014"),
        Some("9990001022"),
    ]))
}

fn numbered_identity() -> impl Strategy<Value = Identity> {
    identity(select(vec![Some("9990001006"), Some("9990001014"), Some("9990001022")]))
}

/// For each push, which of the pushes went to the same person, by NHS number.
fn linked(pushes: &[Identity]) -> BTreeSet<BTreeSet<String>> {
    let mut hub = Hub::new();
    let mut numbers_of: BTreeMap<PersonId, BTreeSet<String>> = BTreeMap::new();
    for push in pushes {
        let person = hub.resolve(push);
        let number = push.nhs_number.as_ref().map(|number| number.digits());
        numbers_of.entry(person).or_default().extend(number);
    }
    numbers_of.into_values().collect()
}

proptest! {
    #[test]
    fn nobody_has_two_nhs_numbers_and_no_nhs_number_has_two_people(
        pushes in proptest::collection::vec(any_identity(), 1..20),
    ) {
        let mut hub = Hub::new();
        let mut number_of: BTreeMap<PersonId, String> = BTreeMap::new();
        for push in &pushes {
            let person = hub.resolve(push);
            if let Some(number) = &push.nhs_number {
                let first = number_of.entry(person).or_insert_with(|| number.digits());
                prop_assert_eq!(&*first, &number.digits());
            }
        }
        let distinct: BTreeSet<_> = number_of.values().collect();
        prop_assert_eq!(distinct.len(), number_of.len());
    }

    #[test]
    fn the_order_of_pushes_with_nhs_numbers_does_not_change_who_is_linked(
        (pushes, shuffled) in proptest::collection::vec(numbered_identity(), 1..12)
            .prop_flat_map(|pushes| (Just(pushes.clone()), Just(pushes).prop_shuffle())),
    ) {
        prop_assert_eq!(linked(&pushes), linked(&shuffled));
    }

    #[test]
    fn whom_a_push_resolved_to_is_found_by_the_same_identity(
        earlier in proptest::collection::vec(any_identity(), 0..20),
        last in any_identity(),
    ) {
        let mut hub = Hub::new();
        for push in &earlier {
            hub.resolve(push);
        }
        let person = hub.resolve(&last);
        let found = hub.find(&last);
        let only_demographics = last.nhs_number.is_none() && last.local_references.is_empty();
        prop_assert!(found == Some(person) || (only_demographics && found.is_none()));
    }
}
