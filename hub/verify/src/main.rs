//! The program `placehub-verify`: checks what somebody carried away of a ledger, from bytes and keys alone.
//! Never speaks to a hub or a network, and depends on nothing that writes a ledger.

mod arguments;
mod report;

use std::process::ExitCode;

use clap::Parser;

use arguments::Command;

/// Checks a ledger that was carried away: from its bytes and a key alone, without hub or network.
#[derive(Parser)]
#[command(
    name = "placehub-verify",
    version,
    after_help = "Exit codes:\n  \
        0  everything is as it was signed\n  \
        1  something is wrong; the first entry that is wrong is named where that can be told\n  \
        2  the command line or a file cannot be used\n\n\
        The key must come from elsewhere than the ledger: from the agency that runs the hub, on paper or in person."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print a JSON document.
    #[arg(long, global = true)]
    json: bool,
}

fn main() -> ExitCode {
    let Arguments { command, json } = Arguments::parse();
    match command.run() {
        Ok(outcome) => match outcome.print(json) {
            Ok(()) if outcome.is_good() => ExitCode::SUCCESS,
            Ok(()) => ExitCode::from(1),
            Err(error) => unusable(&error.into()),
        },
        Err(error) => unusable(&error),
    }
}

fn unusable(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_two_flags_of_a_command_contradict_each_other() {
        Arguments::command().debug_assert();
    }
}
