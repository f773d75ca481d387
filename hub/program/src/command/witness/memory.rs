//! What a witness has seen, on its disk: the newest head of each log, kept before anyone is told of it.
//! Never goes back: a file that cannot be read stops the witness, and is not taken for a log that was never seen.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use placehub_ledger::{
    Checkpoint, Cosigner, NoteInvalid, VerifierKey,
    tree::leaf_hash,
    witness::{Refused, Seen, Submission, judge},
};

use super::{KEY, KNOWN, LOCK, NAME, REFUSED, SEEN};
use crate::whole::{self, Readers};

/// More refused heads than this are not kept: they are evidence, and one is enough.
const MOST_REFUSED: usize = 100;
/// Room among those for heads that are forked for certain: any other may be an honest one, sent on with a false proof by
/// somebody who has no key.
const FOR_FORKS: usize = 50;

/// A witness with its memory.
pub(super) struct Memory {
    folder: PathBuf,
    cosigner: Cosigner,
    logs: Vec<VerifierKey>,
    /// Held for as long as it is: two that serve from one folder could each cosign a fork.
    _lock: File,
}

/// Why a submission is not answered with a cosignature.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsigned {
    /// It must not be.
    #[error("it must not be cosigned")]
    Refused(#[source] Refused),
    /// What was seen of a log that was cosigned before is not there: the folder was put back in part.
    #[error("what was seen of this log is gone, though it was cosigned before")]
    Forgotten,
    /// What was seen cannot be read or kept: nothing is cosigned then.
    #[error("what was seen cannot be read or kept")]
    Disk(#[source] io::Error),
    /// What was seen is not a checkpoint.
    #[error("what was seen is not a checkpoint any more")]
    Memory(#[source] NoteInvalid),
}

impl Memory {
    /// Opens a witness's folder, for logs with these keys.
    ///
    /// # Errors
    /// If it is no such folder, or another process serves from it: a witness without a memory of its own must not serve.
    pub(super) fn open(folder: &Path, logs: Vec<VerifierKey>) -> Result<Self> {
        let read = |name: &str| fs::read(folder.join(name)).with_context(|| format!("cannot read {name}"));
        let opened = || -> Result<Cosigner> {
            let name = String::from_utf8(read(NAME)?)?;
            fs::read_dir(folder.join(SEEN)).context("cannot read what it has seen")?;
            read(KNOWN)?;
            Ok(Cosigner::from_pkcs8(name.trim(), &read(KEY)?)?)
        };
        let cosigner = opened().with_context(|| format!("{} is not a witness's folder", folder.display()))?;
        let lock = lock(folder).with_context(|| format!("{} cannot be had alone", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            cosigner,
            logs,
            _lock: lock,
        })
    }

    /// The cosignature on a submission, whose head is kept as the newest before this returns.
    /// To be called by one at a time.
    ///
    /// # Errors
    /// If it must not be cosigned, or cannot be kept.
    pub(super) fn cosign(&self, body: &str, now: Timestamp) -> Result<String, Unsigned> {
        let submission: Submission = body.parse().map_err(|why| Unsigned::Refused(Refused::Malformed(why)))?;
        let claimed = Checkpoint::read_unverified(&submission.checkpoint)
            .map_err(|why| Unsigned::Refused(Refused::Malformed(why)))?;
        let origin = &claimed.origin;
        let file = self.file(origin);
        let is_known = self.is_known(origin).map_err(Unsigned::Disk)?;
        let seen = match fs::read_to_string(&file) {
            Ok(note) => Some(Seen::read(note).map_err(Unsigned::Memory)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_known => return Err(Unsigned::Forgotten),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Unsigned::Disk(error)),
        };
        match judge(&submission, &self.logs, seen.as_ref()) {
            Ok(_) => {
                let line = self.cosigner.cosign(&submission.checkpoint, now);
                let line = line.map_err(|why| Unsigned::Refused(Refused::Malformed(why)))?;
                keep(&file, &submission.checkpoint).map_err(Unsigned::Disk)?;
                if !is_known {
                    self.know(origin).map_err(Unsigned::Disk)?;
                }
                Ok(line)
            }
            Err(why) => {
                let most = match why {
                    Refused::Forked { .. } => MOST_REFUSED,
                    Refused::Inconsistent | Refused::Retired => MOST_REFUSED - FOR_FORKS,
                    _ => 0,
                };
                if seen.is_some_and(|seen| seen.lacks(&claimed)) {
                    self.keep_evidence(&submission, most);
                }
                Err(Unsigned::Refused(why))
            }
        }
    }

    /// Whether it has cosigned this log before.
    fn is_known(&self, origin: &str) -> io::Result<bool> {
        let known = fs::read_to_string(self.folder.join(KNOWN))?;
        Ok(known.lines().any(|line| line == origin))
    }

    /// Adds a log to the list of those that it has cosigned, and returns once that survives a power cut.
    fn know(&self, origin: &str) -> io::Result<()> {
        let mut known = OpenOptions::new().append(true).open(self.folder.join(KNOWN))?;
        writeln!(known, "{origin}")?;
        known.sync_all()
    }

    /// What the log's key signed and does not go on from what was seen, unless so many are kept: who holds both can show it
    /// to anyone. One file for what was signed and by which of the log's keys, as anyone may send the same with another proof.
    fn keep_evidence(&self, submission: &Submission, most: usize) {
        let note = &submission.checkpoint;
        let mut signed = note.split("\n\n").next().unwrap_or_default().to_owned();
        for key in self.logs.iter().filter(|key| Checkpoint::open(note, key).is_ok()) {
            signed.push_str(&format!("\n{key}"));
        }
        let within = self.folder.join(REFUSED);
        let path = within.join(hex::encode(leaf_hash(signed.as_bytes())));
        let room = fs::read_dir(&within).is_ok_and(|files| files.count() < most);
        if room
            && !path.exists()
            && let Err(why) = keep(&path, &submission.to_string())
        {
            tracing::error!(why = %why, "a refused head could not be kept");
        }
    }

    fn file(&self, origin: &str) -> PathBuf {
        self.folder.join(SEEN).join(hex::encode(leaf_hash(origin.as_bytes())))
    }
}

fn lock(folder: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let lock = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!("another witness serves from it"),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn keep(path: &Path, text: &str) -> io::Result<()> {
    whole::write(path, text.as_bytes(), Readers::Any)
}

#[cfg(test)]
mod tests {
    use placehub_ledger::{Signer, tree::root_of};

    use super::*;

    struct Given {
        _folder: tempfile::TempDir,
        memory: Memory,
        signer: Signer,
    }

    fn given() -> Given {
        let folder = tempfile::tempdir().unwrap();
        for name in [SEEN, REFUSED] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join(NAME), "witness.sample\n").unwrap();
        fs::write(folder.path().join(KNOWN), "").unwrap();
        fs::write(folder.path().join(KEY), Signer::generate_pkcs8().unwrap()).unwrap();
        let signer = Signer::from_pkcs8("hub.sample", &Signer::generate_pkcs8().unwrap()).unwrap();
        let memory = Memory::open(folder.path(), vec![signer.verifier_key().clone()]).unwrap();
        Given {
            _folder: folder,
            memory,
            signer,
        }
    }

    impl Given {
        /// A head of a log whose leaves are these bytes.
        fn head(&self, leaves: &[u8]) -> String {
            let hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(&[*leaf])).collect();
            Checkpoint::sign(&self.signer, hashes.len() as u64, &root_of(&hashes))
        }

        fn submit(&self, old: u64, leaves: &[u8], proof: &[u8]) -> Result<String, Unsigned> {
            let proof = proof.iter().map(|leaf| leaf_hash(&[*leaf])).collect();
            let checkpoint = self.head(leaves);
            let body = Submission { old, proof, checkpoint }.to_string();
            self.memory
                .cosign(&body, Timestamp::from_second(1_767_603_600).unwrap())
        }

        fn again(self) -> (tempfile::TempDir, Memory) {
            let Self {
                _folder: folder,
                memory,
                ..
            } = self;
            let (at, logs) = (memory.folder.clone(), memory.logs.clone());
            drop(memory);
            (folder, Memory::open(&at, logs).unwrap())
        }
    }

    #[test]
    fn what_was_cosigned_is_remembered_across_a_restart() {
        let given = given();
        let line = given.submit(0, &[1], &[]).unwrap();
        let note = given.head(&[1]);
        assert!(given.memory.cosigner.witness_key().attach(&note, &line).is_ok());
        let body = Submission {
            old: 0,
            proof: vec![],
            checkpoint: given.head(&[2, 3]),
        }
        .to_string();
        given.submit(1, &[1, 2], &[2]).unwrap();
        let (_folder, again) = given.again();
        let refused = again.cosign(&body, Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(matches!(refused, Unsigned::Refused(Refused::Stale { size: 2 })));
    }

    #[test]
    fn two_witnesses_do_not_serve_from_one_folder() {
        let given = given();
        assert!(Memory::open(&given.memory.folder, Vec::new()).is_err());
        given.again();
    }

    #[test]
    fn a_fork_is_refused_and_kept_as_evidence_and_the_memory_stays() {
        let given = given();
        given.submit(0, &[1, 2], &[]).unwrap();
        let fork = given.submit(2, &[1, 3], &[]).unwrap_err();
        assert!(matches!(fork, Unsigned::Refused(Refused::Forked { size: 2 })));
        let rewritten = given.submit(2, &[9, 8, 7], &[7]).unwrap_err();
        assert!(matches!(rewritten, Unsigned::Refused(Refused::Inconsistent)));
        assert_eq!(fs::read_dir(given.memory.folder.join(REFUSED)).unwrap().count(), 2);
        given.submit(2, &[1, 2], &[]).unwrap();
    }

    #[test]
    fn who_has_no_key_cannot_fill_the_room_for_evidence_of_a_fork() {
        let given = given();
        let kept = || fs::read_dir(given.memory.folder.join(REFUSED)).unwrap().count();
        given.submit(0, &[1, 2], &[]).unwrap();
        // The same again, and honest heads to come, each with many a false proof.
        for proof in 0..9 {
            given.submit(2, &[1, 2], &[proof]).unwrap_err();
        }
        assert_eq!(kept(), 0);
        for proof in 0..9 {
            given.submit(2, &[1, 2, 3], &[0, proof]).unwrap_err();
        }
        assert_eq!(kept(), 1);
        let leaves: Vec<u8> = (1..=120).collect();
        for size in 3..=120 {
            given.submit(2, &leaves[..size], &[0]).unwrap_err();
        }
        assert_eq!(kept(), MOST_REFUSED - FOR_FORKS);
        let fork = given.submit(2, &[1, 3], &[]).unwrap_err();
        assert!(matches!(fork, Unsigned::Refused(Refused::Forked { size: 2 })));
        assert_eq!(kept(), MOST_REFUSED - FOR_FORKS + 1);
    }

    #[test]
    fn heads_by_a_retired_key_are_kept_only_from_after_it_was_handed_over() {
        let mut given = given();
        let newer = Signer::from_pkcs8("hub.sample", &Signer::generate_pkcs8().unwrap()).unwrap();
        given.memory.logs.push(newer.verifier_key().clone());
        let old = std::mem::replace(&mut given.signer, newer);
        given.submit(0, &[1, 2], &[]).unwrap();
        given.signer = old;
        for proof in 0..9 {
            let stale = given.submit(1, &[1], &[proof]).unwrap_err();
            assert!(matches!(stale, Unsigned::Refused(Refused::Retired)));
        }
        let kept = || fs::read_dir(given.memory.folder.join(REFUSED)).unwrap().count();
        assert_eq!(kept(), 0, "anyone may have kept these");
        given.submit(2, &[1, 2, 3], &[3]).unwrap_err();
        assert_eq!(kept(), 1, "a thief's");
    }

    #[test]
    fn a_log_that_was_cosigned_is_not_taken_for_a_new_one_when_what_was_seen_of_it_is_gone() {
        let given = given();
        given.submit(0, &[1], &[]).unwrap();
        given.submit(1, &[1, 2], &[2]).unwrap();
        let list = given.memory.folder.join(KNOWN);
        assert_eq!(fs::read_to_string(&list).unwrap(), "hub.sample\n", "once");
        fs::remove_file(given.memory.file("hub.sample")).unwrap();
        assert!(matches!(given.submit(0, &[3], &[]), Err(Unsigned::Forgotten)));
        let (_folder, again) = given.again();
        fs::remove_file(&list).unwrap();
        assert!(Memory::open(&again.folder, Vec::new()).is_err());
    }

    #[test]
    fn a_witness_that_cannot_read_or_keep_what_it_saw_cosigns_nothing() {
        let given = given();
        given.submit(0, &[1], &[]).unwrap();
        let file = given.memory.file("hub.sample");
        fs::write(&file, "spoilt").unwrap();
        assert!(matches!(given.submit(1, &[1, 2], &[2]), Err(Unsigned::Memory(_))));
        fs::remove_dir_all(given.memory.folder.join(SEEN)).unwrap();
        assert!(matches!(given.submit(0, &[1], &[]), Err(Unsigned::Forgotten)));
        fs::remove_file(given.memory.folder.join(KNOWN)).unwrap();
        assert!(matches!(given.submit(0, &[1], &[]), Err(Unsigned::Disk(_))));
        assert!(Memory::open(&given.memory.folder, Vec::new()).is_err());
    }
}
