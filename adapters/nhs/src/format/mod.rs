//! Reads what an NHS trust's systems send, HL7 v2 ADT, FHIR R4 or notifications, by a mapping.
//! Pure. It never repeats a value in a refusal, and one bad message never keeps another back.

pub(crate) mod fhir;
mod hl7;
mod hl7_escape;
mod hl7_fields;
mod hl7_text;
mod hl7_time;
pub(crate) mod mns;

use std::{
    collections::{BTreeSet, HashMap},
    io::{Cursor, Read},
    sync::Arc,
};

use jiff::{Timestamp, civil::Date};
use placehub_delivery::{FileError, Input, Pieces, Untranslatable, fields::Nhs};
use placehub_proto::v1::{AttributeValue, ConsentMethod, ConsentStance, LocalReference, Sensitivity, Severity};
use ring::digest::{SHA256, digest};

use crate::mapping::{Mapping, Record, Tell};

/// The longest file of JSON that is read, in bytes: it is read whole, and one of many small entries takes nearly thirty times
/// its length in memory.
const LONGEST_JSON: u64 = 3 * 1024 * 1024;
/// How much of a file must show what it is, in bytes.
const BEGINNING: u64 = 4096;
/// U+FEFF in UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// How to read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What becomes of what is read.
    pub mapping: Mapping,
    /// The processing id that a message may have (HL7 table 0103): `P` at work, `T` or `D` on trial.
    pub processing_id: String,
    /// Whether HL7 v2 messages may have line feeds where carriage returns belong, or begin with a byte order mark, neither of
    /// which HL7 v2 knows.
    pub lenient: bool,
}

/// What a message or resource says.
#[derive(Debug, Clone, PartialEq)]
pub enum Saying {
    /// Things to tell the hub.
    Told(Vec<Fact>),
    /// It is understood, and there is nothing to tell. Why is for the report.
    Nothing(Untranslatable),
}

/// One thing to tell the hub.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// Something happened.
    Happened(Box<Event>),
    /// It did not happen after all.
    Cancelled(Cancellation),
    /// A patient said something about sharing.
    Stated(Box<Stated>),
    /// Two records are of one patient.
    Joined(Box<Joined>),
    /// Two records are not of one patient after all.
    Separated(Separated),
    /// A patient died.
    Died(Box<Died>),
    /// A patient did not die after all.
    Lives(Cancellation),
}

/// Two records of one patient, and under which name the source says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The system that says so.
    pub system: String,
    /// Its id of the statement.
    pub id: String,
    /// Rises with each correction.
    pub version: u64,
    /// What the patient is known by from now on.
    pub survivor: Patient,
    /// What falls out of use.
    pub retired: Patient,
    /// Whether what changed is the number of one record, and not that there were two.
    pub renumbered: bool,
}

/// What was said of two records being one, taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Separated {
    /// The system that said so.
    pub system: String,
    /// Its id of the statement.
    pub id: String,
    /// Above that of every statement of it that was sent before.
    pub version: u64,
}

/// The news of a death.
#[derive(Debug, Clone, PartialEq)]
pub struct Died {
    /// The system that says so.
    pub system: String,
    /// Its id of the statement.
    pub id: String,
    /// Rises with each correction.
    pub version: u64,
    /// Who died.
    pub patient: Patient,
}

/// An event that its source takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// The system that takes it back.
    pub system: String,
    /// Its id of the visit or resource, without the mark.
    pub id: String,
    /// Which of its signals: the mapping's `id`.
    pub mark: String,
    /// Above that of every event that was sent before.
    pub version: u64,
}

