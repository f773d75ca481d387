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

use super::{Cancellation, Event, Occasion, Patient, Saying, What, hl7_time};

/// The object identifier of the NHS number (NHS Data Standards, OID register).
const NHS_NUMBER_OID: &str = "2.16.840.1.113883.2.1.4.1";

/// Two patients become one. Passing it over would leave the hub with two.
const MERGE: &str = "A40";

/// Reads each message of the text, which begins with `MSH`.
pub(super) fn read(text: &str) -> Vec<Placed<Event>> {
    let messages = split(text).into_iter().enumerate();
    messages
        .map(|(index, message)| Placed {
            place: format!("message {}", index + 1),
            content: event(&message),
            piece: Piece::Text(message.into()),
        })
        .collect()
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

/// Reads a message of a file, where only what happened has a place.
fn event(text: &str) -> Result<Event, Untranslatable> {
    match message(text)? {
        Saying::Happened(event) => Ok(*event),
        Saying::Cancelled(_) => Err(Untranslatable::new(
            "MSH-9",
            "is a cancellation, which is taken over MLLP and not from a file",
        )),
        Saying::Nothing(why) => Err(why),
    }
}

/// Reads one message, with any line ends.
pub(super) fn message(text: &str) -> Result<Saying, Untranslatable> {
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
    if parsed.segment("PID").is_none() {
        return Err(Untranslatable::new("PID", "is missing"));
    }
    if let "A11" | "A13" = trigger.as_str() {
        return message.cancellation(&trigger).map(Saying::Cancelled);
    }
    let what = match message.what(&trigger) {
        Ok(what) => what,
        Err(why) if trigger == MERGE => return Err(why),
        Err(why) => return Ok(Saying::Nothing(why)),
    };
    let visit = Some(message.value("PV1", 19)).filter(|visit| !visit.is_empty());
    let id = match visit {
        Some(visit) => fields::label(&visit).map_err(|rule| Untranslatable::new("PV1-19", rule))?,
        None => fields::label(&message.value("MSH", 10)).map_err(|rule| Untranslatable::new("MSH-10", rule))?,
    };
    Ok(Saying::Happened(Box::new(Event {
        at: message.at(&what)?,
        patient: message.patient()?,
        what,
        system: message.system()?,
        id,
        version: message.version(),
        pointer: String::new(),
    })))
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

    /// A11 takes back an A01 or A04, and A13 an A03 (HL7 2.4, chapter 3). Only the visit number says which.
    fn cancellation(&self, trigger: &str) -> Result<Cancellation, Untranslatable> {
        let id = fields::label(&self.value("PV1", 19));
        let occasion = match trigger {
            "A13" => Occasion::Discharge,
            _ if self.is_emergency() => Occasion::Attendance,
            _ => Occasion::Admission,
        };
        Ok(Cancellation {
            system: self.system()?,
            id: id.map_err(|rule| Untranslatable::new("PV1-19", rule))?,
            occasion,
            version: self.version() + 1,
        })
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

    fn is_emergency(&self) -> bool {
        self.value("PV1", 2).eq_ignore_ascii_case("E")
    }

    fn what(&self, trigger: &str) -> Result<What, Untranslatable> {
        match trigger {
            "A01" => Ok(What::Admission {
                method: self.phrase("PV1", 4),
            }),
            // Where the patient went, else how the stay ended (HL7 2.4, chapter 3: PV1-37, PV1-36).
            "A03" => Ok(What::Discharge {
                destination: self.phrase("PV1", 37).or_else(|| self.phrase("PV1", 36)),
            }),
            "A04" if self.is_emergency() => Ok(What::EmergencyAttendance {
                arrival_mode: self.phrase("PV2", 38),
            }),
            "A04" => Err(Untranslatable::new(
                "PV1-2",
                "is not E: a registration outside the emergency department carries no signal",
            )),
            MERGE => Err(Untranslatable::new(
                "MSH-9",
                "is a merge of two patients (A40), which the hub cannot be told of",
            )),
            _ => Err(no_signal("ADT", trigger)),
        }
    }

    /// The first of the fields that say when it happened, from the visit's own to the message's.
    fn at(&self, what: &What) -> Result<Timestamp, Untranslatable> {
        let own = if matches!(what, What::Discharge { .. }) {
            ("PV1", 45)
        } else {
            ("PV1", 44)
        };
        for (segment, field) in [own, ("EVN", 6), ("EVN", 2), ("MSH", 7)] {
            let text = self.value(segment, field);
            if !text.is_empty() {
                return hl7_time::moment(&text).map_err(|rule| Untranslatable::new(format!("{segment}-{field}"), rule));
            }
        }
        Err(Untranslatable::new(
            "EVN-2",
            "is missing, and so is every other field that says when",
        ))
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
        for repeat in self.field("PID", 3).into_iter().flat_map(Field::repeats) {
            self.identify(repeat, &mut patient)?;
        }
        Ok(patient)
    }

    /// Takes one identifier (data type CX): the NHS number by its assigning authority or type, all others as the sender's own.
    fn identify(&self, repeat: &Repeat<'m>, patient: &mut Patient) -> Result<(), Untranslatable> {
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
            let nhs = fields::nhs(&value).map_err(|rule| Untranslatable::new("PID-3", format!("NHS number {rule}")))?;
            // A checked number is never given up for an unchecked one.
            if !matches!(patient.nhs, Some(Nhs::Checked(_))) {
                patient.nhs = Some(nhs);
            }
            return Ok(());
        }
        let system = authority.into_iter().find(|name| !name.is_empty()).unwrap_or(kind);
        patient.refer(if system.is_empty() { "PID-3" } else { &system }, &value);
        Ok(())
    }

    fn label(&self, field: usize, component: usize) -> Result<Option<String>, Untranslatable> {
        let text = self.component("PID", field, component);
        // HL7 2.4, section 2.7: two quotes mean that a field was emptied on purpose.
        if text.is_empty() || text == "\"\"" {
            return Ok(None);
        }
        fields::label(&text)
            .map(Some)
            .map_err(|rule| Untranslatable::new(format!("PID-{field}"), rule))
    }

    /// A coded field in words, if it has them, else its code.
    fn phrase(&self, segment: &str, field: usize) -> Option<String> {
        let words = fields::phrase(&self.component(segment, field, 2));
        words
            .or_else(|_| fields::phrase(&self.value(segment, field)))
            .ok()
            .filter(|text| text != "\"\"")
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
        self.separators.decode(raw).to_string().trim().to_owned()
    }
}

fn no_signal(kind: &str, trigger: &str) -> Untranslatable {
    Untranslatable::new("MSH-9", format!("message type {kind}^{trigger} carries no signal"))
}
