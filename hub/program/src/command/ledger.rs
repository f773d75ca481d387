//! `placehub ledger`: reads the record of decisions, and checks it without trusting who wrote it.
//! Checking uses nothing but the entries' bytes, the signed head and the ledger's public key.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use placehub_hub::{
    ledger::{
        VerifierKey,
        verify::{Evidence, Fault, Verified, verify, verify_stored},
    },
    store::{self, Disk},
};
use placehub_proto::v1::{
    ExportLedgerRequest, LedgerEntry, ListEntriesRequest, PersonIdentity, WhoSawRequest, export_ledger_response::Part,
};
use serde_json::json;

use super::{carry, proofs};
use crate::{
    ending::{Ending, Outcome, Stop},
    entries,
    link::{Link, LinkArguments},
    moment, out,
    person::PersonArguments,
};

/// What is said of a ledger whose store cannot be read whole.
const WRONG: &str = "the ledger cannot be shown to be as it was signed";

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// List entries, newest first.
    List(Box<List>),
    /// List who asked about a person, and what they were shown.
    WhoSaw(Box<WhoSaw>),
    /// Recompute the ledger from its bytes and check the signature on its head.
    Verify(Box<Verify>),
    /// Print the signed head of the ledger, to be kept.
    Checkpoint(Box<proofs::Checkpoint>),
    /// Prove that an entry is in the ledger.
    Prove(Box<proofs::Prove>),
    /// Check that the ledger only grew since a head that was kept.
    Consistency(Box<proofs::Consistency>),
    /// Carry the whole ledger away, to be checked by `placehub-verify`.
    Bundle(Box<carry::Bundle>),
    /// Give the ledger of a stopped hub a new key.
    RotateKey(carry::RotateKey),
}

/// Which entries.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    link: LinkArguments,
}

/// Whose accesses.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  placehub ledger who-saw --home wigan --as igo-1 --person \"999 000 1006\"")]
pub(crate) struct WhoSaw {
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    link: LinkArguments,
}

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

#[derive(Debug, Args)]
struct Paging {
    /// Follow all pages.
    #[arg(long)]
    all: bool,
    /// Entries a page, 1 to 200 [default: 50].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    page_size: i32,
    /// The page after the one that gave this token.
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Ledger {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        match self {
            Self::Bundle(bundle) => bundle.run(now).await,
            Self::Checkpoint(checkpoint) => checkpoint.run(now).await,
            Self::Consistency(consistency) => consistency.run(now).await,
            Self::List(list) => list.run(now).await,
            Self::Prove(prove) => prove.run(now).await,
            Self::RotateKey(rotate) => rotate.run(now).await,
            Self::Verify(verify) => verify.run(now).await,
            Self::WhoSaw(who_saw) => who_saw.run(now).await,
        }
    }
}

impl List {
    async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let Paging {
            all,
            page_size,
            mut page_token,
            json,
        } = self.paging;
        let mut found = Vec::new();
        loop {
            let request = ListEntriesRequest { page_size, page_token };
            let page = link.ledger().list_entries(link.call(request)?).await;
            let page = page.map_err(|status| link.fault(status))?.into_inner();
            found.extend(page.entries);
            page_token = page.next_page_token;
            if !all || page_token.is_empty() {
                return entries::print(&found, &page_token, json);
            }
        }
    }
}

impl WhoSaw {
    async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let person = self
            .person
            .identity()?
            .context("whom? Give --person, or --name with --born and --postcode")?;
        let Paging {
            all,
            page_size,
            page_token,
            json,
        } = self.paging;
        let first = WhoSawRequest {
            person: Some(person),
            page_size,
            page_token,
        };
        let (found, next) = accesses(&link, first, all).await?;
        entries::print(&found, &next, json)
    }
}

impl Verify {
    async fn run(self, now: Timestamp) -> Outcome {
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
                recompute(export(&link).await?, &key)
            }
        };
        report(checked, &key, self.json)
    }
}

/// Everything that is recorded of looks at a person: one page, or all.
///
/// # Errors
/// What the hub refused, or why it could not be asked.
pub(super) async fn accesses(link: &Link, mut request: WhoSawRequest, all: bool) -> Result<(Vec<LedgerEntry>, String)> {
    let mut found = Vec::new();
    loop {
        let page = link.ledger().who_saw(link.call(request.clone())?).await;
        let page = page.map_err(|status| link.fault(status))?.into_inner();
        found.extend(page.entries);
        if !all || page.next_page_token.is_empty() {
            return Ok((found, page.next_page_token));
        }
        request.page_token = page.next_page_token;
    }
}

/// All looks at a person.
///
/// # Errors
/// As for [`accesses`].
pub(super) async fn who_saw(link: &Link, person: PersonIdentity) -> Result<Vec<LedgerEntry>> {
    let request = WhoSawRequest {
        person: Some(person),
        page_size: 200,
        page_token: String::new(),
    };
    Ok(accesses(link, request, true).await?.0)
}

/// A ledger that was taken away.
#[derive(Debug, Clone)]
pub(super) struct Exported {
    /// The bytes of all entries, in order.
    pub(super) entries: Vec<Vec<u8>>,
    handovers: Vec<String>,
    checkpoint: String,
}

/// The bytes of all entries, and what was signed over them.
///
/// # Errors
/// What the hub refused, or why it could not be asked.
pub(super) async fn export(link: &Link) -> Result<Exported> {
    let opened = link.ledger().export_ledger(link.open(ExportLedgerRequest {})?).await;
    let mut parts = opened.map_err(|status| link.fault(status))?.into_inner();
    let (mut entries, mut handovers, mut checkpoint) = (Vec::new(), Vec::new(), None);
    while let Some(part) = parts.message().await.map_err(|status| link.fault(status))? {
        match part.part {
            Some(Part::Entry(bytes)) => entries.push(bytes),
            Some(Part::Handover(note)) => handovers.push(note),
            Some(Part::Checkpoint(note)) => checkpoint = Some(note),
            None => {}
        }
    }
    Ok(Exported {
        entries,
        handovers,
        checkpoint: checkpoint.context("the hub sent no signed head")?,
    })
}

/// Checks exported entries against what was signed over them.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn recompute(exported: Exported, key: &VerifierKey) -> Result<Verified, Fault> {
    let evidence = Evidence {
        handovers: &exported.handovers,
        ..Evidence::of(&exported.checkpoint)
    };
    verify(exported.entries.into_iter().map(Ok::<_, Infallible>), &evidence, key)
}

/// Reads the ledger's public key.
///
/// # Errors
/// If the file cannot be read or holds no such key.
pub(super) fn read_key(file: &Path) -> Result<VerifierKey> {
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
            let first = fault.number();
            let why = crate::ending::sentence(&anyhow::Error::from(fault));
            if as_json {
                out::document(json!({ "ok": false, "origin": key.name(), "first_wrong_entry": first, "fault": why }))?;
            } else {
                out::line(format_args!("The ledger of {} is WRONG: {why}.", key.name()))?;
            }
            Ok(Ending::Finding)
        }
    }
}
