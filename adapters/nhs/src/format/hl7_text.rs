//! Cuts what comes into HL7 v2 messages, and each into its segments, whatever the line ends and the character set.
//! It never holds more than one message, and never takes a line for a part of another segment.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

use placehub_delivery::{FileError, Untranslatable};

/// The longest message of a file, in bytes.
const LONGEST: usize = 1024 * 1024;

/// The messages of a file or frame, each as its bytes without what stands around it.
pub(super) struct Messages<R> {
    input: BufReader<R>,
    /// The message that has begun.
    begun: Vec<u8>,
    is_done: bool,
}

impl<R: Read> Messages<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::new(input),
            begun: Vec::new(),
            is_done: false,
        }
    }

    /// The next line with its end; empty if there is none.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let ready = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                ready => ready?,
            };
            let end = ready.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let count = end.map_or(ready.len(), |at| at + 1);
            line.extend(ready.iter().take(count));
            self.input.consume(count);
            if end.is_some() || count == 0 || line.len() > LONGEST {
                return Ok(line);
            }
        }
    }

    /// Takes lines up to the head of the message after this one.
    fn message(&mut self) -> Result<Vec<u8>, FileError> {
        loop {
            let line = self.line().map_err(|error| FileError::Unreadable {
                rule: error.kind().to_string(),
            })?;
            self.is_done = line.is_empty();
            if self.is_done || is_head(trimmed(&line)) {
                let whole = std::mem::replace(&mut self.begun, line);
                return Ok(trimmed(&whole).to_vec());
            }
            self.begun.extend(line);
            if self.begun.len() > LONGEST {
                let rule = format!("a message of it is longer than {LONGEST} bytes");
                let format = "HL7 v2";
                return Err(FileError::Malformed { format, rule });
            }
        }
    }
}

