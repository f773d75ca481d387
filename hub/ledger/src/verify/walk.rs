//! The rows of a ledger one after the other, and what each entry must be in the light of those before it.
//! Never looks at a signature, and never keeps an entry.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use placehub_model::SignalId;

use super::Fault;
use crate::{
    Checkpoint, Entry, VerifierKey,
    tree::{Frontier, Hash, Node, leaf_hash},
};

/// The action of an entry by which one key of the ledger takes the place of another.
pub const KEY_ROTATED: &str = "key-rotated";

/// What is there under a number: an entry, and the hash that was kept of it apart from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// The entry's bytes; `None` if it is missing.
    pub entry: Option<Vec<u8>>,
    /// The hash of its leaf, as it was kept; `None` if that is missing.
    pub kept: Option<Hash>,
}

impl Row {
    /// An entry of which no hash was kept. That one of such entries was changed can be told, and not which.
    pub fn alone(entry: Vec<u8>) -> Self {
        let kept = Some(leaf_hash(&entry));
        let entry = Some(entry);
        Self { entry, kept }
    }
}

/// The rows so far, checked one after the other. Remembers, of all of them, the highest version of each signal.
#[derive(Debug, Default)]
pub struct Walk {
    rows: u64,
    entries: Tree,
    kept: Tree,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    brought_in: HashMap<SignalId, u64>,
    rotations: Vec<Rotation>,
    /// The first row without an entry.
    gap: Option<u64>,
    /// The first row whose kept hash is not that of its entry.
    strange: Option<u64>,
    /// What is wrong with the first entry that cannot be, whatever was signed.
    wrong: Option<(u64, Fault)>,
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

/// A tree that grows without a gap, and its roots at the sizes that matter.
#[derive(Debug, Default)]
struct Tree {
    frontier: Frontier,
    noted: BTreeMap<u64, Option<Hash>>,
}

impl Walk {
    /// A walk that notes down the roots at each of these sizes as it passes.
    pub(super) fn noting(sizes: impl Iterator<Item = u64>) -> Self {
        let mut walk = Self::default();
        sizes.for_each(|size| walk.note(size));
        walk
    }

    /// The tree of the entries so far, up to the first that is missing.
    pub fn frontier(&self) -> &Frontier {
        &self.entries.frontier
    }

    /// When the first entry was decided.
    pub fn first_at(&self) -> Option<Timestamp> {
        self.first_at
    }

    /// When the last entry was decided.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Number of rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Number of entries so far, up to the first that is missing.
    pub fn size(&self) -> u64 {
        self.entries.frontier.size()
    }

    /// Takes what is there under the next number: the bytes of an entry, and the hash that was kept of it. What is wrong
    /// with it is told at the end. Returns the subtrees of kept hashes that it completes.
    pub fn step(&mut self, entry: Option<&[u8]>, kept: Option<&Hash>) -> Vec<Node> {
        let number = self.rows;
        self.rows += 1;
        let own = entry.map(leaf_hash);
        if let (Some(bytes), Some(own)) = (entry, own) {
            if let Err(fault) = self.read(number, bytes) {
                self.wrong.get_or_insert((number, fault));
            }
            self.entries.push(number, own);
        } else {
            self.gap.get_or_insert(number);
        }
        if own.as_ref() != kept {
            self.strange.get_or_insert(number);
        }
        kept.map_or_else(Vec::new, |kept| self.kept.push(number, *kept))
    }

    pub(super) fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// The first row whose kept hash is not that of its entry.
    pub(super) fn strange(&self) -> Option<u64> {
        self.strange
    }

    /// Whether a head speaks for the entries, or for the hashes that were kept of them.
    pub(super) fn fits(&self, head: &Checkpoint) -> bool {
        self.entries.fits(head) || self.kept.fits(head)
    }

