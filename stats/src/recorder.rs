//! The load thread's own book: counts beginnings and ends, and closes an interval when run time leaves its second.
//!
//! An interval is closed by the first event (or tick) at or after its end, so everything in it happened before. Handing over
//! is giving away a box; a spare one that came back empty takes its place. No clock is read here: instants are run time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::counts::IterationCounts;
use crate::endpoint::{EndpointKey, Part, RowKind};
use crate::histogram::{PHASE_DIGITS, Times};
use crate::interval::{Gauges, Interval};
use crate::names::Names;
use crate::outcome::{FailureKind, Outcome};
pub use crate::sample::{Connected, IterationEnd, Sample};

/// One load thread's book.
#[derive(Debug)]
pub struct Recorder {
    names: Names,
    current: Box<Interval>,
    /// Closed, not yet handed over. The tick empties it every second.
    closed: VecDeque<Box<Interval>>,
    #[expect(
        clippy::vec_box,
        reason = "the boxes come back from the hand-over and go out again as they are"
    )]
    spares: Vec<Box<Interval>>,
    /// The next instant at which something has to be closed: one comparison for each event.
    until: Duration,
    /// The stop instant: what ends from here on is draining.
    stop_at: Option<Duration>,
    /// What rows count whose names come from values.
    kind: RowKind,
    /// What begins before this run time belongs to the warm-up.
    warm_until: Duration,
    requests_started: u64,
    requests_in_flight: u64,
    iterations_in_flight: u64,
    /// When a request last completed.
    last_end: Duration,
    users: Vec<u32>,
}

impl Recorder {
    /// For endpoints known beforehand (number i is `known[i]`) and `classes` user classes, from run time 0.
    pub fn new(known: Vec<EndpointKey>, classes: usize) -> Self {
        Self {
            names: Names::new(known),
            current: Box::new(Interval::new(0, 1)),
            closed: VecDeque::new(),
            spares: Vec::new(),
            until: Duration::from_secs(1),
            stop_at: None,
            kind: RowKind::Request,
            warm_until: Duration::ZERO,
            requests_started: 0,
            requests_in_flight: 0,
            iterations_in_flight: 0,
            last_end: Duration::ZERO,
            users: vec![0; classes],
        }
    }

    /// With a warm-up of this length: what begins before its end is booked apart.
    #[must_use]
    pub fn with_warmup(mut self, warmup: Duration) -> Self {
        self.warm_until = warmup;
        self
    }

    /// Everything from here on is around the test: names that come from values too.
    pub fn set_aside(&mut self) {
        self.kind = RowKind::Aside;
    }

    /// The part of the run that belongs to what begins at `at`.
    pub fn part(&self, at: Duration) -> Part {
        if at < self.warm_until { Part::WarmUp } else { Part::Measured }
    }

    /// Begins with the second that holds run time `at`; to be called before anything is booked.
    pub fn join(&mut self, at: Duration) {
        let second = u32::try_from(at.as_secs()).unwrap_or(u32::MAX - 1);
        if second > self.current.from_s {
            (self.current.from_s, self.current.to_s) = (second, second + 1);
            self.until = self.next_cut();
        }
    }

    /// The number of an endpoint whose name came from a value.
    pub fn endpoint(&mut self, method: &str, name: &str) -> u32 {
        self.names.number_of(self.kind, method, name)
    }

    /// A request, or a pass through a group, begins. Returns the number of the row it is booked in, for its end: during the
    /// warm-up that is another one.
    pub fn begin(&mut self, endpoint: u32, at: Duration) -> u32 {
        self.roll(at);
        let row = self.row(endpoint, at);
        let index = row as usize;
        let request = u64::from(self.names.is_request(index));
        self.requests_started += request;
        self.requests_in_flight += request;
        self.current.endpoint(index, self.names.key(index)).counts.started += 1;
        row
    }

    fn row(&mut self, endpoint: u32, at: Duration) -> u32 {
        if at < self.warm_until { self.names.warming(endpoint) } else { endpoint }
    }

    /// The number of the row of a task's failures.
    pub fn task(&mut self, name: &str) -> u32 {
        let kind = if self.kind == RowKind::Request { RowKind::Task } else { self.kind };
        self.names.number_of(kind, "TASK", name)
    }

