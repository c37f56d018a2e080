//! Responses by HTTP status as a table: one row for each endpoint, one column for each code.

use std::collections::BTreeMap;

use super::model::{Endpoint, Report};
use super::table::{Align, Cell, Table, beside, identity};

/// Codes that have a column of their own; the others share one.
const MAX_COLUMNS: usize = 8;

/// What stands below the table.
pub(super) const EXPLAINED: &str =
    "By the status of the last response where redirects were followed; none: no whole response came.";

/// The table; `None` without a response, and for a report from before statuses were counted.
pub(super) fn by_status(report: &Report) -> Option<Table> {
    let rows = || report.endpoints.iter().chain([&report.totals]).chain(beside(report));
    let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
    for (code, count) in report.totals.statuses.iter().chain(beside(report).flat_map(|row| &row.statuses)) {
        *counts.entry(*code).or_default() += count;
    }
    if counts.is_empty() {
        return None;
    }
    let columns = columns(&counts);
    let has_others = counts.keys().any(|code| !columns.contains(code));
    let text = ["Type", "Name"].map(|title| (title.to_owned(), Align::Left));
    let codes = columns.iter().map(u16::to_string).chain(has_others.then(|| "other".to_owned()));
    let numbers = codes.chain(["none".to_owned()]).map(|title| (title, Align::Right));
    let mut table = Table::new(text.into_iter().chain(numbers));
    for endpoint in rows().filter(|row| row.requests > 0 && !is_group(report, row)) {
        let mut row = Vec::from(identity(endpoint));
        row.extend(cells(endpoint, &columns, has_others).iter().map(|count| Cell::from(count.to_string())));
        table.row(row);
    }
    Some(table)
}

/// The codes most responses have, ascending.
fn columns(counts: &BTreeMap<u16, u64>) -> Vec<u16> {
    let mut codes: Vec<_> = counts.iter().filter(|(code, _)| **code != 0).collect();
    codes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut codes: Vec<_> = codes.into_iter().take(MAX_COLUMNS).map(|(code, _)| *code).collect();
    codes.sort_unstable();
    codes
}

/// Passes through a group have no status.
fn is_group(report: &Report, row: &Endpoint) -> bool {
    report.groups.iter().any(|group| std::ptr::eq(group, row))
}

fn cells(endpoint: &Endpoint, columns: &[u16], has_others: bool) -> Vec<u64> {
    let mut cells: Vec<_> =
        columns.iter().map(|code| endpoint.statuses.get(code).copied().unwrap_or_default()).collect();
    let shown: u64 = cells.iter().sum();
    let all: u64 = endpoint.statuses.values().sum();
    cells.extend(has_others.then_some(all - shown));
    cells.push(endpoint.requests.saturating_sub(all));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_codes_share_a_column() {
        let counts: BTreeMap<u16, u64> =
            (200..212).map(|code| (code, u64::from(code))).chain([(0, 999)]).collect();
        let columns = columns(&counts);
        assert_eq!(columns, [204, 205, 206, 207, 208, 209, 210, 211]);
    }
}
