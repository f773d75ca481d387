//! The ids of signals in the text of entries: sixteen bytes each, written there in 36, which LZ4 cannot shorten.
//! Takes them out and puts them back, and changes nothing else.

use memchr::memmem;
use uuid::{Uuid, fmt::Hyphenated};

/// Stands where an id was taken out. JSON never has this byte (RFC 8259, section 7).
pub(super) const MARK: u8 = 0x01;
/// How much longer a text is for each id that is put back.
pub(super) const LONGER: usize = Hyphenated::LENGTH - 1;
/// What goes before an id.
const BEFORE: &[u8] = b"\"signal\":\"";

/// Adds a text to `rest`, without the ids that are written as entries write them (RFC 9562, section 4, in small letters), and
/// these to `ids`. The text must be without the mark.
pub(super) fn take_out(text: &[u8], rest: &mut Vec<u8>, ids: &mut Vec<[u8; 16]>) {
    let mut taken = 0;
    for at in memmem::find_iter(text, BEFORE) {
        let start = at + BEFORE.len();
        let written = text.get(start..).and_then(<[u8]>::first_chunk);
        if let (Some(id), Some(between)) = (written.and_then(read), text.get(taken..start)) {
            rest.extend_from_slice(between);
            rest.push(MARK);
            ids.push(id);
            taken = start + Hyphenated::LENGTH;
        }
    }
    rest.extend_from_slice(text.get(taken..).unwrap_or_default());
}

/// The text from which these ids were taken out; `None` if there are too few.
pub(super) fn put_back<'i>(rest: &[u8], ids: &mut impl Iterator<Item = &'i [u8; 16]>) -> Option<Vec<u8>> {
    let marks = memchr::memchr_iter(MARK, rest).count();
    let mut text = Vec::with_capacity(rest.len() + LONGER * marks);
    let mut parts = rest.split(|byte| *byte == MARK);
    text.extend_from_slice(parts.next()?);
    for part in parts {
        let id = Uuid::from_bytes_ref(ids.next()?).hyphenated();
        text.extend_from_slice(id.encode_lower(&mut [0; Hyphenated::LENGTH]).as_bytes());
        text.extend_from_slice(part);
    }
    Some(text)
}

/// The id, if it is written so and no other way.
fn read(written: &[u8; Hyphenated::LENGTH]) -> Option<[u8; 16]> {
    let id = Uuid::try_parse_ascii(written).ok()?;
    let small = !written.iter().any(u8::is_ascii_uppercase);
    small.then(|| id.into_bytes())
}
