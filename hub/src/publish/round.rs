//! What is remembered of the head from one look to the next: which head witnesses are asked for, and how long entries have
//! waited to be under one that enough of them cosigned. Never asks anybody, and never reads a clock.

use jiff::Timestamp;

use crate::ledger::Checkpoint;

/// The newest head, and the one that witnesses are asked for, which stays the same while they answer: a head that moved with
/// every entry would never be cosigned by several.
#[derive(Default)]
pub(super) struct Round {
    newest: String,
    asked: String,
    /// The head that is asked for, with the cosignatures that it has.
    note: String,
    /// Since when there are entries beyond the head that is asked for.
    beyond_since: Option<Timestamp>,
    /// Since when there are entries that no head of this run speaks for that enough have cosigned.
    uncovered_since: Option<Timestamp>,
}

impl Round {
    /// Takes note of the newest head.
    pub(super) fn found(&mut self, head: String, now: Timestamp) {
        self.newest = head;
        if self.newest != self.asked {
            self.beyond_since.get_or_insert(now);
            self.uncovered_since.get_or_insert(now);
        }
    }

    /// Asks for the newest head from now on. Gives it, if it is another than before.
    pub(super) fn take(&mut self) -> Option<&str> {
        if self.newest == self.asked {
            return None;
        }
        self.asked.clone_from(&self.newest);
        self.note.clone_from(&self.newest);
        self.beyond_since = None;
        Some(&self.asked)
    }

    /// Adds what a witness made of the head that is asked for.
    pub(super) fn add(&mut self, cosigned: &str) {
        if let Ok(note) = Checkpoint::join(&self.note, cosigned) {
            self.note = note;
        }
    }

    /// Enough have cosigned the head that is asked for: only what came after it waits.
    pub(super) fn cover(&mut self) {
        self.uncovered_since = self.beyond_since;
    }

    /// The head that witnesses are asked for; empty before the first.
    pub(super) fn asked(&self) -> &str {
        &self.asked
    }

    /// It, with the cosignatures that it has.
    pub(super) fn note(&self) -> &str {
        &self.note
    }

    /// The newest head, with the cosignatures that it has.
    pub(super) fn newest(&self) -> &str {
        if self.newest == self.asked {
            &self.note
        } else {
            &self.newest
        }
    }

    /// Since when the oldest entry waits that no head of this run speaks for that enough have cosigned.
    pub(super) fn uncovered_since(&self) -> Option<Timestamp> {
        self.uncovered_since
    }
}
