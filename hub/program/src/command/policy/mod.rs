//! `placehub policy`: what a board reads, tests, rehearses and signs, one file a command.
//! It decides nothing, and looks at nobody's record.

mod agreements;
mod check;
mod diff;
mod explain;
mod list;
mod matrix;
mod prove;
mod rehearse;
mod sign;
mod test;

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use jiff::Timestamp;
use placehub_hub::decide::{Files, PolicySet, Trust};

use crate::ending::Outcome;

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// List the agreements of a folder that lapse soon.
    Agreements(agreements::Agreements),
    /// Check a folder of policies as the hub would at its start.
    Check(check::Check),
    /// Compare two folders: what each changed rule says in words, and what changes in the matrix.
    Diff(diff::Diff),
    /// Say what a question of this sort could show you, with consent and without, and by which rules.
    Explain(Box<explain::Explain>),
    /// List the agreements in force at the hub.
    List(Box<list::List>),
    /// Print who may see what by a folder of policies, or check the table that is kept in it.
    Matrix(matrix::Matrix),
    /// Prove that new rules permit nothing that the old ones did not, or find what they permit.
    Prove(prove::Prove),
    /// Decide what the ledger records again, by other policies: who would gain and who would lose sight of what.
    Rehearse(Box<rehearse::Rehearse>),
    /// Sign an agreement for a party whose signals it opens.
    Sign(sign::Sign),
    /// Run the cases of a folder, and find what they leave untested.
    Test(test::Test),
}

impl Policy {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        match self {
            Self::Agreements(agreements) => agreements.run(now),
            Self::Check(check) => check.run(now),
            Self::Diff(diff) => diff.run(),
            Self::Explain(explain) => explain.run(now).await,
            Self::List(list) => list.run(now).await,
            Self::Matrix(matrix) => matrix.run(),
            Self::Prove(prove) => prove.run().await,
            Self::Rehearse(rehearse) => rehearse.run(now).await,
            Self::Sign(sign) => sign.run(),
            Self::Test(test) => test.run(),
        }
    }
}

/// Reads a folder of policies, and checks all but its cases.
fn open(dir: &Path) -> Result<(Files, PolicySet)> {
    let wrong = || format!("{} holds no policies that can be used", dir.display());
    let files = Files::read(dir).with_context(wrong)?;
    let set = PolicySet::of(&files, &Trust::default()).with_context(wrong)?;
    Ok((files, set))
}

fn yes(holds: bool) -> String {
    if holds { "yes".to_owned() } else { "no".to_owned() }
}
