//! `placehub ledger verify`: recomputes the ledger from its bytes, without trusting who wrote it.
//! Uses nothing but the entries' bytes, the signed head and the ledger's public key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use jiff::Timestamp;
use placehub_hub::{
    ledger::{
        VerifierKey,
        verify::{Fault, Verified, Walk, verify_stored},
    },
    store::{self, Disk},
};
use placehub_proto::v1::ExportLedgerRequest;
use serde_json::json;

use super::take_away;
use crate::{
    ending::{Ending, Outcome, Stop},
    link::LinkArguments,
    moment, out,
};

/// What is said of a ledger whose store cannot be read whole.
const WRONG: &str = "the ledger cannot be shown to be as it was signed";

/// Which ledger, and by which key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  placehub ledger verify --home wigan --as igo-1\n  \
    placehub ledger verify --store wigan/store --key-file wigan/ledger.pub    (with the hub stopped)")]
pub(crate) struct Verify {
    /// The ledger's public key, one line of text [default with --home: its ledger.pub].
    #[arg(long = "key-file", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Check a stopped hub's store instead of asking a running one.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl Verify {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let key_file = self.key_file.or_else(|| self.link.ledger_pub());
        let key_file =
            key_file.context("which key? Give --key-file FILE (`init` writes it as ledger.pub), or --home")?;
        let key = read_key(&key_file)?;
        let checked = match &self.store {
            Some(dir) => {
                // Opening would make the folder, and a ledger that is not there would be found well.
                if !dir.join("db").exists() {
                    anyhow::bail!("{} holds no store", dir.display());
                }
                let disk = Disk::open(dir).map_err(|error| match error {
                    store::Error::Damaged { .. } => anyhow::Error::from(error).context(Stop::Finding(WRONG.to_owned())),
                    other => other.into(),
                })?;
                verify_stored(&disk, &key)
            }
            None => {
                let link = self.link.link("desk", now)?;
                // Changes of keys are known at the end only, so the roots that they speak for are noted as the walk passes
                // the entries that tell of them.
                let mut walk = Walk::default();
                let signed = take_away(&link, ExportLedgerRequest::default(), |_, row| {
                    walk.step(row.entry.as_deref(), row.kept.as_ref());
                    Ok(())
                });
                signed.await?.evidence().hold(walk, &key)
            }
        };
        report(checked, &key, self.json)
    }
}

/// Reads the ledger's public key.
///
/// # Errors
/// If the file cannot be read or holds no such key.
pub(in crate::command) fn read_key(file: &Path) -> Result<VerifierKey> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.trim()
        .parse()
        .with_context(|| format!("{} holds no key of a ledger", file.display()))
}

fn report(checked: Result<Verified, Fault>, key: &VerifierKey, as_json: bool) -> Outcome {
    match checked {
        Ok(verified) => {
            let root = hex::encode(verified.root);
            if as_json {
                out::document(json!({
                    "ok": true,
                    "origin": key.name(),
                    "size": verified.size,
                    "root": root,
                    "first_at": moment::json(verified.first_at),
                    "last_at": moment::json(verified.last_at),
                }))?;
            } else {
                out::line(format_args!(
                    "The ledger of {} is as it was signed: {} entries, from {} to {}.\nRoot {root}",
                    key.name(),
                    verified.size,
                    moment::shown(verified.first_at),
                    moment::shown(verified.last_at),
                ))?;
            }
            Ok(Ending::Well)
        }
        Err(fault) => {
            let (first, among) = (fault.number(), fault.among());
            let why = crate::ending::sentence(&anyhow::Error::from(fault));
            if as_json {
                out::document(json!({
                    "ok": false,
                    "origin": key.name(),
                    "first_wrong_entry": first,
                    "wrong_among": among.map(|(first, last)| json!({ "first": first, "last": last })),
                    "fault": why,
                }))?;
            } else {
                out::line(format_args!("The ledger of {} is WRONG: {why}.", key.name()))?;
            }
            Ok(Ending::Finding)
        }
    }
}
