//! Checks proofs, as RFC 9162 sections 2.1.3.2 and 2.1.4.2 say. Pure: knows sizes and hashes alone.

use crate::tree::{Frontier, Hash, branch_hash};

/// A proof that proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofInvalid {
    /// It has more or fewer hashes than these sizes need.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// There can be no such proof.
    #[error("the entry is not below the size, or the earlier size is above the later")]
    Range,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks that the entry `number`, whose leaf has this hash, is in the tree of `size` entries with this root.
///
/// # Errors
/// If the proof does not show it.
pub fn check_inclusion(number: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), ProofInvalid> {
    if number >= size {
        return Err(ProofInvalid::Range);
    }
    let mut climb = Climb {
        at: number,
        last: size - 1,
    };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match climb.turn()? {
            Side::Left => branch_hash(sibling, &hash),
            Side::Right => branch_hash(&hash, sibling),
        };
    }
    climb.end()?;
    if hash == *root { Ok(()) } else { Err(ProofInvalid::Root) }
}

/// Checks that the tree of `to` entries begins with that of `from` entries.
/// From an empty tree, whose root is that of nothing, every tree goes on, and the proof is empty.
///
/// # Errors
/// If the proof does not show it.
pub fn check_consistency(
    (from, from_root): (u64, &Hash),
    (to, to_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofInvalid> {
    if from > to {
        return Err(ProofInvalid::Range);
    }
    if from == to || from == 0 {
        let same = if from == to {
            *to_root
        } else {
            Frontier::default().root()
        };
        return match (proof.is_empty(), *from_root == same) {
            (false, _) => Err(ProofInvalid::Length),
            (true, false) => Err(ProofInvalid::Root),
            (true, true) => Ok(()),
        };
    }
    let mut climb = Climb {
        at: from - 1,
        last: to - 1,
    };
    climb.skip_while(|at| at & 1 == 1);
    // What both have in common. It is the whole of the smaller tree if that is complete, and is then left out.
    let (common, rest) = if from.is_power_of_two() {
        (from_root, proof)
    } else {
        proof.split_first().ok_or(ProofInvalid::Length)?
    };
    let (mut old, mut new) = (*common, *common);
    for sibling in rest {
        match climb.turn()? {
            Side::Left => (old, new) = (branch_hash(sibling, &old), branch_hash(sibling, &new)),
            Side::Right => new = branch_hash(&new, sibling),
        }
    }
    climb.end()?;
    if old == *from_root && new == *to_root {
        Ok(())
    } else {
        Err(ProofInvalid::Root)
    }
}

/// On which side of the path the next hash of a proof stands.
enum Side {
    Left,
    Right,
}

/// The way from a leaf to the root: where we are among the nodes of our height, and which of them is the last.
struct Climb {
    at: u64,
    last: u64,
}

impl Climb {
    fn turn(&mut self) -> Result<Side, ProofInvalid> {
        if self.last == 0 {
            return Err(ProofInvalid::Length);
        }
        let side = if self.at & 1 == 1 || self.at == self.last {
            // A last node without a sibling is its own parent, as often as that is so.
            self.skip_while(|at| at & 1 == 0 && at != 0);
            Side::Left
        } else {
            Side::Right
        };
        self.rise();
        Ok(side)
    }

    fn end(self) -> Result<(), ProofInvalid> {
        if self.last == 0 {
            Ok(())
        } else {
            Err(ProofInvalid::Length)
        }
    }

    fn skip_while(&mut self, holds: impl Fn(u64) -> bool) {
        while holds(self.at) {
            self.rise();
        }
    }

    fn rise(&mut self) {
        self.at >>= 1;
        self.last >>= 1;
    }
}
