//! Files of JSON records: one array of objects, or objects one after another (NDJSON). One object in memory at a time.
//! Pure. It never lets one bad record keep another back, as long as its braces close.

use std::{
    io::{BufRead, BufReader, Bytes, Read},
    sync::Arc,
};

use serde_json::Value;

use crate::draft::{FileError, Input, Piece, Pieces, Placed, Untranslatable};

/// How long one record may be, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Looks whether a file begins as JSON does, and gives its content back.
///
/// # Errors
///
/// [`FileError::Unreadable`].
pub fn sniff(input: Input) -> Result<(bool, Input), FileError> {
    let mut input = BufReader::new(input);
    let begun = input.fill_buf().map_err(unreadable)?;
    let begun = begun.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begun);
    let first = begun.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok((matches!(first, Some(b'{' | b'[')), Box::new(input)))
}

/// Reads each record, in order, with its number: the first is `record 1`. What ends the file early ends the records.
pub fn each<T: 'static>(
    input: Input,
    mut read: impl FnMut(&Value) -> Result<T, Untranslatable> + 'static,
) -> Pieces<T> {
    let mut number = 0_u64;
    let texts = Texts {
        bytes: BufReader::new(input).bytes(),
        before_first: true,
        ended: false,
    };
    Box::new(texts.map(move |text| {
        let text = text?;
        number += 1;
        // serde_json's own message may repeat a value; its place in the record does not.
        let parsed = serde_json::from_str(&text).map_err(|error| {
            let rule = format!("is not JSON (line {}, column {})", error.line(), error.column());
            Untranslatable::new("record", rule)
        });
        Ok(Placed {
            place: format!("record {number}"),
            content: parsed.and_then(|value| read(&value)),
            piece: Piece::Text(Arc::from(text)),
        })
    }))
}

/// The text of a member that is a string, a number, true or false; empty if it is absent or null.
pub fn text(record: &Value, pointer: &str) -> String {
    match record.pointer(pointer) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => String::new(),
    }
}

/// Reads a member that may be absent, null or empty. `pointer` is a JSON pointer, whose last part names the field.
///
/// # Errors
///
/// The field with the rule it broke.
pub fn optional<T>(
    record: &Value,
    pointer: &str,
    read: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, Untranslatable> {
    let name = pointer.trim_start_matches('/').replace('/', ".");
    match text(record, pointer).as_str() {
        "" => match record.pointer(pointer) {
            None | Some(Value::Null | Value::String(_)) => Ok(None),
            Some(_) => Err(Untranslatable::new(name, "is not a single value")),
        },
        text => read(text).map(Some).map_err(|rule| Untranslatable::new(name, rule)),
    }
}

/// Reads a member that must be there.
///
/// # Errors
///
/// The field with the rule it broke, or that it is missing.
pub fn required<T>(
    record: &Value,
    pointer: &str,
    read: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<T, Untranslatable> {
    let name = || pointer.trim_start_matches('/').replace('/', ".");
    optional(record, pointer, read)?.ok_or_else(|| Untranslatable::new(name(), "is missing"))
}

/// The texts of the objects of a file.
struct Texts<R> {
    bytes: Bytes<R>,
    before_first: bool,
    ended: bool,
}

impl<R: Read> Iterator for Texts<R> {
    type Item = Result<String, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.object().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<R: Read> Texts<R> {
    /// The next object between commas, brackets and white space.
    fn object(&mut self) -> Result<Option<String>, FileError> {
        loop {
            match self.byte()? {
                None | Some(b']') => return Ok(None),
                Some(b'{') => return self.rest_of_object().map(Some),
                Some(b'[') if self.before_first => {}
                Some(b',' | b' ' | b'\t' | b'\r' | b'\n') => {}
                // The three bytes of a byte order mark.
                Some(0xef | 0xbb | 0xbf) if self.before_first => continue,
                Some(_) => return Err(malformed("something other than an object stands where a record should")),
            }
        }
    }

    fn rest_of_object(&mut self) -> Result<String, FileError> {
        self.before_first = false;
        let (mut text, mut depth, mut in_string, mut escaped) = (vec![b'{'], 1_u32, false, false);
        while depth > 0 {
            let byte = self.byte()?.ok_or_else(|| malformed("it breaks off within a record"))?;
            if text.len() >= LONGEST {
                return Err(malformed("a record is longer than 1 MiB"));
            }
            text.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' if !in_string => depth += 1,
                b'}' if !in_string => depth -= 1,
                _ => {}
            }
        }
        String::from_utf8(text).map_err(|_| FileError::NotUtf8)
    }

    fn byte(&mut self) -> Result<Option<u8>, FileError> {
        self.bytes.next().transpose().map_err(unreadable)
    }
}

fn malformed(rule: &str) -> FileError {
    FileError::Malformed {
        format: "a list of JSON records",
        rule: rule.to_owned(),
    }
}

fn unreadable(error: std::io::Error) -> FileError {
    FileError::Unreadable {
        rule: error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn ids(file: &[u8]) -> Vec<Result<Result<String, String>, FileError>> {
        let records = each(Box::new(Cursor::new(file.to_vec())), |record| {
            required(record, "/a/id", |text| Ok(text.to_owned()))
        });
        records
            .map(|one| Ok(one?.content.map_err(|why| why.to_string())))
            .collect()
    }

    #[test]
    fn an_array_and_objects_one_after_another_are_read_alike() {
        let expected = [Ok(Ok("1".to_owned())), Ok(Ok("}\"{".to_owned()))];
        let (one, two) = (r#"{"a":{"id":1}}"#, r#"{"a":{"id":"}\"{"}}"#);
        assert_eq!(ids(format!("[{one},\n {two}]").as_bytes()), expected);
        assert_eq!(ids(format!("\u{feff}{one}\n{two}\n").as_bytes()), expected);
        assert!(ids(b"[]").is_empty());
    }

    #[test]
    fn a_bad_record_keeps_no_other_back_and_is_not_repeated() {
        let found = ids(br#"[{"Secret"},{"a":{"id":[]}},{"a":{"id":"x"}}]"#);
        let bad = found[0].as_ref().unwrap().as_ref().unwrap_err();
        assert!(
            bad.starts_with("record: is not JSON") && !bad.contains("Secret"),
            "{bad}"
        );
        assert_eq!(found[1], Ok(Err("a.id: is not a single value".to_owned())));
        assert_eq!(found[2], Ok(Ok("x".to_owned())));
    }

    #[test]
    fn a_file_that_breaks_off_says_so() {
        for file in [&b"[{\"a\":"[..], b"[1]", b"{\"a\":\"\xe9\"}"] {
            assert!(ids(file).pop().unwrap().is_err(), "{file:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_records_panic(file in proptest::collection::vec(any::<u8>(), 0..256)) {
            let (_, input) = sniff(Box::new(Cursor::new(file.clone()))).unwrap();
            prop_assert!(each(input, |_| Ok(())).count() <= file.len());
        }
    }
}
