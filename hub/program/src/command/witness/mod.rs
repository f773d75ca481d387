//! `placehub witness`: keeps the newest head of a ledger that it saw, and cosigns one only if the ledger goes on from it.
//! An agency runs it, so that whoever runs the hub cannot rewrite the ledger alone. It knows nothing of any hub.

mod init;
mod memory;
mod serve;

use clap::Subcommand;

use crate::ending::Outcome;

/// What to do as a witness.
#[derive(Debug, Subcommand)]
pub(crate) enum Witness {
    /// Make a witness's folder: its key, and room for what it sees.
    Init(init::Init),
    /// Answer logs that ask for a cosignature (C2SP tlog-witness).
    Serve(serve::Serve),
}

impl Witness {
    /// Runs it.
    pub(super) async fn run(self) -> Outcome {
        match self {
            Self::Init(init) => init.run(),
            Self::Serve(serve) => serve.run().await,
        }
    }
}

/// The witness's private key, in its folder.
const KEY: &str = "witness.key";
/// The witness's public key.
const PUB: &str = "witness.pub";
/// The name under which it cosigns.
const NAME: &str = "name";
/// Taken by the one process that serves from its folder.
const LOCK: &str = "lock";
/// What it has seen, a file for each log.
const SEEN: &str = "seen";
/// The logs that it has cosigned, a line for each: what was seen of these must be there.
const KNOWN: &str = "known";
/// What it refused to cosign though the log's key had signed it.
const REFUSED: &str = "refused";
