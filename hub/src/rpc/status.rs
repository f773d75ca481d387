//! The only maker of `tonic::Status`: each refusal with its reason, each bad field by path and rule.
//! Never repeats a value, and never says more of a failure than its sort.

use std::{collections::HashMap, sync::Arc, time::Duration};

use placehub_proto::v1 as proto;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::{
    authn,
    decide::{Explanation, RefusalCode},
    gate,
    model::Violation,
    person::Bar,
    signals,
};

const DOMAIN: &str = "placehub";
/// When to try again after the hub could not answer.
const LATER: Duration = Duration::from_secs(5);

/// Why a call was refused: what a status carries, and what the answer to one signal of a stream carries.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    code: Code,
    reason: &'static str,
    message: String,
    violations: Vec<Violation>,
    later: Option<Duration>,
    explanation: Option<Arc<Explanation>>,
}

impl Trouble {
    /// Fields that broke their rules.
    pub(super) fn fields(violations: Vec<Violation>) -> Self {
        let first = violations.first();
        let message = match first {
            Some(Violation { field, rule }) if violations.len() == 1 => format!("{field}: {rule}"),
            Some(Violation { field, rule }) => {
                format!(
                    "{} fields break their rules; the first is {field}: {rule}",
                    violations.len()
                )
            }
            None => "the request breaks a rule".to_owned(),
        };
        Self {
            violations,
            ..Self::new(Code::InvalidArgument, "FIELD_INVALID", message)
        }
    }

    /// A page token that is not of this caller, question and policy set.
    pub(super) fn page_token() -> Self {
        let message = "page_token: it is not of this caller, this question and these policies; start without it";
        Self {
            violations: vec![Violation::new(
                "page_token",
                "must be from an answer to the same caller and question",
            )],
            ..Self::new(Code::InvalidArgument, "PAGE_TOKEN_INVALID", message.to_owned())
        }
    }

    /// A cursor that cannot be resumed.
    pub(super) fn cursor() -> Self {
        let message = "cursor: it is not of this caller and question, or too old; start without it";
        Self {
            violations: vec![Violation::new(
                "cursor",
                "must be from a recent watch of the same caller and question",
            )],
            ..Self::new(Code::InvalidArgument, "CURSOR_INVALID", message.to_owned())
        }
    }

    /// There is no entry of that number.
    pub(super) fn no_entry() -> Self {
        Self::new(
            Code::NotFound,
            "NO_SUCH_ENTRY",
            "the ledger has no entry of this number".to_owned(),
        )
    }

    /// A request that could not be read as the contract's message. `None` for anything else that broke off a request.
    fn unread(status: &Status) -> Option<Self> {
        let rule = match status.code() {
            Code::OutOfRange => "must not have more bytes than the hub takes",
            Code::Internal => "must be the message that the contract says",
            _ => return None,
        };
        Some(Self::fields(vec![Violation::new("request", rule)]))
    }

    /// The hub is stopping.
    pub(super) fn stopping() -> Self {
        Self {
            later: Some(LATER),
            ..Self::new(
                Code::Unavailable,
                "HUB_STOPPING",
                "the hub is stopping; try again".to_owned(),
            )
        }
    }

    /// Something below failed. Whoever runs the hub finds the cause in its log; the caller does not.
    pub(super) fn closed() -> Self {
        Self {
            later: Some(LATER),
            ..Self::new(
                Code::Unavailable,
                "HUB_CLOSED",
                "the hub cannot record decisions, so it gives no answers".to_owned(),
            )
        }
    }

    /// Something in the hub broke over this request alone.
    fn broken(why: &dyn std::error::Error) -> Self {
        let mut chain = vec![why.to_string()];
        let mut source = why.source();
        while let Some(cause) = source {
            chain.push(cause.to_string());
            source = cause.source();
        }
        tracing::error!(why = chain.join(": "), "request failed");
        Self {
            later: Some(LATER),
            ..Self::new(
                Code::Unavailable,
                "HUB_CLOSED",
                "the hub could not come to a decision, so it gives no answer".to_owned(),
            )
        }
    }

    fn new(code: Code, reason: &'static str, message: String) -> Self {
        Self {
            code,
            reason,
            message,
            violations: Vec::new(),
            later: None,
            explanation: None,
        }
    }

    /// Whether it is about this request alone, so that a stream can go on after it.
    pub(super) fn is_of_request(&self) -> bool {
        matches!(
            self.code,
            Code::InvalidArgument | Code::PermissionDenied | Code::FailedPrecondition
        )
    }

    /// As the answer to one signal of a stream carries it.
    pub(super) fn into_refusal(self) -> proto::Refusal {
        proto::Refusal {
            code: self.code.into(),
            reason: self.reason.to_owned(),
            message: self.message,
            violations: self
                .violations
                .into_iter()
                .map(|violation| proto::FieldViolation {
                    field: violation.field,
                    description: violation.rule,
                })
                .collect(),
        }
    }
}

