//! One worker as the run knows it: how it is, what it announced, what of it was applied.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use stampede_proto::batch::{Batch, Finals};
use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::{EndpointDelta, EndpointKey};
use stampede_stats::histogram::TimesDelta;
use stampede_stats::snapshot::Snapshot;
use stampede_stats::totals::change_rows;

use super::crew::Revision;
use super::input::{Heartbeat, Hello, Progress};
use super::limit::{LimitWatch, Seconds};
use crate::dispatch::Seat;
use crate::view::WorkerState;

/// Seconds that the current rate is made from.
const RECENT: usize = 10;

/// Seconds whose counts are kept, for the screen.
const KEPT: usize = 60;

/// Most endpoints one worker can name in a run. A real one is far below: each of its load threads tells apart those of the
/// scenario and 512 that come from values.
const MAX_ENDPOINTS: usize = 65_536;

/// Bytes and counts of one worker in a run from which on they are made up. Sums over many workers stay in range.
const MOST: u64 = 1 << 53;

/// A worker.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and most combinations occur")]
pub(super) struct Member {
    pub(super) hello: Hello,
    /// Whether its control stream stands.
    pub(super) connected: bool,
    /// Whether it takes part in the run.
    pub(super) participates: bool,
    /// Its place in the dealing, once it has one.
    pub(super) seat: Option<Seat>,
    /// It came while the test was running.
    pub(super) joined: bool,
    /// Coordinator's clock when it was last told of the start.
    pub(super) told_start: Duration,
    /// The assignments it was told and may follow, oldest first.
    pub(super) told: Vec<Revision>,
    /// It said that it cannot take part, or go on.
    pub(super) failed: bool,
    /// Its lease has passed; cleared when it is back.
    pub(super) lost_at: Option<Duration>,
    /// Users it had when it was lost.
    pub(super) users_lost: u32,
    /// The seconds in which it was lost and others ran its users; the last may be open.
    pub(super) absences: Vec<(u32, Option<u32>)>,
    pub(super) left: bool,
    /// It sent too often what cannot be: it has no part in this run any more.
    pub(super) refused: bool,
    /// Coordinator's clock at its last sign of life.
    pub(super) last_heard: Duration,
    pub(super) heartbeat: Heartbeat,
    pub(super) applied: Applied,
    pub(super) users_peak: u32,
    pub(super) finished: bool,
}

/// What of a worker's statistics was applied.
#[derive(Debug, Clone, Default)]
pub(super) struct Applied {
    /// Number of the newest batch.
    pub(super) through: u64,
    /// First run second not yet whole.
    pub(super) through_s: u32,
    /// Of its users, warm-up and all.
    pub(super) requests: RequestCounts,
    pub(super) iterations: IterationCounts,
    /// What of these belongs to the warm-up.
    pub(super) warmup: RequestCounts,
    pub(super) warmup_iterations: IterationCounts,
    /// By row, of every kind.
    pub(super) endpoints: BTreeMap<EndpointKey, RequestCounts>,
    pub(super) cpu_ns: u64,
    pub(super) seconds: u32,
    pub(super) cpu_last: Option<f64>,
    pub(super) cpu_max: Option<f64>,
    pub(super) lag: TimesDelta,
    pub(super) lag_last: Option<f64>,
    pub(super) lateness: TimesDelta,
    pub(super) lateness_last: Option<f64>,
    pub(super) in_flight: u64,
    pub(super) oldest_ns: u64,
    /// When the worker was the limit.
    pub(super) limit: LimitWatch,
    /// (second, completed), newest last.
    recent: VecDeque<(u32, u64)>,
}

/// Why a batch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was applied before: acknowledge, ignore.
    Known,
    /// What it says cannot be; the session ends.
    Bad(&'static str),
}

impl Member {
    pub(super) fn new(hello: Hello, now: Duration) -> Self {
        Self {
            hello,
            connected: false,
            participates: false,
            seat: None,
            told: Vec::new(),
            joined: false,
            told_start: now,
            failed: false,
            lost_at: None,
            users_lost: 0,
            absences: Vec::new(),
            left: false,
            refused: false,
            last_heard: now,
            heartbeat: Heartbeat::default(),
            applied: Applied::default(),
            users_peak: 0,
            finished: false,
        }
    }

    /// Whether it takes part and may still be heard of.
    pub(super) fn is_live(&self) -> bool {
        self.participates && self.lost_at.is_none() && !self.finished
    }

    /// The last seconds within `from_s..to_s` of the run in which it was lost, whatever it did: the first and the last.
    pub(super) fn away_in(&self, from_s: u32, to_s: u32) -> Option<(u32, u32)> {
        let window = |(from, to): &(u32, Option<u32>)| (*from, to.unwrap_or(u32::MAX));
        let touches = |(first, last): &(u32, u32)| *first < to_s && *last >= from_s;
        self.absences.iter().map(window).rfind(touches)
    }