    /// A task fails without a request: by a `fail` step, or because something could not be computed.
    pub fn fail(&mut self, endpoint: u32, kind: FailureKind, at: Duration, message: &str) {
        self.roll(at);
        let index = self.row(endpoint, at) as usize;
        let key = self.names.key(index);
        let counts = &mut self.current.endpoint(index, key).counts;
        counts.started += 1;
        counts.failed += 1;
        let second = self.current.from_s;
        self.current.error(key, kind, message, second);
    }

    /// A pass through a group that began in `row` has ended, `took` after it began. Its failures are its requests'.
    pub fn end_group(&mut self, row: u32, took: Duration, end: IterationEnd, at: Duration) {
        self.roll(at);
        let index = row as usize;
        let stats = self.current.endpoint(index, self.names.key(index));
        match end {
            IterationEnd::Completed => {
                stats.counts.ok += 1;
                stats.ok.record(ns(took));
            }
            IterationEnd::Failed => {
                stats.counts.failed += 1;
                stats.failed.record(ns(took));
            }
            IterationEnd::Cancelled => stats.counts.cancelled += 1,
        }
    }

    /// A request that began has ended. The sample names the row it began in.
    pub fn end(&mut self, sample: &Sample<'_>) {
        self.roll(sample.at);
        let index = sample.endpoint as usize;
        let is_request = self.names.is_request(index);
        self.requests_in_flight -= u64::from(is_request);
        self.book(index, sample);
        if is_request && !matches!(sample.outcome, Outcome::Cancelled) {
            self.last_end = sample.at;
        }
        if let Outcome::Failed { kind, message } = sample.outcome {
            let second = self.current.from_s;
            self.current.error(self.names.key(index), kind, message, second);
        }
    }

    /// The same request has ended in another row as well, which it began in and which has no failures of its own.
    pub fn end_also(&mut self, row: u32, sample: &Sample<'_>) {
        self.roll(sample.at);
        self.book(row as usize, sample);
    }

    fn book(&mut self, index: usize, sample: &Sample<'_>) {
        let stats = self.current.endpoint(index, self.names.key(index));
        stats.counts.sent += u64::from(sample.sent);
        stats.counts.hops += u64::from(sample.hops);
        stats.counts.bytes_in += sample.bytes_in;
        stats.counts.head_bytes_in += sample.head_bytes_in;
        stats.counts.bytes_out += sample.bytes_out;
        match sample.outcome {
            Outcome::Ok => {
                stats.counts.ok += 1;
                stats.ok.record(ns(sample.response));
            }
            Outcome::Failed { .. } => {
                stats.counts.failed += 1;
                stats.failed.record(ns(sample.response));
            }
            Outcome::Cancelled => {
                stats.counts.cancelled += 1;
                return;
            }
        }
        if let Some(status) = sample.status {
            stats.statuses.count(status);
        }
        if let Some(service) = sample.service {
            stats.service.record(ns(service));
        }
        if let Some(ttfb) = sample.ttfb {
            stats.ttfb.record(ns(ttfb));
        }
    }

    fn iterations(&mut self, part: Part) -> &mut IterationCounts {
        match part {
            Part::Measured => &mut self.current.iterations,
            Part::WarmUp => &mut self.current.warmup_iterations,
        }
    }

    /// An iteration begins. Returns the part of the run it belongs to, for its end.
    pub fn begin_iteration(&mut self, at: Duration) -> Part {
        self.roll(at);
        self.iterations_in_flight += 1;
        let part = self.part(at);
        self.iterations(part).begun += 1;
        part
    }

    /// An arrival that was due `late` before `at` begins. Returns the part of the run it belongs to, for its end.
    pub fn begin_arrival(&mut self, late: Duration, at: Duration) -> Part {
        let part = self.begin_iteration(at);
        self.iterations(part).planned += 1;
        self.current.lateness.get_or_insert_with(|| Box::new(Times::new(PHASE_DIGITS))).record(ns(late));
        part
    }

    /// An arrival came due, and there is nobody to run it.
    pub fn drop_arrival(&mut self, at: Duration) {
        self.roll(at);
        let counts = self.iterations(self.part(at));
        counts.planned += 1;
        counts.dropped += 1;
    }

