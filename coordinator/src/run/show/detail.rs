//! One endpoint in full: how its times are spread, and what its requests came to; the hosts.

use std::cmp::Reverse;

use stampede_stats::endpoint::{EndpointStats, Part};
use stampede_stats::histogram::{TIMES_DIGITS, Times};

use super::rows::{Row, sorted};
use crate::run::state::Run;
use crate::view::{EndpointDetail, LatencyBucket, TargetRow, TimesView};

/// Endpoints shown in full: the busiest.
const MAX_DETAILS: usize = 100;

/// Hosts shown: those with most connections.
const MAX_TARGETS: usize = 20;

/// Percentiles of response times, in full.
const PERCENTILES: [f64; 6] = [50.0, 90.0, 95.0, 99.0, 99.9, 99.99];

/// Where a bucket ends and the next begins, in each power of ten: ten of about the same width on a logarithmic scale.
const STEPS: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0];

/// The first bucket ends here, in µs; what is quicker is in it too.
const FIRST_US: f64 = 10.0;

impl Run {
    /// The busiest rows of `part` in full, in the order of the table.
    pub(super) fn details(&mut self, part: Part) -> Vec<EndpointDetail> {
        let mut courses = std::mem::take(&mut self.shown.courses);
        let mut rows: Vec<(usize, Row<'_>)> =
            sorted(&self.merged.totals.endpoints, part).into_iter().enumerate().collect();
        if rows.len() > MAX_DETAILS {
            rows.sort_by_key(|(at, (_, row))| (Reverse(row.counts.completed()), *at));
            rows.truncate(MAX_DETAILS);
            rows.sort_by_key(|(at, _)| *at);
        }
        // One histogram for all rows, one after the other: a new one for each is some hundred KB.
        let mut all = Times::new(TIMES_DIGITS);
        let details = rows
            .into_iter()
            .map(|(_, (key, stats))| EndpointDetail {
                kind: key.kind,
                method: key.method.clone(),
                name: key.name.clone(),
                course: self.course_of(&mut courses, key),
                ..detail(stats, &mut all)
            })
            .collect();
        self.shown.courses = courses;
        details
    }

    pub(super) fn target_rows(&self) -> Vec<TargetRow> {
        let targets = self.merged.totals.targets.iter();
        let mut rows: Vec<_> = targets
            .map(|(host, totals)| TargetRow {
                host: host.clone(),
                connections: totals.connections,
                dns: times_view(&totals.dns),
                connect: times_view(&totals.connect),
                tls: times_view(&totals.tls),
            })
            .collect();
        rows.sort_by_key(|row| Reverse(row.connections));
        rows.truncate(MAX_TARGETS);
        rows
    }
}

/// What there is to say of a row but its name and course; `all` is there to be written over.
fn detail(stats: &EndpointStats<u64>, all: &mut Times<u64>) -> EndpointDetail {
    let counts = stats.counts;
    all.clear();
    all.add(&stats.ok);
    all.add(&stats.failed);
    EndpointDetail {
        started: counts.started,
        under_way: counts.started.saturating_sub(counts.ended()),
        cancelled: counts.cancelled,
        hops: counts.hops,
        bytes_in: counts.bytes_in,
        bytes_out: counts.bytes_out,
        all: times_view(all),
        ok: times_view(&stats.ok),
        failed: times_view(&stats.failed),
        service: times_view(&stats.service),
        ttfb: times_view(&stats.ttfb),
        buckets: buckets(&stats.ok, &stats.failed),
        ..EndpointDetail::default()
    }
}

fn times_view(times: &Times<u64>) -> TimesView {
    TimesView {
        count: times.count(),
        avg: times.mean_ms(),
        min: times.min_ms(),
        max: times.max_ms(),
        percentiles: PERCENTILES.into_iter().zip(times.percentiles_ms(&PERCENTILES)).collect(),
    }
}

/// Where bucket `at` begins, in µs.
fn begin_us(at: usize) -> f64 {
    let Some(at) = at.checked_sub(1) else { return 0.0 };
    let power = i32::try_from(at / STEPS.len()).unwrap_or(i32::MAX);
    FIRST_US * 10_f64.powi(power) * STEPS[at % STEPS.len()]
}

/// Both kinds side by side, from the first bucket that has something to the last.
fn buckets(ok: &Times<u64>, failed: &Times<u64>) -> Vec<LatencyBucket> {
    let mut buckets: Vec<LatencyBucket> = Vec::new();
    let mut add = |times: &Times<u64>, count: fn(&mut LatencyBucket) -> &mut u64| {
        // Times come in ascending order: the bucket is the one of the time before, or further on.
        let mut at = 0;
        for (us, how_many) in times.recorded() {
            while f64::from(us) >= begin_us(at + 1) {
                at += 1;
            }
            while buckets.len() <= at {
                let next = buckets.len();
                buckets.push(LatencyBucket {
                    from_ms: begin_us(next) / 1e3,
                    to_ms: begin_us(next + 1) / 1e3,
                    ..LatencyBucket::default()
                });
            }
            let sum = count(&mut buckets[at]);
            *sum = sum.saturating_add(how_many);
        }
    };
    add(ok, |bucket| &mut bucket.ok);
    add(failed, |bucket| &mut bucket.failed);
    let first = buckets.iter().position(|bucket| bucket.ok + bucket.failed > 0).unwrap_or(buckets.len());
    buckets.split_off(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(us: &[u64]) -> Times<u64> {
        let mut times = Times::new(TIMES_DIGITS);
        for us in us {
            times.record(us * 1000);
        }
        times
    }

    #[test]
    fn buckets_are_of_about_the_same_width_on_a_logarithmic_scale() {
        let begins: Vec<_> = (0..14).map(begin_us).collect();
        let expected = [0.0, 10.0, 12.5, 16.0, 20.0, 25.0, 32.0, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0];
        assert!(begins.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{begins:?}");
    }

    #[test]
    fn ok_and_failed_stand_in_the_same_buckets() {
        let shown = buckets(&times(&[1_000, 1_100, 5_000]), &times(&[2_100, 1_000]));
        let (first, last) = (shown.first().expect("some"), shown.last().expect("some"));
        assert!((first.from_ms - 1.0).abs() < 1e-9 && (first.to_ms - 1.25).abs() < 1e-9, "{first:?}");
        assert_eq!((first.ok, first.failed, shown.len()), (2, 1, 8));
        assert_eq!((shown[3].ok, shown[3].failed, last.ok), (0, 1, 1), "gaps are in it: {shown:?}");
        assert!(buckets(&times(&[]), &times(&[])).is_empty());
    }

    proptest! {
        #[test]
        fn every_time_is_in_one_bucket(
            ok in prop::collection::vec(0_u64..130_000_000, 0..50),
            failed in prop::collection::vec(0_u64..130_000_000, 0..50),
        ) {
            let shown = buckets(&times(&ok), &times(&failed));
            let sum = |of: fn(&LatencyBucket) -> u64| shown.iter().map(of).sum::<u64>();
            prop_assert_eq!(sum(|bucket| bucket.ok), ok.len() as u64);
            prop_assert_eq!(sum(|bucket| bucket.failed), failed.len() as u64);
            prop_assert!(shown.len() <= 75, "{}", shown.len());
            prop_assert!(shown.windows(2).all(|pair| (pair[0].to_ms - pair[1].from_ms).abs() < 1e-9));
            // To the resolution of the histogram: 1 in 1000.
            let least = ok.iter().chain(&failed).min().map(|us| *us as f64 / 1e3);
            let first = shown.first().map(|bucket| (bucket.from_ms, bucket.to_ms));
            prop_assert_eq!(least.is_some(), first.is_some());
            if let (Some(least), Some((from, to))) = (least, first) {
                let least = least.min(120_000.0);
                prop_assert!(from <= least * 1.002 + 0.001 && least < to, "{} in {}..{}", least, from, to);
            }
        }
    }
}
