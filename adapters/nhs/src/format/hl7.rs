//! Reads HL7 v2 ADT messages, one or many in a file, with any line ends.
//! Pure. It never takes a message without a patient, and never reads past the identity and the visit.

use std::{io::Read, sync::Arc};

use hl7_parser::{
    Message,
    message::{Component, Field, Repeat, Segment},
};
use placehub_delivery::{
    Piece, Pieces, Placed, Untranslatable,
    fields::{self, Nhs},
};

use super::{
    BYTE_ORDER_MARK, Cancellation, Event, Fact, Joined, Patient, Reading, Saying, Separated,
    hl7_fields::{Adt, is_stated},
    hl7_text::{self, Messages},
    hl7_time, together,
};
use crate::mapping::Deed;

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

/// Reads each message of a file, which begins with `MSH`, one at a time.
pub(super) fn read(input: impl Read + 'static, reading: Arc<Reading>) -> Pieces<Fact> {
    let mut number = 0;
    Box::new(Messages::new(input).flat_map(move |message| {
        number += 1;
        let bytes = match message {
            Ok(bytes) => bytes,
            Err(error) => return vec![Err(error)],
        };
        let facts = match said(&bytes, &reading).and_then(Saying::facts) {
            Ok(facts) => facts.into_iter().map(Ok).collect(),
            Err(why) => vec![Err(why)],
        };
        let placed = facts.into_iter().map(|content| {
            Ok(Placed {
                place: format!("message {number}"),
                content,
                piece: Piece::Bytes(bytes.clone()),
            })
        });
        placed.collect()
    }))
}

/// Reads one message, in the character set that its head names and with what may stand around it.
pub(super) fn message(bytes: &[u8], reading: &Reading) -> Result<Saying, Untranslatable> {
    let unmarked = bytes.strip_prefix(BYTE_ORDER_MARK);
    if unmarked.is_some() && !reading.lenient {
        return Err(Untranslatable::new("MSH", "begins with a byte order mark"));
    }
    let mut messages = Messages::new(unmarked.unwrap_or(bytes));
    let (Some(Ok(message)), None) = (messages.next(), messages.next()) else {
        return Err(Untranslatable::new("MSH", "is not there once"));
    };
    said(&message, reading)
}

