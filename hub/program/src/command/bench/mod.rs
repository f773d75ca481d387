//! `placehub bench`: what policy, consent and a durable ledger entry cost, beside a bare server that does none of it.
//! It prints no ratio of a case in which anything went wrong, and leaves nothing behind.

mod adapter;
mod alone;
mod ask;
mod bare;
mod chance;
mod disk;
mod figures;
mod kinds;
mod load;
mod measure;
mod pairs;
mod place;
mod proofs;
mod report;
mod scale;
mod served;
mod stage;
mod stream;
mod tap;
mod town;
mod watch;
mod who_saw;
mod withdrawal;
mod written;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use self::{
    measure::Pace,
    pairs::Pairs,
    report::Report,
    stage::{CONNECTIONS, Stage},
};
use crate::ending::{Ending, Outcome};

/// How many signals the town has that most cases are measured in.
const TOWN: u64 = 10_000;
/// How many people withdraw their consent.
const WITHDRAWALS: usize = 10;
/// How long a ledger the case `who-saw` has; the larger only if asked for.
const LEDGERS: [u64; 2] = [100_000, 1_000_000];
/// How long a ledger the case `ledger` has; the larger only if asked for.
const PROVED: [u64; 2] = [1_000_000, 10_000_000];
/// The towns of the case `scale`; the last only if asked for.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];

/// What to measure, and how long.
#[derive(Debug, Args)]
#[command(
    after_help = "Hub, bare server and callers share this machine and each other's time, over mutual TLS on loopback.\n\
    Compare ratios, not figures of different machines; see docs/performance.md."
)]
pub(crate) struct Bench {
    /// Measure this case only. May be given again.
    #[arg(long, value_name = "CASE")]
    only: Vec<Case>,
    /// Seconds a measurement.
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    seconds: f64,
    /// Measurements of each server in each case, in turns.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// The town's seed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Measure the case `scale` with ten million signals too, `who-saw` with a million entries, and `ledger` with ten million:
    /// an hour and more, some 100 GB of disk.
    #[arg(long)]
    large: bool,
    /// Rows of the file in the case `adapter`.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    rows: u64,
    /// Folder on the disk to measure. A temporary folder is made in it and removed at the end.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

/// A case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Case {
    /// A question about a person, 64 in flight.
    AskPerson,
    /// A question about a person, one in flight.
    Lone,
    /// Pushes, one a call, 64 in flight.
    PushUnary,
    /// Pushes through one stream and through four, beside sled alone.
    PushStream,
    /// A question about a quarter's week.
    AskArea,
    /// A hundred watches on one footprint.
    Watch,
    /// People withdraw their consent while fifty callers ask about them.
    Withdrawal,
    /// Towns of 10,000, 100,000 and 1,000,000 signals, each in a hub of its own process.
    Scale,
    /// Who saw a person, in a ledger of 100,000 entries.
    WhoSaw,
    /// Proofs in a ledger of a million entries, and how long a hub with it takes to start.
    Ledger,
    /// The landlord's adapter takes a file to the hub, after a stream without one. Only if asked for.
    Adapter,
}

impl Case {
    /// Whether it is measured in the one town that most cases share.
    fn is_in_town(&self) -> bool {
        !matches!(self, Self::Ledger | Self::Scale | Self::WhoSaw)
    }
}

impl Bench {
    /// Measures and prints.
    pub(super) async fn run(self) -> Outcome {
        if !(0.05..=600.0).contains(&self.seconds) {
            bail!("`--seconds` must be from 0.05 to 600");
        }
        let mut temporary = tempfile::Builder::new();
        temporary.prefix("placehub-bench-");
        let folder = match &self.dir {
            Some(dir) => temporary.tempdir_in(dir),
            None => temporary.tempdir(),
        };
        let folder = folder.context("no temporary folder")?;
        let mut report = Report::new(&self, folder.path());
        let measured = tokio::select! {
            measured = self.measure(folder.path(), &mut report) => measured,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
        };
        let closed = folder.close().context("the temporary folder cannot be removed");
        measured?;
        closed?;
        report.print()?;
        Ok(match report.is_sound() {
            true => Ending::Well,
            false => Ending::Finding,
        })
    }

    async fn measure(&self, folder: &std::path::Path, report: &mut Report) -> Result<()> {
        if self.cases().iter().any(Case::is_in_town) {
            let stage = Stage::set(folder, self.seed, TOWN).await?;
            report.loaded(stage.loaded);
            let measured = self.on(&stage, report).await;
            let struck = stage.strike().await;
            measured?;
            struck?;
        }
        if self.cases().contains(&Case::Scale) {
            report.began(Case::Scale)?;
            let sizes = if self.large {
                &SIZES[..]
            } else {
                SIZES.split_last().map_or(&SIZES[..], |(_, small)| small)
            };
            report.add(scale::measure(folder, self.seed, sizes, (self.repeat, self.span())).await?);
        }
        if self.cases().contains(&Case::WhoSaw) {
            report.began(Case::WhoSaw)?;
            let [small, large] = LEDGERS;
            let size = if self.large { large } else { small };
            report.add(vec![who_saw::measure(folder, size).await?]);
        }
        if self.cases().contains(&Case::Ledger) {
            report.began(Case::Ledger)?;
            let [small, large] = PROVED;
            let size = if self.large { large } else { small };
            report.add(vec![proofs::measure(folder, size).await?]);
        }
        Ok(())
    }

    async fn on(&self, stage: &Stage, report: &mut Report) -> Result<()> {
        let pairs = Pairs::new(stage, self.repeat, self.span());
        for case in self.cases().into_iter().filter(Case::is_in_town) {
            report.began(case)?;
            stage.rest().await?;
            let rows = match case {
                Case::AskPerson => vec![pairs.ask_person(64, CONNECTIONS).await?],
                Case::Lone => vec![pairs.lone().await?],
                Case::PushUnary => vec![pairs.push_unary().await?],
                Case::PushStream => vec![pairs.push_stream(1).await?, pairs.push_stream(4).await?],
                Case::AskArea => vec![pairs.ask_area().await?],
                Case::Watch => vec![watch::measure(stage, self.span() * 10).await?],
                Case::Withdrawal => vec![withdrawal::measure(stage, WITHDRAWALS).await?],
                Case::Adapter => {
                    let stream = pairs.push_stream(1).await?;
                    let rate = stream.hub.as_ref().map_or(f64::NAN, |side| side.rate.median);
                    vec![stream, adapter::measure(stage, self.rows, rate).await?]
                }
                Case::Ledger | Case::Scale | Case::WhoSaw => Vec::new(),
            };
            report.add(rows);
        }
        Ok(())
    }

    fn span(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    fn cases(&self) -> Vec<Case> {
        // The adapter is a program of its own, which not everybody who measures the hub has built.
        let usual = |case: &Case| *case != Case::Adapter;
        let wanted = |case: &Case| (self.only.is_empty() && usual(case)) || self.only.contains(case);
        Case::value_variants().iter().copied().filter(wanted).collect()
    }
}

/// Measurements with so many calls in flight.
fn pace(in_flight: usize, span: Duration) -> Pace {
    Pace {
        in_flight,
        warm_up: (span / 4).max(Duration::from_millis(150)),
        span,
    }
}
