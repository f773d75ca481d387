//! Looks into a FHIR resource by paths such as `period.start` or `hospitalization.extension(AdmissionMethod)`.
//! Pure. It never takes a code of one list for that of another: a path leads to what stands there and nowhere else.

use jiff::Timestamp;
use placehub_delivery::{Untranslatable, fields};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::resource_type;
use crate::mapping::Record;

/// A resource, and how FHIRPath leads to it.
#[derive(Debug, Clone)]
pub(super) struct Element<'v> {
    value: &'v Value,
    prefix: String,
}

impl<'v> Element<'v> {
    /// The resource that FHIRPath finds at `prefix`.
    pub(super) fn new(value: &'v Value, prefix: String) -> Self {
        Self { value, prefix }
    }

    /// Where it stands.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Its type, e.g. `Encounter`.
    pub(super) fn resource_type(&self) -> &'v str {
        resource_type(self.value)
    }

    /// Whether it has this element.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some_and(|value| !value.is_null())
    }

    /// What stands at a path, each on its own, however many lists lie on the way.
    pub(super) fn all(&self, path: &str) -> Vec<&'v Value> {
        let mut found = vec![self.value];
        for step in path.split('.') {
            found = found.into_iter().flat_map(|value| children(value, step)).collect();
        }
        found
    }

    /// The first text that stands at a path.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.all(path).into_iter().find_map(Value::as_str).map(str::to_owned)
    }

    /// A resource that is contained in this one, by its id.
    pub(super) fn contained(&self, id: &str) -> Option<Element<'v>> {
        let all = self.value.get("contained")?.as_array()?;
        let mut all = all.iter().enumerate();
        let (at, value) = all.find(|(_, one)| one.get("id").and_then(Value::as_str) == Some(id))?;
        Some(Element::new(value, format!("{}.contained[{at}]", self.prefix)))
    }

    /// An element in a type of its own; its default if it is absent.
    ///
    /// # Errors
    ///
    /// The element, if it has another shape.
    pub(super) fn parse<T: DeserializeOwned + Default>(&self, key: &str) -> Result<T, Untranslatable> {
        match self.value.get(key) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => {
                T::deserialize(value).map_err(|_| Untranslatable::new(self.place(key), "is not shaped as in FHIR R4"))
            }
        }
    }
}

impl Record for Element<'_> {
    fn codes(&self, path: &str) -> Vec<String> {
        self.all(path).into_iter().flat_map(codes).collect()
    }

    fn words(&self, path: &str) -> Option<String> {
        self.all(path).into_iter().find_map(words)
    }

    fn moment(&self, path: &str) -> Option<Result<Timestamp, &'static str>> {
        let text = self.text(path)?;
        Some(fields::moment(&text).map_err(|_| "is not a FHIR dateTime to the day at least"))
    }

    fn place(&self, path: &str) -> String {
        let steps = path.split('.').map(|step| match extension(step) {
            Some(word) => format!(".extension.where(url.contains('{word}')).value"),
            None => format!(".{step}"),
        });
        steps.fold(self.prefix.clone(), |place, step| place + &step)
    }
}

fn children<'v>(value: &'v Value, step: &str) -> Vec<&'v Value> {
    let found = match extension(step) {
        None => value.get(step),
        Some(word) => value.get("extension").and_then(Value::as_array).and_then(|all| {
            let named = |one: &&Value| {
                one.get("url")
                    .and_then(Value::as_str)
                    .is_some_and(|url| url.contains(word))
            };
            let object = all.iter().find(named)?.as_object()?;
            object
                .iter()
                .find(|(key, _)| key.starts_with("value"))
                .map(|(_, value)| value)
        }),
    };
    match found {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

fn extension(step: &str) -> Option<&str> {
    step.strip_prefix("extension(")?.strip_suffix(')')
}

/// The codes of an element: its own, those of a concept, the value of an identifier, or what it is itself.
fn codes(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::Object(object) => {
            let codings = object.get("coding").and_then(Value::as_array).into_iter().flatten();
            let of_codings = codings.filter_map(|coding| coding.get("code"));
            let own = ["code", "value"].into_iter().filter_map(|key| object.get(key));
            of_codings.chain(own).filter_map(text).collect()
        }
        _ => Vec::new(),
    }
}

/// An element in words: a concept's text, else a display, else a code.
fn words(value: &Value) -> Option<String> {
    let stated = |value: &Value, key: &str| {
        let text = value.get(key)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let codings = || value.get("coding").and_then(Value::as_array).into_iter().flatten();
    stated(value, "text")
        .or_else(|| codings().find_map(|coding| stated(coding, "display")))
        .or_else(|| stated(value, "display"))
        .or_else(|| codes(value).into_iter().find(|code| !code.is_empty()))
}
