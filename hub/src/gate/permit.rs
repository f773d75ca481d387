//! Permits: the only keys to signals. Private fields; made in this room alone, from a ledger entry.

use jiff::Timestamp;

use crate::{
    authn::Caller,
    decide::{Decision, Shown},
    ledger::{Entered, Receipt},
    model::AgencyId,
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
#[derive(Debug)]
pub struct Show {
    shown: Vec<Shown>,
    epoch: u64,
}

/// Permits one of the things that run the hub, in the very batch that also holds its ledger entry:
/// both become durable, or neither.
#[derive(Debug)]
pub struct Act {
    agency: AgencyId,
    at: Timestamp,
}

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
    /// From a durable entry. `epoch` is the consent epoch that the decision was made in.
    pub(super) fn show(receipt: Receipt<Decision>, epoch: u64) -> Self {
        Self {
            entry: receipt.number(),
            scope: Show {
                shown: receipt.into_decision().into_shown(),
                epoch,
            },
        }
    }
}

impl Permit<Act> {
    /// From an entry in the batch in the making.
    pub(super) fn act(entered: &Entered, caller: &Caller, at: Timestamp) -> Self {
        Self {
            entry: entered.number(),
            scope: Act {
                agency: caller.agency().clone(),
                at,
            },
        }
    }
}

impl Show {
    /// What may be shown.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// The consent epoch of the decision.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl Act {
    /// The agency that acts.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// When it was decided.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}
