//! Bytes as a disk takes them past the page cache, from where they lie: whole blocks, at an address at which a block may
//! begin. Never gives part of a block, or what an earlier use left in one.

use std::{fs::File, io, os::fd::AsFd as _, path::Path};

use rustix::{
    fs::{AtFlags, OFlags, StatxFlags, fcntl_getfl, fcntl_setfl, statx},
    io::Errno,
};

/// A block, in bytes: what most disks write at once, or a multiple of it.
pub(in crate::store) const BLOCK: usize = 4096;

/// Has what is written to a file pass the page cache, if file system and disk can do that with such blocks. It must be synced
/// all the same, and nothing else may be written to the file then.
pub(super) fn past_page_cache(file: &File) -> io::Result<()> {
    // Linux tells it from 6.1 on, with zeros if it cannot be done.
    let blocks = statx(file.as_fd(), Path::new(""), AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN)?;
    let told = StatxFlags::from_bits_retain(blocks.stx_mask).contains(StatxFlags::DIOALIGN);
    let fits = |align: u32| align > 0 && (BLOCK as u32).is_multiple_of(align);
    if told && !(fits(blocks.stx_dio_offset_align) && fits(blocks.stx_dio_mem_align)) {
        return Ok(());
    }
    match fcntl_setfl(file, fcntl_getfl(file)? | OFlags::DIRECT) {
        Err(Errno::INVAL) => Ok(()),
        set => Ok(set?),
    }
}

/// Room for blocks, kept from one use to the next.
#[derive(Default)]
pub(super) struct Blocks(Vec<u8>);

impl Blocks {
    /// The blocks that `length` bytes take: what `write` appends, which must not be more, and zeros behind it.
    pub(super) fn of(&mut self, length: usize, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let Self(room) = self;
        let whole = length.next_multiple_of(BLOCK);
        room.clear();
        room.reserve(whole + BLOCK);
        let address = room.as_ptr().addr();
        let start = address.next_multiple_of(BLOCK) - address;
        room.resize(start, 0);
        write(room);
        room.resize(start + whole, 0);
        room.get(start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_page_cache_is_passed_wherever_a_file_can_be_opened_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let flag = OFlags::DIRECT.bits().cast_signed();
        let can = OpenOptions::new()
            .write(true)
            .custom_flags(flag)
            .open(file.path())
            .is_ok();
        past_page_cache(file.as_file()).unwrap();
        assert_eq!(fcntl_getfl(file.as_file()).unwrap().contains(OFlags::DIRECT), can);
        past_page_cache(&File::options().write(true).open("/dev/null").unwrap()).unwrap();
    }

    proptest! {
        #[test]
        fn whatever_was_there_before_it_is_what_is_written_and_zeros(
            uses in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9000), 1..5),
        ) {
            let mut room = Blocks::default();
            for bytes in uses {
                let blocks = room.of(bytes.len(), |room| room.extend(&bytes));
                prop_assert_eq!(blocks.len(), bytes.len().div_ceil(BLOCK) * BLOCK);
                prop_assert_eq!(blocks.as_ptr().addr() % BLOCK, 0);
                let (written, behind) = blocks.split_at(bytes.len());
                prop_assert_eq!(written, bytes.as_slice());
                prop_assert!(behind.iter().all(|byte| *byte == 0));
            }
        }
    }
}
