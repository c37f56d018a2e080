//! The command line of `coordinator`.

mod args;
mod certs;
mod check;
mod choose;
mod client;
mod compare;
mod completions;
mod exit;
mod export;
mod fleet;
mod foreign;
mod interface;
mod journal;
mod labels;
mod log;
mod new;
mod notify;
mod plan;
mod prepare;
mod report;
mod resume;
mod rules;
mod run;
mod screen;
mod summary;
mod trial;
mod urls;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

pub use args::Args;
use args::Command;
pub use exit::{Error, Outcome};

/// Runs the program.
pub fn main() -> ExitCode {
    crate::local::raise_open_files();
    let given: Vec<_> = std::env::args_os().collect();
    if let Some(error) = foreign::look(&given) {
        return exit::fail(&error);
    }
    let matches = command().get_matches_from(given);
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let outcome = match args.command {
        Some(Command::Check(ref check)) => check::check(check).map(|()| Outcome::default()),
        Some(Command::Plan(ref plan)) => plan::plan(plan).map(|()| Outcome::default()),
        Some(Command::Try(ref given)) => trial::trial(given),
        Some(Command::New(ref new)) => new::new(new).map(|()| Outcome::default()),
        Some(Command::Schema) => completions::schema().map(|()| Outcome::default()),
        Some(Command::Completions(ref shell)) => completions::completions(shell).map(|()| Outcome::default()),
        Some(Command::Certs(ref certs)) => certs::certs(certs).map(|()| Outcome::default()),
        Some(Command::Compare(ref args)) => compare::run(args),
        Some(Command::Resume(ref resume)) => resume::resume(resume),
        Some(Command::Report(ref saved)) => report::report(saved),
        Some(Command::Watch(ref given)) => watch::watch(given),
        None => run::run(&args.run),
    };
    match outcome {
        Ok(outcome) => outcome.code(),
        Err(error) => exit::fail(&error),
    }
}

/// The whole command line. Every flag has its variable; the help says so once instead of behind each.
fn command() -> clap::Command {
    let hide = |command: clap::Command| command.mut_args(|arg| arg.hide_env(true));
    hide(Args::command()).mut_subcommands(hide)
}
