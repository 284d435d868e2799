//! `mlx-arm completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output::emit;

/// Print a completion script, e.g.: mlx-arm completions bash > ~/.local/share/bash-completion/completions/mlx-arm
#[derive(clap::Args)]
pub struct Args {
    /// Shell to write it for
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Cli::command(), "mlx-arm", &mut script);
    emit(&String::from_utf8_lossy(&script))
}
