//! Reads the outbox entry by entry, from any place on, without holding more than one of them.
//! It never passes over an entry: one that is damaged stops it.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use prost::Message;

use super::{
    Entry, Error, log,
    record::{self, Met},
};

/// A place in the outbox.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    segment: Option<BufReader<File>>,
    next: u64,
    /// How often something had been written and taken back when the segment was opened.
    rewrites: u64,
}

impl Reader {
    /// Stands before the entry of this number.
    pub(super) fn new(folder: &Path, next: u64) -> Self {
        Self {
            folder: folder.to_path_buf(),
            segment: None,
            next,
            rewrites: 0,
        }
    }

    /// The number of the entry it stands before.
    pub fn place(&self) -> u64 {
        self.next
    }

    /// Reads the next entry if its number is at most `last`, the number of the last one that is known to be whole.
    /// `rewrites` is how often something has been written and taken back.
    pub(super) fn read(&mut self, last: u64, rewrites: u64) -> Result<Option<(u64, Entry)>, Error> {
        if self.next > last {
            return Ok(None);
        }
        if self.rewrites != rewrites {
            // What was read ahead may be of a write that failed: its frame would pass for the entry that has its number now.
            self.segment = None;
            self.rewrites = rewrites;
        }
        let number = self.next;
        let bytes = match self.frame()? {
            Some(bytes) => bytes,
            // The frame begins the next segment, or the reader has only now to find its own.
            None => {
                self.segment = None;
                self.frame()?.ok_or_else(|| self.damaged("an entry cannot be read"))?
            }
        };
        let entry = Entry::decode(bytes.as_slice()).map_err(|_| self.damaged("an entry cannot be understood"))?;
        self.next += 1;
        Ok(Some((number, entry)))
    }

    fn frame(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut segment = match self.segment.take() {
            Some(segment) => segment,
            None => self.find()?,
        };
        let met = record::read(self.next, &mut segment).map_err(Error::io("read", &self.folder))?;
        self.segment = Some(segment);
        Ok(match met {
            Met::Frame { bytes, .. } => Some(bytes),
            Met::End => None,
        })
    }

    /// Opens the segment that holds the next entry, and goes to it.
    fn find(&self) -> Result<BufReader<File>, Error> {
        let at = |doing| Error::io(doing, &self.folder);
        let segments = log::segments(&self.folder).map_err(at("list"))?;
        let first = segments.into_iter().rev().find(|first| *first <= self.next);
        let first = first.ok_or_else(|| self.damaged("a segment is missing"))?;
        let mut segment = BufReader::new(File::open(log::path(&self.folder, first)).map_err(at("open"))?);
        for number in first..self.next {
            if let Met::End = record::read(number, &mut segment).map_err(at("read"))? {
                return Err(self.damaged("an entry cannot be read"));
            }
        }
        Ok(segment)
    }

    fn damaged(&self, rule: &'static str) -> Error {
        Error::Damaged {
            path: self.folder.clone(),
            rule,
        }
    }
}