    /// Whether it came back in this second of the run or the one before: it may still have users that others have taken over.
    pub(super) fn is_just_back(&self, second: u32) -> bool {
        let back = self.absences.last().and_then(|(_, to)| *to);
        back.is_some_and(|back| second <= back.saturating_add(1))
    }

    /// How it is shown.
    pub(super) fn state(&self) -> WorkerState {
        if self.finished {
            return WorkerState::Finished;
        }
        if self.lost_at.is_some() {
            return WorkerState::Lost;
        }
        if !self.connected {
            return WorkerState::Disconnected;
        }
        if !self.participates {
            return WorkerState::Idle;
        }
        match self.heartbeat.progress {
            Progress::Idle | Progress::Preparing | Progress::Failed => WorkerState::Preparing,
            Progress::Ready => WorkerState::Ready,
            Progress::Running => WorkerState::Running,
            Progress::Draining | Progress::Finished => WorkerState::Draining,
        }
    }

    /// Requests it is known to have begun.
    pub(super) fn started(&self) -> u64 {
        self.applied.requests.started.max(self.heartbeat.started)
    }

    /// Iterations it is known to have begun.
    pub(super) fn iterations_begun(&self) -> u64 {
        self.applied.iterations.begun.max(self.heartbeat.iterations_begun)
    }

    /// Arrivals it is known to have dropped.
    pub(super) fn iterations_dropped(&self) -> u64 {
        let applied = self.applied.iterations.dropped;
        if self.finished { applied } else { applied.max(self.heartbeat.iterations_dropped) }
    }

    /// Arrivals it is known to have seen come due.
    pub(super) fn arrivals(&self) -> u64 {
        let seen = self.iterations_begun() + self.iterations_dropped();
        if self.finished { self.applied.iterations.planned } else { seen }
    }

    /// Users it says are alive.
    pub(super) fn users(&self) -> u32 {
        self.heartbeat.users.iter().fold(0, |sum: u32, users| sum.saturating_add(*users))
    }
}

