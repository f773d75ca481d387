//! Checks a ledger from bytes alone: the entries, the hashes that were kept of them, the notes that were signed over
//! them, and the keys that must have.
//! Never trusts, and never uses, anything that wrote the ledger.

mod fault;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use fault::Fault;
pub use walk::{KEY_ROTATED, Row, Walk};

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
        // A handover that is no checkpoint is missed where it is needed, and so is the head, which entries may go beyond.
        let others = self.handovers.iter().map(String::as_str).chain([self.checkpoint]);
        let others = others.filter_map(|note| Checkpoint::read_unverified(note).ok());
        Ok(Walk::noting(sizes.into_iter().chain(others.map(|note| note.size))))
    }

    /// Compares the rows of a walk that has come to its end with everything that was signed.
    /// `key` is any key that the ledger has or had: from an older one, every change of keys is followed.
    ///
    /// # Errors
    /// The first thing that is wrong, as far as that can be told:
    /// an entry that does not have the hash that was kept of it, if the head speaks for the kept hashes; a kept hash, if
    /// the head speaks for the entries; an entry that could be in no ledger; else, if the head speaks for neither, the
    /// entries between the last head that fits and the first that does not.
    pub fn hold(&self, mut walk: Walk, key: &VerifierKey) -> Result<Verified, Fault> {
        let claimed = Checkpoint::read_unverified(self.checkpoint).map_err(Fault::Checkpoint)?;
        walk.judge(&claimed)?;
        let (current, mut heads) = self.succeed(&walk, key, claimed.size)?;
        let signed = Checkpoint::open(self.checkpoint, &current).map_err(Fault::Checkpoint)?;
        for note in self.earlier {
            heads.push(open_by_any(note, key, &walk).map_err(Fault::EarlierCheckpoint)?);
        }
        let (size, root) = (walk.size(), signed.root);
        heads.push(signed);
        heads.sort_by_key(|head| head.size);
        let mut since = 0;
        for head in &heads {
            if head.size > size {
                return Err(Fault::Missing { number: size });
            }
            if !walk.fits(head) {
                return Err(Fault::Rewritten { since, size: head.size });
            }
            since = head.size;
        }
        if size > claimed.size {
            return Err(Fault::Surplus { number: claimed.size });
        }
        if let Some(number) = walk.strange().filter(|number| *number < size) {
            return Err(Fault::Kept { number });
        }
        if walk.rows() > size {
            return Err(Fault::Surplus { number: size });
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

    /// The key in force at the end of so many entries, if the known one was in force at some time, and the notes by which
    /// one key took the place of another. A change of keys that the old key did not sign could be anybody's.
    fn succeed(&self, walk: &Walk, key: &VerifierKey, size: u64) -> Result<(VerifierKey, Vec<Checkpoint>), Fault> {
        let (mut current, mut handed) = (key.clone(), Vec::new());
        let within = walk.rotations().iter().take_while(|rotation| rotation.number < size);
        let known = within.skip_while(|rotation| rotation.from != *key);
        for rotation in known {
            let number = rotation.number;
            let signed = self.handovers.iter().filter_map(|note| {
                let by = |key| Checkpoint::open(note, key).ok();
                let (head, _) = by(&rotation.from).zip(by(&rotation.to))?;
                (head.size == number + 1).then_some(head)
            });
            // One that fits is enough; where none does, the first tells how far the entries are those that were signed.
            let best = signed.min_by_key(|head| !walk.fits(head));
            handed.push(best.ok_or(Fault::Handover { number })?);
            current = rotation.to.clone();
        }
        Ok((current, handed))
    }

    /// Which of the known witnesses have cosigned the checkpoint, and when.
    ///
    /// # Errors
    /// If a cosignature in the name of one is not by its key, or fewer have than are required.
    pub fn witnessed(&self) -> Result<Vec<(String, Timestamp)>, Fault> {
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

/// Checks that the rows, in order from number 0, hold exactly the entries that the checkpoint speaks for, that each is in
/// the format and has the hash that was kept of it, that none goes back in time or shows what it must not, and everything
/// else that [`Evidence`] asks. Holds one entry at a time, and a few bytes for each signal.
///
/// It says nothing of entries after the checkpoint: who fears that the log was cut short compares with a checkpoint
/// kept elsewhere.
///
/// # Errors
/// As for [`Evidence::hold`].
pub fn verify<E>(
    rows: impl Iterator<Item = Result<Row, E>>,
    evidence: &Evidence<'_>,
    key: &VerifierKey,
) -> Result<Verified, Fault>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let claimed = Checkpoint::read_unverified(evidence.checkpoint).map_err(Fault::Checkpoint)?;
    let mut walk = evidence.walk()?;
    for row in rows {
        let number = walk.rows();
        let Row { entry, kept } = row.map_err(|source| Fault::Source {
            number,
            source: source.into(),
        })?;
        walk.step(entry.as_deref(), kept.as_ref());
        if number >= claimed.size {
            break;
        }
    }
    evidence.hold(walk, key)
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
