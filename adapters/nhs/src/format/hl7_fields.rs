//! Looks into a parsed HL7 v2 message by segment, field and component, with escapes read.
//! Pure. It never tells an empty field from one that is not there.

use hl7_parser::{
    Message,
    message::{Component, Field, Segment, Separators},
};
use jiff::Timestamp;
use placehub_delivery::{Untranslatable, fields};

use super::{hl7_escape, hl7_time};
use crate::mapping::{Record, hl7_path};

/// A parsed message.
pub(super) struct Adt<'m> {
    pub(super) separators: Separators,
    pub(super) message: &'m Message<'m>,
}

impl<'m> Adt<'m> {
    pub(super) fn system(&self) -> Result<String, Untranslatable> {
        let system = self.value("MSH", 3);
        if system.is_empty() || system.chars().count() > 64 {
            return Err(Untranslatable::new("MSH-3", "is not 1 to 64 characters"));
        }
        Ok(system)
    }

    /// Twice the second at which the message was made (MSH-7), so that each later message about an event corrects the earlier
    /// one, and a cancellation, one higher, counts above an event of its own second and below one of the next.
    pub(super) fn version(&self) -> Result<u64, Untranslatable> {
        Ok(self.made()?.saturating_mul(2))
    }

    /// The second at which the message was made, from 1970.
    fn made(&self) -> Result<u64, Untranslatable> {
        let refuse = |rule| Untranslatable::new("MSH-7", rule);
        let made = hl7_time::moment(&self.value("MSH", 7)).map_err(refuse)?;
        match u64::try_from(made.as_second()) {
            Ok(second @ 1..) => Ok(second),
            _ => Err(refuse("is before 1970")),
        }
    }

    /// An id of what only this message tells. Senders begin their control ids (MSH-10) anew, so its second tells it as well.
    pub(super) fn own_id(&self) -> Result<String, Untranslatable> {
        let id = fields::label(&self.value("MSH", 10)).map_err(|rule| Untranslatable::new("MSH-10", rule))?;
        Ok(format!("{id}@{}", self.made()?))
    }

    pub(super) fn segments(&self, name: &str) -> Vec<&'m Segment<'m>> {
        self.message.segments().filter(|segment| segment.name == name).collect()
    }

    pub(super) fn value(&self, segment: &str, field: usize) -> String {
        self.component(segment, field, 1)
    }

    /// The first subcomponent of a component of a field's first repetition; empty if the message has no such thing.
    pub(super) fn component(&self, segment: &str, field: usize, component: usize) -> String {
        self.first(self.field(segment, field).and_then(|field| field.component(component)))
    }

    fn field(&self, segment: &str, field: usize) -> Option<&'m Field<'m>> {
        self.message
            .segment(segment)
            .and_then(|segment: &Segment<'m>| segment.field(field))
    }

    pub(super) fn first(&self, component: Option<&Component<'m>>) -> String {
        let first = component.and_then(|component| component.subcomponents().next());
        first.map(|it| self.decode(it.raw_value())).unwrap_or_default()
    }

    pub(super) fn decode(&self, raw: &str) -> String {
        hl7_escape::decode(raw, &self.separators).trim().to_owned()
    }
}

impl Record for Adt<'_> {
    fn codes(&self, path: &str) -> Vec<String> {
        let Some((segment, field, component)) = hl7_path(path) else {
            return Vec::new();
        };
        let repeats = self.field(segment, field).into_iter().flat_map(Field::repeats);
        let codes = repeats.map(|repeat| self.first(repeat.component(component.unwrap_or(1))));
        codes.filter(|code| is_stated(code)).collect()
    }

    /// A coded field in words (its second component), if it has them, else its code.
    fn words(&self, path: &str) -> Option<String> {
        let (segment, field, component) = hl7_path(path)?;
        let components = component.map_or_else(|| vec![2, 1], |component| vec![component]);
        let words = components
            .into_iter()
            .map(|component| self.component(segment, field, component));
        words
            .filter(|words| is_stated(words))
            .find(|words| fields::phrase(words).is_ok())
    }

    fn moment(&self, path: &str) -> Option<Result<Timestamp, &'static str>> {
        let (segment, field, component) = hl7_path(path)?;
        let text = self.component(segment, field, component.unwrap_or(1));
        is_stated(&text).then(|| hl7_time::moment(&text))
    }

    fn place(&self, path: &str) -> String {
        path.to_owned()
    }
}

/// HL7 2.4, section 2.7: two quotes mean that a field was emptied on purpose.
pub(super) fn is_stated(text: &str) -> bool {
    !text.is_empty() && text != "\"\""
}