impl Applied {
    /// Checks `batch` against what came before and takes it, or does nothing.
    ///
    /// # Errors
    /// When it is not the next one, or its totals do not add up.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<(), Refusal> {
        if batch.number <= self.through {
            return Err(Refusal::Known);
        }
        if batch.number != self.through + 1 {
            return Err(Refusal::Bad("a batch is missing before it"));
        }
        let snapshot = &batch.snapshot;
        if snapshot.from_s.saturating_add(1) < self.through_s {
            return Err(Refusal::Bad("its seconds were reported before"));
        }
        if self.endpoints.len() + snapshot.endpoints.len() > MAX_ENDPOINTS && self.names_too_many(snapshot) {
            return Err(Refusal::Bad("it names more endpoints than there can be"));
        }
        let (mut requests, mut iterations) = (self.requests, self.iterations);
        requests.add(&snapshot.requests());
        iterations.add(&snapshot.all_iterations());
        if requests.started.max(requests.bytes_in).max(requests.head_bytes_in).max(requests.bytes_out) >= MOST
            || iterations.begun.max(iterations.planned) >= MOST
        {
            return Err(Refusal::Bad("more than anybody can do"));
        }
        if let Some(running) = &batch.running {
            if running.requests != requests || running.iterations != iterations {
                return Err(Refusal::Bad("its running totals are not the sum of its batches"));
            }
            let gauges = &snapshot.gauges;
            let requests_add_up = requests.started == requests.ended().saturating_add(gauges.in_flight);
            let iterations_add_up =
                iterations.begun == iterations.ended().saturating_add(gauges.iterations_in_flight);
            if !requests_add_up || !iterations_add_up {
                return Err(Refusal::Bad("begun is not ended and under way"));
            }
            if !iterations.arrivals_add_up() {
                return Err(Refusal::Bad("planned is not begun and dropped"));
            }
        }
        self.through = batch.number;
        self.requests = requests;
        self.iterations = iterations;
        self.sum_up(snapshot, batch.last_part);
        Ok(())
    }

    fn names_too_many(&self, snapshot: &Snapshot) -> bool {
        let new = snapshot.endpoints.keys().filter(|key| !self.endpoints.contains_key(*key)).count();
        self.endpoints.len() + new > MAX_ENDPOINTS
    }

    fn sum_up(&mut self, snapshot: &Snapshot, last_part: bool) {
        let add = |counts: &mut RequestCounts, delta: &EndpointDelta| counts.add(&delta.counts);
        change_rows(&mut self.endpoints, &snapshot.endpoints, usize::MAX, EndpointKey::other_of, add);
        self.warmup.add(&snapshot.warmup_requests());
        self.warmup_iterations.add(&snapshot.warmup_iterations);
        let completed = snapshot.requests().completed();
        match self.recent.back_mut() {
            Some((second, sum)) if *second == snapshot.from_s => *sum = sum.saturating_add(completed),
            _ => self.recent.push_back((snapshot.from_s, completed)),
        }
        if self.recent.len() > KEPT {
            self.recent.pop_front();
        }
        if !last_part {
            return;
        }
        self.measure(snapshot);
        self.in_flight = snapshot.gauges.in_flight;
        self.oldest_ns = snapshot.gauges.oldest_ns;
    }

    /// Takes what the worker measured of itself.
    fn measure(&mut self, snapshot: &Snapshot) {
        let p99 = |times: &TimesDelta| times.percentiles_ms(&[99.0]).first().copied();
        let from_s = self.through_s.max(snapshot.from_s);
        let new_seconds = snapshot.to_s.saturating_sub(self.through_s);
        self.through_s = self.through_s.max(snapshot.to_s);
        self.lag.merge(&snapshot.lag);
        self.lateness.merge(&snapshot.lateness);
        let (lag_p99_ms, lateness) = (p99(&snapshot.lag), p99(&snapshot.lateness));
        self.lag_last = lag_p99_ms.or(self.lag_last);
        self.lateness_last = lateness.or(self.lateness_last);
        if new_seconds == 0 {
            // The part of a second behind the stop instant: the part before it stands for both.
            return;
        }
        self.cpu_ns = self.cpu_ns.saturating_add(snapshot.gauges.cpu_ns);
        self.seconds = self.seconds.saturating_add(new_seconds);
        if snapshot.draining {
            return;
        }
        let cpu = snapshot.gauges.cpu_ns as f64 / 1e9 / f64::from(new_seconds);
        self.cpu_last = Some(cpu);
        self.cpu_max = Some(self.cpu_max.map_or(cpu, |max| max.max(cpu)));
        let lag_max_ms = snapshot.lag.exact.max_ns as f64 / 1e6;
        self.limit.see(Seconds { from_s, to_s: snapshot.to_s, cpu, lag_p99_ms, lag_max_ms });
    }

    /// Completed per second over the last seconds.
    pub(super) fn rate(&self) -> f64 {
        let newest = || self.recent.iter().rev().take(RECENT);
        let (Some((last, _)), Some((first, _))) = (newest().next(), newest().next_back()) else {
            return 0.0;
        };
        let seconds = last.saturating_sub(*first).saturating_add(1);
        newest().map(|(_, completed)| *completed).sum::<u64>() as f64 / f64::from(seconds)
    }

    /// Requests completed in each of the last seconds, oldest first.
    pub(super) fn course(&self) -> Vec<u64> {
        self.recent.iter().map(|(_, completed)| *completed).collect()
    }

    /// Whether the final totals are what was applied, endpoint by endpoint.
    pub(super) fn agrees(&self, finals: &Finals) -> bool {
        self.endpoints == finals.endpoints && self.iterations == finals.iterations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stampede_proto::batch::Running;

    fn batch(number: u64, second: u32) -> Batch {
        let counts = RequestCounts { started: 2, sent: 2, cancelled: 1, ..RequestCounts::default() };
        let delta = EndpointDelta { counts, ..EndpointDelta::default() };
        let endpoints = BTreeMap::from([(EndpointKey::new("GET", "/"), delta)]);
        let mut snapshot = Snapshot { from_s: second, to_s: second + 1, endpoints, ..Snapshot::default() };
        snapshot.gauges.in_flight = number;
        let mut requests = RequestCounts::default();
        (0..number).for_each(|_| requests.add(&counts));
        let running = Some(Running { requests, ..Running::default() });
        Batch { run: "r".into(), number, snapshot, last_part: true, running, finals: None }
    }

    #[test]
    fn a_batch_is_applied_once_and_in_order() {
        let mut applied = Applied::default();
        assert_eq!(applied.take(&batch(1, 0)), Ok(()));
        assert_eq!(applied.take(&batch(1, 0)), Err(Refusal::Known));
        assert!(matches!(applied.take(&batch(3, 2)), Err(Refusal::Bad(_))));
        assert_eq!(applied.take(&batch(2, 1)), Ok(()));
        assert_eq!((applied.requests.started, applied.through, applied.through_s), (4, 2, 2));
    }

    #[test]
    fn what_does_not_add_up_changes_nothing() {
        let spoilt: [fn(&mut Batch); 3] = [
            |batch| batch.snapshot.gauges.in_flight += 1,
            |batch| batch.running.as_mut().expect("set").requests.ok += 1,
            |batch| batch.snapshot.iterations.begun += 1,
        ];
        for spoil in spoilt {
            let mut applied = Applied::default();
            let mut bad = batch(1, 0);
            spoil(&mut bad);
            assert!(matches!(applied.take(&bad), Err(Refusal::Bad(_))));
            assert_eq!((applied.through, applied.requests.started), (0, 0));
        }
    }

    #[test]
    fn final_totals_are_compared_by_endpoint() {
        let mut applied = Applied::default();
        applied.take(&batch(1, 0)).expect("the first");
        let mut finals = Finals { endpoints: applied.endpoints.clone(), iterations: applied.iterations };
        assert!(applied.agrees(&finals));
        finals.endpoints.values_mut().for_each(|counts| counts.sent += 1);
        assert!(!applied.agrees(&finals));
    }
}
