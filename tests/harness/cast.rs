//! The people of the sample place. All are made up, and all NHS numbers are in the range that is never issued.

use placehub_certs::Own;
use placehub_proto::v1::PersonIdentity;

/// The place: the trust domain of every certificate.
pub(crate) const PLACE: &str = "wigan.placehub.example";

/// A practitioner, as their agency's issuer describes them.
#[derive(Debug, Clone)]
pub(crate) struct Practitioner {
    /// Their agency.
    pub(crate) agency: String,
    /// Who they are, in the agency's words.
    pub(crate) subject: String,
    /// What they are.
    pub(crate) roles: Vec<String>,
    /// Their patch.
    pub(crate) areas: Vec<String>,
    /// Their own name and home, as far as the issuer tells.
    pub(crate) own: Own,
}

impl Practitioner {
    /// A practitioner of these roles and areas.
    pub(crate) fn new(agency: &str, subject: &str, roles: &[&str], areas: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            agency: agency.to_owned(),
            subject: subject.to_owned(),
            roles: owned(roles),
            areas: owned(areas),
            own: Own::default(),
        }
    }
}

/// A practitioner of the cast, by subject: `officer-17`, `officer-42`, `coordinator-3`, `adviser-8`, `igo-1`,
/// `lead-AGENCY` (safeguarding) or `analyst-AGENCY` (serious violence).
pub(crate) fn cast(subject: &str) -> Practitioner {
    let central = ["central"];
    match subject {
        "officer-17" => Practitioner::new("police", subject, &["neighbourhood-officer"], &central),
        "officer-42" => Practitioner::new("housing", subject, &["housing-officer"], &central),
        "coordinator-3" => Practitioner::new("health", subject, &["discharge-coordinator"], &central),
        "adviser-8" => Practitioner::new("welfare", subject, &["welfare-adviser"], &central),
        "igo-1" => Practitioner::new("governance", subject, &["ig-officer"], &[]),
        _ => match subject.split_once('-') {
            Some(("lead", agency)) => Practitioner::new(agency, subject, &["safeguarding-lead"], &central),
            Some(("analyst", agency)) => Practitioner::new(agency, subject, &["violence-reduction-analyst"], &central),
            _ => panic!("{subject} is not of the cast"),
        },
    }
}

/// Alex Sample, who lives at 999000000101 in Central Wigan.
pub(crate) fn alex() -> PersonIdentity {
    person("Alex", "Sample", "1958-03-14", "9990001006", "999000000101", "WN99 9AA")
}

/// Billie Example, who lives at 999000000102 in Central Wigan.
pub(crate) fn billie() -> PersonIdentity {
    person(
        "Billie",
        "Example",
        "1991-11-02",
        "9990001014",
        "999000000102",
        "WN99 9AA",
    )
}

/// Casey Madeup, who lives at 999000000105 in Central Wigan.
pub(crate) fn casey() -> PersonIdentity {
    person(
        "Casey",
        "Madeup",
        "1984-07-23",
        "9990001022",
        "999000000105",
        "WN99 9AB",
    )
}

/// Drew Fictional, who lives at 999000000109 in Leigh.
pub(crate) fn drew() -> PersonIdentity {
    person(
        "Drew",
        "Fictional",
        "2001-01-30",
        "9990001030",
        "999000000109",
        "WN99 9AB",
    )
}

/// Emery Nobody, whose NHS number nobody knows, at 999000000103 in Central Wigan.
pub(crate) fn emery() -> PersonIdentity {
    person("Emery", "Nobody", "1975-05-05", "", "999000000103", "WN99 9AA")
}

fn person(given: &str, family: &str, born: &str, nhs_number: &str, uprn: &str, postcode: &str) -> PersonIdentity {
    PersonIdentity {
        nhs_number: nhs_number.to_owned(),
        family_name: family.to_owned(),
        given_name: given.to_owned(),
        birth_date: born.to_owned(),
        postcode: postcode.to_owned(),
        uprn: uprn.to_owned(),
        ..PersonIdentity::default()
    }
}
