//! Rules and the search in the reports: what was measured against what had to hold.

use std::time::Duration;

use super::model::{Report, SearchReport, Threshold, TryReport, Window};
use super::table::{Align, Table};
use super::text::{Place, number, round6, safe};
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

/// The sections of the file that are there only where something was asked.
pub(super) fn sections(report: &Report) -> Vec<(&'static str, String)> {
    let mut sections = Vec::new();
    if !report.thresholds.is_empty() {
        sections.push(("Thresholds", thresholds(&report.thresholds)));
    }
    if let Some(search) = &report.search {
        sections.push(("Search", tries(search)));
    }
    sections
}

fn md(text: &str) -> String {
    safe(text, Place::Markdown)
}

fn holds(passed: bool) -> String {
    if passed { "yes" } else { "**no**" }.to_owned()
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

fn thresholds(rules: &[Threshold]) -> String {
    let columns =
        [("Rule", Align::Left), ("Measured", Align::Right), ("Margin", Align::Right), ("Holds", Align::Left)];
    let mut table = Table::new(columns);
    for rule in rules {
        let room = if rule.room.is_empty() { "-" } else { &rule.room };
        let holds = holds(rule.passed) + &ended_run(rule);
        table.row(vec![md(&rule.rule), md(&rule.shown), room.to_owned(), holds]);
    }
    let mut text = table.render();
    if rules.iter().any(|rule| rule.window.is_some()) {
        text.push_str("\nA rule with `for` is shown with the worst of its windows.\n");
    }
    text
}

fn tries(search: &SearchReport) -> String {
    let mut columns = vec![("Rate".to_owned(), Align::Right), ("Seconds".to_owned(), Align::Left)];
    columns.push(("Requests".to_owned(), Align::Right));
    columns.push(("Dropped".to_owned(), Align::Right));
    let rules = search.tries.first().map_or(&[][..], |first| &first.thresholds);
    columns.extend(rules.iter().map(|rule| (md(&rule.rule), Align::Right)));
    columns.push(("Held".to_owned(), Align::Left));
    let mut table = Table::new(columns);
    for one in &search.tries {
        let what = if one.verifies { " (verified)" } else { "" };
        let mut row = vec![format!("{}/s{what}", one.rate), format!("{} to {}", one.from_s, one.to_s)];
        row.extend([one.requests.to_string(), one.dropped.to_string()]);
        row.extend(one.thresholds.iter().map(|rule| md(&rule.shown)));
        let why = one.why.as_deref().filter(|_| !one.held).map(|why| format!(": {}", md(why)));
        row.push(holds(one.held) + &why.unwrap_or_default());
        table.row(row);
    }
    format!("{}\n\n{}", md(&search.sentence), table.render())
}
