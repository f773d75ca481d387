//! Seals what is stored about a subject under that subject's own data key, so that losing the key erases it all.
//! Never seals two subjects under one key, and never keeps an unwrapped key beyond the answer it is for.

use std::fmt;

use super::{
    Error, Keyring,
    sealing::{self, KEY_LEN, Key},
};
use crate::{
    store::{Read, Txn, row},
    tables::DATA_KEY,
};

/// Opens values of one subject. Holds its data key, so it lives no longer than the answer it is for. Prints as `Opener(…)`.
pub struct Opener {
    subject: [u8; 16],
    key: Key,
}

/// Seals and opens values. A subject is the 16-byte id of a person or a signal, or the hash of an address or an area.
/// Prints as `Vault(…)`.
pub struct Vault {
    keyring: Keyring,
}

impl Vault {
    /// The vault of a keyring.
    pub fn of(keyring: Keyring) -> Self {
        Self { keyring }
    }

    /// Seals `plain` under the data key of `subject` (AES-256-GCM), which is made and put in the transaction if there is none.
    /// `place_of_use` is the table and key that the value will be stored under: it opens nowhere else.
    ///
    /// # Errors
    /// `Store` or `Wrapped` if the data key cannot be read, `Random` or `Cipher`. Nothing is then to be written.
    pub fn seal(
        &self,
        txn: &mut Txn<'_>,
        subject: [u8; 16],
        place_of_use: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let key = self.key_of(txn, subject)?;
        sealing::seal(&key, &value_aad(subject, place_of_use), plain)
    }

    /// Opens several values of one subject, whose data key is then unwrapped once.
    ///
    /// # Errors
    /// `Mute` if the subject has no data key, `Store` or `Wrapped` if it cannot be read.
    pub fn opener(&self, read: &dyn Read, subject: [u8; 16]) -> Result<Opener, Error> {
        let key = self.data_key(read, subject)?.ok_or(Error::Mute)?;
        Ok(Opener { subject, key })
    }

    /// Opens what `seal` sealed for the same subject and place.
    ///
    /// # Errors
    /// `Mute` if the subject has no data key, `Value` if the value was altered or moved, `Store` or `Wrapped` if the data key
    /// cannot be read.
    pub fn open(
        &self,
        read: &dyn Read,
        subject: [u8; 16],
        place_of_use: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.opener(read, subject)?.open(place_of_use, sealed)
    }

    /// How a ledger entry with this salt names the subject: HMAC-SHA-256 of the salt under a key that is derived from the
    /// subject's data key, so that without that key nobody can tell whom the entry names. A subject whom the hub holds
    /// nothing about gets a data key of its own for that, in the transaction: it is as mute as any other once that is gone.
    ///
    /// # Errors
    /// As for [`Vault::seal`]: a data key that cannot be read is not taken for absent.
    pub fn commitment(&self, txn: &mut Txn<'_>, subject: [u8; 16], salt: [u8; 16]) -> Result<[u8; 32], Error> {
        let key = self.key_of(txn, subject)?;
        Ok(commit(&key, subject, salt))
    }

    /// Whether a commitment with this salt names the subject. Nobody can tell of one whose data key is gone.
    ///
    /// # Errors
    /// `Store` or `Wrapped` if the data key cannot be read: it is then not taken for absent.
    pub fn names(
        &self,
        read: &dyn Read,
        subject: [u8; 16],
        (salt, commitment): ([u8; 16], [u8; 32]),
    ) -> Result<bool, Error> {
        let key = self.data_key(read, subject)?;
        Ok(key.is_some_and(|key| commit(&key, subject, salt) == commitment))
    }

    /// The subject's data key, which is made and put in the transaction if there is none.
    fn key_of(&self, txn: &mut Txn<'_>, subject: [u8; 16]) -> Result<Key, Error> {
        if let Some(key) = self.data_key(txn, subject)? {
            return Ok(key);
        }
        let key = sealing::random::<KEY_LEN>()?;
        let wrapped = sealing::seal(self.keyring.bucket(subject)?, &key_aad(subject), key.as_slice())?;
        let value = row::encode(DATA_KEY, &wrapped).map_err(store_failed)?;
        txn.put(place_of_data_key(subject), value);
        Ok(key)
    }

    fn data_key(&self, read: &dyn Read, subject: [u8; 16]) -> Result<Option<Key>, Error> {
        let Some(value) = read.get(&place_of_data_key(subject)).map_err(store_failed)? else {
            return Ok(None);
        };
        let wrapped: Vec<u8> = row::decode(DATA_KEY, &value).map_err(store_failed)?;
        sealing::open(self.keyring.bucket(subject)?, &key_aad(subject), &wrapped)
            .and_then(|bytes| bytes.as_slice().try_into().map(Key::new).ok())
            .map(Some)
            .ok_or(Error::Wrapped)
    }
}

impl Opener {
    /// Whose values it opens.
    pub fn subject(&self) -> [u8; 16] {
        self.subject
    }

