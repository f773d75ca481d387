//! What is to be checked, and with which keys. Reads files; what is in them is judged by the ledger's own room.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use placehub_ledger::{
    Bundle, Checkpoint, VerifierKey, WitnessKey,
    proof::InclusionProof,
    verify::{Evidence, verify},
};

use crate::report::{Found, Outcome};

/// What to check.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check a whole ledger, as `placehub ledger bundle` writes it.
    Bundle(BundleArguments),
    /// Check that an entry is in the ledger, as `placehub ledger prove` proves it.
    Proof(ProofArguments),
}

/// Which ledger, and what is known of it.
#[derive(Args)]
#[command(
    after_help = "Example:\n  placehub-verify bundle january/ --key ledger.pub --since december/checkpoint \\\n    \
    --witness housing.pub --witness police.pub --require 2"
)]
pub(crate) struct BundleArguments {
    /// The bundle's folder.
    folder: PathBuf,
    #[command(flatten)]
    key: KeyArgument,
    /// A checkpoint that was kept: the ledger must go on from it. May be given again.
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,
    #[command(flatten)]
    witnesses: WitnessArguments,
}

/// Which proof, of what.
#[derive(Args)]
#[command(
    after_help = "Example:\n  placehub-verify proof entry-42.tlog-proof --entry entry-42.json --key ledger.pub \\\n    \
    --witness housing.pub --require 1"
)]
pub(crate) struct ProofArguments {
    /// The proof (C2SP tlog-proof).
    proof: PathBuf,
    /// The entry's bytes. One line feed at the end is not taken for a part of them.
    #[arg(long, value_name = "FILE")]
    entry: PathBuf,
    #[command(flatten)]
    key: KeyArgument,
    #[command(flatten)]
    witnesses: WitnessArguments,
}

#[derive(Args)]
struct WitnessArguments {
    /// A witness's key: a file, or the key itself. May be given again.
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
    /// How many of these witnesses must have cosigned the checkpoint.
    #[arg(long, value_name = "K", default_value_t = 0)]
    require: usize,
}

#[derive(Args)]
struct KeyArgument {
    /// The ledger's public key: a file, or the key itself.
    #[arg(long, value_name = "KEY")]
    key: String,
}

impl Command {
    /// Reads what is to be checked, and checks it.
    ///
    /// # Errors
    /// If a file cannot be used; what is wrong with a ledger is an outcome.
    pub(crate) fn run(self) -> Result<Outcome> {
        match self {
            Self::Bundle(arguments) => arguments.run(),
            Self::Proof(arguments) => arguments.run(),
        }
    }
}

impl BundleArguments {
    fn run(self) -> Result<Outcome> {
        let key: VerifierKey = read_key(&self.key.key)?;
        let witnesses = self.witnesses.read()?;
        let earlier = self.since.iter().map(|file| text(file)).collect::<Result<Vec<_>>>()?;
        let bundle = Bundle::open(&self.folder)
            .with_context(|| format!("{} is not a bundle of a ledger", self.folder.display()))?;
        let evidence = Evidence {
            checkpoint: &bundle.checkpoint,
            handovers: &bundle.handovers,
            earlier: &earlier,
            witnesses: &witnesses,
            required: self.witnesses.require,
        };
        let checked = verify(bundle.rows, &evidence, &key);
        Ok(Outcome::of(
            &key,
            checked.map(|verified| Found::Ledger(Box::new(verified))),
        ))
    }
}

impl WitnessArguments {
    fn read(&self) -> Result<Vec<WitnessKey>> {
        let read = self.witness.iter().map(|given| read_key(given));
        let witnesses = read.collect::<Result<Vec<WitnessKey>>>()?;
        let keys: BTreeSet<_> = witnesses.iter().map(WitnessKey::public).collect();
        if keys.len() < witnesses.len() {
            bail!("a `--witness` is given twice: each counts once");
        }
        if self.require > witnesses.len() {
            bail!("`--require {}` needs as many `--witness` or more", self.require);
        }
        Ok(witnesses)
    }
}

impl ProofArguments {
    fn run(self) -> Result<Outcome> {
        let key: VerifierKey = read_key(&self.key.key)?;
        let witnesses = self.witnesses.read()?;
        let mut entry = fs::read(&self.entry).with_context(|| format!("cannot read {}", self.entry.display()))?;
        if entry.last() == Some(&b'\n') {
            entry.pop();
        }
        let parsed = InclusionProof::from_str(&text(&self.proof)?);
        let number = parsed.as_ref().map_or(0, |proof| proof.number);
        let found = parsed.map_err(anyhow::Error::from).and_then(|proof| {
            let Checkpoint { size, root, .. } = proof.check(&entry, &key)?;
            let evidence = Evidence {
                witnesses: &witnesses,
                required: self.witnesses.require,
                ..Evidence::of(&proof.checkpoint)
            };
            let witnessed = evidence.witnessed()?;
            Ok(Found::Entry {
                number,
                size,
                root,
                witnessed: witnessed.into_iter().map(|(name, at)| (name, at.to_string())).collect(),
            })
        });
        Ok(Outcome::of_proof(&key, number, found))
    }
}

fn read_key<K: FromStr>(given: &str) -> Result<K>
where
    K::Err: std::error::Error + Send + Sync + 'static,
{
    if given.contains('+') {
        return given
            .trim()
            .parse()
            .with_context(|| format!("{given} is not such a key"));
    }
    let key = text(Path::new(given))?;
    key.trim().parse().with_context(|| format!("{given} holds no such key"))
}

fn text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
