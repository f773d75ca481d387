//! What an adapter makes of a file: a draft for each row or message, or the reason why there is none.
//! It never holds a bad value in a reason: a reason names the field and the rule it broke.

use std::{collections::HashMap, io::Read, sync::Arc};

use csv::StringRecord;
use jiff::{Timestamp, civil::Date};
use placehub_proto::v1::{
    AttributeValue, ConsentStatement, PersonIdentity, Sensitivity, Severity, SignalDraft, attribute_value::Value,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::content::Content;

/// One row or message as it was read, with its place in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    /// Its place, e.g. `row 3` or `message 1`.
    pub place: String,
    /// What was read there, or why it could not be.
    pub content: Result<T, Untranslatable>,
    /// The part of the file it was read from.
    pub piece: Piece,
}

/// The part of a file that one row or message was read from, enough to be translated on its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// A row of a CSV file, and the file's header.
    Row {
        /// The header.
        header: Arc<StringRecord>,
        /// The row.
        record: StringRecord,
    },
    /// A message, or whatever else stands by itself.
    Text(Arc<str>),
    /// The same, in an encoding that it names itself.
    Bytes(Vec<u8>),
}

/// What became of one row or message of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    /// Where it stands, e.g. `arrears.csv row 3`: a file name and a number or a message control id, never a value of the row.
    pub origin: String,
    /// What the hub is to be told of it, or why nothing. One bad row never keeps another back.
    pub result: Result<Content, Untranslatable>,
    /// The part of the file it was made of.
    pub piece: Piece,
}

/// A file's content: UTF-8, unless the adapter reads its encoding itself.
pub type Input = Box<dyn Read>;

/// The rows or messages of a file, read one by one. An error ends them: what comes after it cannot be read.
pub type Pieces<T> = Box<dyn Iterator<Item = Result<Placed<T>, FileError>>>;

/// What a file holds, read row by row. An error ends it: what comes after it cannot be read.
pub type Rows = Box<dyn Iterator<Item = Result<Translated, FileError>>>;

/// Why a row or message has no draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct Untranslatable {
    /// The field in the agency's own words, e.g. `as_of` or `PID-3`.
    pub field: String,
    /// The rule it broke, as a phrase that follows the field's name. Never the value.
    pub rule: String,
    /// Whether that is in order: it was understood, and there is nothing in it to tell the hub or to mend.
    #[serde(skip)]
    pub passed_over: bool,
}

impl<T> Placed<T> {
    /// Makes a draft of what was read; `name` is the file's name.
    pub fn translate<C: Into<Content>>(
        self,
        name: &str,
        draft: impl FnOnce(T) -> Result<C, Untranslatable>,
    ) -> Translated {
        Translated {
            origin: format!("{name} {}", self.place),
            result: self.content.and_then(draft).map(Into::into),
            piece: self.piece,
        }
    }
}

impl Piece {
    /// How many bytes of the file it holds, at most.
    pub fn length(&self) -> usize {
        match self {
            Self::Row { header, record } => header.as_slice().len() + record.as_slice().len(),
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Its bytes: a file of this one row or message.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Row { header, record } => {
                let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
                // Writing to memory cannot fail.
                let _ = csv.write_record(header.as_ref());
                let _ = csv.write_record(record);
                csv.into_inner().unwrap_or_default()
            }
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Untranslatable {
    /// Says which field broke which rule.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
            passed_over: false,
        }
    }

    /// The same where it is no fault: a row or message that has nothing to tell the hub.
    pub fn in_order(self) -> Self {
        Self {
            passed_over: true,
            ..self
        }
    }
}

/// Why nothing at all could be read from a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The header is not one that the adapter knows. Lists what the nearest layout still needs.
    #[error("columns missing for {layout}: {}", .missing.join(", "))]
    Columns {
        /// The layout that came nearest, e.g. `rent arrears`.
        layout: &'static str,
        /// Its columns that the file lacks.
        missing: Vec<&'static str>,
    },
    /// The file holds nothing.
    #[error("file is empty")]
    Empty,
    /// The file breaks the rules of its format.
    #[error("file is not {format}: {rule}")]
    Malformed {
        /// The format it should have, e.g. `FHIR JSON`.
        format: &'static str,
        /// The rule it broke. Never a value.
        rule: String,
    },
    /// The file's bytes are not UTF-8.
    #[error("file is not UTF-8")]
    NotUtf8,
    /// The disk failed while the file was read.
    #[error("file cannot be read to its end: {rule}")]
    Unreadable {
        /// What the system says.
        rule: String,
    },
}

