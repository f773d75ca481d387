//! A file before any of it is used: its length, its digest, its encoding; and then its content as UTF-8.
//! It never holds more than a few kilobytes of it, and never guesses an encoding that the adapter does not allow.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufReader, Read, Seek},
};

use encoding_rs::{Decoder, WINDOWS_1252};
use ring::digest::{Context, SHA256};

use crate::draft::{FileError, Input};

/// The encodings that an adapter's files may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encodings {
    /// UTF-8 alone.
    Utf8,
    /// Whatever the adapter makes of the bytes: it reads from them how they are encoded.
    Stated,
    /// UTF-8, or else Windows-1252, as older systems write CSV. A file is wholly one or the other.
    Utf8OrWindows1252,
}

/// What is known of a file once all of it has been passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Its length in bytes.
    pub length: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Whether all of it is UTF-8.
    pub is_utf8: bool,
}

impl Survey {
    /// Passes over a whole file, and goes back to its start.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of(mut file: &File) -> io::Result<Self> {
        let (mut digest, mut length, mut utf8) = (Context::new(&SHA256), 0, Utf8::default());
        let mut buffer = vec![0; 64 * 1024];
        file.rewind()?;
        loop {
            let count = file.read(&mut buffer)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
                break;
            };
            digest.update(read);
            utf8.feed(read);
            length += read.len() as u64;
        }
        file.rewind()?;
        let digest = digest.finish();
        Ok(Self {
            length,
            sha256: digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
            is_utf8: utf8.ends_well(),
        })
    }
}

/// The content of a file from where it stands, as UTF-8 or as the adapter reads it.
///
/// # Errors
///
/// [`FileError::NotUtf8`] if it is not, and the adapter allows nothing else; [`FileError::Empty`] if there is none.
pub fn content(file: File, survey: &Survey, encodings: Encodings) -> Result<Input, FileError> {
    if survey.length == 0 {
        return Err(FileError::Empty);
    }
    match encodings {
        _ if survey.is_utf8 => Ok(Box::new(file)),
        Encodings::Stated => Ok(Box::new(file)),
        Encodings::Utf8 => Err(FileError::NotUtf8),
        Encodings::Utf8OrWindows1252 => Ok(Box::new(Decoded {
            from: BufReader::new(file),
            decoder: WINDOWS_1252.new_decoder_without_bom_handling(),
            ready: Vec::new(),
            given: 0,
        })),
    }
}

/// Reads UTF-8 out of bytes of another encoding.
struct Decoded<R> {
    from: R,
    decoder: Decoder,
    ready: Vec<u8>,
    given: usize,
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            let mut bytes = [0; 4096];
            let count = self.from.read(&mut bytes)?;
            let read = bytes.get(..count).unwrap_or_default();
            let mut text = String::with_capacity(self.decoder.max_utf8_buffer_length(count).unwrap_or(3 * count));
            let _ = self.decoder.decode_to_string(read, &mut text, false);
            self.ready = text.into_bytes();
            self.given = 0;
        }
        let count = self.ready.get(self.given..).unwrap_or_default().read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

/// Finds out whether bytes that come in pieces are UTF-8.
#[derive(Default)]
struct Utf8 {
    bad: bool,
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl Utf8 {
    fn feed(&mut self, bytes: &[u8]) {
        if self.bad {
            return;
        }
        let mut whole = std::mem::take(&mut self.begun);
        whole.extend_from_slice(bytes);
        if let Err(error) = std::str::from_utf8(&whole) {
            match error.error_len() {
                Some(_) => self.bad = true,
                None => self.begun = whole.split_off(error.valid_up_to()),
            }
        }
    }

    fn ends_well(&self) -> bool {
        !self.bad && self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], encodings: Encodings) -> Result<String, FileError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let survey = Survey::of(&file).unwrap();
        let mut text = String::new();
        content(file, &survey, encodings)?.read_to_string(&mut text).unwrap();
        Ok(text)
    }

    #[test]
    fn an_old_file_is_read_where_the_adapter_allows_it() {
        let old = b"name,rent\nSam\xe9,\xa35 \x96 due\n";
        let text = read(old, Encodings::Utf8OrWindows1252).unwrap();
        assert_eq!(text, "name,rent\nSamé,£5 – due\n");
        assert_eq!(read(old, Encodings::Utf8), Err(FileError::NotUtf8));
        assert_eq!(read(b"", Encodings::Stated), Err(FileError::Empty));
    }

    #[test]
    fn a_digest_is_the_one_that_other_tools_print() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Survey::of(&file).unwrap().sha256, expected);
    }

    proptest! {
        #[test]
        fn pieces_are_judged_as_the_whole(
            text in ".{0,40}",
            junk in proptest::collection::vec(any::<u8>(), 0..4),
            size in 1..5usize,
        ) {
            let bytes = [text.as_bytes(), &junk].concat();
            let mut utf8 = Utf8::default();
            bytes.chunks(size).for_each(|piece| utf8.feed(piece));
            prop_assert_eq!(utf8.ends_well(), std::str::from_utf8(&bytes).is_ok());
        }

        #[test]
        fn every_byte_of_an_old_file_becomes_one_character(bytes in proptest::collection::vec(1..=255u8, 1..9000)) {
            let text = read(&bytes, Encodings::Utf8OrWindows1252).unwrap();
            if std::str::from_utf8(&bytes).is_err() {
                prop_assert_eq!(text.chars().count(), bytes.len());
            }
        }
    }
}
