//! What a witness adds to a checkpoint: that, at this time, it was the newest it had seen, and went on from all before
//! (C2SP tlog-cosignature, Ed25519, type `0x04`). Never cosigns a text that is not a checkpoint.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use ring::signature::Ed25519KeyPair;

use crate::{Checkpoint, NoteInvalid, key::PublicKey, note};

/// The byte of timestamped Ed25519 cosignatures among the signature types.
const COSIGNATURE_TYPE: u8 = 4;

/// Cosigns checkpoints under a name. Prints as that name alone.
pub struct Cosigner {
    key: WitnessKey,
    pair: Ed25519KeyPair,
}

/// What one needs to check a witness's cosignatures. Its text is that of a [`crate::VerifierKey`] with type byte `0x04`.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey(PublicKey);

impl Cosigner {
    /// A cosigner under this name, from an Ed25519 key in PKCS #8 form. The key must be used for nothing else: what is
    /// signed does not say the name.
    ///
    /// # Errors
    /// If the bytes are no such key, or the name cannot be that of a key.
    pub fn from_pkcs8(name: &str, bytes: &[u8]) -> Result<Self, NoteInvalid> {
        let (pair, public) = note::read_pkcs8(bytes)?;
        let key = WitnessKey(PublicKey::new(COSIGNATURE_TYPE, name, public)?);
        Ok(Self { key, pair })
    }

    /// What others need to check the cosignatures.
    pub fn witness_key(&self) -> &WitnessKey {
        &self.key
    }

    /// The line of a cosignature on the checkpoint of this note, with its line feed.
    ///
    /// # Errors
    /// If the note is not a checkpoint, or the time is before 1970.
    pub fn cosign(&self, note: &str, at: Timestamp) -> Result<String, NoteInvalid> {
        let (text, _) = note::split(note)?;
        Checkpoint::parse(text)?;
        let second = u64::try_from(at.as_second()).map_err(|_| TIME)?;
        let signature = self.pair.sign(message(second, text).as_bytes());
        Ok(note::signature_line(
            &self.key.0,
            &[&second.to_be_bytes(), signature.as_ref()],
        ))
    }
}

impl WitnessKey {
    /// The key itself, whatever name it goes by: one key is one witness.
    pub fn public(&self) -> &[u8; 32] {
        self.0.bytes()
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// When the witness cosigned the checkpoint of this note: its latest cosignature, if it has one.
    ///
    /// # Errors
    /// If the note breaks the form, or a cosignature that claims to be by this key is wrong.
    pub fn seen(&self, note: &str) -> Result<Option<Timestamp>, NoteInvalid> {
        Ok(self.line(note)?.map(|(at, _)| at))
    }

    /// The note with the cosignature of this witness that `lines`, a witness's answer, holds for it, in place of an
    /// earlier one. Everything else that the answer holds is passed over.
    ///
    /// # Errors
    /// If the answer breaks the form, or holds no right cosignature by this key.
    pub fn attach(&self, note: &str, lines: &str) -> Result<String, NoteInvalid> {
        let (text, _) = note::split(note)?;
        let answered = format!("{text}\n{lines}");
        let (_, line) = self.line(&answered)?.ok_or(NoteInvalid::Unsigned)?;
        let (_, signatures) = note::read(note)?;
        let others = signatures.iter().filter(|one| !self.0.is_named_by(one));
        let kept: String = others.map(|one| format!("{}\n", one.line)).collect();
        Ok(format!("{text}\n{kept}{line}\n"))
    }

    fn line<'n>(&self, note: &'n str) -> Result<Option<(Timestamp, &'n str)>, NoteInvalid> {
        let (text, signatures) = note::read(note)?;
        let mut latest = None;
        for one in signatures.iter().filter(|one| self.0.is_named_by(one)) {
            let (second, signature) = one.bytes.split_first_chunk::<8>().ok_or(NoteInvalid::Signature)?;
            let second = u64::from_be_bytes(*second);
            self.0.verify(message(second, text).as_bytes(), signature)?;
            let at = i64::try_from(second)
                .ok()
                .and_then(|second| Timestamp::from_second(second).ok());
            latest = latest.max(Some((at.ok_or(TIME)?, one.line)));
        }
        if latest.is_some() {
            Checkpoint::parse(text)?;
        }
        Ok(latest)
    }
}

