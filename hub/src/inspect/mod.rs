//! What an information governance officer may read of the ledger.
//! Needs a permit for each look, which says how far that look goes; so each look is itself in the ledger.

mod access;
mod counts;

use std::{ops::Range, sync::Arc};

use crate::{
    catalogue::Catalogue,
    gate::{AccessLog, Act, Error, Examine, Export, Inquiry, ListEntries, ListHeld, Permit, Prove, ShowEntry, WhoSaw},
    keys::Keys,
    ledger::{
        Entry, Period, Subject,
        held::{self, Held},
        read,
        tree::Hash,
    },
    store::{Read, Store},
};

pub use access::Hold;
pub use counts::{Count, Counts, Label};

/// How many entries are read at a time.
const CHUNK: usize = 256;

/// How many held entries are looked at for one page.
const MOST_LOOKED_AT: usize = 4096;

/// Where in the list of held entries: the entry's number, and the subject whose log left it out.
pub type Place = (u64, [u8; 16]);

/// Which page of the list of held entries.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// From where on.
    pub from: Place,
    /// Also those that were reviewed.
    pub reviewed: bool,
    /// At most so many.
    pub entries: usize,
    /// At most so many bytes of entries, or one entry.
    pub bytes: usize,
}

/// An entry's number and its bytes.
pub type Numbered = (u64, Vec<u8>);

/// Reads the ledger.
#[derive(Clone)]
pub struct Inspection {
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
}

/// What one chunk of the log has for an officer's question.
#[derive(Debug)]
pub struct Found {
    /// The entries that answer it, newest first: number, bytes, and what they say.
    pub entries: Vec<(u64, Vec<u8>, Entry)>,
    /// Below which number to go on; `None`: there is nothing more.
    pub next: Option<u64>,
}

/// What one chunk of a person's entries has for their access log.
#[derive(Debug)]
pub struct Accesses {
    /// What the log tells, newest first.
    pub told: Vec<Told>,
    /// What it leaves out, and is to be reviewed; and whether that may be about somebody else.
    pub held: Vec<(u64, bool)>,
    /// Below which number to go on; `None`: there is nothing more.
    pub next: Option<u64>,
}

/// An entry that a person's access log tells of.
#[derive(Debug)]
pub struct Told {
    /// Its number.
    pub number: u64,
    /// The entry.
    pub entry: Entry,
    /// Whether it may be about somebody else, so that the log must not say what it showed.
    pub doubtful: bool,
}

/// An entry that access logs have left out.
#[derive(Debug)]
pub struct HeldBack {
    /// What is known of it.
    pub held: Held,
    /// Why a log would still leave it out; `None`: it would not, or a review alone keeps it out.
    pub hold: Option<Hold>,
    /// The entry's number and its bytes.
    pub numbered: Numbered,
}

impl Inspection {
    /// Reads the ledger of this store, whose people are named under these keys.
    pub fn new(store: Arc<dyn Store>, keys: Arc<Keys>) -> Self {
        Self { store, keys }
    }

    /// Entries before a number, newest first.
    ///
    /// # Errors
    /// If the store fails. So for every look.
    pub fn newest(
        &self,
        _: &Permit<Act<ListEntries>>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        Ok(read::newest(self.read(), before, limit)?)
    }

    /// Entries that concern the person of the permit, before a number, newest first.
    ///
    /// # Errors
    /// As for each look.
    pub fn concerning(
        &self,
        permit: &Permit<Act<WhoSaw>>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        let WhoSaw { subjects, period } = permit.scope().deed();
        let within = self.below(*period, before)?;
        Ok(read::concerning(self.read(), subjects, within, limit)?)
    }

    /// The entry of the permit, if there is one.
    ///
    /// # Errors
    /// As for each look.
    pub fn entry(&self, permit: &Permit<Act<ShowEntry>>) -> Result<Option<Numbered>, Error> {
        let number = permit.scope().deed().number;
        Ok(read::entry(self.read(), number)?.map(|bytes| (number, bytes)))
    }

