//! `placehub demo`: the whole walk for real, on a hub of its own, told so that a council officer can follow.
//! It checks each thing that it tells, and fails if anything is not as told.

mod narrator;
mod samples;
mod stage;
mod vigil;
mod walk;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use self::{narrator::Narrator, stage::Stage};
use crate::{
    ending::{Ending, Outcome, Stop},
    out,
};

/// How to show it.
#[derive(Debug, Args)]
#[command(
    after_help = "The dates of the sample files are moved by whole days, so that the newest falls on yesterday.\n\
    Everything happens in a temporary folder, which is removed at the end."
)]
pub(crate) struct Demo {
    /// Leave the hub running until Ctrl-C, and print command lines to try by hand.
    #[arg(long)]
    keep: bool,
    /// Print a machine-readable summary of this run as the last line.
    #[arg(long)]
    json: bool,
}

impl Demo {
    /// Shows everything.
    pub(super) async fn run(self) -> Outcome {
        let mut narrator = Narrator::new();
        let stage = Stage::set(&mut narrator).await?;
        let walked = walk::walk(&stage, &mut narrator).await;
        // Whatever happened, the hub is stopped as it would be in earnest, unless it is to go on.
        let ended = match (walked, self.keep) {
            (Ok(()), true) => self.keep_running(stage, &mut narrator).await,
            (Ok(()), false) => stage.strike().await.and_then(|()| self.summarise(&mut narrator)),
            (Err(error), _) => stage.strike().await.and(Err(error)),
        };
        ended?;
        match narrator.failures() {
            0 => Ok(Ending::Well),
            failures => bail!(Stop::Finding(format!(
                "{failures} things were not as told: see NOT SO above"
            ))),
        }
    }

    async fn keep_running(&self, stage: Stage, narrator: &mut Narrator) -> Result<()> {
        let home = stage.home();
        narrator.step("The hub goes on running. Try it by hand, in another terminal")?;
        out::line(format_args!(
            "  export PLACEHUB_HOME={}\n\n  \
             placehub doctor --as officer-17\n  \
             placehub ask --as officer-17 --address 999000000101 --purpose asb-prevention \\\n    \
               --gateway cda-1998-s115 --case 26/4711\n  \
             placehub ask --as officer-42 --area central --since 7d --purpose homelessness-prevention\n  \
             placehub policy explain --as officer-42 --subject person --purpose homelessness-prevention\n  \
             placehub consent give --as adviser-8 --person 9990001022 --purpose homelessness-prevention\n  \
             placehub watch --as officer-42 --person 9990001022 --purpose homelessness-prevention\n  \
             placehub ledger who-saw --as igo-1 --person 9990001006\n  \
             placehub ledger verify --as igo-1\n\n  \
             Ctrl-C stops the hub and removes the folder.",
            home.display()
        ))?;
        self.summarise(narrator)?;
        let interrupted = tokio::signal::ctrl_c().await;
        stage.strike().await?;
        Ok(interrupted?)
    }

    fn summarise(&self, narrator: &mut Narrator) -> Result<()> {
        match narrator.failures() {
            0 => out::line("\nEverything was as told.")?,
            failures => out::line(format_args!("\n{failures} things were NOT as told."))?,
        }
        if self.json {
            let ok = narrator.failures() == 0;
            out::json_line(json!({ "ok": ok, "measured": narrator.measured() }))?;
        }
        Ok(())
    }
}
