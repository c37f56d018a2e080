//! Whether rules hold: each is compared with what was measured, over the whole run or over some seconds of it.
//!
//! Pure. Percentiles come from histograms that were merged, never from other percentiles. What nobody measured holds nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use stampede_scenarios::describe::per_second;
use stampede_scenarios::threshold::{Clock, Figure, Metric, Op, Rule, Scope, Unit};
use stampede_stats::counts::IterationCounts;
use stampede_stats::endpoint::{EndpointKey, EndpointStats, Part, RowKind};
use stampede_stats::histogram::{PHASE_DIGITS, TIMES_DIGITS, Times};

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
    /// The same in words; empty where the limit is 0.
    pub room: String,
    /// A rule over windows: which one that is, the worst of them.
    pub window: Option<Stretch>,
    /// Run time at which it ended the run.
    pub ended_at: Option<Duration>,
    /// Whether it holds.
    pub passed: bool,
}

/// Run seconds that a rule was looked at over: the first, and the first that is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// First run second.
    pub from_s: u32,
    /// First run second that is not in it.
    pub to_s: u32,
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |second: u32| format::clock(Duration::from_secs(second.into()));
        write!(f, "{}-{}", clock(self.from_s), clock(self.to_s))
    }
}

/// Compares a rule with what was measured.
pub fn judge(rule: &Rule, seen: &Seen<'_>) -> Judged {
    judge_value(rule, observe(rule, seen), None)
}

/// Compares a rule with a value: that of a stretch of the run, or of all of it.
pub fn judge_value(rule: &Rule, observed: Option<f64>, window: Option<Stretch>) -> Judged {
    let value = observed.map_or_else(|| "no sample".to_owned(), |value| shown_value(rule.metric, value));
    let margin = observed.and_then(|value| rule.margin(value));
    let limit = rule.value().filter(|_| rule.is_of_baseline());
    let limit = limit.map(|value| format!(" ({} {})", sign(rule.op), shown_value(rule.metric, value)));
    Judged {
        rule: format!("{rule}{}", limit.unwrap_or_default()),
        observed,
        shown: window.map_or_else(|| value.clone(), |window| format!("{value} in {window}")),
        margin,
        room: margin.map_or_else(String::new, |margin| room(rule.op, margin)),
        window,
        ended_at: None,
        passed: observed.is_some_and(|value| rule.holds(value)),
    }
}

/// As the limit of a rule is shown that has none of its own.
fn sign(op: Op) -> &'static str {
    match op {
        Op::Less => "<",
        Op::AtMost => "≤",
        Op::More => ">",
        Op::AtLeast => "≥",
        Op::Equal => "=",
    }
}

/// A margin in words: `12 % to spare`, `31 % over`, `8 % short`.
fn room(op: Op, margin: f64) -> String {
    let percent = margin.abs() * 100.0;
    let decimals = usize::from(percent < 9.95);
    let side = match op {
        _ if margin > 0.0 => "to spare",
        Op::Less | Op::AtMost => "over",
        Op::More | Op::AtLeast => "short",
        Op::Equal => "off",
    };
    if margin == 0.0 { "at the limit".to_owned() } else { format!("{percent:.decimals$} % {side}") }
}

/// A value of a metric, with its unit.
pub fn shown_value(metric: Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Time => format!("{} ms", format::plain::ms(value)),
        Unit::PerSecond => per_second(value),
        Unit::Part => format!("{:.2}%", value * 100.0),
        // That of a baseline may lie between two.
        Unit::Count => format!("{}", (value * 100.0).round() / 100.0),
    }
}

/// The value that a rule is compared with; `None` without a sample.
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

/// How much of what a rule is of there is: requests, iterations or arrivals.
pub fn samples(rule: &Rule, seen: &Seen<'_>) -> u64 {
    match rule.metric {
        Metric::Dropped => seen.iterations.planned,
        Metric::IterationErrorRate => seen.iterations.ended(),
        _ => rows(rule, seen).map(|(_, stats)| stats.counts.completed()).fold(0, u64::saturating_add),
    }
}

