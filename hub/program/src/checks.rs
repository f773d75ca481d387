//! A list of checks, each with what was found, for `check-config` and `doctor`. It only tells; it mends nothing.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    ending::{Ending, sentence},
    grid, out,
};

/// What was looked at so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    done: Vec<Check>,
}

#[derive(Debug)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Bad,
}

impl Checks {
    /// Notes that something is well, and what was seen.
    pub(crate) fn good(&mut self, name: &'static str, found: impl Into<String>) {
        self.done.push(Check {
            name,
            verdict: Verdict::Good,
            found: found.into(),
        });
    }

    /// Notes that something is not well, in a sentence.
    pub(crate) fn bad(&mut self, name: &'static str, found: impl Into<String>) {
        self.done.push(Check {
            name,
            verdict: Verdict::Bad,
            found: found.into(),
        });
    }

    /// Notes how an attempt came out: what it saw, or why it failed. Hands on what it made.
    pub(crate) fn note<T>(
        &mut self,
        name: &'static str,
        attempt: Result<T>,
        seen: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match attempt {
            Ok(made) => {
                self.good(name, seen(&made));
                Some(made)
            }
            Err(error) => {
                self.bad(name, sentence(&error));
                None
            }
        }
    }

    /// Prints all checks and says whether something was found.
    ///
    /// # Errors
    /// If they cannot be printed.
    pub(crate) fn print(&self, as_json: bool) -> Result<Ending> {
        let well = self.done.iter().all(|check| check.verdict == Verdict::Good);
        if as_json {
            out::document(json!({ "ok": well, "checks": self.views() }))?;
        } else {
            for Check { name, verdict, found } in &self.done {
                let mark = if *verdict == Verdict::Good { "ok   " } else { "FAULT" };
                out::line(format_args!("{mark}  {name:<14}  {}", grid::plain(found)))?;
            }
        }
        Ok(if well { Ending::Well } else { Ending::Finding })
    }

    fn views(&self) -> Vec<Value> {
        let view =
            |check: &Check| json!({ "check": check.name, "ok": check.verdict == Verdict::Good, "found": check.found });
        self.done.iter().map(view).collect()
    }
}
