//! The public halves of Ed25519 keys, each under a name and for one type of signature (C2SP signed-note).
//! Never signs, and never takes a key of one type for one of another.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    digest::{SHA256, digest},
    signature::{ED25519, UnparsedPublicKey},
};

use crate::note::{NoteInvalid, Signature};

/// A named public key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    sort: u8,
    name: String,
    id: [u8; 4],
    bytes: [u8; 32],
}

impl PublicKey {
    /// A key for signatures of this type byte.
    pub(crate) fn new(sort: u8, name: &str, bytes: [u8; 32]) -> Result<Self, NoteInvalid> {
        check_name(name)?;
        let hash = digest(&SHA256, &[name.as_bytes(), b"\n", &[sort], &bytes].concat());
        match hash.as_ref().first_chunk() {
            Some(id) => Ok(Self {
                sort,
                name: name.into(),
                id: *id,
                bytes,
            }),
            None => Err(NoteInvalid::Name),
        }
    }

    /// The key of this type that a text is of.
    pub(crate) fn parse(sort: u8, text: &str) -> Result<Self, NoteInvalid> {
        const RULE: NoteInvalid =
            NoteInvalid::Form("a key is NAME+ID+KEY, its type that of its use, its id that of its name and key");
        let (name, rest) = text.split_once('+').ok_or(RULE)?;
        let (_, key) = rest.split_once('+').ok_or(RULE)?;
        let bytes = STANDARD.decode(key).map_err(|_| RULE)?;
        let key = match bytes.split_first() {
            Some((first, public)) if *first == sort => Self::new(sort, name, public.try_into().map_err(|_| RULE)?)?,
            _ => return Err(RULE),
        };
        if key.to_string() == text { Ok(key) } else { Err(RULE) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    pub(crate) fn id(&self) -> &[u8; 4] {
        &self.id
    }

    /// Whether a signature says that it is by this key.
    pub(crate) fn is_named_by(&self, signature: &Signature<'_>) -> bool {
        signature.name == self.name && signature.id == self.id
    }

    /// Checks the bytes of an Ed25519 signature (RFC 8032).
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteInvalid> {
        UnparsedPublicKey::new(&ED25519, &self.bytes)
            .verify(message, signature)
            .map_err(|_| NoteInvalid::Signature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[self.sort], self.bytes.as_slice()].concat());
        write!(f, "{}+{}+{key}", self.name, hex::encode(self.id))
    }
}

/// Whether a name can be that of a key.
pub(crate) fn check_name(name: &str) -> Result<(), NoteInvalid> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(odd) {
        Err(NoteInvalid::Name)
    } else {
        Ok(())
    }
}
