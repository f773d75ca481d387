//! Seals and pseudonymises: data keys of subjects, keyed hashes of identifiers, page tokens.
//! Never knows what a sealed value says, and never lets a key out of the room.

mod hash;
mod keyring;
mod sealing;
mod token;
mod vault;

use std::path::PathBuf;

pub use hash::{Hashes, Home};
pub use keyring::Keyring;
pub use token::Tokens;
pub use vault::{Opener, Vault, place_of_data_key};

use crate::store;

/// What a keyring gives the power to do, each power apart, so that a room is handed only the one it needs.
#[derive(Debug)]
pub struct Keys {
    /// Seals and opens what is stored about a subject.
    pub vault: Vault,
    /// Pseudonymises identifiers.
    pub hashes: Hashes,
    /// Seals page tokens and cursors.
    pub tokens: Tokens,
}

/// Why a key could not be had, or a value neither sealed nor opened. Names files and never a key, a value or a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The keyring is not as it was written.
    #[error("the keyring in {} was altered or cut short", path.display())]
    Altered {
        /// Its file.
        path: PathBuf,
    },
    /// The cipher refused to work.
    #[error("the cipher failed")]
    Cipher,
    /// A file that would have been overwritten.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system would not do something with a file.
    #[error("could not {doing} {}", path.display())]
    File {
        /// What was to be done, e.g. `read`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The file of the hub key holds something else.
    #[error("the hub key in {} is not 32 bytes in base64", path.display())]
    HubKey {
        /// Its file.
        path: PathBuf,
    },
    /// The hub key or the keyring is not there.
    #[error("there is no key file {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The subject of a sealed value has no data key, as after an erasure.
    #[error("the data key of a sealed value is gone")]
    Mute,
    /// The system has no random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// The store failed.
    #[error("a data key could not be looked up")]
    Store {
        /// The store's words.
        #[source]
        source: store::Error,
    },
    /// A sealed value is not the one that was sealed for this subject and place.
    #[error("a sealed value was altered or moved")]
    Value,
    /// A keyring of a later hub.
    #[error("the keyring in {} was written by another version of the hub", path.display())]
    Version {
        /// Its file.
        path: PathBuf,
    },
    /// A data key that its bucket key does not open.
    #[error("a wrapped data key was altered, or is of another keyring")]
    Wrapped,
    /// The keyring and the hub key do not belong together.
    #[error("the keyring in {} was sealed by another hub key", path.display())]
    WrongHubKey {
        /// The keyring's file.
        path: PathBuf,
    },
}

impl Keys {
    /// The powers of a keyring.
    pub fn of(keyring: Keyring) -> Self {
        Self {
            hashes: Hashes::of(&keyring),
            tokens: Tokens::of(&keyring),
            vault: Vault::of(keyring),
        }
    }
}
