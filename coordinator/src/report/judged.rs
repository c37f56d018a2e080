//! Rules and the search in the reports: what was measured against what had to hold.

use super::model::{SearchReport, Threshold, TryReport};
use super::table::{Align, Cell, Table};
use super::text::number;
use crate::result::{SearchResult, SearchTry};
use crate::rules::Judged;

/// A rule for the report.
pub(super) fn threshold(rule: &Judged) -> Threshold {
    Threshold {
        rule: rule.rule.clone(),
        observed: rule.observed.and_then(number),
        shown: rule.shown.clone(),
        margin: rule.margin.and_then(number),
        passed: rule.passed,
    }
}

/// A search for the report.
pub(super) fn search(search: &SearchResult) -> SearchReport {
    let one = |one: &SearchTry| TryReport {
        rate: one.rate,
        verifies: one.verifies,
        from_s: one.from_s,
        to_s: one.to_s,
        requests: one.requests,
        dropped: one.dropped,
        thresholds: one.rules.iter().map(threshold).collect(),
        held: one.held,
        why: one.why.clone(),
    };
    SearchReport {
        found: search.found.and_then(number),
        verified: search.verified,
        sentence: search.sentence.clone(),
        tries: search.tries.iter().map(one).collect(),
    }
}

/// What the column `Room` says.
pub(super) const ROOM: &str =
    "Room is how far what was measured is on the right side of the limit, as a part of it.";

fn holds(passed: bool) -> Cell {
    if passed { Cell::Text("yes".to_owned()) } else { Cell::Strong("no".to_owned()) }
}

/// Rules and whether they hold; `None` without one.
pub(super) fn thresholds(rules: &[Threshold]) -> Option<Table> {
    if rules.is_empty() {
        return None;
    }
    let columns =
        [("Rule", Align::Left), ("Measured", Align::Right), ("Room", Align::Right), ("Holds", Align::Left)];
    let mut table = Table::new(columns);
    for rule in rules {
        table.row(vec![
            rule.rule.clone().into(),
            rule.shown.clone().into(),
            room(rule).into(),
            holds(rule.passed),
        ]);
    }
    Some(table)
}

fn room(rule: &Threshold) -> String {
    rule.margin.map_or_else(|| "-".to_owned(), |margin| format!("{:.1}%", margin * 100.0))
}

/// What was tried for a search, in order.
pub(super) fn tries(search: &SearchReport) -> Table {
    let mut columns = vec![("Rate".to_owned(), Align::Right), ("Seconds".to_owned(), Align::Left)];
    columns.push(("Requests".to_owned(), Align::Right));
    columns.push(("Dropped".to_owned(), Align::Right));
    let rules = search.tries.first().map_or(&[][..], |first| &first.thresholds);
    columns.extend(rules.iter().map(|rule| (rule.rule.clone(), Align::Right)));
    columns.push(("Held".to_owned(), Align::Left));
    let mut table = Table::new(columns);
    for one in &search.tries {
        let what = if one.verifies { " (verified)" } else { "" };
        let mut row = vec![format!("{}/s{what}", one.rate), format!("{} to {}", one.from_s, one.to_s)];
        row.extend([one.requests.to_string(), one.dropped.to_string()]);
        row.extend(one.thresholds.iter().map(|rule| rule.shown.clone()));
        let mut row: Vec<Cell> = row.into_iter().map(Cell::Text).collect();
        let why = one.why.as_deref().filter(|_| !one.held);
        row.push(why.map_or_else(|| holds(one.held), |why| Cell::Strong(format!("no: {why}"))));
        table.row(row);
    }
    table
}
