//! Figures as lines of StatsD: plain ones, with everything in the name, or DogStatsD's, with tags.
//!
//! Counters are what came since the figures delivered before; gauges are as they are. Response times are gauges of percentiles:
//! a sample for each request would be a second load test, of the receiver.

use std::collections::BTreeMap;
use std::fmt::Write;

use stampede_stats::endpoint::RowKind;

use super::series::given;
use crate::figures::{Figures, Row};

/// Most of a name or tag from outside that is written.
const MAX_WORD: usize = 100;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `stampede.requests.GET._cart.ok:3|c`.
    Plain,
    /// `stampede.requests:3|c|#method:GET,name:/cart,outcome:ok`.
    Dog,
}

/// What kind of number it is, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// The lines for `now`, each without its end. `before`: the figures that were delivered last.
pub fn lines(now: &Figures, before: Option<&Figures>, dialect: Dialect) -> Vec<String> {
    let mut lines = Lines { dialect, common: common(now), written: Vec::new() };
    run(&mut lines, now, before);
    let known: BTreeMap<_, _> =
        before.iter().flat_map(|before| &before.rows).map(|row| (id(row), row)).collect();
    for row in &now.rows {
        self::row(&mut lines, row, known.get(&id(row)).copied());
    }
    for worker in &now.workers {
        let tags = [("worker", &*worker.name)];
        lines.gauge("worker_users", tags, worker.users.into());
        lines.gauge("worker_outbox", tags, worker.outbox.into());
        let known = [("worker_cpu_ratio", worker.cpu), ("worker_lag_ms", worker.lag_ms)];
        known.into_iter().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| {
            lines.gauge(name, tags, value);
        });
    }
    for rule in &now.thresholds {
        if let Some(holds) = rule.holds {
            lines.gauge("threshold_holds", [("rule", &*rule.rule)], is(holds));
        }
    }
    lines.written
}

fn run(lines: &mut Lines, now: &Figures, before: Option<&Figures>) {
    lines.gauge("users", [], now.users.into());
    lines.gauge("users_wanted", [], now.users_wanted.into());
    lines.gauge("in_flight", [], now.in_flight as f64);
    lines.gauge("oldest_in_flight_ms", [], now.oldest_in_flight.as_secs_f64() * 1e3);
    lines.gauge("generator_limited", [], is(now.generator_limited));
    if let Some(rate) = now.arrivals_per_s {
        lines.gauge("arrival_rate", [], rate);
    }
    let (now, before) = (&now.iterations, before.map(|before| before.iterations).unwrap_or_default());
    lines.counter("iterations_begun", [], now.begun, before.begun);
    for (outcome, now, before) in [
        ("completed", now.completed, before.completed),
        ("failed", now.failed, before.failed),
        ("cancelled", now.cancelled, before.cancelled),
        ("dropped", now.dropped, before.dropped),
    ] {
        lines.counter("iterations", [("outcome", outcome)], now, before);
    }
}

