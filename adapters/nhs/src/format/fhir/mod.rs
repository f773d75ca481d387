//! Reads FHIR R4 resources, alone or in a Bundle: Encounter, EpisodeOfCare, Flag, Patient and Consent, with UK Core's identifiers.
//! Pure. It never follows a reference out of the file, and never passes over what changes a resource's meaning.

mod bundle;
mod consent;
mod element;
mod patient;
mod resources;

use std::sync::Arc;

use jiff::Timestamp;
use placehub_delivery::{FileError, Piece, Pieces, Placed, Untranslatable, fields};
use serde_json::Value;

use super::{Cancellation, Event, Fact, Joined, Reading, Saying, mns, together};
use crate::mapping::{Deed, Record};
use bundle::Index;
use element::Element;
use resources::Identifier;

/// The resources that can say something by themselves. All others are there to be referred to.
const SPEAKING: [&str; 5] = ["Consent", "Encounter", "EpisodeOfCare", "Flag", "Patient"];

/// The system of what has no other: the server's own.
const SYSTEM: &str = "fhir";

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

/// Reads each resource of a file, which begins with `{` and came at `now`.
pub(super) fn read(text: &str, reading: &Reading, now: Timestamp) -> Result<Pieces<Fact>, FileError> {
    let root = json(text)?;
    let is_bundle = resource_type(&root) == "Bundle";
    let (parts, whole) = match mns::read(&root, reading) {
        Some(saying) => {
            let part = Part {
                entry: None,
                resource_type: String::new(),
                saying,
            };
            (vec![part], Some(text))
        }
        None => {
            let parts = self::parts(&root, reading, now).map_err(|why| malformed(&why.to_string()))?;
            (parts, (!is_bundle).then_some(text))
        }
    };
    let (alone, whole): (_, Option<Arc<str>>) = (parts.len() == 1, whole.map(Arc::from));
    let index = Index::of(bundle::entries(&root));
    let placed = parts.into_iter().flat_map(move |part| {
        let place = match part.entry {
            None if part.resource_type.is_empty() => "signal".to_owned(),
            None => "entry 1".to_owned(),
            Some(at) => format!("entry {}", at + 1),
        };
        let told = match part.saying.and_then(Saying::facts) {
            // In a Bundle, a Patient is there for the others.
            Err(why) if why.passed_over && part.resource_type == "Patient" && !alone => vec![],
            Err(why) => vec![Err(why)],
            Ok(facts) => facts.into_iter().map(Ok).collect(),
        };
        if told.is_empty() {
            return vec![];
        }
        let piece = match (&whole, part.entry) {
            (None, Some(at)) => bundle::excerpt(&root, &index, at),
            (whole, _) => whole.clone().unwrap_or_default(),
        };
        let placed = told.into_iter().map(|content| {
            Ok(Placed {
                place: place.clone(),
                content,
                piece: Piece::Text(piece.clone()),
            })
        });
        placed.collect()
    });
    Ok(Box::new(placed))
}

/// Reads JSON.
///
/// # Errors
///
/// [`FileError::Malformed`] with the place: serde_json's own message may repeat a value.
pub(crate) fn json(text: &str) -> Result<Value, FileError> {
    serde_json::from_str(text).map_err(|error| malformed(&format!("line {}, column {}", error.line(), error.column())))
}

