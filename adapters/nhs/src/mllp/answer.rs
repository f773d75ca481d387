//! Composes the acknowledgement of a message: MSH, MSA and, if there is something to say, ERR (HL7 v2, chapter 2).
//! It never repeats anything of a message but the names of systems, the type and the control id in its head.

use jiff::{Timestamp, tz::TimeZone};
use placehub_delivery::Untranslatable;

/// The longest control id that is answered (MSH-10 from version 2.7 on).
const LONGEST_ID: usize = 199;

/// What is told to the sender (HL7 table 0008).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// AA: it is on the disk, or carries no signal. The sender may forget it.
    Accept,
    /// AE: its content cannot be used. Sent again as it is, it would fail again.
    Error(Untranslatable),
    /// AR: it is of a sort that is not taken here, or cannot be taken now.
    Reject(Untranslatable),
}

/// The head of a message, as far as an answer needs it. Read leniently: what cannot be read can still be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Field separator, then component, repetition, escape and subcomponent separators.
    separators: [char; 5],
    fields: Vec<String>,
}

impl Head {
    /// Reads the first segment of a message.
    pub(super) fn of(message: &[u8]) -> Self {
        let line = message.split(|byte| matches!(byte, b'\r' | b'\n')).next();
        // Names and ids are ASCII in any character set that HL7 allows for them.
        let line: String = line
            .unwrap_or_default()
            .iter()
            .map(|byte| char::from(*byte))
            .filter(|character| character.is_ascii() && !character.is_ascii_control())
            .collect();
        let mut characters = line.strip_prefix("MSH").unwrap_or_default().chars();
        let mut marks = [(); 5].map(|()| characters.next());
        if marks.iter().flatten().any(char::is_ascii_alphanumeric) {
            marks = [None; 5];
        }
        match marks {
            [Some(field), Some(component), Some(repetition), Some(escape), Some(sub)] => Self {
                separators: [field, component, repetition, escape, sub],
                fields: line.split(field).map(str::to_owned).collect(),
            },
            _ => Self {
                separators: ['|', '^', '~', '\\', '&'],
                fields: Vec::new(),
            },
        }
    }

    /// The message's control id, if it has one that can be answered.
    pub(super) fn control_id(&self) -> Option<&str> {
        Some(self.field(10)).filter(|id| (1..=LONGEST_ID).contains(&id.len()))
    }

    /// The answer to the message, in its frame. `number` tells it from all other answers of this listener.
    pub(super) fn answered(&self, answer: &Answer, now: Timestamp, number: u64) -> Vec<u8> {
        let (code, why) = match answer {
            Answer::Accept => ("AA", None),
            Answer::Error(why) => ("AE", Some(why)),
            Answer::Reject(why) => ("AR", Some(why)),
        };
        let [field, component, repetition, escape, sub] = self.separators;
        let text = why.map(|why| self.escaped(&why.to_string())).unwrap_or_default();
        let trigger = self.field(9).split(component).nth(1).unwrap_or_default();
        let kind = match trigger {
            "" => "ACK".to_owned(),
            trigger => format!("ACK{component}{trigger}"),
        };
        let id = format!("{}-{number}", now.as_second());
        let time = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S+0000").to_string();
        let marks: String = [component, repetition, escape, sub].iter().collect();
        let or = |text: &str, usual: &str| if text.is_empty() { usual } else { text }.to_owned();
        let head: [String; 12] = [
            "MSH".into(),
            marks,
            self.field(5).into(),
            self.field(6).into(),
            self.field(3).into(),
            self.field(4).into(),
            time,
            String::new(),
            kind,
            id,
            or(self.field(11), "P"),
            or(self.field(12), "2.4"),
        ];
        let separator = field.to_string();
        let mut lines = vec![head.join(&separator)];
        let id = self.control_id().unwrap_or_default();
        lines.push(
            ["MSA", code, id, &text]
                .join(&separator)
                .trim_end_matches(field)
                .to_owned(),
        );
        if let Some(why) = why {
            let (code, words) = condition(answer, why);
            let condition = format!("{code}{component}{words}{component}HL70357");
            let place = self.place(&why.field);
            lines.push(["ERR", "", &place, &condition, "E", "", "", "", &text].join(&separator));
        }
        format!("\u{b}{}\r\u{1c}\r", lines.join("\r")).into_bytes()
    }

    /// ERR-2: the segment, its sequence and the field, of a name such as `PID-3`; empty where it names no segment.
    fn place(&self, name: &str) -> String {
        let [_, component, ..] = self.separators;
        match name.split_once('-') {
            Some((segment, field)) => format!("{segment}{component}1{component}{field}"),
            None if name.len() == 3 => name.to_owned(),
            None => String::new(),
        }
    }

    fn escaped(&self, text: &str) -> String {
        let [_, _, _, escape, _] = self.separators;
        let names = ['F', 'S', 'R', 'E', 'T'];
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            match self.separators.iter().zip(names).find(|(mark, _)| **mark == character) {
                Some((_, name)) => out.extend([escape, name, escape]),
                None => out.push(character),
            }
        }
        out
    }

    /// MSH-`number`; the separator itself is MSH-1.
    fn field(&self, number: usize) -> &str {
        self.fields.get(number - 1).map_or("", String::as_str)
    }
}

/// The condition that is nearest (HL7 table 0357).
fn condition(answer: &Answer, why: &Untranslatable) -> (u16, &'static str) {
    match (answer, why.field.as_str()) {
        (_, "MSH-9") => (200, "Unsupported message type"),
        (_, "MSH-11") => (202, "Unsupported processing id"),
        (_, "MSH" | "frame") => (100, "Segment sequence error"),
        (Answer::Reject(_), "outbox") => (207, "Application internal error"),
        _ if why.rule.contains("is missing") => (101, "Required field missing"),
        _ => (102, "Data type error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(message: &str, answer: &Answer) -> String {
        let bytes = Head::of(message.as_bytes()).answered(answer, Timestamp::UNIX_EPOCH, 7);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_answer_goes_back_to_its_sender_with_the_control_id() {
        let answer = answered(
            "MSH|^~\\&|PAS|RWIG|TIE|HUB|2026||ADT^A01^ADT_A01|C-1|P|2.4\rPID|",
            &Answer::Accept,
        );
        let expected = "\u{b}MSH|^~\\&|TIE|HUB|PAS|RWIG|19700101000000+0000||ACK^A01|0-7|P|2.4\rMSA|AA|C-1\r\u{1c}\r";
        assert_eq!(answer, expected);
    }

    #[test]
    fn a_reason_is_in_the_words_and_marks_of_the_message() {
        let why = Untranslatable::new("MSH-9", "is not ADT$A03");
        let answer = answered("MSH*$~\\&*PAS****2026**ORU$R01*C-1*P*2.4", &Answer::Reject(why));
        assert!(answer.contains("\rMSA*AR*C-1*MSH-9: is not ADT\\S\\A03\r"), "{answer}");
        assert!(
            answer.contains("\rERR**MSH$1$9*200$Unsupported message type$HL70357*E****MSH-9: is not ADT\\S\\A03\r")
        );
    }

    #[test]
    fn what_is_no_message_at_all_is_answered_without_an_id() {
        for message in ["", "MSH", "MSHABCDEFG", "hello", "MSH|^"] {
            let why = Untranslatable::new("MSH", "is not the head of an HL7 v2 message");
            assert!(
                answered(message, &Answer::Reject(why)).contains("\rMSA|AR||MSH: is not"),
                "{message}"
            );
        }
    }
}
