//! The keys that a decision is made from, and nothing else: signals with the same key have the same answer.
//! Never holds an id of a person or a signal.

use std::{collections::BTreeSet, sync::Arc};

use crate::model::{
    AgencyId, AreaCode, ConsentFact, GatewayId, KindId, PurposeId, Question, Sector, Sensitivity, Severity, Sort,
    SubjectSort,
};

/// What counts of a caller. Two callers with the same standing have the same rights.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Their agency.
    pub agency: AgencyId,
    /// Its sort.
    pub sector: Sector,
    /// What their agency's issuer says of a practitioner; `None` for a workload.
    pub practitioner: Option<Office>,
}

/// What counts of a practitioner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Office {
    /// Roles.
    pub roles: BTreeSet<String>,
    /// Teams.
    pub teams: BTreeSet<String>,
    /// Areas that are their patch.
    pub areas: BTreeSet<AreaCode>,
}

/// What counts of a question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reasons {
    /// The sort of its subject.
    pub subject: SubjectSort,
    /// Why.
    pub purpose: PurposeId,
    /// Under which law.
    pub gateway: GatewayId,
    /// Whether a case reference was given.
    pub case_reference: bool,
    /// For an address or area: its area and every area around it. Empty for a person.
    pub areas: Arc<[AreaCode]>,
}

/// What counts of a signal, for one question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Class {
    /// What sort of fact.
    pub kind: KindId,
    /// Whose.
    pub owner: AgencyId,
    /// How urgent.
    pub severity: Severity,
    /// How carefully to handle.
    pub sensitivity: Sensitivity,
    /// Its area and every area around it.
    pub areas: Arc<[AreaCode]>,
    /// What it is about.
    pub about: SubjectSort,
    /// What the person said that covers the question.
    pub consent: ConsentFact,
    /// Whether the person has died.
    pub deceased: bool,
}

/// What of a signal's person bears on whether it may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Circumstances {
    /// What they said that covers the question.
    pub consent: ConsentFact,
    /// Whether they have died.
    pub deceased: bool,
}

impl From<(ConsentFact, bool)> for Circumstances {
    fn from((consent, deceased): (ConsentFact, bool)) -> Self {
        Self { consent, deceased }
    }
}

impl Reasons {
    /// What counts of `question`, whose address or area lies in `areas`.
    pub fn of(question: &Question, areas: Arc<[AreaCode]>) -> Self {
        Self {
            subject: question.subject.sort(),
            purpose: question.purpose.clone(),
            gateway: question.gateway.clone(),
            case_reference: !question.case_reference.is_empty(),
            areas,
        }
    }
}

impl Class {
    /// What counts of a signal of this sort, in these areas, given its person's circumstances.
    pub fn of(sort: &Sort, areas: Arc<[AreaCode]>, person: Circumstances) -> Self {
        Self {
            kind: sort.kind.clone(),
            owner: sort.owner.clone(),
            severity: sort.severity,
            sensitivity: sort.sensitivity,
            areas,
            about: sort.about,
            consent: person.consent,
            deceased: person.deceased,
        }
    }
}
