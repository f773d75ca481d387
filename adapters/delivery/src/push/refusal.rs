//! Tells apart what the hub refuses for its content from what it refuses for who sends it.
//! It never takes a certificate or an agreement for a fault of the entry.

use placehub_proto::v1::{FieldViolation, Refusal};

use super::Error;

/// Reasons, or names of gRPC statuses, that speak of this content alone: what comes after it may well be taken.
const OF_CONTENT: [&str; 11] = [
    "FIELD_INVALID",
    "KIND_NOT_YOURS",
    "NHS_NUMBERS_DIFFER",
    "NOT_PERMITTED",
    "NOT_RECORDABLE",
    "PERSON_AMBIGUOUS",
    "TOO_MANY_RECORDS",
    "VERSION_CONFLICT",
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
            Self::Refused {
                reason,
                message,
                code,
                violations,
            } => Refusal {
                code: *code,
                reason: reason.clone(),
                message: message.clone(),
                violations: violations
                    .iter()
                    .map(|(field, description)| FieldViolation {
                        field: field.clone(),
                        description: description.clone(),
                    })
                    .collect(),
            },
            other => Refusal {
                message: other.to_string(),
                ..Default::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract, whose table says which code each reason comes with.
    const CONTRACT: &str = include_str!("../../../../proto/placehub/v1/signal_service.proto");
    /// Reasons that only those who ask can meet.
    const OF_QUESTIONS: [&str; 2] = ["PAGE_TOKEN_INVALID", "CURSOR_INVALID"];

    fn is_of_content(reason: &str) -> bool {
        let refused = Error::Refused {
            reason: reason.to_owned(),
            message: String::new(),
            code: 0,
            violations: Vec::new(),
        };
        refused.is_of_content()
    }

    #[test]
    fn whatever_the_contract_refuses_for_this_content_alone_keeps_nothing_else_back() {
        let mut told = 0;
        for row in CONTRACT.lines().filter_map(|line| line.strip_prefix("// | ")) {
            let cells: Vec<_> = row.split(" | ").collect();
            let of_this_alone = ["INVALID_ARGUMENT", "PERMISSION_DENIED", "FAILED_PRECONDITION"].contains(&cells[1]);
            for reason in cells[0].split(", ").filter(|reason| !OF_QUESTIONS.contains(reason)) {
                assert_eq!(is_of_content(reason), of_this_alone && reason != "reason", "{reason}");
                told += 1;
            }
        }
        assert!(told > 12, "the table was read");
        assert!(is_of_content("NHS_NUMBERS_DIFFER") && is_of_content("TOO_MANY_RECORDS"));
    }
}
