//! `placehub ledger bundle` and `rotate-key`: the ledger carried away to be checked elsewhere, and its change of keys.
//! Neither judges the ledger; `placehub-verify` does.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jiff::Timestamp;
use placehub_hub::{config::Config, ledger, store::Disk};
use placehub_ledger::{BundleWriter, Checkpoint, Signer};
use placehub_proto::v1::ExportLedgerRequest;
use serde_json::json;

use super::taken::{Signed, take_away};
use crate::{
    ending::{Ending, Outcome},
    home::LEDGER_PUB,
    link::LinkArguments,
    out,
    whole::{self, Readers},
};

/// Where to.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub ledger bundle january --home wigan --as igo-1\n  \
    placehub-verify bundle january --key ledger.pub"
)]
pub(crate) struct Bundle {
    /// The folder to make. It must not be there, or be empty.
    folder: PathBuf,
    /// Take everything up to the newest head, whether or not witnesses have cosigned it. Without this, the bundle ends at the
    /// newest head that enough of them have, if there is one.
    #[arg(long)]
    newest: bool,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// Of which hub.
#[derive(Debug, Args)]
#[command(
    after_help = "The hub must be stopped. The old key signs that the new one takes its place, and is then \
    overwritten.\nGive the new public key to the witnesses before the hub starts again: they know the ledger by its keys."
)]
pub(crate) struct RotateKey {
    /// The hub's configuration, e.g. placehub.toml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Bundle {
    /// Writes the bundle, entry by entry.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let cannot = || format!("cannot write a bundle into {}", self.folder.display());
        let mut bundle = BundleWriter::create(&self.folder).with_context(cannot)?;
        let everything = ExportLedgerRequest {
            witnessed: !self.newest,
            ..ExportLedgerRequest::default()
        };
        let signed = take_away(&link, everything, |number, row| {
            let (Some(entry), Some(kept)) = (row.entry, row.kept) else {
                bail!("the hub sent entry {number} without its hash");
            };
            bundle.entry(&entry, &kept).with_context(cannot)
        })
        .await?;
        let Signed { handovers, checkpoint } = signed;
        bundle.finish(&checkpoint, &handovers).with_context(cannot)?;
        let size = Checkpoint::read_unverified(&checkpoint).map_or(0, |head| head.size);
        if self.json {
            out::document(json!({ "folder": self.folder, "size": size, "changes_of_key": handovers.len() }))?;
        } else {
            out::line(format_args!(
                "{} holds {size} entries and what was signed over them.",
                self.folder.display()
            ))?;
        }
        Ok(Ending::Well)
    }
}

impl RotateKey {
    /// Changes the key. What was cut short goes on where it stopped.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let config = Config::load(&self.config)?;
        let file = &config.keys.ledger_key;
        let mut draft = file.clone().into_os_string();
        draft.push(".new");
        let draft = PathBuf::from(draft);
        let signer = |bytes: &[u8], path: &Path| {
            Signer::from_pkcs8(&config.node, bytes).with_context(|| format!("{} cannot be used", path.display()))
        };
        let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let from = signer(&read(file)?, file)?;
        let disk = Disk::open(&config.store.folder)?;
        let public = self.config.with_file_name(LEDGER_PUB);
        let done = match draft.is_file() {
            // A new key that is there already is one with which the ledger may have been signed.
            true => None,
            false => all_but_published(&disk, &from, &public)?,
        };
        let (old, new) = match done {
            Some(done) => done,
            None => {
                if !draft.is_file() {
                    let made = Signer::generate_pkcs8().map_err(std::io::Error::other);
                    let made = made.and_then(|private| whole::write(&draft, &private, Readers::Owner));
                    made.with_context(|| format!("cannot write {}", draft.display()))?;
                }
                let to = signer(&read(&draft)?, &draft)?;
                let keys = (from.verifier_key().to_string(), to.verifier_key().to_string());
                ledger::rotate(Arc::new(disk), from, to, now).await?;
                whole::rename(&draft, file).with_context(|| format!("cannot replace {}", file.display()))?;
                keys
            }
        };
        if public.is_file() {
            whole::write(&public, format!("{new}\n").as_bytes(), Readers::Any)
                .with_context(|| format!("cannot write {}", public.display()))?;
        }
        if self.json {
            out::document(json!({ "from": old, "to": new }))?;
        } else {
            out::line(format_args!(
                "The ledger has a new key, which the old one signed:\n{new}\nThe old key was\n{old}\n\
                 Give the new one to the witnesses, and to whoever checks the ledger."
            ))?;
        }
        Ok(Ending::Well)
    }
}

/// The old key and the new, if the ledger was handed over to this one and only its public file still has the one before.
fn all_but_published(disk: &Disk, present: &Signer, public: &Path) -> Result<Option<(String, String)>> {
    let Some(change) = ledger::last_rotation(disk)? else {
        return Ok(None);
    };
    let told = fs::read_to_string(public).unwrap_or_default();
    let stopped = change.to == present.verifier_key().to_string() && change.from == told.trim();
    Ok(stopped.then_some((change.from, change.to)))
}
