//! What the disk itself takes to make four kilobytes durable: written at the end of a file, then fdatasync.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How often it is tried each time.
const TRIES: usize = 50;

/// How long each of some writes took until it was on the disk, in ascending order. Before each there is a pause: after one,
/// it takes longer.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn syncs(folder: &Path, pause: Duration) -> io::Result<Vec<Duration>> {
    let path = folder.join("sync");
    let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
    let block = [0x5a; 4096];
    let mut took = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        thread::sleep(pause);
        let began = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    std::fs::remove_file(path)?;
    took.sort_unstable();
    Ok(took)
}