    /// An iteration that began in `part` has ended.
    pub fn end_iteration(&mut self, part: Part, end: IterationEnd, at: Duration) {
        self.roll(at);
        self.iterations_in_flight -= 1;
        let counts = self.iterations(part);
        match end {
            IterationEnd::Completed => counts.completed += 1,
            IterationEnd::Failed => counts.failed += 1,
            IterationEnd::Cancelled => counts.cancelled += 1,
        }
    }

    /// A connection to `host` was made.
    pub fn connected(&mut self, host: &str, connected: Connected, at: Duration) {
        self.roll(at);
        let target = self.current.target(host);
        target.connections += 1;
        connected.dns.into_iter().for_each(|time| target.dns.record(ns(time)));
        connected.connect.into_iter().for_each(|time| target.connect.record(ns(time)));
        connected.tls.into_iter().for_each(|time| target.tls.record(ns(time)));
    }

    /// The thread's probe was this late.
    pub fn lag(&mut self, late: Duration, at: Duration) {
        self.roll(at);
        self.current.lag.get_or_insert_with(|| Box::new(Times::new(PHASE_DIGITS))).record(ns(late));
    }

    /// A user of `class` started (`true`) or ended.
    pub fn user(&mut self, class: usize, alive: bool) {
        let users = &mut self.users[class];
        *users = if alive { *users + 1 } else { users.saturating_sub(1) };
    }

    /// Users alive, by class.
    pub fn users(&self) -> &[u32] {
        &self.users
    }

    /// Requests begun so far.
    pub fn started(&self) -> u64 {
        self.requests_started
    }

    /// Requests begun and not ended.
    pub fn in_flight(&self) -> u64 {
        self.requests_in_flight
    }

    /// Names the stop instant: what ends at or after it is booked apart, as draining. The earliest one named counts; one
    /// that lies in a second already closed means the beginning of the running second.
    pub fn stop_at(&mut self, at: Duration) {
        if !self.current.draining {
            self.stop_at = Some(self.stop_at.map_or(at, |known| known.min(at)));
            self.until = self.next_cut();
        }
    }

    /// Closes what ended at or before `now`. Seconds in which the thread did not get to run are closed too, empty.
    pub fn roll(&mut self, now: Duration) {
        while now >= self.until {
            self.cut();
        }
    }

    fn next_cut(&self) -> Duration {
        let end = Duration::from_secs(u64::from(self.current.to_s));
        match self.stop_at {
            Some(stop) if !self.current.draining => end.min(stop),
            _ => end,
        }
    }

    fn cut(&mut self) {
        let end = Duration::from_secs(u64::from(self.current.to_s));
        let splits = !self.current.draining && self.stop_at.is_some_and(|stop| stop < end);
        let from_s = if splits { self.current.from_s } else { self.current.to_s };
        let draining = self.stop_at.is_some_and(|stop| splits || stop <= end);
        self.close(from_s, draining, splits);
    }

    /// Closes the running second early, at the end of the run.
    pub fn close_last(&mut self) {
        let (next, draining) = (self.current.to_s, self.current.draining);
        self.close(next, draining, false);
    }

    fn close(&mut self, from_s: u32, draining: bool, partial: bool) {
        let mut next = self.spares.pop().unwrap_or_default();
        next.from_s = from_s;
        next.to_s = from_s + 1;
        next.draining = draining;
        let mut closed = std::mem::replace(&mut self.current, next);
        closed.partial = partial;
        closed.gauges = self.gauges();
        self.closed.push_back(closed);
        self.until = self.next_cut();
    }

    fn gauges(&self) -> Gauges {
        Gauges {
            in_flight: self.requests_in_flight,
            iterations_in_flight: self.iterations_in_flight,
            last_end_ns: ns(self.last_end),
            users: self.users.clone(),
            ..Gauges::default()
        }
    }

    /// The oldest closed interval that was not handed over yet.
    pub fn take_closed(&mut self) -> Option<Box<Interval>> {
        self.closed.pop_front()
    }

    /// Takes an emptied interval back for later use.
    pub fn give_spare(&mut self, spare: Box<Interval>) {
        // Two in use and one on its way are enough; what is beyond came from seconds the thread slept through.
        if self.spares.len() < 4 {
            self.spares.push(spare);
        }
    }
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
