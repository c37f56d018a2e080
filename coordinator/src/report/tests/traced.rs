//! No report has a figure of its own: every number that stands in a cell of `report.md`, `report.html` or the CSV files is one of
//! `report.json`, written as that format writes numbers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fixtures;
use crate::report::text::{figure, percent};
use crate::report::{Format, Report, csv};
use crate::result::RunResult;

/// Every number of the file, and what is made of two of them: failures and their share of the requests.
fn numbers(value: &Value, into: &mut Vec<f64>) {
    match value {
        Value::Number(number) => into.extend(number.as_f64()),
        Value::Array(items) => items.iter().for_each(|item| numbers(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| numbers(field, into)),
        // Labels and what was changed by hand are texts, and may be numbers.
        Value::String(text) => into.extend(text.parse::<f64>()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// How a report may write the numbers of `report.json`.
fn written(report: &Report) -> BTreeSet<String> {
    let mut all = Vec::new();
    let json = Format::Json.render(report).expect("renders");
    numbers(&serde_json::from_str(&json).expect("JSON"), &mut all);
    let mut written = BTreeSet::new();
    for number in all {
        written.extend([figure(number), number.to_string(), percent_of(number)]);
        written.extend((0..7).map(|decimals| format!("{number:.decimals$}")));
        written.insert(format!("{:.0}%", number * 100.0));
    }
    for row in report.endpoints.iter().chain(&report.groups).chain(&report.asides).chain([&report.totals]) {
        written.insert(percent(row.failures, row.requests));
        // What had no status.
        let answered: u64 = row.statuses.values().sum();
        written.insert((row.requests - answered).to_string());
        // Locust has the mean size of a body.
        let body = row.bytes_in as f64 / row.requests.max(1) as f64;
        written.insert(format!("{body:?}"));
    }
    written
}

fn percent_of(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// The numbers of a cell: `8 (4.57%)` has two. A cell that is no number, or a time of day, has none.
fn figures(cell: &str) -> Vec<String> {
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '%' | '-' | '(' | ')' | ' ');
    if !cell.chars().all(is_of_number) || !cell.contains(|c: char| c.is_ascii_digit()) {
        return Vec::new();
    }
    let parts = cell.split([' ', '(', ')']).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn cells_of_markdown(text: &str) -> Vec<String> {
    let is_row = |line: &str| line.starts_with('|');
    // The first line of a table has its titles, the second one dashes.
    let lines: Vec<_> = text.lines().collect();
    let rows = lines.windows(3).filter(|line| line.iter().all(|line| is_row(line))).map(|line| line[2]);
    rows.flat_map(|row| row.split('|').map(|cell| cell.trim().replace('*', ""))).collect()
}

fn cells_of_html(text: &str) -> Vec<String> {
    let body = text.split("<script").next().expect("the body");
    let cells = body.split("<td").skip(1).filter_map(|cell| cell.split_once('>')?.1.split_once("</td>"));
    cells.map(|(cell, _)| cell.to_owned()).collect()
}

fn cells_of_csv(text: &str) -> Vec<String> {
    text.lines()
        .skip(1)
        .flat_map(|row| row.split(',').map(|cell| cell.trim_matches('"').to_owned()))
        .collect()
}

/// Every number of these cells that the file does not have.
fn strangers(cells: &[String], written: &BTreeSet<String>) -> Vec<String> {
    let all = cells.iter().flat_map(|cell| figures(cell));
    all.filter(|figure| !written.contains(figure)).collect()
}

fn check(name: &str, result: &RunResult) -> usize {
    let report = Report::from_result(result);
    let written = written(&report);
    let render = |format: Format| format.render(&report).expect("renders");
    // The history is cumulative: `formats` holds its end against the file's rows.
    let [stats, _, failures, exceptions] = csv::texts(&report);
    let all = [
        ("md", cells_of_markdown(&render(Format::Markdown))),
        ("html", cells_of_html(&render(Format::Html))),
        ("csv", [stats, failures, exceptions].iter().flat_map(|text| cells_of_csv(text)).collect()),
    ];
    let mut seen = 0;
    for (format, cells) in all {
        assert_eq!(strangers(&cells, &written), Vec::<String>::new(), "{name}.{format}");
        seen += cells.iter().map(|cell| figures(cell).len()).sum::<usize>();
    }
    seen
}

#[test]
fn every_figure_is_one_of_the_json_report() {
    for (name, result) in [
        ("passing", fixtures::passing()),
        ("failing", fixtures::failing()),
        ("lost_worker", fixtures::lost_worker()),
        ("no_request", fixtures::no_request()),
        ("arrivals", fixtures::arrivals()),
        ("iterations", fixtures::iterations()),
        ("rows_of_every_kind", fixtures::rows_of_every_kind()),
        ("limited", fixtures::limited()),
    ] {
        let seen = check(name, &result);
        assert!(seen > 10, "{name}: {seen} figures");
    }
}

#[test]
fn a_figure_that_is_none_is_noticed() {
    let report = Report::from_result(&fixtures::passing());
    let cells = ["503".to_owned(), "12.345 (0.00%)".to_owned(), "00:41".to_owned()];
    assert_eq!(strangers(&cells, &written(&report)), ["12.345"]);
}
