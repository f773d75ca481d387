//! The Merkle tree of RFC 9162 section 2.1, as pure functions on hashes. Never reads or writes a store.

use ring::digest::{Context, SHA256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// More leaves than this no tree has; so sums of sizes do not overflow.
const LIMIT: u64 = 1 << 62;

/// A complete subtree: the `index`th, counted from 0, of those with 2^`level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its height; 0 for a leaf.
    pub level: u8,
    /// Its place among those of its height.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What one must remember of a tree to append to it and to know its root: O(log n) hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    // INVARIANT: one hash for each set bit of `size`, the largest subtree first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves whose largest complete subtrees, from the left, have these hashes.
    /// `None` if their number does not fit the size.
    pub fn restore(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        let fits = size <= LIMIT && u32::try_from(peaks.len()) == Ok(size.count_ones());
        fits.then_some(Self { size, peaks })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the largest complete subtrees, from the left.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf. Returns the subtrees that it completes, the leaf itself first, each the child of the next.
    pub fn push(&mut self, leaf: Hash) -> Vec<Node> {
        let mut node = Node {
            level: 0,
            index: self.size,
            hash: leaf,
        };
        let mut completed = vec![node];
        while node.index & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            node = Node {
                level: node.level + 1,
                index: node.index >> 1,
                hash: branch_hash(&left, &node.hash),
            };
            completed.push(node);
        }
        self.peaks.push(node.hash);
        self.size += 1;
        completed
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            Some(smallest) => peaks.fold(*smallest, |right, left| branch_hash(left, &right)),
            None => hash(&[]),
        }
    }
}

/// The hash of a leaf (RFC 9162 section 2.1.1: `0x00`, then the bytes).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    hash(&[&[0], bytes])
}

/// The hash of a node with two children (RFC 9162 section 2.1.1: `0x01`, then both hashes).
pub fn branch_hash(left: &Hash, right: &Hash) -> Hash {
    hash(&[&[1], left, right])
}

/// The root of the tree of these leaves, straight from the definition in RFC 9162 section 2.1.1.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            branch_hash(&root_of(left), &root_of(right))
        }
    }
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use ct_merkle::{RootHash, mem_backed_tree::MemoryBackedTree};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::*;

    fn check(entries: &[Vec<u8>]) {
        let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut frontier = Frontier::default();
        let mut leaves = Vec::new();
        assert_eq!(frontier.root(), root_of(&leaves));
        for entry in entries {
            oracle.push(entry.clone());
            leaves.push(leaf_hash(entry));
            for node in frontier.push(leaf_hash(entry)) {
                let width = 1usize << node.level;
                let start = usize::try_from(node.index).unwrap() * width;
                assert_eq!(node.hash, root_of(&leaves[start..start + width]));
            }
            let root: &[u8] = &frontier.root();
            assert_eq!(root, oracle.root().as_bytes().as_slice());
            assert_eq!(frontier.root(), root_of(&leaves));
            let restored = Frontier::restore(frontier.size(), frontier.peaks().to_vec());
            assert_eq!(restored.as_ref(), Some(&frontier));
        }
    }

    #[test]
    fn the_roots_of_small_trees_are_those_of_a_second_implementation() {
        let entries: Vec<_> = (0u8..130).map(|n| vec![n; usize::from(n)]).collect();
        check(&entries);
    }

    #[test]
    fn the_empty_tree_has_the_hash_of_nothing() {
        let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(Frontier::default().root()), known);
    }

    #[test]
    fn a_second_implementation_accepts_a_proof_against_our_root() {
        let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut frontier = Frontier::default();
        for n in 0..100u8 {
            oracle.push(vec![n]);
            frontier.push(leaf_hash(&[n]));
        }
        let ours = RootHash::<Sha256>::new(frontier.root().into(), 100);
        assert!(
            ours.verify_inclusion(&vec![42u8], 42, &oracle.prove_inclusion(42))
                .is_ok()
        );
        assert!(
            ours.verify_inclusion(&vec![43u8], 42, &oracle.prove_inclusion(42))
                .is_err()
        );
    }

    #[test]
    fn a_frontier_whose_hashes_do_not_fit_its_size_is_refused() {
        assert_eq!(Frontier::restore(3, vec![[0; 32]]), None);
        assert_eq!(Frontier::restore(0, vec![[0; 32]]), None);
        assert_eq!(Frontier::restore(u64::MAX, vec![[0; 32]; 64]), None);
        assert!(Frontier::restore(3, vec![[0; 32]; 2]).is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_tree_has_the_root_of_a_second_implementation(
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..70)
        ) {
            check(&entries);
        }
    }
}
