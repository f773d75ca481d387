//! AES-256-GCM with a random 96-bit nonce in front (NIST SP 800-38D, section 8.2.2), and keys to use it with.
//! Never chooses a key: that is for who calls it.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use zeroize::Zeroizing;

use super::Error;

/// The length of every key of the hub, in bytes.
pub(super) const KEY_LEN: usize = 32;

/// A key. Its bytes are overwritten when it is dropped.
pub(super) type Key = Zeroizing<[u8; KEY_LEN]>;

/// Nonce, ciphertext and tag of `plain`, which open only with the same key and the same `aad`.
///
/// # Errors
/// `Random` or `Cipher`; nothing is then sealed.
pub(super) fn seal(key: &[u8; KEY_LEN], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce: [u8; NONCE_LEN] = *random()?;
    // The capacity is exact, so that no half-filled buffer with plain text is left behind by growth.
    let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let (_, body) = sealed.split_at_mut(NONCE_LEN);
    let tag = cipher(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)
        .map_err(|_| Error::Cipher)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// The plain bytes, or `None` if they were sealed with another key or `aad`, or were altered.
pub(super) fn open(key: &[u8; KEY_LEN], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut plain = Zeroizing::new(body.to_vec());
    let length = cipher(key)
        .ok()?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut plain)
        .ok()?
        .len();
    plain.truncate(length);
    Some(plain)
}

/// Random bytes from the system.
///
/// # Errors
/// `Random` if it has none.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    fill(bytes.as_mut_slice())?;
    Ok(bytes)
}

/// Puts random bytes from the system in the place of all of `bytes`.
///
/// # Errors
/// `Random` if it has none.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    SystemRandom::new().fill(bytes).map_err(|_| Error::Random)
}

/// HMAC-SHA-256 (RFC 2104) of `parts`, one after the other. Who calls it sees to it that parts cannot run into each other.
pub(super) fn mac(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; 32] {
    mac_with(&hmac::Key::new(hmac::HMAC_SHA256, key), parts)
}

/// The same, with a key made ready.
pub(super) fn mac_with(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    let mut bytes = [0; 32];
    for (byte, of_tag) in bytes.iter_mut().zip(context.sign().as_ref()) {
        *byte = *of_tag;
    }
    bytes
}

/// The first half of a hash, for keys that 16 bytes are enough for.
pub(super) fn first_half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (byte, of_hash) in half.iter_mut().zip(hash) {
        *byte = of_hash;
    }
    half
}

fn cipher(key: &[u8; KEY_LEN]) -> Result<LessSafeKey, Error> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| Error::Cipher)
}
