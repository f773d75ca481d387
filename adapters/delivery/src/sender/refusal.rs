//! Tells apart what the hub refuses for its content from what it refuses for who sends it.
//! It never takes a certificate or an agreement for a fault of the entry.

use placehub_proto::v1::Refusal;

use crate::push::Error as Trouble;

/// Reasons, or names of gRPC statuses, that speak of the content alone.
const OF_CONTENT: [&str; 5] = [
    "FIELD_INVALID",
    "VERSION_CONFLICT",
    "InvalidArgument",
    "OutOfRange",
    "FailedPrecondition",
];

/// Whether sending the same content again can never succeed.
pub(super) fn is_of_content(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Refused { reason, .. } if OF_CONTENT.contains(&reason.as_str()))
}

/// A trouble in the form in which the hub refuses one draft of a stream.
pub(super) fn of(trouble: &Trouble) -> Refusal {
    match trouble {
        Trouble::Refused { reason, message } => Refusal {
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
