//! Figures as InfluxDB's line protocol. Counts are cumulative, so that a point that is lost takes nothing with it.
//!
//! Tags are text from outside. The protocol escapes commas, equal signs and spaces in them; it has no way for line breaks, and
//! none for backslashes that every version reads alike: these, and other control characters, become `_`.

use std::fmt::Write;

use jiff::Timestamp;
use stampede_stats::endpoint::RowKind;

use super::feed::Tick;
use super::series::given;
use crate::figures::{Figures, Row};

/// The lines, each without its end. Timestamps are in nanoseconds.
pub fn lines(tick: &Tick) -> Vec<String> {
    let figures = &tick.figures;
    let mut lines = Lines { tags: identity(figures), end: end(tick.at), written: Vec::new() };
    run(&mut lines, figures);
    for row in &figures.rows {
        self::row(&mut lines, row);
    }
    for worker in &figures.workers {
        let mut fields = Fields::default();
        fields.text("state", worker.state.as_str());
        fields.count("users", worker.users.into());
        fields.count("requests", worker.requests);
        fields.count("outbox", worker.outbox.into());
        fields.some("cpu_ratio", worker.cpu);
        fields.some("lag_ms", worker.lag_ms);
        lines.push("stampede_workers", &[("worker", &worker.name)], &fields);
    }
    for rule in &figures.thresholds {
        let mut fields = Fields::default();
        fields.some("observed", rule.observed);
        if let Some(holds) = rule.holds {
            fields.push("holds", format_args!("{holds}"));
        }
        lines.push("stampede_thresholds", &[("rule", &rule.rule)], &fields);
    }
    lines.written
}

fn run(lines: &mut Lines, figures: &Figures) {
    let mut fields = Fields::default();
    fields.text("phase", figures.phase_name());
    fields.count("reported_s", figures.second.into());
    fields.count("users", figures.users.into());
    fields.count("users_wanted", figures.users_wanted.into());
    fields.count("in_flight", figures.in_flight);
    fields.number("oldest_in_flight_ms", figures.oldest_in_flight.as_secs_f64() * 1e3);
    fields.some("arrival_rate", figures.arrivals_per_s);
    fields.push("generator_limited", format_args!("{}", figures.generator_limited));
    let iterations = &figures.iterations;
    fields.count("iterations_begun", iterations.begun);
    fields.count("iterations_completed", iterations.completed);
    fields.count("iterations_failed", iterations.failed);
    fields.count("iterations_cancelled", iterations.cancelled);
    fields.count("iterations_dropped", iterations.dropped);
    lines.push("stampede_run", &[], &fields);
}

fn row(lines: &mut Lines, row: &Row) {
    let counts = &row.counts;
    let tags = [("method", &*row.method), ("name", &*row.name)];
    let mut fields = Fields::default();
    if row.kind != RowKind::Task {
        fields.count("started", counts.started);
        fields.count("ok", counts.ok);
        fields.count("cancelled", counts.cancelled);
        fields.number("duration_sum_ms", row.times.sum_s * 1e3);
        fields.count("duration_count", row.times.count);
        fields.count("recent", row.recent.requests);
        fields.count("recent_failed", row.recent.failures);
        for (name, value) in
            ["p50_ms", "p95_ms", "p99_ms"].into_iter().zip(row.recent.percentiles_ms.into_iter().flatten())
        {
            fields.number(name, value);
        }
    }
    fields.count("failed", counts.failed);
    let (measurement, failures) = match row.kind {
        // Those of a class, which are the same requests once more, are not exported.
        RowKind::Request | RowKind::Class => ("stampede_requests", "stampede_failures"),
        RowKind::Group => ("stampede_groups", "stampede_group_failures"),
        RowKind::Task => ("stampede_tasks", "stampede_task_failures"),
        RowKind::Aside => ("stampede_asides", "stampede_aside_failures"),
    };
    if matches!(row.kind, RowKind::Request | RowKind::Aside) {
        fields.count("hops", counts.hops);
        fields.count("bytes_in", counts.bytes_in);
        fields.count("bytes_out", counts.bytes_out);
    }
    lines.push(measurement, &tags, &fields);
    if row.kind == RowKind::Group {
        return;
    }
    for (kind, count) in &row.failures {
        let mut fields = Fields::default();
        fields.count("failed", *count);
        lines.push(failures, &[tags[0], tags[1], ("kind", kind)], &fields);
    }
}

/// Tags of every line.
fn identity(figures: &Figures) -> String {
    let identity = &figures.identity;
    let mut tags = String::new();
    for (name, value) in [("run", &identity.run), ("scenario", &identity.scenario)] {
        tag(&mut tags, name, value);
    }
    for (name, value) in given(identity) {
        tag(&mut tags, &name, value);
    }
    tags
}

fn end(at: Timestamp) -> String {
    format!(" {}", at.as_nanosecond())
}

struct Lines {
    tags: String,
    end: String,
    written: Vec<String>,
}

impl Lines {
    fn push(&mut self, measurement: &str, tags: &[(&str, &str)], fields: &Fields) {
        // A point without a field is none.
        if fields.0.is_empty() {
            return;
        }
        let mut line = measurement.to_owned() + &self.tags;
        for (name, value) in tags {
            tag(&mut line, name, value);
        }
        line.push(' ');
        line.push_str(&fields.0);
        line.push_str(&self.end);
        self.written.push(line);
    }
}

/// Fields as they are written. Their names are of this program.
#[derive(Debug, Default)]
struct Fields(String);

impl Fields {
    fn push(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        let comma = if self.0.is_empty() { "" } else { "," };
        let _ = write!(self.0, "{comma}{name}={value}");
    }

    fn count(&mut self, name: &str, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.push(name, format_args!("{value}i"));
    }

    fn number(&mut self, name: &str, value: f64) {
        // The protocol has no infinite numbers.
        if value.is_finite() {
            self.push(name, format_args!("{value}"));
        }
    }

    fn some(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    /// A word of this program's own, without quotes or backslashes.
    fn text(&mut self, name: &str, value: &str) {
        self.push(name, format_args!("\"{value}\""));
    }
}

/// Writes a tag, unless it is empty: that is the same as none.
pub(super) fn tag(line: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    let _ = write!(line, ",{name}=");
    for c in value.chars() {
        match c {
            ',' | '=' | ' ' => line.extend(['\\', c]),
            '\\' => line.push('_'),
            c if c.is_control() => line.push('_'),
            c => line.push(c),
        }
    }
}
