//! The tables: endpoints, failures, rules.

use std::collections::BTreeMap;

use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::{EndpointKey, EndpointStats, Part, RowKind};
use stampede_stats::histogram::{TIMES_DIGITS, Times};

use super::shown_part;
use crate::run::merged::RowRates;
use crate::run::state::Run;
use crate::view::{EndpointRow, FailureRow, Phase};

use std::sync::Arc;

/// Failures shown.
const MAX_FAILURES: usize = 200;

impl Run {
    /// The rows of all endpoints, that of all together, and the busiest in full.
    pub(super) fn make_tables(&mut self) {
        let rates = match self.stop.filter(|_| self.phase == Phase::Finished) {
            // In the end those of the whole run, which the report has too.
            Some(stop) => self.merged.rates_of_run(stop.at.saturating_sub(self.setup.plan.load.warmup)),
            None => self.merged.rates(self.watermark),
        };
        let totals = &self.merged.totals;
        let mut all = Times::new(TIMES_DIGITS);
        // One histogram for all rows, one after the other.
        let mut times = Times::new(TIMES_DIGITS);
        let part = shown_part(self.phase, self.watermark, self.setup.plan.load.warmup);
        let keys = sorted(&totals.endpoints, part);
        let rows = keys.iter().map(|(key, stats)| {
            times.clear();
            times.add(&stats.ok);
            times.add(&stats.failed);
            if key.is_request() {
                all.add(&times);
            }
            endpoint_row(Some(key), stats.counts, &times, &rates)
        });
        self.shown.endpoints = Arc::new(rows.collect());
        let requests = if part == Part::WarmUp { totals.warmup } else { totals.requests() };
        self.shown.aggregated = endpoint_row(None, requests, &all, &rates);
        self.shown.details = Arc::new(self.details(part));
    }

    pub(super) fn failure_rows(&self) -> Vec<FailureRow> {
        let mut rows: Vec<_> = self
            .merged
            .totals
            .errors
            .iter()
            .map(|(key, count)| FailureRow {
                method: key.endpoint.method.clone(),
                name: match key.endpoint.part {
                    Part::Measured => key.endpoint.name.clone(),
                    Part::WarmUp => format!("{} (warm-up)", key.endpoint.name),
                },
                kind: key.kind,
                message: key.message.clone(),
                count: count.count,
                first_s: count.first_s,
                last_s: count.last_s,
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows.truncate(MAX_FAILURES);
        rows
    }
}

/// A row of the statistics with its key.
pub(super) type Row<'a> = (&'a EndpointKey, &'a EndpointStats<u64>);

/// The rows of a part: requests, groups, what is around the test; each by name, then method. What `fail` books on tasks is
/// among the failures.
pub(super) fn sorted(endpoints: &BTreeMap<EndpointKey, EndpointStats<u64>>, part: Part) -> Vec<Row<'_>> {
    let shown = |key: &EndpointKey| match key.kind {
        RowKind::Request | RowKind::Group => key.part == part,
        RowKind::Aside => true,
        RowKind::Task | RowKind::Class => false,
    };
    let mut rows: Vec<_> = endpoints.iter().filter(|(key, _)| shown(key)).collect();
    rows.sort_by(|(a, _), (b, _)| (a.kind, &a.name, &a.method).cmp(&(b.kind, &b.name, &b.method)));
    rows
}

fn endpoint_row(
    key: Option<&EndpointKey>,
    counts: RequestCounts,
    times: &Times<u64>,
    rates: &BTreeMap<EndpointKey, RowRates>,
) -> EndpointRow {
    let shown = times.percentiles_ms(&[50.0, 90.0, 95.0, 99.0]);
    let rate = match key {
        Some(key) if key.part == Part::Measured => rates.get(key).copied().unwrap_or_default(),
        Some(key) => rates.get(&key.clone().in_part(Part::Measured)).copied().unwrap_or_default(),
        None => {
            let requests = rates.iter().filter(|(key, _)| key.is_request());
            requests.fold(RowRates::default(), |sum, (_, rate)| sum.plus(rate))
        }
    };
    EndpointRow {
        kind: key.map_or(RowKind::Request, |key| key.kind),
        method: key.map_or_else(String::new, |key| key.method.clone()),
        name: key.map_or_else(|| "Aggregated".to_owned(), |key| key.name.clone()),
        requests: counts.completed(),
        failures: counts.failed,
        avg: times.mean_ms(),
        min: times.min_ms(),
        max: times.max_ms(),
        med: shown.first().copied(),
        p90: shown.get(1).copied(),
        p95: shown.get(2).copied(),
        p99: shown.get(3).copied(),
        rps: rate.requests,
        failures_per_s: rate.failures,
        bytes_in_per_s: rate.bytes_in,
        bytes_out_per_s: rate.bytes_out,
    }
}
