//! `placehub policy matrix`: who may see what by a folder of policies. It changes nothing.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::open;
use crate::{
    ending::{Ending, Outcome},
    out,
};

/// Of which folder.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  placehub policy matrix policies > policies/matrix.txt")]
pub(crate) struct Matrix {
    /// The folder.
    dir: PathBuf,
    /// Print nothing but where the folder's own `matrix.txt` differs: then the exit code is 1.
    #[arg(long)]
    check: bool,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Matrix {
    pub(super) fn run(self) -> Outcome {
        let matrix = open(&self.dir)?.1.matrix();
        let text = matrix.to_string();
        if self.check {
            let file = self.dir.join("matrix.txt");
            let kept = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let differs: Vec<(usize, &str, &str)> = differences(&kept, &text);
            if self.json {
                let lines: Vec<Value> = differs
                    .iter()
                    .map(|(line, kept, made)| json!({ "line": line, "kept": kept, "made": made }))
                    .collect();
                out::document(json!({ "ok": differs.is_empty(), "differences": lines }))?;
            } else {
                for (line, kept, made) in &differs {
                    out::line(format_args!(
                        "{}:{line}\n  is      {}\n  must be {}",
                        file.display(),
                        kept.trim(),
                        made.trim()
                    ))?;
                }
                if differs.is_empty() {
                    out::line(format_args!("{} is what the rules come to.", file.display()))?;
                }
            }
            return Ok(if differs.is_empty() {
                Ending::Well
            } else {
                Ending::Finding
            });
        }
        if self.json {
            let rows = matrix.rows.iter().filter(|row| row.shows());
            let rows: Vec<Value> = rows
                .map(|row| {
                    let cells: Vec<Value> = row
                        .cells
                        .iter()
                        .map(|cell| {
                            let levels: Vec<Value> = cell
                                .levels
                                .iter()
                                .map(|(level, needs)| json!({ "level": level.word(), "needs": needs }))
                                .collect();
                            json!({ "consent": cell.consent.word(), "levels": levels })
                        })
                        .collect();
                    json!({
                        "agreement": row.agreement.to_string(),
                        "purpose": row.purpose.to_string(),
                        "gateway": row.gateway.to_string(),
                        "agency": row.agency.to_string(),
                        "role": row.role,
                        "kind": row.kind.to_string(),
                        "owner": row.owner.to_string(),
                        "shown": cells,
                    })
                })
                .collect();
            out::document(json!({ "rows": rows }))?;
        } else {
            out::text(&text)?;
        }
        Ok(Ending::Well)
    }
}

/// The lines that differ, with their number from 1.
fn differences<'t>(kept: &'t str, made: &'t str) -> Vec<(usize, &'t str, &'t str)> {
    let longest = kept.lines().count().max(made.lines().count());
    let (mut kept, mut made) = (kept.lines(), made.lines());
    let pairs = (1..=longest).map(|line| (line, kept.next().unwrap_or_default(), made.next().unwrap_or_default()));
    pairs.filter(|(_, kept, made)| kept != made).collect()
}
