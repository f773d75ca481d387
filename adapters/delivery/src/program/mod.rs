//! The command line that the adapters' programs share.
//! It never writes personal data to its log; `check --json` and `quarantine show` show some on the operator's own terminal.

mod check;
mod once;
mod operate;
mod separate;

#[cfg(test)]
mod tests;

use std::{
    fmt::Display,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{
    catalogue::Need,
    draft::{FileError, Input, Rows},
    file::Encodings,
    folder::{Translate, chain},
    intake::Source,
    listen::Door,
    push::{self, Patience},
    settings::{self, Formats},
};

/// Every row got through, or all is well.
const DONE: u8 = 0;
/// Some rows were refused by the hub or could not be translated, or something needs a person.
const SOME_REFUSED: u8 = 1;
/// The command, the settings or the file cannot be used.
const USAGE: u8 = 2;
/// `run` could not go on, and should be started again.
const ENDED: u8 = 5;
/// The hub could not be reached, or would not talk to this adapter.
const HUB_UNAVAILABLE: u8 = 3;
/// The hub's catalogue is not what the adapter needs, so nothing was sent.
const CATALOGUE_DIFFERS: u8 = 4;

/// An adapter, as its program presents itself.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The program's name, e.g. `placehub-housing`.
    pub name: &'static str,
    /// What it takes, in one sentence.
    pub about: &'static str,
    /// Gets the adapter's formats ready, as the table `[formats]` of its settings asks; without settings the table is empty.
    pub open: fn(&Formats) -> Result<Opened, settings::Error>,
    /// The encodings that its files may have.
    pub encodings: Encodings,
    /// The tables of the listeners that it can be told to run beside its folder, e.g. `mllp`.
    pub listeners: &'static [&'static str],
    /// What `init` writes about `[formats]`, as TOML.
    pub formats: &'static str,
    /// Files that `init` writes beside the settings, each with its content.
    pub beside: &'static [(&'static str, &'static str)],
}

/// An adapter's formats, ready to read.
pub struct Opened {
    /// Reads a file's content, row by row.
    pub translate: Translate,
    /// The kinds that it may push. Nothing is sent to a hub whose catalogue does not have them as it needs them.
    pub needs: Vec<Need>,
    /// Makes a source of an open door, for each listener's table.
    pub sources: Vec<(&'static str, Answering)>,
}

/// A listener that waits for its door.
pub struct Answering {
    /// What TLS may be asked for (ALPN).
    pub protocol: Option<&'static str>,
    /// Makes the source.
    pub source: Box<dyn FnOnce(Door) -> Box<dyn Source>>,
}

impl Opened {
    /// Formats that come in files alone, read by this function.
    pub fn files(
        needs: &[Need],
        rows: impl Fn(Input, &str) -> Result<Rows, FileError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            translate: Translate::new(rows),
            needs: needs.to_vec(),
            sources: Vec::new(),
        }
    }
}

/// Gets an adapter's formats ready, by its settings if there are some.
fn open(program: Program, settings: Option<&Path>) -> Result<Opened, Stopped> {
    let formats = match settings {
        Some(file) => Formats::load(file).map_err(usage)?,
        None => Formats::default(),
    };
    (program.open)(&formats).map_err(usage)
}

#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 some rows refused or something needs a person, 2 usage, 3 hub unavailable,\n\
                  4 the hub's catalogue does not fit this adapter, 5 `run` could not go on.\n\
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
        /// The settings file, for what it says on formats.
        #[arg(long)]
        settings: Option<PathBuf>,
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
    /// Lists, shows, discards or sends again what could not be translated or was refused by the hub.
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
    /// Takes back what a file said of two records being of one person, or of a replaced NHS number, and nothing else of it.
    Separate {
        /// The file, in the newest version that was sent.
        path: PathBuf,
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
    /// Removes entries for good.
    Discard {
        /// Their ids, or the beginnings of their ids.
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// All entries.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
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
/// the settings or the file cannot be used, 3 when the hub could not be reached or would not talk to this adapter, 4 when its
/// catalogue is not what the adapter needs, so that nothing was sent, and 5 when `run` could not go on.
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
        Command::Check { path, json, settings } => check::check(program, &path, settings.as_deref(), json, out),
        Command::Init { settings } => operate::init(program, &settings, out),
        Command::Once { path, settings, json } => once::once(program, &path, &settings, json, patience, out),
        Command::Quarantine { settings, deed } => match deed {
            Deed::Discard { ids, all } => operate::discard(&settings, &ids, all, out),
            Deed::List { json } => operate::list(&settings, json, out),
            Deed::Retry { ids, all } => operate::retry(&settings, &ids, all, out),
            Deed::Show { id } => operate::show(&settings, &id, out),
        },
        Command::Run { settings } => operate::run(program, &settings),
        Command::Separate { path, settings } => separate::separate(program, &path, &settings, patience, out),
        Command::Status { settings, json } => operate::status(&settings, json, out),
    }
}

/// Why nothing, or nothing more, goes to the hub.
fn not_sent(error: &push::Error, whole: &dyn std::error::Error) -> Stopped {
    let code = match error {
        push::Error::CatalogueDiffers { .. } => CATALOGUE_DIFFERS,
        _ => HUB_UNAVAILABLE,
    };
    stopped(code, whole)
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