const TIME: NoteInvalid = NoteInvalid::Form("a cosignature's time is in seconds after 1970");

fn message(second: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {second}\n{text}")
}

impl FromStr for WitnessKey {
    type Err = NoteInvalid;

    fn from_str(text: &str) -> Result<Self, NoteInvalid> {
        PublicKey::parse(COSIGNATURE_TYPE, text).map(Self)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({self})")
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.key.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, at};

    fn given() -> (String, Cosigner) {
        (
            Checkpoint::sign(&samples::signer(1), 3, &[7; 32]),
            samples::cosigner("witness.sample", 5),
        )
    }

    #[test]
    fn a_cosignature_is_found_on_the_note_with_its_time_and_leaves_the_hubs_own_signature_good() {
        let (note, cosigner) = given();
        assert_eq!(cosigner.witness_key().seen(&note), Ok(None));
        let line = cosigner.cosign(&note, at(9)).unwrap();
        let cosigned = cosigner.witness_key().attach(&note, &line).unwrap();
        assert_eq!(cosigned, format!("{note}{line}"));
        assert_eq!(cosigner.witness_key().seen(&cosigned), Ok(Some(at(9))));
        assert!(Checkpoint::open(&cosigned, samples::signer(1).verifier_key()).is_ok());
    }

    #[test]
    fn a_later_cosignature_takes_the_place_of_an_earlier_one_and_others_stay() {
        let (note, cosigner) = given();
        let other = samples::cosigner("other.sample", 6);
        let mut cosigned = note;
        for (who, second) in [(&cosigner, 1), (&other, 2), (&cosigner, 3)] {
            let line = who.cosign(&cosigned, at(second)).unwrap();
            cosigned = who.witness_key().attach(&cosigned, &line).unwrap();
        }
        assert_eq!(cosigned.lines().count(), 4 + 3, "{cosigned}");
        assert_eq!(cosigner.witness_key().seen(&cosigned), Ok(Some(at(3))));
        assert_eq!(other.witness_key().seen(&cosigned), Ok(Some(at(2))));
    }

    #[test]
    fn every_changed_byte_of_a_cosignature_is_noticed() {
        let (note, cosigner) = given();
        let line = cosigner.cosign(&note, at(9)).unwrap();
        for place in 0..line.len() {
            for bit in 0..8 {
                let mut bytes = line.clone().into_bytes();
                bytes[place] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else {
                    continue;
                };
                assert!(cosigner.witness_key().attach(&note, &changed).is_err(), "{place}");
            }
        }
    }

    #[test]
    fn a_cosignature_of_another_checkpoint_or_key_does_not_count() {
        let (note, cosigner) = given();
        let elsewhere = Checkpoint::sign(&samples::signer(1), 4, &[8; 32]);
        let line = cosigner.cosign(&elsewhere, at(9)).unwrap();
        assert_eq!(cosigner.witness_key().attach(&note, &line), Err(NoteInvalid::Signature));
        let thief = samples::cosigner("witness.sample", 6).cosign(&note, at(9)).unwrap();
        assert_eq!(cosigner.witness_key().attach(&note, &thief), Err(NoteInvalid::Unsigned));
        assert!(cosigner.witness_key().attach(&note, "").is_err());
    }

    #[test]
    fn a_key_that_signs_notes_is_not_taken_for_one_that_cosigns() {
        let text = samples::signer(1).verifier_key().to_string();
        assert!(text.parse::<WitnessKey>().is_err());
        let text = given().1.witness_key().to_string();
        assert_eq!(text.parse::<WitnessKey>().unwrap().to_string(), text);
        assert!(text.parse::<crate::VerifierKey>().is_err());
    }

    #[test]
    fn what_is_no_checkpoint_is_not_cosigned() {
        let note = samples::signer(1).sign("a text\n");
        assert!(given().1.cosign(&note, at(0)).is_err());
    }
}
