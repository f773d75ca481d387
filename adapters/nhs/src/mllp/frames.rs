//! Finds messages in what comes over a connection: the minimal lower layer protocol (HL7 v2, appendix C), 0x0B … 0x1C 0x0D.
//! Pure. It never keeps more than one message of the longest length and what came with its end.

/// Begins a message.
const START: u8 = 0x0B;
/// Ends a message, before a carriage return.
const END: u8 = 0x1C;
/// How many bytes other than white space may stand between messages before the sender is taken for something else.
const NOISE: usize = 1024;
/// How much of a message that is too long is kept, so that its head can be answered.
const HEAD: usize = 4096;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A message, without its frame.
    Message(Vec<u8>),
    /// A message without an end: the next one began within it. What there was of it.
    Unended(Vec<u8>),
    /// A message that is too long. Its beginning.
    TooLong(Vec<u8>),
    /// Too much that belongs to no message.
    Noise,
}

/// What has come and was not yet found to be anything.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Whether a message has begun.
    is_open: bool,
    /// How many bytes of the message that has begun hold neither start nor end.
    looked: usize,
    noise: usize,
    longest: usize,
}

impl Frames {
    /// Nothing yet; messages may be this long, in bytes.
    pub fn new(longest: usize) -> Self {
        Self {
            bytes: Vec::new(),
            is_open: false,
            looked: 0,
            noise: 0,
            longest,
        }
    }

    /// Where to put what comes next, at its end.
    pub fn end(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Whether a message has begun and not ended.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// The beginning of the message that has not ended.
    pub fn beginning(&self) -> &[u8] {
        self.bytes.get(..HEAD).unwrap_or(&self.bytes)
    }

    fn too_long(&mut self) -> Found {
        self.looked = 0;
        Found::TooLong(head(std::mem::take(&mut self.bytes)))
    }
}

/// What is found, as far as enough has come: after more has come there may be more.
impl Iterator for Frames {
    type Item = Found;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.is_open {
            let start = self.bytes.iter().position(|byte| *byte == START);
            let before = self.bytes.drain(..start.map_or(self.bytes.len(), |at| at + 1));
            // The carriage return behind an end lands here, and whatever line ends senders add.
            self.noise += before
                .filter(|byte| *byte != START && !byte.is_ascii_whitespace())
                .count();
            if self.noise > NOISE {
                (self.is_open, self.looked, self.noise) = (start.is_some(), 0, 0);
                return Some(Found::Noise);
            }
            start?;
            (self.is_open, self.looked, self.noise) = (true, 0, 0);
        }
        // Every turn takes bytes away or ends here, so a caller that asks until there is nothing more is done in the end.
        let mut fresh = self.bytes.iter().skip(self.looked);
        let Some(at) = fresh.position(|byte| matches!(*byte, START | END)) else {
            self.looked = self.bytes.len();
            return (self.looked > self.longest).then(|| self.too_long());
        };
        let at = self.looked + at;
        self.looked = 0;
        let rest = self.bytes.split_off(at);
        let message = std::mem::replace(&mut self.bytes, rest);
        self.is_open = self.bytes.first() == Some(&START);
        self.bytes.drain(..1);
        Some(if message.len() > self.longest {
            Found::TooLong(head(message))
        } else if self.is_open {
            Found::Unended(message)
        } else {
            Found::Message(message)
        })
    }
}

fn head(mut message: Vec<u8>) -> Vec<u8> {
    message.truncate(HEAD);
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All that is found when the bytes come in pieces of this length.
    fn found(bytes: &[u8], piece: usize, longest: usize) -> Vec<Found> {
        let mut frames = Frames::new(longest);
        let mut all = Vec::new();
        for piece in bytes.chunks(piece) {
            frames.end().extend_from_slice(piece);
            all.extend(frames.by_ref());
        }
        all
    }

    #[test]
    fn two_messages_that_come_together_are_two() {
        let expected = [Found::Message(b"one".into()), Found::Message(b"two".into())];
        for piece in 1..14 {
            assert_eq!(found(b"\r\n\x0bone\x1c\r\x0btwo\x1c\r", piece, 10), expected);
        }
    }

    #[test]
    fn a_message_without_an_end_does_not_swallow_the_next() {
        let expected = [Found::Unended(b"one".into()), Found::Message(b"two".into())];
        assert_eq!(found(b"\x0bone\x0btwo\x1c\r", 3, 10), expected);
        assert_eq!(found(b"\x0bone", 3, 10), []);
    }

    #[test]
    fn a_message_is_too_long_before_its_end_has_come() {
        assert_eq!(
            found(b"\x0b0123456789a", 12, 10),
            [Found::TooLong(b"0123456789a".into())]
        );
        assert_eq!(
            found(b"\x0b0123456789\x1c", 12, 10),
            [Found::Message(b"0123456789".into())]
        );
    }

    #[test]
    fn a_sender_of_something_else_is_found_out() {
        assert_eq!(found(&b"GET / HTTP/1.1\r\n".repeat(100), 1600, 10), [Found::Noise]);
    }

    proptest! {
        #[test]
        fn how_the_bytes_come_changes_nothing(
            bytes in proptest::collection::vec(prop_oneof![Just(START), Just(END), Just(b'\r'), any::<u8>()], 0..200),
            piece in 1..50usize,
        ) {
            prop_assert_eq!(found(&bytes, piece, 300), found(&bytes, 200, 300));
        }
    }
}
