//! Open watches: each step looks at what may have changed, takes the gate again, and says what the watch is to show and hide.
//! A step that changes nothing records nothing, but for the first; one that does is recorded before the permit is given.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Error, Gate, Permit, Show, Told,
    candidates::Looking,
    locate::{About, Located},
    record::Noted,
    telling::Telling,
};
use crate::{
    authn::Caller,
    changes::{
        self,
        screen::{self, Screen, WatchId},
    },
    consent::{Facts, Grounds},
    decide::{Decision, Deed, Sift},
    labels::Window,
    model::{Labelled, Level, Question},
    signals,
    store::Txn,
};

/// Where a watch stands: all that a cursor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standpoint {
    watch: WatchId,
    /// The last change that was looked at.
    pub(super) serial: u64,
    /// How many events were told.
    events: u64,
    /// When the cursor was made, in microseconds.
    at: i64,
}

/// A watch in the course of a call.
#[derive(Debug)]
pub struct Watch {
    pub(super) at: Standpoint,
    pub(super) look: Looking,
    pub(super) screen: Screen,
    /// The last event that was recorded; those after `at.events` were never told.
    recorded: u64,
    /// Whether the opening is in the ledger yet.
    opened: bool,
}

/// One step of a watch.
#[derive(Debug)]
pub enum Step {
    /// There is something to tell. After each piece the watch is to be told that it was delivered.
    Tell(Permit<Show>, Vec<Told>, Next),
    /// Nothing to tell, but more to look at.
    Pass,
    /// There is nothing more to look at, until the bell rings.
    Rest,
}

/// Where a watch goes on once all of a step was told.
#[derive(Debug, Clone, Copy)]
pub struct Next(pub(super) u64, pub(super) Looking);

/// What a look came to.
struct Sight {
    decision: Decision,
    about: About,
    grounds: Grounds,
    told: Vec<Told>,
    next: Next,
}

impl Watch {
    /// Where it stands, as of `now`.
    pub fn standpoint(&self, now: Timestamp) -> Standpoint {
        Standpoint {
            at: now.as_microsecond(),
            ..self.at
        }
    }

    /// Notes that a piece was told.
    pub fn delivered(&mut self, told: Told) {
        self.at.events += u64::from(told.event.is_some());
        self.screen.turn(told.turn);
    }

    /// Goes on once all of a step was told.
    pub fn go_on(&mut self, Next(serial, look): Next) {
        self.at.serial = serial;
        self.look = look;
    }

    /// Looks at everything again: time may have changed what no change of the log tells.
    pub fn look_again(&mut self) {
        if self.look == Looking::Changes {
            self.look = Looking::Screen(None);
        }
    }
}

impl Gate {
    /// A new watch, which begins with what there is now.
    ///
    /// # Errors
    /// If the store fails.
    pub fn start_watch(&self, now: Timestamp) -> Result<Watch, Error> {
        let at = Standpoint {
            watch: uuid::Uuid::new_v4().into_bytes(),
            serial: changes::last(self.read())?,
            events: 0,
            at: now.as_microsecond(),
        };
        Ok(Watch::at(at, Screen::default(), Looking::Everything(None)))
    }

    /// The watch that goes on from a cursor: a watch of its own, so that a cursor can be used more than once.
    /// `None` if the cursor is older than `oldest`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn resume_watch(
        &self,
        from: Standpoint,
        oldest: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Watch>, Error> {
        let age = now.as_microsecond().saturating_sub(from.at);
        if i128::from(age) > oldest.as_micros() {
            return Ok(None);
        }
        // Everything is looked at again, so no change until now needs to be.
        let serial = changes::last(self.read())?;
        let screen = Arc::new(screen::load(self.read(), from.watch, from.events)?);
        let watch = uuid::Uuid::new_v4().into_bytes();
        let same = screen.clone();
        let copied = self
            .committer
            .commit(move |txn| screen::copy(txn, watch, from.events, &same, now));
        copied.await??;
        let screen = Arc::unwrap_or_clone(screen);
        let at = Standpoint { watch, serial, ..from };
        Ok(Some(Watch::at(at, screen, Looking::Screen(None))))
    }

