//! Reads HL7 v2 ADT messages, one or many in a file, with any line ends.
//! Pure. It never takes a message without a patient, and never reads past the identity and the visit.

use hl7_parser::{
    Message,
    message::{Component, Field, Repeat, Segment, Separators},
};
use jiff::Timestamp;
use placehub_delivery::{
    Piece, Placed, Untranslatable,
    fields::{self, Nhs},
};

use super::{Cancellation, Event, Fact, Joined, Patient, Reading, Saying, Separated, hl7_escape, hl7_time, together};
use crate::mapping::{Deed, Record, hl7_path};

/// The object identifier of the NHS number (NHS Data Standards, OID register).
const NHS_NUMBER_OID: &str = "2.16.840.1.113883.2.1.4.1";

/// Two records of a patient become one (HL7 2.4, chapter 3: PID survives, MRG falls out of use).
const MERGE: &str = "A40";
/// Two records are of one patient, and both stay in use: PID is there twice.
const LINK: &str = "A24";
/// That two records are of one patient was wrong: PID is there twice.
const UNLINK: &str = "A37";
/// One record has another number than before, which stands in MRG.
const RENUMBERING: &str = "A47";

/// The system of a number that names none: the sender's own.
const UNNAMED: &str = "PID-3";

/// Reads each message of the text, which begins with `MSH`.
pub(super) fn read(text: &str, reading: &Reading) -> Vec<Placed<Fact>> {
    let mut all = Vec::new();
    for (index, message) in split(text).into_iter().enumerate() {
        let placed = |content| Placed {
            place: format!("message {}", index + 1),
            content,
            piece: Piece::Text(message.as_str().into()),
        };
        match self::message(&message, reading).and_then(Saying::facts) {
            Ok(facts) => all.extend(facts.into_iter().map(|fact| placed(Ok(fact)))),
            Err(why) => all.push(placed(Err(why))),
        }
    }
    all
}

/// Splits a text into its messages: each begins with a line that begins with `MSH`.
fn split(text: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in text
        .split(['\r', '\n'])
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        match messages.last_mut() {
            Some(message) if !line.starts_with("MSH") => {
                message.push('\r');
                message.push_str(line);
            }
            _ => messages.push(without_truncation_mark(line)),
        }
    }
    messages
}

/// Version 2.7 and later may have a fifth encoding character, `#`, which the parser would take for a field of its own.
fn without_truncation_mark(header: &str) -> String {
    header.replacen(r"MSH|^~\&#|", r"MSH|^~\&|", 1)
}

/// Reads one message, with any line ends.
pub(super) fn message(text: &str, reading: &Reading) -> Result<Saying, Untranslatable> {
    let [text] = split(text)
        .try_into()
        .map_err(|_| Untranslatable::new("MSH", "is not there once"))?;
    let parsed =
        Message::parse(&text).map_err(|_| Untranslatable::new("MSH", "is not the head of an HL7 v2 message"))?;
    let message = Adt {
        separators: parsed.separators,
        message: &parsed,
    };
    let trigger = message.trigger()?;
    let processing = message.value("MSH", 11);
    if !processing.is_empty() && processing != reading.processing_id {
        let rule = format!(
            "is not {}: the message is for systems of another sort",
            reading.processing_id
        );
        return Err(Untranslatable::new("MSH-11", rule));
    }
    if parsed.segment("PID").is_none() {
        return Err(Untranslatable::new("PID", "is missing"));
    }
    if let LINK | MERGE | RENUMBERING | UNLINK = trigger.as_str() {
        return Ok(Saying::Told(vec![message.of_two(&trigger)?]));
    }
    let visit = Some(message.value("PV1", 19)).filter(|visit| !visit.is_empty());
    let visit = visit.map(|visit| fields::label(&visit)).transpose();
    let visit = visit.map_err(|rule| Untranslatable::new("PV1-19", rule))?;
    let event = match reading.mapping.hl7(&trigger, &message) {
        None => return Ok(Saying::Nothing(no_signal("ADT", &trigger))),
        // Only the visit number says what is taken back.
        Some(Deed::Cancel { marks, died }) => {
            let id = visit.ok_or_else(|| Untranslatable::new("PV1-19", "is missing"))?;
            let system = message.system()?;
            let cancelled = marks.iter().flat_map(|mark| {
                Cancellation {
                    system: system.clone(),
                    id: id.clone(),
                    mark: mark.clone(),
                    version: message.version() + 1,
                }
                .facts(*died)
            });
            return Ok(Saying::Told(cancelled.collect()));
        }
        Some(Deed::Tell(tell)) => {
            let id = match visit {
                Some(visit) => visit,
                None => fields::label(&message.value("MSH", 10)).map_err(|rule| Untranslatable::new("MSH-10", rule))?,
            };
            let named = (message.system()?, id);
            Event::told(tell, &message, named, message.version(), message.patient()?)?
        }
    };
    Ok(event.into())
}

