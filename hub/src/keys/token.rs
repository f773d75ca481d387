//! Page tokens and cursors that only this hub can read, and only in the context they were given out in.
//! A token never tells its content, nor by its length how much of it there is within the same step of 64 bytes.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{digest, hmac};

use super::{
    Error, Keyring,
    sealing::{self, Key},
};

/// Seals and opens tokens. Prints as `Tokens(…)`.
///
/// A token is base64url (RFC 4648, section 5) without padding of nonce, ciphertext and tag of AES-256-GCM. Every context has
/// a key of its own, derived from the token key, so that the bound on random nonces holds for each context and not for all
/// tokens that the hub ever gives out.
pub struct Tokens {
    key: hmac::Key,
}

impl Tokens {
    /// The tokens of a keyring.
    pub fn of(keyring: &Keyring) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, keyring.token()),
        }
    }

    /// A token of `payload`, which opens only with the same `context`, e.g. caller, question and policy digest.
    ///
    /// # Errors
    /// `Random` or `Cipher` if the system fails.
    pub fn seal(&self, context: &[u8], payload: &[u8]) -> Result<String, Error> {
        let length = u32::try_from(payload.len()).map_err(|_| Error::Cipher)?;
        let mut padded = [&length.to_be_bytes(), payload].concat();
        padded.resize(padded.len().next_multiple_of(STEP), 0);
        let context = digest::digest(&digest::SHA256, context);
        let sealed = sealing::seal(&self.key_of(context), context.as_ref(), &padded)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The payload, or `None` if the token was altered, is of another hub, or was given out in another context.
    pub fn open(&self, context: &[u8], token: &str) -> Option<Vec<u8>> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let context = digest::digest(&digest::SHA256, context);
        let padded = sealing::open(&self.key_of(context), context.as_ref(), &sealed)?;
        let (length, rest) = padded.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.get(..length).map(<[u8]>::to_vec)
    }

    fn key_of(&self, context: digest::Digest) -> Key {
        Key::new(sealing::mac_with(&self.key, &[b"placehub token v1", context.as_ref()]))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

const STEP: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens() -> Tokens {
        Tokens::of(&Keyring::random().unwrap())
    }

    #[test]
    fn a_token_opens_in_its_own_context_and_hub_only() {
        let tokens = tokens();
        let token = tokens.seal(b"officer-17", b"page 2").unwrap();
        assert_eq!(tokens.open(b"officer-17", &token).unwrap(), b"page 2");
        assert_eq!(tokens.open(b"officer-42", &token), None);
        assert_eq!(self::tokens().open(b"officer-17", &token), None);
    }

    #[test]
    fn an_altered_token_is_none() {
        let tokens = tokens();
        let token = tokens.seal(b"c", b"page 2").unwrap();
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(tokens.open(b"c", &String::from_utf8(altered).unwrap()), None, "{at}");
        }
        for foreign in [
            "",
            "x",
            "not a token",
            "AAAA",
            token.split_at(1).1,
            &format!("{token}="),
        ] {
            assert_eq!(tokens.open(b"c", foreign), None);
        }
    }

    #[test]
    fn the_length_tells_nothing_within_a_step() {
        let tokens = tokens();
        let length = |n: usize| tokens.seal(b"c", &vec![1; n]).unwrap().len();
        assert_eq!(length(0), length(60));
        assert_eq!(length(61), length(124));
        assert_ne!(length(60), length(61));
    }

    proptest! {
        #[test]
        fn every_payload_comes_back(context: Vec<u8>, payload: Vec<u8>) {
            let tokens = tokens();
            let token = tokens.seal(&context, &payload).unwrap();
            prop_assert_eq!(tokens.open(&context, &token), Some(payload));
        }

        #[test]
        fn no_text_makes_it_fail_otherwise(text: String) {
            prop_assert_eq!(tokens().open(b"c", &text), None);
        }
    }
}
