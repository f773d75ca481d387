//! What the hub is to be told: a signal, that a signal is taken back, what a person said about sharing, who a person is.
//! It never holds more than the contract asks for.

use placehub_proto::v1::{
    ChangeNhsNumberRequest, ConsentStatement, JoinIdentitiesRequest, PersonIdentity, RecordDeathRequest,
    RetractDeathRequest, RetractSignalRequest, SeparateIdentitiesRequest, SignalDraft,
};
use serde_json::{Value as Json, json};

use crate::draft;

/// What the hub is to be told, where it is kept beside other things.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Told {
    /// Always there in what this version wrote.
    #[prost(oneof = "Content", tags = "3, 4, 5, 6, 7, 8, 9, 10")]
    pub content: Option<Content>,
}

/// What the hub is to be told, as it lies in the outbox.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Content {
    /// A signal to keep.
    #[prost(message, tag = "3")]
    Draft(SignalDraft),
    /// A signal to take back.
    #[prost(message, tag = "4")]
    Retraction(RetractSignalRequest),
    /// What a person said about sharing.
    #[prost(message, tag = "5")]
    Statement(ConsentStatement),
    /// Two records are of one person.
    #[prost(message, tag = "6")]
    Join(JoinIdentitiesRequest),
    /// A person has another NHS number.
    #[prost(message, tag = "7")]
    NumberChange(ChangeNhsNumberRequest),
    /// A person died.
    #[prost(message, tag = "8")]
    Death(RecordDeathRequest),
    /// The news of a death was wrong.
    #[prost(message, tag = "9")]
    Life(RetractDeathRequest),
    /// Two records are not of one person after all, or an NHS number was not replaced.
    #[prost(message, tag = "10")]
    Separation(SeparateIdentitiesRequest),
}

impl Content {
    /// The signal, if it is one.
    pub fn draft(&self) -> Option<&SignalDraft> {
        match self {
            Self::Draft(draft) => Some(draft),
            _ => None,
        }
    }

    /// A JSON view of it, personal data included: for the agency's own screen and for tests, never for a log.
    pub fn view(&self) -> Json {
        match self {
            Self::Draft(draft) => draft::view(draft),
            Self::Retraction(one) => json!({
                "source_system": one.source_system,
                "source_id": one.source_id,
                "version": one.version,
                "retracted": true,
            }),
            Self::Statement(statement) => draft::statement_view(statement),
            Self::Join(join) => json!({
                "source_system": join.source_system,
                "source_id": join.source_id,
                "version": join.version,
                "survivor": person(join.survivor.as_ref()),
                "retired": person(join.retired.as_ref()),
            }),
            Self::NumberChange(change) => json!({
                "source_system": change.source_system,
                "source_id": change.source_id,
                "version": change.version,
                "old_nhs_number": change.old_nhs_number,
                "new_nhs_number": change.new_nhs_number,
            }),
            Self::Death(death) => json!({
                "source_system": death.source_system,
                "source_id": death.source_id,
                "version": death.version,
                "died": person(death.person.as_ref()),
            }),
            Self::Life(one) => json!({
                "source_system": one.source_system,
                "source_id": one.source_id,
                "version": one.version,
                "lives": true,
            }),
            Self::Separation(one) => json!({
                "source_system": one.source_system,
                "source_id": one.source_id,
                "version": one.version,
                "separated": true,
            }),
        }
    }

    /// One line on it for a person at a terminal.
    pub fn line(&self) -> String {
        match self {
            Self::Draft(draft) => draft::line(draft),
            Self::Retraction(one) => format!("takes back {} of {}", one.source_id, one.source_system),
            Self::Statement(statement) => format!("consent {}", draft::stance(statement)),
            Self::Join(join) => format!(
                "{} of {}: two records of one person",
                join.source_id, join.source_system
            ),
            Self::NumberChange(one) => format!("{} of {}: another NHS number", one.source_id, one.source_system),
            Self::Death(death) => format!("{} of {}: died", death.source_id, death.source_system),
            Self::Life(one) => format!("{} of {}: did not die", one.source_id, one.source_system),
            Self::Separation(one) => format!("{} of {}: not one person after all", one.source_id, one.source_system),
        }
    }
}

fn person(person: Option<&PersonIdentity>) -> Json {
    person.map_or(Json::Null, draft::person_view)
}

impl From<SignalDraft> for Content {
    fn from(draft: SignalDraft) -> Self {
        Self::Draft(draft)
    }
}

impl From<RetractSignalRequest> for Content {
    fn from(retraction: RetractSignalRequest) -> Self {
        Self::Retraction(retraction)
    }
}

impl From<ConsentStatement> for Content {
    fn from(statement: ConsentStatement) -> Self {
        Self::Statement(statement)
    }
}

impl From<JoinIdentitiesRequest> for Content {
    fn from(request: JoinIdentitiesRequest) -> Self {
        Self::Join(request)
    }
}

impl From<ChangeNhsNumberRequest> for Content {
    fn from(request: ChangeNhsNumberRequest) -> Self {
        Self::NumberChange(request)
    }
}

impl From<RecordDeathRequest> for Content {
    fn from(request: RecordDeathRequest) -> Self {
        Self::Death(request)
    }
}

impl From<RetractDeathRequest> for Content {
    fn from(request: RetractDeathRequest) -> Self {
        Self::Life(request)
    }
}

impl From<SeparateIdentitiesRequest> for Content {
    fn from(request: SeparateIdentitiesRequest) -> Self {
        Self::Separation(request)
    }
}
