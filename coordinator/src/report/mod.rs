//! Reports: the final table on stdout, `report.md`, `report.html`, `report.json` and `last.json`.
//!
//! A run that is over comes in as a [`RunResult`](crate::result::RunResult) and becomes a [`Report`], which is `report.json`
//! field by field. Everything else is rendered from the report alone, so that a saved run can be shown again. Only `file`
//! touches the disk; nothing here prints.

mod accounts;
mod build;
mod chart;
mod course;
mod csv;
mod facts;
mod file;
mod gap;
mod hlog;
mod html;
mod judged;
mod junit;
mod limits;
mod markdown;
mod model;
mod parts;
mod saved;
mod statuses;
mod stdout;
mod summary;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod thresholds;
mod times;
mod verdict;

pub use file::{Format, ReportError, check_target, last_path, read_json, write, write_last};
pub(crate) use file::{check_place, write_text};
pub use html::html_text;
pub use markdown::markdown_text;
pub use model::*;
pub use saved::{HistogramError, recorded, recorded_times};
pub use stdout::{kept_text, stdout_text};
pub use summary::{Style, UnknownStyle, summary_text};
pub(crate) use table::{Align, Cell, Table};
pub(crate) use text::{Place, count_of, figure, safe};
pub use times::{Percentiles, PhaseReport, TimesReport};
pub use verdict::{Verdict, verdict};