    /// Takes one step of a watch. `durable` is the last change that is known to be on the disk.
    ///
    /// # Errors
    /// `Refused` if the question is no longer taken; `Changing` if the step is to be taken again; otherwise if anything
    /// fails. Nothing may then be shown.
    pub async fn step(
        &self,
        caller: &Caller,
        question: &Question,
        watch: &mut Watch,
        durable: u64,
        now: Timestamp,
    ) -> Result<Step, Error> {
        let sight = self.look(caller, question, watch, durable, now)?;
        let Some(Sight {
            decision,
            about,
            grounds,
            told,
            next,
        }) = sight
        else {
            return Ok(Step::Rest);
        };
        if told.is_empty() && watch.opened && decision.refusal().is_none() {
            watch.go_on(next);
            return Ok(Step::Pass);
        }
        let (id, events, untold) = (watch.at.watch, watch.at.events, watch.recorded > watch.at.events);
        let mut kept = Vec::with_capacity(told.len());
        let mut event = events;
        for Told { event: tells, turn } in &told {
            event += u64::from(tells.is_some());
            kept.push((event, turn.clone()));
        }
        let further = move |txn: &mut Txn<'_>| {
            if untold {
                screen::drop_after(txn, id, events)?;
            }
            kept.iter()
                .try_for_each(|(event, turn)| screen::keep(txn, id, *event, turn, now))
        };
        watch.recorded = watch.recorded.max(event);
        let noted = Noted {
            hidden: told.iter().filter_map(Told::hides).collect(),
            ..Noted::default()
        };
        let coming = self.committer.among_others();
        let permit = self.enter(coming, decision, (about, noted), Arc::new(grounds), further);
        let permit = permit.await?;
        watch.opened = true;
        Ok(Step::Tell(permit, told, next))
    }

    /// Looks at what comes next, and decides on it. `None` if there is nothing.
    fn look(
        &self,
        caller: &Caller,
        question: &Question,
        watch: &Watch,
        durable: u64,
        now: Timestamp,
    ) -> Result<Option<Sight>, Error> {
        let mut facts = Facts::new(
            self.read(),
            (&self.keys.vault, &self.said),
            (caller.agency(), &question.purpose),
            now,
        )?;
        let Located { locus, about, areas } = self.locate(caller, question, &mut facts)?;
        let policies = self.policies();
        let mut sift = Sift::new(&policies, caller, question, areas, now);
        let window = Window {
            since: question.since,
            until: None,
            now,
        };
        let mut telling = Telling::new(&watch.screen);
        let mut next = Next(watch.at.serial, watch.look);
        if sift.is_taken() {
            let found = self.candidates(question, &locus, window, watch, durable)?;
            let Some(candidates) = found else {
                return Ok(None);
            };
            next = candidates.next;
            for (id, state) in candidates.signals {
                let live = state
                    .filter(|state| !state.retracted && locus.holds(&state.header) && now < state.header.lapses_at);
                let Some(signals::State { header, .. }) = live else {
                    telling.tell(id, None);
                    continue;
                };
                let found = Labelled::from(header);
                let facts = facts.of(found.header.person, &found.sort)?.into();
                let header = &found.header;
                let level = sift.level(&found, facts, || self.around(header));
                // The window is for what is dated; a line tells of no time.
                let level = level.filter(|level| *level == Level::Existence || window.holds(header));
                if telling.tell(id, level.map(|level| (&**header, level)))
                    && let Some(level) = level
                {
                    sift.show(header.clone(), level);
                }
            }
        }
        Ok(Some(Sight {
            told: telling.told,
            decision: sift.finish(Deed::Watch),
            about,
            grounds: facts.into_grounds(),
            next,
        }))
    }
}

impl Watch {
    fn at(at: Standpoint, screen: Screen, look: Looking) -> Self {
        Self {
            at,
            look,
            screen,
            recorded: at.events,
            opened: false,
        }
    }
}
