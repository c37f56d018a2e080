//! One row of the statistics: its key, and what is counted and timed for it in an interval or over a run.

use hdrhistogram::Counter;

use crate::counts::RequestCounts;
use crate::histogram::{PHASE_DIGITS, TIMES_DIGITS, Times, TimesDelta};
use crate::statuses::Statuses;

/// The name under which everything beyond a limit is collected.
pub const OTHER: &str = "(other)";

/// What a row counts. Only requests are in totals, rates and identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RowKind {
    /// The same requests once more, by the class of their user: only of classes that somebody asks for. First in order, so that
    /// a class has its row before names run out.
    Class,
    /// Requests of users.
    #[default]
    Request,
    /// Passes through a group of steps: how many, and how long each took.
    Group,
    /// Failures of a task that are no request's.
    Task,
    /// Requests around the test: setup and teardown.
    Aside,
}

impl RowKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Class, Self::Request, Self::Group, Self::Task, Self::Aside];
}

/// To which part of a run something belongs. It is decided where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Part {
    /// The part that is measured.
    #[default]
    Measured,
    /// The warm-up: run and shown, and in no percentile, rate or threshold.
    WarmUp,
}

/// A row's identity. In order: what is measured before the warm-up, then by kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EndpointKey {
    /// Which part of the run its requests began in.
    pub part: Part,
    /// What it counts.
    pub kind: RowKind,
    /// `GET`, `POST`, …; empty for a class.
    pub method: String,
    /// The request's name, or the class's.
    pub name: String,
}

impl EndpointKey {
    /// A measured row of requests.
    pub fn new(method: impl Into<String>, name: impl Into<String>) -> Self {
        Self::of(RowKind::Request, method, name)
    }

    /// A measured row of this kind.
    pub fn of(kind: RowKind, method: impl Into<String>, name: impl Into<String>) -> Self {
        Self { part: Part::Measured, kind, method: method.into(), name: name.into() }
    }

    /// The same row of another part. What happens around the test is in no part of it.
    #[must_use]
    pub fn in_part(self, part: Part) -> Self {
        let part = if self.kind == RowKind::Aside { Part::Measured } else { part };
        Self { part, ..self }
    }

    /// The row for requests with names beyond the limit.
    pub fn other() -> Self {
        Self::new("", OTHER)
    }

    /// The row for names beyond the limit, among those that `key` is one of.
    pub fn other_of(key: &Self) -> Self {
        Self { part: key.part, kind: key.kind, ..Self::other() }
    }

    /// Whether it counts requests of users, in any part of the run.
    pub fn is_request(&self) -> bool {
        self.kind == RowKind::Request
    }

    /// Whether it is in the totals: requests of users, measured.
    pub fn is_total(&self) -> bool {
        self.is_request() && self.part == Part::Measured
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
    /// Completed requests that got a whole response, by its status.
    pub statuses: Statuses,
}

impl<C: Counter> Default for EndpointStats<C> {
    fn default() -> Self {
        Self {
            counts: RequestCounts::default(),
            ok: Times::new(TIMES_DIGITS),
            failed: Times::new(TIMES_DIGITS),
            service: Times::new(TIMES_DIGITS),
            ttfb: Times::new(PHASE_DIGITS),
            statuses: Statuses::default(),
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
            statuses: self.statuses.clone(),
        }
    }

    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        self.counts = RequestCounts::default();
        self.ok.clear();
        self.failed.clear();
        self.service.clear();
        self.ttfb.clear();
        self.statuses.clear();
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
        self.statuses.merge(&delta.statuses);
    }

    /// Adds the times and the statuses of `other`, not its counts.
    pub(crate) fn add_times(&mut self, other: &Self) {
        self.ok.add(&other.ok);
        self.failed.add(&other.failed);
        self.service.add(&other.service);
        self.ttfb.add(&other.ttfb);
        self.statuses.merge(&other.statuses);
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
    /// As in [`EndpointStats`].
    pub statuses: Statuses,
}

impl EndpointDelta {
    /// Adds `other`.
    pub fn merge(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.ok.merge(&other.ok);
        self.failed.merge(&other.failed);
        self.service.merge(&other.service);
        self.ttfb.merge(&other.ttfb);
        self.statuses.merge(&other.statuses);
    }

    /// Whether the times are well formed and as many as the counts of a row of `kind` say.
    pub fn is_consistent(&self, kind: RowKind) -> bool {
        let times = [&self.ok, &self.failed, &self.service, &self.ttfb];
        times.iter().all(|times| times.is_consistent()) && self.is_counted(kind)
    }

    /// Whether times and statuses, each well formed in itself, are as many as the counts of a row of `kind` say. A task's failures take
    /// no time: each has begun and ended at once. Around the test there may be such too.
    pub fn is_counted(&self, kind: RowKind) -> bool {
        if kind == RowKind::Task {
            let failed = self.counts.failed;
            return *self
                == Self {
                    counts: RequestCounts { started: failed, failed, ..RequestCounts::default() },
                    ..Self::default()
                };
        }
        let failed = self.failed.exact.count;
        self.ok.exact.count == self.counts.ok
            && (failed == self.counts.failed || kind == RowKind::Aside && failed < self.counts.failed)
            && self.service.exact.count <= self.counts.completed()
            && self.ttfb.exact.count <= self.counts.completed()
            && self.statuses.total() <= if kind == RowKind::Group { 0 } else { self.counts.completed() }
    }
}