/// What a message says, of which the first line is known to begin with `MSH` or is refused.
fn said(message: &[u8], reading: &Reading) -> Result<Saying, Untranslatable> {
    let decoded = hl7_text::decoded(message)?;
    let headless = || Untranslatable::new("MSH", "is not the head of an HL7 v2 message");
    if !decoded.starts_with("MSH") {
        return Err(headless());
    }
    let text = hl7_text::segments(&decoded, reading.lenient)?;
    let parsed = Message::parse(&text).map_err(|_| headless())?;
    if parsed.raw_value().len() != text.len() {
        return Err(Untranslatable::new("message", "cannot be read to its end"));
    }
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
    let visit = Some(message.value("PV1", 19)).filter(|visit| is_stated(visit));
    let visit = visit.map(|visit| fields::label(&visit)).transpose();
    let visit = visit.map_err(|rule| Untranslatable::new("PV1-19", rule))?;
    let deeds = reading.mapping.hl7(&trigger, &message);
    if deeds.is_empty() {
        return Ok(Saying::Nothing(no_signal("ADT", &trigger)));
    }
    let (system, version) = (message.system()?, message.version()?);
    let mut told = Vec::new();
    for deed in deeds {
        match deed {
            Deed::Cancel { marks, died } => {
                let id = match (*died, &visit) {
                    // What nobody can be named for was never told.
                    (true, _) => message.numbered()?.pseudonym(),
                    // Only the visit number says what is taken back.
                    (false, None) => return Err(Untranslatable::new("PV1-19", "is missing")),
                    (false, visit) => visit.clone(),
                };
                let Some(id) = id else { continue };
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
            Deed::Tell(tell) => {
                let patient = message.patient()?;
                let of_person = patient.pseudonym().filter(|_| tell.died);
                let id = match of_person.or_else(|| visit.clone()) {
                    Some(id) => id,
                    None => message.own_id()?,
                };
                told.extend(Event::told(tell, &message, (system.clone(), id), version, patient)?.facts());
            }
        }
    }
    if told.is_empty() {
        return Ok(Saying::Nothing(no_signal("ADT", &trigger)));
    }
    Ok(Saying::Told(told))
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

    fn patient(&self) -> Result<Patient, Untranslatable> {
        let mut patient = Patient {
            family_name: self.label(5, 1)?,
            given_name: self.label(5, 2)?,
            // Patients from abroad have postcodes that mean nothing to the hub.
            postcode: fields::postcode(&self.component("PID", 11, 5)).ok(),
            ..self.numbered()?
        };
        let born = self.value("PID", 7);
        if !born.is_empty() {
            patient.birth_date = hl7_time::birth_date(&born).map_err(|rule| Untranslatable::new("PID-7", rule))?;
        }
        Ok(patient)
    }

    /// The patient by numbers alone.
    fn numbered(&self) -> Result<Patient, Untranslatable> {
        let mut patient = Patient::default();
        for pid in self.segments("PID").into_iter().take(1) {
            self.numbers(pid, 3, &mut patient)?;
        }
        Ok(patient)
    }

    /// Two records of one patient, or two numbers of one record; or that they are not. The id is that of the pair: a later
    /// message about the same two corrects it, and one about others never does.
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
            if !self.numbers(segment, field, &mut patient)? {
                let rule = "has a number that the hub cannot keep: 8 at most, each of 64 characters at most";
                return Err(Untranslatable::new(place, rule));
            }
            match patient.has_number() {
                true => Ok(patient),
                false => Err(Untranslatable::new(place, "is missing, or has no number to go by")),
            }
        });
        let (survivor, retired) = (survivor?, retired?);
        let (system, id) = (self.system()?, format!("join:{}", together(&survivor, &retired)));
        let version = self.version()?;
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

    /// Takes the identifiers of a field, as many as the hub can keep. Whether that is all of them.
    fn numbers(&self, segment: &'m Segment<'m>, field: usize, patient: &mut Patient) -> Result<bool, Untranslatable> {
        let place = format!("{}-{field}", segment.name);
        let (is_verified, mut all) = (self.is_verified(segment), true);
        for repeat in segment.field(field).into_iter().flat_map(Field::repeats) {
            all &= self
                .identify(repeat, is_verified, patient)
                .map_err(|rule| Untranslatable::new(&place, rule))?;
        }
        Ok(all)
    }

    /// Takes one identifier (data type CX): the NHS number by its assigning authority or type, all others as the sender's own.
    /// Whether the hub can keep it.
    fn identify(&self, repeat: &Repeat<'m>, is_verified: bool, patient: &mut Patient) -> Result<bool, String> {
        let part = |number| self.first(repeat.component(number));
        let (value, kind) = (part(1), part(5));
        let authority: Vec<String> = repeat
            .component(4)
            .into_iter()
            .flat_map(Component::subcomponents)
            .map(|it| self.decode(it.raw_value()))
            .collect();
        if !is_stated(&value) {
            return Ok(true);
        }
        if kind == "NH" || authority.iter().any(|name| name == "NHS" || name == NHS_NUMBER_OID) {
            let nhs = fields::nhs(&value).map_err(|rule| format!("NHS number {rule}"))?;
            let nhs = match nhs {
                Nhs::Checked(digits) if !is_verified => Nhs::Unchecked(digits),
                nhs => nhs,
            };
            // A checked number is never given up for an unchecked one.
            if !matches!(patient.nhs, Some(Nhs::Checked(_))) {
                patient.nhs = Some(nhs);
            }
            return Ok(true);
        }
        let system = authority.into_iter().find(|name| !name.is_empty()).unwrap_or(kind);
        Ok(patient.refer(if system.is_empty() { UNNAMED } else { &system }, &value))
    }

    /// PID-32 may say how far the NHS number was verified, in the codes that the NHS profile of HL7 v2 has for it: all but
    /// NSTS01 say that it was not. A source that says nothing of it is taken at its word, like the check digit's; MRG has no
    /// such field, so a number that falls out of use is as well.
    fn is_verified(&self, segment: &'m Segment<'m>) -> bool {
        let statuses = segment.field(32).into_iter().flat_map(Field::repeats);
        let statuses: Vec<String> = statuses.map(|repeat| self.first(repeat.component(1))).collect();
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
}

fn no_signal(kind: &str, trigger: &str) -> Untranslatable {
    Untranslatable::new("MSH-9", format!("message type {kind}^{trigger} carries no signal"))
}
