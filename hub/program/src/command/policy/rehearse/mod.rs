//! `placehub policy rehearse`: decides what the ledger records again, by other policies, and tells who would gain and who
//! would lose sight of what. It changes nothing, and discloses nothing: entries hold classes of signals, and no person.

mod carried;
mod made_up;
mod numbers;
mod recorded;
mod report;

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jiff::{Timestamp, civil::Date};
use parking_lot::Mutex;
use placehub_hub::decide::PolicySet;
use placehub_proto::v1::{ExportLedgerRequest, Period};

use super::open;
use crate::{ending::Outcome, link::LinkArguments, moment};
use recorded::Gathered;
use report::Report;

/// Which decisions, and by which policies.
#[derive(Debug, Args)]
#[command(
    after_help = "The exit code is 1 if anybody would gain or lose sight of anything.\n\nExamples:\n  \
    placehub policy rehearse --candidate new-policies --home wigan --as igo-1\n  \
    placehub policy rehearse --candidate new-policies --ledger entries.jsonl --since 2026-10-01"
)]
pub(crate) struct Rehearse {
    /// The folder with the policies as they are to be.
    #[arg(long, value_name = "DIR")]
    candidate: PathBuf,
    /// Only decisions made on or after this day.
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,
    /// Take the decisions from this file instead of asking the hub: one entry of the ledger a line, as `ledger export`
    /// writes them, or as they lie in a bundle.
    #[arg(long, value_name = "FILE", conflicts_with = "made_up")]
    ledger: Option<PathBuf>,
    /// Take so many made-up decisions instead, to see how long it takes.
    #[arg(long, value_name = "N")]
    made_up: Option<u64>,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// Entries that are taken from their source at a time.
const BATCH: usize = 512;

/// Where entries come from: the next one with its number, until there is none.
type Source<'s> = Box<dyn FnMut() -> Result<Option<(u64, Vec<u8>)>> + Send + 's>;

impl Rehearse {
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let set = open(&self.candidate)?.1;
        let since = self
            .since
            .map(|day| day.to_zoned(moment::uk()))
            .transpose()
            .context("`--since` is no day")?;
        let since = since.map(|day| day.timestamp());
        let source: Source<'_> = match (&self.ledger, self.made_up) {
            (_, Some(count)) => {
                let samples = made_up::entries(&set)?;
                if samples.is_empty() {
                    bail!("{} lets nobody ask anything", self.candidate.display());
                }
                let mut numbers = 0..count;
                Box::new(move || {
                    let Some(number) = numbers.next() else {
                        return Ok(None);
                    };
                    let place = usize::try_from(number).unwrap_or_default() % samples.len();
                    Ok(samples.get(place).map(|entry| (number, entry.clone())))
                })
            }
            (Some(file), None) => {
                let open = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
                let mut lines = BufReader::with_capacity(1 << 20, open).split(b'\n').zip(0_u64..);
                Box::new(move || match lines.next() {
                    Some((line, number)) => Ok(Some((number, line.context("the file of entries breaks off")?))),
                    None => Ok(None),
                })
            }
            (None, None) => {
                let link = self.link.link("desk", now)?;
                let request = ExportLedgerRequest {
                    period: since.map(|since| Period {
                        since: Some(moment::to_wire(since)),
                        until: None,
                    }),
                    ..ExportLedgerRequest::default()
                };
                let entries = carried::entries(link, request);
                Box::new(move || entries.recv().ok().transpose())
            }
        };
        let began = Instant::now();
        let report = rehearse(&set, source, since, now)?;
        report.print(&set, began.elapsed(), self.json)
    }
}

/// Gathers and decides everything again, on as many threads as the machine has.
fn rehearse(set: &PolicySet, source: Source<'_>, since: Option<Timestamp>, now: Timestamp) -> Result<Report> {
    let source = Mutex::new(source);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let gathered = thread::scope(|scope| {
        let work = || -> Result<Gathered> {
            let mut gathered = Gathered::since(since);
            let mut batch = Vec::with_capacity(BATCH);
            loop {
                {
                    let mut source = source.lock();
                    while batch.len() < BATCH
                        && let Some(entry) = source()?
                    {
                        batch.push(entry);
                    }
                }
                if batch.is_empty() {
                    return Ok(gathered);
                }
                for (number, entry) in batch.drain(..) {
                    gathered.take(number, &entry)?;
                }
            }
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut whole = Gathered::since(since);
        for one in running {
            match one.join() {
                Ok(part) => whole.add(part?),
                Err(_) => bail!("a part of the rehearsal broke off"),
            }
        }
        Ok(whole)
    });
    gathered?.decide(set, now, threads)
}
