//! Composes what is answered: an OperationOutcome, a Bundle of them, or what the listener takes (FHIR R4).
//! It never repeats anything of a body: an issue names the element, as FHIRPath, and the rule.

use http_body_util::Full;
use hyper::{
    Method, Response, StatusCode,
    body::Bytes,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
};
use placehub_delivery::Untranslatable;
use serde_json::{Value, json};

/// An answer on its way.
pub(super) type Answer = Response<Full<Bytes>>;

/// Why nothing of a request is taken.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    issues: Vec<Value>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// A refusal of the request as such, with a code of FHIR's issue types.
    pub(super) fn new(status: StatusCode, code: &str, rule: impl Into<String>) -> Self {
        let issue = json!({ "severity": "error", "code": code, "diagnostics": rule.into() });
        Self {
            status,
            issues: vec![issue],
            header: None,
        }
    }

    /// The body is none that can be read.
    pub(super) fn unreadable(why: &Untranslatable) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            issues: vec![issue(why)],
            header: None,
        }
    }

    /// The body was understood and cannot be used, for each of these elements.
    pub(super) fn of(whys: &[Untranslatable]) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            issues: whys.iter().map(issue).collect(),
            header: None,
        }
    }

    /// The adapter cannot take anything now.
    pub(super) fn later() -> Self {
        let refusal = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "throttled",
            "it cannot be taken now; send it again later",
        );
        Self {
            header: Some((RETRY_AFTER, HeaderValue::from_static("30"))),
            ..refusal
        }
    }

    /// Says which method is taken instead.
    pub(super) fn allowing(self, method: Method) -> Self {
        let header = HeaderValue::from_str(method.as_str()).ok();
        Self {
            header: header.map(|value| (ALLOW, value)),
            ..self
        }
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The whole answer.
    pub(super) fn answer(self) -> Answer {
        let mut answer = given(self.status, &outcome(self.issues));
        if let Some((name, value)) = self.header {
            answer.headers_mut().insert(name, value);
        }
        answer
    }
}

/// An answer of this content.
pub(super) fn given(status: StatusCode, content: &Value) -> Answer {
    let mut answer = Response::new(Full::from(content.to_string()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/fhir+json; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// An OperationOutcome.
pub(super) fn outcome(issues: Vec<Value>) -> Value {
    json!({ "resourceType": "OperationOutcome", "issue": issues })
}

/// The element and the rule that it breaks.
pub(super) fn issue(why: &Untranslatable) -> Value {
    let code = if why.rule.contains("missing") {
        "required"
    } else if why.rule.contains("cannot be told") || why.rule.contains("not known here") {
        "not-supported"
    } else if why.rule.contains("shaped") || why.rule.contains("JSON") {
        "structure"
    } else if why.rule.contains("refers to no") {
        "not-found"
    } else {
        "value"
    };
    json!({
        "severity": "error",
        "code": code,
        "diagnostics": why.to_string(),
        "expression": [why.field],
    })
}

/// What is said of something that was taken, or that carries nothing to tell.
pub(super) fn note(text: impl Into<String>) -> Value {
    json!({ "severity": "information", "code": "informational", "diagnostics": text.into() })
}

/// What the listener takes, for clients that ask before they send.
pub(super) fn capabilities() -> Value {
    let resources = ["Consent", "Encounter", "EpisodeOfCare", "Flag", "Patient"];
    let resources = resources.map(|name| json!({ "type": name, "interaction": [{ "code": "create" }] }));
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-21",
        "kind": "instance",
        "software": { "name": "placehub-nhs", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Takes resources for a Placehub hub; keeps and gives out none" },
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{
            "mode": "server",
            "resource": resources,
            "interaction": [{ "code": "transaction" }, { "code": "batch" }],
        }],
    })
}
