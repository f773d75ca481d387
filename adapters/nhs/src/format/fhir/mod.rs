//! Reads FHIR R4 resources, alone or in a Bundle: Encounter, EpisodeOfCare, Flag, Patient and Consent, with UK Core's identifiers.
//! Pure. It never follows a reference out of the file, and never passes over what changes a resource's meaning.

mod consent;
mod element;
mod patient;
mod resources;

use std::sync::Arc;

use jiff::Timestamp;
use placehub_delivery::{FileError, Piece, Placed, Untranslatable, fields};
use serde_json::Value;

use super::{Cancellation, Event, Fact, Joined, Reading, Saying, mns};
use crate::mapping::{Deed, Record};
use element::Element;
use resources::Identifier;

/// The resources that can say something by themselves. All others are there to be referred to.
const SPEAKING: [&str; 5] = ["Consent", "Encounter", "EpisodeOfCare", "Flag", "Patient"];

/// What one resource of a text says.
#[derive(Debug)]
pub(crate) struct Part {
    /// Which entry of the Bundle it is, from 0; none if it stands alone.
    pub(crate) entry: Option<usize>,
    /// Its type, e.g. `Encounter`.
    pub(crate) resource_type: String,
    /// What it says, or the element and the rule that stand in the way.
    pub(crate) saying: Result<Saying, Untranslatable>,
}

/// Reads each resource of a file, which begins with `{`.
pub(super) fn read(text: &str, reading: &Reading) -> Result<Vec<Placed<Fact>>, FileError> {
    let root = json(text)?;
    // A resource is of no use without those that it refers to.
    let whole: Arc<str> = text.into();
    let placed = |place: String, content| Placed {
        place,
        content,
        piece: Piece::Text(whole.clone()),
    };
    if let Some(saying) = mns::read(&root, reading) {
        let facts = saying.and_then(Saying::facts);
        return Ok(match facts {
            Ok(facts) => facts
                .into_iter()
                .map(|fact| placed("signal".into(), Ok(fact)))
                .collect(),
            Err(why) => vec![placed("signal".into(), Err(why))],
        });
    }
    let parts = parts(&root, reading).map_err(|why| malformed(&why.to_string()))?;
    let alone = parts.len() == 1;
    let mut all = Vec::new();
    for part in parts {
        let place = format!("entry {}", part.entry.unwrap_or_default() + 1);
        match part.saying {
            // In a Bundle, a Patient is there for the others.
            Ok(Saying::Nothing(_)) if part.resource_type == "Patient" && !alone => {}
            Ok(Saying::Nothing(why)) | Err(why) => all.push(placed(place, Err(why))),
            Ok(Saying::Told(facts)) => all.extend(facts.into_iter().map(|fact| placed(place.clone(), Ok(fact)))),
        }
    }
    Ok(all)
}

/// Reads JSON.
///
/// # Errors
///
/// [`FileError::Malformed`] with the place: serde_json's own message may repeat a value.
pub(crate) fn json(text: &str) -> Result<Value, FileError> {
    serde_json::from_str(text).map_err(|error| malformed(&format!("line {}, column {}", error.line(), error.column())))
}

/// What each resource says that can say something. The resource of a Bundle may be of any type.
///
/// # Errors
///
/// The element and the rule, if nothing here can say anything.
pub(crate) fn parts(root: &Value, reading: &Reading) -> Result<Vec<Part>, Untranslatable> {
    let root_type = resource_type(root);
    let (entries, made_at): (Vec<&Value>, _) = match root_type {
        "Bundle" => {
            let entries = root.get("entry").map_or(Ok([].as_slice()), |entries| {
                let list = entries.as_array().map(Vec::as_slice);
                list.ok_or_else(|| Untranslatable::new("Bundle.entry", "is not a list"))
            })?;
            let made_at = root.get("timestamp").and_then(Value::as_str);
            (
                entries.iter().collect(),
                made_at.and_then(|text| fields::moment(text).ok()),
            )
        }
        "" => return Err(Untranslatable::new("resourceType", "is missing")),
        _ => (vec![], None),
    };
    let text = Text {
        entries: &entries,
        made_at,
    };
    let in_bundle = entries.iter().enumerate().map(|(at, entry)| {
        let resource = entry.get("resource").unwrap_or(&Value::Null);
        (Some(at), resource, format!("Bundle.entry[{at}].resource"))
    });
    let alone = (root_type != "Bundle").then(|| (None, root, root_type.to_owned()));
    let speaking = in_bundle
        .chain(alone)
        .filter(|(_, resource, _)| SPEAKING.contains(&resource_type(resource)));
    let parts: Vec<Part> = speaking
        .map(|(entry, resource, prefix)| Part {
            entry,
            resource_type: resource_type(resource).to_owned(),
            saying: text.saying(&Element::new(resource, prefix), reading),
        })
        .collect();
    if parts.is_empty() {
        let rule = format!("holds none of {}", SPEAKING.join(", "));
        return Err(Untranslatable::new(root_type, rule));
    }
    Ok(parts)
}

/// What stands beside a resource.
pub(super) struct Text<'v> {
    entries: &'v [&'v Value],
    /// When the Bundle was put together, if it says so.
    made_at: Option<Timestamp>,
}

