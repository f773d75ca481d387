//! The figures of a case over its repetitions: the median of each, and how far apart the lowest and highest lie.
//! It gives no ratio where anything went wrong.

use serde_json::{Map, Value, json};

use super::measure::{Run, Wrong};

/// A figure over the repetitions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
}

/// The figures of one server in a case.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// Calls a second.
    pub(super) rate: Spread,
    /// Median time of a call, in microseconds.
    pub(super) p50: Spread,
    /// Time within which 99 in 100 calls were answered, in microseconds.
    pub(super) p99: Spread,
    /// Processor time of the server a call, in microseconds.
    pub(super) server: Option<Spread>,
}

/// A further figure of a case.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: f64,
    pub(super) unit: &'static str,
}

/// What a case must reach.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub(super) text: String,
    pub(super) met: bool,
}

/// A case and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) case: String,
    /// What was done, in a line.
    pub(super) work: String,
    pub(super) bare: Option<Side>,
    pub(super) hub: Option<Side>,
    /// Calls a second of the hub over those of the bare server, pair by pair.
    pub(super) ratio: Option<Spread>,
    pub(super) figures: Vec<Figure>,
    pub(super) aims: Vec<Aim>,
    pub(super) wrong: u64,
    pub(super) first_wrong: Option<Wrong>,
}

impl Spread {
    /// Of these figures; none if there is none.
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let middle = (
            sorted.get((sorted.len().checked_sub(1)?) / 2)?,
            sorted.get(sorted.len() / 2)?,
        );
        Some(Self {
            median: f64::midpoint(*middle.0, *middle.1),
            lowest: *sorted.first()?,
            highest: *sorted.last()?,
        })
    }

    fn json(self) -> Value {
        json!({ "median": round(self.median), "lowest": round(self.lowest), "highest": round(self.highest) })
    }
}

impl Side {
    /// The figures of a server's measurements.
    pub(super) fn of(runs: &[Run]) -> Option<Self> {
        let server = runs.iter().any(|run| !run.server.is_zero());
        Some(Self {
            rate: Spread::of(runs.iter().map(Run::rate))?,
            p50: Spread::of(runs.iter().map(|run| run.percentile(50.0)))?,
            p99: Spread::of(runs.iter().map(|run| run.percentile(99.0)))?,
            server: Spread::of(runs.iter().map(Run::server_each)).filter(|_| server),
        })
    }

    fn json(&self) -> Value {
        json!({
            "calls_per_second": self.rate.json(),
            "p50_us": self.p50.json(),
            "p99_us": self.p99.json(),
            "server_cpu_us_per_call": self.server.map(Spread::json),
        })
    }
}

impl Row {
    /// A case without figures so far.
    pub(super) fn new(case: impl Into<String>, work: impl Into<String>) -> Self {
        Self {
            case: case.into(),
            work: work.into(),
            bare: None,
            hub: None,
            ratio: None,
            figures: Vec::new(),
            aims: Vec::new(),
            wrong: 0,
            first_wrong: None,
        }
    }

    /// Takes the pairs of measurements: the bare server's and the hub's.
    pub(super) fn compare(mut self, bare: &[Run], hub: &[Run]) -> Self {
        self.note(bare);
        self.note(hub);
        let pairs = bare.iter().zip(hub);
        self.ratio = Spread::of(pairs.map(|(bare, hub)| hub.rate() / bare.rate())).filter(|_| self.wrong == 0);
        self.bare = Side::of(bare);
        self.hub = Side::of(hub);
        self
    }

    /// Takes what went wrong in measurements.
    pub(super) fn note(&mut self, runs: &[Run]) {
        for run in runs {
            self.wrong += run.wrong;
            if self.first_wrong.is_none() {
                self.first_wrong.clone_from(&run.first_wrong);
            }
        }
    }

    /// Adds a figure.
    pub(super) fn figure(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.figures.push(Figure { name, value, unit });
    }

    /// Adds an aim. One of a case in which anything went wrong is not met.
    pub(super) fn aim(&mut self, text: impl Into<String>, met: bool) {
        let text = text.into();
        let met = met && self.wrong == 0;
        self.aims.push(Aim { text, met });
    }

    /// Adds the aim that the hub does at least so many of the bare server's calls.
    pub(super) fn aim_for_ratio(&mut self, least: f64) {
        let met = self.ratio.is_some_and(|ratio| ratio.median >= least);
        self.aim(format!("ratio ≥ {least:.2}"), met);
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        let figures = self.figures.iter().map(|figure| {
            let value = json!({ "value": round(figure.value), "unit": figure.unit });
            (figure.name.replace(' ', "_"), value)
        });
        json!({
            "case": self.case,
            "work": self.work,
            "bare": self.bare.as_ref().map(Side::json),
            "hub": self.hub.as_ref().map(Side::json),
            "ratio": self.ratio.map(Spread::json),
            "figures": figures.collect::<Map<_, _>>(),
            "aims": self.aims.iter().map(|aim| json!({ "aim": aim.text, "met": aim.met })).collect::<Vec<_>>(),
            "wrong": self.wrong,
            "first_wrong": self.first_wrong,
        })
    }
}

/// To a thousandth.
pub(super) fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(calls: u64, wrong: u64) -> Run {
        let mut run = Run::default();
        run.span = Duration::from_secs(1);
        (1..=calls).for_each(|micros| run.count(Duration::from_micros(micros)));
        (0..wrong).for_each(|_| run.note("it was wrong".to_owned()));
        run.finish();
        run
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.lowest, spread.highest), (2.5, 1.0, 4.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_percentile_is_the_time_of_a_call() {
        let run = run(200, 0);
        assert_eq!(
            (run.percentile(50.0).round(), run.percentile(99.0).round()),
            (100.0, 198.0)
        );
    }

    #[test]
    fn one_wrong_answer_leaves_no_ratio_and_no_aim_met() {
        let mut row = Row::new("ask", "").compare(&[run(100, 0)], &[run(90, 0)]);
        row.aim_for_ratio(0.5);
        assert!(row.aims.iter().all(|aim| aim.met) && row.ratio.is_some());
        let mut row = Row::new("ask", "").compare(&[run(100, 0)], &[run(90, 1)]);
        row.aim_for_ratio(0.5);
        assert_eq!((row.ratio, row.aims.iter().any(|aim| aim.met)), (None, false));
    }
}
