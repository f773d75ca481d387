//! Development keys with which the parties of sharing agreements sign them.
//! It signs nothing itself, never overwrites a key, and never prints one.

use std::path::{Path, PathBuf};

use rcgen::KeyPair;

use crate::{Error, Result, files, names};

/// Makes an Ed25519 key for an agency: `signing/AGENCY.key` (PKCS#8 PEM, for the owner alone) and `signing/AGENCY.pub`
/// (PEM, RFC 8410) in a folder. Gives their paths.
///
/// # Errors
/// [`Error::Exists`] if there is one; [`Error::Name`] for what is no agency's name; [`Error::Write`].
pub fn signing_key(dir: &Path, agency: &str) -> Result<(PathBuf, PathBuf)> {
    names::check_agency(agency)?;
    let folder = dir.join("signing");
    let private = folder.join(format!("{agency}.key"));
    let public = folder.join(format!("{agency}.pub"));
    if let Some(path) = [&private, &public].into_iter().find(|path| path.exists()) {
        return Err(Error::Exists { path: path.clone() });
    }
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(|source| Error::Mint {
        what: "a signing key",
        source,
    })?;
    files::private_folder(&folder)?;
    files::create_private(&private, &key.serialize_pem())?;
    files::replace(&public, &key.public_key_pem())?;
    Ok((private, public))
}
