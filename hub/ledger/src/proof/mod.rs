//! Proofs that an entry is in a tree, and that a tree goes on from a smaller one (RFC 9162 sections 2.1.3 and 2.1.4).
//! Never trusts whoever made a proof, and never reads more than O(log n) hashes to make one.

mod check;
#[cfg(test)]
mod tests;
mod text;

pub use check::{ProofInvalid, check_consistency, check_inclusion};
pub(crate) use text::parse_hashes;
pub use text::{InclusionProof, ProofRefused};

use crate::tree::{Hash, branch_hash};

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// Why a hash cannot be had.
    type Error;

    /// The hash of the `index`th, counted from 0, of the complete subtrees with 2^`level` leaves.
    ///
    /// # Errors
    /// If it cannot be read.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a proof cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Unproven<E> {
    /// A hash is missing.
    #[error("a hash of the tree could not be read")]
    Nodes(#[source] E),
    /// The tree has no such entry, or is smaller than what it is to go on from.
    #[error("a proof needs an entry below the size, or a size that is not above the later one")]
    Range,
}

/// The proof that entry `number` is in the tree of `size` entries: the sibling of the leaf first, the child of the root
/// last.
///
/// # Errors
/// If there is no such entry, or a hash cannot be read.
pub fn prove_inclusion<N: Nodes>(nodes: &N, number: u64, size: u64) -> Result<Vec<Hash>, Unproven<N::Error>> {
    if number >= size {
        return Err(Unproven::Range);
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    // From the root down to the leaf, keeping at each turn the side that was not taken.
    while end - start > 1 {
        let middle = start + left_of(end - start);
        if number < middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((start, middle));
            start = middle;
        }
    }
    hashes(nodes, path)
}

/// The proof that the tree of `to` entries begins with that of `from` entries. It is empty if the two are the same, or
/// if there is nothing to begin with.
///
/// # Errors
/// If `from` is more than `to`, or a hash cannot be read.
pub fn prove_consistency<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Vec<Hash>, Unproven<N::Error>> {
    if from > to {
        return Err(Unproven::Range);
    }
    if from == 0 {
        return Ok(Vec::new());
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, to);
    while from < end {
        let middle = start + left_of(end - start);
        if from <= middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((start, middle));
            start = middle;
        }
    }
    // What both trees have in common; whoever checks knows it already if it is the whole of the smaller one.
    if start > 0 {
        path.push((start, end));
    }
    hashes(nodes, path)
}

/// The hashes of ranges of leaves that were collected from the root down, in the order of a proof.
fn hashes<N: Nodes>(nodes: &N, path: Vec<(u64, u64)>) -> Result<Vec<Hash>, Unproven<N::Error>> {
    let ranges = path.into_iter().rev();
    ranges.map(|(start, end)| range(nodes, start, end)).collect()
}

/// The root over the leaves from `start` to `end`, a range that the tree itself splits off.
fn range<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, Unproven<N::Error>> {
    let size = end - start;
    if size.is_power_of_two() {
        let level = size.trailing_zeros();
        // A size has less than 64 bits, so its level fits.
        let level = u8::try_from(level).map_err(|_| Unproven::Range)?;
        return nodes.node(level, start >> level).map_err(Unproven::Nodes);
    }
    let middle = start + left_of(size);
    Ok(branch_hash(&range(nodes, start, middle)?, &range(nodes, middle, end)?))
}

/// How many of `size` leaves, of which there are two at least, are in the left subtree: the largest power of two below.
fn left_of(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}
