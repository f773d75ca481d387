//! `placehub ledger bundle` and `rotate-key`: the ledger carried away to be checked elsewhere, and its change of keys.
//! Neither judges the ledger; `placehub-verify` does.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
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
        // A new key that is there already is one with which the ledger may have been signed.
        match make(&draft) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.with_context(|| format!("cannot write {}", draft.display()))?,
        }
        let to = signer(&read(&draft)?, &draft)?;
        let (old, new) = (from.verifier_key().to_string(), to.verifier_key().to_string());
        let disk = Disk::open(&config.store.folder)?;
        ledger::rotate(Arc::new(disk), from, to, now).await?;
        let replaced = fs::rename(&draft, file).and_then(|()| sync_folder(file));
        replaced.with_context(|| format!("cannot replace {}", file.display()))?;
        let public = self.config.with_file_name(LEDGER_PUB);
        if public.is_file() {
            fs::write(&public, format!("{new}\n")).with_context(|| format!("cannot write {}", public.display()))?;
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

/// A new private key, on the disk before it is used.
fn make(path: &Path) -> std::io::Result<()> {
    let private = Signer::generate_pkcs8().map_err(std::io::Error::other)?;
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&private)?;
    file.sync_all()?;
    sync_folder(path)
}

/// Returns once the name of a file survives a power cut.
fn sync_folder(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
