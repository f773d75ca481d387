//! What a watch is to tell: the difference between what its reader has on the screen and what may be seen now.
//! Pure but for reading what was shown; decides nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Error, Event, Gate, Standpoint};
use crate::{
    changes::{self, ShownRow},
    model::{AgencyId, Header, Level, SignalId},
};

/// What a watch has on its reader's screen, as far as the reader's cursor goes.
pub(super) struct Seen {
    pub(super) rows: BTreeMap<SignalId, ShownRow>,
}

/// The events of a step in the making.
pub(super) struct Telling {
    seen: Seen,
    pub(super) events: Vec<Event>,
    pub(super) rows: Vec<(SignalId, ShownRow)>,
    at: Timestamp,
    pub(super) count: u64,
}

impl Seen {
    /// What was shown and not hidden again by event `from.events`. Later events did not reach the reader.
    pub(super) fn of(gate: &Gate, from: Standpoint) -> Result<Self, Error> {
        let rows = changes::shown(gate.read(), from.watch)?.into_iter();
        let reached = |row: &ShownRow| row.shown <= from.events && row.hidden.is_none_or(|hidden| hidden > from.events);
        Ok(Self {
            rows: rows.filter(|(_, row)| reached(row)).collect(),
        })
    }

    /// Whether the reader has a line "known to `owner`" for another signal than this.
    fn existence_of(&self, owner: &AgencyId, but: SignalId) -> bool {
        self.rows
            .iter()
            .any(|(id, row)| *id != but && row.owner == *owner && row.level == Level::Existence)
    }
}

impl Telling {
    /// Nothing to tell yet, after `count` events.
    pub(super) fn new(seen: Seen, at: Timestamp, count: u64) -> Self {
        Self {
            seen,
            events: Vec::new(),
            rows: Vec::new(),
            at,
            count,
        }
    }

    /// Adds what is to be told of one signal. True if the signal is to be opened.
    pub(super) fn tell(&mut self, header: &Header, level: Option<Level>) -> bool {
        let before = self.seen.rows.get(&header.id).cloned();
        let same = |row: &ShownRow| row.version == header.version && Some(row.level) == level;
        if before.as_ref().map_or(level.is_none(), same) {
            return false;
        }
        let lone = !self.seen.existence_of(&header.owner, header.id);
        if let Some(mut row) = before
            && level.is_none_or(|level| level < row.level)
        {
            if row.level > Level::Existence || lone {
                self.count += 1;
                let signal = (row.level > Level::Existence).then_some(header.id);
                self.events.push(Event::Hide {
                    signal,
                    owner: header.owner.clone(),
                });
            }
            row.hidden = Some(self.count);
            self.seen.rows.remove(&header.id);
            self.rows.push((header.id, row));
        }
        let Some(level) = level else {
            return false;
        };
        let told = level > Level::Existence || lone;
        if told {
            self.count += 1;
            self.events.push(Event::Show(header.id));
        }
        let row = ShownRow {
            owner: header.owner.clone(),
            version: header.version,
            level,
            shown: self.count,
            hidden: None,
            at: self.at,
        };
        self.seen.rows.insert(header.id, row.clone());
        self.rows.push((header.id, row));
        told
    }
}
