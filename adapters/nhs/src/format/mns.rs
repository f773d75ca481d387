//! Reads signals of the NHS Multicast Notification Service: CloudEvents 1.0, or a Bundle of type `history` around one.
//! Pure. It never fetches what a signal points to.

use jiff::Timestamp;
use placehub_delivery::{Untranslatable, fields};
use serde_json::Value;

use super::{Event, Patient, Reading, Saying};
use crate::mapping::{Deed, Record, Tell};

/// A person is known by another NHS number from now on. Passing it over would leave the hub with two people.
const NUMBER_CHANGE: &str = "nhs-number-change-2";
/// What a time must be.
const TIME: &str = "is not a time with an offset (RFC 3339)";
/// The resource that a Bundle puts a signal's parts into.
const PARAMETERS: &str = "/entry/0/resource/parameter";

/// Reads the signal, if this is one at all.
pub(crate) fn read(root: &Value, reading: &Reading) -> Option<Result<Saying, Untranslatable>> {
    let signal = if let Some(version) = root.get("specversion") {
        if version != "1.0" {
            return Some(Err(Untranslatable::new("specversion", "is not 1.0")));
        }
        Signal::of_event(root)
    } else if root.get("type").and_then(Value::as_str) == Some("history") {
        Signal::of_bundle(root)?
    } else {
        return None;
    };
    Some(signal.saying(reading))
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

    fn saying(&self, reading: &Reading) -> Result<Saying, Untranslatable> {
        let refuse = |field: &'static str| move |rule: &'static str| Untranslatable::new(field, rule);
        // What lacks these is no signal at all, whatever its type: to acknowledge it would be to lose it.
        let id = fields::label(self.id).map_err(refuse("id"))?;
        let source = self.source;
        if source.is_empty() || source.chars().count() > 64 || source.chars().any(char::is_control) {
            return Err(refuse("source")("is not 1 to 64 characters on one line"));
        }
        if self.kind.is_empty() {
            return Err(refuse("type")("is missing"));
        }
        if self.time.parse::<Timestamp>().is_err() {
            return Err(refuse("time")(TIME));
        }
        if self.kind == NUMBER_CHANGE {
            let rule =
                "is a change of NHS number that names one of the two numbers only, of which the hub cannot be told";
            return Err(Untranslatable::new("type", rule));
        }
        let deeds = reading.mapping.mns(self.kind, self).into_iter();
        let tells: Vec<&Tell> = deeds.filter_map(Deed::tell).collect();
        if tells.is_empty() {
            return Ok(Saying::Nothing(refuse("type")("is an event that carries no signal")));
        }
        let nhs = fields::nhs(self.subject).map_err(refuse("subject"))?;
        if !self.dataref.is_empty() && (!self.dataref.starts_with("https://") || self.dataref.chars().count() > 500) {
            return Err(refuse("dataref")("is not an https URL of at most 500 characters"));
        }
        let patient = Patient {
            nhs: Some(nhs),
            ..Patient::default()
        };
        let mut told = Vec::new();
        for tell in tells {
            let event = Event::told(tell, self, (source.to_owned(), id.clone()), 1, patient.clone())?;
            let pointer = self.dataref.to_owned();
            told.extend(Event { pointer, ..event }.facts());
        }
        Ok(Saying::Told(told))
    }
}

impl Record for Signal<'_> {
    fn codes(&self, path: &str) -> Vec<String> {
        let stated = match path {
            "time" => self.time,
            "subject" => self.subject,
            "dataref" => self.dataref,
            _ => return asked(self.dataref, path.strip_prefix("dataref.").unwrap_or_default()),
        };
        vec![stated.to_owned()]
    }

    fn words(&self, path: &str) -> Option<String> {
        self.codes(path).into_iter().next()
    }

    fn moment(&self, path: &str) -> Option<Result<Timestamp, &'static str>> {
        let parsed = self.codes(path).into_iter().next()?.parse();
        Some(parsed.map_err(|_| TIME))
    }

    fn place(&self, path: &str) -> String {
        path.to_owned()
    }
}

/// The values of a parameter in the query of a URL.
fn asked(url: &str, name: &str) -> Vec<String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
        .collect()
}