type Row<'a> = (&'a EndpointKey, &'a EndpointStats<u64>);

/// The rows that a rule is of.
fn rows<'a>(rule: &'a Rule, seen: &Seen<'a>) -> impl Iterator<Item = Row<'a>> {
    seen.rows.iter().filter(|(key, _)| is_of(&rule.scope, key))
}

/// Whether a row is among those that a rule is of. What began in the warm-up is in none.
pub fn is_of(scope: &Scope, key: &EndpointKey) -> bool {
    match scope {
        Scope::All | Scope::Ok | Scope::Each => key.is_total(),
        Scope::Endpoint(method, name) => {
            key.is_total() && key.name == *name && method.as_ref().is_none_or(|method| key.method == *method)
        }
        Scope::Group(name) => is_measured(key, RowKind::Group) && key.name == *name,
        Scope::Class(name) => is_measured(key, RowKind::Class) && key.name == *name,
    }
}

fn is_measured(key: &EndpointKey, kind: RowKind) -> bool {
    key.kind == kind && key.part == Part::Measured
}

/// What was counted and timed of the rows of a rule together, over some seconds.
#[derive(Debug)]
pub struct Sum {
    /// Completed.
    pub completed: u64,
    /// Of these, failed.
    pub failed: u64,
    /// What of both rates are made from.
    pub rated: InWindow,
    /// Of the metric's clock.
    pub times: Times<u64>,
}

impl Sum {
    /// Of nothing yet, for this metric.
    pub fn of(metric: Metric) -> Self {
        // Histograms are added bucket for bucket, so theirs must be the same.
        let digits = match metric {
            Metric::Time(Clock::FirstByte, _) => PHASE_DIGITS,
            _ => TIMES_DIGITS,
        };
        Self { completed: 0, failed: 0, rated: InWindow::default(), times: Times::new(digits) }
    }

    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        (self.completed, self.failed, self.rated) = (0, 0, InWindow::default());
        self.times.clear();
    }

    /// The metric, with `seconds` to divide by; `None` where nothing was completed.
    pub fn value(&self, metric: Metric, seconds: f64) -> Option<f64> {
        let rate = |count: u64| (self.completed > 0 && seconds > 0.0).then(|| count as f64 / seconds);
        match metric {
            Metric::Requests => Some(self.completed as f64),
            Metric::ErrorRate => part(self.failed, self.completed),
            Metric::Rps => rate(self.rated.requests),
            Metric::FailuresPerS => rate(self.rated.failures),
            Metric::Time(_, figure) => match figure {
                Figure::Percentile(percent) => self.times.percentile_ms(percent),
                Figure::Avg => self.times.mean_ms(),
                Figure::Min => self.times.min_ms(),
                Figure::Max => self.times.max_ms(),
            },
            Metric::Dropped | Metric::IterationErrorRate => None,
        }
    }
}

