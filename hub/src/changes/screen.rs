//! What a watch has on its reader's screen: kept event by event, so that any cursor of the watch can be gone back to.
//! Holds labels only.

use std::{
    collections::BTreeMap,
    ops::{Bound, ControlFlow},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    model::{AgencyId, Level, SignalId},
    store::{Error, Read, Txn, row},
    tables,
};

/// A watch, by the hub's random id of it.
pub type WatchId = [u8; 16];

/// A signal on a screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnScreen {
    /// Its owner.
    pub owner: AgencyId,
    /// Which version was shown.
    pub version: u64,
    /// How much of it. At existence level it shares its owner's one line.
    pub level: Level,
}

/// All signals on a screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screen {
    on: BTreeMap<SignalId, OnScreen>,
    lines: BTreeMap<AgencyId, usize>,
}

/// A signal that is on the screen from an event on, or off it.
pub type Turn = (SignalId, Option<OnScreen>);

impl Screen {
    /// What is on the screen of a signal.
    pub fn of(&self, signal: SignalId) -> Option<&OnScreen> {
        self.on.get(&signal)
    }

    /// How many signals stand behind the line that says that an agency knows the subject.
    pub fn behind_line(&self, owner: &AgencyId) -> usize {
        self.lines.get(owner).copied().unwrap_or_default()
    }

    /// The signals on the screen after one of them, in order of their ids, at most `most`.
    pub fn after(&self, signal: Option<SignalId>, most: usize) -> Vec<SignalId> {
        let from = signal.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.on.range((from, Bound::Unbounded));
        rest.map(|(id, _)| *id).take(most).collect()
    }

    /// Puts a signal on the screen, or takes it off.
    pub fn turn(&mut self, (signal, now): Turn) {
        let line = |screen: &Option<OnScreen>| {
            screen
                .as_ref()
                .filter(|on| on.level == Level::Existence)
                .map(|on| on.owner.clone())
        };
        let gained = line(&now);
        let before = match now {
            Some(now) => self.on.insert(signal, now),
            None => self.on.remove(&signal),
        };
        if let Some(owner) = line(&before)
            && let Some(behind) = self.lines.get_mut(&owner)
        {
            *behind = behind.saturating_sub(1);
        }
        if let Some(owner) = gained {
            *self.lines.entry(owner).or_default() += 1;
        }
    }
}

/// The screen of a watch as it stood after an event.
///
/// # Errors
/// If the store fails.
pub fn load(read: &dyn Read, watch: WatchId, event: u64) -> Result<Screen, Error> {
    let mut screen = Screen::default();
    let mut broken = None;
    read.scan(&key(watch, 0), &key(watch, event + 1), &mut |key, value| {
        let turn = signal_of(key).and_then(|signal| {
            let (now, _): (Option<OnScreen>, i64) = row::decode(tables::SHOWN, value)?;
            Ok((signal, now))
        });
        match turn {
            Ok(turn) => {
                screen.turn(turn);
                ControlFlow::Continue(())
            }
            Err(why) => {
                broken = Some(why);
                ControlFlow::Break(())
            }
        }
    })?;
    broken.map_or(Ok(screen), Err)
}

/// Keeps what an event of a watch turned on or off.
///
/// # Errors
/// If the store fails.
pub fn keep(txn: &mut Txn<'_>, watch: WatchId, event: u64, turn: &Turn, at: Timestamp) -> Result<(), Error> {
    let value = row::encode(tables::SHOWN, &(&turn.1, at.as_microsecond()))?;
    txn.put([&key(watch, event)[..], &turn.0.0[..]].concat(), value);
    Ok(())
}

/// Starts another watch from a screen, after the same number of events.
///
/// # Errors
/// If the store fails.
pub fn copy(txn: &mut Txn<'_>, watch: WatchId, event: u64, screen: &Screen, at: Timestamp) -> Result<(), Error> {
    let mut turns = screen.on.iter().map(|(signal, on)| (*signal, Some(on.clone())));
    turns.try_for_each(|turn| keep(txn, watch, event, &turn, at))
}

/// Drops what was kept of events after one: they were never told.
///
/// # Errors
/// If the store fails.
pub fn drop_after(txn: &mut Txn<'_>, watch: WatchId, event: u64) -> Result<(), Error> {
    let mut untold = Vec::new();
    txn.scan(&key(watch, event + 1), &key(watch, u64::MAX), &mut |key, _| {
        untold.push(key.to_vec());
        ControlFlow::Continue(())
    })?;
    untold.into_iter().for_each(|key| txn.delete(key));
    Ok(())
}

/// Forgets up to `most` rows from before a time, looking at no more than `most` rows after `from`.
/// Gives how many were forgotten, and where to go on; `None` at the end.
///
/// # Errors
/// If the store fails.
pub fn forget(
    txn: &mut Txn<'_>,
    before: Timestamp,
    from: Option<Vec<u8>>,
    most: usize,
) -> Result<(usize, Option<Vec<u8>>), Error> {
    let (mut old, mut seen, mut last, mut broken) = (Vec::new(), 0, None, None);
    let start = from.unwrap_or_else(|| vec![tables::SHOWN]);
    txn.scan(&start, &[tables::SHOWN + 1], &mut |key, value| {
        if seen == most {
            last = Some(key.to_vec());
            return ControlFlow::Break(());
        }
        seen += 1;
        match row::decode::<(Option<OnScreen>, i64)>(tables::SHOWN, value) {
            Ok((_, at)) if at < before.as_microsecond() => old.push(key.to_vec()),
            Ok(_) => {}
            Err(why) => broken = Some(why),
        }
        ControlFlow::Continue(())
    })?;
    broken.map_or(Ok(()), Err)?;
    let count = old.len();
    old.into_iter().for_each(|key| txn.delete(key));
    Ok((count, last))
}

fn key(watch: WatchId, event: u64) -> Vec<u8> {
    [&[tables::SHOWN], &watch[..], &event.to_be_bytes()[..]].concat()
}

fn signal_of(key: &[u8]) -> Result<SignalId, Error> {
    let id = key.get(25..).and_then(|id| id.try_into().ok());
    id.map(SignalId).ok_or(Error::Corrupt {
        table: char::from(tables::SHOWN),
        why: "its key is not a watch, an event and a signal",
    })
}
