//! Sets up the log on standard error. It never holds personal data: what is logged is settled where it is logged.

use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// What is logged, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log (to standard error)")]
pub(crate) struct LogArguments {
    /// What to log: error, warn, info, debug or trace, or a filter such as `info,placehub_hub=debug`.
    #[arg(long, env = "PLACEHUB_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
    /// How to write it.
    #[arg(long, env = "PLACEHUB_LOG_FORMAT", default_value = "text")]
    log_format: Form,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// One JSON object a line.
    Json,
    /// Lines for people.
    Text,
}

impl LogArguments {
    /// Starts logging for the rest of the process.
    ///
    /// # Errors
    /// If the filter is not one.
    pub(crate) fn start(&self) -> Result<()> {
        let filter = EnvFilter::try_new(&self.log).with_context(|| format!("`--log {}` is not a filter", self.log))?;
        let log = tracing_subscriber::fmt()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .with_env_filter(filter);
        let started = match self.log_format {
            Form::Json => log.json().try_init(),
            Form::Text => log.try_init(),
        };
        started.map_err(|why| anyhow::anyhow!("the log cannot be started: {why}"))
    }
}
