//! `placehub ledger checkpoint`, `prove` and `consistency`: what the ledger shows of itself, checked before it is
//! printed. A proof that does not hold is a finding, and is printed nowhere.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use jiff::Timestamp;
use placehub_ledger::{
    Checkpoint as Head, NoteInvalid, VerifierKey,
    proof::{InclusionProof, check_consistency},
    tree::Hash,
};
use placehub_proto::v1::{GetCheckpointRequest, ProveConsistencyRequest, ProveInclusionRequest};
use serde_json::json;

use super::read_key;
use crate::{
    ending::{Ending, Outcome, Stop},
    link::{Link, LinkArguments},
    moment, out,
};

/// Which head.
#[derive(Debug, Args)]
#[command(
    after_help = "Keep what it prints where the hub's operator cannot change it: whoever holds an earlier head \
    can show that the ledger only grew, or that it did not.\nExample:\n  \
    placehub ledger checkpoint --home wigan --agency housing > heads/monday"
)]
pub(crate) struct Checkpoint {
    /// The newest head that enough witnesses have cosigned, instead of the newest.
    #[arg(long)]
    witnessed: bool,
    /// Print a JSON document, with the witnesses.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// Which entry.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub ledger prove --home wigan --as igo-1 --entry 42 --write-entry 42.json > 42.tlog-proof\n  \
    placehub-verify proof 42.tlog-proof --entry 42.json --key ledger.pub"
)]
pub(crate) struct Prove {
    /// The entry's number.
    #[arg(long, value_name = "N")]
    entry: u64,
    /// Write the entry's bytes into this file, as they were hashed.
    #[arg(long, value_name = "FILE")]
    write_entry: Option<PathBuf>,
    /// Prove it against the newest head that enough witnesses have cosigned, instead of the newest.
    #[arg(long)]
    witnessed: bool,
    #[command(flatten)]
    key: KeyArgument,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// From which head.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  placehub ledger consistency --home wigan --as igo-1 --since heads/monday")]
pub(crate) struct Consistency {
    /// The head that was kept (as `placehub ledger checkpoint` printed it).
    #[arg(long, value_name = "FILE")]
    since: PathBuf,
    #[command(flatten)]
    key: KeyArgument,
    /// Print a JSON document, with the proof.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// By which keys.
#[derive(Debug, Args)]
pub(super) struct KeyArgument {
    /// A public key of the ledger, one line of text [default with --home: its ledger.pub]. After a change of keys, give each
    /// that you trust.
    #[arg(long = "key-file", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl KeyArgument {
    /// The keys that are named or found; none if there are none.
    ///
    /// # Errors
    /// If one cannot be read.
    pub(super) fn find(&self, link: &LinkArguments) -> Result<Vec<VerifierKey>> {
        let found = link.ledger_pub().filter(|_| self.files.is_empty());
        self.files.iter().chain(&found).map(|file| read_key(file)).collect()
    }

    fn read(&self, link: &LinkArguments) -> Result<Vec<VerifierKey>> {
        let keys = self.find(link)?;
        anyhow::ensure!(
            !keys.is_empty(),
            "which key? Give --key-file FILE (`init` writes it as ledger.pub), or --home"
        );
        Ok(keys)
    }
}

/// The key among these that a head says it is signed by.
///
/// # Errors
/// If it is signed by none of them: that alone is no fault of the ledger, whose key may have been changed.
fn signer<'k>(head: &str, keys: &'k [VerifierKey]) -> Result<&'k VerifierKey> {
    let found = keys
        .iter()
        .find(|key| !matches!(Head::open(head, key), Err(NoteInvalid::Unsigned | NoteInvalid::Origin)));
    found.context(
        "the head is signed by another key: check a bundle with `placehub-verify`, which follows changes of keys",
    )
}

impl Checkpoint {
    /// Prints the head.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let answer = link.ledger().get_checkpoint(link.call(GetCheckpointRequest {})?).await;
        let answer = answer.map_err(|status| link.fault(status))?.into_inner();
        let note = if self.witnessed {
            &answer.witnessed
        } else {
            &answer.checkpoint
        };
        if self.json {
            let witnesses: Vec<_> = answer
                .witnesses
                .iter()
                .map(|witness| {
                    json!({
                        "name": witness.name,
                        "size": witness.size,
                        "cosigned_at": moment::json(moment::of_wire(witness.cosigned_at.as_ref())),
                        "trouble": witness.trouble,
                    })
                })
                .collect();
            let size = Head::read_unverified(note).ok().map(|head| head.size);
            out::document(json!({
                "checkpoint": note,
                "size": size,
                "required_witnesses": answer.required_witnesses,
                "witnesses": witnesses,
                "alarm": answer.alarm,
            }))?;
            return Ok(Ending::Well);
        }
        if note.is_empty() {
            return Err(Stop::Finding("there is no such head yet".to_owned()).into());
        }
        out::text(note)?;
        Ok(Ending::Well)
    }
}

