//! Reads signals of the NHS Multicast Notification Service: CloudEvents 1.0, or a Bundle of type `history` around one.
//! Pure. It never fetches what a signal points to.

use placehub_delivery::{Untranslatable, fields};
use serde_json::Value;

use super::{Event, Patient, What};

/// The resource that a Bundle puts a signal's parts into.
const PARAMETERS: &str = "/entry/0/resource/parameter";

/// Reads the signal, if this is one at all.
pub(super) fn read(root: &Value) -> Option<Result<Event, Untranslatable>> {
    let signal = if root.get("specversion").is_some() {
        Signal::of_event(root)
    } else if root.get("type").and_then(Value::as_str) == Some("history") {
        Signal::of_bundle(root)?
    } else {
        return None;
    };
    Some(signal.event())
}

/// What both forms hold, under the names of CloudEvents. A part that is missing is empty.
struct Signal<'j> {
    id: &'j str,
    source: &'j str,
    kind: &'j str,
    time: &'j str,
    subject: &'j str,
    dataref: &'j str,
}

impl<'j> Signal<'j> {
    fn of_event(root: &'j Value) -> Self {
        let text = |name| root.get(name).and_then(Value::as_str).unwrap_or_default();
        Self {
            id: text("id"),
            source: text("source"),
            kind: text("type"),
            time: text("time"),
            subject: text("subject"),
            dataref: text("dataref"),
        }
    }

    fn of_bundle(root: &'j Value) -> Option<Self> {
        let parameters = root.pointer(PARAMETERS)?.as_array()?;
        let named =
            |parts: &'j [Value], name: &str| parts.iter().find(|part| part.get("name").is_some_and(|it| it == name));
        let parts = |name| named(parameters, name)?.get("part")?.as_array();
        let (event, context) = (parts("notification-event")?, parts("additional-context")?);
        let text = |parts: &'j [Value], name, value| {
            let part = named(parts, name).and_then(|part| part.pointer(value));
            part.and_then(Value::as_str).unwrap_or_default()
        };
        Some(Self {
            id: root.get("id").and_then(Value::as_str).unwrap_or_default(),
            source: text(context, "source", "/valueUri"),
            kind: text(context, "event-type", "/valueString"),
            time: text(event, "timestamp", "/valueInstant"),
            subject: text(context, "subject", "/valueReference/identifier/value"),
            dataref: text(event, "focus", "/valueReference/reference"),
        })
    }

    fn event(&self) -> Result<Event, Untranslatable> {
        let what = match self.kind {
            "pds-change-of-gp-2" => What::GpChange,
            "pds-death-notification-2" => What::Death,
            // NRAF is the national reasonable adjustment flag; other flags are not for the hub.
            "patientflags-change-1" if self.dataref.contains("code=NRAF") => What::Adjustment,
            "patientflags-change-1" => {
                return Err(Untranslatable::new(
                    "dataref",
                    "does not point to a reasonable adjustment flag",
                ));
            }
            _ => return Err(Untranslatable::new("type", "is an event that carries no signal")),
        };
        let rule = |field: &'static str| move |rule: &'static str| Untranslatable::new(field, rule);
        let nhs = fields::nhs(self.subject).map_err(rule("subject"))?;
        if !self.dataref.is_empty() && (!self.dataref.starts_with("https://") || self.dataref.chars().count() > 500) {
            return Err(Untranslatable::new(
                "dataref",
                "is not an https URL of at most 500 characters",
            ));
        }
        let source = self.source;
        if source.is_empty() || source.chars().count() > 64 || source.chars().any(char::is_control) {
            return Err(Untranslatable::new("source", "is not 1 to 64 characters on one line"));
        }
        Ok(Event {
            what,
            system: source.to_owned(),
            id: fields::label(self.id).map_err(rule("id"))?,
            version: 1,
            at: self
                .time
                .parse()
                .map_err(|_| Untranslatable::new("time", "is not a time with an offset (RFC 3339)"))?,
            patient: Patient {
                nhs: Some(nhs),
                ..Patient::default()
            },
            pointer: self.dataref.to_owned(),
        })
    }
}