/// Something that happened to a patient.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The kind of signal that the mapping makes of it.
    pub kind: String,
    /// The system that says so.
    pub system: String,
    /// Its id of the visit, resource or message, without the mark.
    pub id: String,
    /// Which of its signals: the mapping's `id`.
    pub mark: String,
    /// Starts at 1 and rises with each correction.
    pub version: u64,
    /// When it happened.
    pub at: Timestamp,
    /// To whom.
    pub patient: Patient,
    /// How urgent.
    pub severity: Severity,
    /// How carefully to handle it, if more than the kind asks for.
    pub sensitivity: Sensitivity,
    /// One line, without anything of the patient.
    pub summary: String,
    /// What the mapping took from it.
    pub attributes: HashMap<String, AttributeValue>,
    /// Where to ask for more, as an https URL; empty if the source does not say.
    pub pointer: String,
    /// Whether it says that the patient died, so that the hub is told that as well.
    pub died: bool,
}

/// What a patient said about sharing. In each list, empty means "all".
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// Who said it.
    pub patient: Patient,
    /// What they said.
    pub stance: ConsentStance,
    /// Which kinds of signals.
    pub kinds: Vec<String>,
    /// Signals of which agencies.
    pub from: Vec<String>,
    /// Shown to which agencies.
    pub to: Vec<String>,
    /// For which purposes.
    pub purposes: Vec<String>,
    /// When they said it.
    pub said_at: Timestamp,
    /// From when it holds.
    pub valid_from: Option<Timestamp>,
    /// Until when it holds.
    pub valid_until: Option<Timestamp>,
    /// How they said it.
    pub method: ConsentMethod,
    /// Where its evidence is kept.
    pub evidence: String,
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

/// Reads one HL7 v2 message, in the character set that it names.
///
/// # Errors
///
/// The field and the rule, if it is not an ADT message that can be understood.
pub fn message(bytes: &[u8], reading: &Reading) -> Result<Saying, Untranslatable> {
    hl7::message(bytes, reading)
}

/// Reads a file that came at `now`: HL7 v2 message by message, JSON as a whole. Each fact comes with its place in it, a
/// message or an entry by number.
///
/// # Errors
///
/// [`FileError`] if nothing at all can be read from the file.
pub fn read(mut input: Input, reading: &Arc<Reading>, now: Timestamp) -> Result<Pieces<Fact>, FileError> {
    let mut beginning = Vec::new();
    let read = input.by_ref().take(BEGINNING).read_to_end(&mut beginning);
    read.map_err(unreadable)?;
    let is_marked = beginning.starts_with(BYTE_ORDER_MARK);
    let outside = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control();
    let before = beginning.iter().skip(if is_marked { BYTE_ORDER_MARK.len() } else { 0 });
    let content: Vec<u8> = before.skip_while(|byte| outside(byte)).copied().collect();
    if content.is_empty() && (beginning.len() as u64) < BEGINNING {
        return Err(FileError::Empty);
    }
    let malformed = |format, rule: &str| {
        let rule = rule.to_owned();
        Err(FileError::Malformed { format, rule })
    };
    match content.first() {
        Some(b'{') => {
            let mut bytes = content;
            let rest = input.take(LONGEST_JSON).read_to_end(&mut bytes);
            rest.map_err(unreadable)?;
            if bytes.len() as u64 > LONGEST_JSON {
                return malformed("FHIR JSON", "it is longer than 3 MiB: send it in parts");
            }
            let text = String::from_utf8(bytes).map_err(|_| FileError::NotUtf8)?;
            fhir::read(text.trim_end_matches(|edge: char| edge.is_control()), reading, now)
        }
        _ if !content.starts_with(b"MSH") => malformed("HL7 v2 or FHIR JSON", "it begins with neither MSH nor {"),
        _ if is_marked && !reading.lenient => malformed("HL7 v2", "it begins with a byte order mark"),
        _ => Ok(hl7::read(Cursor::new(content).chain(input), reading.clone())),
    }
}

fn unreadable(error: std::io::Error) -> FileError {
    FileError::Unreadable {
        rule: error.kind().to_string(),
    }
}

impl Saying {
    /// What there is to tell, or why there is nothing.
    fn facts(self) -> Result<Vec<Fact>, Untranslatable> {
        match self {
            Self::Told(facts) => Ok(facts),
            Self::Nothing(why) => Err(why.in_order()),
        }
    }
}

