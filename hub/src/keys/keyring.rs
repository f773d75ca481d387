//! The keyring: a small file outside the store, sealed by the hub key, whose bucket keys wrap the data keys.
//! Never in the store, because a store may keep what was deleted from it.
//!
//! # Format, version 2
//! `placehub keyring` (16 bytes) · version `02` · mark of the hub key (16) · nonce (12) ·
//! AES-256-GCM under the hub key of: identifier key · token key · 4096 bucket keys (32 bytes each) ·
//! tag (16). What stands before the nonce is authenticated too. The mark is a keyed hash of a constant, which tells a
//! wrong hub key from an altered file.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::digest;
use zeroize::Zeroizing;

use super::{
    Error,
    sealing::{self, KEY_LEN, Key},
};

/// All keys of the hub but the hub key. Prints as `Keyring(…)`.
pub struct Keyring {
    buckets: Zeroizing<Vec<[u8; KEY_LEN]>>,
    identifier: Key,
    token: Key,
}

impl Keyring {
    /// Makes a hub key and a keyring sealed by it, both files readable by their owner alone (mode 0600).
    /// The hub key is one line of base64 (RFC 4648, section 4).
    ///
    /// # Errors
    /// `Exists` if either file is there: nothing is then written. `File` or `Random` if the system fails:
    /// neither file is then left behind, as far as the system lets them be removed.
    pub fn create(keyring_path: &Path, hub_key_path: &Path) -> Result<Self, Error> {
        let keyring = Self::random()?;
        let hub_key = sealing::random::<KEY_LEN>()?;
        let hub_key_text = Zeroizing::new(BASE64_STANDARD.encode(hub_key.as_slice()) + "\n");
        let sealed = keyring.sealed(&hub_key)?;

        let hub_key_claim = Claim::on(hub_key_path)?;
        let keyring_claim = Claim::on(keyring_path)?;
        write_whole(hub_key_path, hub_key_text.as_bytes())?;
        write_whole(keyring_path, &sealed)?;
        hub_key_claim.keep();
        keyring_claim.keep();
        Ok(keyring)
    }

    /// Reads a keyring.
    ///
    /// # Errors
    /// `Missing` or `File` if a file cannot be read, `HubKey` if the hub key has not its form, `WrongHubKey` if the keyring
    /// was sealed by another, `Version` if a hub of another version wrote it, `Altered` if it is not as it was written.
    pub fn open(keyring_path: &Path, hub_key_path: &Path) -> Result<Self, Error> {
        let hub_key = read_hub_key(hub_key_path)?;
        let file = read(keyring_path)?;
        let path = || keyring_path.to_owned();
        let rest = file
            .strip_prefix(MAGIC)
            .ok_or_else(|| Error::Altered { path: path() })?;
        let (version, rest) = rest.split_first().ok_or_else(|| Error::Altered { path: path() })?;
        if *version != VERSION {
            return Err(Error::Version { path: path() });
        }
        let (mark, sealed) = rest
            .split_first_chunk()
            .ok_or_else(|| Error::Altered { path: path() })?;
        if *mark != mark_of(&hub_key) {
            return Err(Error::WrongHubKey { path: path() });
        }
        sealing::open(&hub_key, &header(mark), sealed)
            .and_then(|plain| Self::of_bytes(&plain))
            .ok_or_else(|| Error::Altered { path: path() })
    }

    /// A keyring of random keys, in memory alone.
    ///
    /// # Errors
    /// `Random` if the system has no random bytes.
    pub(crate) fn random() -> Result<Self, Error> {
        let mut buckets = Zeroizing::new(vec![[0; KEY_LEN]; BUCKETS]);
        sealing::fill(buckets.as_flattened_mut())?;
        Ok(Self {
            buckets,
            identifier: sealing::random()?,
            token: sealing::random()?,
        })
    }

    /// The key that wraps the data key of a subject. Which one it is, is a hash of the subject.
    pub(super) fn bucket(&self, subject: [u8; 16]) -> Result<&[u8; KEY_LEN], Error> {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"placehub bucket v1");
        context.update(&subject);
        let number = match context.finish().as_ref() {
            [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])) % BUCKETS,
            _ => return Err(Error::Cipher),
        };
        self.buckets.get(number).ok_or(Error::Cipher)
    }

    /// The key of identifiers' hashes.
    pub(super) fn identifier(&self) -> &[u8; KEY_LEN] {
        &self.identifier
    }

    /// The key of page tokens and cursors.
    pub(super) fn token(&self) -> &[u8; KEY_LEN] {
        &self.token
    }

    fn sealed(&self, hub_key: &[u8; KEY_LEN]) -> Result<Vec<u8>, Error> {
        let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_LEN));
        for key in [&self.identifier, &self.token] {
            plain.extend_from_slice(key.as_slice());
        }
        for bucket in self.buckets.iter() {
            plain.extend_from_slice(bucket);
        }
        let mut file = header(&mark_of(hub_key));
        let sealed = sealing::seal(hub_key, &file, &plain)?;
        file.extend(sealed);
        Ok(file)
    }

    fn of_bytes(plain: &[u8]) -> Option<Self> {
        let (keys, []) = plain.as_chunks::<KEY_LEN>() else {
            return None;
        };
        let [identifier, token, buckets @ ..] = keys else {
            return None;
        };
        (buckets.len() == BUCKETS).then(|| Self {
            buckets: Zeroizing::new(buckets.to_vec()),
            identifier: Zeroizing::new(*identifier),
            token: Zeroizing::new(*token),
        })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(…)")
    }
}

/// An empty file that nobody else could make at the same time; removed again unless it is kept.
struct Claim {
    path: Option<PathBuf>,
}

