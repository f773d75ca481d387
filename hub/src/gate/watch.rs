//! Open watches: each step looks at what may have changed, takes the gate again, and says what the watch is to show and hide.
//! A step that shows nothing new records nothing; one that does is recorded before the permit is given.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Error, Gate, Permit, Show, TRIES,
    telling::{Seen, Telling},
};
use crate::{
    authn::Caller,
    changes::{self, Change},
    consent::{self, Facts},
    decide::{Decision, Deed, Sift},
    labels::{self, Locus, Position, State, Window},
    locate::{About, Located},
    model::{AgencyId, PersonId, Question, SignalId},
    store::Txn,
};

/// How many signals a step of the first run through looks at.
const CHUNK: usize = 128;

/// Where a watch stands. It is all that a cursor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standpoint {
    pub(super) watch: [u8; 16],
    /// The last change that was looked at.
    serial: u64,
    /// How many events were sent.
    pub(super) events: u64,
    /// While what there is now is still being shown: after which signal to go on.
    run: Option<Option<Position>>,
}

/// Something that a watch is to tell its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Take this off the screen. Without id if it was shown at existence level.
    Hide {
        /// The signal, if it was shown with its id.
        signal: Option<SignalId>,
        /// Its owner.
        owner: AgencyId,
    },
    /// Show this, as the permit opens it.
    Show(SignalId),
}

/// One step of a watch.
#[derive(Debug)]
pub enum Step {
    /// There is something to tell. Once told, the watch stands at `then`.
    Tell {
        /// Opens what is shown.
        permit: Permit<Show>,
        /// What to tell, in this order.
        events: Vec<Event>,
        /// Where the watch stands afterwards.
        then: Standpoint,
    },
    /// Nothing to tell, but more to look at.
    Pass(Standpoint),
    /// There is nothing more to look at, until the bell rings.
    Rest,
}

impl Standpoint {
    /// The start of a new watch: what there is now comes first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn start(gate: &Gate) -> Result<Self, Error> {
        Ok(Self {
            watch: uuid::Uuid::new_v4().into_bytes(),
            serial: changes::last(gate.read())?,
            events: 0,
            run: Some(None),
        })
    }

    /// The standpoint after `count` of the events that lead from here to `then` were told.
    pub fn after(self, count: usize, of: usize, then: Self) -> Self {
        match count == of {
            true => then,
            false => Self {
                events: self.events + count as u64,
                ..self
            },
        }
    }
}

