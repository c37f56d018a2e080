//! What is told of a run: the body of `--notify`, and the names that a template may use. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::report::Report;

/// What a template may name, beside `label.KEY`.
pub(super) const NAMES: [&str; 17] = [
    "run",
    "scenario",
    "target",
    "verdict",
    "sentence",
    "stop_reason",
    "started_at",
    "ended_at",
    "seed",
    "labels",
    "requests",
    "failures",
    "rps",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "thresholds",
];

/// What stands in a name for a label's value before its key.
pub(super) const LABEL: &str = "label.";

/// The values of [`NAMES`], in their order.
fn values(report: &Report) -> [Value; 17] {
    let (run, totals) = (&report.run, &report.totals);
    let percentiles = &totals.percentiles_ms;
    [
        json!(run.id),
        json!(run.scenario),
        json!(run.target),
        json!(run.verdict.as_str()),
        json!(report.verdict().sentence),
        json!(run.stop_reason),
        json!(run.started_at),
        json!(run.ended_at),
        json!(run.seed),
        json!(run.labels),
        json!(totals.requests),
        json!(totals.failures),
        json!(totals.rps),
        json!(percentiles.p50),
        json!(percentiles.p95),
        json!(percentiles.p99),
        json!(report.thresholds),
    ]
}

/// By name.
pub(super) fn facts(report: &Report) -> BTreeMap<String, Value> {
    let own = NAMES.map(str::to_owned).into_iter().zip(values(report));
    let labels = report.run.labels.iter().map(|(key, value)| (format!("{LABEL}{key}"), json!(value)));
    own.chain(labels).collect()
}

/// The body where there is no template.
pub(super) fn body(report: &Report) -> String {
    let totals = ["requests", "failures", "rps", "p50_ms", "p95_ms", "p99_ms"];
    let (mut whole, mut sums) = (Map::new(), Map::new());
    for (name, value) in NAMES.iter().zip(values(report)) {
        let into = if totals.contains(name) { &mut sums } else { &mut whole };
        into.insert((*name).to_owned(), value);
    }
    whole.insert("totals".to_owned(), Value::Object(sums));
    Value::Object(whole).to_string()
}
