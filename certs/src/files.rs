//! Reads and writes the files of a PKI.
//! It never leaves half a file in place of a whole one, and never leaves a private file readable by others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::{Error, Result};

/// Reads a whole text file.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

/// Makes a folder, and its parents, for the owner alone (mode 0700); a folder that is there is tightened.
pub(crate) fn private_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path)
        .and_then(|()| tighten(path))
        .map_err(|source| unwritable(path, source))
}

/// Writes a private file that must not be there yet (mode 0600).
pub(crate) fn create_private(path: &Path, text: &str) -> Result<()> {
    fill(owner_only(OpenOptions::new().write(true).create_new(true)), path, text).map_err(|source| {
        match source.kind() {
            io::ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned() },
            _ => unwritable(path, source),
        }
    })
}

/// Replaces a private file (mode 0600) in one step.
pub(crate) fn replace_private(path: &Path, text: &str) -> Result<()> {
    replace_with(owner_only(OpenOptions::new().write(true).create_new(true)), path, text)
}

/// Replaces a public file in one step: a reader sees the old text or the new, never a part.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    replace_with(OpenOptions::new().write(true).create_new(true), path, text)
}

fn replace_with(options: &OpenOptions, path: &Path, text: &str) -> Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    let fresh = Path::new(&fresh);
    fill(options, fresh, text)
        .and_then(|()| fs::rename(fresh, path))
        .map_err(|source| {
            // The first failure is the one worth telling; a left-over file is only untidy.
            drop(fs::remove_file(fresh));
            unwritable(path, source)
        })
}

fn fill(options: &OpenOptions, path: &Path, text: &str) -> io::Result<()> {
    let mut file: File = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn tighten(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn tighten(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn unwritable(path: &Path, source: io::Error) -> Error {
    Error::Write {
        path: path.to_owned(),
        source,
    }
}