impl Gate {
    /// Whether a watch can go on from here: the change log still holds all that came after. What the watch has shown is
    /// then kept for as long again.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn resume(&self, from: Standpoint, now: Timestamp) -> Result<bool, Error> {
        let first = changes::first(self.read())?;
        if from.serial > changes::last(self.read())? || first.is_some_and(|first| first > from.serial + 1) {
            return Ok(false);
        }
        let renewed = self.committer.commit(move |txn| changes::renew(txn, from.watch, now));
        renewed.await??;
        Ok(true)
    }

    /// Takes one step of a watch.
    ///
    /// # Errors
    /// `Refused` if the question is no longer taken; otherwise if anything fails. Nothing may then be shown.
    pub async fn step(
        &self,
        caller: &Caller,
        question: &Question,
        from: Standpoint,
        now: Timestamp,
    ) -> Result<Step, Error> {
        for _ in 0..TRIES {
            let epoch = consent::epoch(self.read())?;
            let (decision, about, telling, mut then) = match self.look(caller, question, from, now)? {
                Look::Rest => return Ok(Step::Rest),
                Look::Pass(then) => return Ok(Step::Pass(then)),
                Look::Record(decision, about, telling, then) => (*decision, about, telling, then),
            };
            then.events = telling.count;
            let (rows, watch) = (telling.rows, from.watch);
            let record = move |txn: &mut Txn<'_>| {
                rows.iter()
                    .try_for_each(|(signal, row)| changes::set_shown(txn, watch, *signal, row))
            };
            let Some(receipt) = self.enter(decision, about, epoch, record).await? else {
                continue;
            };
            if let Some(refusal) = receipt.decision().refusal() {
                return Err(Error::Refused(refusal.clone()));
            }
            let permit = Permit::show(receipt, epoch);
            return Ok(Step::Tell {
                permit,
                events: telling.events,
                then,
            });
        }
        Err(Error::Changing)
    }

    /// Looks at what comes next, and decides on it.
    fn look(&self, caller: &Caller, question: &Question, from: Standpoint, now: Timestamp) -> Result<Look, Error> {
        let Located { locus, about, areas } = self.locate(caller, question)?;
        let window = Window {
            since: question.since,
            until: question.until,
            now,
        };
        let seen = Seen::of(self, from)?;
        let Some((candidates, then)) = self.candidates(&locus, window, &seen, from)? else {
            return Ok(Look::Rest);
        };
        let policies = self.policies.load_full();
        let mut sift = Sift::new(&policies, caller, question, areas, BTreeMap::new(), now);
        let mut facts = Facts::new(self.read(), &self.keys.vault, (caller.agency(), &question.purpose), now);
        let mut telling = Telling::new(seen, now, from.events);
        for state in candidates {
            let header = &state.header;
            let present = !state.retracted && locus.holds(&state) && window.holds(header);
            let level = match present {
                true => sift.level(header, self.around(header), facts.of(header)?),
                false => None,
            };
            if let (true, Some(level)) = (telling.tell(header, level), level) {
                sift.show(header.clone(), level);
            }
        }
        match telling.rows.is_empty() && sift.is_taken() {
            true => Ok(Look::Pass(then)),
            false => Ok(Look::Record(Box::new(sift.finish(Deed::Watch)), about, telling, then)),
        }
    }

    /// The signals to look at next, and where the watch stands once it has.
    fn candidates(
        &self,
        locus: &Locus,
        window: Window,
        seen: &Seen,
        from: Standpoint,
    ) -> Result<Option<(Vec<State>, Standpoint)>, Error> {
        let mut ids = Vec::new();
        if let Some(after) = from.run {
            let mut last = after;
            labels::scan(self.read(), locus, window, after, |header| {
                last = Some(Position::of(&header));
                ids.push(header.id);
                match ids.len() < CHUNK {
                    true => std::ops::ControlFlow::Continue(()),
                    false => std::ops::ControlFlow::Break(()),
                }
            })?;
            let run = (ids.len() == CHUNK).then_some(last);
            return Ok(Some((self.states(ids)?, Standpoint { run, ..from })));
        }
        let Some((serial, change)) = changes::next(self.read(), from.serial)? else {
            return Ok(None);
        };
        let states = match change {
            Change::Signal(signal) => self.states(vec![signal])?,
            Change::Consent(person) => self.states_of(person, window, seen)?,
        };
        let known = |state: &State| locus.holds(state) || seen.rows.contains_key(&state.header.id);
        let states = states.into_iter().filter(known).collect();
        Ok(Some((states, Standpoint { serial, ..from })))
    }

    /// All signals of a person: the live ones, and those that the watch has shown.
    fn states_of(&self, person: PersonId, window: Window, seen: &Seen) -> Result<Vec<State>, Error> {
        let mut ids: Vec<SignalId> = seen.rows.keys().copied().collect();
        labels::scan(self.read(), &Locus::Person(person), window, None, |header| {
            ids.push(header.id);
            std::ops::ControlFlow::Continue(())
        })?;
        ids.sort_unstable();
        ids.dedup();
        let states = self.states(ids)?;
        Ok(states
            .into_iter()
            .filter(|state| state.header.person == Some(person))
            .collect())
    }

    fn states(&self, ids: Vec<SignalId>) -> Result<Vec<State>, Error> {
        let states = ids.into_iter().map(|id| labels::state(self.read(), id));
        Ok(states.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

/// What a look at the next changes comes to.
enum Look {
    Pass(Standpoint),
    Record(Box<Decision>, About, Telling, Standpoint),
    Rest,
}
