//! Content that was opened for earlier answers, as it was written out for them, so that it need not be read, opened and
//! written again. Never older than what is committed: a signal's content is kept under the stamps of its row and of its
//! subject's data key, so that a correction, a retraction and the loss of the key each end it at once. Nothing that has
//! ended stays longer than until the next sweep.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
};

use quick_cache::{Weighter, sync::Cache};

use super::{
    Error, Form, bound_to,
    record::{self, Known},
    subject,
};
use crate::{
    keys::{self, Keys, Opener},
    model::{Header, SignalId},
    store::{Counted, Place, Read as _, Stamp, row},
    tables,
};

/// Of how many signals the content is remembered.
const REMEMBERED: usize = 65_536;
/// How much is remembered, in bytes as they are written out, and some for each signal.
const BYTES: u64 = 32 * 1024 * 1024;
/// What each signal counts beside its content, in bytes.
const EACH: u64 = 256;

/// Remembers content. Prints as `Memory(…)`.
pub(super) struct Memory {
    opened: Cache<SignalId, Remembered, Weight>,
    form: Form,
}

/// Content, and what must not have been written since. It is kept with its places, so that a look at it hashes nothing.
#[derive(Clone)]
struct Remembered {
    places: Places,
    stamps: Stamps,
    content: Content,
}

/// An opener that is kept from one signal of an answer to the next, with the stamp of the key that it was made of.
pub(super) struct Kept {
    key: Option<Stamp>,
    opener: Opener,
}

/// What of a signal's row an answer needs.
#[derive(Clone)]
pub(super) struct Content {
    /// Under whose data key it is sealed.
    subject: [u8; 16],
    version: u64,
    /// Whether it was neither taken back nor forgotten.
    live: bool,
    /// All that it says, if it was opened.
    whole: Option<Arc<[u8]>>,
}

/// Of the signal's row, and of the data key under which it is sealed.
#[derive(Clone, Copy)]
struct Places {
    row: Place,
    key: Place,
}

/// Of the same two.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamps {
    row: Stamp,
    key: Stamp,
}

#[derive(Clone)]
struct Weight;

impl Memory {
    /// What is opened is written out in this form.
    pub(super) fn empty(form: Form) -> Self {
        Self {
            opened: Cache::with_weighter(REMEMBERED, BYTES, Weight),
            form,
        }
    }

    /// Drops what was written since it was remembered, so that it does not stay in memory because nobody asks for it.
    pub(super) fn tidy(&self, store: &Counted) {
        self.opened.retain(|_, remembered| remembered.holds(store));
    }

    /// What a signal says that was decided on by these labels, opened and written out if that is asked for. The opener
    /// is kept from one signal to the next, since those of an answer mostly share a subject, for as long as its key is
    /// not written.
    ///
    /// # Errors
    /// `Changed` if its row no longer holds what was decided on; otherwise if it cannot be read or opened.
    pub(super) fn content(
        &self,
        (store, keys): (&Counted, &Keys),
        header: &Header,
        opens: bool,
        opener: &mut Option<Kept>,
    ) -> Result<Option<Arc<[u8]>>, Error> {
        if let Some(remembered) = self.opened.get(&header.id) {
            if !remembered.holds(store) {
                self.opened.remove(&header.id);
            } else if remembered.content.whole.is_some() || !opens {
                return remembered.content.checked(header);
            }
        }
        let places = Places::of(store, header.id, subject(header));
        let before = places.stamps(store);
        let key = before.map(|stamps| stamps.key);
        *opener = opener.take().filter(|kept| key.is_some() && kept.key == key);
        let content = Content::read((store, keys, &self.form), header, opens.then_some(key), opener)?;
        // Nothing that was read may be taken for read later than it is compared with.
        fence(Ordering::SeqCst);
        if let Some(stamps) = before.filter(|_| places.stamps(store) == before)
            && content.is_of(header)
        {
            let content = content.clone();
            self.opened.insert(
                header.id,
                Remembered {
                    places,
                    stamps,
                    content,
                },
            );
        }
        content.checked(header)
    }
}

impl Remembered {
    /// Whether neither of the two was written since.
    fn holds(&self, store: &Counted) -> bool {
        self.places.stamps(store) == Some(self.stamps)
    }
}

impl Places {
    fn of(store: &Counted, id: SignalId, subject: [u8; 16]) -> Self {
        Self {
            row: store.place(&record::key(id)),
            key: store.place(&keys::place_of_data_key(subject)),
        }
    }

    /// The stamps of now; `None` while one of the two is written.
    fn stamps(self, store: &Counted) -> Option<Stamps> {
        let (row, key) = (store.stamp_at(self.row)?, store.stamp_at(self.key)?);
        Some(Stamps { row, key })
    }
}

impl Content {
    /// `opens` is the stamp of the data key, if the content is to be opened.
    fn read(
        (store, keys, form): (&Counted, &Keys, &Form),
        header: &Header,
        opens: Option<Option<Stamp>>,
        opener: &mut Option<Kept>,
    ) -> Result<Self, Error> {
        let row = store.get(&record::key(header.id))?.ok_or(Error::Changed)?;
        let (Known { version, retracted, .. }, sealed) = record::content(&row)?;
        // Nothing is sealed any more once it was taken back, or has lapsed and was forgotten.
        let live = !retracted && !sealed.is_empty();
        let subject = subject(header);
        let whole = match opens.filter(|_| live && version == header.version) {
            Some(key) => {
                let kept = match opener.take().filter(|kept| kept.opener.subject() == subject) {
                    Some(kept) => opener.insert(kept),
                    None => {
                        let made = keys.vault.opener(store, subject).map_err(Error::Sealed)?;
                        opener.insert(Kept { key, opener: made })
                    }
                };
                let plain = kept.opener.open(&bound_to(header), sealed).map_err(Error::Sealed)?;
                Some(form(header, row::decode(tables::SIGNAL, &plain)?))
            }
            None => None,
        };
        Ok(Self {
            subject,
            version,
            live,
            whole,
        })
    }

    /// Whether this is what was decided on.
    fn is_of(&self, header: &Header) -> bool {
        self.live && self.version == header.version && self.subject == subject(header)
    }

    /// What it says, if this is what was decided on.
    fn checked(self, header: &Header) -> Result<Option<Arc<[u8]>>, Error> {
        match self.is_of(header) {
            true => Ok(self.whole),
            false => Err(Error::Changed),
        }
    }
}

impl Weighter<SignalId, Remembered> for Weight {
    fn weight(&self, _: &SignalId, remembered: &Remembered) -> u64 {
        remembered.content.whole.as_ref().map_or(0, |whole| whole.len() as u64) + EACH
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(…)")
    }
}

#[cfg(test)]
mod tests;
