//! How a command ends, and with which exit code. It never prints.

use crate::{link::Fault, out};

/// The answer is no, or something was found.
pub(crate) const FINDING: u8 = 1;
/// The command line, a file or a setting cannot be used.
pub(crate) const USAGE: u8 = 2;
/// The hub cannot be reached or started.
pub(crate) const UNAVAILABLE: u8 = 3;
/// What was to be proved could not be put to a solver.
pub(crate) const UNPROVED: u8 = 4;

/// How a command that ran to its end came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Done.
    Well,
    /// Done, and what was found is not good. The command has said so itself.
    Finding,
}

/// Why a command stopped, where that says more than "cannot be used".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The answer is no.
    #[error("{0}")]
    Finding(String),
    /// Some of what was to be pushed was not.
    #[error("not everything was delivered")]
    NotDelivered,
    /// The hub cannot start.
    #[error("the hub cannot run")]
    NotServing,
    /// There is no solver, or this program was built without its use.
    #[error(
        "nothing could be proved: it takes the solver cvc5 (https://cvc5.github.io; see `--solver`) and a program built \
         with `cargo build --release --features prove`"
    )]
    NoSolver,
}

/// What a command returns.
pub(crate) type Outcome = anyhow::Result<Ending>;

/// The exit code of an outcome.
pub(crate) fn code(outcome: &Outcome) -> u8 {
    match outcome {
        Ok(Ending::Well) => 0,
        Ok(Ending::Finding) => FINDING,
        Err(error) if out::is_closed(error) => 0,
        Err(error) => match (error.downcast_ref::<Stop>(), error.downcast_ref::<Fault>()) {
            (Some(Stop::Finding(_)), _) => FINDING,
            (Some(Stop::NotDelivered | Stop::NotServing), _) => UNAVAILABLE,
            (Some(Stop::NoSolver), _) => UNPROVED,
            (None, Some(fault)) => fault.code(),
            (None, None) => USAGE,
        },
    }
}

/// An error and its causes in one sentence. A cause that the text before it has told already is left out, and so are
/// the lines with which parsers draw the place of a mistake.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let text = flat(&cause.to_string());
        if told.is_empty() {
            told = text;
        } else if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
    }
    told
}

fn flat(text: &str) -> String {
    let drawn = |line: &str| {
        line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ')
            .starts_with('|')
    };
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !drawn(line))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn a_chain_becomes_one_sentence_without_drawings_or_repetition() {
        let drawn = "parse error at line 3, column 1\n  |\n3 | hob = 1\n  | ^^^\nunknown field `hob`\n";
        let error = anyhow!(drawn)
            .context("cannot read x.toml")
            .context("cannot read x.toml: again");
        let error = error.context("the hub cannot run");
        assert_eq!(
            sentence(&error),
            "the hub cannot run: cannot read x.toml: again: parse error at line 3, column 1: unknown field `hob`"
        );
    }

    #[test]
    fn a_stop_under_a_context_still_sets_the_code() {
        let stopped: Outcome = Err(anyhow!(Stop::NotServing));
        assert_eq!(code(&stopped.context("somewhere")), UNAVAILABLE);
        assert_eq!(code(&Err(anyhow!("a bad flag"))), USAGE);
        assert_eq!(code(&Ok(Ending::Finding)), FINDING);
    }
}
