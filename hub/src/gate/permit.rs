//! Permits: the only keys to signals. Private fields; made in this room alone, from a ledger entry.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::{
    consent::Grounds,
    decide::{Decision, PolicySet, Shown},
    ledger::{Entered, Receipt},
    model::{AgencyId, SignalId},
    store::{Error, Read},
};

/// Evidence that something was decided and recorded. `S` says what it permits.
///
/// It cannot be made outside the gate:
///
/// ```compile_fail,E0451
/// use placehub_hub::gate::{Permit, Show};
/// fn forge(scope: Show) -> Permit<Show> {
///     Permit { entry: 0, scope }
/// }
/// ```
#[derive(Debug)]
pub struct Permit<S> {
    entry: u64,
    scope: S,
}

/// Permits showing certain signals, each at a certain level. Its ledger entry is on the disk.
pub struct Show {
    shown: Vec<Shown>,
    grounds: Arc<Grounds>,
    policy: Arc<str>,
    policies: Arc<ArcSwap<PolicySet>>,
    decided_at: Timestamp,
}

/// Permits one deed, in the very batch that also holds its ledger entry: both become durable, or neither.
/// The deed says how far it goes, so that a permit for one look is none for another.
#[derive(Debug)]
pub struct Act<Deed> {
    agency: AgencyId,
    at: Timestamp,
    deed: Deed,
}

/// The deed of keeping a signal.
#[derive(Debug)]
pub struct Push;

/// The deed of taking a signal back.
#[derive(Debug)]
pub struct Retract;

/// The deed of taking down what a person said.
#[derive(Debug)]
pub struct TakeDown;

/// The deed of saying, or no longer saying, who people are.
#[derive(Debug)]
pub struct Identify;

/// The deed of looking at what a person said.
#[derive(Debug)]
pub struct ListConsents;

impl<S> Permit<S> {
    /// Number of the ledger entry.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// What it permits.
    pub fn scope(&self) -> &S {
        &self.scope
    }
}

impl Permit<Show> {
    /// From a durable entry, and what its decision rests on.
    pub(super) fn show(receipt: Receipt<Decision>, grounds: Arc<Grounds>, policies: Arc<ArcSwap<PolicySet>>) -> Self {
        Self {
            entry: receipt.number(),
            scope: Show {
                grounds,
                policy: receipt.decision().policy().into(),
                decided_at: receipt.decision().at(),
                policies,
                shown: receipt.into_decision().into_shown(),
            },
        }
    }
}

impl<Deed> Permit<Act<Deed>> {
    /// From an entry in the batch in the making.
    pub(super) fn act(entered: &Entered, agency: AgencyId, at: Timestamp, deed: Deed) -> Self {
        Self {
            entry: entered.number(),
            scope: Act { agency, at, deed },
        }
    }
}

impl Show {
    /// What may be shown.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// What may be shown of one signal.
    pub fn of(&self, signal: SignalId) -> Option<&Shown> {
        self.shown.iter().find(|shown| shown.header.id == signal)
    }

    /// When it was decided. Time may close what was open then: whoever releases it much later asks the gate again.
    pub fn decided_at(&self) -> Timestamp {
        self.decided_at
    }

    /// Whether what was decided still stands: nobody in question has said anything since, and the policies are the same.
    ///
    /// # Errors
    /// If the store fails: then nothing may be shown.
    pub fn holds(&self, read: &dyn Read) -> Result<bool, Error> {
        Ok(self.policies.load().digest() == &*self.policy && self.grounds.hold(read)?)
    }
}

impl<Deed> Act<Deed> {
    /// The agency that acts.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// When it was decided.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What may be done.
    pub fn deed(&self) -> &Deed {
        &self.deed
    }
}

impl std::fmt::Debug for Show {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Show")
            .field("shown", &self.shown.len())
            .finish_non_exhaustive()
    }
}
