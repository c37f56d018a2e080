//! What an earlier run measured, for rules that are compared with it: `p95 within 10% of baseline`.
//!
//! A saved run comes in as its `report.json`. Percentiles are taken from the histograms of its rows, merged, as those of a run
//! under way are.

use std::path::{Path, PathBuf};

use stampede_scenarios::threshold::{Clock, Metric, Rule, Scope};
use stampede_stats::endpoint::{EndpointKey, RowKind};

use crate::report::{Endpoint, HistogramError, Report, ReportError, TimesReport, read_json, recorded_times};
use crate::rules::{Sum, is_of, part};

/// Why a run cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReportError),
    /// What a rule is of is not in it.
    #[error("`{rule}`: that run has no {what}")]
    NoRow {
        /// As it was written.
        rule: String,
        /// A request, a group or a class.
        what: String,
    },
    /// It has nothing to compare with.
    #[error("`{rule}`: that run has measured nothing of it")]
    NoSample {
        /// As it was written.
        rule: String,
    },
    /// It has a histogram that is none.
    #[error("`{rule}`: the histogram of `{row}` cannot be read: {source}")]
    Histogram {
        /// As it was written.
        rule: String,
        /// Whose it is.
        row: String,
        /// Why.
        source: HistogramError,
    },
}

/// Reads a saved run.
///
/// # Errors
/// When it is not there or none.
pub fn read(path: &Path) -> Result<Report, BaselineError> {
    Ok(read_json(&PathBuf::from(path))?)
}

/// What `saved` measured of what `rule` is about, in the rule's unit.
///
/// # Errors
/// When it has no such row, or nothing was measured there.
pub fn measured(rule: &Rule, saved: &Report) -> Result<f64, BaselineError> {
    let rows = rows(rule, saved);
    let is_named = matches!(rule.scope, Scope::Endpoint(..) | Scope::Group(_) | Scope::Class(_));
    if is_named && rows.is_empty() {
        return Err(BaselineError::NoRow { rule: rule.to_string(), what: what(&rule.scope) });
    }
    let (accounting, iterations) = (&saved.accounting, &saved.accounting.iterations);
    let completed: u64 = rows.iter().map(|row| row.requests).fold(0, u64::saturating_add);
    let rate = |of: fn(&Endpoint) -> Option<f64>| {
        let rates: Option<Vec<f64>> = rows.iter().map(|row| of(row)).collect();
        rates.filter(|_| completed > 0).map(|rates| rates.iter().sum())
    };
    let value = match rule.metric {
        Metric::Dropped => Some(accounting.dropped as f64),
        Metric::IterationErrorRate => {
            part(iterations.failed, iterations.completed + iterations.failed + iterations.cancelled)
        }
        Metric::Rps => rate(|row| row.rps),
        Metric::FailuresPerS => rate(|row| row.failures_per_s),
        Metric::Requests | Metric::ErrorRate | Metric::Time(..) => sum(rule, &rows)?.value(rule.metric, 0.0),
    };
    value.ok_or_else(|| BaselineError::NoSample { rule: rule.to_string() })
}

/// The rows that a rule is of.
fn rows<'a>(rule: &Rule, saved: &'a Report) -> Vec<&'a Endpoint> {
    let kinds = [
        (RowKind::Request, &saved.endpoints),
        (RowKind::Group, &saved.groups),
        (RowKind::Class, &saved.classes),
    ];
    let all = kinds.into_iter().flat_map(|(kind, rows)| rows.iter().map(move |row| (kind, row)));
    let is_of = |(kind, row): &(RowKind, &Endpoint)| {
        is_of(&rule.scope, &EndpointKey::of(*kind, row.method.as_str(), row.name.as_str()))
    };
    all.filter(is_of).map(|(_, row)| row).collect()
}

fn what(scope: &Scope) -> String {
    match scope {
        Scope::Endpoint(Some(method), name) => format!("request `{method} {name}`"),
        Scope::Endpoint(None, name) => format!("request `{name}`"),
        Scope::Group(name) => format!("group `{name}`"),
        Scope::Class(name) => {
            format!("class `{name}`: requests are counted by class only where a rule is of that class")
        }
        Scope::All | Scope::Ok | Scope::Each => "request".to_owned(),
    }
}

fn sum(rule: &Rule, rows: &[&Endpoint]) -> Result<Sum, BaselineError> {
    let mut sum = Sum::of(rule.metric);
    for row in rows {
        sum.completed = sum.completed.saturating_add(row.requests);
        sum.failed = sum.failed.saturating_add(row.failures);
        let Metric::Time(clock, _) = rule.metric else { continue };
        let times: &[&TimesReport] = match clock {
            Clock::Response if rule.scope == Scope::Ok => &[&row.ok],
            Clock::Response => &[&row.ok, &row.failed],
            Clock::FirstByte => &[&row.ttfb],
            Clock::Service => &[&row.service],
        };
        for times in times {
            let times = recorded_times(times).map_err(|source| BaselineError::Histogram {
                rule: rule.to_string(),
                row: format!("{} {}", row.method, row.name).trim().to_owned(),
                source,
            })?;
            sum.times.merge(&times);
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests;
