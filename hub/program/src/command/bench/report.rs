//! Prints what was measured: a table for people, a document for programs.

use std::{path::Path, time::Duration};

use anyhow::Result;
use clap::ValueEnum as _;
use serde_json::json;

use super::{
    Bench, Case, disk,
    figures::{Row, Side, Spread, round},
    load::Loaded,
    stage::CONNECTIONS,
};
use crate::{ending, out};

/// What was measured so far.
pub(super) struct Report {
    rows: Vec<Row>,
    machine: Machine,
    loaded: Option<Loaded>,
    seed: u64,
    seconds: f64,
    repeat: u32,
    json: bool,
}

/// Where it was measured.
struct Machine {
    processor: String,
    cores: usize,
    /// Median and 99th percentile of the disk's fdatasync, in microseconds, before the first case.
    sync: Option<(f64, f64)>,
}

impl Report {
    /// A report on a run that begins now, with its store in this folder.
    pub(super) fn new(bench: &Bench, folder: &Path) -> Self {
        Self {
            rows: Vec::new(),
            machine: Machine::here(folder),
            loaded: None,
            seed: bench.seed,
            seconds: bench.seconds,
            repeat: bench.repeat,
            json: bench.json,
        }
    }

    /// Tells how the town was loaded.
    pub(super) fn loaded(&mut self, loaded: Loaded) {
        self.loaded = Some(loaded);
    }

    /// Tells whoever waits which case is being measured.
    ///
    /// # Errors
    /// If nothing can be printed.
    pub(super) fn began(&self, case: Case) -> Result<()> {
        if !self.json {
            let name = case.to_possible_value();
            let name = name.as_ref().map_or("a case", |name| name.get_name());
            out::line(format_args!("measuring {name} …"))?;
        }
        Ok(())
    }

    /// Takes the figures of a case.
    pub(super) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }

    /// Whether nothing went wrong in any case. An aim that was missed is a figure, not a fault.
    pub(super) fn is_sound(&self) -> bool {
        self.rows.iter().all(|row| row.wrong == 0)
    }

    /// Prints all.
    ///
    /// # Errors
    /// If nothing can be printed.
    pub(super) fn print(&self) -> Result<()> {
        if self.json {
            return self.document();
        }
        out::line("")?;
        self.heading()?;
        out::line(format_args!(
            "\n{:<16}{:>12}{:>12}{:>9}{:>9}{:>11}{:>11}{:>9}{:>9}  {:<20}",
            "case",
            "bare/s",
            "hub/s",
            "bare p50",
            "p99",
            "hub p50",
            "p99",
            "bare cpu",
            "hub cpu",
            "ratio (lowest–highest)"
        ))?;
        for row in &self.rows {
            self.line(row)?;
        }
        out::line("\nTimes in µs. `cpu` is processor time of the server's threads a call.")?;
        for row in &self.rows {
            notes(row)?;
        }
        Ok(())
    }

    fn heading(&self) -> Result<()> {
        let Machine { processor, cores, sync } = &self.machine;
        out::line(format_args!(
            "Hub, bare server and callers in one process: the servers in one runtime, the callers in another; mutual TLS 1.3 \
             on loopback,\n{CONNECTIONS} connections unless a case says otherwise. {processor}, {cores} cores."
        ))?;
        if let Some((median, high)) = sync {
            out::line(format_args!(
                "fdatasync of 4 KiB appended: median {median:.0} µs, p99 {high:.0} µs."
            ))?;
        }
        if let Some(loaded) = self.loaded {
            out::line(format_args!(
                "Town of seed {}: {} signals, {} statements, loaded in {:.1} s. {} repetitions of {} s.",
                self.seed,
                loaded.signals,
                loaded.statements,
                loaded.took.as_secs_f64(),
                self.repeat,
                self.seconds
            ))?;
        }
        Ok(())
    }

    fn line(&self, row: &Row) -> Result<()> {
        let number = |side: &Option<Side>, figure: fn(&Side) -> Option<Spread>| {
            let spread = side.as_ref().and_then(figure);
            spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.0}", spread.median))
        };
        let ratio = row.ratio.map_or_else(
            || {
                if row.wrong > 0 {
                    "REFUSED".to_owned()
                } else {
                    "-".to_owned()
                }
            },
            |ratio| format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.lowest, ratio.highest),
        );
        out::line(format_args!(
            "{:<16}{:>12}{:>12}{:>9}{:>9}{:>11}{:>11}{:>9}{:>9}  {ratio}",
            row.case,
            number(&row.bare, |side| Some(side.rate)),
            number(&row.hub, |side| Some(side.rate)),
            number(&row.bare, |side| Some(side.p50)),
            number(&row.bare, |side| Some(side.p99)),
            number(&row.hub, |side| Some(side.p50)),
            number(&row.hub, |side| Some(side.p99)),
            number(&row.bare, |side| side.server),
            number(&row.hub, |side| side.server),
        ))
    }

    fn document(&self) -> Result<()> {
        let Machine { processor, cores, sync } = &self.machine;
        out::document(json!({
            "bench": {
                "processes": "one; servers in one runtime, callers in another",
                "transport": "mutual TLS 1.3 on loopback",
                "connections": CONNECTIONS,
                "seed": self.seed,
                "seconds": self.seconds,
                "repeat": self.repeat,
                "profile": profile(),
            },
            "machine": { "processor": processor, "cores": cores },
            "fdatasync_us": sync.map(|(median, high)| json!({ "p50": round(median), "p99": round(high) })),
            "town": self.loaded.map(|loaded| json!({
                "signals": loaded.signals,
                "statements": loaded.statements,
                "seconds": round(loaded.took.as_secs_f64()),
            })),
            "sound": self.is_sound(),
            "cases": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        }))
    }
}

impl Machine {
    fn here(folder: &Path) -> Self {
        let described = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = described.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model
            .and_then(|line| line.split_once(':'))
            .map(|(_, model)| model.trim().to_owned());
        let micros = |took: &std::time::Duration| took.as_secs_f64() * 1e6;
        let syncs = disk::syncs(folder, Duration::ZERO).unwrap_or_default();
        let at = |part: usize| syncs.get(syncs.len() * part / 100).map(micros);
        Self {
            processor: model.unwrap_or_else(|| "unknown processor".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            sync: at(50).zip(at(99)),
        }
    }
}

fn notes(row: &Row) -> Result<()> {
    out::line(format_args!("\n{}: {}", row.case, row.work))?;
    for figure in &row.figures {
        let value = if figure.value.abs() < 10.0 {
            format!("{:.2}", figure.value)
        } else {
            format!("{:.0}", figure.value)
        };
        out::line(format_args!("  {}: {value} {}", figure.name, figure.unit))?;
    }
    for aim in &row.aims {
        let told = if aim.met { "reached" } else { "NOT REACHED" };
        out::line(format_args!("  aim {}: {told}", aim.text))?;
    }
    if let Some(why) = &row.first_wrong {
        let why = ending::sentence(&anyhow::Error::msg(why.clone()));
        out::line(format_args!("  WRONG: {} calls, the first: {why}", row.wrong))?;
    }
    Ok(())
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}
