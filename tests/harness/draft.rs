//! Signals as agencies push them. Each is right as it stands, and has a source id of its own.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{AttributeValue, PersonIdentity, Severity, SignalDraft, attribute_value::Value};

/// Changes to a draft, one after the other.
pub(crate) trait Adjust: Sized {
    /// With this source id.
    fn id(self, id: &str) -> Self;
    /// As this version.
    fn version(self, version: u64) -> Self;
    /// With this severity.
    fn severe(self, severity: Severity) -> Self;
    /// With this line of text.
    fn summary(self, summary: &str) -> Self;
    /// With this attribute.
    fn with(self, name: &str, value: AttributeValue) -> Self;
    /// At this address.
    fn at(self, uprn: &str) -> Self;
}

impl Adjust for SignalDraft {
    fn id(mut self, id: &str) -> Self {
        self.source_id = id.to_owned();
        self
    }

    fn version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    fn severe(mut self, severity: Severity) -> Self {
        self.severity = severity.into();
        self
    }

    fn summary(mut self, summary: &str) -> Self {
        self.summary = summary.to_owned();
        self
    }

    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.attributes.insert(name.to_owned(), value);
        self
    }

    fn at(mut self, uprn: &str) -> Self {
        self.uprn = uprn.to_owned();
        self
    }
}

/// A signal of any kind about a person, at their home, of medium severity and without attributes.
pub(crate) fn signal(kind: &str, who: PersonIdentity, at: Timestamp) -> SignalDraft {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    SignalDraft {
        kind: kind.to_owned(),
        source_system: "sample".to_owned(),
        source_id: format!("row-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        version: 1,
        uprn: who.uprn.clone(),
        person: Some(who),
        occurred_at: Some(timestamp(at)),
        severity: Severity::Medium.into(),
        summary: format!("made-up line about {kind}"),
        ..SignalDraft::default()
    }
}

/// Rent arrears, from housing.
pub(crate) fn arrears(who: PersonIdentity, at: Timestamp) -> SignalDraft {
    signal("housing.rent-arrears", who, at).with("weeks", integer(8))
}

/// A crisis grant, from welfare.
pub(crate) fn grant(who: PersonIdentity, at: Timestamp) -> SignalDraft {
    signal("welfare.crisis-grant", who, at).with("pence", integer(12_000))
}

/// A discharge from hospital, from health.
pub(crate) fn discharge(who: PersonIdentity, at: Timestamp) -> SignalDraft {
    signal("health.hospital-discharge", who, at).with("destination", text("usual place of residence"))
}

/// Anti-social behaviour at an address, about nobody, from the police.
pub(crate) fn asb_at(uprn: &str, at: Timestamp) -> SignalDraft {
    let nobody = PersonIdentity::default();
    SignalDraft {
        person: None,
        ..signal("police.asb-incident", nobody, at).at(uprn)
    }
}

/// A text as an attribute.
pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue {
        value: Some(Value::TextValue(value.to_owned())),
    }
}

/// A whole number as an attribute.
pub(crate) fn integer(value: i64) -> AttributeValue {
    AttributeValue {
        value: Some(Value::IntegerValue(value)),
    }
}
