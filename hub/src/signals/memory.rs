//! Content that was opened for earlier answers, so that it need not be read and opened again. Never older than what is
//! committed: a signal's content is kept under the stamps of its row and of its subject's data key, so that a correction,
//! a retraction and the loss of the key each end it at once. Nothing that has ended stays longer than until the next sweep.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
};

use quick_cache::{Weighter, sync::Cache};

use super::{
    Error, bound_to,
    record::{self, Known},
    subject,
};
use crate::{
    keys::{self, Keys, Opener},
    model::{Body, Header, SignalId},
    store::{Counted, Read as _, Stamp, row},
    tables,
};

/// Of how many signals the content is remembered.
const REMEMBERED: usize = 65_536;
/// How much is remembered, in bytes as they are stored, and some for each signal.
const BYTES: u64 = 32 * 1024 * 1024;
/// What each signal counts beside its content, in bytes.
const EACH: u64 = 256;

/// Remembers content. Prints as `Memory(…)`.
pub(super) struct Memory {
    opened: Cache<SignalId, (Stamps, Content), Weight>,
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
    /// How long it is as it is stored.
    length: usize,
    body: Option<Arc<Body>>,
}

/// Of the signal's row, and of the data key under which it is sealed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamps {
    row: Stamp,
    key: Stamp,
}

#[derive(Clone)]
struct Weight;

impl Memory {
    pub(super) fn empty() -> Self {
        Self {
            opened: Cache::with_weighter(REMEMBERED, BYTES, Weight),
        }
    }

    /// Drops what was written since it was remembered, so that it does not stay in memory because nobody asks for it.
    pub(super) fn tidy(&self, store: &Counted) {
        self.opened
            .retain(|id, (stamps, content)| Stamps::of(store, *id, content.subject) == Some(*stamps));
    }

    /// The content of a signal that was decided on by these labels, opened if that is asked for. The opener is kept from one
    /// signal to the next, since those of an answer mostly share a subject, for as long as its key is not written.
    ///
    /// # Errors
    /// `Changed` if its row no longer holds what was decided on; otherwise if it cannot be read or opened.
    pub(super) fn content(
        &self,
        (store, keys): (&Counted, &Keys),
        header: &Header,
        opens: bool,
        opener: &mut Option<Kept>,
    ) -> Result<Option<Arc<Body>>, Error> {
        let stamps = || Stamps::of(store, header.id, subject(header));
        let before = stamps();
        if let Some((known, content)) = self.opened.get(&header.id) {
            if Some(known) != before {
                self.opened.remove(&header.id);
            } else if content.body.is_some() || !opens {
                return content.checked(header);
            }
        }
        let key = before.map(|stamps| stamps.key);
        *opener = opener.take().filter(|kept| key.is_some() && kept.key == key);
        let content = Content::read((store, keys), header, opens.then_some(key), opener)?;
        // Nothing that was read may be taken for read later than it is compared with.
        fence(Ordering::SeqCst);
        if let Some(stamps) = before.filter(|_| stamps() == before)
            && content.body.is_some()
        {
            self.opened.insert(header.id, (stamps, content.clone()));
        }
        content.checked(header)
    }
}

impl Stamps {
    /// Those of now; `None` while one of the two is written.
    fn of(store: &Counted, id: SignalId, subject: [u8; 16]) -> Option<Self> {
        let row = store.stamp(&record::key(id))?;
        let key = store.stamp(&keys::place_of_data_key(subject))?;
        Some(Self { row, key })
    }
}

impl Content {
    /// `opens` is the stamp of the data key, if the content is to be opened.
    fn read(
        (store, keys): (&Counted, &Keys),
        header: &Header,
        opens: Option<Option<Stamp>>,
        opener: &mut Option<Kept>,
    ) -> Result<Self, Error> {
        let row = store.get(&record::key(header.id))?.ok_or(Error::Changed)?;
        let (Known { version, retracted, .. }, sealed) = record::content(&row)?;
        // Nothing is sealed any more once it was taken back, or has lapsed and was forgotten.
        let live = !retracted && !sealed.is_empty();
        let subject = subject(header);
        let body = match opens.filter(|_| live && version == header.version) {
            Some(key) => {
                let kept = match opener.take().filter(|kept| kept.opener.subject() == subject) {
                    Some(kept) => opener.insert(kept),
                    None => {
                        let made = keys.vault.opener(store, subject).map_err(Error::Sealed)?;
                        opener.insert(Kept { key, opener: made })
                    }
                };
                let plain = kept.opener.open(&bound_to(header), sealed).map_err(Error::Sealed)?;
                Some(Arc::new(row::decode(tables::SIGNAL, &plain)?))
            }
            None => None,
        };
        Ok(Self {
            subject,
            version,
            live,
            length: sealed.len(),
            body,
        })
    }

    /// The body, if this is what was decided on.
    fn checked(self, header: &Header) -> Result<Option<Arc<Body>>, Error> {
        match self.live && self.version == header.version {
            true => Ok(self.body),
            false => Err(Error::Changed),
        }
    }
}

impl Weighter<SignalId, (Stamps, Content)> for Weight {
    fn weight(&self, _: &SignalId, (_, content): &(Stamps, Content)) -> u64 {
        content.length as u64 + EACH
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::Keyring,
        model::{Sensitivity, Severity},
        signals::record::Record,
        store::{Memory as InMemory, Store as _, Txn},
    };

