//! Checks a ledger from bytes alone: the entries, the notes that were signed over them, and the keys that must have.
//! Never trusts, and never uses, anything that wrote the ledger.

mod fault;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use fault::Fault;
pub use walk::{KEY_ROTATED, Walk};

use crate::{Checkpoint, NoteInvalid, VerifierKey, WitnessKey, tree::Hash};

/// What has been checked: these many entries, unchanged and in order, are what the key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of entries.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
    /// When the first was decided.
    pub first_at: Option<Timestamp>,
    /// When the last was decided.
    pub last_at: Option<Timestamp>,
    /// How often the ledger's key was changed.
    pub rotations: usize,
    /// Which of the known witnesses have cosigned the checkpoint, and when.
    pub witnessed: Vec<(String, Timestamp)>,
}

/// What was signed over the entries, and what is asked of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'e> {
    /// The signed note over all entries.
    pub checkpoint: &'e str,
    /// For each change of the ledger's key, a note over the entry that tells it, signed by the old key and the new.
    pub handovers: &'e [String],
    /// Checkpoints that were kept elsewhere: the entries must go on from each of them.
    pub earlier: &'e [String],
    /// The witnesses that are known.
    pub witnesses: &'e [WitnessKey],
    /// How many of them must have cosigned the checkpoint.
    pub required: usize,
}

impl<'e> Evidence<'e> {
    /// A checkpoint, and nothing that is asked of it but that it is right.
    pub fn of(checkpoint: &'e str) -> Self {
        Self {
            checkpoint,
            ..Self::default()
        }
    }

    /// A walk along the entries that passes what these notes speak of.
    ///
    /// # Errors
    /// If one of the notes from before is no checkpoint.
    pub fn walk(&self) -> Result<Walk, Fault> {
        let mut sizes = Vec::new();
        for note in self.earlier {
            sizes.push(
                Checkpoint::read_unverified(note)
                    .map_err(Fault::EarlierCheckpoint)?
                    .size,
            );
        }
        // A handover that is no checkpoint is missed where it is needed.
        let handovers = self
            .handovers
            .iter()
            .filter_map(|note| Checkpoint::read_unverified(note).ok());
        Ok(Walk::noting(sizes.into_iter().chain(handovers.map(|note| note.size))))
    }

    /// Compares the entries of a walk that has come to its end with everything that was signed.
    /// `key` is any key that the ledger has or had: from an older one, every change of keys is followed.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn hold(&self, walk: &Walk, key: &VerifierKey) -> Result<Verified, Fault> {
        let current = self.succeed(walk, key)?;
        let signed = Checkpoint::open(self.checkpoint, &current).map_err(Fault::Checkpoint)?;
        let (size, root) = (walk.size(), walk.frontier().root());
        for note in self.earlier {
            let earlier = open_by_any(note, key, walk).map_err(Fault::EarlierCheckpoint)?;
            if earlier.size > size {
                return Err(Fault::Missing { number: size });
            }
            if walk.root_at(earlier.size) != Some(earlier.root) {
                return Err(Fault::Earlier { size: earlier.size });
            }
        }
        if size < signed.size {
            return Err(Fault::Missing { number: size });
        }
        if size > signed.size {
            return Err(Fault::Surplus { number: signed.size });
        }
        if root != signed.root {
            return Err(Fault::Root);
        }
        Ok(Verified {
            size,
            root,
            first_at: walk.first_at(),
            last_at: walk.last_at(),
            rotations: walk.rotations().len(),
            witnessed: self.witnessed()?,
        })
    }

    /// The key in force at the end, if the known one was in force at some time. A change of keys that the old key did
    /// not sign could be anybody's.
    fn succeed(&self, walk: &Walk, key: &VerifierKey) -> Result<VerifierKey, Fault> {
        let mut current = key.clone();
        let known = walk.rotations().iter().skip_while(|rotation| rotation.from != *key);
        for rotation in known {
            let signed = self.handovers.iter().any(|note| {
                let by = |key| Checkpoint::open(note, key).ok();
                let both = by(&rotation.from).zip(by(&rotation.to));
                both.is_some_and(|(head, _)| head.size > rotation.number && walk.root_at(head.size) == Some(head.root))
            });
            if !signed {
                return Err(Fault::Handover {
                    number: rotation.number,
                });
            }
            current = rotation.to.clone();
        }
        Ok(current)
    }

    fn witnessed(&self) -> Result<Vec<(String, Timestamp)>, Fault> {
        let (mut witnessed, mut keys) = (Vec::new(), BTreeSet::new());
        for witness in self.witnesses {
            let seen = witness.seen(self.checkpoint).map_err(|source| Fault::Cosignature {
                witness: witness.name().to_owned(),
                source,
            })?;
            if let Some(at) = seen.filter(|_| keys.insert(witness.public())) {
                witnessed.push((witness.name().to_owned(), at));
            }
        }
        let (have, need) = (keys.len(), self.required);
        if have < need {
            return Err(Fault::Witnesses { have, need });
        }
        Ok(witnessed)
    }
}

/// Checks that the entries, in order from number 0, are exactly those that the checkpoint speaks for, that each is in
/// the format, that none goes back in time or shows what it must not, and everything else that [`Evidence`] asks.
/// Holds one entry at a time, and a few bytes for each signal.
///
/// It says nothing of entries after the checkpoint: who fears that the log was cut short compares with a checkpoint
/// kept elsewhere.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify<E>(
    entries: impl Iterator<Item = Result<Vec<u8>, E>>,
    evidence: &Evidence<'_>,
    key: &VerifierKey,
) -> Result<Verified, Fault>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let claimed = Checkpoint::read_unverified(evidence.checkpoint).map_err(Fault::Checkpoint)?;
    let mut walk = evidence.walk()?;
    for bytes in entries {
        let number = walk.size();
        if number >= claimed.size {
            return Err(Fault::Surplus { number });
        }
        let bytes = bytes.map_err(|source| Fault::Source {
            number,
            source: source.into(),
        })?;
        walk.step(&bytes)?;
    }
    evidence.hold(&walk, key)
}

/// What a note from before says, if the known key or another of the ledger's has signed it.
fn open_by_any(note: &str, key: &VerifierKey, walk: &Walk) -> Result<Checkpoint, NoteInvalid> {
    let others = walk
        .rotations()
        .iter()
        .flat_map(|rotation| [&rotation.from, &rotation.to]);
    let mut opened = others.map(|key| Checkpoint::open(note, key));
    match Checkpoint::open(note, key) {
        Ok(head) => Ok(head),
        Err(why) => opened.find_map(Result::ok).ok_or(why),
    }
}
