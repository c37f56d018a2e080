//! `--summary TOOL`: in whose layout the end is printed.
//!
//! It takes the place of the table, so that stdout is what the tool would have printed; what this program itself has to say goes
//! to stderr.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::interface;
use crate::report::{Report, Style, kept_text, summary_text};

/// Reads the name of a tool.
pub(super) fn tool() -> impl TypedValueParser<Value = Style> {
    PossibleValuesParser::new(Style::ALL.map(Style::as_str)).try_map(|name| name.parse::<Style>())
}

/// The text for stdout. What stands above and below the table is said on stderr.
pub(super) fn told(report: &Report, style: Style, reports: &[PathBuf], last: Option<&Path>) -> String {
    interface::say(&report.verdict().sentence);
    interface::say(kept_text(report, reports, last).trim_end());
    summary_text(report, style)
}
