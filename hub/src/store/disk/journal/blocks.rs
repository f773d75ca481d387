//! Bytes as a disk takes them past the page cache, from where they lie: whole blocks, at an address at which a block may
//! begin. Never gives part of a block, or what an earlier use left in one.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// A block, in bytes: what most disks write at once, or a multiple of it.
pub(in crate::store) const BLOCK: usize = 4096;

/// Room for blocks, kept from one use to the next.
#[derive(Default)]
pub(super) struct Blocks(Vec<u8>);

impl Blocks {
    /// What `write` appends, and zeros up to the end of its last block.
    pub(super) fn of(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let Self(room) = self;
        room.clear();
        let begun = start(room);
        room.resize(begun, 0);
        write(room);
        let whole = (room.len() - begun).next_multiple_of(BLOCK);
        room.resize(begun + whole, 0);
        room.reserve(BLOCK);
        let start = start(room);
        // Where it had to grow, it may lie elsewhere.
        if start != begun {
            room.resize(start.max(begun) + whole, 0);
            room.copy_within(begun..begun + whole, start);
        }
        room.get(start..start + whole).unwrap_or_default()
    }
}

/// How far into a room the first block may begin.
fn start(room: &[u8]) -> usize {
    let address = room.as_ptr().addr();
    address.next_multiple_of(BLOCK) - address
}

/// Has what is written to a file pass the page cache, if its file system and its disk take such blocks. It must be synced all
/// the same. The first block of the file is written over with zeros.
///
/// # Errors
/// If the file cannot be written either way.
pub(super) fn past_page_cache(file: &File) -> io::Result<()> {
    past_page_cache_if(file, |zeros| file.write_all_at(zeros, 0))
}

/// The same, if it can be done by what an attempt says.
fn past_page_cache_if(file: &File, attempt: impl FnOnce(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let flags = fcntl_getfl(file)?;
    if fcntl_setfl(file, flags | OFlags::DIRECT).is_err() {
        return Ok(());
    }
    match attempt(Blocks::default().of(|room| room.resize(room.len() + BLOCK, 0))) {
        // Some file systems take the flag, and what is written then they do not.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(fcntl_setfl(file, flags)?),
        attempted => attempted,
    }
}

/// Whether what is written to a file passes the page cache.
#[cfg(test)]
pub(super) fn passes_page_cache(file: &File) -> bool {
    fcntl_getfl(file).unwrap().contains(OFlags::DIRECT)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, OpenOptions},
        os::unix::fs::OpenOptionsExt as _,
    };

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_page_cache_is_passed_by_blocks_wherever_it_can_be() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut room = Blocks::default();
        let blocks = room.of(|room| room.extend(b"some bytes"));
        let flag = OFlags::DIRECT.bits().cast_signed();
        let opened = OpenOptions::new().write(true).custom_flags(flag).open(file.path());
        let can = opened.is_ok_and(|direct| direct.write_all_at(blocks, 0).is_ok());
        past_page_cache(file.as_file()).unwrap();
        assert_eq!(passes_page_cache(file.as_file()), can);
        assert_eq!(fs::read(file.path()).unwrap(), [0; BLOCK]);
        file.as_file().write_all_at(blocks, 0).unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), blocks);
    }

    #[test]
    fn what_a_file_system_does_not_take_past_the_page_cache_goes_through_it() {
        let file = tempfile::tempfile().unwrap();
        past_page_cache_if(&file, |_| Err(io::ErrorKind::InvalidInput.into())).unwrap();
        assert!(!passes_page_cache(&file));
        file.write_all_at(b"less than a block", 1).unwrap();
        past_page_cache_if(&file, |_| Err(io::ErrorKind::StorageFull.into())).unwrap_err();
    }

    proptest! {
        #[test]
        fn whatever_was_there_before_it_is_what_is_written_and_zeros(
            uses in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9000), 1..5),
        ) {
            let mut room = Blocks::default();
            for bytes in uses {
                let blocks = room.of(|room| room.extend(&bytes));
                prop_assert_eq!(blocks.len(), bytes.len().div_ceil(BLOCK) * BLOCK);
                prop_assert_eq!(blocks.as_ptr().addr() % BLOCK, 0);
                let (written, behind) = blocks.split_at(bytes.len());
                prop_assert_eq!(written, bytes.as_slice());
                prop_assert!(behind.iter().all(|byte| *byte == 0));
            }
        }
    }
}
