//! What a watch is to look at next: everything, its screen, or the next change of the log that concerns it.
//! Only finds; decides nothing and records nothing.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::{
    Error, Gate,
    watch::{Next, Watch},
};
use crate::{
    changes::{self, Change},
    labels::{Locus, Position, Window},
    model::{PersonId, Question, SignalId},
    signals::{self, State},
};

/// How many signals a step looks at, at most.
const CHUNK: usize = 128;
/// How many changes a step reads, and passes over if they do not concern its watch, or a few more.
const PASSED: usize = 256;

/// What a watch is looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looking {
    /// The next change of the log.
    Changes,
    /// All that is found, from after a position on: at the start, and from time to time.
    Everything(Option<Position>),
    /// All that is on the screen, from after a signal on.
    Screen(Option<SignalId>),
}

/// The signals to look at, and where to go on after them. One without a state is forgotten.
pub(super) struct Candidates {
    pub(super) signals: Vec<(SignalId, Option<State>)>,
    pub(super) next: Next,
}

impl Candidates {
    fn none(next: Next) -> Self {
        Self {
            signals: Vec::new(),
            next,
        }
    }
}

impl Gate {
    /// The signals to look at next, and where to go on after them.
    pub(super) fn candidates(
        &self,
        question: &Question,
        locus: &Locus,
        window: Window,
        watch: &Watch,
        durable: u64,
    ) -> Result<Option<Candidates>, Error> {
        let serial = watch.at.serial;
        match watch.look {
            Looking::Everything(after) => {
                let whole = Window { since: None, ..window };
                let window = if question.tells_existence() { whole } else { window };
                let (mut ids, mut last) = (Vec::new(), after);
                self.labels.scan(locus, window, after, |found| {
                    last = Some(found.position);
                    let id = found.labelled.header.id;
                    // A correction beside the scan can bring a signal into its way twice.
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                    match ids.len() < CHUNK {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(()),
                    }
                })?;
                let look = if ids.len() == CHUNK {
                    Looking::Everything(last)
                } else {
                    Looking::Changes
                };
                Ok(Some(Candidates {
                    signals: self.states(ids)?,
                    next: Next(serial, look),
                }))
            }
            Looking::Screen(after) => {
                let ids = watch.screen.after(after, CHUNK);
                let look = match ids.last() {
                    Some(last) if ids.len() == CHUNK => Looking::Screen(Some(*last)),
                    _ => Looking::Everything(None),
                };
                Ok(Some(Candidates {
                    signals: self.states(ids)?,
                    next: Next(serial, look),
                }))
            }
            Looking::Changes => self.changed(locus, watch, durable),
        }
    }

    /// The next change that concerns a watch, if any.
    fn changed(&self, locus: &Locus, watch: &Watch, durable: u64) -> Result<Option<Candidates>, Error> {
        let mut serial = watch.at.serial;
        let found = changes::after(self.read(), serial, PASSED)?;
        for (found, change) in found.into_iter().take_while(|(found, _)| *found <= durable) {
            serial = found;
            match change {
                Change::Signal(signal) => {
                    let state = signals::state(self.read(), signal)?;
                    if watch.screen.of(signal).is_some()
                        || state.as_ref().is_some_and(|state| locus.holds(&state.header))
                    {
                        return Ok(Some(Candidates {
                            signals: vec![(signal, state)],
                            next: Next(serial, Looking::Changes),
                        }));
                    }
                }
                // What is to be seen no more goes first.
                Change::Person(person) if self.concerns(person, locus, watch)? => {
                    return Ok(Some(Candidates::none(Next(serial, Looking::Screen(None)))));
                }
                Change::Person(_) => {}
            }
        }
        let passed = serial > watch.at.serial;
        Ok(passed.then(|| Candidates::none(Next(serial, Looking::Changes))))
    }

    /// Whether a person has signals where a watch looks, or on its screen.
    fn concerns(&self, person: PersonId, locus: &Locus, watch: &Watch) -> Result<bool, Error> {
        let mut found = matches!(locus, Locus::Person(records) if records.contains(&person));
        let any = Window {
            since: None,
            until: None,
            now: Timestamp::MIN,
        };
        let own = Locus::Person([person].into());
        self.labels.scan(&own, any, None, |row| {
            let header = &row.labelled.header;
            found |= locus.holds(header) || watch.screen.of(header.id).is_some();
            match found {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(found)
    }

    fn states(&self, ids: Vec<SignalId>) -> Result<Vec<(SignalId, Option<State>)>, Error> {
        let states = ids.into_iter().map(|id| Ok((id, signals::state(self.read(), id)?)));
        states.collect()
    }
}
