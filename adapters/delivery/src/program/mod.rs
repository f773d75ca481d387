//! The command line that the adapters' programs share.
//! It never writes personal data to its log; `check --json` and `quarantine show` show some on the operator's own terminal.

mod check;
mod once;
mod operate;

#[cfg(test)]
mod tests;

use std::{
    fmt::Display,
    io::{self, Write},
    net::TcpListener,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{
    file::Encodings,
    folder::{Translate, chain},
    intake::Source,
    push::Patience,
};

/// Every row got through, or all is well.
const DONE: u8 = 0;
/// Some rows were refused by the hub or could not be translated, or something needs a person.
const SOME_REFUSED: u8 = 1;
/// The command, the settings or the file cannot be used.
const USAGE: u8 = 2;
/// The hub could not be reached, or would not talk to this adapter.
const HUB_UNAVAILABLE: u8 = 3;

/// An adapter, as its program presents itself.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The program's name, e.g. `placehub-housing`.
    pub name: &'static str,
    /// What it takes, in one sentence.
    pub about: &'static str,
    /// Makes drafts of a file's content, row by row.
    pub translate: Translate,
    /// The encodings that its files may have.
    pub encodings: Encodings,
    /// The listeners that it can be told to run beside its folder.
    pub listeners: &'static [Listen],
}

/// A listener that an adapter can run, if its settings ask for it.
#[derive(Debug, Clone, Copy)]
pub struct Listen {
    /// The table of the settings that asks for it, e.g. `mllp`.
    pub table: &'static str,
    /// Makes a source of a bound socket that does not block.
    pub source: fn(TcpListener) -> Box<dyn Source>,
}

#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 some rows refused or something needs a person, 2 usage, 3 hub unavailable.\n\
                  The log goes to stderr as JSON; RUST_LOG sets its level."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows which signals a file holds and which rows hold none, without a hub.
    Check {
        /// The file.
        path: PathBuf,
        /// Prints every draft as JSON, personal data included.
        #[arg(long)]
        json: bool,
    },
    /// Writes a settings file to begin with.
    Init {
        /// The file to write. It must not be there yet.
        #[arg(long, default_value = "adapter.toml")]
        settings: PathBuf,
    },
    /// Pushes the signals of a file to the hub once, and reports what became of each row.
    Once {
        /// The file.
        path: PathBuf,
        /// The settings file.
        #[arg(long)]
        settings: PathBuf,
        /// Prints the report as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists, shows or sends again what could not be translated or was refused by the hub.
    Quarantine {
        /// The settings file.
        #[arg(long, global = true, default_value = "adapter.toml")]
        settings: PathBuf,
        #[command(subcommand)]
        deed: Deed,
    },
    /// Takes what comes into the drop folder or to a listener and sends it to the hub, until it is told to stop.
    Run {
        /// The settings file.
        #[arg(long)]
        settings: PathBuf,
    },
    /// Shows what waits, what is kept back, when the hub last answered, and how long the certificate is good for.
    Status {
        /// The settings file.
        #[arg(long)]
        settings: PathBuf,
        /// Prints it as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// Lists the entries, each with its id, where it came from, and why it is kept back.
    List {
        /// Prints JSON, one entry a line.
        #[arg(long)]
        json: bool,
    },
    /// Has entries sent again by the daemon.
    Retry {
        /// Their ids, or the beginnings of their ids.
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// All entries.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Shows one entry with its content as JSON, personal data included.
    Show {
        /// Its id, or the beginning of it.
        id: String,
    },
}

/// Runs an adapter's program on the arguments of this process.
/// The exit code is 0 when every row got through, 1 when some were refused or something needs a person, 2 when the command,
/// the settings or the file cannot be used, and 3 when the hub could not be reached or would not talk to this adapter.
pub fn run(program: Program) -> ExitCode {
    let matches = Arguments::command()
        .name(program.name)
        .about(program.about)
        .get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    log_to_stderr();
    let code = execute(program, arguments.command, PATIENCE, &mut io::stdout());
    code.unwrap_or_else(|stopped| {
        let _ = writeln!(io::stderr(), "{}: {}", program.name, stopped.sentence);
        stopped.code
    })
    .into()
}

/// Somebody or a nightly job waits for `once`, and can run it again: it gives up sooner than a listener would.
const PATIENCE: Patience = Patience {
    without_progress: Duration::from_secs(60),
    ..Patience::USUAL
};

/// Why a command ended early, for its user.
#[derive(Debug)]
struct Stopped {
    code: u8,
    sentence: String,
}

fn execute(program: Program, command: Command, patience: Patience, out: &mut dyn Write) -> Result<u8, Stopped> {
    match command {
        Command::Check { path, json } => check::check(program, &path, json, out),
        Command::Init { settings } => operate::init(program, &settings, out),
        Command::Once { path, settings, json } => once::once(program, &path, &settings, json, patience, out),
        Command::Quarantine { settings, deed } => match deed {
            Deed::List { json } => operate::list(&settings, json, out),
            Deed::Retry { ids, all } => operate::retry(&settings, &ids, all, out),
            Deed::Show { id } => operate::show(&settings, &id, out),
        },
        Command::Run { settings } => operate::run(program, &settings),
        Command::Status { settings, json } => operate::status(&settings, json, out),
    }
}

/// Tells an error with its causes in one line.
fn stopped(code: u8, error: &dyn std::error::Error) -> Stopped {
    Stopped {
        code,
        sentence: chain(error),
    }
}

fn usage<E: std::error::Error>(error: E) -> Stopped {
    stopped(USAGE, &error)
}

fn print(out: &mut dyn Write, line: impl Display) -> Result<(), Stopped> {
    writeln!(out, "{line}").map_err(usage)
}

fn log_to_stderr() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let log = tracing_subscriber::fmt()
        .json()
        .with_writer(io::stderr)
        .with_env_filter(filter);
    // A process has one log; a second call, as in tests, keeps the first.
    let _ = log.try_init();
}
