//! `coordinator report [RUN.json]`: shows a saved run, or makes reports from it. Also how any run's reports are written and told.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::args::ReportArgs;
use super::exit::{Error, Outcome};
use super::{interface, summary};
use crate::report::{Format, Report, ReportError, check_target, last_path, read_json, stdout_text, write};

/// Shows the run that is meant. How the run itself went is not judged again.
pub(super) fn report(args: &ReportArgs) -> Result<Outcome, Error> {
    for report in &args.reports {
        check_target(report).map_err(Error::ReportTarget)?;
    }
    let path = match &args.run {
        Some(path) => path.clone(),
        None => last()?,
    };
    let report = read_json(&path).map_err(|error| unread(error, args.run.is_none()))?;
    let Written { files, mut failed } = write_reports(&args.reports, &report);
    failed |= !print(&report, args.json, || match args.summary {
        Some(style) => summary::told(&report, style, &files, Some(&path)),
        None => told(&report, &files, args, &path),
    });
    Ok(Outcome { report_failed: failed, ..Outcome::default() })
}

/// Where the last run is kept.
fn last() -> Result<PathBuf, Error> {
    last_path(|name| std::env::var_os(name)).ok_or_else(|| {
        let text = "no run is kept, because neither XDG_STATE_HOME nor HOME is set; name one: coordinator report RUN.json";
        Error::Usage(text.to_owned())
    })
}

fn unread(error: ReportError, is_last: bool) -> Error {
    match error {
        ReportError::Read { path, source } if is_last && source.kind() == ErrorKind::NotFound => {
            Error::Usage(format!(
                "no run is kept yet: there is no `{}`; run a test first, or name a saved run: coordinator report RUN.json",
                path.display()
            ))
        }
        error => Error::SavedRun(error),
    }
}

/// The table, or where the reports are that were asked for.
fn told(report: &Report, files: &[PathBuf], args: &ReportArgs, path: &Path) -> String {
    if args.reports.is_empty() {
        return stdout_text(report, &[], Some(path));
    }
    files.iter().map(|file| format!("{}\n", file.display())).collect::<Vec<_>>().concat()
}

/// Reports that were written.
pub(super) struct Written {
    /// Where they are.
    pub(super) files: Vec<PathBuf>,
    /// Not all of them could be.
    pub(super) failed: bool,
}

/// Writes the report to each of `paths`, and says which could not be.
pub(super) fn write_reports(paths: &[PathBuf], report: &Report) -> Written {
    let mut written = Written { files: Vec::new(), failed: false };
    for path in paths {
        match write(path, report) {
            Ok(files) => written.files.extend(files),
            Err(error) => {
                written.failed = true;
                interface::say(&format!("error: {error}"));
            }
        }
    }
    written
}

/// Puts the report on stdout, as JSON or as `text`; whether that went well.
pub(super) fn print(report: &Report, json: bool, text: impl FnOnce() -> String) -> bool {
    let (text, encoded) = if json {
        match Format::Json.render(report) {
            Ok(text) => (text, true),
            Err(error) => (error.to_string(), false),
        }
    } else {
        (text(), true)
    };
    // A reader that has gone away wanted no more; the exit code still says how it went.
    let told = match text.trim_end() {
        "" => Ok(()),
        text => writeln!(std::io::stdout(), "{text}"),
    };
    encoded && !told.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe)
}
