//! What a run exports while it runs: plain figures, made once a second, read by every exporter.
//!
//! Counts and times are of the measured part of the run, and cumulative, so that an exporter that misses some has lost nothing
//! but resolution. What is of the last second alone is called recent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::RowKind;

use crate::view::{Phase, WorkerState};

/// Rows that are told apart; what comes after them is in one row `(other)` of its kind.
pub const MAX_ROWS: usize = 200;

/// Workers that are told apart.
pub const MAX_WORKERS: usize = 1000;

/// Upper ends of the buckets of response times, in microseconds.
pub const BOUNDS_US: [u32; 19] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000, 60_000_000,
];

/// The kind of failures that were not told apart.
pub const NOT_TOLD_APART: &str = "(other)";

/// Which run it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Unique name of the run.
    pub run: String,
    /// The scenario's name.
    pub scenario: String,
    /// The base URL aimed at.
    pub target: String,
    /// This program's version.
    pub version: String,
    /// Labels given by the user.
    pub labels: BTreeMap<String, String>,
}

/// A run's figures at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Which run it is.
    pub identity: Arc<Identity>,
    /// The start has been named: before that there is nothing to measure.
    pub started: bool,
    /// Where the run stands.
    pub phase: Phase,
    /// The warm-up is under way: nothing is measured yet.
    pub warming_up: bool,
    /// Run seconds for which every live worker has reported.
    pub second: u32,
    /// Run time.
    pub elapsed: Duration,
    /// Users alive.
    pub users: u32,
    /// Users the profile asks for.
    pub users_wanted: u32,
    /// Requests in flight.
    pub in_flight: u64,
    /// How long the oldest of these has been under way.
    pub oldest_in_flight: Duration,
    /// What became of iterations.
    pub iterations: IterationCounts,
    /// Arrivals planned per second now; `None` where users are planned instead.
    pub arrivals_per_s: Option<f64>,
    /// A worker is at its own limit now.
    pub generator_limited: bool,
    /// One for each row, in order of kind, method and name.
    pub rows: Vec<Row>,
    /// Every request of the last second together.
    pub recent: Recent,
    /// In order of arrival, at most [`MAX_WORKERS`]; each name is there once.
    pub workers: Vec<Worker>,
    /// How many workers are in each state.
    pub states: BTreeMap<&'static str, u32>,
    /// The rules of the test; each is there once.
    pub thresholds: Vec<Threshold>,
}

impl Figures {
    /// The rows of one kind.
    pub fn of(&self, kind: RowKind) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }

    /// What became of all requests of users.
    pub fn requests(&self) -> RequestCounts {
        let mut sum = RequestCounts::default();
        self.of(RowKind::Request).for_each(|row| sum.add(&row.counts));
        sum
    }

    /// Where the run stands, as it is shown.
    pub fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::Ramping | Phase::Steady if self.warming_up => "warm-up",
            phase => phase.as_str(),
        }
    }
}

/// One row's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it counts.
    pub kind: RowKind,
    /// `GET`, …; `GROUP`, `TASK`.
    pub method: String,
    /// Its name; text from outside.
    pub name: String,
    /// What became of its requests.
    pub counts: RequestCounts,
    /// Failures by kind: only kinds that occurred. They sum up to those of `counts`.
    pub failures: Vec<(&'static str, u64)>,
    /// Response times.
    pub times: Buckets,
    /// Its last second.
    pub recent: Recent,
}

/// Response times as a cumulative histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Buckets {
    /// How many took at most as long as the bound at the same place in [`BOUNDS_US`] says.
    pub at_most: [u64; BOUNDS_US.len()],
    /// How many there are.
    pub count: u64,
    /// Their sum in s.
    pub sum_s: f64,
}

impl Buckets {
    /// From recorded values in ascending order, (microseconds, how many).
    pub fn of(pairs: &[(u32, u64)], count: u64, sum_ns: u64) -> Self {
        let mut at_most = [0; BOUNDS_US.len()];
        let (mut pairs, mut sum) = (pairs.iter().peekable(), 0_u64);
        for (most, bound) in at_most.iter_mut().zip(BOUNDS_US) {
            while let Some((_, count)) = pairs.next_if(|(us, _)| *us <= bound) {
                sum = sum.saturating_add(*count);
            }
            *most = sum;
        }
        Self { at_most, count, sum_s: sum_ns as f64 / 1e9 }
    }
}

/// What was reported since the figures before: mostly one second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Recent {
    /// Completed.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// 50th, 95th and 99th percentile in ms; `None` where nothing was completed.
    pub percentiles_ms: Option<[f64; 3]>,
}

/// One worker's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// Its name; text from outside.
    pub name: String,
    /// How it is.
    pub state: WorkerState,
    /// Users alive.
    pub users: u32,
    /// Requests completed, warm-up and all.
    pub requests: u64,
    /// CPU of its busiest load thread in the last second, 0 to 1.
    pub cpu: Option<f64>,
    /// 99th percentile of its probe's lag in the last second, in ms.
    pub lag_ms: Option<f64>,
    /// Statistics it holds back: batches not acknowledged and intervals not numbered.
    pub outbox: u32,
}

/// A rule and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// As it was written.
    pub rule: String,
    /// What is measured so far: ms, a number a second, a part from 0 to 1, or a count; `None` without a sample.
    pub observed: Option<f64>,
    /// Whether it holds; `None` without a sample.
    pub holds: Option<bool>,
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn buckets_are_what_counting_gives(values in prop::collection::btree_map(0u32..120_000_000, 1u64..50, 0..60)) {
            let pairs: Vec<_> = values.into_iter().collect();
            let count = pairs.iter().map(|(_, count)| count).sum();
            let buckets = Buckets::of(&pairs, count, 7_000_000_000);
            for (most, bound) in buckets.at_most.iter().zip(BOUNDS_US) {
                let counted: u64 = pairs.iter().filter(|(us, _)| *us <= bound).map(|(_, count)| count).sum();
                prop_assert_eq!(*most, counted);
            }
            prop_assert!(buckets.at_most.is_sorted() && buckets.at_most.iter().all(|most| *most <= count));
            prop_assert!((buckets.sum_s - 7.0).abs() < 1e-12);
        }
    }
}
