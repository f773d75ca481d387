//! Words that two or more rooms use. Nothing here does I/O, reads a clock or decides.

mod consent;
mod identity;
mod judged;
mod labelled;
mod name;
mod nhs_number;
mod question;
mod scale;
mod signal;
mod uprn;

pub use consent::{ConsentFact, Method, Scope, Stance, Statement, StatementId};
pub use identity::{BirthDate, Identity, LocalReference, Postcode};
pub use judged::{Judged, Shared};
pub use labelled::{Labelled, Sort};
pub use name::{AgencyId, AgreementId, AreaCode, GatewayId, KindId, NameInvalid, PolicyVersion, PurposeId, Sector};
pub use nhs_number::{NhsNumber, NhsNumberInvalid};
pub use question::{Question, Subject, SubjectSort};
pub use scale::{Level, Sensitivity, Severity};
pub use signal::{Attribute, Body, BodyPerson, Draft, Header, PersonId, SignalId, Source, Stated};
pub use uprn::{Uprn, UprnInvalid};

/// A field of a request that broke a rule. Never holds the field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the contract, e.g. `signal.person.nhs_number`.
    pub field: String,
    /// The rule, in a sentence.
    pub rule: String,
}

impl Violation {
    /// Says that `field` broke `rule`.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
        }
    }
}