/// A parsed message whose header says ADT.
struct Adt<'m> {
    separators: Separators,
    message: &'m Message<'m>,
}

impl<'m> Adt<'m> {
    /// The event of the message, e.g. `A03`.
    fn trigger(&self) -> Result<String, Untranslatable> {
        let [kind, trigger] = [1, 2].map(|number| self.component("MSH", 9, number));
        let plain = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain(&kind) || !plain(&trigger) {
            return Err(Untranslatable::new("MSH-9", "is not a message type such as ADT^A03"));
        }
        if kind == "ADT" {
            Ok(trigger)
        } else {
            Err(no_signal(&kind, &trigger))
        }
    }

    fn system(&self) -> Result<String, Untranslatable> {
        let system = self.value("MSH", 3);
        if system.is_empty() || system.chars().count() > 64 {
            return Err(Untranslatable::new("MSH-3", "is not 1 to 64 characters"));
        }
        Ok(system)
    }

    /// Twice the second at which the message was made (MSH-7), so that each later message about an event corrects the earlier
    /// one, and a cancellation, one higher, counts above an event of its own second and below one of the next.
    fn version(&self) -> u64 {
        let made = hl7_time::moment(&self.value("MSH", 7)).map(Timestamp::as_second);
        made.ok()
            .and_then(|second| u64::try_from(second).ok())
            .map_or(1, |second| second.saturating_mul(2).max(1))
    }

    fn patient(&self) -> Result<Patient, Untranslatable> {
        let mut patient = Patient {
            family_name: self.label(5, 1)?,
            given_name: self.label(5, 2)?,
            // Patients from abroad have postcodes that mean nothing to the hub.
            postcode: fields::postcode(&self.component("PID", 11, 5)).ok(),
            ..Default::default()
        };
        let born = self.value("PID", 7);
        if !born.is_empty() {
            patient.birth_date = hl7_time::birth_date(&born).map_err(|rule| Untranslatable::new("PID-7", rule))?;
        }
        self.numbers(self.field("PID", 3), "PID-3", &mut patient)?;
        Ok(patient)
    }

    /// Two records of one patient, or two numbers of one record; or that they are not.
    fn of_two(&self, trigger: &str) -> Result<Fact, Untranslatable> {
        let [survivor, retired] = match trigger {
            LINK | UNLINK => {
                let pids: [_; 2] = self
                    .segments("PID")
                    .try_into()
                    .map_err(|_| Untranslatable::new("PID", "is not there twice, once for each of the two records"))?;
                pids.map(|pid| (pid, 3, "PID-3"))
            }
            _ => {
                let (pid, mrg) = (self.segments("PID"), self.segments("MRG"));
                if mrg.len() > 1 {
                    let rule = "is there more than once: send a message for each";
                    return Err(Untranslatable::new("MRG", rule));
                }
                let first = |segments: Vec<&'m Segment<'m>>| segments.first().copied();
                let missing = || Untranslatable::new("MRG-1", "is missing, or has no number to go by");
                let pid = first(pid).ok_or_else(|| Untranslatable::new("PID", "is missing"))?;
                [(pid, 3, "PID-3"), (first(mrg).ok_or_else(missing)?, 1, "MRG-1")]
            }
        }
        .map(|(segment, field, place)| {
            let mut patient = Patient::default();
            self.numbers(segment.field(field), place, &mut patient)?;
            match patient.has_number() {
                true => Ok(patient),
                false => Err(Untranslatable::new(place, "is missing, or has no number to go by")),
            }
        });
        let (survivor, retired) = (survivor?, retired?);
        let (system, id) = (self.system()?, format!("join:{}", together(&survivor, &retired)));
        let version = self.version();
        if trigger == UNLINK {
            let version = version + 1;
            return Ok(Fact::Separated(Separated { system, id, version }));
        }
        Ok(Fact::Joined(Box::new(Joined {
            system,
            id,
            version,
            survivor,
            retired,
            renumbered: trigger == RENUMBERING,
        })))
    }

