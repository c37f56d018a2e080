//! `--live-json`: the course of a run as lines of JSON, one a second, each written whole.
//!
//! The first line says what follows, the last one how the run ended. A file that ends without that was left by a program that
//! did not end by itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use stampede_stats::endpoint::RowKind;

use super::delivery::Tally;
use super::feed::Tick;
use crate::figures::{Figures, Recent, Row};
use crate::report::Report;

/// The format's name and version. Keys are only ever added.
pub const SCHEMA: &str = "stampede.live/1";

/// The first line.
#[derive(Debug, Serialize)]
struct Head<'a> {
    schema: &'static str,
    run: About<'a>,
}

#[derive(Debug, Serialize)]
struct About<'a> {
    id: &'a str,
    scenario: &'a str,
    target: &'a str,
    version: &'a str,
    labels: &'a BTreeMap<String, String>,
}

/// A second.
#[derive(Debug, Serialize)]
struct Line<'a> {
    t: u32,
    time: String,
    phase: &'static str,
    users: u32,
    planned_users: u32,
    #[serde(flatten)]
    counts: Counts,
    rps: f64,
    in_flight: u64,
    iterations: u64,
    dropped: u64,
    generator_limited: bool,
    endpoints: Vec<Endpoint<'a>>,
    thresholds: Vec<Threshold<'a>>,
}

#[derive(Debug, Serialize)]
struct Endpoint<'a> {
    method: &'a str,
    name: &'a str,
    #[serde(flatten)]
    counts: Counts,
}

/// What was completed since the line before, and so far.
#[derive(Debug, Default, Serialize)]
struct Counts {
    requests: u64,
    failures: u64,
    requests_total: u64,
    failures_total: u64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Threshold<'a> {
    rule: &'a str,
    observed: Option<f64>,
    holds: Option<bool>,
}

/// The last line.
#[derive(Debug, Serialize)]
struct Last<'a> {
    end: End<'a>,
}

#[derive(Debug, Serialize)]
struct End<'a> {
    verdict: &'a str,
    stop_reason: &'a str,
    complete: bool,
    generator_limited: bool,
    ended_at: &'a str,
    requests_total: u64,
    failures_total: u64,
}

/// The file, and what its last line said.
#[derive(Debug)]
pub struct Live<W> {
    out: W,
    last: Option<Arc<Tick>>,
}

impl Live<File> {
    /// Opens `path` to add to it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self::new(file))
    }
}

impl<W: Write> Live<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, last: None }
    }

    /// Writes each of `ticks`; must not be called on a thread of a runtime.
    pub(super) fn follow(mut self, mut ticks: broadcast::Receiver<Arc<Tick>>, tally: &Tally) -> Self {
        loop {
            match ticks.blocking_recv() {
                Ok(tick) => match self.write(tick) {
                    Ok(()) => tally.delivered(),
                    Err(error) => tally.failed(error.to_string()),
                },
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return self,
            }
        }
    }

    /// Writes a second.
    pub fn write(&mut self, tick: Arc<Tick>) -> io::Result<()> {
        if self.last.is_none() {
            let about = &tick.figures.identity;
            let run = About {
                id: &about.run,
                scenario: &about.scenario,
                target: &about.target,
                version: &about.version,
                labels: &about.labels,
            };
            put(&mut self.out, &Head { schema: SCHEMA, run })?;
        }
        let last = self.last.as_deref().or(tick.resumed.then_some(&*tick));
        put(&mut self.out, &line(&tick, last))?;
        self.last = Some(tick);
        Ok(())
    }

    /// Writes how the run ended, if anything was written of it.
    pub fn end(&mut self, report: &Report) -> io::Result<()> {
        if self.last.is_none() {
            return Ok(());
        }
        let run = &report.run;
        let end = End {
            verdict: run.verdict.as_str(),
            stop_reason: &run.stop_reason,
            complete: run.complete,
            generator_limited: run.generator_limited,
            ended_at: &run.ended_at,
            requests_total: report.totals.requests,
            failures_total: report.totals.failures,
        };
        put(&mut self.out, &Last { end })
    }
}

/// In one piece, so that whoever reads along, or comes after a crash, has whole lines.
fn put(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    out.write_all(&bytes)?;
    out.flush()
}

fn line<'a>(tick: &'a Tick, last: Option<&'a Tick>) -> Line<'a> {
    let now = &tick.figures;
    let before = last.map(|tick| &tick.figures);
    let known: BTreeMap<_, _> = before
        .iter()
        .flat_map(|before| endpoints(before))
        .map(|row| ((&row.method, &row.name), row))
        .collect();
    let of = |row: &'a Row| {
        let known = known.get(&(&row.method, &row.name)).map(|row| row.counts).unwrap_or_default();
        let before = (known.completed(), known.failed);
        let counts = counts((row.counts.completed(), row.counts.failed), before, &row.recent);
        Endpoint { method: &row.method, name: &row.name, counts }
    };
    let (all, known) = (now.requests(), before.map(Figures::requests).unwrap_or_default());
    let all = counts((all.completed(), all.failed), (known.completed(), known.failed), &now.recent);
    let seconds = now.elapsed.saturating_sub(before.map(|before| before.elapsed).unwrap_or_default());
    Line {
        t: now.second,
        time: format!("{:.3}", tick.at),
        phase: now.phase_name(),
        users: now.users,
        planned_users: now.users_wanted,
        rps: if seconds.is_zero() { 0.0 } else { thousandths(all.requests as f64 / seconds.as_secs_f64()) },
        counts: all,
        in_flight: now.in_flight,
        iterations: now.iterations.begun,
        dropped: now.iterations.dropped,
        generator_limited: now.generator_limited,
        endpoints: endpoints(now).map(of).collect(),
        thresholds: now
            .thresholds
            .iter()
            .map(|rule| Threshold { rule: &rule.rule, observed: rule.observed, holds: rule.holds })
            .collect(),
    }
}

fn endpoints(figures: &Figures) -> impl Iterator<Item = &Row> {
    figures.of(RowKind::Request)
}

/// Of (completed, failed).
fn counts(now: (u64, u64), before: (u64, u64), recent: &Recent) -> Counts {
    let at = |place: usize| recent.percentiles_ms.map(|values| values[place]);
    Counts {
        requests: now.0.saturating_sub(before.0),
        failures: now.1.saturating_sub(before.1),
        requests_total: now.0,
        failures_total: now.1,
        p50_ms: at(0),
        p95_ms: at(1),
        p99_ms: at(2),
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
