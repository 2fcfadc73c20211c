//! `nod completion` and `nod manual`: what shells and `man` know of the commands, made from the commands themselves.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{Failure, Outcome};

/// Print the completions for a shell
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  nod completion bash > /etc/bash_completion.d/nod
  nod completion zsh > \"${fpath[1]}/_nod\"
  nod completion fish > ~/.config/fish/completions/nod.fish")]
pub(crate) struct CompletionArguments {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the manual pages of all commands
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  nod manual /usr/local/share/man/man1")]
pub(crate) struct ManualArguments {
    /// Folder that takes nod.1, nod-serve.1 and so on; made if it is not there
    folder: PathBuf,
}

/// `nod completion`.
pub(crate) fn completion(arguments: &CompletionArguments) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "nod", &mut text);
    match io::stdout().lock().write_all(&text) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(Failure::from),
    }
}

/// `nod manual`.
pub(crate) fn manual(arguments: &ManualArguments) -> Outcome {
    let ManualArguments { folder } = arguments;
    let write = || {
        fs::create_dir_all(folder)?;
        // The command in front of `help` has a page of its own.
        clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), folder)
    };
    write().map_err(|error| Failure::new(format!("{}: {error}", folder.display())))
}
