//! A run in the layout of another load generator, with that tool's definitions.
//!
//! Each line is computed as the tool would compute it from the same responses; its sources are named beside the formula. Where
//! the tool has a known defect the line has the right figure, and a note below says what the tool would print. What a report does
//! not know is `n/a`, never made up. Lines have no marks on them, so that what reads the tool's output reads ours; notes stand
//! below and begin with the name of their line.

mod ab;
mod autocannon;
mod figures;
mod locust;
mod siege;
#[cfg(test)]
mod tests;
mod units;
mod vegeta;
mod wrk;

use std::str::FromStr;

use self::figures::Figures;
use super::model::Report;

/// Whose layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// siege 4.
    Siege,
    /// `ApacheBench` 2.4.
    Ab,
    /// autocannon 8 and 9.
    Autocannon,
    /// vegeta 12, `vegeta report`.
    Vegeta,
    /// wrk 4, with `--latency`.
    Wrk,
    /// Locust 2, as it prints at the end of a run without its web interface.
    Locust,
}

impl Style {
    /// Every style.
    pub const ALL: [Self; 6] =
        [Self::Siege, Self::Ab, Self::Autocannon, Self::Vegeta, Self::Wrk, Self::Locust];

    /// As it is named on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Siege => "siege",
            Self::Ab => "ab",
            Self::Autocannon => "autocannon",
            Self::Vegeta => "vegeta",
            Self::Wrk => "wrk",
            Self::Locust => "locust",
        }
    }
}

/// A name that is no style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no summary of that name")]
pub struct UnknownStyle;

impl FromStr for Style {
    type Err = UnknownStyle;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|style| style.as_str() == name).ok_or(UnknownStyle)
    }
}

/// The summary with its notes, ended by a newline. Only requests of the test are in it: no warm-up, no groups, no setup.
pub fn summary_text(report: &Report, style: Style) -> String {
    let figures = Figures::of(report);
    let (text, own) = match style {
        Style::Siege => siege::summary(&figures),
        Style::Ab => ab::summary(&figures),
        Style::Autocannon => autocannon::summary(&figures),
        Style::Vegeta => vegeta::summary(&figures),
        Style::Wrk => wrk::summary(&figures),
        Style::Locust => locust::summary(&figures),
    };
    let mut notes = figures.notes();
    notes.extend(own);
    let notes: Vec<_> = notes.iter().map(|note| format!("  {note}\n")).collect();
    let heading = if notes.is_empty() { "" } else { "\nNotes:\n" };
    format!("{text}{heading}{}", notes.concat())
}

/// A figure that may not be known.
fn shown<T>(value: Option<T>, write: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "n/a".to_owned(), write)
}

/// `part / whole`, 0 of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
