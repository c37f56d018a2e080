//! Tables: padded Markdown that reads well as it is and renders on a code-hosting site, and the final table itself.
//!
//! Cells hold plain text; it is escaped for the place it goes to when the table is rendered. `html/` renders the same tables.
//! Scripts read the final table: its columns and the form of their values are part of what is promised.

use super::model::{Endpoint, Report};
use super::text::{Place, figure_or_dash, percent, safe, safe_cut, width};

/// Columns up to which a cell is padded; a longer one sticks out instead of widening every other row.
const MAX_PADDED: usize = 60;

/// Columns of a name in the final table on stdout.
const MAX_NAME: usize = 50;

/// Columns of a method, everywhere.
const MAX_METHOD: usize = 20;

/// To which side a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// What stands in a cell, not escaped yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// As it is.
    Text(String),
    /// To be noticed.
    Strong(String),
    /// A name, cut in the middle where a terminal reads it.
    Name(String),
    /// A method, cut likewise.
    Method(String),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Cell {
    fn markdown(&self, place: Place) -> String {
        match self {
            Self::Strong(text) => format!("**{}**", safe(text, place)),
            Self::Name(text) if place == Place::Cell => safe_cut(text, place, MAX_NAME),
            Self::Text(text) | Self::Name(text) => safe(text, place),
            Self::Method(text) => safe_cut(text, place, MAX_METHOD),
        }
    }
}

/// A table in the making.
#[derive(Debug)]
pub(crate) struct Table {
    /// Titles, each with the side its column is aligned to.
    pub(super) columns: Vec<(String, Align)>,
    /// As many cells each as there are columns.
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// With these columns and no rows.
    pub(crate) fn new<S: Into<String>>(columns: impl IntoIterator<Item = (S, Align)>) -> Self {
        let columns = columns.into_iter().map(|(title, align)| (title.into(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; it must have as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The whole table as Markdown, each line ended.
    pub(crate) fn markdown(&self, place: Place) -> String {
        let titles: Vec<_> = self.columns.iter().map(|(title, _)| safe(title, place)).collect();
        let escaped = |row: &Vec<Cell>| row.iter().map(|cell| cell.markdown(place)).collect::<Vec<_>>();
        let rows: Vec<_> = self.rows.iter().map(escaped).collect();
        let mut widths: Vec<_> = titles.iter().map(|title| width(title).max(3)).collect();
        for row in &rows {
            for (known, cell) in widths.iter_mut().zip(row) {
                *known = (*known).max(width(cell).min(MAX_PADDED));
            }
        }
        let mut out = self.line(&titles, &widths);
        for ((_, align), width) in self.columns.iter().zip(&widths) {
            let (dashes, end) = match align {
                Align::Left => (width + 2, ""),
                Align::Right => (width + 1, ":"),
            };
            out.push('|');
            out.push_str(&"-".repeat(dashes));
            out.push_str(end);
        }
        out.push_str("|\n");
        for row in &rows {
            out.push_str(&self.line(row, &widths));
        }
        out
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut out = String::new();
        for ((cell, (_, align)), wanted) in cells.iter().zip(&self.columns).zip(widths) {
            let pad = " ".repeat(wanted.saturating_sub(width(cell)));
            let (before, after) = match align {
                Align::Left => ("", pad.as_str()),
                Align::Right => (pad.as_str(), ""),
            };
            for part in ["| ", before, cell, after, " "] {
                out.push_str(part);
            }
        }
        out.push_str("|\n");
        out
    }
}

/// What stands above [`table_beside`].
pub(super) const BESIDE: &str = "Beside them, in no sum:";

/// The final table: one row per endpoint, one for all together.
pub(super) fn final_table(report: &Report) -> Table {
    figures(report.endpoints.iter().chain([&report.totals]))
}

/// The same columns for what is in no sum: groups, then requests of setup and teardown.
pub(super) fn table_beside(report: &Report) -> Option<Table> {
    let mut rows = beside(report).peekable();
    rows.peek()?;
    Some(figures(rows))
}

/// The rows that are in no sum.
pub(super) fn beside(report: &Report) -> impl Iterator<Item = &Endpoint> {
    report.groups.iter().chain(&report.asides)
}

fn figures<'a>(rows: impl Iterator<Item = &'a Endpoint>) -> Table {
    let text = ["Type", "Name"].map(|title| (title, Align::Left));
    let numbers =
        ["# reqs", "# fails", "Avg", "Min", "Max", "Med", "p90", "p95", "p99", "req/s", "failures/s"]
            .map(|title| (title, Align::Right));
    let mut table = Table::new(text.into_iter().chain(numbers));
    for endpoint in rows {
        table.row(final_row(endpoint));
    }
    table
}

fn final_row(endpoint: &Endpoint) -> Vec<Cell> {
    let percentiles = &endpoint.percentiles_ms;
    let times = [
        endpoint.avg_ms,
        endpoint.min_ms,
        endpoint.max_ms,
        endpoint.median_ms,
        percentiles.p90,
        percentiles.p95,
        percentiles.p99,
        endpoint.rps,
        endpoint.failures_per_s,
    ];
    let fails = format!("{} ({})", endpoint.failures, percent(endpoint.failures, endpoint.requests));
    let mut row = Vec::from(identity(endpoint));
    row.extend([endpoint.requests.to_string(), fails].map(Cell::Text));
    row.extend(times.map(|time| figure_or_dash(time).into()));
    row
}

/// The cells that say which endpoint a row is about.
pub(super) fn identity(endpoint: &Endpoint) -> [Cell; 2] {
    [Cell::Method(endpoint.method.clone()), Cell::Name(endpoint.name.clone())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_padded_by_what_a_terminal_shows() {
        let mut table = Table::new([("Name", Align::Left), ("#", Align::Right)]);
        table.row(["漢字", "7"].map(|text| text.to_owned().into()).into());
        table.row(["abcdef", "1234"].map(|text| text.to_owned().into()).into());
        let expected = "\
| Name   |    # |
|--------|-----:|
| 漢字   |    7 |
| abcdef | 1234 |
";
        assert_eq!(table.markdown(Place::Cell), expected);
    }
}
