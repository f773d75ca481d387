//! The command line that the adapters' programs share: `check` shows what would be pushed, `once` pushes it.
//! It never writes personal data to its log; `check --json` shows drafts on the operator's own terminal alone.

use std::{
    fmt::Display,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{
    channel::channel,
    draft::{self, FileError, Translated},
    push::{Patience, push},
    report::Report,
    settings::Settings,
};

/// Every row got through.
const DONE: u8 = 0;
/// Some rows were refused by the hub or could not be translated.
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
    /// Makes drafts of a file's bytes; the file's name is for origins.
    pub translate: fn(&[u8], &str) -> Result<Vec<Translated>, FileError>,
}

#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 some rows refused, 2 usage, 3 hub unavailable.\n\
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
    /// Pushes the signals of a file to the hub once, and reports what became of each row.
    Once {
        /// The file.
        path: PathBuf,
        /// The settings file: `hub`, `server_name`, `ca`, `certificate`, `key`.
        #[arg(long)]
        settings: PathBuf,
        /// Prints the report as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs an adapter's program on the arguments of this process.
/// The exit code is 0 when every row got through, 1 when some were refused, 2 when the command, the settings or the file
/// cannot be used, and 3 when the hub could not be reached or would not talk to this adapter.
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
        Command::Check { path, json } => check(&translate(program, &path)?, json, out),
        Command::Once { path, settings, json } => {
            let settings = Settings::load(&settings).map_err(|error| stopped(USAGE, &error))?;
            once(translate(program, &path)?, &settings, json, patience, out)
        }
    }
}

fn check(translated: &[Translated], json: bool, out: &mut dyn Write) -> Result<u8, Stopped> {
    let bad = translated.iter().filter(|one| one.result.is_err()).count();
    if json {
        print(out, format_args!("{:#}", draft::views(translated)))?;
    } else {
        for one in translated {
            match &one.result {
                Ok(draft) => print(out, format_args!("{}: {}", one.origin, draft::line(draft)))?,
                Err(why) => print(out, format_args!("{}: not translated, {why}", one.origin))?,
            }
        }
        print(out, format_args!("{} taken, {bad} not translated", translated.len()))?;
    }
    Ok(if bad == 0 { DONE } else { SOME_REFUSED })
}

fn once(
    translated: Vec<Translated>,
    settings: &Settings,
    json: bool,
    patience: Patience,
    out: &mut dyn Write,
) -> Result<u8, Stopped> {
    let mut drafts = Vec::new();
    let mut left_out = Report::default();
    for one in translated {
        match one.result {
            Ok(draft) => drafts.push((one.origin, draft)),
            Err(why) => left_out.leave_out(one.origin, why),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (pushed, failure) = runtime.map_err(|error| stopped(USAGE, &error))?.block_on(async {
        let channel = channel(settings).map_err(|error| stopped(USAGE, &error))?;
        Ok(match push(channel, drafts, patience).await {
            Ok(report) => (report, None),
            Err(unfinished) => {
                let failure = stopped(HUB_UNAVAILABLE, &unfinished);
                (*unfinished.report, Some(failure))
            }
        })
    })?;
    let report = Report {
        taken: pushed.taken + left_out.taken,
        untranslated: left_out.untranslated,
        ..pushed
    };
    if json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| stopped(USAGE, &error))?;
        print(out, text)?;
    } else {
        print(out, &report)?;
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(if report.is_clean() { DONE } else { SOME_REFUSED }),
    }
}

fn translate(program: Program, path: &Path) -> Result<Vec<Translated>, Stopped> {
    let about = |error: &dyn Display| Stopped {
        code: USAGE,
        sentence: format!("{}: {error}", path.display()),
    };
    let bytes = fs::read(path).map_err(|error| about(&error))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    (program.translate)(&bytes, &name).map_err(|error| about(&error))
}

/// Tells an error with its causes in one line.
fn stopped(code: u8, error: &dyn std::error::Error) -> Stopped {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        sentence = format!("{sentence}: {}", deeper.to_string().trim_end());
        cause = deeper.source();
    }
    Stopped { code, sentence }
}

fn print(out: &mut dyn Write, line: impl Display) -> Result<(), Stopped> {
    writeln!(out, "{line}").map_err(|error| stopped(USAGE, &error))
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

#[cfg(test)]
mod tests {
    use placehub_proto::v1::SignalDraft;
    use tempfile::TempDir;

    use super::*;
    use crate::draft::Untranslatable;

    /// An adapter whose every line is a draft, but for those that say `bad`.
    const LINES: Program = Program {
        name: "placehub-lines",
        about: "",
        translate: lines,
    };

    fn lines(bytes: &[u8], name: &str) -> Result<Vec<Translated>, FileError> {
        let draft = |line: &str| match line {
            "bad" => Err(Untranslatable::new("line", "is bad")),
            _ => Ok(SignalDraft {
                kind: "housing.eviction".into(),
                ..Default::default()
            }),
        };
        let lines = draft::text(bytes)?.lines().enumerate();
        Ok(lines
            .map(|(at, line)| Translated {
                origin: format!("{name} line {at}"),
                result: draft(line),
            })
            .collect())
    }

    /// Runs `check` (or `once`, with settings) on a file of this text.
    fn given(text: &str, settings: Option<&str>) -> (Result<u8, Stopped>, String) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("lines.txt");
        fs::write(&path, text).unwrap();
        let command = match settings {
            None => Command::Check { path, json: false },
            Some(settings) => {
                let file = folder.path().join("adapter.toml");
                fs::write(&file, settings).unwrap();
                write_identity(folder.path());
                Command::Once {
                    path,
                    settings: file,
                    json: true,
                }
            }
        };
        let mut out = Vec::new();
        let patience = Patience {
            without_progress: Duration::ZERO,
            ..PATIENCE
        };
        let code = execute(LINES, command, patience, &mut out);
        (code, String::from_utf8(out).unwrap())
    }

    fn write_identity(folder: &Path) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.join("own.pem"), own.cert.pem()).unwrap();
        fs::write(folder.join("own.key"), own.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_clean_file_ends_in_0_and_a_bad_row_in_1() {
        assert_eq!(given("good\ngood\n", None).0.unwrap(), 0);
        let (code, printed) = given("good\nbad\n", None);
        assert_eq!(code.unwrap(), 1);
        assert!(printed.contains("lines.txt line 1: not translated, line: is bad"));
        assert!(printed.ends_with("2 taken, 1 not translated\n"));
    }

    #[test]
    fn an_empty_file_and_bad_settings_end_in_2() {
        assert_eq!(given("", None).0.unwrap_err().code, 2);
        let stopped = given("good\n", Some("hub = 3\n")).0.unwrap_err();
        assert_eq!(stopped.code, 2);
        assert!(
            stopped.sentence.contains("adapter.toml cannot be understood"),
            "{stopped:?}"
        );
    }

    #[test]
    fn a_hub_that_is_down_ends_in_3_with_a_report_of_what_was_not_delivered() {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let settings = format!(
            "hub = \"https://127.0.0.1:{port}\"\nca = \"own.pem\"\ncertificate = \"own.pem\"\nkey = \"own.key\"\n"
        );
        let (code, printed) = given("good\nbad\n", Some(&settings));
        let stopped = code.unwrap_err();
        assert_eq!(stopped.code, 3);
        assert!(
            stopped
                .sentence
                .starts_with("1 of 1 not delivered: the hub cannot be reached"),
            "{stopped:?}"
        );
        let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!((&report["taken"], &report["recorded"]), (&2.into(), &0.into()));
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
