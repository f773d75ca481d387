//! The commands, one file each. Each reads its flags, does one thing, and prints through `out`.

mod ask;
mod bench;
mod check_config;
mod completions;
mod consent;
mod demo;
mod doctor;
mod init;
mod ledger;
mod policy;
mod push;
mod serve;
mod token;
mod watch;
mod witness;

use clap::Subcommand;
use jiff::Timestamp;
use placehub_hub::clock::{Clock as _, SystemClock};

use crate::ending::Outcome;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole thing at work: four agencies push, two ask, one audits.
    Demo(demo::Demo),
    /// Make a folder that is ready to serve: configuration, development keys and certificates, policies, sample place.
    Init(init::Init),
    /// Run the hub.
    Serve(serve::Serve),
    /// Check that a configuration and everything that it names can be used.
    CheckConfig(check_config::CheckConfig),
    /// Call the hub and say in plain words what is wrong, if anything is.
    Doctor(Box<doctor::Doctor>),
    /// Make a practitioner's token with the development issuer.
    Token(token::Token),
    /// Push signals.
    Push(Box<push::Push>),
    /// Ask about a person, an address or an area.
    Ask(Box<ask::Ask>),
    /// Keep a question open and print each change.
    Watch(Box<watch::Watch>),
    /// Take down or show what a person said about sharing.
    #[command(subcommand)]
    Consent(consent::Consent),
    /// Read and check the record of decisions.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Witness the ledgers of hubs, for an agency.
    #[command(subcommand)]
    Witness(witness::Witness),
    /// Check policies, and see what they allow.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Measure what the hub's care costs, beside a bare server, on a generated town.
    Bench(bench::Bench),
    /// Print completions for a shell.
    Completions(completions::Completions),
}

impl Command {
    /// Runs it to its end.
    ///
    /// # Errors
    /// Whatever kept it from its end; `ending` knows the exit code.
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Ask(ask) => ask.run(now()).await,
            Self::Bench(bench) => bench.run().await,
            Self::CheckConfig(check) => check.run(now()),
            Self::Completions(completions) => completions.run(),
            Self::Consent(consent) => consent.run(now()).await,
            Self::Demo(demo) => demo.run().await,
            Self::Doctor(doctor) => doctor.run(now()).await,
            Self::Init(init) => init.run(now()),
            Self::Ledger(ledger) => ledger.run(now()).await,
            Self::Policy(policy) => policy.run(now()).await,
            Self::Push(push) => push.run(now()).await,
            Self::Serve(serve) => serve.run().await,
            Self::Token(token) => token.run(now()),
            Self::Watch(watch) => watch.run(now()).await,
            Self::Witness(witness) => witness.run().await,
        }
    }
}

/// The time now.
fn now() -> Timestamp {
    SystemClock.now()
}
