//! Reads who a person is.

use std::fmt::Display;

use placehub_proto::v1::PersonIdentity;

use super::Fields;
use crate::model::{Identity, LocalReference, NhsNumber, Uprn};

const REFERENCES: usize = 8;

/// The identity under `field`; `home` stands in for an empty UPRN.
pub fn person(fields: &mut Fields, field: impl Display + Copy, given: &PersonIdentity, home: Option<Uprn>) -> Identity {
    if *given == PersonIdentity::default() {
        fields.wrong(field, "must have at least one identifier");
    }
    if given.local_references.len() > REFERENCES {
        fields.wrong(
            format_args!("{field}.local_references"),
            format_args!("must be at most {REFERENCES}"),
        );
    }
    let unverified = &given.unverified_nhs_number;
    let ten_digits = (!unverified.is_empty()).then(|| NhsNumber::ten_digits(unverified));
    Identity {
        nhs_number: fields.parse_some(format_args!("{field}.nhs_number"), &given.nhs_number),
        unverified_nhs_number: match ten_digits {
            Some(Ok(digits)) => Some(digits.iter().map(|digit| char::from(b'0' + digit)).collect()),
            Some(Err(rule)) => {
                fields.wrong(format_args!("{field}.unverified_nhs_number"), rule);
                None
            }
            None => None,
        },
        local_references: given
            .local_references
            .iter()
            .enumerate()
            .map(|(index, reference)| LocalReference {
                system: fields.some_text(
                    format_args!("{field}.local_references[{index}].system"),
                    &reference.system,
                    64,
                ),
                value: fields.some_text(
                    format_args!("{field}.local_references[{index}].value"),
                    &reference.value,
                    64,
                ),
            })
            .collect(),
        family_name: fields.text(format_args!("{field}.family_name"), &given.family_name, 100),
        given_name: fields.text(format_args!("{field}.given_name"), &given.given_name, 100),
        birth_date: fields.parse_some(format_args!("{field}.birth_date"), &given.birth_date),
        postcode: fields.parse_some(format_args!("{field}.postcode"), &given.postcode),
        uprn: fields.parse_some(format_args!("{field}.uprn"), &given.uprn).or(home),
    }
}
