//! What was opened before is used as long as it is what the store holds, and no longer.

use super::*;
use crate::{
    keys::Keyring,
    model::{Body, Sensitivity, Severity},
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
    disk: Arc<InMemory>,
    store: Arc<Counted>,
    memory: Memory,
    keys: Keys,
}

impl World {
    /// Where one version is stored, and remembered.
    fn warm() -> Self {
        let disk = Arc::new(InMemory::new());
        let world = Self {
            disk: disk.clone(),
            store: Arc::new(Counted::new(disk, tables::topic).remembering(tables::is_alone)),
            memory: Memory::empty(Box::new(|_, body| body.summary.into_bytes().into())),
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
        let whole = found.map_err(|why| why.to_string())?;
        Ok(whole.map(|whole| String::from_utf8(whole.to_vec()).unwrap()))
    }

    /// How often the store is read for it.
    fn reads(&self, look: impl FnOnce()) -> u64 {
        let before = self.disk.operations().gets;
        look();
        self.disk.operations().gets - before
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
    assert_eq!(world.memory.opened.len(), 1, "it is remembered without its content");
    assert_eq!(world.opened(2), Ok(Some("second".to_owned())));
    assert_eq!(world.memory.opened.len(), 1, "in the place of what was there");
}

#[test]
fn what_was_shown_is_not_read_again_until_it_is_written() {
    let world = World::warm();
    let opened = world.reads(|| assert!(world.look(1, true).is_ok()));
    let closed = world.reads(|| assert!(world.look(1, false).is_ok()));
    assert_eq!((opened, closed), (0, 0), "its content was opened");
    world.put(2, "second");
    let look = || world.reads(|| assert_eq!(world.look(2, false), Ok(None)));
    assert_eq!((look(), look()), (1, 0), "its content was not opened");
}

#[test]
fn a_correction_ends_what_was_remembered_without_its_content() {
    let world = World::warm();
    world.put(2, "second");
    assert_eq!(world.look(2, false), Ok(None));
    world.put(3, "third");
    assert_eq!(world.look(2, false), changed());
    assert_eq!(world.memory.opened.len(), 0, "what was not shown is not remembered");
}

#[test]
fn what_is_remembered_under_one_data_key_is_not_shown_under_another() {
    let world = World::warm();
    let moved = Header {
        address: Some([3; 16]),
        ..header(1)
    };
    let found = world
        .memory
        .content((&world.store, &world.keys), &moved, true, &mut None);
    assert!(matches!(found, Err(Error::Changed)));
}

#[test]
fn what_was_opened_is_written_out_once_and_shared_by_all_who_see_it() {
    let world = World::warm();
    let whole = || {
        let found = world
            .memory
            .content((&world.store, &world.keys), &header(1), true, &mut None);
        found.unwrap().unwrap()
    };
    assert!(Arc::ptr_eq(&whole(), &whole()));
    assert_eq!(
        world.memory.opened.weight(),
        EACH + whole().len() as u64,
        "each byte counts"
    );
}