    /// Opens what was sealed for its subject and this place.
    ///
    /// # Errors
    /// `Value` if the value was altered or moved.
    pub fn open(&self, place_of_use: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        sealing::open(&self.key, &value_aad(self.subject, place_of_use), sealed)
            .map(|mut plain| std::mem::take(&mut *plain))
            .ok_or(Error::Value)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(…)")
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

fn commit(root: &[u8; KEY_LEN], subject: [u8; 16], salt: [u8; 16]) -> [u8; 32] {
    let key = Key::new(sealing::mac(root, &[b"placehub ledger v1", &subject]));
    sealing::mac(&key, &[&salt])
}

/// Where in the store the wrapped data key of a subject is.
pub fn place_of_data_key(subject: [u8; 16]) -> Vec<u8> {
    [&[DATA_KEY], subject.as_slice()].concat()
}

fn key_aad(subject: [u8; 16]) -> Vec<u8> {
    [b"placehub data key v1".as_slice(), &subject].concat()
}

fn value_aad(subject: [u8; 16], place_of_use: &[u8]) -> Vec<u8> {
    [b"placehub value v1".as_slice(), &subject, place_of_use].concat()
}

fn store_failed(source: crate::store::Error) -> Error {
    Error::Store { source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{self, Visit};

    const ALEX: [u8; 16] = [1; 16];
    const BILLIE: [u8; 16] = [2; 16];

    struct Nothing;

    impl Read for Nothing {
        fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, store::Error> {
            Ok(None)
        }

        fn scan(&self, _: &[u8], _: &[u8], _: &mut Visit<'_>) -> Result<(), store::Error> {
            Ok(())
        }
    }

    fn vault() -> Vault {
        Vault::of(Keyring::random().unwrap())
    }

    #[test]
    fn a_value_opens_only_for_its_subject_in_its_place_and_unaltered() {
        let (vault, mut txn) = (vault(), Txn::new(&Nothing));
        let sealed = vault.seal(&mut txn, ALEX, b"b1", b"two months of arrears").unwrap();
        vault.seal(&mut txn, BILLIE, b"b1", b"other").unwrap();
        assert_eq!(
            vault.open(&txn, ALEX, b"b1", &sealed).unwrap(),
            b"two months of arrears"
        );
        assert!(matches!(vault.open(&txn, ALEX, b"b2", &sealed), Err(Error::Value)));
        assert!(matches!(vault.open(&txn, BILLIE, b"b1", &sealed), Err(Error::Value)));
        assert!(matches!(vault.open(&txn, ALEX, b"b1", b"short"), Err(Error::Value)));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(
                matches!(vault.open(&txn, ALEX, b"b1", &altered), Err(Error::Value)),
                "{at}"
            );
        }
    }

    #[test]
    fn sealing_twice_never_gives_the_same_bytes() {
        let (vault, mut txn) = (vault(), Txn::new(&Nothing));
        let first = vault.seal(&mut txn, ALEX, b"b1", b"same").unwrap();
        let second = vault.seal(&mut txn, ALEX, b"b1", b"same").unwrap();
        assert_ne!(first, second);
        assert_eq!(
            vault.open(&txn, ALEX, b"b1", &first).unwrap(),
            b"same",
            "the key stays the same"
        );
    }

    #[test]
    fn without_its_data_key_a_subject_is_mute() {
        let (vault, mut txn) = (vault(), Txn::new(&Nothing));
        let sealed = vault.seal(&mut txn, ALEX, b"b1", b"plain").unwrap();
        let named = vault.commitment(&mut txn, ALEX, [7; 16]).unwrap();
        assert!(vault.names(&txn, ALEX, ([7; 16], named)).unwrap());
        assert!(!vault.names(&txn, BILLIE, ([7; 16], named)).unwrap());
        txn.delete(place_of_data_key(ALEX));
        assert!(matches!(vault.open(&txn, ALEX, b"b1", &sealed), Err(Error::Mute)));
        assert!(!vault.names(&txn, ALEX, ([7; 16], named)).unwrap());
        assert_ne!(vault.commitment(&mut txn, ALEX, [7; 16]).unwrap(), named);
        assert!(
            !vault.names(&txn, ALEX, ([7; 16], named)).unwrap(),
            "a new key does not bring the old one back"
        );
    }

    #[test]
    fn a_wrapped_key_serves_nobody_else() {
        let (vault, mut txn) = (vault(), Txn::new(&Nothing));
        let sealed = vault.seal(&mut txn, ALEX, b"b1", b"plain").unwrap();
        let wrapped = txn.get(&place_of_data_key(ALEX)).unwrap().unwrap();
        txn.put(place_of_data_key(BILLIE), wrapped);
        assert!(matches!(vault.open(&txn, BILLIE, b"b1", &sealed), Err(Error::Wrapped)));
        assert!(matches!(
            vault.commitment(&mut txn, BILLIE, [7; 16]),
            Err(Error::Wrapped)
        ));
        let stranger = Vault::of(Keyring::random().unwrap());
        assert!(matches!(stranger.open(&txn, ALEX, b"b1", &sealed), Err(Error::Wrapped)));
        assert!(matches!(
            stranger.seal(&mut txn, ALEX, b"b1", b"plain"),
            Err(Error::Wrapped)
        ));
    }

    #[test]
    fn a_commitment_depends_on_subject_and_salt_whether_or_not_the_hub_knows_them() {
        let (vault, mut txn) = (vault(), Txn::new(&Nothing));
        vault.seal(&mut txn, ALEX, b"b1", b"plain").unwrap();
        vault.seal(&mut txn, BILLIE, b"b1", b"plain").unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for subject in [ALEX, BILLIE, [3; 16], [4; 16]] {
            for salt in [[7; 16], [8; 16]] {
                let named = vault.commitment(&mut txn, subject, salt).unwrap();
                assert_eq!(named, vault.commitment(&mut txn, subject, salt).unwrap());
                assert!(vault.names(&txn, subject, (salt, named)).unwrap());
                assert!(seen.insert(named));
            }
        }
    }
}