impl From<Trouble> for Status {
    fn from(trouble: Trouble) -> Self {
        let mut details = ErrorDetails::new();
        let explanation = trouble.explanation.as_deref().map(explanation).unwrap_or_default();
        details.set_error_info(trouble.reason, DOMAIN, explanation);
        if !trouble.violations.is_empty() {
            let violations = trouble.violations.into_iter();
            details.set_bad_request(
                violations
                    .map(|violation| FieldViolation::new(violation.field, violation.rule))
                    .collect::<Vec<_>>(),
            );
        }
        if let Some(later) = trouble.later {
            details.set_retry_info(Some(later));
        }
        Self::with_error_details(trouble.code, trouble.message, details)
    }
}

impl From<gate::Error> for Trouble {
    fn from(why: gate::Error) -> Self {
        match why {
            gate::Error::Broken(_) => Self::broken(&why),
            gate::Error::Changing => Self::new(Code::Aborted, "TRY_AGAIN", why.to_string()),
            gate::Error::Ambiguous => Self {
                violations: vec![Violation::new(
                    "person",
                    "must single out one person: give the NHS number",
                )],
                ..Self::new(Code::FailedPrecondition, "PERSON_AMBIGUOUS", why.to_string())
            },
            gate::Error::Apart(bar) => {
                let reason = match bar {
                    Bar::NumbersDiffer => "NHS_NUMBERS_DIFFER",
                    Bar::TooMany => "TOO_MANY_RECORDS",
                };
                Self::new(Code::FailedPrecondition, reason, bar.to_string())
            }
            gate::Error::Closed(_) => Self::closed(),
            gate::Error::Unrecordable(_) => {
                tracing::error!(why = %why, "request cannot be recorded");
                Self::new(
                    Code::FailedPrecondition,
                    "NOT_RECORDABLE",
                    "the hub cannot record this request".to_owned(),
                )
            }
            gate::Error::Conflict => Self::new(Code::FailedPrecondition, "VERSION_CONFLICT", why.to_string()),
            gate::Error::HeldForSeveral => Self::new(Code::FailedPrecondition, "HELD_FOR_SEVERAL", why.to_string()),
            gate::Error::NotHeld => Self::new(Code::FailedPrecondition, "NOT_HELD", why.to_string()),
            gate::Error::Refused(refusal) => {
                let reason = match refusal.code {
                    RefusalCode::KindNotYours => "KIND_NOT_YOURS",
                    RefusalCode::NotPermitted => "NOT_PERMITTED",
                };
                Self {
                    explanation: refusal.explanation,
                    ..Self::new(Code::PermissionDenied, reason, refusal.reason)
                }
            }
        }
    }
}

impl From<signals::Error> for Trouble {
    fn from(why: signals::Error) -> Self {
        gate::Error::from(why).into()
    }
}

impl From<authn::Error> for Trouble {
    fn from(why: authn::Error) -> Self {
        let reason = match why {
            authn::Error::CertificateRevoked => "CERTIFICATE_REVOKED",
            authn::Error::TokenExpired => "TOKEN_EXPIRED",
            authn::Error::TokenInvalid { .. } => "TOKEN_INVALID",
            authn::Error::TokenMissing => "TOKEN_MISSING",
            authn::Error::TokenNotBound => "TOKEN_NOT_BOUND",
            authn::Error::RevocationStale => {
                return Self {
                    later: Some(LATER),
                    ..Self::new(Code::Unavailable, "HUB_CLOSED", why.to_string())
                };
            }
            _ => "CERTIFICATE_UNKNOWN",
        };
        Self::new(Code::Unauthenticated, reason, why.to_string())
    }
}

impl From<Vec<Violation>> for Trouble {
    fn from(violations: Vec<Violation>) -> Self {
        Self::fields(violations)
    }
}

/// The nearest rule, what of it is not met and who could lift that, as the metadata of an error's details.
fn explanation(of: &Explanation) -> HashMap<String, String> {
    let unmet: Vec<&str> = of.unmet.iter().map(|unmet| unmet.word()).collect();
    let all = [
        ("agreement", of.agreement.clone()),
        ("law", of.law.clone()),
        ("remedy", of.remedy.clone()),
        ("rule", of.rule.clone()),
        ("unmet", unmet.join(",")),
    ];
    let told = all.into_iter().filter(|(_, text)| !text.is_empty());
    told.map(|(key, text)| (key.to_owned(), text)).collect()
}

/// Gives a request that could not be read, which the library alone has refused by then, the details that the contract
/// promises for each refusal.
pub(crate) fn explained<B>(mut response: http::Response<B>) -> http::Response<B> {
    let headers = response.headers_mut();
    let bare = !headers.contains_key("grpc-status-details-bin");
    let refused = bare.then(|| Status::from_header_map(headers)).flatten();
    if let Some(trouble) = refused.as_ref().and_then(Trouble::unread) {
        // It fails only for text that no header can hold, and leaves the headers as they were.
        let _told = Status::from(trouble).add_header(headers);
    }
    response
}

/// The same for what could not be read in the middle of a stream.
pub(super) fn of_reading(status: Status) -> Status {
    Trouble::unread(&status).map_or(status, Status::from)
}

/// Health was asked of a service that there is not.
pub(super) fn unknown_service() -> Status {
    Status::not_found("there is no such service")
}
