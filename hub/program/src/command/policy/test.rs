//! `placehub policy test`: runs the cases of a folder of policies, and finds what they leave untested.
//! It changes nothing.

use std::path::PathBuf;

use clap::Args;
use placehub_hub::decide::Rule;
use serde_json::json;

use super::open;
use crate::{
    ending::{Ending, Outcome, sentence},
    out,
};

/// Of which folder.
#[derive(Debug, Args)]
#[command(after_help = "The cases have the form of Cedar's own `cedar run-tests`, which can run them too.")]
pub(crate) struct Test {
    /// The folder.
    dir: PathBuf,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Test {
    pub(super) fn run(self) -> Outcome {
        let (files, set) = open(&self.dir)?;
        let cases = set.cases(&files)?;
        let wrong: Vec<String> = cases.wrong().into_iter().map(|why| sentence(&why.into())).collect();
        let coverage = cases.coverage(&set);
        let place = |rule: &Rule| format!("{}:{}: `{}`", rule.file, rule.line, rule.id);
        let idle: Vec<String> = coverage
            .idle
            .iter()
            .map(|rule| format!("{} decides no case", place(rule)))
            .collect();
        let unguarded = coverage.unguarded.iter();
        let unguarded: Vec<String> = unguarded
            .map(|one| {
                format!(
                    "{}: no case would notice the loss of the condition that {}",
                    place(&one.rule),
                    one.condition
                )
            })
            .collect();
        let unkept = set.unkept(&set.matrix());
        let findings: Vec<&String> = wrong.iter().chain(&idle).chain(&unguarded).chain(&unkept).collect();
        if self.json {
            out::document(json!({
                "ok": findings.is_empty(),
                "cases": cases.count(),
                "rules": set.rule_count(),
                "conditions": coverage.tried,
                "wrong": wrong,
                "idle": idle,
                "unguarded": unguarded,
                "unkept": unkept,
            }))?;
        } else {
            for finding in &findings {
                out::line(finding)?;
            }
            let (count, rules, tried) = (cases.count(), set.rule_count(), coverage.tried);
            match findings.len() {
                0 => out::line(format_args!(
                    "{count} cases hold; each of {rules} rules decides one, and none of {tried} conditions could be lost unnoticed."
                ))?,
                found => out::line(format_args!(
                    "{found} findings in {count} cases, {rules} rules, {tried} conditions."
                ))?,
            }
        }
        Ok(if findings.is_empty() {
            Ending::Well
        } else {
            Ending::Finding
        })
    }
}
