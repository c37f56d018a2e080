//! The load thread's own book: counts beginnings and ends, and closes an interval when run time leaves its second.
//!
//! An interval is closed by the first event (or tick) at or after its end, so everything in it happened before. Handing over
//! is giving away a box; a spare one that came back empty takes its place. No clock is read here: instants are run time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::endpoint::EndpointKey;
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
    requests_in_flight: u64,
    iterations_in_flight: u64,
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
            requests_in_flight: 0,
            iterations_in_flight: 0,
            users: vec![0; classes],
        }
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
        self.names.number(method, name)
    }

    /// A request begins.
    pub fn begin(&mut self, endpoint: u32, at: Duration) {
        self.roll(at);
        self.requests_in_flight += 1;
        let index = endpoint as usize;
        self.current.endpoint(index, self.names.key(index)).counts.started += 1;
    }

    /// The number of the row of a task's failures.
    pub fn task(&mut self, name: &str) -> u32 {
        self.names.number("TASK", name)
    }

    /// A task fails without a request.
    pub fn fail(&mut self, endpoint: u32, kind: FailureKind, at: Duration, message: &str) {
        self.roll(at);
        let index = endpoint as usize;
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
        self.requests_in_flight -= 1;
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

    /// A request that began has ended.
    pub fn end(&mut self, sample: &Sample<'_>) {
        self.roll(sample.at);
        self.requests_in_flight -= 1;
        let index = sample.endpoint as usize;
        let key = self.names.key(index);
        let stats = self.current.endpoint(index, key);
        stats.counts.sent += u64::from(sample.sent);
        stats.counts.hops += u64::from(sample.hops);
        stats.counts.bytes_in += sample.bytes_in;
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
        if let Some(service) = sample.service {
            stats.service.record(ns(service));
        }
        if let Some(ttfb) = sample.ttfb {
            stats.ttfb.record(ns(ttfb));
        }
        if let Outcome::Failed { kind, message } = sample.outcome {
            let second = self.current.from_s;
            self.current.error(key, kind, message, second);
        }
    }

    /// An iteration begins.
    pub fn begin_iteration(&mut self, at: Duration) {
        self.roll(at);
        self.iterations_in_flight += 1;
        self.current.iterations.begun += 1;
    }

    /// An arrival that was due `late` before `at` begins.
    pub fn begin_arrival(&mut self, late: Duration, at: Duration) {
        self.begin_iteration(at);
        self.current.iterations.planned += 1;
        self.current.lateness.get_or_insert_with(|| Box::new(Times::new(PHASE_DIGITS))).record(ns(late));
    }

    /// An arrival came due, and there is nobody to run it.
    pub fn drop_arrival(&mut self, at: Duration) {
        self.roll(at);
        self.current.iterations.planned += 1;
        self.current.iterations.dropped += 1;
    }

    /// An iteration that began has ended.
    pub fn end_iteration(&mut self, end: IterationEnd, at: Duration) {
        self.roll(at);
        self.iterations_in_flight -= 1;
        let counts = &mut self.current.iterations;
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
mod tests {
    use super::*;
    use crate::outcome::FailureKind;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn sample(endpoint: u32, ms: u64, outcome: Outcome<'_>) -> Sample<'_> {
        Sample {
            endpoint,
            at: at(ms),
            outcome,
            response: at(10),
            service: Some(at(9)),
            ttfb: Some(at(8)),
            sent: 1,
            hops: 0,
            bytes_in: 100,
            bytes_out: 0,
        }
    }

    fn recorder() -> Recorder {
        Recorder::new(vec![EndpointKey::new("GET", "/")], 1)
    }

    #[test]
    fn every_arrival_is_begun_or_dropped() {
        let mut recorder = recorder();
        recorder.begin_arrival(at(2), at(10));
        recorder.drop_arrival(at(11));
        recorder.end_iteration(IterationEnd::Completed, at(1500));
        recorder.begin_arrival(at(0), at(1500));
        recorder.roll(at(2000));
        let parts: Vec<_> = std::iter::from_fn(|| recorder.take_closed())
            .map(|i| {
                let late = i.lateness.as_ref().map_or(0, |late| late.exact().max_ns);
                (i.iterations.planned, i.iterations.begun, i.iterations.dropped, late)
            })
            .collect();
        assert_eq!(parts, [(2, 1, 1, 2_000_000), (1, 1, 0, 0)]);
    }

    #[test]
    fn a_request_is_booked_in_the_second_in_which_it_ended() {
        let mut recorder = recorder();
        recorder.begin(0, at(990));
        recorder.end(&sample(0, 1005, Outcome::Ok));
        recorder.roll(at(2000));
        let first = recorder.take_closed().expect("second 0");
        let second = recorder.take_closed().expect("second 1");
        let counts = |interval: &Interval| interval.endpoints[0].as_ref().expect("used").stats.counts;
        assert_eq!((counts(&first).started, counts(&first).ok, first.gauges.in_flight), (1, 0, 1));
        assert_eq!((counts(&second).started, counts(&second).ok, second.gauges.in_flight), (0, 1, 0));
    }

    #[test]
    fn seconds_without_events_are_reported_empty() {
        let mut recorder = recorder();
        recorder.begin(0, at(100));
        recorder.roll(at(4200));
        let spans: Vec<_> = std::iter::from_fn(|| recorder.take_closed())
            .map(|i| (i.from_s, i.to_s, i.gauges.in_flight))
            .collect();
        assert_eq!(spans, [(0, 1, 1), (1, 2, 1), (2, 3, 1), (3, 4, 1)]);
        assert_eq!(recorder.current.from_s, 4);
    }

    #[test]
    fn who_joins_later_begins_with_the_running_second() {
        let mut recorder = recorder();
        recorder.join(at(37_400));
        recorder.begin(0, at(37_500));
        recorder.end(&sample(0, 38_005, Outcome::Ok));
        recorder.join(at(10_000));
        recorder.roll(at(39_000));
        let spans: Vec<_> =
            std::iter::from_fn(|| recorder.take_closed()).map(|i| (i.from_s, i.gauges.in_flight)).collect();
        assert_eq!(spans, [(37, 1), (38, 0)]);
    }

    #[test]
    fn the_stop_instant_splits_its_second() {
        let mut recorder = recorder();
        recorder.stop_at(at(1300));
        for ms in [1200, 1400, 2100] {
            recorder.begin(0, at(ms));
            recorder.end(&sample(0, ms, Outcome::Ok));
        }
        recorder.roll(at(3000));
        let parts: Vec<_> = std::iter::from_fn(|| recorder.take_closed())
            .map(|i| {
                let ok = i.endpoints.iter().flatten().map(|slot| slot.stats.counts.ok).sum::<u64>();
                (i.from_s, i.draining, i.partial, ok)
            })
            .collect();
        assert_eq!(
            parts,
            [(0, false, false, 0), (1, false, true, 1), (1, true, false, 1), (2, true, false, 1)]
        );
    }

    #[test]
    fn a_stop_at_a_full_second_splits_nothing() {
        let mut recorder = recorder();
        recorder.stop_at(at(1000));
        recorder.roll(at(2000));
        let parts: Vec<_> = std::iter::from_fn(|| recorder.take_closed())
            .map(|i| (i.from_s, i.draining, i.partial))
            .collect();
        assert_eq!(parts, [(0, false, false), (1, true, false)]);
    }

    #[test]
    fn spares_come_back_clean() {
        let mut recorder = recorder();
        recorder.begin(0, at(0));
        recorder.end(&sample(0, 1, Outcome::Failed { kind: FailureKind::Closed, message: "gone" }));
        recorder.roll(at(1000));
        let mut closed = recorder.take_closed().expect("closed");
        assert_eq!(closed.errors[0].count, 1);
        closed.reset(0, 0);
        recorder.give_spare(closed);
        recorder.roll(at(2000));
        recorder.roll(at(3000));
        recorder.take_closed();
        let reused = recorder.take_closed().expect("second 2");
        assert!(reused.errors.is_empty());
        assert!(reused.endpoints[0].as_ref().expect("kept").stats.counts.is_empty());
    }

    #[test]
    fn cancelled_requests_count_but_have_no_time() {
        let mut recorder = recorder();
        recorder.begin(0, at(0));
        recorder.end(&sample(0, 1, Outcome::Cancelled));
        recorder.close_last();
        let closed = recorder.take_closed().expect("closed");
        let stats = &closed.endpoints[0].as_ref().expect("used").stats;
        assert_eq!((stats.counts.cancelled, stats.ok.count() + stats.failed.count()), (1, 0));
        assert_eq!(closed.gauges.in_flight, 0);
    }
}
