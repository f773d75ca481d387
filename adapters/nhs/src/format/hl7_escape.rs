//! Reads the escape sequences of HL7 v2 text (HL7 2.4, section 2.10): `\F\`, `\S\`, `\T\`, `\R\`, `\E\`, `\Xhh\`.
//! Pure. What it does not know it leaves as it stands, so that nothing of a name is lost.

use hl7_parser::message::Separators;

/// The text without its escapes.
pub(super) fn decode(raw: &str, separators: &Separators) -> String {
    let escape = separators.escape;
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once(escape) {
        text.push_str(before);
        let known = after
            .split_once(escape)
            .and_then(|(sequence, after)| Some((meaning(sequence, separators)?, after)));
        match known {
            Some((meaning, after)) => {
                text.push_str(&meaning);
                rest = after;
            }
            None => {
                text.push(escape);
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

fn meaning(sequence: &str, separators: &Separators) -> Option<String> {
    let mark = match sequence {
        "F" => separators.field,
        "S" => separators.component,
        "T" => separators.subcomponent,
        "R" => separators.repetition,
        "E" => separators.escape,
        // Highlighting begins and ends; a line break within a field of one line is a space.
        "H" | "N" => return Some(String::new()),
        ".br" => ' ',
        _ => return hexadecimal(sequence.strip_prefix('X')?),
    };
    Some(mark.to_string())
}

/// Bytes by their digits: UTF-8 if they are that, else ISO 8859-1.
fn hexadecimal(digits: &str) -> Option<String> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|it| it.len() == 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    let bytes = bytes.filter(|bytes| !bytes.is_empty())?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(raw: &str) -> String {
        decode(raw, &Separators::default())
    }

    #[test]
    fn escapes_are_read_and_what_is_none_is_left() {
        for (raw, text) in [
            (r"Smith \T\ Sons", "Smith & Sons"),
            (r"a\F\b\S\c\R\d\E\e", r"a|b^c~d\e"),
            (r"caf\XE9\ \XC3A9\", "café é"),
            (r"\H\bold\N\", "bold"),
            (r"one\.br\two", "one two"),
            (r"é\é.\", r"é\é.\"),
            (r"C:\Users", r"C:\Users"),
            (r"\X\ \XG1\ \X123\", r"\X\ \XG1\ \X123\"),
            (r"\", r"\"),
        ] {
            assert_eq!(read(raw), text, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn text_without_escapes_is_left_as_it_is(text in "[^\\\\]{0,40}") {
            prop_assert_eq!(read(&text), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\\\XFSTRE0-9a-fé.]{0,40}") {
            let _ = read(&text);
        }
    }
}