/// What each resource says that can say something, in a text that came at `now`. The resource of a Bundle may be of any type.
///
/// # Errors
///
/// The element and the rule, if nothing here can say anything.
pub(crate) fn parts(root: &Value, reading: &Reading, now: Timestamp) -> Result<Vec<Part>, Untranslatable> {
    let root_type = resource_type(root);
    let is_bundle = match root_type {
        "" => return Err(Untranslatable::new("resourceType", "is missing")),
        root_type => root_type == "Bundle",
    };
    if is_bundle && root.get("entry").is_some_and(|entries| !entries.is_array()) {
        return Err(Untranslatable::new("Bundle.entry", "is not a list"));
    }
    let entries = if is_bundle { bundle::entries(root) } else { &[] };
    let made_at = root.get("timestamp").and_then(Value::as_str).filter(|_| is_bundle);
    let text = Text {
        entries,
        index: &Index::of(entries),
        made_at: made_at.and_then(|text| fields::moment(text).ok()),
        now,
    };
    let in_bundle = entries.iter().enumerate().map(|(at, entry)| {
        let resource = entry.get("resource").unwrap_or(&Value::Null);
        (Some(at), resource, format!("Bundle.entry[{at}].resource"))
    });
    let alone = (!is_bundle).then(|| (None, root, root_type.to_owned()));
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
    entries: &'v [Value],
    index: &'v Index,
    /// When the Bundle was put together, if it says so.
    made_at: Option<Timestamp>,
    /// When it came.
    now: Timestamp,
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
        let mut told = joined;
        for deed in reading.mapping.fhir(resource_type, element) {
            let patient = match resource_type {
                "Patient" => patient::read(element),
                "EpisodeOfCare" => patient::referred(element, "patient", self),
                _ => patient::referred(element, "subject", self),
            };
            let of_person = match (&patient, deed.died()) {
                (Ok(patient), true) => patient.pseudonym(),
                // Under another name the news of a death would not be found again.
                (Err(why), true) => return Err(why.clone()),
                (_, false) => None,
            };
            let named = match of_person {
                Some(id) => Ok((SYSTEM.to_owned(), id)),
                None => name(element),
            };
            let version = self.version(element);
            match deed {
                Deed::Tell(tell) => told.extend(Event::told(tell, element, named?, version, patient?)?.facts()),
                // Nothing was told of somebody who cannot be named.
                Deed::Cancel { died: true, .. } if named.is_err() => {}
                Deed::Cancel { marks, died } => {
                    let (system, id) = named?;
                    told.extend(marks.iter().flat_map(|mark| {
                        let cancelled = Cancellation {
                            system: system.clone(),
                            id: id.clone(),
                            mark: mark.clone(),
                            version: version + 1,
                        };
                        cancelled.facts(*died)
                    }));
                }
            }
        }
        if told.is_empty() {
            let rule = "is a resource of which the mapping makes no signal";
            return Ok(Saying::Nothing(Untranslatable::new(element.prefix(), rule)));
        }
        Ok(Saying::Told(told))
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
            if !own.has_number() || !other.has_number() {
                let rule = "joins a patient who has no number to go by";
                return Err(Untranslatable::new(link.prefix(), rule));
            }
            let pair = together(&own, &other);
            let (survivor, retired) = if replaced { (other, own) } else { (own, other) };
            joined.push(Fact::Joined(Box::new(Joined {
                system: SYSTEM.to_owned(),
                id: format!("join:{pair}"),
                version: self.version(element),
                survivor,
                retired,
                renumbered: false,
            })));
        }
        Ok(joined)
    }

    /// Twice the millisecond of its last change or of the Bundle, or else twice the version on the server: a cancellation, one
    /// higher, then counts above its own version and below the next. The version comes last since its numbers are so much
    /// lower: one message that lacks it would outrank all that follow.
    fn version(&self, element: &Element<'_>) -> u64 {
        let changed = self.changed(element);
        let changed = changed.and_then(|at| u64::try_from(at.as_millisecond()).ok());
        let stated = || {
            let text = element.text("meta.versionId")?;
            fields::version(&text).ok()
        };
        changed.or_else(stated).unwrap_or(1).max(1).saturating_mul(2)
    }

    /// When the resource was last changed, or else the Bundle put together.
    fn changed(&self, element: &Element<'_>) -> Option<Timestamp> {
        let stated = element.moment("meta.lastUpdated").and_then(Result::ok);
        stated.or(self.made_at)
    }

    /// The entry that a reference names by full URL, or by type and id.
    fn find(&self, reference: &str, wanted: &str) -> Option<Element<'_>> {
        let mut named = self.index.named(reference).iter();
        let (at, resource) = named.find_map(|at| {
            let resource = self.entries.get(*at)?.get("resource")?;
            (resource_type(resource) == wanted).then_some((at, resource))
        })?;
        Some(Element::new(resource, format!("Bundle.entry[{at}].resource")))
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
        None => (SYSTEM.to_owned(), element.text("id").unwrap_or_default()),
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
