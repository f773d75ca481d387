//! `placehub policy sign`: signs an agreement for a party, and writes the signature beside it.
//! It never prints a key, and never changes an agreement.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use placehub_hub::{
    decide::{Signable, sign},
    model::{AgencyId, AgreementId},
};
use serde_json::json;

use super::open;
use crate::{
    ending::{Ending, Outcome},
    out,
};

/// Which agreement, for whom, with which key.
#[derive(Debug, Args)]
#[command(
    after_help = "The key is an Ed25519 key in PEM, as `openssl genpkey -algorithm ed25519` makes it. What is signed is\n\
    the digest of NAME.cedar and NAME.toml: whoever changes one of them needs new signatures.\n\n\
    Example:\n  placehub policy sign policies asb-prevention --party housing --key housing.key"
)]
pub(crate) struct Sign {
    /// The folder of policies.
    dir: PathBuf,
    /// The agreement.
    agreement: AgreementId,
    /// The party that signs.
    #[arg(long, value_name = "AGENCY")]
    party: AgencyId,
    /// Its private key.
    #[arg(long = "key", value_name = "FILE")]
    key_file: PathBuf,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Sign {
    pub(super) fn run(self) -> Outcome {
        let (files, set) = open(&self.dir)?;
        let Some(agreement) = set.agreements().iter().find(|one| *one.id() == self.agreement) else {
            bail!("{} holds no agreement `{}`", self.dir.display(), self.agreement);
        };
        if !agreement.particulars().owners(set.catalogue()).contains(&self.party) {
            bail!(
                "`{}` opens no signals of `{}`, so it needs no signature of theirs",
                self.agreement,
                self.party
            );
        }
        let signable = Signable::find(&files, &self.agreement).context("an agreement is two files")?;
        let wrong = || format!("cannot use {} (`--key`)", self.key_file.display());
        let key = fs::read_to_string(&self.key_file).with_context(wrong)?;
        let signature = sign(&signable, &self.party, &key).with_context(wrong)?;
        let file = self.dir.join(signable.file(&self.party));
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&file, signature))
            .with_context(|| format!("cannot write {}", file.display()))?;
        if self.json {
            out::document(json!({
                "agreement": self.agreement.to_string(),
                "party": self.party.to_string(),
                "digest": signable.digest(),
                "file": file,
            }))?;
        } else {
            out::line(format_args!(
                "`{}` has signed `{}`, digest {}: {}",
                self.party,
                self.agreement,
                signable.digest(),
                file.display()
            ))?;
        }
        Ok(Ending::Well)
    }
}
