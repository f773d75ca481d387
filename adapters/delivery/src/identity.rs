//! The columns by which an agency's table names a person: `nhs_number`, `family_name`, `given_name`, `birth_date`, `postcode`.
//! It never guesses: an empty cell stays empty, and a bad one refuses the row.

use placehub_proto::v1::{LocalReference, PersonIdentity};

use crate::{draft::Untranslatable, fields, table::Cells};

/// Reads who a row is about, if it says so. A postcode alone names nobody.
///
/// # Errors
///
/// The first field that breaks its rule.
pub fn person(cells: &Cells<'_>) -> Result<Option<PersonIdentity>, Untranslatable> {
    let identity = PersonIdentity {
        nhs_number: cells.optional("nhs_number", fields::nhs_number)?.unwrap_or_default(),
        family_name: cells.optional("family_name", fields::label)?.unwrap_or_default(),
        given_name: cells.optional("given_name", fields::label)?.unwrap_or_default(),
        birth_date: cells
            .optional("birth_date", fields::date)?
            .map(|date| date.to_string())
            .unwrap_or_default(),
        postcode: cells.optional("postcode", fields::postcode)?.unwrap_or_default(),
        ..Default::default()
    };
    let named = !identity.nhs_number.is_empty() || !identity.family_name.is_empty() || !identity.given_name.is_empty();
    Ok(named.then_some(identity))
}

/// Adds the agency's own reference for a person, even where the row says nothing else about who it is.
pub fn with_reference(person: Option<PersonIdentity>, system: &str, value: &str) -> PersonIdentity {
    let mut person = person.unwrap_or_default();
    person.local_references.push(LocalReference {
        system: system.to_owned(),
        value: value.to_owned(),
    });
    person
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    fn read(csv: &str) -> Result<Option<PersonIdentity>, Untranslatable> {
        let mut rows = Table::read(csv.as_bytes()).unwrap().each(person);
        rows.next().unwrap().unwrap().content
    }

    #[test]
    fn a_postcode_alone_names_nobody() {
        assert_eq!(read("family_name,postcode\n,WN99 9AA\n"), Ok(None));
    }

    #[test]
    fn a_mistyped_nhs_number_is_refused_without_repeating_it() {
        let refusal = read("nhs_number\n9990001007\n").unwrap_err();
        assert_eq!(refusal.field, "nhs_number");
        assert!(!refusal.to_string().contains("9990001007"));
    }

    #[test]
    fn a_british_birth_date_reaches_the_hub_as_iso() {
        let person = read("family_name,birth_date\nSample,14/03/1958\n").unwrap().unwrap();
        assert_eq!(person.birth_date, "1958-03-14");
    }
}
