//! Judges why a stream broke: worth trying again, or in need of a person.
//! It never puts more into a message than the hub or the transport said.

use std::{error::Error as StdError, io, iter, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{Error, Patience};

/// How many streams in a row may be closed unanswered before that is taken for a refusal of the certificate.
const CLOSED_UNANSWERED: u32 = 3;

/// What to do about a broken stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Trying again as it is would change nothing.
    GiveUp(Error),
    /// Try again, after the pause that the hub asked for, if it did.
    TryAgain { message: String, asked: Option<Duration> },
}

/// Judges the status that ended a stream; `fruitless` is the number of streams in a row that brought no answer, this one included.
pub(crate) fn judge(status: &Status, fruitless: u32) -> Verdict {
    if let Some(error) = tls_fault(status) {
        return Verdict::GiveUp(error);
    }
    // A status that the hub sent has no source; one that the transport made up has one.
    let of_transport = StdError::source(status).is_some();
    let timed_out = status.code() == Code::Cancelled && status.message().contains("Timeout expired");
    match status.code() {
        // TLS 1.3 tells a client of a refused certificate only after it has begun to speak: the call is cancelled.
        Code::Cancelled if !timed_out && fruitless >= CLOSED_UNANSWERED => Verdict::GiveUp(Error::TlsRefused),
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::DeadlineExceeded | Code::Cancelled => {
            again(status)
        }
        _ if of_transport => again(status),
        _ => Verdict::GiveUp(refusal(status)),
    }
}

/// Pauses drawn evenly between nothing and an exponentially rising limit.
pub(crate) struct FullJitter {
    limits: ExponentialBackoff,
    jittered: ExponentialBackoff,
}

impl FullJitter {
    pub(crate) fn new(patience: &Patience) -> Self {
        let rising = ExponentialBuilder::new()
            .with_min_delay(patience.first_pause)
            .with_max_delay(patience.longest_pause)
            .without_max_times();
        Self {
            limits: rising.build(),
            jittered: rising.with_jitter().build(),
        }
    }

    /// The next pause. backon's jitter lies on top of its limit, so the difference of the two is the full jitter.
    pub(crate) fn next(&mut self) -> Duration {
        let limit = self.limits.next().unwrap_or_default();
        self.jittered.next().unwrap_or_default().saturating_sub(limit)
    }
}

fn again(status: &Status) -> Verdict {
    let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
    Verdict::TryAgain {
        message: deepest(status),
        asked,
    }
}

/// What a status says at bottom, e.g. `Connection refused`.
pub(super) fn deepest(status: &Status) -> String {
    causes(status)
        .last()
        .map_or_else(|| status.message().to_owned(), ToString::to_string)
}

fn refusal(status: &Status) -> Error {
    let reason = status
        .get_details_error_info()
        .map_or_else(|| format!("{:?}", status.code()), |info| info.reason);
    let message = if status.message().is_empty() {
        status.code().description()
    } else {
        status.message()
    };
    Error::Refused {
        reason,
        message: message.to_owned(),
        code: status.code().into(),
        violations: status.get_details_bad_request().map_or_else(Vec::new, |bad| {
            let fields = bad.field_violations.into_iter();
            fields.map(|one| (one.field, one.description)).collect()
        }),
    }
}

/// Finds out whether TLS itself failed, and on which side.
fn tls_fault(status: &Status) -> Option<Error> {
    for error in causes(status) {
        // An io::Error gives the source of what it wraps, and passes over the wrapped error itself.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = wrapped
            .and_then(|it| it.downcast_ref())
            .or_else(|| error.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(_)) = tls {
            return Some(Error::HubNotTrusted);
        }
        // Once the handshake is over on this side, HTTP/2 keeps no more of rustls' error than its words.
        if error.to_string().contains("received fatal alert") {
            return Some(Error::TlsRefused);
        }
    }
    None
}

/// What lies under a status, from the nearest cause to the deepest.
fn causes(status: &Status) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    iter::successors(StdError::source(status), |error| (*error).source())
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_hub_that_stops_is_tried_again_after_the_pause_it_asks_for() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(7)));
        let status = Status::with_error_details(Code::Unavailable, "stopping", details);
        let expected = Verdict::TryAgain {
            message: "stopping".into(),
            asked: Some(Duration::from_secs(7)),
        };
        assert_eq!(judge(&status, 1), expected);
    }

    #[test]
    fn a_refusal_by_the_hub_is_not_tried_again() {
        let details = ErrorDetails::with_error_info("CERTIFICATE_REVOKED", "placehub", []);
        let status = Status::with_error_details(Code::Unauthenticated, "certificate is revoked", details);
        let Verdict::GiveUp(error) = judge(&status, 1) else {
            panic!("tried again")
        };
        assert_eq!(
            error.to_string(),
            "the hub refused the push: certificate is revoked (CERTIFICATE_REVOKED)"
        );
    }

    #[test]
    fn a_refusal_of_what_is_no_draft_keeps_every_field_at_fault() {
        let mut details = ErrorDetails::with_error_info("FIELD_INVALID", "placehub", []);
        details.add_bad_request_violation("statement.said_at", "must not be ahead");
        details.add_bad_request_violation("statement.kinds", "must be in the catalogue");
        let status = Status::with_error_details(Code::InvalidArgument, "two fields", details);
        let Verdict::GiveUp(error) = judge(&status, 1) else {
            panic!("tried again")
        };
        let refusal = error.refusal();
        let fields: Vec<&str> = refusal.violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(
            (refusal.code, fields.as_slice()),
            (3, ["statement.said_at", "statement.kinds"].as_slice())
        );
    }

    #[test]
    fn a_call_that_timed_out_is_no_matter_of_certificates() {
        let status = Status::cancelled("Timeout expired");
        assert!(matches!(judge(&status, 99), Verdict::TryAgain { .. }));
    }

    #[test]
    fn calls_cancelled_again_and_again_are_taken_for_a_refused_certificate() {
        let status = Status::cancelled("operation was canceled");
        assert!(matches!(judge(&status, 1), Verdict::TryAgain { .. }));
        assert_eq!(judge(&status, CLOSED_UNANSWERED), Verdict::GiveUp(Error::TlsRefused));
    }

    #[test]
    fn a_pause_never_exceeds_its_limit() {
        let patience = Patience::USUAL;
        let mut pauses = FullJitter::new(&patience);
        assert!(pauses.next() <= patience.first_pause);
        for _ in 0..50 {
            assert!(pauses.next() <= patience.longest_pause);
        }
    }
}
