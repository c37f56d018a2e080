//! Rules and the search in the reports: what was measured against what had to hold.

use std::time::Duration;

use super::model::{SearchReport, Threshold, TryReport, Window};
use super::table::{Align, Cell, Table};
use super::text::{number, round6};
use crate::format::clock;
use crate::result::{SearchResult, SearchTry};
use crate::rules::Judged;

/// A rule for the report.
pub(super) fn threshold(rule: &Judged) -> Threshold {
    Threshold {
        rule: rule.rule.clone(),
        observed: rule.observed.and_then(number),
        shown: rule.shown.clone(),
        margin: rule.margin.and_then(number),
        room: rule.room.clone(),
        window: rule.window.map(|window| Window { from_s: window.from_s, to_s: window.to_s }),
        ended_at_s: rule.ended_at.map(|at| round6(at.as_secs_f64())),
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

/// What is to be said below a table of rules, where there is something.
pub(super) fn below(rules: &[Threshold]) -> Option<&'static str> {
    let windowed = rules.iter().any(|rule| rule.window.is_some());
    windowed.then_some("Of a rule over windows the worst one is shown.")
}

fn holds(passed: bool) -> Cell {
    if passed { Cell::Text("yes".to_owned()) } else { Cell::Strong("no".to_owned()) }
}

/// `, ended the run at 00:41` of the rule that did.
pub(super) fn ended_run(rule: &Threshold) -> String {
    let at = rule.ended_at_s.and_then(|at| Duration::try_from_secs_f64(at).ok());
    at.map_or_else(String::new, |at| format!(", ended the run at {}", clock(at)))
}

/// `612 ms in 00:41-00:51, 22 % over`.
pub(super) fn measured(rule: &Threshold) -> String {
    let room = if rule.room.is_empty() { String::new() } else { format!(", {}", rule.room) };
    format!("{}{room}", rule.shown)
}

/// Rules and whether they hold; `None` without one.
pub(super) fn thresholds(rules: &[Threshold]) -> Option<Table> {
    if rules.is_empty() {
        return None;
    }
    let columns =
        [("Rule", Align::Left), ("Measured", Align::Right), ("Margin", Align::Right), ("Holds", Align::Left)];
    let mut table = Table::new(columns);
    for rule in rules {
        let room = if rule.room.is_empty() { "-".to_owned() } else { rule.room.clone() };
        let ended = ended_run(rule);
        let holds = if ended.is_empty() { holds(rule.passed) } else { Cell::Strong(format!("no{ended}")) };
        table.row(vec![rule.rule.clone().into(), rule.shown.clone().into(), room.into(), holds]);
    }
    Some(table)
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
