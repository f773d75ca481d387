//! What an information governance officer may read of the ledger.
//! Needs a permit for each look, so each look is itself in the ledger.

use std::sync::Arc;

use crate::{
    gate::{Act, Error, Look, Permit},
    ledger::{read, tree::Hash},
    store::{Read, Store},
};

/// An entry's number and its bytes.
pub type Numbered = (u64, Vec<u8>);

/// Reads the ledger.
#[derive(Clone)]
pub struct Inspection {
    store: Arc<dyn Store>,
}

impl Inspection {
    /// Reads the ledger of this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Entries before a number, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn newest(&self, _: &Permit<Act<Look>>, before: Option<u64>, limit: usize) -> Result<Vec<Numbered>, Error> {
        Ok(read::newest(self.read(), before, limit)?)
    }

    /// Entries that concern any of these subjects, before a number, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn concerning(
        &self,
        _: &Permit<Act<Look>>,
        subjects: &[[u8; 16]],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        Ok(read::concerning(self.read(), subjects, before, limit)?)
    }

    /// Entries from a number on, in order.
    ///
    /// # Errors
    /// If the store fails.
    pub fn in_order(&self, _: &Permit<Act<Look>>, from: u64, limit: usize) -> Result<Vec<Numbered>, Error> {
        Ok(read::export(self.read(), from, limit)?)
    }

    /// For each change of the ledger's key, the note that both keys signed.
    ///
    /// # Errors
    /// If the store fails.
    pub fn handovers(&self, _: &Permit<Act<Look>>) -> Result<Vec<String>, Error> {
        Ok(read::handovers(self.read())?)
    }

    /// That an entry is in the tree of so many entries.
    ///
    /// # Errors
    /// If there is no such entry or size, or the store fails.
    pub fn prove_inclusion(&self, _: &Permit<Act<Look>>, number: u64, size: u64) -> Result<Vec<Hash>, Error> {
        Ok(read::prove_inclusion(self.read(), number, size)?)
    }

    /// That the tree of `to` entries begins with that of `from`.
    ///
    /// # Errors
    /// If there is no such size, or the store fails.
    pub fn prove_consistency(&self, _: &Permit<Act<Look>>, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        Ok(read::prove_consistency(self.read(), from, to)?)
    }

    fn read(&self) -> &dyn Read {
        &*self.store
    }
}
