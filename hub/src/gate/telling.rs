//! What a watch is to tell: the difference between what its reader has on the screen and what may be seen now.
//! Pure; decides nothing.

use std::collections::BTreeMap;

use crate::{
    changes::screen::{OnScreen, Screen, Turn},
    ledger::Hidden,
    model::{AgencyId, Header, Level, SignalId},
};

/// Something that a watch is to tell its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Take this off the screen. Without id it is the line that says that the owner knows the subject.
    Hide {
        /// The signal.
        signal: Option<SignalId>,
        /// Its owner.
        owner: AgencyId,
    },
    /// Show this, as the permit opens it.
    Show(SignalId),
}

/// A change of the screen, and what to tell of it, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What to tell.
    pub event: Option<Event>,
    /// What changes on the screen.
    pub(super) turn: Turn,
}

impl Told {
    /// What it takes off the screen, as the ledger says it.
    pub(super) fn hides(&self) -> Option<Hidden> {
        match &self.event {
            Some(Event::Hide { signal, owner }) => Some(Hidden {
                signal: *signal,
                owner: owner.clone(),
            }),
            _ => None,
        }
    }
}

/// The changes of one step in the making.
pub(super) struct Telling<'s> {
    screen: &'s Screen,
    lines: BTreeMap<AgencyId, usize>,
    pub(super) told: Vec<Told>,
}

impl<'s> Telling<'s> {
    /// Nothing to tell yet.
    pub(super) fn new(screen: &'s Screen) -> Self {
        Self {
            screen,
            lines: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// Adds what is to be told of one signal, which may be seen now as `now` says. True if it is to be opened.
    pub(super) fn tell(&mut self, signal: SignalId, now: Option<(&Header, Level)>) -> bool {
        let before = self.screen.of(signal).cloned();
        let after = now.map(|(header, level)| OnScreen {
            owner: header.owner.clone(),
            version: header.version,
            level,
        });
        let dated = |on: &Option<OnScreen>| on.as_ref().is_some_and(|on| on.level > Level::Existence);
        // A correction of what stands behind a line changes nothing that the reader sees.
        let same_line = |a: &OnScreen, b: &OnScreen| a.level == Level::Existence && b.level == Level::Existence;
        if before == after || matches!((&before, &after), (Some(a), Some(b)) if same_line(a, b)) {
            return false;
        }
        let Some(owner) = before.as_ref().or(after.as_ref()).map(|on| on.owner.clone()) else {
            return false;
        };
        let line = |on: &Option<OnScreen>| usize::from(on.as_ref().is_some_and(|on| on.level == Level::Existence));
        let behind = self.lines.get(&owner).copied();
        let behind = behind.unwrap_or_else(|| self.screen.behind_line(&owner));
        let left = (behind + line(&after)).saturating_sub(line(&before));
        self.lines.insert(owner.clone(), left);
        let mut events: Vec<Event> = Vec::new();
        let hide = |signal| Event::Hide {
            signal,
            owner: owner.clone(),
        };
        // A reader who merges what is shown must not keep what a lower level no longer shows.
        let falls = matches!((&before, &after), (Some(a), Some(b)) if b.level < a.level);
        if dated(&before) && (falls || !dated(&after)) {
            events.push(hide(Some(signal)));
        }
        if behind > 0 && left == 0 {
            events.push(hide(None));
        }
        if dated(&after) || (behind == 0 && left > 0) {
            events.push(Event::Show(signal));
        }
        let opens = matches!(events.last(), Some(Event::Show(_)));
        let last = events.len().saturating_sub(1);
        for (index, event) in events.iter().cloned().enumerate() {
            let turn = if index == last { after.clone() } else { None };
            self.told.push(Told {
                event: Some(event),
                turn: (signal, turn),
            });
        }
        if events.is_empty() {
            self.told.push(Told {
                event: None,
                turn: (signal, after),
            });
        }
        opens
    }
}
