//! A proof that one can keep and send: C2SP tlog-proof, which holds a number, hashes and a signed checkpoint.
//! Never holds the entry itself.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{ProofInvalid, check_inclusion};
use crate::{Checkpoint, NoteInvalid, VerifierKey, note, tree::Hash, tree::leaf_hash};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// More hashes than this no proof has.
const MOST: usize = 63;

/// That an entry is in the tree that a checkpoint speaks for. As text it is a C2SP tlog-proof without extra data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry's number.
    pub number: u64,
    /// The sibling of its leaf first, the child of the root last.
    pub hashes: Vec<Hash>,
    /// The signed note, with whatever cosignatures it has.
    pub checkpoint: String,
}

/// Why a proof does not show what it is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefused {
    /// The checkpoint is not one by the key.
    #[error("its checkpoint is not one by this key")]
    Checkpoint(#[source] NoteInvalid),
    /// The hashes do not lead from the entry to the checkpoint.
    #[error("it does not lead from the entry to the checkpoint")]
    Proof(#[source] ProofInvalid),
}

impl InclusionProof {
    /// Checks that an entry of these bytes is in the log, and gives the checkpoint that speaks for it.
    ///
    /// # Errors
    /// If the checkpoint is not one by the key, or the hashes do not lead to it.
    pub fn check(&self, entry: &[u8], key: &VerifierKey) -> Result<Checkpoint, ProofRefused> {
        let head = Checkpoint::open(&self.checkpoint, key).map_err(ProofRefused::Checkpoint)?;
        check_inclusion(self.number, head.size, &leaf_hash(entry), &self.hashes, &head.root)
            .map_err(ProofRefused::Proof)?;
        Ok(head)
    }
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nindex {}", self.number)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for InclusionProof {
    type Err = NoteInvalid;

    fn from_str(text: &str) -> Result<Self, NoteInvalid> {
        const RULE: NoteInvalid =
            NoteInvalid::Form("a proof is `c2sp.org/tlog-proof@v1`, `index N`, hashes, a blank line and a checkpoint");
        let (head, checkpoint) = text.split_once("\n\n").ok_or(RULE)?;
        let mut lines = head.split('\n');
        let header = lines.next() == Some(HEADER);
        let number = lines.next().and_then(|line| line.strip_prefix("index "));
        let (true, Some(number)) = (header, number) else {
            return Err(RULE);
        };
        Ok(Self {
            number: note::decimal(number).ok_or(RULE)?,
            hashes: parse_hashes(lines).ok_or(RULE)?,
            checkpoint: checkpoint.to_owned(),
        })
    }
}

/// Hashes in base64, one a line, as proofs are written in every text of the log.
pub(crate) fn parse_hashes<'t>(lines: impl Iterator<Item = &'t str>) -> Option<Vec<Hash>> {
    let mut hashes = Vec::new();
    for line in lines {
        if hashes.len() == MOST {
            return None;
        }
        hashes.push(STANDARD.decode(line).ok()?.try_into().ok()?);
    }
    Some(hashes)
}
