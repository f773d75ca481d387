//! Checks the names that become part of a SPIFFE id and of a file name.
//! It never repairs a name: what breaks a rule is refused.

use crate::{Error, Result};

/// A SPIFFE trust domain: lower-case letters, digits, `.`, `-` and `_`, at most 255 characters (SPIFFE-ID, 2.1).
/// Leading and doubled dots are refused too, since the name is also a host name.
pub(crate) fn check_place(place: &str) -> Result<()> {
    let labels_are_plain = place.split('.').all(|label| !label.is_empty() && is_plain(label, "-_"));
    refuse_unless(
        labels_are_plain && place.len() <= 255,
        "place",
        "a trust domain of lower-case letters, digits, dots, hyphens and underscores",
    )
}

/// The agency's segment of a SPIFFE id path (SPIFFE-ID, 2.2), narrowed to what is safe in a file name.
pub(crate) fn check_agency(agency: &str) -> Result<()> {
    refuse_unless(
        is_segment(agency, "-_"),
        "agency",
        "1 to 64 lower-case letters, digits, hyphens and underscores, beginning with a letter or digit",
    )
}

/// The workload's segment. A hyphen is refused, so that `AGENCY-WORKLOAD` names one pair only.
pub(crate) fn check_workload(workload: &str) -> Result<()> {
    refuse_unless(
        is_segment(workload, "_"),
        "workload",
        "1 to 64 lower-case letters, digits and underscores, beginning with a letter or digit",
    )
}

/// The first part of a file name, where the caller chooses it.
pub(crate) fn check_stem(stem: &str) -> Result<()> {
    refuse_unless(
        is_segment(stem, "-_"),
        "file name",
        "1 to 64 lower-case letters, digits, hyphens and underscores, beginning with a letter or digit",
    )
}

fn refuse_unless(kept: bool, field: &'static str, rule: &'static str) -> Result<()> {
    if kept { Ok(()) } else { Err(Error::Name { field, rule }) }
}

fn is_segment(text: &str, marks: &str) -> bool {
    text.len() <= 64 && text.starts_with(|first: char| first.is_ascii_alphanumeric()) && is_plain(text, marks)
}

fn is_plain(text: &str, marks: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || marks.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_folder_or_its_segment() {
        for name in ["", "..", "../x", "a/b", "-a", "Police", "a b", "a%2f", "é"] {
            assert!(check_agency(name).is_err(), "{name:?} as agency");
            assert!(check_workload(name).is_err(), "{name:?} as workload");
            assert!(check_stem(name).is_err(), "{name:?} as file name");
        }
        assert!(check_agency("north-west_2").is_ok());
    }

    #[test]
    fn two_pairs_of_agency_and_workload_never_share_a_file() {
        assert!(check_workload("b-c").is_err());
        assert!(check_workload("b_c").is_ok());
    }

    #[test]
    fn a_place_is_a_trust_domain() {
        assert!(check_place("wigan.placehub.example").is_ok());
        for place in ["", ".", "a..b", "Wigan.example", "wigan:443", "a/b"] {
            assert!(check_place(place).is_err(), "{place:?}");
        }
    }
}