    fn segments(&self, name: &str) -> Vec<&'m Segment<'m>> {
        self.message.segments().filter(|segment| segment.name == name).collect()
    }

    /// Takes all the identifiers of a field.
    fn numbers(&self, field: Option<&'m Field<'m>>, place: &str, patient: &mut Patient) -> Result<(), Untranslatable> {
        let mut repeats = field.into_iter().flat_map(Field::repeats);
        repeats.try_for_each(|repeat| self.identify(repeat, place, patient))
    }

    /// Takes one identifier (data type CX): the NHS number by its assigning authority or type, all others as the sender's own.
    fn identify(&self, repeat: &Repeat<'m>, place: &str, patient: &mut Patient) -> Result<(), Untranslatable> {
        let part = |number| self.first(repeat.component(number));
        let (value, kind) = (part(1), part(5));
        let authority: Vec<String> = repeat
            .component(4)
            .into_iter()
            .flat_map(Component::subcomponents)
            .map(|it| self.decode(it.raw_value()))
            .collect();
        if value.is_empty() {
            return Ok(());
        }
        if kind == "NH" || authority.iter().any(|name| name == "NHS" || name == NHS_NUMBER_OID) {
            let nhs = fields::nhs(&value).map_err(|rule| Untranslatable::new(place, format!("NHS number {rule}")))?;
            let nhs = match nhs {
                Nhs::Checked(digits) if !self.is_verified() => Nhs::Unchecked(digits),
                nhs => nhs,
            };
            // A checked number is never given up for an unchecked one.
            if !matches!(patient.nhs, Some(Nhs::Checked(_))) {
                patient.nhs = Some(nhs);
            }
            return Ok(());
        }
        let system = authority.into_iter().find(|name| !name.is_empty()).unwrap_or(kind);
        patient.refer(if system.is_empty() { UNNAMED } else { &system }, &value);
        Ok(())
    }

    /// PID-32 may say how far the NHS number was verified, in the codes that the NHS profile of HL7 v2 has for it: all but
    /// NSTS01 say that it was not. A source that says nothing of it is taken at its word, like the check digit's.
    fn is_verified(&self) -> bool {
        let statuses = self.codes("PID-32");
        let mut of_nhs = statuses.iter().filter(|code| code.starts_with("NSTS")).peekable();
        of_nhs.peek().is_none() || of_nhs.any(|code| code == "NSTS01")
    }

    fn label(&self, field: usize, component: usize) -> Result<Option<String>, Untranslatable> {
        let text = self.component("PID", field, component);
        if !is_stated(&text) {
            return Ok(None);
        }
        fields::label(&text)
            .map(Some)
            .map_err(|rule| Untranslatable::new(format!("PID-{field}"), rule))
    }

    fn value(&self, segment: &str, field: usize) -> String {
        self.component(segment, field, 1)
    }

    /// The first subcomponent of a component of a field's first repetition; empty if the message has no such thing.
    fn component(&self, segment: &str, field: usize, component: usize) -> String {
        self.first(self.field(segment, field).and_then(|field| field.component(component)))
    }

    fn field(&self, segment: &str, field: usize) -> Option<&'m Field<'m>> {
        self.message
            .segment(segment)
            .and_then(|segment: &Segment<'m>| segment.field(field))
    }

    fn first(&self, component: Option<&Component<'m>>) -> String {
        let first = component.and_then(|component| component.subcomponents().next());
        first.map(|it| self.decode(it.raw_value())).unwrap_or_default()
    }

    fn decode(&self, raw: &str) -> String {
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
fn is_stated(text: &str) -> bool {
    !text.is_empty() && text != "\"\""
}

fn no_signal(kind: &str, trigger: &str) -> Untranslatable {
    Untranslatable::new("MSH-9", format!("message type {kind}^{trigger} carries no signal"))
}
