//! Signed notes and their keys (C2SP signed-note, Ed25519 signatures of type `0x01`).
//! Never looks into the text of a note, and gives out no text that a known key has not signed.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use zeroize::Zeroizing;

use crate::key::{PublicKey, check_name};

/// The byte of Ed25519 among the signature types of signed-note.
const ED25519_TYPE: u8 = 1;

/// More signatures than this are not read. signed-note asks for 16 at least.
const MOST_SIGNATURES: usize = 100;

/// Signs notes under a name. Prints as that name alone.
pub struct Signer {
    key: VerifierKey,
    pair: Ed25519KeyPair,
}

/// What one needs to check a signer's notes. As text (`vkey` of signed-note):
/// the name, `+`, the key id in eight hexadecimal digits, `+`, and type byte and public key in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey(PublicKey);

/// A note or key that is not what it claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteInvalid {
    /// The text breaks the form of notes, keys or checkpoints.
    #[error("it breaks the rule that {0}")]
    Form(&'static str),
    /// The name of a key does not fit.
    #[error("a key's name is not empty and has no spaces, plus signs or control characters")]
    Name,
    /// The note speaks for another log.
    #[error("its origin is not the name of the key")]
    Origin,
    /// The private key cannot be used or made.
    #[error("it is not an Ed25519 private key in PKCS #8 form")]
    PrivateKey,
    /// A signature that claims to be by the key is not.
    #[error("its signature is wrong")]
    Signature,
    /// The key has not signed the note.
    #[error("it has no signature by the key")]
    Unsigned,
}

impl Signer {
    /// A signer whose notes carry `origin` as the name of their key, from an Ed25519 key in PKCS #8 form
    /// (RFC 5958, version 1 or 2).
    ///
    /// # Errors
    /// If the bytes are no such key, or the origin cannot be the name of a key.
    pub fn from_pkcs8(origin: &str, bytes: &[u8]) -> Result<Self, NoteInvalid> {
        let (pair, public) = read_pkcs8(bytes)?;
        let key = VerifierKey(PublicKey::new(ED25519_TYPE, origin, public)?);
        Ok(Self { key, pair })
    }

    /// A new private key in PKCS #8 form (version 2).
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn generate_pkcs8() -> Result<Zeroizing<Vec<u8>>, NoteInvalid> {
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map(|document| Zeroizing::new(document.as_ref().to_vec()))
            .map_err(|_| NoteInvalid::PrivateKey)
    }

    /// What others need to check the notes.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }

    /// The note of a text that ends in a line feed.
    pub(crate) fn sign(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        format!("{text}\n{}", signature_line(&self.key.0, &[signature.as_ref()]))
    }
}

impl VerifierKey {
    /// The name of the key, which is the origin of its log.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The signed text of a note: what stands before the blank line, and nothing else.
    /// Signatures by other keys, such as witnesses' cosignatures, must be well formed and are passed over.
    ///
    /// # Errors
    /// If the note breaks the form, this key has not signed it, or a signature that claims to be by this key is wrong.
    pub fn open<'n>(&self, note: &'n str) -> Result<&'n str, NoteInvalid> {
        let (text, signatures) = read(note)?;
        let mut signed = false;
        for one in signatures.iter().filter(|one| self.0.is_named_by(one)) {
            self.0.verify(text.as_bytes(), &one.bytes)?;
            signed = true;
        }
        if signed { Ok(text) } else { Err(NoteInvalid::Unsigned) }
    }
}

impl FromStr for VerifierKey {
    type Err = NoteInvalid;

    fn from_str(text: &str) -> Result<Self, NoteInvalid> {
        PublicKey::parse(ED25519_TYPE, text).map(Self)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.key.name())
    }
}

/// A signature of a note, by whomever.
pub(crate) struct Signature<'n> {
    /// The name that it gives.
    pub(crate) name: &'n str,
    /// The id of the key that it gives.
    pub(crate) id: [u8; 4],
    /// What is signed with, in the form of its type.
    pub(crate) bytes: Vec<u8>,
    /// Its line, without the line feed.
    pub(crate) line: &'n str,
}

/// The text of a note, and its signatures, of which nothing is checked but the form.
pub(crate) fn read(note: &str) -> Result<(&str, Vec<Signature<'_>>), NoteInvalid> {
    let (text, lines) = split(note)?;
    let mut signatures = Vec::new();
    for (count, line) in lines.split('\n').enumerate() {
        if count >= MOST_SIGNATURES {
            return Err(NoteInvalid::Form("a note has at most 100 signatures"));
        }
        signatures.push(parse_signature(line)?);
    }
    Ok((text, signatures))
}

/// The line of a signature that is made of these parts, with its line feed.
pub(crate) fn signature_line(key: &PublicKey, parts: &[&[u8]]) -> String {
    let bytes = [key.id().as_slice(), &parts.concat()].concat();
    format!("— {} {}\n", key.name(), STANDARD.encode(bytes))
}

/// An Ed25519 key pair in PKCS #8 form, and its public half.
pub(crate) fn read_pkcs8(bytes: &[u8]) -> Result<(Ed25519KeyPair, [u8; 32]), NoteInvalid> {
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes).map_err(|_| NoteInvalid::PrivateKey)?;
    let public = pair.public_key().as_ref().try_into();
    let public = public.map_err(|_| NoteInvalid::PrivateKey)?;
    Ok((pair, public))
}