impl Event {
    /// What a rule of the mapping makes of a record, which its source names by system and id.
    fn told(
        tell: &Tell,
        record: &dyn Record,
        (system, id): (String, String),
        version: u64,
        patient: Patient,
    ) -> Result<Self, Untranslatable> {
        let at = tell.at(record)?;
        Ok(Self {
            kind: tell.kind.clone(),
            mark: tell.id.clone(),
            severity: tell.severity,
            sensitivity: tell.sensitivity,
            summary: tell.summary(at),
            attributes: tell.attributes(record, at),
            pointer: String::new(),
            died: tell.died,
            system,
            id,
            version,
            at,
            patient,
        })
    }

    /// The event, and that the patient died, if that is what it says.
    fn facts(self) -> impl Iterator<Item = Fact> {
        let died = self.died.then(|| {
            Fact::Died(Box::new(Died {
                system: self.system.clone(),
                id: format!("{}:{}", self.id, self.mark),
                version: self.version,
                patient: self.patient.clone(),
            }))
        });
        [Fact::Happened(Box::new(self))].into_iter().chain(died)
    }
}

impl Cancellation {
    /// What it takes back, and that the patient lives, if the mapping's rule says so.
    fn facts(self, died: bool) -> impl Iterator<Item = Fact> {
        let lives = died.then(|| Fact::Lives(self.clone()));
        [Fact::Cancelled(self)].into_iter().chain(lives)
    }
}

/// A name for two records together that shows neither, and is the same whichever comes first. A source knows a record by its
/// own reference; if both have the same, it is the NHS number that differs.
fn together(one: &Patient, other: &Patient) -> String {
    let own = [one, other].map(|it| it.reference().or(it.number()).unwrap_or_default());
    let mut names = match own.iter().collect::<BTreeSet<_>>().len() {
        1 => [one, other].map(|it| it.number().unwrap_or_default()),
        _ => own,
    };
    names.sort();
    pseudonym(&names.join("|"))
}

/// 16 hexadecimal digits, always the same. Without a key on purpose: they go to the hub alone, which is handed the identifiers
/// themselves beside them and keeps a keyed hash of both, and to whoever runs `check` on a file that holds them.
fn pseudonym(identifier: &str) -> String {
    let hashed = digest(&SHA256, identifier.as_bytes());
    let digits = hashed.as_ref().iter().take(8);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

impl Patient {
    /// Whether it has an identifier by which two records can be told to be one person's.
    fn has_number(&self) -> bool {
        matches!(self.nhs, Some(Nhs::Checked(_))) || !self.references.is_empty()
    }

    /// A name for its strongest identifier that does not show it: what is said of a person and not of a visit, such as a death,
    /// goes by it, so that whatever is said next finds it.
    fn pseudonym(&self) -> Option<String> {
        self.number().or(self.reference()).as_deref().map(pseudonym)
    }

    fn number(&self) -> Option<String> {
        match &self.nhs {
            Some(Nhs::Checked(digits)) => Some(format!("nhs|{digits}")),
            _ => None,
        }
    }

    fn reference(&self) -> Option<String> {
        let first = self.references.first()?;
        Some(format!("{}|{}", first.system, first.value))
    }

    /// Whether the hub can find the person among those that other agencies know: the contract's rule for statements.
    fn can_be_found(&self) -> bool {
        let named = self.family_name.is_some() && self.given_name.is_some() && self.birth_date.is_some();
        matches!(self.nhs, Some(Nhs::Checked(_))) || named && (self.postcode.is_some() || self.uprn.is_some())
    }

    /// Keeps a number of the source's own, if it fits the contract: at most 8, each system and value at most 64 characters.
    /// Whether it does.
    fn refer(&mut self, system: &str, value: &str) -> bool {
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= 64 && !text.chars().any(char::is_control);
        let is_kept = fits(system) && fits(value) && self.references.len() < 8;
        if is_kept {
            self.references.push(LocalReference {
                system: system.to_owned(),
                value: value.to_owned(),
            });
        }
        is_kept
    }
}
