//! One row of the statistics: its key, and what is counted and timed for it in an interval or over a run.

use hdrhistogram::Counter;

use crate::counts::RequestCounts;
use crate::histogram::{PHASE_DIGITS, TIMES_DIGITS, Times, TimesDelta};

/// The name under which everything beyond a limit is collected.
pub const OTHER: &str = "(other)";

/// A row's identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointKey {
    /// `GET`, `POST`, …
    pub method: String,
    /// The request's name.
    pub name: String,
}

impl EndpointKey {
    /// A key of these two.
    pub fn new(method: impl Into<String>, name: impl Into<String>) -> Self {
        Self { method: method.into(), name: name.into() }
    }

    /// The row for names beyond the limit.
    pub fn other() -> Self {
        Self::new("", OTHER)
    }
}

/// Counts and times of one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointStats<C: Counter> {
    /// What became of its requests.
    pub counts: RequestCounts,
    /// Response times of ok requests.
    pub ok: Times<C>,
    /// Response times of failed requests.
    pub failed: Times<C>,
    /// First byte written to last byte read, of completed requests that got a response.
    pub service: Times<C>,
    /// Begin to first byte of the response.
    pub ttfb: Times<C>,
}

impl<C: Counter> Default for EndpointStats<C> {
    fn default() -> Self {
        Self {
            counts: RequestCounts::default(),
            ok: Times::new(TIMES_DIGITS),
            failed: Times::new(TIMES_DIGITS),
            service: Times::new(TIMES_DIGITS),
            ttfb: Times::new(PHASE_DIGITS),
        }
    }
}

impl<C: Counter> EndpointStats<C> {
    /// What was recorded, ready to travel.
    pub fn delta(&self) -> EndpointDelta {
        EndpointDelta {
            counts: self.counts,
            ok: self.ok.delta(),
            failed: self.failed.delta(),
            service: self.service.delta(),
            ttfb: self.ttfb.delta(),
        }
    }

    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        self.counts = RequestCounts::default();
        self.ok.clear();
        self.failed.clear();
        self.service.clear();
        self.ttfb.clear();
    }
}

impl EndpointStats<u64> {
    /// Adds a delta.
    pub fn merge(&mut self, delta: &EndpointDelta) {
        self.counts.add(&delta.counts);
        self.ok.merge(&delta.ok);
        self.failed.merge(&delta.failed);
        self.service.merge(&delta.service);
        self.ttfb.merge(&delta.ttfb);
    }

    /// Adds the times of `other`, not its counts.
    pub(crate) fn add_times(&mut self, other: &Self) {
        self.ok.add(&other.ok);
        self.failed.add(&other.failed);
        self.service.add(&other.service);
        self.ttfb.add(&other.ttfb);
    }

    /// Response times of all completed requests, ok and failed.
    pub fn all_times(&self) -> Times<u64> {
        let mut all = self.ok.clone();
        all.add(&self.failed);
        all
    }
}

/// Counts and recorded times of one endpoint, as they travel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointDelta {
    /// What became of its requests.
    pub counts: RequestCounts,
    /// As in [`EndpointStats`].
    pub ok: TimesDelta,
    /// As in [`EndpointStats`].
    pub failed: TimesDelta,
    /// As in [`EndpointStats`].
    pub service: TimesDelta,
    /// As in [`EndpointStats`].
    pub ttfb: TimesDelta,
}

impl EndpointDelta {
    /// Adds `other`.
    pub fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.ok.merge(&other.ok);
        self.failed.merge(&other.failed);
        self.service.merge(&other.service);
        self.ttfb.merge(&other.ttfb);
    }

    /// Whether the times are well formed and as many as the counts say.
    pub fn is_consistent(&self) -> bool {
        let times = [&self.ok, &self.failed, &self.service, &self.ttfb];
        times.iter().all(|times| times.is_consistent()) && self.is_counted()
    }

    /// Whether the times, each well formed in itself, are as many as the counts say.
    pub fn is_counted(&self) -> bool {
        self.ok.exact.count == self.counts.ok
            && self.failed.exact.count == self.counts.failed
            && self.service.exact.count <= self.counts.completed()
            && self.ttfb.exact.count <= self.counts.completed()
    }
}
