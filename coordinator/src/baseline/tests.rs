//! A run that was saved measures what the rule would have measured while it ran.

use std::time::Duration;

use stampede_scenarios::threshold::parse;
use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::{EndpointStats, Part};

use super::*;
use crate::report::tests::fixtures;
use crate::result::{InWindow, RunResult};
use crate::rules::{Seen, judge};

fn stats(ok_us: &[u64], failed_us: &[u64]) -> EndpointStats<u64> {
    let mut stats = EndpointStats::<u64>::default();
    for us in ok_us {
        stats.ok.record(us * 1000);
        stats.ttfb.record(us * 400);
        stats.service.record(us * 900);
    }
    for us in failed_us {
        stats.failed.record(us * 1000);
    }
    let (ok, failed) = (ok_us.len() as u64, failed_us.len() as u64);
    stats.counts = RequestCounts { started: ok + failed, ok, failed, ..RequestCounts::default() };
    stats
}

/// A run of 8 s with rows of every kind, without anything that no rule looks at.
fn run() -> RunResult {
    let many: Vec<u64> = (1..=400).map(|n| n * n).collect();
    let rows = [
        (EndpointKey::new("GET", "/"), stats(&many, &[70_000, 3])),
        (EndpointKey::new("POST", "/"), stats(&[250_000, 130_000_000], &[])),
        (EndpointKey::of(RowKind::Group, "GROUP", "pay"), stats(&[900_000], &[])),
        (EndpointKey::of(RowKind::Class, "", "shopper"), stats(&many[..100], &[1])),
        (EndpointKey::new("GET", "/").in_part(Part::WarmUp), stats(&[9], &[])),
    ];
    let mut result = fixtures::run(&[("GET", "/")], &[], Duration::from_secs(8));
    let totals = &mut result.totals;
    totals.endpoints = rows.into_iter().collect();
    totals.all = RequestCounts::default();
    for row in [("GET", "/"), ("POST", "/")].map(|(method, name)| EndpointKey::new(method, name)) {
        totals.all.add(&totals.endpoints[&row].counts);
    }
    let rated = |row: &EndpointStats<u64>| InWindow::of(&row.counts);
    result.in_window = totals.endpoints.iter().map(|(key, row)| (key.clone(), rated(row))).collect();
    totals.iterations = IterationCounts { begun: 10, completed: 7, failed: 3, ..IterationCounts::default() };
    result.accounting.iterations_begun = 10;
    result.accounting.dropped = 4;
    result.duration = Duration::from_secs(8);
    result
}

#[test]
fn it_is_what_the_rule_would_have_measured() {
    let result = run();
    let saved = Report::from_result(&result);
    let seen = Seen {
        rows: &result.totals.endpoints,
        in_window: &result.in_window,
        seconds: 8.0,
        iterations: result.totals.iterations,
        dropped: 4,
    };
    let metrics = [
        "p0",
        "p50",
        "p99",
        "p99.9",
        "p100",
        "avg",
        "min",
        "max",
        "ttfb.p95",
        "ttfb.max",
        "service.p90",
        "rps",
        "failures_per_s",
        "error_rate",
        "requests",
    ];
    let scopes =
        ["", " of \"GET /\"", " of \"/\"", " of \"POST /\"", " of group \"pay\"", " of class shopper"];
    let all = metrics.iter().flat_map(|metric| scopes.iter().map(move |scope| format!("{metric}{scope}")));
    let mut rules: Vec<String> = all.collect();
    rules.extend(["p95 of ok", "max of ok", "dropped", "iteration_error_rate"].map(str::to_owned));
    for rule in rules {
        let rule = parse(&format!("{rule} within 10% of baseline")).expect("a rule");
        let wanted = judge(&rule, &seen).observed.expect("it has samples");
        let found = measured(&rule, &saved).expect("it is there");
        // A mean comes back from its digits.
        assert!((found - wanted).abs() <= wanted * 1e-9, "{rule}: {found} is not {wanted}");
    }
}

#[test]
fn what_is_not_in_it_is_said() {
    let mut saved = Report::from_result(&run());
    saved.groups.push(Endpoint { method: "GROUP".to_owned(), name: "none".to_owned(), ..empty() });
    saved.endpoints[0].ok.histogram = Some("HIST".to_owned());
    let told = [
        "p95 of \"GET /cart\" within 10% of baseline",
        "rps of \"/cart\" within 10% of baseline",
        "p95 of group \"checkout\" within 10% of baseline",
        "avg of class admin within 10% of baseline",
        "p95 of group \"none\" within 10% of baseline",
        "rps of group \"none\" within 10% of baseline for 10s or stop",
        "p95 within 10% of baseline",
    ];
    let told = told.map(|rule| measured(&parse(rule).expect(rule), &saved).expect_err(rule).to_string());
    insta::assert_snapshot!(told.join("\n"));
}

fn empty() -> Endpoint {
    let mut row = Report::from_result(&run()).groups.remove(0);
    let none = TimesReport::default();
    (row.requests, row.failures, row.rps, row.failures_per_s) = (0, 0, Some(0.0), Some(0.0));
    (row.ok, row.failed, row.service, row.ttfb) = (none.clone(), none.clone(), none.clone(), none);
    row
}

#[test]
fn a_file_that_is_no_saved_run_is_named() {
    let dir = std::env::temp_dir();
    let missing = read(&dir.join("stampede-no-such-run.json")).expect_err("it is not there");
    assert!(missing.to_string().contains("stampede-no-such-run.json"), "{missing}");
}
