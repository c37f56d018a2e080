//! `coordinator compare BASE.json NEW.json`: what changed between two saved runs.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::exit::{Error, Outcome};
use super::interface;
use crate::compare::{Judgement, compare, markdown, stdout, unlike};
use crate::report::{check_place, read_json, write_text};

/// What `compare` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct CompareArgs {
    /// The run that is compared with: a report.json
    #[arg(value_name = "BASE.json")]
    base: PathBuf,

    /// The new run
    #[arg(value_name = "NEW.json")]
    new: PathBuf,

    /// Write the comparison to this file, as Markdown (.md)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// How large a difference must be to matter, in per cent of the base
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent)]
    tolerance: f64,

    /// Compare runs that were not set up alike, too
    #[arg(long)]
    force: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').parse::<f64>();
    number
        .ok()
        .filter(|number| (0.0..=100.0).contains(number))
        .map(|number| number / 100.0)
        .ok_or_else(|| "a number of per cent from 0 to 100, such as 5".to_owned())
}

/// Compares. A run that got worse ends with the exit code of a threshold that does not hold.
pub(super) fn run(args: &CompareArgs) -> Result<Outcome, Error> {
    if let Some(path) = &args.report {
        if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("md")) {
            let text = format!(
                "--report {}: a comparison is written as Markdown; name a file that ends in .md",
                path.display()
            );
            return Err(Error::Usage(text));
        }
        check_place(path).map_err(Error::ReportTarget)?;
    }
    let base = read_json(&args.base).map_err(Error::SavedRun)?;
    let new = read_json(&args.new).map_err(Error::SavedRun)?;
    let unlike = unlike(&base, &new);
    if !unlike.is_empty() && !args.force {
        return Err(Error::Usage(refusal(&args.base, &args.new, &unlike)));
    }
    let compared = compare(&base, &new, args.tolerance);
    let compared = compared
        .map_err(|error| Error::Usage(format!("a histogram of one of the runs cannot be read: {error}")))?;
    let mut outcome = Outcome { broken: compared.judgement == Judgement::Worse, ..Outcome::default() };
    // A closed pipe (`| head`) is the reader's wish.
    let _ = writeln!(std::io::stdout(), "{}", stdout(&compared, &base, &new).trim_end());
    if let Some(path) = &args.report
        && let Err(error) = write_text(path, &markdown(&compared, &base, &new))
    {
        interface::say(&format!("error: {error}"));
        outcome.report_failed = true;
    }
    if !compared.told {
        return Err(Error::Usage(
            "there is nothing to compare: the runs are too short, or have no rows in common".to_owned(),
        ));
    }
    Ok(outcome)
}

fn refusal(base: &Path, new: &Path, unlike: &[crate::compare::Unlike]) -> String {
    let mut text = format!("{} and {} were not set up alike:", base.display(), new.display());
    for unlike in unlike {
        text = format!(
            "{text}\n  {}: {} and {}",
            unlike.what,
            unlike.base.escape_debug(),
            unlike.new.escape_debug()
        );
    }
    text + "\ncompare runs of the same scenario under the same load, or say --force"
}