    /// The numbers of the entries that an export of so many entries in all takes away.
    ///
    /// # Errors
    /// As for each look.
    pub fn exported(&self, permit: &Permit<Act<Export>>, size: u64) -> Result<Range<u64>, Error> {
        let Range { start, end } = permit.scope().deed().period.numbers(self.read())?;
        Ok(start.min(size)..end.min(size))
    }

    /// Entries from a number on, in order, each with the hash that was kept of it when it was made.
    ///
    /// # Errors
    /// As for each look.
    pub fn in_order(&self, _: &Permit<Act<Export>>, from: u64) -> Result<Vec<(Numbered, Hash)>, Error> {
        let entries = read::export(self.read(), from, CHUNK)?;
        let kept = read::kept(self.read(), from..from + entries.len() as u64)?;
        Ok(entries.into_iter().zip(kept).collect())
    }

    /// For each change of the ledger's key, the note that both keys signed.
    ///
    /// # Errors
    /// As for each look.
    pub fn handovers(&self, _: &Permit<Act<Export>>) -> Result<Vec<String>, Error> {
        Ok(read::handovers(self.read())?)
    }

    /// The bytes of an entry, and that it is in the tree of so many entries.
    ///
    /// # Errors
    /// If there is no such entry or size, or as for each look.
    pub fn prove_inclusion(
        &self,
        _: &Permit<Act<Prove>>,
        number: u64,
        size: u64,
    ) -> Result<(Vec<u8>, Vec<Hash>), Error> {
        let bytes = read::entry(self.read(), number)?.ok_or(crate::ledger::Error::Torn("an entry is missing"))?;
        Ok((bytes, read::prove_inclusion(self.read(), number, size)?))
    }

    /// That the tree of `to` entries begins with that of `from`.
    ///
    /// # Errors
    /// If there is no such size, or as for each look.
    pub fn prove_consistency(&self, _: &Permit<Act<Prove>>, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        Ok(read::prove_consistency(self.read(), from, to)?)
    }

    /// The next chunk of what answers an officer's question, below a number.
    ///
    /// # Errors
    /// As for each look.
    pub fn examine(&self, permit: &Permit<Act<Examine>>, before: Option<u64>) -> Result<Found, Error> {
        let Examine { inquiry, period } = permit.scope().deed();
        let within = self.below(*period, before)?;
        let (rows, next) = match inquiry.concern() {
            Some(concern) => {
                let rows = read::concerning(self.read(), &[concern], within, CHUNK)?;
                let last = rows.last().filter(|_| rows.len() == CHUNK);
                let next = last.map(|(number, _)| *number);
                (rows, next)
            }
            None => {
                let from = within.end.saturating_sub(CHUNK as u64).max(within.start);
                let rows = read::backwards(self.read(), from..within.end)?;
                (rows, Some(from).filter(|from| *from > within.start))
            }
        };
        let mut entries = Vec::new();
        for (number, bytes) in rows {
            let entry = parse(&bytes)?;
            if answers(inquiry, &entry) {
                entries.push((number, bytes, entry));
            }
        }
        Ok(Found { entries, next })
    }

    /// The next chunk of a person's access log, below a number.
    ///
    /// # Errors
    /// As for each look. The log must not go out unless what is held is on the list of what is to be reviewed.
    pub fn accesses(
        &self,
        permit: &Permit<Act<AccessLog>>,
        catalogue: &Catalogue,
        before: Option<u64>,
    ) -> Result<Accesses, Error> {
        let AccessLog {
            subjects,
            parted,
            period,
        } = permit.scope().deed();
        let within = self.below(*period, before)?;
        let rows = read::concerning(self.read(), subjects, within, CHUNK)?;
        let last = rows.last().filter(|_| rows.len() == CHUNK);
        let next = last.map(|(number, _)| *number);
        let (mut told, mut held) = (Vec::new(), Vec::new());
        for (number, bytes) in rows {
            let entry = parse(&bytes)?;
            let doubtful = self.is_doubtful((number, &entry), subjects, parted)?;
            let known = held::of(self.read(), number, subjects)?;
            let reviewed = known.and_then(|(.., held)| held.verdict);
            if access::is_told((&entry, doubtful), catalogue, reviewed, permit.scope().at()) {
                told.push(Told {
                    number,
                    entry,
                    doubtful,
                });
            } else {
                held.push((number, doubtful));
            }
        }
        Ok(Accesses { told, held, next })
    }

