//! What of consent a decision rests on: whose statements were looked at, and at which of each person's epochs.
//! Never says what they say.

use super::{epoch, serial};
use crate::{
    model::PersonId,
    store::{Error, Read},
};

/// The statements that a decision rests on. As long as they hold, the decision does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grounds {
    pub(super) epoch: u64,
    pub(super) people: Vec<(PersonId, u64)>,
}

impl Grounds {
    /// Whether none of the people has said anything since, and each is still who they were, and as alive.
    ///
    /// # Errors
    /// If the store fails: then nobody knows.
    pub fn hold(&self, read: &dyn Read) -> Result<bool, Error> {
        if epoch(read)? == self.epoch {
            return Ok(true);
        }
        for (person, known) in &self.people {
            if serial(read, *person)? != *known {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