impl Text<'_> {
    fn saying(&self, element: &Element<'_>, reading: &Reading) -> Result<Saying, Untranslatable> {
        for key in ["modifierExtension", "implicitRules"] {
            if element.has(key) {
                let rule = "changes the meaning of the resource in a way that is not known here";
                return Err(Untranslatable::new(element.place(key), rule));
            }
        }
        let resource_type = element.resource_type();
        if resource_type == "Consent" {
            return consent::saying(element, self, reading);
        }
        let joined = match resource_type {
            "Patient" => self.joined(element)?,
            _ => Vec::new(),
        };
        let Some(deed) = reading.mapping.fhir(resource_type, element) else {
            if !joined.is_empty() {
                return Ok(Saying::Told(joined));
            }
            let rule = "is a resource of which the mapping makes no signal";
            return Ok(Saying::Nothing(Untranslatable::new(element.prefix(), rule)));
        };
        let (system, id) = name(element)?;
        let version = self.version(element);
        let tell = match deed {
            Deed::Tell(tell) => tell,
            Deed::Cancel { marks: ids, died } => {
                let cancelled = ids.iter().flat_map(|mark| {
                    Cancellation {
                        system: system.clone(),
                        id: id.clone(),
                        mark: mark.clone(),
                        version: version + 1,
                    }
                    .facts(*died)
                });
                return Ok(Saying::Told(joined.into_iter().chain(cancelled).collect()));
            }
        };
        let patient = match resource_type {
            "Patient" => patient::read(element)?,
            "EpisodeOfCare" => patient::referred(element, "patient", self)?,
            _ => patient::referred(element, "subject", self)?,
        };
        let event = Event::told(tell, element, (system, id), version, patient)?;
        let told = Saying::from(event).facts()?;
        Ok(Saying::Told(joined.into_iter().chain(told).collect()))
    }

    /// The other records of a Patient that are linked to it as replaced or replacing.
    fn joined(&self, element: &Element<'_>) -> Result<Vec<Fact>, Untranslatable> {
        let mut joined = Vec::new();
        for (at, link) in element.all("link").into_iter().enumerate() {
            let link = Element::new(link, element.place(&format!("link[{at}]")));
            let replaced = match link.text("type").unwrap_or_default().as_str() {
                "replaced-by" => true,
                "replaces" => false,
                _ => continue,
            };
            let (own, other) = (patient::read(element)?, patient::referred(&link, "other", self)?);
            // Neither where a link stands in its list nor an id that a Bundle makes up stays the same from one day to the next.
            let of = other.pseudonym();
            let (survivor, retired) = if replaced { (other, own) } else { (own, other) };
            if !survivor.has_number() || !retired.has_number() {
                let rule = "joins a patient who has no number to go by";
                return Err(Untranslatable::new(link.prefix(), rule));
            }
            let (system, id) = name(element)?;
            joined.push(Fact::Joined(Box::new(Joined {
                system,
                id: format!("{id}:join:{of}"),
                version: self.version(element),
                survivor,
                retired,
                renumbered: false,
            })));
        }
        Ok(joined)
    }

    /// Twice the version on the server, or twice the second of its last change or of the Bundle: a cancellation, one higher,
    /// then counts above its own version and below the next.
    fn version(&self, element: &Element<'_>) -> u64 {
        let stated = element
            .text("meta.versionId")
            .and_then(|text| fields::version(&text).ok());
        let changed = element.moment("meta.lastUpdated").and_then(Result::ok).or(self.made_at);
        let second = changed.and_then(|at| u64::try_from(at.as_second()).ok());
        stated.or(second).unwrap_or(1).max(1).saturating_mul(2)
    }

    /// The entry that a reference names by full URL, or by type and id.
    fn find(&self, reference: &str, wanted: &str) -> Option<Element<'_>> {
        let by_url = |entry: &Value| entry.get("fullUrl").and_then(Value::as_str) == Some(reference);
        let by_id = |resource: &Value| {
            let id = resource.get("id").and_then(Value::as_str);
            id.is_some_and(|id| reference == format!("{wanted}/{id}"))
        };
        let mut entries = self.entries.iter().enumerate();
        let found = entries.find_map(|(at, entry)| {
            let resource = entry.get("resource")?;
            let named = by_url(entry) || by_id(resource);
            (named && resource_type(resource) == wanted).then_some((at, resource))
        });
        found.map(|(at, resource)| Element::new(resource, format!("Bundle.entry[{at}].resource")))
    }
}

/// The resource's own identifier, or its id on the server, with the system that gave it.
fn name(element: &Element<'_>) -> Result<(String, String), Untranslatable> {
    let identifiers: Vec<Identifier> = element.parse("identifier")?;
    let person = element.resource_type() == "Patient";
    // A Patient's identifiers are the person's, and belong into no signal's name.
    let known = |it: &&Identifier| !person && !it.value.is_empty() && (1..=64).contains(&it.system.chars().count());
    let (system, id) = match identifiers.iter().find(known) {
        Some(identifier) => (identifier.system.clone(), identifier.value.clone()),
        None => ("fhir".to_owned(), element.text("id").unwrap_or_default()),
    };
    if id.is_empty() {
        let rule = "is missing, and so is an id: nothing tells this resource from others";
        return Err(Untranslatable::new(element.place("identifier"), rule));
    }
    let id = fields::label(&id).map_err(|rule| Untranslatable::new(element.place("identifier"), rule))?;
    Ok((system, id))
}

pub(crate) fn resource_type(resource: &Value) -> &str {
    resource.get("resourceType").and_then(Value::as_str).unwrap_or_default()
}

fn malformed(rule: &str) -> FileError {
    FileError::Malformed {
        format: "FHIR JSON",
        rule: rule.to_owned(),
    }
}
