//! The program `placehub`: reads the command line, runs one command, and tells how it ended.
//! It never decides anything about access; the hub does.

mod cast;
mod checks;
mod command;
mod cores;
mod embedded;
mod ending;
mod entries;
mod grid;
mod home;
mod link;
mod logs;
mod moment;
mod out;
mod person;
mod question;
mod shown;
mod whole;
mod words;
mod written;

use std::process::ExitCode;

use clap::Parser;

/// A fifth of what an answer costs is memory taken and given back; this allocator halves that.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Shares small signals between the agencies of one place, and shows each only to those who may see it.
#[derive(Parser)]
#[command(
    name = "placehub",
    version,
    after_help = "Exit codes:\n  \
        0  done\n  \
        1  the answer is no, or something was found: refused, ledger wrong, doctor or check found a fault\n  \
        2  the command line, a file or a setting cannot be used\n  \
        3  the hub cannot be reached or started, or would not talk to this client\n  \
        4  `policy prove` has no solver\n\n\
        Try `placehub demo` first: it shows everything, and `placehub demo --keep` leaves it running."
)]
struct Arguments {
    #[command(subcommand)]
    command: command::Command,
}

fn main() -> ExitCode {
    // Two crypto providers in one process would make rustls refuse to choose; so the choice is made first.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("error: another cryptography provider is in place already");
        return ExitCode::from(ending::USAGE);
    }
    let arguments = Arguments::parse();
    let runtime = match arguments.command {
        command::Command::Serve(_) => cores::runtime("serving"),
        _ => tokio::runtime::Runtime::new(),
    };
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let ended = runtime.block_on(arguments.command.run());
        // A read of standard input that nobody will answer must not keep the program.
        runtime.shutdown_background();
        ended
    });
    if let Err(error) = &ended
        && !out::is_closed(error)
    {
        eprintln!("error: {}", ending::sentence(error));
    }
    ExitCode::from(ending::code(&ended))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_two_flags_of_a_command_contradict_each_other() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_exit_codes_are_in_the_help() {
        let help = Arguments::command().render_help().to_string();
        for code in [0, ending::FINDING, ending::USAGE, ending::UNAVAILABLE, ending::UNPROVED] {
            assert!(help.contains(&format!("\n  {code}  ")), "{code}");
        }
    }
}
