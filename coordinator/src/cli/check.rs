//! `coordinator check`: reads and checks a scenario with its files, and says what would run.

use std::io::Write;

use stampede_scenarios::describe::explain;

use super::args::CheckArgs;
use super::exit::Error;
use super::prepare::{Chosen, compiled, files, overrides};

/// Checks.
pub(super) fn check(args: &CheckArgs) -> Result<(), Error> {
    let chosen = Chosen::file(&args.scenario)?;
    let plan = compiled(&chosen, &overrides(&args.load))?;
    files(&plan, &chosen)?;
    let text = explain(&plan, &chosen.source.text);
    // A closed pipe (`| head`) is the reader's wish.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    Ok(())
}
