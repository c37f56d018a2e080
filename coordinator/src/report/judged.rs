//! Rules and the search in the reports: what was measured against what had to hold.

use super::model::{Report, SearchReport, Threshold, TryReport};
use super::table::{Align, Table};
use super::text::{Place, number, safe};
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

fn thresholds(rules: &[Threshold]) -> String {
    let columns =
        [("Rule", Align::Left), ("Measured", Align::Right), ("Room", Align::Right), ("Holds", Align::Left)];
    let mut table = Table::new(columns);
    for rule in rules {
        table.row(vec![md(&rule.rule), md(&rule.shown), room(rule), holds(rule.passed)]);
    }
    table.render()
        + "\nRoom is how far what was measured is on the right side of the limit, as a part of it.\n"
}

fn room(rule: &Threshold) -> String {
    rule.margin.map_or_else(|| "-".to_owned(), |margin| format!("{:.1}%", margin * 100.0))
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
