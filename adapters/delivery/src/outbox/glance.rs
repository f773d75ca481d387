//! Looks at an outbox from outside, for `status` and the metrics.
//! It never opens one: the daemon has it open.

use std::{fs::File, path::Path};

use jiff::Timestamp;

use super::{Error, log, mark::Mark, reader::Reader};

/// What another process can see of an outbox, whether or not it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Glance {
    /// How many entries wait.
    pub waiting: u64,
    /// When the oldest of them was taken.
    pub oldest: Option<Timestamp>,
    /// When the hub last acknowledged or refused one.
    pub last_answer: Option<Timestamp>,
}

/// Looks at an outbox without opening it, also while another process has it open.
///
/// # Errors
///
/// [`Error::Io`] if its files cannot be read. A folder that is not there is an empty outbox.
pub fn glance(folder: &Path) -> Result<Glance, Error> {
    // A segment may be removed between its being listed and its being read: then it is looked at once more.
    look(folder).or_else(|_| look(folder)).or_else(|_| look(folder))
}

fn look(folder: &Path) -> Result<Glance, Error> {
    let at = |doing| Error::io(doing, folder);
    if !folder.is_dir() {
        return Ok(Glance::default());
    }
    let mark = folder.join("left");
    let mark = if mark.exists() {
        Mark::open(&mark)
            .and_then(|mark| mark.read())
            .map_err(at("read a mark"))?
    } else {
        None
    };
    let segments = log::segments(folder).map_err(at("list"))?;
    let Some((oldest, newest)) = segments.first().zip(segments.last()) else {
        return Ok(Glance::default());
    };
    let segment = File::open(log::path(folder, *newest)).map_err(at("open"))?;
    let (count, _) = log::measure(&segment, *newest).map_err(at("read"))?;
    let left = mark.map_or(0, |(left, _)| left).max(oldest - 1);
    let last = newest + count - 1;
    let first = Reader::new(folder, left + 1).read(last, 0)?;
    let time = |milliseconds| Timestamp::from_millisecond(milliseconds).ok();
    Ok(Glance {
        waiting: last.saturating_sub(left),
        oldest: first.and_then(|(_, entry)| time(entry.taken_at)),
        last_answer: mark.and_then(|(_, at)| time(at)),
    })
}