/// Reads bytes as UTF-8 text and leaves out a byte order mark.
///
/// # Errors
///
/// [`FileError::NotUtf8`], or [`FileError::Empty`] if there is nothing but white space.
pub fn text(bytes: &[u8]) -> Result<&str, FileError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FileError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        Err(FileError::Empty)
    } else {
        Ok(text)
    }
}

/// Makes a draft of each row or message as it is read; `name` is the file's name.
pub fn translated<T: 'static, C: Into<Content>>(
    pieces: Pieces<T>,
    name: &str,
    draft: impl Fn(T) -> Result<C, Untranslatable> + 'static,
) -> Rows {
    let name = name.to_owned();
    Box::new(pieces.map(move |piece| Ok(piece?.translate(&name, &draft))))
}

/// As [`translated`], where a row may be several things to tell, all of the same origin.
pub fn translated_to_many<T: 'static>(
    pieces: Pieces<T>,
    name: &str,
    contents: impl Fn(T) -> Result<Vec<Content>, Untranslatable> + 'static,
) -> Rows {
    let name = name.to_owned();
    Box::new(pieces.flat_map(move |piece| {
        let placed = match piece {
            Ok(placed) => placed,
            Err(error) => return vec![Err(error)],
        };
        let results = match placed.content.and_then(&contents) {
            Ok(contents) => contents.into_iter().map(Ok).collect(),
            Err(why) => vec![Err(why)],
        };
        let origin = format!("{name} {}", placed.place);
        let each = results.into_iter().map(|result| {
            Ok(Translated {
                origin: origin.clone(),
                result,
                piece: placed.piece.clone(),
            })
        });
        each.collect()
    }))
}

/// A text attribute (at most 200 characters at the hub).
pub fn text_attribute(value: impl Into<String>) -> AttributeValue {
    AttributeValue {
        value: Some(Value::TextValue(value.into())),
    }
}

/// A whole-number attribute.
pub fn integer_attribute(value: i64) -> AttributeValue {
    AttributeValue {
        value: Some(Value::IntegerValue(value)),
    }
}

/// A yes-or-no attribute.
pub fn boolean_attribute(value: bool) -> AttributeValue {
    AttributeValue {
        value: Some(Value::BooleanValue(value)),
    }
}

/// A date attribute.
pub fn date_attribute(value: Date) -> AttributeValue {
    AttributeValue {
        value: Some(Value::DateValue(value.to_string())),
    }
}

/// Puts attributes together, leaving out those that the source does not state.
pub fn attributes<const N: usize>(pairs: [(&str, Option<AttributeValue>); N]) -> HashMap<String, AttributeValue> {
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// The contract's form of an instant.
pub fn instant(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }
}

/// A JSON view of what became of a file, for `check --json` and for tests: one object for each row or message.
/// It shows personal data where a draft has some, so it belongs on the agency's own screen and in no log.
pub fn views(translated: &[Translated]) -> Json {
    translated.iter().map(one_view).collect()
}

/// The JSON view of what became of one row or message.
pub fn one_view(one: &Translated) -> Json {
    match &one.result {
        Ok(content) => json!({ "origin": one.origin, "draft": content.view() }),
        Err(why) if why.passed_over => json!({ "origin": one.origin, "passed_over": why }),
        Err(why) => json!({ "origin": one.origin, "untranslatable": why }),
    }
}

/// A compact JSON view of a draft: the contract's field names, empty fields left out, dates among attributes
/// marked as `{"date": …}` so that they differ from text.
pub fn view(draft: &SignalDraft) -> Json {
    let mut object = Map::new();
    put_text(&mut object, "kind", &draft.kind);
    put_text(&mut object, "source_system", &draft.source_system);
    put_text(&mut object, "source_id", &draft.source_id);
    object.insert("version".into(), draft.version.into());
    if let Some(person) = &draft.person {
        object.insert("person".into(), person_view(person));
    }
    put_text(&mut object, "uprn", &draft.uprn);
    put_text(&mut object, "area_code", &draft.area_code);
    put_time(&mut object, "occurred_at", draft.occurred_at.as_ref());
    put_time(&mut object, "lapses_at", draft.lapses_at.as_ref());
    put_text(
        &mut object,
        "severity",
        &word(draft.severity().as_str_name(), "SEVERITY_"),
    );
    if draft.sensitivity() != Sensitivity::Unspecified {
        put_text(
            &mut object,
            "sensitivity",
            &word(draft.sensitivity().as_str_name(), "SENSITIVITY_"),
        );
    }
    put_text(&mut object, "summary", &draft.summary);
    if !draft.attributes.is_empty() {
        let attributes = draft
            .attributes
            .iter()
            .map(|(name, value)| (name.clone(), attribute_view(value)));
        object.insert("attributes".into(), Json::Object(attributes.collect()));
    }
    put_text(&mut object, "pointer", &draft.pointer);
    Json::Object(object)
}

