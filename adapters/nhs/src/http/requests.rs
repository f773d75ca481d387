//! What may be asked of the listener, by method, path and content type.
//! Pure. It never looks at a body.

use hyper::{
    Method, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap},
};

use super::answer::Refusal;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// To take a Bundle.
    Bundle,
    /// To say what the listener takes.
    Capabilities,
    /// To take one resource of this type.
    Resource(String),
    /// To take notifications.
    Signals,
}

/// The resource types that a path may name.
const TYPES: [&str; 5] = ["Consent", "Encounter", "EpisodeOfCare", "Flag", "Patient"];
const FHIR: [&str; 2] = ["application/fhir+json", "application/json"];
const SIGNALS: [&str; 4] = [
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/fhir+json",
    "application/json",
];

impl Asked {
    /// Reads a request's head.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is nothing at the path, or nothing that takes the method or the content.
    pub(super) fn of(method: &Method, path: &str, headers: &HeaderMap) -> Result<Self, Refusal> {
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        let (asked, wanted): (_, &[&str]) = match steps.as_slice() {
            ["fhir", "metadata"] => (Self::Capabilities, &[]),
            ["fhir"] | ["fhir", "Bundle" | "$process-message"] => (Self::Bundle, &FHIR),
            ["fhir", name] if TYPES.contains(name) => (Self::Resource((*name).to_owned()), &FHIR),
            ["mns"] => (Self::Signals, &SIGNALS),
            ["fhir", ..] => {
                let rule = format!("only {} and Bundle are taken here", TYPES.join(", "));
                return Err(Refusal::new(StatusCode::NOT_FOUND, "not-supported", rule));
            }
            _ => {
                return Err(Refusal::new(
                    StatusCode::NOT_FOUND,
                    "not-found",
                    "there is nothing at this path",
                ));
            }
        };
        let right = match asked {
            Self::Capabilities => Method::GET,
            _ => Method::POST,
        };
        if *method != right {
            let refusal = Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "not-supported",
                "the method is not taken here",
            );
            return Err(refusal.allowing(right));
        }
        let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes());
        if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
            let rule = "a body that is compressed is not taken here";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported", rule));
        }
        let content = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let content = content
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        if !wanted.is_empty() && !wanted.contains(&content.as_str()) {
            let rule = format!("Content-Type is none of {}", wanted.join(", "));
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported", rule));
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn asked(method: Method, path: &str, content: &'static str) -> Result<Asked, u16> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content))]);
        Asked::of(&method, path, &headers).map_err(|refusal| refusal.status().as_u16())
    }

    #[test]
    fn each_path_takes_its_own_method_and_content() {
        let fhir = "application/fhir+json; charset=utf-8; fhirVersion=4.0";
        assert_eq!(asked(Method::POST, "/fhir", fhir), Ok(Asked::Bundle));
        assert_eq!(
            asked(Method::POST, "/fhir/Flag", fhir),
            Ok(Asked::Resource("Flag".into()))
        );
        assert_eq!(
            asked(Method::POST, "/mns", "application/cloudevents+json"),
            Ok(Asked::Signals)
        );
        assert_eq!(asked(Method::GET, "/fhir/metadata", ""), Ok(Asked::Capabilities));
        assert_eq!(asked(Method::POST, "/fhir/Observation", fhir), Err(404));
        assert_eq!(asked(Method::POST, "/", fhir), Err(404));
        assert_eq!(asked(Method::PUT, "/fhir/Flag", fhir), Err(405));
        assert_eq!(asked(Method::POST, "/fhir/Flag", "application/fhir+xml"), Err(415));
        assert_eq!(asked(Method::POST, "/fhir/Flag", ""), Err(415));
    }
}
