//! One entry of the quarantine: what it is, where it came from, and why it is kept back.
//! Its reasons never hold a value of a row.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use placehub_proto::v1::Refusal;
use prost::Message;
use ring::digest::{SHA256, digest};
use serde_json::{Value as Json, json};

use crate::{
    content::{Content, Told},
    draft::Untranslatable,
};

/// What is kept of a row, message or draft that nobody would take.
#[derive(Clone, PartialEq, Message)]
pub struct Kept {
    /// Where it came from, e.g. `arrears.csv row 3`.
    #[prost(string, tag = "1")]
    pub origin: String,
    /// When it was kept, in milliseconds since 1970 (UTC).
    #[prost(int64, tag = "2")]
    pub kept_at: i64,
    /// The hub's reason, e.g. `KIND_NOT_YOURS`, or `UNTRANSLATED`.
    #[prost(string, tag = "3")]
    pub reason: String,
    /// The hub's sentence; empty for what was never sent.
    #[prost(string, tag = "4")]
    pub message: String,
    /// The fields that broke a rule, each with the rule, in turns.
    #[prost(string, repeated, tag = "5")]
    pub fields: Vec<String>,
    /// What is kept back.
    #[prost(oneof = "Held", tags = "6, 8")]
    pub held: Option<Held>,
}

/// What is kept back.
#[derive(Clone, PartialEq, prost::Oneof)]
#[expect(clippy::large_enum_variant, reason = "what the hub refused is nearly all there is")]
pub enum Held {
    /// What the hub refused.
    #[prost(message, tag = "6")]
    Told(Told),
    /// A part of a file of which the adapter could make nothing.
    #[prost(message, tag = "8")]
    Piece(Piece),
}

/// A part of a file that can be translated on its own.
#[derive(Clone, PartialEq, Message)]
pub struct Piece {
    /// The file's name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A file of this row or message alone.
    #[prost(bytes = "vec", tag = "2")]
    pub bytes: Vec<u8>,
}

/// The reason of what the adapter could not translate.
const UNTRANSLATED: &str = "UNTRANSLATED";

/// The id of an entry: 16 hexadecimal digits of a digest of what is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(String);

impl Kept {
    /// Keeps what the hub refused.
    pub fn refused(origin: String, content: Content, refusal: Refusal, now: jiff::Timestamp) -> Self {
        let fields = refusal.violations.into_iter();
        Self {
            origin,
            kept_at: now.as_millisecond(),
            reason: refusal.reason,
            message: refusal.message,
            fields: fields.flat_map(|one| [one.field, one.description]).collect(),
            held: Some(Held::Told(Told { content: Some(content) })),
        }
    }

    /// Keeps a part of the file `name` of which no draft could be made.
    pub fn untranslated(origin: String, name: &str, bytes: Vec<u8>, why: Untranslatable, now: jiff::Timestamp) -> Self {
        Self {
            origin,
            kept_at: now.as_millisecond(),
            reason: UNTRANSLATED.to_owned(),
            message: String::new(),
            fields: vec![why.field, why.rule],
            held: Some(Held::Piece(Piece {
                name: name.to_owned(),
                bytes,
            })),
        }
    }

    /// Its id: the same for the same content from the same place, whenever and however often it is refused.
    pub fn id(&self) -> Id {
        let digest = digest(&SHA256, &self.stable_bytes());
        let digits = digest.as_ref().iter().take(8).fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Id(digits)
    }

    /// Field and rule of each field at fault.
    pub fn violations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.chunks(2).filter_map(|pair| match pair {
            [field, rule] => Some((field.as_str(), rule.as_str())),
            _ => None,
        })
    }

    /// Its JSON form for lists: where it came from and why it is kept, and nothing of its content.
    pub fn particulars(&self) -> Json {
        let violations = self
            .violations()
            .map(|(field, rule)| json!({ "field": field, "rule": rule }));
        json!({
            "id": self.id().0,
            "origin": self.origin,
            "kept_at": jiff::Timestamp::from_millisecond(self.kept_at).ok().map(|at| at.to_string()),
            "reason": self.reason,
            "message": self.message,
            "violations": violations.collect::<Json>(),
        })
    }

    /// What is kept, for the agency's own screen: personal data included.
    pub fn content(&self) -> Json {
        match &self.held {
            Some(Held::Told(told)) => told.content.as_ref().map_or(Json::Null, Content::view),
            Some(Held::Piece(piece)) => json!({
                "file": piece.name,
                "content": String::from_utf8_lossy(&piece.bytes),
            }),
            None => Json::Null,
        }
    }

    /// Bytes that do not depend on the order of a map's keys, as protobuf's own do.
    fn stable_bytes(&self) -> Vec<u8> {
        let mut bytes = self.origin.clone().into_bytes();
        bytes.push(0);
        match &self.held {
            Some(Held::Told(told)) => match &told.content {
                Some(Content::Draft(draft)) => {
                    let mut draft = draft.clone();
                    let attributes: BTreeMap<_, _> = draft.attributes.drain().collect();
                    bytes.extend(draft.encode_to_vec());
                    for (name, value) in attributes {
                        bytes.extend(name.encode_to_vec());
                        bytes.extend(value.encode_to_vec());
                    }
                }
                _ => bytes.extend(told.encode_to_vec()),
            },
            Some(Held::Piece(piece)) => bytes.extend_from_slice(&piece.bytes),
            None => {}
        }
        bytes
    }
}

impl Id {
    /// Reads an id of 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| Self(text.to_owned()))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
