//! Tables: padded Markdown that reads well as it is and renders on a code-hosting site, and the final table itself.
//!
//! Scripts read the final table: its columns and the form of their values are part of what is promised.

use super::model::{Endpoint, Report};
use super::text::{Place, figure_or_dash, percent, safe, safe_cut, width};

/// Columns up to which a cell is padded; a longer one sticks out instead of widening every other row.
const MAX_PADDED: usize = 60;

/// Columns of a name in the final table on stdout.
const MAX_NAME: usize = 50;

/// To which side a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table in the making. Cells come in escaped.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these columns and no rows.
    pub(crate) fn new<S: Into<String>>(columns: impl IntoIterator<Item = (S, Align)>) -> Self {
        let columns = columns.into_iter().map(|(title, align)| (title.into(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; it must have as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The whole table, each line ended.
    pub(crate) fn render(&self) -> String {
        let mut widths: Vec<_> = self.columns.iter().map(|(title, _)| width(title).max(3)).collect();
        for row in &self.rows {
            for (known, cell) in widths.iter_mut().zip(row) {
                *known = (*known).max(width(cell).min(MAX_PADDED));
            }
        }
        let titles: Vec<_> = self.columns.iter().map(|(title, _)| title.clone()).collect();
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
        for row in &self.rows {
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

/// The final table: one row per endpoint, one for all together. Long names are cut where a terminal reads them.
pub(super) fn final_table(report: &Report, place: Place) -> String {
    figures(report.endpoints.iter().chain([&report.totals]), place)
}

/// The same columns for what is in no sum: groups, then requests of setup and teardown.
pub(super) fn table_beside(report: &Report, place: Place) -> Option<String> {
    let mut rows = beside(report).peekable();
    rows.peek()?;
    Some(figures(rows, place))
}

/// The rows that are in no sum.
pub(super) fn beside(report: &Report) -> impl Iterator<Item = &Endpoint> {
    report.groups.iter().chain(&report.asides)
}

fn figures<'a>(rows: impl Iterator<Item = &'a Endpoint>, place: Place) -> String {
    let text = ["Type", "Name"].map(|title| (title, Align::Left));
    let numbers =
        ["# reqs", "# fails", "Avg", "Min", "Max", "Med", "p90", "p95", "p99", "req/s", "failures/s"]
            .map(|title| (title, Align::Right));
    let mut table = Table::new(text.into_iter().chain(numbers));
    for endpoint in rows {
        table.row(final_row(endpoint, place));
    }
    table.render()
}

fn final_row(endpoint: &Endpoint, place: Place) -> Vec<String> {
    let [method, name] = identity(endpoint, place);
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
    let mut row = vec![method, name, endpoint.requests.to_string(), fails];
    row.extend(times.map(figure_or_dash));
    row
}

/// The cells that say which endpoint a row is about.
pub(super) fn identity(endpoint: &Endpoint, place: Place) -> [String; 2] {
    let name = match place {
        Place::Markdown => safe(&endpoint.name, place),
        Place::Line | Place::Cell => safe_cut(&endpoint.name, place, MAX_NAME),
    };
    [safe_cut(&endpoint.method, place, 20), name]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_padded_by_what_a_terminal_shows() {
        let mut table = Table::new([("Name", Align::Left), ("#", Align::Right)]);
        table.row(vec!["漢字".into(), "7".into()]);
        table.row(vec!["abcdef".into(), "1234".into()]);
        let expected = "\
| Name   |    # |
|--------|-----:|
| 漢字   |    7 |
| abcdef | 1234 |
";
        assert_eq!(table.render(), expected);
    }
}
