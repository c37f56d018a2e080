//! The command line of `coordinator`.

mod args;
mod check;
mod exit;
mod foreign;
mod interface;
mod log;
mod plan;
mod prepare;
mod run;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use args::Args;
use args::Command;
pub use exit::{Error, Outcome};

/// Runs the program.
pub fn main() -> ExitCode {
    let given: Vec<_> = std::env::args_os().collect();
    if let Some(error) = foreign::look(&given) {
        return exit::fail(&error);
    }
    let args = Args::parse_from(given);
    let outcome = match args.command {
        Some(Command::Check(ref check)) => check::check(check).map(|()| Outcome::default()),
        Some(Command::Plan(ref plan)) => plan::plan(plan).map(|()| Outcome::default()),
        None => run::run(&args.run),
    };
    match outcome {
        Ok(outcome) => outcome.code(),
        Err(error) => exit::fail(&error),
    }
}

/// The whole command line, for tests and documents.
pub fn command() -> clap::Command {
    Args::command()
}