/// A compact JSON view of a statement, with the contract's field names.
pub(crate) fn statement_view(statement: &ConsentStatement) -> Json {
    let mut object = Map::new();
    if let Some(person) = &statement.person {
        object.insert("person".into(), person_view(person));
    }
    put_text(&mut object, "stance", &stance(statement));
    for (name, list) in [
        ("kinds", &statement.kinds),
        ("from_agencies", &statement.from_agencies),
        ("to_agencies", &statement.to_agencies),
        ("purposes", &statement.purposes),
    ] {
        if !list.is_empty() {
            object.insert(name.into(), json!(list));
        }
    }
    put_time(&mut object, "said_at", statement.said_at.as_ref());
    put_time(&mut object, "valid_from", statement.valid_from.as_ref());
    put_time(&mut object, "valid_until", statement.valid_until.as_ref());
    let method = word(statement.method().as_str_name(), "CONSENT_METHOD_");
    put_text(&mut object, "method", &method);
    put_text(&mut object, "evidence_reference", &statement.evidence_reference);
    Json::Object(object)
}

/// What the person said, in a word: `given`, `refused`, `withdrawn`.
pub(crate) fn stance(statement: &ConsentStatement) -> String {
    word(statement.stance().as_str_name(), "CONSENT_STANCE_")
}

/// One line on a draft for a person at a terminal: kind, date, severity and the composed summary.
pub fn line(draft: &SignalDraft) -> String {
    let day = draft.occurred_at.as_ref().and_then(rfc3339).unwrap_or_default();
    let severity = word(
        Severity::try_from(draft.severity).unwrap_or_default().as_str_name(),
        "SEVERITY_",
    );
    format!("{} {day} {severity}: {}", draft.kind, draft.summary)
}

pub(crate) fn person_view(person: &PersonIdentity) -> Json {
    let mut object = Map::new();
    put_text(&mut object, "nhs_number", &person.nhs_number);
    put_text(&mut object, "unverified_nhs_number", &person.unverified_nhs_number);
    if !person.local_references.is_empty() {
        let references = person.local_references.iter();
        let references = references.map(|one| json!({ "system": one.system, "value": one.value }));
        object.insert("local_references".into(), references.collect());
    }
    put_text(&mut object, "family_name", &person.family_name);
    put_text(&mut object, "given_name", &person.given_name);
    put_text(&mut object, "birth_date", &person.birth_date);
    put_text(&mut object, "postcode", &person.postcode);
    put_text(&mut object, "uprn", &person.uprn);
    Json::Object(object)
}

fn attribute_view(attribute: &AttributeValue) -> Json {
    match &attribute.value {
        Some(Value::TextValue(text)) => json!(text),
        Some(Value::IntegerValue(number)) => json!(number),
        Some(Value::BooleanValue(yes)) => json!(yes),
        Some(Value::DateValue(date)) => json!({ "date": date }),
        None => Json::Null,
    }
}

fn put_text(object: &mut Map<String, Json>, name: &str, value: &str) {
    if !value.is_empty() {
        object.insert(name.to_owned(), value.into());
    }
}

fn put_time(object: &mut Map<String, Json>, name: &str, value: Option<&prost_types::Timestamp>) {
    if let Some(text) = value.and_then(rfc3339) {
        object.insert(name.to_owned(), text.into());
    }
}

fn rfc3339(at: &prost_types::Timestamp) -> Option<String> {
    Timestamp::new(at.seconds, at.nanos).ok().map(|at| at.to_string())
}

fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_attribute_is_seen_to_differ_from_text() {
        let date = Date::constant(2026, 11, 3);
        assert_ne!(
            attribute_view(&date_attribute(date)),
            attribute_view(&text_attribute("2026-11-03"))
        );
    }

    #[test]
    fn a_view_leaves_out_what_is_empty() {
        let draft = SignalDraft {
            kind: "housing.eviction".into(),
            version: 1,
            severity: 3,
            ..Default::default()
        };
        assert_eq!(
            view(&draft),
            json!({ "kind": "housing.eviction", "version": 1, "severity": "high" })
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(text(b"\xef\xbb\xbfa,b"), Ok("a,b"));
        assert_eq!(text(b"\xef\xbb\xbf \n"), Err(FileError::Empty));
        assert_eq!(text(b"caf\xe9"), Err(FileError::NotUtf8));
    }
}
