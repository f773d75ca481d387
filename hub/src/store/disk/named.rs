//! A file that is open, and whether its name still leads to it. Never asks for its times: whoever asks Linux (6.13 and
//! later) for them has the next sync write them to the disk, which makes it half as long again.

use std::{
    fs::File,
    io,
    os::fd::{AsFd as _, BorrowedFd},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

/// An open file, and its name.
pub(super) struct Named {
    pub(super) path: PathBuf,
    pub(super) handle: File,
    which: Which,
}

/// Which file of a machine: device and number. No other has them as long as it is open.
type Which = (u32, u32, u64);

impl Named {
    /// A file that was opened by this name.
    pub(super) fn of(path: PathBuf, handle: File) -> io::Result<Self> {
        let which = find(handle.as_fd(), Path::new(""), AtFlags::EMPTY_PATH)?;
        Ok(Self { path, handle, which })
    }

    /// Fails if the name leads to another file or to none: then what is written would be gone at the next start, however
    /// well it was synced.
    pub(super) fn still_there(&self) -> io::Result<()> {
        match find(CWD, &self.path, AtFlags::empty())? == self.which {
            true => Ok(()),
            false => Err(io::Error::other("it was replaced while it was open")),
        }
    }
}

fn find(at: BorrowedFd<'_>, path: &Path, how: AtFlags) -> io::Result<Which> {
    let file = statx(at, path, how, StatxFlags::INO)?;
    Ok((file.stx_dev_major, file.stx_dev_minor, file.stx_ino))
}
