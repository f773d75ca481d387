//! Why a call did not succeed, in a sentence that says what to do. It never repeats what was sent.

use std::{collections::BTreeMap, error::Error as StdError, fmt, io, iter};

use rustls::{AlertDescription, CertificateError};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::ending;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The hub would not have this client's certificate.
    #[error("the hub at {hub} {why}")]
    CertificateRefused {
        /// The hub.
        hub: String,
        /// What it made of the certificate.
        why: &'static str,
    },
    /// The hub answered, and the answer is no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Nothing answered, or nothing that could be understood.
    #[error("the hub at {hub} {why}")]
    Unreachable {
        /// The hub.
        hub: String,
        /// What was met.
        why: String,
    },
    /// This client would not have the hub's certificate.
    #[error("the certificate of the hub at {hub} {why}")]
    Untrusted {
        /// The hub.
        hub: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A hub's no.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The gRPC status.
    pub(crate) code: Code,
    /// The hub's reason, e.g. `NOT_PERMITTED`; empty if it gave none.
    pub(crate) reason: String,
    /// The hub's sentence.
    pub(crate) message: String,
    /// Field and rule of each bad field.
    pub(crate) violations: Vec<(String, String)>,
    /// What stands between the asker and an answer, and who could lift it: `agreement`, `rule`, `unmet`, `remedy`, `law`.
    pub(crate) explanation: BTreeMap<String, String>,
}

impl Fault {
    /// Reads a status: first whether TLS failed and on which side, then whether anything was reached, then the hub's words.
    pub(crate) fn of(hub: &str, status: &Status) -> Self {
        for cause in causes(status) {
            // An io::Error passes over what it wraps when it is asked for its source.
            let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            let tls = wrapped
                .and_then(|it| it.downcast_ref())
                .or_else(|| cause.downcast_ref::<rustls::Error>());
            if let Some(fault) = tls.and_then(|tls| Self::of_tls(hub, tls)) {
                return fault;
            }
            // Once the handshake is over on this side, HTTP/2 keeps only the words of rustls' error.
            if let Some((_, alert)) = cause.to_string().rsplit_once("received fatal alert: ") {
                return Self::refused_certificate(hub, alert_named(alert));
            }
        }
        // A status that the hub sent has no source; one that the transport made up has one.
        match causes(status).last() {
            Some(deepest) if status.code() == Code::Cancelled || is_torn(deepest) => {
                Self::refused_certificate(hub, CLOSED)
            }
            Some(deepest) => Self::unreachable(hub, deepest),
            None => Self::Refused(Box::new(Refusal::of(status))),
        }
    }

    /// Reads an error of the TLS library; none if it says nothing on certificates.
    pub(crate) fn of_tls(hub: &str, error: &rustls::Error) -> Option<Self> {
        match error {
            rustls::Error::InvalidCertificate(why) => Some(Self::Untrusted {
                hub: hub.to_owned(),
                why: untrusted(why),
            }),
            rustls::Error::AlertReceived(alert) => Some(Self::refused_certificate(hub, alerted(*alert))),
            rustls::Error::InvalidMessage(_) => Some(Self::Unreachable {
                hub: hub.to_owned(),
                why: "does not speak TLS: is this the right port?".to_owned(),
            }),
            _ => None,
        }
    }

    /// Reads an error of the system.
    pub(crate) fn unreachable(hub: &str, error: &(dyn StdError + 'static)) -> Self {
        let why = match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => "is not listening".to_owned(),
            Some(io::ErrorKind::TimedOut) => "did not answer in time".to_owned(),
            _ => format!("cannot be reached: {error}"),
        };
        Self::Unreachable {
            hub: hub.to_owned(),
            why,
        }
    }

    /// A refusal of this client's certificate.
    pub(crate) fn refused_certificate(hub: &str, why: &'static str) -> Self {
        Self::CertificateRefused {
            hub: hub.to_owned(),
            why,
        }
    }

    /// The exit code: 1 if the answer is no, 2 if the question was not well-formed, 3 if there was no answer.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Refused(refusal) => match refusal.code {
                Code::InvalidArgument | Code::OutOfRange => ending::USAGE,
                Code::PermissionDenied
                | Code::Unauthenticated
                | Code::FailedPrecondition
                | Code::NotFound
                | Code::AlreadyExists => ending::FINDING,
                _ => ending::UNAVAILABLE,
            },
            _ => ending::UNAVAILABLE,
        }
    }

    /// The hub's reason, if the hub said no.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.reason),
            _ => None,
        }
    }
}

impl Refusal {
    fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let violations = details
            .bad_request()
            .map(|bad| bad.field_violations.as_slice())
            .unwrap_or_default();
        let message = match status.message() {
            "" => status.code().description(),
            message => message,
        };
        Self {
            code: status.code(),
            reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
            message: message.to_owned(),
            violations: violations
                .iter()
                .map(|one| (one.field.clone(), one.description.clone()))
                .collect(),
            explanation: details
                .error_info()
                .map(|info| info.metadata.clone().into_iter().collect())
                .unwrap_or_default(),
        }
    }

    /// As JSON has it.
    pub(crate) fn view(&self) -> Value {
        let told = |key: &str| self.explanation.get(key).map(String::as_str).unwrap_or_default();
        let unmet: Vec<&str> = told("unmet").split(',').filter(|word| !word.is_empty()).collect();
        json!({
            "reason": self.reason,
            "message": self.message,
            "agreement": told("agreement"),
            "rule": told("rule"),
            "unmet": unmet,
            "remedy": told("remedy"),
            "law": told("law"),
        })
    }
}

