//! What the hub is to be told: a signal, that a signal is taken back, or what a person said about sharing.
//! It never holds more than the contract asks for.

use placehub_proto::v1::{ConsentStatement, RetractSignalRequest, SignalDraft};
use serde_json::{Value as Json, json};

use crate::draft;

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
}

impl Content {
    /// The signal, if it is one.
    pub fn draft(&self) -> Option<&SignalDraft> {
        match self {
            Self::Draft(draft) => Some(draft),
            Self::Retraction(_) | Self::Statement(_) => None,
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
        }
    }

    /// One line on it for a person at a terminal.
    pub fn line(&self) -> String {
        match self {
            Self::Draft(draft) => draft::line(draft),
            Self::Retraction(one) => format!("takes back {} of {}", one.source_id, one.source_system),
            Self::Statement(statement) => format!("consent {}", draft::stance(statement)),
        }
    }
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
