//! The flags by which a person is named, as an agency knows them. It never guesses, and never prints them.

use anyhow::{Result, bail};
use clap::Args;
use placehub_proto::v1::{LocalReference, PersonIdentity};

/// The heading of these flags in `--help`.
const PERSON: &str = "Person";

/// Who is meant.
#[derive(Debug, Default, Args)]
pub(crate) struct PersonArguments {
    /// NHS number, ten digits; spaces and hyphens are allowed.
    #[arg(long, visible_alias = "nhs", value_name = "NHS NUMBER", help_heading = PERSON)]
    person: Option<String>,
    /// Name, as "Alex Sample" or "Sample, Alex". With --born, and --postcode or --lives-at.
    #[arg(long, value_name = "NAME", help_heading = PERSON)]
    name: Option<String>,
    /// Date of birth, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", help_heading = PERSON)]
    born: Option<String>,
    /// Postcode of the home.
    #[arg(long, value_name = "POSTCODE", help_heading = PERSON)]
    postcode: Option<String>,
    /// UPRN of the home.
    #[arg(long, value_name = "UPRN", help_heading = PERSON)]
    lives_at: Option<String>,
    /// Your agency's own reference, as SYSTEM=VALUE, e.g. tenancy=T-100101. May be given again.
    #[arg(long, value_name = "SYSTEM=VALUE", help_heading = PERSON)]
    reference: Vec<String>,
}

impl PersonArguments {
    /// Whom the flags name; none if no flag was given.
    ///
    /// # Errors
    /// If a flag has not its form. Names the flag, never the value.
    pub(crate) fn identity(&self) -> Result<Option<PersonIdentity>> {
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        let (given_name, family_name) = match &self.name {
            None => Default::default(),
            Some(name) => split(name)?,
        };
        let identity = PersonIdentity {
            nhs_number: text(&self.person),
            local_references: self.reference.iter().map(|one| reference(one)).collect::<Result<_>>()?,
            family_name,
            given_name,
            birth_date: text(&self.born),
            postcode: text(&self.postcode),
            uprn: text(&self.lives_at),
            ..Default::default()
        };
        Ok((identity != PersonIdentity::default()).then_some(identity))
    }
}

/// Given and family name.
fn split(name: &str) -> Result<(String, String)> {
    let name = name.trim();
    let parts = match name.split_once(',') {
        Some((family, given)) => Some((given, family)),
        None => name.rsplit_once(char::is_whitespace),
    };
    match parts.map(|(given, family)| (given.trim(), family.trim())) {
        Some((given, family)) if !given.is_empty() && !family.is_empty() => Ok((given.to_owned(), family.to_owned())),
        _ => bail!("`--name` must be given and family name, as \"Alex Sample\" or \"Sample, Alex\""),
    }
}

fn reference(text: &str) -> Result<LocalReference> {
    match text.split_once('=') {
        Some((system, value)) if !system.trim().is_empty() && !value.trim().is_empty() => Ok(LocalReference {
            system: system.trim().to_owned(),
            value: value.trim().to_owned(),
        }),
        _ => bail!("`--reference` must be SYSTEM=VALUE, e.g. tenancy=T-100101"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_in_either_order() {
        let expected = ("Alex Lee".to_owned(), "Sample".to_owned());
        assert_eq!(split("Alex Lee Sample").unwrap(), expected);
        assert_eq!(split(" Sample,  Alex Lee ").unwrap(), expected);
    }

    #[test]
    fn half_a_name_is_refused_without_repeating_it() {
        for half in ["Madeup", "Madeup,", ", Madeup", " "] {
            let refusal = split(half).unwrap_err().to_string();
            assert!(!refusal.contains("Madeup") && refusal.starts_with("`--name`"), "{half}");
        }
    }

    #[test]
    fn no_flag_names_nobody() {
        assert_eq!(PersonArguments::default().identity().unwrap(), None);
        let by_reference = PersonArguments {
            reference: vec!["tenancy=T-1".into()],
            ..Default::default()
        };
        assert_eq!(by_reference.identity().unwrap().unwrap().local_references.len(), 1);
    }
}