impl Prove {
    /// Prints the proof, once it has been found good.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let keys = self.key.read(&self.link)?;
        let link = self.link.link("desk", now)?;
        let Proven { entry, size, proof } = prove(&link, (self.entry, self.witnessed), &keys).await?;
        if let Some(file) = &self.write_entry {
            fs::write(file, &entry).with_context(|| format!("cannot write {}", file.display()))?;
        }
        if self.json {
            out::document(json!({
                "ok": true,
                "number": self.entry,
                "size": size,
                "hashes": proof.hashes.iter().map(hex::encode).collect::<Vec<_>>(),
                "checkpoint": proof.checkpoint,
                "entry": String::from_utf8_lossy(&entry),
            }))?;
        } else {
            out::text(&proof.to_string())?;
        }
        Ok(Ending::Well)
    }
}

impl Consistency {
    /// Says whether the ledger goes on from a kept head.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let keys = self.key.read(&self.link)?;
        let kept = fs::read_to_string(&self.since).with_context(|| format!("cannot read {}", self.since.display()))?;
        let from = Head::open(&kept, signer(&kept, &keys)?)
            .with_context(|| format!("{} is no head by this key", self.since.display()))?;
        let link = self.link.link("desk", now)?;
        let request = ProveConsistencyRequest { from: from.size, to: 0 };
        let answer = link.ledger().prove_consistency(link.call(request)?).await;
        let shorter = format!("the ledger has fewer than {} entries now: it was put back", from.size);
        let answer = match answer {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == tonic::Code::InvalidArgument => return Err(Stop::Finding(shorter).into()),
            Err(status) => return Err(link.fault(status).into()),
        };
        let proof = hashes(answer.hashes)?;
        let key = signer(&answer.checkpoint, &keys)?;
        let checked = || -> Result<Head> {
            let to = Head::open(&answer.checkpoint, key)?;
            check_consistency((from.size, &from.root), (to.size, &to.root), &proof)?;
            Ok(to)
        };
        let wrong = "the ledger does not go on from the head that was kept: it was rewritten or forked";
        let to = checked().context(Stop::Finding(wrong.to_owned()))?;
        if self.json {
            out::document(json!({
                "ok": true,
                "from": from.size,
                "to": to.size,
                "hashes": proof.iter().map(hex::encode).collect::<Vec<_>>(),
                "checkpoint": answer.checkpoint,
            }))?;
        } else {
            out::line(format_args!(
                "The ledger of {} only grew: from {} entries to {}.",
                key.name(),
                from.size,
                to.size
            ))?;
        }
        Ok(Ending::Well)
    }
}

/// An entry that was found to be in the ledger.
pub(super) struct Proven {
    /// Its bytes, as they were hashed.
    entry: Vec<u8>,
    /// The size of the tree.
    size: u64,
    /// The proof.
    proof: InclusionProof,
}

impl Proven {
    /// For a program, beside the entry itself.
    ///
    /// # Errors
    /// If it is not the proof of these bytes.
    pub(super) fn of(&self, raw: &[u8]) -> Result<serde_json::Value> {
        anyhow::ensure!(
            self.entry == raw,
            Stop::Finding("what is proved is another entry".to_owned())
        );
        Ok(json!({
            "size": self.size,
            "hashes": self.proof.hashes.iter().map(hex::encode).collect::<Vec<_>>(),
            "checkpoint": self.proof.checkpoint,
        }))
    }

    /// How many entries the head is over that it was proved against.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// Has an entry proved against the newest head, or the newest that enough witnesses have cosigned, and checks the proof.
///
/// # Errors
/// What the hub refused, or that its proof does not hold.
pub(super) async fn prove(link: &Link, (number, witnessed): (u64, bool), keys: &[VerifierKey]) -> Result<Proven> {
    let cosigned = match witnessed {
        true => Some(witnessed_head(link, number).await?),
        false => None,
    };
    let size = cosigned.as_ref().map_or(0, |(_, size)| *size);
    let request = ProveInclusionRequest { number, size };
    let answer = link.ledger().prove_inclusion(link.call(request)?).await;
    let answer = answer.map_err(|status| link.fault(status))?.into_inner();
    let proof = InclusionProof {
        number,
        hashes: hashes(answer.hashes)?,
        checkpoint: cosigned.map_or(answer.checkpoint, |(note, _)| note),
    };
    let key = signer(&proof.checkpoint, keys)?;
    let wrong = "what the hub sent does not prove the entry";
    proof
        .check(&answer.entry, key)
        .context(Stop::Finding(wrong.to_owned()))?;
    Ok(Proven {
        entry: answer.entry,
        size: answer.size,
        proof,
    })
}

/// The newest head that enough witnesses have cosigned, and its size, which is above this number.
async fn witnessed_head(link: &Link, number: u64) -> Result<(String, u64)> {
    let answer = link.ledger().get_checkpoint(link.call(GetCheckpointRequest {})?).await;
    let note = answer.map_err(|status| link.fault(status))?.into_inner().witnessed;
    let size = Head::read_unverified(&note).map_or(0, |head| head.size);
    let none = "enough witnesses have not cosigned a head over this entry yet: try again in a moment";
    anyhow::ensure!(number < size, Stop::Finding(none.to_owned()));
    Ok((note, size))
}

fn hashes(sent: Vec<Vec<u8>>) -> Result<Vec<Hash>> {
    let hashes = sent.into_iter().map(Hash::try_from).collect::<Result<_, _>>();
    hashes.map_err(|_| Stop::Finding("the hub sent a hash that is none".to_owned()).into())
}