/// The hub's sentence, its reason, the rule of each bad field, and what of the nearest rule is not met.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the hub refused: {}", self.message.trim_end_matches('.'))?;
        match self.reason.as_str() {
            "" => write!(f, " ({:?})", self.code)?,
            reason => write!(f, " ({reason})")?,
        }
        for (field, rule) in &self.violations {
            // A message that is about one field alone has told it already.
            if !self.message.contains(rule.as_str()) {
                write!(f, "; {field}: {}", rule.trim_end_matches('.'))?;
            }
        }
        for (key, words) in [
            ("rule", "nearest rule"),
            ("unmet", "not met"),
            ("remedy", "who could lift it"),
        ] {
            if let Some(text) = self.explanation.get(key) {
                write!(f, "; {words}: {}", plain(key, text))?;
            }
        }
        Ok(())
    }
}

/// Words as people read them: those that are not met come joined by commas alone.
fn plain(key: &str, text: &str) -> String {
    let text = text.trim_end_matches('.');
    match key {
        "unmet" => text.replace(',', ", "),
        _ => text.to_owned(),
    }
}

pub(super) const CLOSED: &str = "closed the connection without a word: it is stopping, or it refused this client's \
    certificate (revoked, expired, or of another place); `placehub doctor` tells which";
const EXPIRED: &str = "refused this client's certificate: it has expired";
const REVOKED: &str = "refused this client's certificate: it has been revoked";
const STRANGER: &str = "refused this client's certificate: it was issued by an authority that the hub does not know";
const MISSING: &str = "asks for a client certificate, and none was sent";
const NOT_LIKED: &str = "refused the TLS connection: most likely this client's certificate";

fn alerted(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateExpired => EXPIRED,
        AlertDescription::CertificateRequired => MISSING,
        AlertDescription::CertificateRevoked => REVOKED,
        AlertDescription::DecryptError | AlertDescription::UnknownCA => STRANGER,
        _ => NOT_LIKED,
    }
}

fn alert_named(words: &str) -> &'static str {
    let begins = |name: &str| words.trim().starts_with(name);
    match () {
        () if begins("CertificateExpired") => EXPIRED,
        () if begins("CertificateRequired") => MISSING,
        () if begins("CertificateRevoked") => REVOKED,
        () if begins("DecryptError") || begins("UnknownCA") => STRANGER,
        () => NOT_LIKED,
    }
}

fn untrusted(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired, or this machine's clock is ahead"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name: connect by a name in it, or give one with --server-name"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: is this machine's clock behind?"
        }
        CertificateError::BadSignature | CertificateError::UnknownIssuer => {
            "is not from the authority that this client trusts: is --ca the hub's authority?"
        }
        _ => "cannot be trusted",
    }
}

/// Whether a connection was closed under a call: which of the system's words comes first is a matter of luck.
fn is_torn(error: &(dyn StdError + 'static)) -> bool {
    let words = error.to_string().to_ascii_lowercase();
    [
        "broken pipe",
        "connection reset",
        "connection closed",
        "unexpected end of file",
        "without sending tls close_notify",
    ]
    .iter()
    .any(|one| words.contains(one))
}

/// What lies under a status, from the nearest cause to the deepest.
fn causes(status: &Status) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    iter::successors(StdError::source(status), |error| (*error).source())
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    #[test]
    fn a_refusal_names_reason_and_fields_in_one_sentence() {
        let mut details = ErrorDetails::with_error_info("FIELD_INVALID", "placehub", []);
        details.add_bad_request_violation("question.purpose", "must be a purpose of the catalogue.");
        let status = Status::with_error_details(Code::InvalidArgument, "a field is not valid", details);
        let fault = Fault::of("https://hub", &status);
        assert_eq!(
            fault.to_string(),
            "the hub refused: a field is not valid (FIELD_INVALID); question.purpose: must be a purpose of the catalogue"
        );
        assert_eq!((fault.code(), fault.reason()), (ending::USAGE, Some("FIELD_INVALID")));
    }

    #[test]
    fn a_refusal_names_what_is_not_met_and_who_could_lift_it() {
        let told = [
            ("rule", "asb-prevention-ask-place"),
            ("unmet", "role,patch"),
            ("remedy", "the asker's agency, by giving the role"),
        ];
        let told = told.map(|(key, text)| (key.to_owned(), text.to_owned()));
        let details = ErrorDetails::with_error_info("NOT_PERMITTED", "placehub", told);
        let status = Status::with_error_details(Code::PermissionDenied, "it takes another role", details);
        let Fault::Refused(refusal) = Fault::of("https://hub", &status) else {
            panic!("it is a refusal");
        };
        assert_eq!(
            refusal.to_string(),
            "the hub refused: it takes another role (NOT_PERMITTED); nearest rule: asb-prevention-ask-place; \
             not met: role, patch; who could lift it: the asker's agency, by giving the role"
        );
        let view = refusal.view();
        assert_eq!((&view["unmet"], &view["law"]), (&json!(["role", "patch"]), &json!("")));
    }

    #[test]
    fn a_port_where_nothing_listens_is_told_apart_from_a_slow_hub() {
        let told = |kind: io::ErrorKind| Fault::unreachable("https://hub", &io::Error::from(kind)).to_string();
        assert_eq!(
            told(io::ErrorKind::ConnectionRefused),
            "the hub at https://hub is not listening"
        );
        assert_eq!(
            told(io::ErrorKind::TimedOut),
            "the hub at https://hub did not answer in time"
        );
    }

    #[test]
    fn a_name_that_does_not_match_is_told_as_such() {
        let error = rustls::Error::InvalidCertificate(CertificateError::NotValidForName);
        let fault = Fault::of_tls("https://hub", &error).unwrap();
        assert!(fault.to_string().contains("another name"), "{fault}");
        assert_eq!(fault.code(), ending::UNAVAILABLE);
    }
}