/// A number in decimal without leading zeros or anything else.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// The text of a note and its signature lines, without their last line feed.
pub(crate) fn split(note: &str) -> Result<(&str, &str), NoteInvalid> {
    const RULE: NoteInvalid =
        NoteInvalid::Form("a note is a text, a blank line and signature lines, and nothing after");
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteInvalid::Form("a note has no control characters"));
    }
    let (body, signatures) = note.rsplit_once("\n\n").ok_or(RULE)?;
    let text = note.get(..=body.len()).ok_or(RULE)?;
    let signatures = signatures.strip_suffix('\n').ok_or(RULE)?;
    Ok((text, signatures))
}

fn parse_signature(line: &str) -> Result<Signature<'_>, NoteInvalid> {
    const RULE: NoteInvalid =
        NoteInvalid::Form("a signature line is a dash, a name, and base64 of key id and signature");
    let (name, encoded) = line
        .strip_prefix("— ")
        .and_then(|rest| rest.split_once(' '))
        .ok_or(RULE)?;
    check_name(name)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| RULE)?;
    match bytes.split_first_chunk() {
        Some((id, signature)) if !signature.is_empty() => Ok(Signature {
            name,
            id: *id,
            bytes: signature.to_vec(),
            line,
        }),
        _ => Err(RULE),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    /// Made with OpenSSL 3, not with this code; the seed is the byte 3, 32 times.
    const FOREIGN_KEY: &str = "foreign.sample+c921ad7b+Ae1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR";
    const FOREIGN_NOTE: &str = "Made with OpenSSL,\n\nwith a blank line within.\n\n\
        — foreign.sample ySGte7vzhQqPMcmX6JfDCr6ipM/39QvdCS+u7bqznkPcX55TVg4hqz88JzIstzxO2oOwAyFf8zihaT8NRtm+3vGZoQ0=\n";

    #[test]
    fn a_note_of_another_implementation_opens() {
        let key: VerifierKey = FOREIGN_KEY.parse().unwrap();
        assert_eq!(key.to_string(), FOREIGN_KEY);
        let text = key.open(FOREIGN_NOTE).unwrap();
        assert!(text.ends_with("\n\nwith a blank line within.\n"));
    }

    #[test]
    fn every_flipped_byte_of_a_note_is_noticed() {
        let key: VerifierKey = FOREIGN_KEY.parse().unwrap();
        for place in 0..FOREIGN_NOTE.len() {
            for bit in 0..8 {
                let mut bytes = FOREIGN_NOTE.as_bytes().to_vec();
                bytes[place] ^= 1 << bit;
                if let Ok(note) = String::from_utf8(bytes) {
                    assert!(key.open(&note).is_err(), "byte {place}, bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_note_with_anything_cut_off_or_added_is_refused() {
        let key: VerifierKey = FOREIGN_KEY.parse().unwrap();
        for (cut, _) in FOREIGN_NOTE.char_indices() {
            let (start, _) = FOREIGN_NOTE.split_at(cut);
            assert!(key.open(start).is_err(), "{cut}");
        }
        for more in ["\n", " ", "x", "x\n", "\n\n", "— a b\n", "\u{2014} \n"] {
            assert!(key.open(&format!("{FOREIGN_NOTE}{more}")).is_err(), "{more:?}");
            assert!(key.open(&format!("{more}{FOREIGN_NOTE}")).is_err(), "{more:?}");
        }
        assert!(key.open(&FOREIGN_NOTE.replace('\n', "\r\n")).is_err());
    }

    #[test]
    fn a_cosignature_by_another_key_is_passed_over_but_does_not_count() {
        let (key, other) = (samples::signer(1), samples::signer(2));
        let own = key.sign("a text\n");
        let theirs = other.sign("a text\n");
        let cosignature = theirs.rsplit_once("\n\n").unwrap().1;
        assert_eq!(key.verifier_key().open(&format!("{own}{cosignature}")), Ok("a text\n"));
        assert_eq!(key.verifier_key().open(&theirs), Err(NoteInvalid::Unsigned));
        let wrong = key.sign("another text\n");
        let wrong = wrong.rsplit_once("\n\n").unwrap().1;
        assert_eq!(
            key.verifier_key().open(&format!("{own}{wrong}")),
            Err(NoteInvalid::Signature)
        );
        let many = cosignature.repeat(MOST_SIGNATURES);
        assert!(matches!(
            key.verifier_key().open(&format!("{own}{many}")),
            Err(NoteInvalid::Form(_))
        ));
    }

    #[test]
    fn a_key_has_one_text_and_its_own_id() {
        let text = samples::signer(1).verifier_key().to_string();
        assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
        let (name, rest) = text.split_once('+').unwrap();
        let (id, key) = rest.split_once('+').unwrap();
        for bad in [
            String::new(),
            name.into(),
            format!("{name}+{id}"),
            format!("{name}+00000000+{key}"),
            format!("{name}+{}+{key}", id.to_uppercase()),
            format!("other+{id}+{key}"),
            format!("+{id}+{key}"),
            format!("{text} "),
            format!("{text}+"),
            format!("{name}+{id}+Ag=="),
        ] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_generated_key_signs_and_other_bytes_are_refused() {
        let bytes = Signer::generate_pkcs8().unwrap();
        let signer = Signer::from_pkcs8("hub.sample", &bytes).unwrap();
        assert_eq!(signer.verifier_key().open(&signer.sign("a text\n")), Ok("a text\n"));
        assert!(matches!(
            Signer::from_pkcs8("hub.sample", b"no key"),
            Err(NoteInvalid::PrivateKey)
        ));
        for bad in ["", "hub sample", "hub+sample", "hub\nsample", "hub\u{a0}sample"] {
            assert!(
                matches!(Signer::from_pkcs8(bad, &bytes), Err(NoteInvalid::Name)),
                "{bad:?}"
            );
        }
    }
}
