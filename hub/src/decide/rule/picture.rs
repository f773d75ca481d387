//! A request of which not everything is known. Never says what follows from it.

use std::{collections::BTreeSet, sync::Arc};

use crate::model::{
    AgencyId, AreaCode, ConsentFact, GatewayId, KindId, PurposeId, Sector, Sensitivity, Severity, SubjectSort,
};

/// What is known of a practitioner's request; `None` wherever it could be anything.
#[derive(Debug, Clone)]
pub(in crate::decide) struct Picture {
    /// `ask`, or a level.
    pub(in crate::decide) action: &'static str,
    pub(in crate::decide) agency: Option<(AgencyId, Sector)>,
    pub(in crate::decide) roles: Roles,
    pub(in crate::decide) teams: Option<BTreeSet<String>>,
    pub(in crate::decide) patch: Option<BTreeSet<AreaCode>>,
    pub(in crate::decide) purpose: Option<PurposeId>,
    pub(in crate::decide) gateway: Option<GatewayId>,
    pub(in crate::decide) case_reference: Option<bool>,
    pub(in crate::decide) subject: Option<SubjectSort>,
    /// Of the signal; of the question, if the action is `ask`.
    pub(in crate::decide) areas: Option<Arc<[AreaCode]>>,
    pub(in crate::decide) kind: Option<KindId>,
    pub(in crate::decide) owner: Option<(AgencyId, Sector)>,
    pub(in crate::decide) severity: Option<Severity>,
    pub(in crate::decide) sensitivity: Option<Sensitivity>,
    pub(in crate::decide) about: Option<SubjectSort>,
    pub(in crate::decide) consent: Option<ConsentFact>,
    pub(in crate::decide) deceased: Option<bool>,
}

/// What is known of somebody's roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::decide) enum Roles {
    /// All of them.
    Are(BTreeSet<String>),
    /// That these are not among them, and that there is at least one.
    AreNone(BTreeSet<String>),
}

impl Picture {
    /// Of an action, with nothing known of it.
    pub(in crate::decide) fn of(action: &'static str) -> Self {
        Self {
            action,
            agency: None,
            roles: Roles::AreNone(BTreeSet::new()),
            teams: None,
            patch: None,
            purpose: None,
            gateway: None,
            case_reference: None,
            subject: None,
            areas: None,
            kind: None,
            owner: None,
            severity: None,
            sensitivity: None,
            about: None,
            consent: None,
            deceased: None,
        }
    }

    /// The sort of an agency, if it is one that the picture knows.
    pub(in crate::decide) fn sector(&self, agency: &str) -> Option<&str> {
        let known = self.agency.iter().chain(&self.owner);
        known
            .into_iter()
            .find(|(id, _)| id.as_str() == agency)
            .map(|(_, sector)| sector.as_str())
    }
}
