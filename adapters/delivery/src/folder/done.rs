//! Removes files from `done/` some time after they came there.
//! It never goes by the age of a file's content: a file may have been old when it was dropped.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path, time::Duration};

use jiff::Timestamp;

/// Removes files that came into the folder longer ago than `age`, and says how many.
pub(super) fn prune(folder: &Path, age: Duration, now: Timestamp) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        // The move into the folder was the last change of the file's entry, though not of its content.
        let there_for = now.as_second().saturating_sub(about.ctime());
        if about.is_file() && u64::try_from(there_for).is_ok_and(|seconds| seconds > age.as_secs()) {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_file_goes_when_it_has_been_there_for_long_and_no_sooner() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("old.csv"), "x").unwrap();
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(prune(folder.path(), day, clock::now()).unwrap(), 0);
        let next_week = clock::now() + 7 * day;
        assert_eq!(prune(folder.path(), day, next_week).unwrap(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
