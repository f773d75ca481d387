//! A refusal, taken apart: what a caller's program would read from it.

use std::{fmt::Debug, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Why a call was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The gRPC code.
    pub(crate) code: Code,
    /// `ErrorInfo.reason`; empty if the status carries no `ErrorInfo`.
    pub(crate) reason: String,
    /// `ErrorInfo.domain`.
    pub(crate) domain: String,
    /// The sentence for a human.
    pub(crate) message: String,
    /// The bad fields, in order, by path.
    pub(crate) fields: Vec<String>,
    /// Their rules, in the same order.
    pub(crate) rules: Vec<String>,
    /// When to try again.
    pub(crate) retry: Option<Duration>,
    /// The bytes of the details.
    details: Vec<u8>,
}

/// The refusal of a call that must not have been answered.
pub(crate) fn refused<T: Debug>(outcome: Result<T, Status>) -> Refused {
    Refused::from(outcome.unwrap_err())
}

impl Refused {
    /// Whether a text stands anywhere in the message or in the details.
    pub(crate) fn says(&self, text: &str) -> bool {
        let details = String::from_utf8_lossy(&self.details);
        self.message.contains(text) || details.contains(text)
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().cloned();
        let violations = details
            .bad_request()
            .map(|bad| bad.field_violations.clone())
            .unwrap_or_default();
        Self {
            code: status.code(),
            reason: info.as_ref().map(|info| info.reason.clone()).unwrap_or_default(),
            domain: info.map(|info| info.domain).unwrap_or_default(),
            message: status.message().to_owned(),
            fields: violations.iter().map(|violation| violation.field.clone()).collect(),
            rules: violations.into_iter().map(|violation| violation.description).collect(),
            retry: details.retry_info().and_then(|retry| retry.retry_delay),
            details: status.details().to_vec(),
        }
    }
}
