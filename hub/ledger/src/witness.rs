//! What a witness is sent and how it answers (C2SP tlog-witness), as pure functions.
//! Never keeps anything: whoever calls keeps what was seen, durably, before it tells anyone.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    Checkpoint, NoteInvalid, VerifierKey, note,
    proof::{self, check_consistency},
    tree::{Frontier, Hash},
};

/// The largest request that is read, in bytes: 63 hashes and a note with a hundred signatures have room in it.
pub const LARGEST: usize = 64 * 1024;

/// A checkpoint that a log submits to a witness. Its text is the body of `POST /add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// How many entries the log had when this witness last cosigned it, as the log believes.
    pub old: u64,
    /// That the log goes on from those.
    pub proof: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

/// Why a witness does not cosign. [`Refused::status`] is what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has cosigned another tree of that very size: the log is forked.
    #[error("another tree of {size} entries was cosigned before")]
    Forked {
        /// That size.
        size: u64,
    },
    /// The proof does not show that the log goes on from what was cosigned.
    #[error("the log does not go on from what was cosigned before")]
    Inconsistent,
    /// It is not a submission.
    #[error("the request is not a submission")]
    Malformed(#[source] NoteInvalid),
    /// The log was last cosigned at another size than the request says.
    #[error("it was last cosigned with {size} entries")]
    Stale {
        /// That size.
        size: u64,
    },
    /// A key has signed it that another has taken the place of: whoever holds it has no right to.
    #[error("the checkpoint is signed by a key that another has taken the place of, in the order given with --ledger")]
    Retired,
    /// No known key of the log has signed the checkpoint.
    #[error("the checkpoint is not signed by a known key of its log")]
    Unsigned,
    /// The log is not one that this witness watches.
    #[error("the log is not known here")]
    Unknown,
}

impl Refused {
    /// The HTTP status that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Retired | Self::Unsigned => 403,
            Self::Unknown => 404,
            Self::Forked { .. } | Self::Stale { .. } => 409,
            Self::Inconsistent => 422,
        }
    }
}

/// What a witness has cosigned last of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    head: Checkpoint,
    note: String,
}

impl Seen {
    /// Of the note that was kept.
    ///
    /// # Errors
    /// If it is not a checkpoint any more.
    pub fn read(note: String) -> Result<Self, NoteInvalid> {
        let head = Checkpoint::read_unverified(&note)?;
        Ok(Self { head, note })
    }

    /// Whether a head is larger, or another of the same size. One that is not tells nothing of what the log did later:
    /// anyone may have kept it.
    pub fn lacks(&self, head: &Checkpoint) -> bool {
        (self.head.size, self.head.root) != (head.size, head.root) && self.head.size <= head.size
    }

    /// The place of the newest of these keys that signed it: a log never goes back to a key.
    fn signed_by(&self, keys: &[&VerifierKey]) -> usize {
        let signed = |key: &&VerifierKey| Checkpoint::open(&self.note, key).is_ok();
        keys.iter().rposition(signed).unwrap_or_default()
    }
}

