//! The entries one after the other, and what each must be in the light of those before it.
//! Never looks at a signature, and never keeps an entry.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use placehub_model::SignalId;

use super::Fault;
use crate::{
    Entry, VerifierKey,
    tree::{Frontier, Hash, Node, leaf_hash},
};

/// The action of an entry by which one key of the ledger takes the place of another.
pub const KEY_ROTATED: &str = "key-rotated";

/// The entries so far, checked one after the other. Remembers, of all of them, the highest version of each signal.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    frontier: Frontier,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    brought_in: HashMap<SignalId, u64>,
    rotations: Vec<Rotation>,
    noted: BTreeMap<u64, Option<Hash>>,
}

/// A change of the ledger's key, as an entry tells it.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    /// The entry.
    pub(super) number: u64,
    /// The key until then.
    pub(super) from: VerifierKey,
    /// The key from then on.
    pub(super) to: VerifierKey,
}

impl Walk {
    /// A walk that notes down the root at each of these sizes as it passes.
    pub(super) fn noting(sizes: impl Iterator<Item = u64>) -> Self {
        let mut walk = Self {
            noted: sizes.map(|size| (size, None)).collect(),
            ..Self::default()
        };
        walk.note();
        walk
    }

    /// The tree of the entries so far.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// When the first entry was decided.
    pub fn first_at(&self) -> Option<Timestamp> {
        self.first_at
    }

    /// When the last entry was decided.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Number of entries so far.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Takes the next entry. Returns the subtrees that it completes.
    ///
    /// # Errors
    /// If it is not an entry of the format, goes back in time, shows what it must not, or changes the key wrongly.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Vec<Node>, Fault> {
        let number = self.size();
        let entry = Entry::parse(bytes).map_err(|source| Fault::Form { number, source })?;
        if self.last_at.is_some_and(|last| entry.at < last) {
            return Err(Fault::BackInTime { number });
        }
        if !self.may_show(&entry) {
            return Err(Fault::Shown { number });
        }
        if entry.action == KEY_ROTATED && entry.allowed {
            let rotation = self.rotation(&entry).ok_or(Fault::Rotation { number })?;
            self.rotations.push(rotation);
            // The handover speaks for the ledger up to here, and may come after all entries.
            self.noted.entry(number + 1).or_default();
        }
        self.bring_in(&entry);
        self.first_at.get_or_insert(entry.at);
        self.last_at = Some(entry.at);
        let completed = self.frontier.push(leaf_hash(bytes));
        self.note();
        Ok(completed)
    }

    pub(super) fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// The root at a size that was to be noted and has been passed.
    pub(super) fn root_at(&self, size: u64) -> Option<Hash> {
        self.noted.get(&size).copied().flatten()
    }

    fn note(&mut self) {
        if let Some(noted) = self.noted.get_mut(&self.frontier.size()) {
            *noted = Some(self.frontier.root());
        }
    }

    /// What is shown was decided, by these policies, for an agency that asked for as much or more, and was brought in
    /// by an entry before.
    fn may_show(&self, entry: &Entry) -> bool {
        let decided = entry.agency.is_some() && entry.policy.is_some();
        entry.shown.iter().all(|shown| {
            let there = self.brought_in.get(&shown.signal);
            let asked = entry.level.is_some_and(|level| shown.level <= level);
            decided && asked && there.is_some_and(|version| shown.version <= *version)
        })
    }

    fn bring_in(&mut self, entry: &Entry) {
        let touched = entry
            .touched
            .as_ref()
            .filter(|_| entry.allowed && entry.action == "push");
        if let Some((signal, version)) = touched.and_then(|touched| touched.signal.zip(touched.version)) {
            let highest = self.brought_in.entry(signal).or_default();
            *highest = version.max(*highest);
        }
    }

    fn rotation(&self, entry: &Entry) -> Option<Rotation> {
        let change = entry.change.as_ref()?;
        let from: VerifierKey = change.from.parse().ok()?;
        let to: VerifierKey = change.to.parse().ok()?;
        let follows = self.rotations.last().is_none_or(|last| last.to == from);
        let fits = entry.agency.is_none() && follows && from.name() == to.name() && from != to;
        fits.then_some(Rotation {
            number: self.size(),
            from,
            to,
        })
    }
}