/// A metric over some rows together; `None` where nothing was completed.
fn of_rows(metric: Metric, scope: &Scope, rows: &[Row<'_>], seen: &Seen<'_>) -> Option<f64> {
    let mut sum = Sum::of(metric);
    for (key, stats) in rows {
        sum.completed = sum.completed.saturating_add(stats.counts.completed());
        sum.failed = sum.failed.saturating_add(stats.counts.failed);
        if let Some(window) = seen.in_window.get(*key) {
            sum.rated.requests = sum.rated.requests.saturating_add(window.requests);
            sum.rated.failures = sum.rated.failures.saturating_add(window.failures);
        }
        let Metric::Time(clock, _) = metric else { continue };
        match clock {
            Clock::Response if *scope == Scope::Ok => sum.times.add(&stats.ok),
            Clock::Response => {
                sum.times.add(&stats.ok);
                sum.times.add(&stats.failed);
            }
            Clock::FirstByte => sum.times.add(&stats.ttfb),
            Clock::Service => sum.times.add(&stats.service),
        }
    }
    sum.value(metric, seen.seconds)
}

/// So much of all; `None` of nothing.
pub fn part(of: u64, all: u64) -> Option<f64> {
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
            stats.ttfb.record(ms * 500_000);
        }
        for ms in failed_ms {
            stats.failed.record(ms * 1_000_000);
        }
        let (ok, failed) = (ok_ms.len() as u64, failed_ms.len() as u64);
        stats.counts = RequestCounts { started: ok + failed, ok, failed, ..RequestCounts::default() };
        stats
    }

    fn judged(rule: &str, rows: &BTreeMap<EndpointKey, EndpointStats<u64>>) -> (Option<f64>, bool) {
        let in_window = rows.iter().map(|(key, row)| (key.clone(), InWindow::of(&row.counts))).collect();
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
            (EndpointKey::of(RowKind::Group, "GROUP", "g h"), stats(&[500], &[])),
            (EndpointKey::of(RowKind::Class, "", "shopper"), stats(&[10, 20, 30], &[200])),
            (EndpointKey::of(RowKind::Class, "", "shopper").in_part(Part::WarmUp), stats(&[], &[9000])),
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
            ("ttfb.p75 of \"GET /a\" < 1s", Some(15.0), true),
            ("service.p50 < 1s", None, false),
            ("p95 of group \"g\" < 1s", None, false),
            ("p95 of group \"g h\" < 1s", Some(500.0), true),
            ("max of class shopper < 100ms", Some(200.0), false),
            ("ttfb.p100 of class shopper < 100ms", Some(15.0), true),
            ("rps of class shopper >= 2", Some(2.0), true),
            ("failures_per_s of class shopper < 0.5", Some(0.5), false),
            ("error_rate of class shopper <= 25%", Some(0.25), true),
            ("requests of class shopper == 4", Some(4.0), true),
            ("p95 of class admin < 1s", None, false),
            ("requests of \"/b\" < 5", Some(0.0), true),
        ] {
            let (value, holds) = judged(rule, &rows);
            // To the resolution of the histograms.
            let is_it = |(value, wanted): (f64, f64)| (value - wanted).abs() <= wanted * 5e-3;
            assert!(value.zip(observed).is_none_or(is_it), "{rule}: {value:?}");
            assert_eq!((value.is_some(), holds), (observed.is_some(), passed), "{rule}");
        }
        assert_eq!(judged("p95 < 1s", &BTreeMap::new()), (None, false));
    }

    #[test]
    fn margins_in_words() {
        let told = |rule: &str, value: f64| judge_value(&parse(rule).expect(rule), Some(value), None).room;
        for (rule, value, room) in [
            ("p95 < 500ms", 440.0, "12 % to spare"),
            ("p95 < 500ms", 655.0, "31 % over"),
            ("p95 < 500ms", 500.0, "at the limit"),
            ("p95 <= 500ms", 498.0, "0.4 % to spare"),
            ("rps >= 100", 92.0, "8.0 % short"),
            ("rps > 100", 250.0, "150 % to spare"),
            ("requests == 10", 12.0, "20 % off"),
            ("dropped == 0", 3.0, ""),
        ] {
            assert_eq!(told(rule, value), room, "{rule}: {value}");
        }
    }

    #[test]
    fn what_a_baseline_allows_is_said() {
        for (text, base, value, told) in [
            ("p95 within 10% of baseline", 120.0, 123.0, "(≤ 132 ms): 123 ms, 6.8 % to spare"),
            ("rps within 25% of baseline for 10s or stop", 40.0, 24.0, "(≥ 30/s): 24/s, 20 % short"),
            ("requests within 3% of baseline", 1001.0, 1000.0, "(≥ 970.97): 1000, 3.0 % to spare"),
        ] {
            let mut rule = parse(text).expect(text);
            rule.set_base(base);
            let judged = judge_value(&rule, Some(value), None);
            assert_eq!(
                format!("{}: {}, {}", judged.rule, judged.shown, judged.room),
                format!("{text} {told}")
            );
        }
    }
}
