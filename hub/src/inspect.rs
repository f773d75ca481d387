//! What an information governance officer may read of the ledger.
//! Needs a permit for each look, so each look is itself in the ledger.

use std::sync::Arc;

use crate::{
    gate::{Act, Error, Look, Permit},
    ledger::read,
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

    fn read(&self) -> &dyn Read {
        &*self.store
    }
}
