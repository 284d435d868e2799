//! The program `mlx-arm`: pull, inspect, run and measure language models.
//!
//! One file per command under `commands`; no inference here, only arguments, terminal and exit codes.
//!
//! Exit codes: 0 success; 1 the surroundings failed (network, nowhere to write the output or a download); 2 the input
//! is wrong (flags, values, names, files that are missing, unreadable or damaged): one line on standard error says
//! what; 101 a defect of this program, in one line as well.
#![forbid(unsafe_code)]

mod commands;
mod failure;
mod input;
mod machine;
mod output;
mod progress;
mod runtime;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use commands::{bench, chat, completions, doctor, eval, generate, gpus, info, ls, pull, rm, tokenize};
use failure::{Failure, one_line};

/// Language models on ARM and x86-64 machines: pull one, ask it, measure it.
#[derive(Parser)]
#[command(name = "mlx-arm", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Generate(Box<generate::Args>),
    Chat(Box<chat::Args>),
    Pull(pull::Args),
    Ls(ls::Args),
    Rm(rm::Args),
    Info(info::Args),
    Tokenize(tokenize::Args),
    Bench(bench::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Eval(eval::Args),
    #[command(hide = true)]
    Gpus(gpus::Args),
}

fn main() -> ExitCode {
    report_panics_in_one_line();
    gpus::test_apart();
    let result = match Cli::try_parse() {
        Ok(cli) => match cli.command {
            Command::Generate(a) => generate::run(&a),
            Command::Chat(a) => chat::run(&a),
            Command::Pull(a) => pull::run(&a),
            Command::Ls(a) => ls::run(&a),
            Command::Rm(a) => rm::run(&a),
            Command::Info(a) => info::run(&a),
            Command::Tokenize(a) => tokenize::run(&a),
            Command::Bench(a) => bench::run(&a),
            Command::Eval(a) => eval::run(&a),
            Command::Gpus(a) => gpus::run(&a),
            Command::Doctor(a) => doctor::run(&a),
            Command::Completions(a) => completions::run(&a),
        },
        Err(e) => usage(&e),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(f) => {
            eprintln!("error: {}", one_line(&f.message));
            ExitCode::from(f.code)
        }
    }
}

/// Help and version go where the user asked for them; a mistake becomes one line.
fn usage(e: &clap::Error) -> Result<(), Failure> {
    match e.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // What a terminal cannot take any more is nobody's loss.
            let _ = e.print();
            Ok(())
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = e.print();
            Err(Failure::input("a command is needed"))
        }
        _ => {
            let text = e.render().to_string();
            let lines = text.lines().map(str::trim);
            let what: Vec<_> = lines.take_while(|l| !l.is_empty() && !l.starts_with("Usage:")).collect();
            let what = what.join(" ");
            Err(Failure::input(format!("{} (see --help)", what.strip_prefix("error: ").unwrap_or(&what))))
        }
    }
}

/// A panic is a defect of the program: one line, unless a developer asked for a backtrace.
fn report_panics_in_one_line() {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0") {
        return;
    }
    std::panic::set_hook(Box::new(|info| {
        let text = info.payload_as_str().unwrap_or("unknown");
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        eprintln!("error: this is a defect of mlx-arm{place}: {}; please report it", one_line(text));
    }));
}