    /// The first row that is wrong, as far as the rows and what one head claims tell. Where kept hash and entry
    /// contradict each other, the one of which the head speaks is right.
    pub(super) fn judge(&mut self, claimed: &Checkpoint) -> Result<(), Fault> {
        let spoken_for = |number: &u64| *number < claimed.size;
        let (gap, strange) = (self.gap.filter(spoken_for), self.strange.filter(spoken_for));
        self.wrong = self.wrong.take().filter(|(number, _)| spoken_for(number));
        let wrong = self.wrong.as_ref().map_or(u64::MAX, |(number, _)| *number);
        match (gap, strange) {
            (Some(number), Some(strange)) if number == strange && number < wrong => Err(Fault::Missing { number }),
            (_, Some(number)) if number <= wrong && self.kept.fits(claimed) => Err(Fault::Changed { number }),
            (Some(number), _) if number < wrong => Err(Fault::Missing { number }),
            (gap, strange) => match (self.wrong.take(), strange) {
                (Some((_, fault)), _) => Err(fault),
                (None, Some(number)) if gap.is_none() && self.entries.fits(claimed) => Err(Fault::Kept { number }),
                (None, _) => Ok(()),
            },
        }
    }

    /// Takes an entry for what it says, and tells if it cannot be. What it says is remembered either way, because later
    /// entries lean on it.
    fn read(&mut self, number: u64, bytes: &[u8]) -> Result<(), Fault> {
        let entry = Entry::parse(bytes).map_err(|source| Fault::Form { number, source })?;
        let goes_back = self.last_at.is_some_and(|last| entry.at < last);
        let may_show = self.may_show(&entry);
        let rotates = entry.action == KEY_ROTATED && entry.allowed;
        let rotation = self.rotation(number, &entry).filter(|_| rotates);
        let is_right = rotates == rotation.is_some();
        self.bring_in(&entry);
        self.first_at.get_or_insert(entry.at);
        self.last_at = Some(entry.at);
        if let Some(rotation) = rotation {
            self.rotations.push(rotation);
            // The handover speaks for the ledger up to here, and may come after all entries.
            self.note(number + 1);
        }
        match (goes_back, may_show, is_right) {
            (true, ..) => Err(Fault::BackInTime { number }),
            (_, false, _) => Err(Fault::Shown { number }),
            (.., false) => Err(Fault::Rotation { number }),
            _ => Ok(()),
        }
    }

    fn note(&mut self, size: u64) {
        for tree in [&mut self.entries, &mut self.kept] {
            tree.noted.entry(size).or_default();
            tree.note();
        }
    }

    /// What is shown was decided, by these policies, agreements and rules, for an agency that asked for as much or more, and
    /// at most as much of it as a class of signals was allowed; and it was brought in by an entry before.
    fn may_show(&self, entry: &Entry) -> bool {
        let grounded = !entry.agreements.is_empty() && !entry.rules.is_empty();
        let decided = grounded && entry.agency.is_some() && entry.policy.is_some();
        let most = entry.classes.iter().filter_map(|class| class.level).max();
        let most = most.min(entry.level);
        entry.shown.iter().all(|shown| {
            let there = self.brought_in.get(&shown.signal);
            let allowed = most.is_some_and(|most| shown.level <= most);
            decided && allowed && there.is_some_and(|version| shown.version <= *version)
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

    fn rotation(&self, number: u64, entry: &Entry) -> Option<Rotation> {
        let change = entry.change.as_ref()?;
        let from: VerifierKey = change.from.parse().ok()?;
        let to: VerifierKey = change.to.parse().ok()?;
        let follows = self.rotations.last().is_none_or(|last| last.to == from);
        let fits = entry.agency.is_none() && follows && from.name() == to.name() && from != to;
        fits.then_some(Rotation { number, from, to })
    }
}

impl Tree {
    /// Appends the leaf of a number, unless one before it is missing.
    fn push(&mut self, number: u64, leaf: Hash) -> Vec<Node> {
        if number != self.frontier.size() {
            return Vec::new();
        }
        let completed = self.frontier.push(leaf);
        self.note();
        completed
    }

    fn fits(&self, head: &Checkpoint) -> bool {
        let root = if head.size == self.frontier.size() {
            Some(self.frontier.root())
        } else {
            self.noted.get(&head.size).copied().flatten()
        };
        root == Some(head.root)
    }

    fn note(&mut self) {
        if let Some(noted) = self.noted.get_mut(&self.frontier.size()) {
            *noted = Some(self.frontier.root());
        }
    }
}
