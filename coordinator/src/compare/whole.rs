//! The comparison of two runs: every row that both have, and the verdict.

use super::change::{Change, Judgement, Metric, change};
use super::course::{Step, steps};
use super::fit::remarks;
use super::noise::{self, Errors, FEWEST};
use super::quantile::student;
use crate::report::{Endpoint, HistogramError, Report};

/// Of a hundred comparisons of runs of the same thing so many may find a difference, over all rows and figures together.
const FALSE_ALARMS: f64 = 5.0;

/// Requests that a row must have in both runs.
const FEWEST_REQUESTS: u64 = 100;

/// The seed from which steps are drawn anew.
const SEED: u64 = 1;

/// Two runs, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// All requests together, then endpoints and groups by name.
    pub rows: Vec<RowChange>,
    /// Rows that only one run has or that have too few requests or steps, one sentence each; and what else to bear in mind.
    pub remarks: Vec<String>,
    /// Whether anything could be compared.
    pub told: bool,
    /// Of all rows: worse if anything is, else better if anything is.
    pub judgement: Judgement,
    /// Differences of less than this part of the base did not count.
    pub tolerance: f64,
}

/// One row in two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RowChange {
    /// `GET`, …; empty for all together.
    pub method: String,
    /// Its name.
    pub name: String,
    /// Its figures.
    pub changes: Vec<Change>,
}

/// A row that both runs have.
struct Pair<'a> {
    base: &'a Endpoint,
    new: &'a Endpoint,
    errors: Errors,
    /// Degrees of freedom: how well its noise is known.
    freedom: f64,
}

/// Compares `new` with `base`; a difference of less than `tolerance` of the base does not count.
pub fn compare(base: &Report, new: &Report, tolerance: f64) -> Result<Comparison, HistogramError> {
    let mut remarks = remarks(base, new);
    let mut pairs = Vec::new();
    for (base, new) in matched(base, new, &mut remarks) {
        let (base_steps, new_steps) = (steps(base)?, steps(new)?);
        match too_little(base, new, base_steps.len().min(new_steps.len())) {
            Some(why) => remarks.push(why),
            None => pairs.push(Pair {
                base,
                new,
                errors: joined(&base_steps, &new_steps),
                freedom: (noise::pieces(base_steps.len()) + noise::pieces(new_steps.len()) - 2) as f64,
            }),
        }
    }
    // Every figure that is looked at is one more chance of a false alarm (Bonferroni).
    let looks = (pairs.len() * Metric::ALL.len()).max(1) as f64;
    let rows: Vec<_> = pairs.iter().map(|pair| row(pair, looks, tolerance)).collect();
    let any =
        |judgement| rows.iter().any(|row| row.changes.iter().any(|change| change.judgement == judgement));
    let judgement = if any(Judgement::Worse) {
        Judgement::Worse
    } else if any(Judgement::Better) {
        Judgement::Better
    } else {
        Judgement::Same
    };
    Ok(Comparison { told: !rows.is_empty(), rows, remarks, judgement, tolerance })
}

/// The rows of both runs, those of one alone named in `remarks`.
fn matched<'a>(
    base: &'a Report,
    new: &'a Report,
    remarks: &mut Vec<String>,
) -> Vec<(&'a Endpoint, &'a Endpoint)> {
    let rows = |report: &'a Report| report.endpoints.iter().chain(&report.groups);
    let is = |a: &Endpoint, b: &Endpoint| (&a.method, &a.name) == (&b.method, &b.name);
    let mut pairs = vec![(&base.totals, &new.totals)];
    for row in rows(base) {
        match rows(new).find(|other| is(row, other)) {
            Some(other) => pairs.push((row, other)),
            None => remarks.push(format!("Only the base run has {} {}.", row.method, row.name)),
        }
    }
    for row in rows(new).filter(|row| !rows(base).any(|other| is(row, other))) {
        remarks.push(format!("Only the new run has {} {}.", row.method, row.name));
    }
    pairs
}

fn too_little(base: &Endpoint, new: &Endpoint, steps: usize) -> Option<String> {
    let name = format!("{} {}", base.method, base.name);
    let name = name.trim();
    let requests = base.requests.min(new.requests);
    if requests < FEWEST_REQUESTS {
        return Some(format!(
            "{name} has {requests} requests in one of the runs, too few to compare ({FEWEST_REQUESTS})."
        ));
    }
    (steps < FEWEST).then(|| {
        format!("{name} has a course of {steps} whole steps in one of the runs; less than {FEWEST} say nothing of its noise.")
    })
}

/// Standard errors of the differences.
fn joined(base: &[Step], new: &[Step]) -> Errors {
    let (a, b) = (noise::errors(base, SEED), noise::errors(new, SEED.wrapping_add(1)));
    std::array::from_fn(|index| a[index].hypot(b[index]))
}

fn row(pair: &Pair<'_>, looks: f64, tolerance: f64) -> RowChange {
    let errors_allowed = student(1.0 - FALSE_ALARMS / 100.0 / looks / 2.0, pair.freedom);
    let changes = Metric::ALL.into_iter().zip(pair.errors).filter_map(|(metric, error)| {
        let figures = figure(pair.base, metric).zip(figure(pair.new, metric))?;
        Some(change(metric, figures, error, errors_allowed, tolerance))
    });
    RowChange { method: pair.base.method.clone(), name: pair.base.name.clone(), changes: changes.collect() }
}

/// As it stands in the report.
fn figure(row: &Endpoint, metric: Metric) -> Option<f64> {
    match metric {
        Metric::Rps => row.rps,
        Metric::ErrorShare => (row.requests > 0).then(|| row.failures as f64 / row.requests as f64),
        Metric::P50 => row.percentiles_ms.p50,
        Metric::P95 => row.percentiles_ms.p95,
        Metric::P99 => row.percentiles_ms.p99,
    }
}
