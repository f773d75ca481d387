//! `placehub completions`: prints a shell's completions. It writes no file.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{
    Arguments,
    ending::{Ending, Outcome},
    out,
};

/// Which shell.
#[derive(Debug, Args)]
#[command(after_help = "Example: placehub completions bash > ~/.local/share/bash-completion/completions/placehub")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub(super) fn run(self) -> Outcome {
        let mut bytes = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "placehub", &mut bytes);
        out::text(&String::from_utf8_lossy(&bytes))?;
        Ok(Ending::Well)
    }
}