    fn header(version: u64) -> Header {
        Header {
            id: SignalId([1; 16]),
            version,
            kind: "housing.rent-arrears".parse().unwrap(),
            owner: "housing".parse().unwrap(),
            person: None,
            address: Some([2; 16]),
            area: None,
            occurred_at: jiff::Timestamp::UNIX_EPOCH,
            lapses_at: jiff::Timestamp::MAX,
            severity: Severity::Low,
            sensitivity: Sensitivity::Ordinary,
        }
    }

    struct World {
        store: Arc<Counted>,
        memory: Memory,
        keys: Keys,
    }

    impl World {
        /// Where one version is stored, and remembered.
        fn warm() -> Self {
            let world = Self {
                store: Arc::new(Counted::new(Arc::new(InMemory::new()), tables::topic)),
                memory: Memory::empty(),
                keys: Keys::of(Keyring::random().unwrap()),
            };
            world.put(1, "first");
            assert_eq!(world.opened(1), Ok(Some("first".to_owned())));
            world
        }

        fn commit(&self, write: impl FnOnce(&mut Txn<'_>)) {
            let mut txn = Txn::new(&*self.store);
            write(&mut txn);
            self.store.commit(txn.into_writes()).unwrap();
        }

        fn put(&self, version: u64, summary: &str) {
            self.commit(|txn| {
                let body = Body {
                    summary: summary.to_owned(),
                    attributes: Default::default(),
                    pointer: String::new(),
                    uprn: String::new(),
                    person: None,
                };
                let header = header(version);
                let plain = row::encode(tables::SIGNAL, &body).unwrap();
                let sealed = self.keys.vault.seal(txn, subject(&header), &bound_to(&header), &plain);
                let record = Record {
                    known: known(version),
                    sealed: sealed.unwrap(),
                    header: Some(header),
                };
                record.put(txn, SignalId([1; 16])).unwrap();
            });
        }

        fn look(&self, version: u64, opens: bool) -> Result<Option<String>, String> {
            self.look_with(version, opens, &mut None)
        }

        fn look_with(&self, version: u64, opens: bool, opener: &mut Option<Kept>) -> Result<Option<String>, String> {
            let found = self
                .memory
                .content((&self.store, &self.keys), &header(version), opens, opener);
            let body = found.map_err(|why| why.to_string())?;
            Ok(body.map(|body| body.summary.clone()))
        }

        fn opened(&self, version: u64) -> Result<Option<String>, String> {
            let first = self.look(version, true);
            assert_eq!(self.look(version, true), first, "also when it is remembered");
            first
        }
    }

    fn known(version: u64) -> Known {
        Known {
            version,
            content: [0; 32],
            retracted: false,
            exists: true,
        }
    }

    fn changed() -> Result<Option<String>, String> {
        Err(Error::Changed.to_string())
    }

    #[test]
    fn a_correction_ends_what_was_remembered_of_the_version_before() {
        let world = World::warm();
        world.put(2, "second");
        assert_eq!(world.opened(1), changed());
        assert_eq!(world.opened(2), Ok(Some("second".to_owned())));
        assert_eq!(world.look(1, false), changed());
    }

    #[test]
    fn what_was_taken_back_or_has_lapsed_is_remembered_no_more() {
        let world = World::warm();
        world.commit(|txn| {
            let gone = Record {
                known: known(1),
                sealed: Vec::new(),
                header: None,
            };
            gone.put(txn, SignalId([1; 16])).unwrap();
        });
        assert_eq!(world.opened(1), changed());
        let world = World::warm();
        world.commit(|txn| txn.delete(record::key(SignalId([1; 16]))));
        assert_eq!(world.opened(1), changed());
    }

    #[test]
    fn whoever_loses_their_data_key_is_mute_at_once() {
        let world = World::warm();
        world.commit(|txn| txn.delete(keys::place_of_data_key([2; 16])));
        assert!(world.opened(1).is_err());
    }

    #[test]
    fn an_opener_of_an_answer_is_not_kept_beyond_its_key() {
        let world = World::warm();
        let mut opener = None;
        world.put(2, "second");
        assert!(world.look_with(2, true, &mut opener).is_ok_and(|body| body.is_some()));
        // The row is written too, so that nothing is remembered of it.
        world.commit(|txn| {
            let row = txn.get(&record::key(SignalId([1; 16]))).unwrap().unwrap();
            txn.put(record::key(SignalId([1; 16])), row);
            txn.delete(keys::place_of_data_key([2; 16]));
        });
        assert!(world.look_with(2, true, &mut opener).is_err());
    }

    #[test]
    fn what_has_ended_is_dropped_when_the_memory_is_tidied_and_nothing_else() {
        let world = World::warm();
        world.memory.tidy(&world.store);
        assert_eq!(world.memory.opened.len(), 1);
        world.commit(|txn| txn.delete(record::key(SignalId([1; 16]))));
        world.memory.tidy(&world.store);
        assert_eq!(world.memory.opened.len(), 0);
    }

    #[test]
    fn what_was_not_opened_is_opened_for_whoever_may_see_it() {
        let world = World::warm();
        world.put(2, "second");
        assert_eq!(world.look(2, false), Ok(None));
        assert_eq!(world.opened(2), Ok(Some("second".to_owned())));
    }
}
