//! The run clock: the coordinator's time as a worker knows it, and run time on every load thread.
//!
//! [`ClockSync`] is the pure part: exchanges of instants in, an offset out. [`RunClock`] is what threads read: one relaxed load
//! of a word that is written twice a second. Run time is continuous and monotone: drift is slewed, never stepped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Exchanges needed before a start.
pub const EXCHANGES_BEFORE_START: usize = 8;

/// Exchanges the best is chosen from.
const KEPT: usize = 16;

/// Drift that is corrected at all. Below it the estimate is noise.
const DRIFT_NS: i64 = 50_000_000;

/// How much of real time a correction may take: 500 ppm.
const SLEW_PPM: i64 = 500;

/// Compares this process's clock with the coordinator's.
#[derive(Debug, Default)]
pub struct ClockSync {
    /// (round trip, offset) in µs; offset = coordinator − worker.
    exchanges: VecDeque<(u64, i64)>,
}

impl ClockSync {
    /// One heartbeat and its answer, all in µs: sent and now on the worker's clock, received and answered on the coordinator's.
    pub fn exchange(&mut self, sent: u64, received: u64, answered: u64, now: u64) {
        let round_trip = now.saturating_sub(sent).saturating_sub(answered.saturating_sub(received));
        let signed = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
        let there = signed(received).saturating_sub(signed(sent));
        let back = signed(answered).saturating_sub(signed(now));
        if self.exchanges.len() == KEPT {
            self.exchanges.pop_front();
        }
        self.exchanges.push_back((round_trip, there.midpoint(back)));
    }

    /// Whether there were enough exchanges to start.
    pub fn is_ready(&self) -> bool {
        self.exchanges.len() >= EXCHANGES_BEFORE_START
    }

    /// Coordinator − worker in µs, by the exchange with the smallest round trip.
    pub fn offset_us(&self) -> Option<i64> {
        self.exchanges.iter().min_by_key(|(round_trip, _)| *round_trip).map(|(_, offset)| *offset)
    }

    /// The newest round trip in µs.
    pub fn round_trip_us(&self) -> Option<u64> {
        self.exchanges.back().map(|(round_trip, _)| *round_trip)
    }
}

/// How far the start may move now: `wanted − current`, if it is worth it, at most 500 ppm of `passed`. All in ns.
fn slew(current: i64, wanted: i64, passed: i64) -> i64 {
    let drift = wanted - current;
    if drift.abs() <= DRIFT_NS {
        return 0;
    }
    let most = passed / 1_000_000 * SLEW_PPM;
    drift.clamp(-most, most)
}

/// Run time, readable from every thread.
#[derive(Debug)]
pub struct RunClock {
    epoch: Instant,
    /// Run time zero in ns after the epoch, negative for a test that was under way by then; `i64::MAX` before it is known.
    start_ns: AtomicI64,
}

impl RunClock {
    /// A clock whose start is not known yet.
    pub fn new(epoch: Instant) -> Self {
        Self { epoch, start_ns: AtomicI64::new(i64::MAX) }
    }

    /// Names run time zero: `start_us` on the coordinator's clock.
    pub fn start(&self, start_us: u64, offset_us: i64) {
        self.start_ns.store(local_start_ns(start_us, offset_us), Ordering::Relaxed);
    }

    /// Follows the coordinator's clock, `passed` after the last call.
    pub fn follow(&self, start_us: u64, offset_us: i64, passed: Duration) {
        let current = self.start_ns.load(Ordering::Relaxed);
        let passed = i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX);
        let step = slew(current, local_start_ns(start_us, offset_us), passed);
        self.start_ns.store(current + step, Ordering::Relaxed);
    }

    /// Run time at `now`; zero before the start.
    pub fn at(&self, now: Instant) -> Duration {
        let since = i64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(i64::MAX);
        let run = since.saturating_sub(self.start_ns.load(Ordering::Relaxed));
        Duration::from_nanos(u64::try_from(run).unwrap_or(0))
    }

    /// Run time now.
    pub fn now(&self) -> Duration {
        self.at(Instant::now())
    }

    /// The instant at which run time is `at`; `None` before the start is known.
    pub fn instant(&self, at: Duration) -> Option<Instant> {
        let start = self.start_ns.load(Ordering::Relaxed);
        if start == i64::MAX {
            return None;
        }
        let from_epoch = Duration::from_nanos(start.unsigned_abs());
        if start < 0 {
            // The test began before this process did.
            match at.checked_sub(from_epoch) {
                Some(after) => self.epoch.checked_add(after),
                None => self.epoch.checked_sub(from_epoch.saturating_sub(at)),
            }
        } else {
            self.epoch.checked_add(from_epoch)?.checked_add(at)
        }
    }
}

fn local_start_ns(start_us: u64, offset_us: i64) -> i64 {
    i64::try_from(start_us)
        .unwrap_or(i64::MAX)
        .saturating_sub(offset_us)
        .saturating_mul(1000)
        .min(i64::MAX - 1)
}

/// The time since 1970; a clock that stands before that is taken to stand there.
pub(crate) fn wall_clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_exchange_gives_the_offset() {
        let mut sync = ClockSync::default();
        // The coordinator is 1000 µs ahead; the first answer was held up by 400 µs on its way back.
        sync.exchange(100, 1150, 1160, 660);
        sync.exchange(1000, 2050, 2060, 1110);
        assert_eq!(sync.offset_us(), Some(1000));
        assert_eq!(sync.round_trip_us(), Some(100));
        assert!(!sync.is_ready());
    }

    #[test]
    fn drift_is_slewed_and_run_time_never_goes_back() {
        let second = 1_000_000_000;
        assert_eq!(slew(0, 49_000_000, second), 0, "noise is left alone");
        assert_eq!(slew(0, 80_000_000, second), 500_000);
        assert_eq!(slew(0, -80_000_000, second), -500_000);
        assert!(slew(0, i64::MAX / 2, second) < second, "or run time would stand still");
    }

    #[test]
    fn a_test_may_have_begun_before_the_process() {
        let epoch = Instant::now() + Duration::from_secs(100);
        let clock = RunClock::new(epoch);
        // This process was started 40 s after the coordinator, the test 10 s after it.
        clock.start(10_000_000, 40_000_000);
        assert_eq!(clock.at(epoch), Duration::from_secs(30));
        assert_eq!(clock.at(epoch + Duration::from_secs(2)), Duration::from_secs(32));
        assert_eq!(clock.instant(Duration::from_secs(31)), Some(epoch + Duration::from_secs(1)));
        assert_eq!(clock.instant(Duration::from_secs(29)), epoch.checked_sub(Duration::from_secs(1)));
    }

    #[test]
    fn run_time_is_zero_before_the_start() {
        let epoch = Instant::now();
        let clock = RunClock::new(epoch);
        assert_eq!(clock.at(epoch + Duration::from_secs(5)), Duration::ZERO);
        assert_eq!(clock.instant(Duration::ZERO), None);
        clock.start(3_000_000, 1_000_000);
        assert_eq!(clock.at(epoch + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(clock.at(epoch + Duration::from_secs(5)), Duration::from_secs(3));
        assert_eq!(clock.instant(Duration::from_secs(3)), Some(epoch + Duration::from_secs(5)));
    }
}
