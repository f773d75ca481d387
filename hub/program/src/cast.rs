//! The cast of the sample place: its agencies and some of their practitioners, all made up.
//! Only development tokens and certificates are ever made for them.

/// An agency of the sample place. Its id is its sector.
#[derive(Debug)]
pub(crate) struct Agency {
    /// Its id.
    pub(crate) id: &'static str,
    /// Its name for people.
    pub(crate) name: &'static str,
    /// Whom to ring. Numbers are of the range that Ofcom keeps for drama.
    pub(crate) contact: &'static str,
    /// Its workloads.
    pub(crate) workloads: &'static [&'static str],
}

/// A practitioner of the sample place, as their agency's issuer would describe them.
#[derive(Debug)]
pub(crate) struct Practitioner {
    /// The issuer's name for them.
    pub(crate) subject: &'static str,
    /// Their agency.
    pub(crate) agency: &'static str,
    /// Their roles.
    pub(crate) roles: &'static [&'static str],
    /// Their patch.
    pub(crate) areas: &'static [&'static str],
}

/// The agencies.
pub(crate) const AGENCIES: [Agency; 5] = [
    agency(
        "health",
        "Sample NHS Foundation Trust",
        "discharge team, 01632 960101",
        &["adapter", "desk"],
    ),
    agency(
        "police",
        "Sample Police",
        "neighbourhood desk, 01632 960102",
        &["adapter", "desk"],
    ),
    agency(
        "housing",
        "Sample Homes",
        "tenancy team, 01632 960103",
        &["adapter", "desk"],
    ),
    agency(
        "welfare",
        "Sample Council welfare service",
        "welfare desk, 01632 960104",
        &["adapter", "desk"],
    ),
    agency(
        "governance",
        "Information governance of the place",
        "information governance, 01632 960105",
        &["desk"],
    ),
];

/// The practitioners.
pub(crate) const PRACTITIONERS: [Practitioner; 11] = [
    practitioner("officer-17", "police", &["neighbourhood-officer"], &["central"]),
    practitioner("officer-42", "housing", &["housing-officer"], &["central"]),
    practitioner("coordinator-3", "health", &["discharge-coordinator"], &["central"]),
    practitioner("adviser-8", "welfare", &["welfare-adviser"], &["central"]),
    practitioner("igo-1", "governance", &["ig-officer"], &[]),
    practitioner("lead-health", "health", &["safeguarding-lead"], &["central", "leigh"]),
    practitioner("lead-police", "police", &["safeguarding-lead"], &["central", "leigh"]),
    practitioner("lead-housing", "housing", &["safeguarding-lead"], &["central", "leigh"]),
    practitioner("lead-welfare", "welfare", &["safeguarding-lead"], &["central", "leigh"]),
    practitioner(
        "analyst-health",
        "health",
        &["violence-reduction-analyst"],
        &["central", "leigh"],
    ),
    practitioner(
        "analyst-police",
        "police",
        &["violence-reduction-analyst"],
        &["central", "leigh"],
    ),
];

/// The practitioner of this name.
pub(crate) fn find(subject: &str) -> Option<&'static Practitioner> {
    PRACTITIONERS.iter().find(|one| one.subject == subject)
}

/// The names of all, for messages.
pub(crate) fn names() -> String {
    PRACTITIONERS.map(|one| one.subject).join(", ")
}

const fn agency(
    id: &'static str,
    name: &'static str,
    contact: &'static str,
    workloads: &'static [&'static str],
) -> Agency {
    Agency {
        id,
        name,
        contact,
        workloads,
    }
}

const fn practitioner(
    subject: &'static str,
    agency: &'static str,
    roles: &'static [&'static str],
    areas: &'static [&'static str],
) -> Practitioner {
    Practitioner {
        subject,
        agency,
        roles,
        areas,
    }
}
