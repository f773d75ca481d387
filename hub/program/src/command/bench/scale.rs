//! Scale: the same questions on towns of different sizes, each in a hub of its own process, which is stopped and started
//! again; all are then asked in turn. It tells how long each took to start, too, and how much memory it holds.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use tempfile::TempDir;

use super::{
    ask::Questions,
    bare::Shelf,
    figures::{Row, Side, Spread},
    load::{self, Loaded},
    measure::Run,
    pace,
    place::Place,
    served::Served,
    stage::{CONNECTIONS, HOUSING},
    town::Town,
};
use crate::{command::now, link::Link};

/// The largest town to which the aims for the start and the memory apply, in signals.
const AIMED: u64 = 1_000_000;
/// These aims: seconds to start, and megabytes of memory.
const START: f64 = 5.0;
const MEMORY: f64 = 700.0;

/// Measures towns of these sizes, smallest first. All their hubs run at once and are asked in turn, so that each has its share
/// of the machine's hours; each is at rest while another is asked.
///
/// # Errors
/// If a hub cannot be started, loaded or asked.
pub(super) async fn measure(
    folder: &Path,
    seed: u64,
    sizes: &[u64],
    (repeat, span): (u32, Duration),
) -> Result<Vec<Row>> {
    let mut measured = Vec::new();
    for size in sizes {
        measured.push(Measured::load(folder, seed, *size).await?);
    }
    for _ in 0..repeat {
        for town in &mut measured {
            let run = town.ask((64, CONNECTIONS), span).await?;
            town.runs.push(run);
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for town in &mut measured {
        rows.push(town.row(span).await?);
    }
    let Some((smallest, larger)) = measured.split_first() else {
        return Ok(rows);
    };
    let sound = rows.first().is_some_and(|row| row.wrong == 0);
    for (row, town) in rows.iter_mut().skip(1).zip(larger) {
        let cost = town.cost_over(smallest).filter(|_| sound && row.wrong == 0);
        if let Some(cost) = cost {
            row.figure("cost of a call, over the smallest town's", cost.median, "");
            row.figure("cost of a call, over the smallest town's, lowest", cost.lowest, "");
            row.figure("cost of a call, over the smallest town's, highest", cost.highest, "");
        }
        let met = cost.is_some_and(|cost| cost.median <= 1.3);
        row.aim("cost ≤ 1.3 × the smallest town's", met);
    }
    Ok(rows)
}

/// A town in a hub of its own, and what came of asking it.
struct Measured {
    size: u64,
    loaded: Loaded,
    hub: Served,
    /// How long the hub was busy with itself once it had started.
    busy: Duration,
    place: Place,
    listen: SocketAddr,
    questions: Questions,
    runs: Vec<Run>,
    /// Removed after the hub has ended.
    _folder: TempDir,
}

impl Measured {
    /// Loads a town, and has its hub stop and start again.
    async fn load(folder: &Path, seed: u64, size: u64) -> Result<Self> {
        let folder = tempfile::tempdir_in(folder)?;
        let town = Town::new(seed, size, now());
        // The hub is to listen where its settings say. The port is let go a moment before it takes it.
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let place = Place::make(&folder.path().join("place"), listen, &town)?;
        let mut first = Served::start(&place).await?;
        let loaded = load::all(&place, listen, &town).await?;
        first.stop().await?;
        let mut hub = Served::start(&place).await?;
        let busy = hub.rest().await?;
        let desk = place.desk(HOUSING, 0, listen)?;
        let questions = Questions::about_people(&town, &desk, &Shelf::default()).await?;
        hub.rest().await?;
        Ok(Self {
            size,
            loaded,
            hub,
            busy,
            place,
            listen,
            questions,
            runs: Vec::new(),
            _folder: folder,
        })
    }

    /// Asks for so long, with so many in flight over so many connections, and waits until the hub is at rest.
    async fn ask(&mut self, (in_flight, desks): (usize, usize), span: Duration) -> Result<Run> {
        let desk = |number| self.place.desk(HOUSING, number, self.listen);
        let desks: Arc<[Link]> = (0..desks).map(desk).collect::<Result<_>>()?;
        let mut run = self.questions.ask(desks, pace(in_flight, span)).await?;
        // What this process's own threads spent says nothing of the hub's.
        run.server = Duration::ZERO;
        self.hub.rest().await?;
        Ok(run)
    }

    /// How many times as long a call took as in another town, each time that both were asked.
    fn cost_over(&self, other: &Self) -> Option<Spread> {
        let pairs = self.runs.iter().zip(&other.runs);
        Spread::of(pairs.map(|(own, other)| other.rate() / own.rate()))
    }

    /// Asks for one caller, looks how much memory and disk the hub takes, and has it stop.
    async fn row(&mut self, span: Duration) -> Result<Row> {
        let lone = self.ask((1, 1), span).await?;
        let resident = self.hub.resident()?;
        self.hub.stop().await?;
        let stored = size_of(&self.place.config()?.store.folder)? / 1e6;
        let Loaded {
            signals, statements, ..
        } = self.loaded;
        let work = format!(
            "ask-person in a process of its own with {signals} signals and {statements} statements; 64 in flight, {CONNECTIONS} \
             connections"
        );
        let mut row = Row::new(format!("scale-{}", self.size), work);
        row.note(&self.runs);
        row.note(std::slice::from_ref(&lone));
        row.hub = Side::of(&self.runs);
        row.figure("lone caller, p50", lone.percentile(50.0), "µs");
        row.figure(
            "loaded at",
            signals as f64 / self.loaded.took.as_secs_f64(),
            "signals/s",
        );
        let start = self.hub.start.as_secs_f64();
        row.figure("start", start, "s");
        row.figure(
            "busy with itself after that, to the second",
            self.busy.as_secs_f64(),
            "s",
        );
        row.figure("resident memory after the questions", resident, "MB");
        row.figure("store on the disk", stored, "MB");
        if self.size <= AIMED {
            row.aim(format!("start ≤ {START:.0} s"), start <= START);
            row.aim(format!("resident memory ≤ {MEMORY:.0} MB"), resident <= MEMORY);
        }
        Ok(row)
    }
}

fn size_of(folder: &Path) -> Result<f64> {
    let mut bytes = 0.0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.metadata()? {
            kind if kind.is_dir() => size_of(&entry.path())?,
            file => file.len() as f64,
        };
    }
    Ok(bytes)
}