impl Claim {
    fn on(path: &Path) -> Result<Self, Error> {
        match new_file(path) {
            Ok(_) => Ok(Self {
                path: Some(path.to_owned()),
            }),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Exists { path: path.to_owned() })
            }
            Err(source) => Err(failed("make", path)(source)),
        }
    }

    fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What could not be removed is found by the next attempt, which then says that it exists.
            let _ = fs::remove_file(path);
        }
    }
}

/// Puts `bytes` in the place of a file, so that after a loss of power the old or the new content is there, whole.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let draft = PathBuf::from(name);
    let written = (|| {
        // Left over by a loss of power.
        match fs::remove_file(&draft) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(source),
            _ => {}
        }
        let mut file = new_file(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    })();
    written.map_err(failed("write", path))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Err(Error::Missing { path: path.to_owned() }),
        Err(source) => Err(failed("read", path)(source)),
    }
}

fn read_hub_key(path: &Path) -> Result<Key, Error> {
    let text = read(path)?;
    BASE64_STANDARD
        .decode(text.trim_ascii())
        .ok()
        .map(Zeroizing::new)
        .and_then(|bytes| bytes.as_slice().try_into().map(Zeroizing::new).ok())
        .ok_or_else(|| Error::HubKey { path: path.to_owned() })
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { doing, path, source }
}

fn header(mark: &[u8; 16]) -> Vec<u8> {
    [MAGIC, &[VERSION], mark].concat()
}

fn mark_of(hub_key: &[u8; KEY_LEN]) -> [u8; 16] {
    sealing::first_half(sealing::mac(hub_key, &[b"placehub hub key mark v1"]))
}

const MAGIC: &[u8] = b"placehub keyring";
const VERSION: u8 = 2;
const BUCKETS: usize = 4096;
const PLAIN_LEN: usize = (BUCKETS + 2) * KEY_LEN;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn given() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, hub_key) = (folder.path().join("keyring"), folder.path().join("hub.key"));
        Keyring::create(&keyring, &hub_key).unwrap();
        (folder, keyring, hub_key)
    }

    #[test]
    fn a_keyring_opens_as_it_was_made_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, hub_key) = (folder.path().join("keyring"), folder.path().join("hub.key"));
        let made = Keyring::create(&keyring, &hub_key).unwrap();
        let opened = Keyring::open(&keyring, &hub_key).unwrap();
        assert_eq!(*made.buckets, *opened.buckets);
        assert_eq!(made.identifier, opened.identifier);
        assert_eq!(made.token, opened.token);
        assert_eq!(format!("{opened:?}"), "Keyring(…)");
        for path in [&keyring, &hub_key] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "no draft is left behind"
        );
    }

    #[test]
    fn neither_file_is_ever_overwritten() {
        let (_folder, keyring, hub_key) = given();
        let before = (fs::read(&keyring).unwrap(), fs::read(&hub_key).unwrap());
        assert!(matches!(Keyring::create(&keyring, &hub_key), Err(Error::Exists { .. })));
        let other = keyring.with_extension("other");
        assert!(matches!(Keyring::create(&keyring, &other), Err(Error::Exists { path }) if path == keyring));
        assert!(!other.exists(), "what was claimed on the way is let go");
        assert!(matches!(Keyring::create(&other, &hub_key), Err(Error::Exists { path }) if path == hub_key));
        assert!(!other.exists());
        assert_eq!(before, (fs::read(&keyring).unwrap(), fs::read(&hub_key).unwrap()));
    }

    #[test]
    fn a_missing_file_a_wrong_key_and_an_altered_file_are_told_apart() {
        let (_folder, keyring, hub_key) = given();
        let (_elsewhere, other_keyring, other_hub_key) = given();
        let absent = keyring.with_extension("absent");
        assert!(matches!(Keyring::open(&absent, &hub_key), Err(Error::Missing { path }) if path == absent));
        assert!(matches!(Keyring::open(&keyring, &absent), Err(Error::Missing { path }) if path == absent));
        assert!(matches!(
            Keyring::open(&keyring, &other_hub_key),
            Err(Error::WrongHubKey { .. })
        ));
        assert!(matches!(
            Keyring::open(&other_keyring, &hub_key),
            Err(Error::WrongHubKey { .. })
        ));
        assert!(matches!(Keyring::open(&keyring, &keyring), Err(Error::HubKey { .. })));

        let whole = fs::read(&keyring).unwrap();
        for (offset, expect_version) in [
            (0, false),
            (16, true),
            (40, false),
            (70_000, false),
            (whole.len() - 1, false),
        ] {
            let mut altered = whole.clone();
            altered[offset] ^= 1;
            fs::write(&keyring, altered).unwrap();
            let error = Keyring::open(&keyring, &hub_key).unwrap_err();
            match expect_version {
                true => assert!(matches!(error, Error::Version { .. }), "{offset}"),
                false => assert!(matches!(error, Error::Altered { .. }), "{offset}"),
            }
        }
        for length in [0, 10, 16, 20, 33, 50, whole.len() - 32, whole.len() - 1] {
            fs::write(&keyring, &whole[..length]).unwrap();
            assert!(
                matches!(Keyring::open(&keyring, &hub_key), Err(Error::Altered { .. })),
                "{length}"
            );
        }
    }

    #[test]
    fn subjects_are_spread_over_the_buckets() {
        let keyring = Keyring::random().unwrap();
        let used: std::collections::BTreeSet<_> = (0..4096_u128)
            .map(|n| *keyring.bucket(n.to_be_bytes()).unwrap())
            .collect();
        assert!(used.len() > 2400, "{}", used.len());
    }
}
