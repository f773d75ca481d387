//! Tells apart what the hub refuses for its content from what it refuses for who sends it.
//! It never takes a certificate or an agreement for a fault of the entry.

use placehub_proto::v1::Refusal;

use super::Error;

/// Reasons, or names of gRPC statuses, that speak of the content alone.
const OF_CONTENT: [&str; 6] = [
    "FIELD_INVALID",
    "VERSION_CONFLICT",
    "NHS_NUMBERS_DIFFER",
    "InvalidArgument",
    "OutOfRange",
    "FailedPrecondition",
];

impl Error {
    /// Whether sending the same content again can never succeed.
    pub(crate) fn is_of_content(&self) -> bool {
        matches!(self, Self::Refused { reason, .. } if OF_CONTENT.contains(&reason.as_str()))
    }

    /// The form in which the hub refuses one draft of a stream.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Refused { reason, message } => Refusal {
                reason: reason.clone(),
                message: message.clone(),
                ..Default::default()
            },
            other => Refusal {
                message: other.to_string(),
                ..Default::default()
            },
        }
    }
}
