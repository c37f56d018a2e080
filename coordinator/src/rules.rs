//! Whether rules hold: each is compared with what was measured, over the whole run or over some seconds of it.
//!
//! Pure. Percentiles come from histograms that were merged, never from other percentiles. What nobody measured holds nothing.

use std::collections::BTreeMap;

use stampede_scenarios::describe::per_second;
use stampede_scenarios::threshold::{Clock, Figure, Metric, Rule, Scope, Unit};
use stampede_stats::counts::IterationCounts;
use stampede_stats::endpoint::{EndpointKey, EndpointStats, Part, RowKind};
use stampede_stats::histogram::{TIMES_DIGITS, Times};

use crate::format;
use crate::result::InWindow;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// By row.
    pub rows: &'a BTreeMap<EndpointKey, EndpointStats<u64>>,
    /// What rates are made from.
    pub in_window: &'a BTreeMap<EndpointKey, InWindow>,
    /// And what they are divided by, s.
    pub seconds: f64,
    /// What became of iterations.
    pub iterations: IterationCounts,
    /// Planned and not begun.
    pub dropped: u64,
}

/// A rule and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// As it was written.
    pub rule: String,
    /// What was measured, in the rule's unit: ms, a second, a part from 0 to 1, or a count; `None` without a sample.
    pub observed: Option<f64>,
    /// The same, as it is shown.
    pub shown: String,
    /// How far that is on the right side of the limit, as a part of it.
    pub margin: Option<f64>,
    /// Whether it holds.
    pub passed: bool,
}

/// Compares a rule with what was measured.
pub fn judge(rule: &Rule, seen: &Seen<'_>) -> Judged {
    let observed = observe(rule, seen);
    Judged {
        rule: rule.to_string(),
        observed,
        shown: observed.map_or_else(|| "no sample".to_owned(), |value| shown(rule.metric.unit(), value)),
        margin: observed.and_then(|value| rule.margin(value)),
        passed: observed.is_some_and(|value| rule.holds(value)),
    }
}

fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Time => format!("{} ms", format::ms(value)),
        Unit::PerSecond => per_second(value),
        Unit::Part => format!("{:.2}%", value * 100.0),
        Unit::Count => format!("{value}"),
    }
}

fn observe(rule: &Rule, seen: &Seen<'_>) -> Option<f64> {
    match rule.metric {
        Metric::Dropped => Some(seen.dropped as f64),
        Metric::IterationErrorRate => part(seen.iterations.failed, seen.iterations.ended()),
        metric if rule.scope == Scope::Each => {
            let each = rows(rule, seen).filter_map(|row| of_rows(metric, &rule.scope, &[row], seen));
            each.reduce(|a, b| rule.worse(a, b))
        }
        metric => of_rows(metric, &rule.scope, &rows(rule, seen).collect::<Vec<_>>(), seen),
    }
}

type Row<'a> = (&'a EndpointKey, &'a EndpointStats<u64>);

/// The rows that a rule is of.
fn rows<'a>(rule: &'a Rule, seen: &Seen<'a>) -> impl Iterator<Item = Row<'a>> {
    let is_of = |(key, _): &Row<'a>| match &rule.scope {
        Scope::All | Scope::Ok | Scope::Each => key.is_total(),
        Scope::Endpoint(method, name) => {
            key.is_total() && key.name == *name && method.as_ref().is_none_or(|method| key.method == *method)
        }
        Scope::Group(name) => key.kind == RowKind::Group && key.part == Part::Measured && key.name == *name,
    };
    seen.rows.iter().filter(is_of)
}

