//! How much of a core a load thread uses: its own CPU clock by the wall's, from one hand-over to the next.
//!
//! Intervals are handed over a little after their end, and several at once when the thread did not get to run; each gets the
//! share of the whole time, so that none seems busier than a thread can be.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use stampede_stats::interval::Interval;

/// Times between two readings below this say nothing.
const SHORTEST: Duration = Duration::from_millis(1);

/// A thread's meter; only that thread reads it.
#[derive(Debug)]
pub(super) struct CpuMeter {
    at: Instant,
    cpu_ns: u64,
    /// 0 to 1: that of the newest stretch.
    share: f64,
}

impl CpuMeter {
    /// From now on.
    pub(super) fn new(now: Instant) -> Self {
        Self { at: now, cpu_ns: thread_cpu_ns(), share: 0.0 }
    }

    /// Reads the clocks.
    pub(super) fn read(&mut self, now: Instant) {
        self.take(now, thread_cpu_ns());
    }

    fn take(&mut self, now: Instant, cpu_ns: u64) {
        let wall = now.saturating_duration_since(self.at);
        if wall < SHORTEST {
            return;
        }
        let used = cpu_ns.saturating_sub(self.cpu_ns);
        // The two clocks are not read at the same instant.
        self.share = (used as f64 / wall.as_nanos() as f64).min(1.0);
        self.at = now;
        self.cpu_ns = cpu_ns;
    }

    /// Books the share of the newest stretch in `interval`.
    pub(super) fn book(&self, interval: &mut Interval) {
        let seconds = interval.to_s.saturating_sub(interval.from_s);
        interval.gauges.cpu_ns =
            u64::try_from(Duration::from_secs_f64(self.share * f64::from(seconds)).as_nanos())
                .unwrap_or(u64::MAX);
    }
}

fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, ns) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds * 1_000_000_000 + ns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_that_come_at_once_share_what_was_used() {
        let start = Instant::now();
        let mut meter = CpuMeter { at: start, cpu_ns: 5, share: 0.0 };
        let mut booked = |at: u64, cpu_ms: u64, seconds: u32| {
            meter.take(start + Duration::from_millis(at), 5 + cpu_ms * 1_000_000);
            let mut interval = Interval::new(3, 3 + seconds);
            meter.book(&mut interval);
            interval.gauges.cpu_ns / 1_000_000
        };
        assert_eq!(booked(1_010, 505, 1), 500);
        // It did not run for two seconds, and then closes them both.
        assert_eq!(booked(3_010, 805, 1), 150);
        assert_eq!(booked(3_010, 805, 2), 300, "read again at once, it says the same");
        assert_eq!(booked(4_010, 1_900, 1), 1_000, "a thread has one core");
    }
}
