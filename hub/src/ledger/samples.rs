//! What the room's tests share: an empty store, and stores with sample entries in them. All of it is made up.

pub(super) use placehub_ledger::samples::*;

use super::{
    Entry, Ledger, packed,
    stored::{entry_key, entry_number},
};
use crate::{
    store::{self, Read, Txn, Visit},
    tables,
};

/// A store with nothing in it. A transaction on it is store enough for these tests.
pub(super) struct Nothing;

impl Read for Nothing {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, store::Error> {
        Ok(None)
    }

    fn scan(&self, _: &[u8], _: &[u8], _: &mut Visit<'_>) -> Result<(), store::Error> {
        Ok(())
    }
}

pub(super) fn ledger() -> Ledger {
    Ledger::new(signer(1))
}

/// A store in which each entry has been entered with these concerns and sealed.
pub(super) fn filled(entries: impl IntoIterator<Item = (Entry, Vec<[u8; 16]>)>) -> Txn<'static> {
    let (ledger, mut txn) = (ledger(), Txn::new(&Nothing));
    for (entry, concerns) in entries {
        let _ = ledger.enter(&mut txn, entry, &concerns).unwrap();
    }
    ledger.seal(&mut txn).unwrap();
    txn
}

/// A store of so many entries, a second apart; the `n`th concerns subject `n % 3`, and every fifth subject 9 as well.
pub(super) fn many(count: u8) -> Txn<'static> {
    filled((0..count).map(|n| {
        let mut concerns = vec![subject(n % 3), subject(n % 3)];
        if n % 5 == 0 {
            concerns.push(subject(9));
        }
        (
            Entry {
                at: at(n.into()),
                ..pushed()
            },
            concerns,
        )
    }))
}

/// The same, with entries as they are, each in a row of its own: as short ones lie that were committed alone, and as all did in
/// the first stores.
pub(super) fn single(count: u8) -> Txn<'static> {
    let mut txn = many(count);
    for (key, row) in txn.take_under(&[tables::LEDGER_ENTRY]) {
        for (number, entry) in packed::unpack(entry_number(&key).unwrap(), &row).unwrap() {
            txn.put(entry_key(number), entry);
        }
    }
    txn
}