/// A metric over some rows together; `None` where nothing was completed.
fn of_rows(metric: Metric, scope: &Scope, rows: &[Row<'_>], seen: &Seen<'_>) -> Option<f64> {
    let completed: u64 = rows.iter().map(|(_, stats)| stats.counts.completed()).sum();
    let failed: u64 = rows.iter().map(|(_, stats)| stats.counts.failed).sum();
    let rate = |count: fn(&InWindow) -> u64| {
        let counts = rows.iter().filter_map(|(key, _)| seen.in_window.get(*key)).map(count);
        (completed > 0 && seen.seconds > 0.0).then(|| counts.sum::<u64>() as f64 / seen.seconds)
    };
    match metric {
        Metric::Requests => Some(completed as f64),
        Metric::ErrorRate => part(failed, completed),
        Metric::Rps => rate(|window| window.requests),
        Metric::FailuresPerS => rate(|window| window.failures),
        Metric::Time(clock, figure) => {
            let mut times = Times::new(TIMES_DIGITS);
            for (_, stats) in rows {
                match clock {
                    Clock::Response if *scope == Scope::Ok => times.add(&stats.ok),
                    Clock::Response => {
                        times.add(&stats.ok);
                        times.add(&stats.failed);
                    }
                    Clock::FirstByte => times.add(&stats.ttfb),
                    Clock::Service => times.add(&stats.service),
                }
            }
            match figure {
                Figure::Percentile(percent) => times.percentile_ms(percent),
                Figure::Avg => times.mean_ms(),
                Figure::Min => times.min_ms(),
                Figure::Max => times.max_ms(),
            }
        }
        Metric::Dropped | Metric::IterationErrorRate => None,
    }
}

fn part(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use stampede_scenarios::threshold::parse;
    use stampede_stats::counts::RequestCounts;

    use super::*;

    fn stats(ok_ms: &[u64], failed_ms: &[u64]) -> EndpointStats<u64> {
        let mut stats = EndpointStats::<u64>::default();
        for ms in ok_ms {
            stats.ok.record(ms * 1_000_000);
        }
        for ms in failed_ms {
            stats.failed.record(ms * 1_000_000);
        }
        let (ok, failed) = (ok_ms.len() as u64, failed_ms.len() as u64);
        stats.counts = RequestCounts { started: ok + failed, ok, failed, ..RequestCounts::default() };
        stats
    }

    fn judged(rule: &str, rows: &BTreeMap<EndpointKey, EndpointStats<u64>>) -> (Option<f64>, bool) {
        let window = |stats: &EndpointStats<u64>| InWindow {
            requests: stats.counts.completed(),
            failures: stats.counts.failed,
        };
        let in_window = rows.iter().map(|(key, stats)| (key.clone(), window(stats))).collect();
        let iterations = IterationCounts { begun: 10, completed: 8, failed: 2, ..IterationCounts::default() };
        let seen = Seen { rows, in_window: &in_window, seconds: 2.0, iterations, dropped: 3 };
        let judged = judge(&parse(rule).expect(rule), &seen);
        (judged.observed.map(|value| (value * 1e3).round() / 1e3), judged.passed)
    }

    #[test]
    fn every_metric_and_scope() {
        let rows = BTreeMap::from([
            (EndpointKey::new("GET", "/a"), stats(&[10, 20, 30, 40], &[])),
            (EndpointKey::new("POST", "/a"), stats(&[100], &[200])),
        ]);
        for (rule, observed, passed) in [
            ("p50 < 31ms", Some(30.0), true),
            ("p100 of \"GET /a\" <= 40ms", Some(40.0), true),
            ("max of \"/a\" < 200ms", Some(200.0), false),
            ("max of ok < 200ms", Some(100.0), true),
            ("avg of \"POST /a\" == 150ms", Some(150.0), true),
            ("min > 10ms", Some(10.0), false),
            ("max of each < 100ms", Some(200.0), false),
            ("rps >= 3", Some(3.0), true),
            ("rps of each > 1", Some(1.0), false),
            ("failures_per_s < 1/s", Some(0.5), true),
            ("error_rate < 20%", Some(0.167), true),
            ("error_rate of each < 20%", Some(0.5), false),
            ("requests of \"POST /a\" == 2", Some(2.0), true),
            ("dropped == 0", Some(3.0), false),
            ("iteration_error_rate <= 20%", Some(0.2), true),
            ("p95 of \"/b\" < 1s", None, false),
            ("ttfb.p50 < 1s", None, false),
            ("p95 of group \"g\" < 1s", None, false),
            ("requests of \"/b\" < 5", Some(0.0), true),
        ] {
            let (value, holds) = judged(rule, &rows);
            // To the resolution of the histograms.
            let is_it = |(value, wanted): (f64, f64)| (value - wanted).abs() <= wanted * 2e-3;
            assert!(value.zip(observed).is_none_or(is_it), "{rule}: {value:?}");
            assert_eq!((value.is_some(), holds), (observed.is_some(), passed), "{rule}");
        }
        assert_eq!(judged("p95 < 1s", &BTreeMap::new()), (None, false));
    }
}