fn row(lines: &mut Lines, row: &Row, before: Option<&Row>) {
    let (counts, known) = (&row.counts, before.map(|row| row.counts).unwrap_or_default());
    let of_kind = |kind: &str| {
        let failures = before.iter().flat_map(|row| &row.failures);
        failures.filter(|(known, _)| *known == kind).map(|(_, count)| *count).sum()
    };
    let [method, name] = [("method", &*row.method), ("name", &*row.name)];
    let outcomes = [("ok", counts.ok, known.ok), ("cancelled", counts.cancelled, known.cancelled)];
    let metric = match row.kind {
        // Those of a class, which are the same requests once more, are not exported.
        RowKind::Request | RowKind::Class => "requests",
        RowKind::Aside => "aside_requests",
        RowKind::Group => {
            for (outcome, now, before) in
                outcomes.into_iter().chain([("failed", counts.failed, known.failed)])
            {
                lines.counter("group_passes", [name, ("outcome", outcome)], now, before);
            }
            return percentiles(lines, "group_duration_ms", [name], row);
        }
        RowKind::Task => {
            for (kind, count) in &row.failures {
                lines.counter("task_failures", [name, ("kind", *kind)], *count, of_kind(kind));
            }
            return;
        }
    };
    for (outcome, now, before) in outcomes {
        lines.counter(metric, [method, name, ("outcome", outcome)], now, before);
    }
    for (kind, count) in &row.failures {
        let tags = [method, name, ("outcome", "failed"), ("kind", *kind)];
        lines.counter(metric, tags, *count, of_kind(kind));
    }
    if row.kind == RowKind::Request {
        lines.counter("requests_started", [method, name], counts.started, known.started);
        lines.counter("received_bytes", [method, name], counts.bytes_in, known.bytes_in);
        lines.counter("sent_bytes", [method, name], counts.bytes_out, known.bytes_out);
        lines.counter("redirects", [method, name], counts.hops, known.hops);
        percentiles(lines, "request_duration_ms", [method, name], row);
    }
}

fn percentiles<const N: usize>(lines: &mut Lines, metric: &str, tags: [(&str, &str); N], row: &Row) {
    let Some(values) = row.recent.percentiles_ms else { return };
    for (percentile, value) in ["p50", "p95", "p99"].into_iter().zip(values) {
        let tags = tags.into_iter().chain([("percentile", percentile)]);
        lines.push(metric, tags, &value.to_string(), Kind::Gauge);
    }
}

type Id<'a> = (RowKind, &'a str, &'a str);

fn id(row: &Row) -> Id<'_> {
    (row.kind, &row.method, &row.name)
}

/// Tags that every line of a run has, where there are tags. Not the run's id: receivers keep, and charge for, each set of tags.
fn common(now: &Figures) -> String {
    let mut common = format!(",scenario:{}", tag(&now.identity.scenario));
    for (name, value) in given(&now.identity) {
        let _ = write!(common, ",{name}:{}", tag(value));
    }
    common
}

struct Lines {
    dialect: Dialect,
    common: String,
    written: Vec<String>,
}

impl Lines {
    fn counter<const N: usize>(&mut self, metric: &str, tags: [(&str, &str); N], now: u64, before: u64) {
        let more = now.saturating_sub(before);
        if more > 0 {
            self.push(metric, tags, &more.to_string(), Kind::Counter);
        }
    }

    fn gauge<const N: usize>(&mut self, metric: &str, tags: [(&str, &str); N], value: f64) {
        self.push(metric, tags, &value.to_string(), Kind::Gauge);
    }

    fn push<'a>(
        &mut self,
        metric: &str,
        tags: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: &str,
        kind: Kind,
    ) {
        let kind = match kind {
            Kind::Counter => 'c',
            Kind::Gauge => 'g',
        };
        let mut line = format!("stampede.{metric}");
        match self.dialect {
            Dialect::Plain => {
                tags.into_iter().for_each(|(_, value)| {
                    line.push('.');
                    line.push_str(&node(value));
                });
                let _ = write!(line, ":{value}|{kind}");
            }
            Dialect::Dog => {
                let tags = tags.into_iter().map(|(name, value)| format!(",{name}:{}", tag(value)));
                let tags = tags.collect::<String>() + &self.common;
                let _ = write!(line, ":{value}|{kind}|#{}", tags.trim_start_matches(','));
            }
        }
        self.written.push(line);
    }
}

/// A part of a plain name.
fn node(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let node: String = text.chars().take(MAX_WORD).map(allowed).collect();
    if node.is_empty() { "_".to_owned() } else { node }
}

/// A tag's value.
fn tag(text: &str) -> String {
    let allowed =
        |c: char| if c.is_control() || c.is_whitespace() || matches!(c, '|' | ',' | '#') { '_' } else { c };
    text.chars().take(MAX_WORD).map(allowed).collect()
}

fn is(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}
