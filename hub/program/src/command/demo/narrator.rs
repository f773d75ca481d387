//! Tells the demo's story, checks what it tells, and keeps what was measured. It never tells a number that was not.

use std::{fmt::Display, time::Instant};

use anyhow::Result;
use serde_json::{Map, Value};

use crate::out;

/// Tells, checks and measures.
pub(super) struct Narrator {
    steps: u32,
    failures: u32,
    measured: Map<String, Value>,
    began: Instant,
}

impl Narrator {
    /// Begins now.
    pub(super) fn new() -> Self {
        Self {
            steps: 0,
            failures: 0,
            measured: Map::new(),
            began: Instant::now(),
        }
    }

    /// Begins the next step.
    ///
    /// # Errors
    /// If nothing can be printed.
    pub(super) fn step(&mut self, title: &str) -> Result<()> {
        self.steps += 1;
        out::line(format_args!("\n{}. {title}.", self.steps))
    }

    /// Tells something that needs no check.
    ///
    /// # Errors
    /// If nothing can be printed.
    pub(super) fn say(&self, text: impl Display) -> Result<()> {
        for line in text.to_string().lines() {
            out::line(format_args!("   {line}").to_string().trim_end())?;
        }
        Ok(())
    }

    /// Tells something that must hold.
    ///
    /// # Errors
    /// If nothing can be printed.
    pub(super) fn check(&mut self, holds: bool, claim: impl Display) -> Result<()> {
        if !holds {
            self.failures += 1;
        }
        out::line(format_args!("   {} {claim}.", if holds { "ok:" } else { "NOT SO:" }))
    }

    /// Keeps what was measured.
    pub(super) fn measure(&mut self, name: &str, value: impl Into<Value>) {
        self.measured.insert(name.to_owned(), value.into());
    }

    /// How many claims did not hold.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Everything that was measured, and how long the story took until now, in milliseconds.
    pub(super) fn measured(&self) -> Value {
        let mut measured = self.measured.clone();
        measured.insert("duration_ms".to_owned(), millis(self.began));
        measured.insert("failures".to_owned(), self.failures.into());
        Value::Object(measured)
    }
}

/// Milliseconds since then, to a tenth.
pub(super) fn millis(since: Instant) -> Value {
    let tenths = (since.elapsed().as_secs_f64() * 10_000.0).round();
    (tenths / 10.0).into()
}
