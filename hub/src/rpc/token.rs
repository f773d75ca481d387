//! Page tokens and cursors: sealed, and bound to the caller and to what was asked. Opaque to everyone else.

use serde::{Serialize, de::DeserializeOwned};

use super::{House, Trouble};
use crate::authn::Caller;

/// What a token is bound to.
pub(super) struct Bound(Vec<u8>);

impl Bound {
    /// To a caller, to what was asked (any encoding that differs when the question does), and to the digest of the
    /// policies, or to nothing for what outlives them.
    pub(super) fn to(caller: &Caller, call: &str, asked: &impl prost::Message, policies: &str) -> Self {
        let subject = caller
            .practitioner()
            .map(|practitioner| practitioner.subject.as_str())
            .unwrap_or_default();
        let mut bytes = Vec::new();
        for part in [call, caller.agency().as_str(), subject, policies] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.extend_from_slice(&asked.encode_to_vec());
        Self(bytes)
    }
}

impl House {
    /// The token of a payload.
    pub(super) fn seal(&self, bound: &Bound, payload: &impl Serialize) -> Result<String, Trouble> {
        let bytes = postcard::to_stdvec(payload).map_err(|_| Trouble::closed())?;
        self.gate.tokens().seal(&bound.0, &bytes).map_err(|_| Trouble::closed())
    }

    /// The payload of a token; `None` if it is altered or of another caller or question.
    pub(super) fn open<T: DeserializeOwned>(&self, bound: &Bound, token: &str) -> Option<T> {
        let bytes = self.gate.tokens().open(&bound.0, token)?;
        postcard::from_bytes(&bytes).ok()
    }
}