impl<R: Read> Iterator for Messages<R> {
    type Item = Result<Vec<u8>, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_done {
            match self.message() {
                Ok(message) if message.is_empty() => {}
                Ok(message) => return Some(Ok(message)),
                Err(error) => {
                    self.is_done = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// The message in the character set that MSH-18 names (HL7 table 0211).
///
/// # Errors
///
/// `MSH-18`, if it names none that is read here, or not that of the message.
pub(super) fn decoded(message: &[u8]) -> Result<Cow<'_, str>, Untranslatable> {
    let line = message.split(|byte| matches!(byte, b'\r' | b'\n')).next();
    let line = line.unwrap_or_default();
    let [field, repetition] = [3, 5].map(|at| line.get(at).copied().unwrap_or_default());
    let set = line.split(|byte| *byte == field).nth(17).unwrap_or_default();
    match set.split(|byte| *byte == repetition).next().unwrap_or_default() {
        b"8859/1" => Ok(message.iter().map(|byte| char::from(*byte)).collect()),
        b"" | b"ASCII" | b"UNICODE" | b"UNICODE UTF-8" | b"UTF-8" => std::str::from_utf8(message)
            .map(Cow::Borrowed)
            .map_err(|_| Untranslatable::new("MSH-18", "does not name the character set of the message")),
        _ => Err(Untranslatable::new(
            "MSH-18",
            "is neither empty, ASCII, UNICODE UTF-8 nor 8859/1",
        )),
    }
}

/// The message with a carriage return between its segments, and without those that hold nothing but their name.
///
/// A message with carriage returns has them as its line ends: a line feed within a segment is text then, unless it stands
/// where another segment seems to begin.
///
/// # Errors
///
/// A segment by its number, if a line is no segment, or seems to be two: what stands there is never passed over. `MSH`, if there are line feeds
/// and this is not `lenient`: segments end with a carriage return and nothing else (HL7 2.4, section 2.8).
pub(super) fn segments(message: &str, lenient: bool) -> Result<String, Untranslatable> {
    let has_returns = message.contains('\r');
    if !lenient && message.contains('\n') {
        let rule = "has line feeds, where segments end with carriage returns";
        return Err(Untranslatable::new("MSH", rule));
    }
    let separator = message.chars().nth(3).unwrap_or('|');
    let lines = message.split(if has_returns { '\r' } else { '\n' });
    let lines = lines.map(|line| line.strip_prefix('\n').unwrap_or(line).trim_end());
    let mut whole = String::with_capacity(message.len());
    for (index, line) in lines.filter(|line| !line.is_empty()).enumerate() {
        let swallowed = |line: &str| {
            let (name, rest) = line.split_at_checked(3).unwrap_or_default();
            rest.starts_with(separator)
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        if line.split('\n').skip(1).any(swallowed) {
            let rule = "has a line feed where another segment begins, beside carriage returns";
            return Err(Untranslatable::new(format!("segment {}", index + 1), rule));
        }
        let (name, rest) = line.split_at_checked(3).unwrap_or((line, ""));
        let is_name = name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match rest.chars().next() {
            None if is_name => {}
            Some(first) if is_name && first == separator => {
                if index > 0 {
                    whole.push('\r');
                }
                whole.push_str(&without_truncation_mark(line));
            }
            _ => {
                let rule = "does not begin with three characters and the field separator";
                return Err(Untranslatable::new(format!("segment {}", index + 1), rule));
            }
        }
    }
    Ok(whole)
}

/// Version 2.7 and later may have a fifth encoding character, `#`, which the parser would take for a field of its own.
fn without_truncation_mark(line: &str) -> Cow<'_, str> {
    match line.strip_prefix(r"MSH|^~\&#|") {
        Some(rest) => format!(r"MSH|^~\&|{rest}").into(),
        None => line.into(),
    }
}

/// Whether a line begins a message.
fn is_head(line: &[u8]) -> bool {
    let mark = line.strip_prefix(b"MSH").and_then(<[u8]>::first);
    mark.is_some_and(|mark| !mark.is_ascii_alphanumeric())
}

/// Without white space and the marks of a frame around it: an interface engine that writes frames to files leaves them in.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let outside = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control();
    let begin = bytes.iter().position(|byte| !outside(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !outside(byte)).map_or(begin, |at| at + 1);
    bytes.get(begin..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages(bytes: &[u8]) -> Vec<String> {
        Messages::new(bytes)
            .map(|message| String::from_utf8(message.unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn messages_are_told_apart_whatever_stands_between_them() {
        let (one, two) = ("MSH|^~\\&|A\rPID|1\nmore", "MSH|^~\\&|B\nPID|2");
        for between in ["\r", "\n", "\r\n", "\r\n\r\n", "\u{1c}\r\u{b}", "\r\u{1c}\r\u{b}"] {
            let file = format!("\u{b}{one}{between}{two}\u{1c}\r");
            assert_eq!(messages(file.as_bytes()), [one, two], "{between:?}");
        }
        assert_eq!(messages(b" \r\n\x1c"), [""; 0]);
    }

    #[test]
    fn a_file_that_is_one_endless_message_is_not_read_to_its_end() {
        let endless = io::Cursor::new("MSH|^~\\&|A\rNTE|").chain(io::repeat(b'x'));
        let mut messages = Messages::new(endless);
        assert!(matches!(messages.next(), Some(Err(FileError::Malformed { .. }))));
        assert!(messages.next().is_none());
    }

    #[test]
    fn a_line_feed_is_text_where_carriage_returns_end_the_segments() {
        let read = |text| segments(text, true).unwrap();
        assert_eq!(
            read("MSH|^~\\&|A\rNTE|one\ntwo\rPV1|1"),
            "MSH|^~\\&|A\rNTE|one\ntwo\rPV1|1"
        );
        for text in ["MSH|^~\\&|A\nPV1|1", "MSH|^~\\&|A\r\nPV1|1", "MSH|^~\\&|A\rPV1|1"] {
            assert_eq!(read(text), "MSH|^~\\&|A\rPV1|1");
        }
    }

    #[test]
    fn a_line_feed_never_swallows_a_segment_where_carriage_returns_end_the_others() {
        for text in [
            "MSH|^~\\&|A\rPID|1\nPV1|1|E\r",
            "MSH|^~\\&|A\rPID|1\n\nPV1|1|E",
            "MSH|^~\\&|A\rPID|1\ntext\nZZ1|",
        ] {
            assert_eq!(segments(text, true).unwrap_err().field, "segment 2", "{text:?}");
        }
        for text in ["MSH|^~\\&|A\rNTE|one\nPV1", "MSH|^~\\&|A\rNTE|one\nand|two"] {
            assert_eq!(segments(text, true), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_segment_that_is_only_a_name_is_left_out_and_a_line_that_is_none_refuses_the_message() {
        let read = |text: &str| segments(text, true);
        assert_eq!(read("MSH|^~\\&|A\rPD1\rPV1|1"), Ok("MSH|^~\\&|A\rPV1|1".into()));
        for line in ["Sample", "PD", "PD1^x", " PV1|1", "é|1|2"] {
            let why = read(&format!("MSH|^~\\&|A\rPID|1\r{line}\rPV1|1")).unwrap_err();
            assert_eq!(why.field, "segment 3", "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_between_the_heads_is_lost(bodies in proptest::collection::vec("[A-Z|]{1,20}(\r[A-Z|]{1,20}){0,4}", 1..6)) {
            let whole: Vec<String> = bodies
                .iter()
                .map(|body| format!("MSH|^~\\&|A\rX{}", body.replace("MSH", "MSX")))
                .collect();
            prop_assert_eq!(messages(whole.join("\r").as_bytes()), whole);
        }
    }
}