    /// Whether an entry may be about somebody else than the person with these subjects: its commitment names none of them,
    /// or it was made while they were taken for one with somebody whom they are not one with now.
    fn is_doubtful(
        &self,
        (number, entry): (u64, &Entry),
        subjects: &[[u8; 16]],
        parted: &[[u8; 16]],
    ) -> Result<bool, Error> {
        let Some(Subject::Person(named)) = &entry.subject else {
            return Ok(false);
        };
        // Who somebody was said to be concerns both, and the log says nothing of the other.
        if access::is_of_several(entry) {
            return Ok(false);
        }
        let commitment = (named.salt.0, named.commitment.0);
        for subject in subjects {
            if self.keys.vault.names(self.read(), *subject, commitment)? {
                return Ok(read::concerns(self.read(), number, parted)?);
            }
        }
        Ok(true)
    }

    /// A page of what is held back from access logs, from a place on and in order, and at which place to go on.
    /// Without `reviewed`, only what a log would still leave out and nobody has reviewed.
    ///
    /// # Errors
    /// As for each look.
    pub fn held(
        &self,
        permit: &Permit<Act<ListHeld>>,
        catalogue: &Catalogue,
        page: Page,
    ) -> Result<(Vec<HeldBack>, Option<Place>), Error> {
        let (mut found, mut bytes, mut from) = (Vec::new(), 0, page.from);
        for _ in 0..MOST_LOOKED_AT {
            let Some((number, subject, held)) = held::next(self.read(), from)? else {
                return Ok((found, None));
            };
            from = (number, subject);
            let raw = read::entry(self.read(), number)?;
            let raw = raw.ok_or(crate::ledger::Error::Torn("a held entry is missing"))?;
            let hold = access::hold((&parse(&raw)?, held.doubtful), catalogue, permit.scope().at());
            if page.reviewed || (held.verdict.is_none() && hold.is_some()) {
                bytes += raw.len();
                if found.len() == page.entries || (bytes > page.bytes && !found.is_empty()) {
                    break;
                }
                let numbered = (number, raw);
                found.push(HeldBack { held, hold, numbered });
            }
            from = after(from);
        }
        Ok((found, Some(from)))
    }

    /// The numbers of a period's entries that are below a number.
    fn below(&self, period: Period, before: Option<u64>) -> Result<Range<u64>, Error> {
        let Range { start, end } = period.numbers(self.read())?;
        Ok(start..before.map_or(end, |before| before.min(end)))
    }

    fn read(&self) -> &dyn Read {
        &*self.store
    }
}

/// The place right behind one.
fn after((number, subject): Place) -> Place {
    match u128::from_be_bytes(subject).checked_add(1) {
        Some(next) => (number, next.to_be_bytes()),
        None => (number.saturating_add(1), [0; 16]),
    }
}

/// Whether an entry answers a question.
fn answers(inquiry: &Inquiry, entry: &Entry) -> bool {
    let is_question = entry.purpose.is_some();
    match inquiry {
        // The index has chosen these already, and lists nothing else under their subjects.
        Inquiry::AskedBy { .. } | Inquiry::LeftUnder(_) => true,
        Inquiry::NearSelf => is_question && is_look_up(entry),
        Inquiry::Refusals => !entry.allowed,
        Inquiry::WithoutCase => is_question && entry.case_reference.is_empty() && is_look_up(entry),
    }
}

/// Whether somebody asked about a person or an address, and not about an area.
fn is_look_up(entry: &Entry) -> bool {
    matches!(entry.subject, Some(Subject::Person(_) | Subject::Address(_)))
}

fn parse(bytes: &[u8]) -> Result<Entry, Error> {
    Ok(Entry::parse(bytes).map_err(crate::ledger::Error::Entry)?)
}
