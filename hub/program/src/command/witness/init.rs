//! `placehub witness init`: makes a witness's key and folder. It never writes into a folder that holds anything.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use placehub_ledger::{Cosigner, Signer};
use serde_json::json;

use super::{KEY, KNOWN, NAME, PUB, REFUSED, SEEN};
use crate::{
    ending::{Ending, Outcome},
    out,
};

/// Where, and under which name.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  placehub witness init /srv/witness --name witness.housing.example/placehub")]
pub(crate) struct Init {
    /// The folder to make. It must not be there, or be empty.
    dir: PathBuf,
    /// The name under which it cosigns, by custom a host and path of the agency's.
    #[arg(long)]
    name: String,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Init {
    /// Makes the folder.
    pub(super) fn run(self) -> Outcome {
        let dir = self.dir.display();
        let made = || -> Result<String> {
            fs::create_dir_all(&self.dir)?;
            if fs::read_dir(&self.dir)?.next().is_some() {
                bail!("it is not empty, and nothing in it is overwritten");
            }
            let private = Signer::generate_pkcs8()?;
            let public = Cosigner::from_pkcs8(&self.name, &private)?.witness_key().to_string();
            let mut key = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(self.dir.join(KEY))?;
            key.write_all(&private)?;
            key.sync_all()?;
            fs::write(self.dir.join(NAME), format!("{}\n", self.name))?;
            fs::write(self.dir.join(PUB), format!("{public}\n"))?;
            fs::write(self.dir.join(KNOWN), "")?;
            fs::create_dir(self.dir.join(SEEN))?;
            fs::create_dir(self.dir.join(REFUSED))?;
            Ok(public)
        };
        let public = made().with_context(|| format!("cannot make a witness in {dir}"))?;
        if self.json {
            out::document(json!({ "name": self.name, "key": public, "folder": self.dir }))?;
        } else {
            out::line(format_args!(
                "{dir} is ready. Give this key to whoever runs the hub, and to whoever checks its ledger:\n{public}\n\n\
                 Next:\n  placehub witness serve {dir} --listen 127.0.0.1:7600 --ledger ledger.pub\n\
                 with `ledger.pub` from whoever runs the hub."
            ))?;
        }
        Ok(Ending::Well)
    }
}