/// Judges a submission against the keys of the logs that are watched, those of one log in the order in which each took the
/// place of the one before, and what of this log was cosigned last.
/// Gives the checkpoint, which may be cosigned once it has been kept as the newest.
///
/// # Errors
/// Why it must not be cosigned.
pub fn judge(submission: &Submission, logs: &[VerifierKey], seen: Option<&Seen>) -> Result<Checkpoint, Refused> {
    let claimed = Checkpoint::read_unverified(&submission.checkpoint).map_err(Refused::Malformed)?;
    let keys: Vec<&VerifierKey> = logs.iter().filter(|key| key.name() == claimed.origin).collect();
    if keys.is_empty() {
        return Err(Refused::Unknown);
    }
    let seen = seen.filter(|seen| seen.head.origin == claimed.origin);
    let (retired, in_force) = keys.split_at(seen.map_or(0, |seen| seen.signed_by(&keys)));
    let open = |keys: &[&VerifierKey]| {
        let mut opened = keys.iter().map(|key| Checkpoint::open(&submission.checkpoint, key));
        opened.find_map(Result::ok)
    };
    let new = match open(in_force) {
        Some(new) => new,
        None if open(retired).is_some() => return Err(Refused::Retired),
        None => return Err(Refused::Unsigned),
    };
    if submission.old > new.size {
        return Err(Refused::Malformed(NoteInvalid::Form(
            "the old size is not above the new",
        )));
    }
    let (size, root) = seen.map_or((0, Frontier::default().root()), |seen| (seen.head.size, seen.head.root));
    if submission.old != size {
        return Err(Refused::Stale { size });
    }
    if size == new.size && root != new.root {
        return Err(Refused::Forked { size });
    }
    check_consistency((size, &root), (new.size, &new.root), &submission.proof).map_err(|_| Refused::Inconsistent)?;
    Ok(new)
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Submission {
    type Err = NoteInvalid;

    fn from_str(text: &str) -> Result<Self, NoteInvalid> {
        const RULE: NoteInvalid =
            NoteInvalid::Form("a submission is `old N`, at most 63 hashes, a blank line and a checkpoint");
        let (head, checkpoint) = text.split_once("\n\n").ok_or(RULE)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(RULE)?;
        Ok(Self {
            old: note::decimal(old).ok_or(RULE)?,
            proof: proof::parse_hashes(lines).ok_or(RULE)?,
            checkpoint: checkpoint.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        proof::prove_consistency,
        samples,
        tree::{leaf_hash, root_of},
    };

    struct Leaves(Vec<Hash>);

    impl proof::Nodes for Leaves {
        type Error = std::convert::Infallible;

        fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
            let start = usize::try_from(index).unwrap() << level;
            Ok(root_of(&self.0[start..start + (1 << level)]))
        }
    }

    fn root(size: u64) -> Hash {
        root_of(&leaves().0[..usize::try_from(size).unwrap()])
    }

    fn leaves() -> Leaves {
        Leaves((0..20u8).map(|n| leaf_hash(&[n])).collect())
    }

    fn submission(old: u64, new: u64) -> Submission {
        Submission {
            old,
            proof: prove_consistency(&leaves(), old, new).unwrap(),
            checkpoint: Checkpoint::sign(&samples::signer(1), new, &root(new)),
        }
    }

    fn judged(submission: &Submission, seen: Option<(u64, Hash)>) -> Result<u64, Refused> {
        judged_by(&[9, 1], submission, seen.map(|head| (head, 1)))
    }

    /// By a witness that knows the keys of these seeds; what it saw was signed by that of one.
    fn judged_by(keys: &[u8], submission: &Submission, seen: Option<((u64, Hash), u8)>) -> Result<u64, Refused> {
        let logs: Vec<_> = keys
            .iter()
            .map(|seed| samples::signer(*seed).verifier_key().clone())
            .collect();
        let seen = seen.map(|((size, root), seed)| Checkpoint::sign(&samples::signer(seed), size, &root));
        let seen = seen.map(|note| Seen::read(note).unwrap());
        judge(submission, &logs, seen.as_ref()).map(|new| new.size)
    }

    #[test]
    fn a_log_that_only_grows_is_taken_at_every_step_and_again() {
        let mut seen = None;
        for (old, new) in [(0, 3), (3, 8), (8, 8), (8, 20)] {
            let given = submission(old, new);
            assert_eq!(given.to_string().parse(), Ok(given.clone()));
            assert_eq!(judged(&given, seen), Ok(new));
            seen = Some((new, root(new)));
        }
    }

    #[test]
    fn a_rolled_back_a_forked_and_a_rewritten_log_are_refused_each_with_its_status() {
        let seen = Some((8, root(8)));
        assert_eq!(judged(&submission(3, 8), seen), Err(Refused::Stale { size: 8 }));
        assert_eq!(judged(&submission(0, 20), seen), Err(Refused::Stale { size: 8 }));
        assert_eq!(
            judged(&submission(8, 8), Some((8, [1; 32]))),
            Err(Refused::Forked { size: 8 })
        );
        assert_eq!(
            judged(&submission(8, 20), Some((8, [1; 32]))),
            Err(Refused::Inconsistent)
        );
        let back = Submission {
            old: 8,
            ..submission(3, 5)
        };
        assert!(matches!(judged(&back, seen), Err(Refused::Malformed(_))));
        let statuses = [
            Refused::Stale { size: 8 }.status(),
            Refused::Forked { size: 8 }.status(),
            Refused::Inconsistent.status(),
            Refused::Unsigned.status(),
            Refused::Unknown.status(),
        ];
        assert_eq!(statuses, [409, 409, 422, 403, 404]);
    }

    #[test]
    fn a_proof_where_there_is_nothing_to_prove_is_refused() {
        let more = Submission {
            proof: vec![[0; 32]],
            ..submission(0, 3)
        };
        assert_eq!(judged(&more, None), Err(Refused::Inconsistent));
    }

    #[test]
    fn a_stranger_and_a_log_signed_by_a_stranger_are_refused() {
        let thief = Checkpoint::sign(&samples::signer(2), 3, &root(3));
        let stolen = Submission {
            checkpoint: thief,
            ..submission(0, 3)
        };
        assert_eq!(judged(&stolen, None), Err(Refused::Unsigned));
        let strange = judge(&submission(0, 3), &[], None);
        assert_eq!(strange, Err(Refused::Unknown));
    }

    #[test]
    fn a_key_that_another_took_the_place_of_signs_nothing_more() {
        let by = |seed: u8, old, new| Submission {
            checkpoint: Checkpoint::sign(&samples::signer(seed), new, &root(new)),
            ..submission(old, new)
        };
        let seen = |seed: u8| Some(((3, root(3)), seed));
        let keys = [1, 2];
        assert_eq!(judged_by(&keys, &by(1, 3, 8), seen(1)), Ok(8));
        assert_eq!(
            judged_by(&keys, &by(2, 3, 8), seen(1)),
            Ok(8),
            "the new key takes its place"
        );
        assert_eq!(judged_by(&keys, &by(2, 3, 8), seen(2)), Ok(8));
        assert_eq!(judged_by(&keys, &by(1, 3, 8), seen(2)), Err(Refused::Retired));
        assert_eq!(judged_by(&keys, &by(3, 3, 8), seen(2)), Err(Refused::Unsigned));
        // The handover carries both signatures.
        let both = Checkpoint::join(&by(1, 3, 8).checkpoint, &by(2, 3, 8).checkpoint).unwrap();
        let handover = Submission {
            checkpoint: both.clone(),
            ..by(1, 3, 8)
        };
        assert_eq!(judged_by(&keys, &handover, seen(1)), Ok(8));
        let seen = Seen::read(both).unwrap();
        let logs = keys.map(|seed| samples::signer(seed).verifier_key().clone());
        assert_eq!(judge(&by(1, 8, 20), &logs, Some(&seen)), Err(Refused::Retired));
        assert!(judge(&by(2, 8, 20), &logs, Some(&seen)).is_ok());
    }

    #[test]
    fn an_older_head_and_the_same_again_tell_nothing_and_another_of_that_size_does() {
        let seen = Seen::read(submission(0, 8).checkpoint).unwrap();
        let head = |size, root| Checkpoint {
            size,
            root,
            ..seen.head.clone()
        };
        for old in [head(3, root(3)), head(3, [1; 32]), head(8, root(8))] {
            assert!(!seen.lacks(&old), "{old:?}");
        }
        for news in [head(8, [1; 32]), head(9, root(9))] {
            assert!(seen.lacks(&news), "{news:?}");
        }
    }

    #[test]
    fn what_is_no_submission_is_refused() {
        let good = submission(3, 8).to_string();
        for bad in [
            String::new(),
            good.replacen("old 3", "old 03", 1),
            good.replacen("old 3", "old -3", 1),
            good.replacen("old 3\n", "", 1),
            good.replacen('\n', "\n%\n", 1),
            good.replacen("\n\n", "\n", 1),
            format!(
                "old 3\n{}\n{}",
                format!("{}\n", STANDARD.encode([0; 32])).repeat(64),
                "x"
            ),
        ] {
            assert!(bad.parse::<Submission>().is_err(), "{bad}");
        }
    }
}
