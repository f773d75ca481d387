//! Reads hospital events from HL7 v2 ADT messages or FHIR R4 encounters, whichever the content is.
//! Pure. It never repeats a value in a refusal, and one bad message never keeps another back.

mod fhir;
mod fhir_resources;
mod hl7;
mod hl7_time;
mod mns;

use jiff::{Timestamp, civil::Date};
use placehub_delivery::{FileError, Placed, Untranslatable, draft, fields::Nhs};
use placehub_proto::v1::LocalReference;

/// What a message or entry says.
#[derive(Debug, Clone, PartialEq)]
pub enum Saying {
    /// Something happened.
    Happened(Box<Event>),
    /// It did not happen after all.
    Cancelled(Cancellation),
    /// It is understood, and carries no signal. Why is for the report.
    Nothing(Untranslatable),
}

/// An event that its source takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// The system that takes it back.
    pub system: String,
    /// Its id of the visit, without the event.
    pub id: String,
    /// What did not happen.
    pub occasion: Occasion,
    /// Above that of every event that was sent before.
    pub version: u64,
}

/// The events that one visit can have, each at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The patient was admitted.
    Admission,
    /// The patient was discharged.
    Discharge,
    /// The patient came to an emergency department.
    Attendance,
    /// The patient registered with another practice.
    GpChange,
    /// The patient was notified as dead.
    Death,
    /// The patient's reasonable adjustments changed.
    Adjustment,
}

/// Something that happened to a patient at a hospital.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub what: What,
    /// The system that says so.
    pub system: String,
    /// Its id of the visit or message, without the event.
    pub id: String,
    /// Starts at 1 and rises with each correction.
    pub version: u64,
    /// When it happened.
    pub at: Timestamp,
    /// To whom.
    pub patient: Patient,
    /// Where to ask for more, as an https URL; empty if the source does not say.
    pub pointer: String,
}

/// What happened, with the little that the hub's catalogue asks of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Admitted as an inpatient.
    Admission {
        /// How, in the source's words, e.g. `emergency`.
        method: Option<String>,
    },
    /// Discharged after an inpatient stay.
    Discharge {
        /// Where to, in the source's words.
        destination: Option<String>,
    },
    /// Came to an emergency department.
    EmergencyAttendance {
        /// How, in the source's words, e.g. `ambulance`.
        arrival_mode: Option<String>,
    },
    /// Registered with another general practice.
    GpChange,
    /// Was notified as dead.
    Death,
    /// Has other reasonable adjustments than before.
    Adjustment,
}

/// Who the patient is, as far as the source says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patient {
    /// NHS number.
    pub nhs: Option<Nhs>,
    /// The source's own numbers.
    pub references: Vec<LocalReference>,
    /// Family name.
    pub family_name: Option<String>,
    /// Given names.
    pub given_name: Option<String>,
    /// Date of birth, if the whole of it is known.
    pub birth_date: Option<Date>,
    /// Home postcode, if it is a UK one.
    pub postcode: Option<String>,
    /// UPRN of the home.
    pub uprn: Option<String>,
}

/// Reads one HL7 v2 message, which begins with `MSH`.
///
/// # Errors
///
/// The field and the rule, if it is not an ADT message that can be understood.
pub fn message(text: &str) -> Result<Saying, Untranslatable> {
    hl7::message(text)
}

/// Reads a file. Each event comes with its place in it: a message or an entry by number.
///
/// # Errors
///
/// [`FileError`] if nothing at all can be read from the file.
pub fn read(bytes: &[u8]) -> Result<Vec<Placed<Event>>, FileError> {
    // An interface engine that writes MLLP frames to files leaves its start and end bytes in them.
    let text = draft::text(bytes)?.trim_matches(|edge: char| edge.is_whitespace() || edge.is_control());
    if text.starts_with("MSH") {
        Ok(hl7::read(text))
    } else if text.starts_with('{') {
        fhir::read(text)
    } else {
        let rule = "it begins with neither MSH nor {".into();
        Err(FileError::Malformed {
            format: "HL7 v2 or FHIR JSON",
            rule,
        })
    }
}

impl What {
    /// Which of the events of a visit it is.
    pub fn occasion(&self) -> Occasion {
        match self {
            Self::Admission { .. } => Occasion::Admission,
            Self::Discharge { .. } => Occasion::Discharge,
            Self::EmergencyAttendance { .. } => Occasion::Attendance,
            Self::GpChange => Occasion::GpChange,
            Self::Death => Occasion::Death,
            Self::Adjustment => Occasion::Adjustment,
        }
    }
}

impl Occasion {
    /// Tells the events of one visit apart in their signals' ids.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Discharge => "discharge",
            Self::Attendance => "attendance",
            Self::GpChange => "gp-change",
            Self::Death => "death",
            Self::Adjustment => "adjustment",
        }
    }
}

impl Patient {
    /// Keeps a number of the source's own, if it fits the contract: at most 8, each system and value at most 64 characters.
    fn refer(&mut self, system: &str, value: &str) {
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= 64 && !text.chars().any(char::is_control);
        if fits(system) && fits(value) && self.references.len() < 8 {
            self.references.push(LocalReference {
                system: system.to_owned(),
                value: value.to_owned(),
            });
        }
    }
}
