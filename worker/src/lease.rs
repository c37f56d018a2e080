//! The lease under which this worker's users make load: past its deadline no request begins, until it is renewed.
//!
//! The session renews it with the instants at which it sent heartbeats that were answered; load threads compare it with the
//! clock before each request. It runs on the clock that goes on while the machine sleeps: a laptop that was closed for a
//! minute has lost its lease, whatever its other clocks say.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How old an arrival may be found where there is no lease to say so, in the process of the coordinator itself.
const WITHOUT: Duration = Duration::from_secs(5);

/// The deadline of a lease that never ends.
const NEVER: u64 = u64::MAX;

/// An instant of the clock that counts suspended time too, in ns since the system was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(u64);

impl BootTime {
    /// Now.
    #[cfg(target_os = "linux")]
    pub fn now() -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        // Neither is ever negative, and the sum is good for five centuries.
        let (seconds, nanos) =
            (u64::try_from(now.tv_sec).unwrap_or(0), u64::try_from(now.tv_nsec).unwrap_or(0));
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    /// Now, on the monotonic clock: suspended time is not counted where there is no clock that does.
    #[cfg(not(target_os = "linux"))]
    pub fn now() -> Self {
        static EPOCH: std::sync::LazyLock<std::time::Instant> =
            std::sync::LazyLock::new(std::time::Instant::now);
        Self(ns(EPOCH.elapsed()))
    }

    /// `since_boot` after the system was started.
    pub fn at(since_boot: Duration) -> Self {
        Self(ns(since_boot))
    }

    /// Since the system was started.
    pub fn since_boot(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl std::ops::Add<Duration> for BootTime {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(ns(time)))
    }
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A worker's lease, shared by its session and its load threads.
#[derive(Debug)]
pub struct Lease {
    length: Duration,
    deadline_ns: AtomicU64,
}

impl Default for Lease {
    fn default() -> Self {
        Self::none()
    }
}

impl Lease {
    /// A lease of `length` from each renewal on. Until the first one it does not hold.
    pub fn new(length: Duration) -> Self {
        Self { length, deadline_ns: AtomicU64::new(0) }
    }

    /// One that always holds: for users in the coordinator's own process, which ends with them.
    pub fn none() -> Self {
        Self { length: WITHOUT, deadline_ns: AtomicU64::new(NEVER) }
    }

    /// How long it holds after a renewal; an arrival found later than this is not begun any more.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// Renews it from `sent` on, the instant at which a heartbeat left that was answered. An older one changes nothing.
    pub fn renew(&self, sent: BootTime) {
        // Just below the deadline that means none at all.
        let deadline = (sent + self.length).0.min(NEVER - 1);
        self.deadline_ns.fetch_max(deadline, Ordering::Relaxed);
    }

    /// Until when it holds; `None` where it never ends.
    pub fn deadline(&self) -> Option<BootTime> {
        let deadline = self.deadline_ns.load(Ordering::Relaxed);
        (deadline != NEVER).then_some(BootTime(deadline))
    }

    /// Whether it holds at `now`.
    pub fn holds_at(&self, now: BootTime) -> bool {
        self.deadline().is_none_or(|deadline| now < deadline)
    }

    /// For how long it has not held; `None` while it does.
    pub fn lapsed_for(&self) -> Option<Duration> {
        let deadline = self.deadline()?;
        BootTime::now().since_boot().checked_sub(deadline.since_boot())
    }

    /// Whether it holds now. One relaxed load, and a look at the clock where there is a deadline.
    #[inline]
    pub fn holds(&self) -> bool {
        let deadline = self.deadline_ns.load(Ordering::Relaxed);
        deadline == NEVER || BootTime::now().0 < deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> BootTime {
        BootTime::at(Duration::from_millis(ms))
    }

    #[test]
    fn how_long_it_has_not_held() {
        let lease = Lease::new(Duration::from_millis(1));
        // The system was started longer ago than that.
        lease.renew(BootTime::at(Duration::ZERO));
        assert!(lease.lapsed_for().is_some());
        assert_eq!(Lease::none().lapsed_for(), None);
        lease.renew(BootTime::now() + Duration::from_secs(3600));
        assert_eq!(lease.lapsed_for(), None);
    }

    #[test]
    fn it_holds_from_the_newest_renewal_to_its_end() {
        let lease = Lease::new(Duration::from_secs(5));
        assert!(!lease.holds_at(at(0)), "it was never renewed");
        lease.renew(at(1000));
        assert!(lease.holds_at(at(5999)) && !lease.holds_at(at(6000)));
        lease.renew(at(400));
        assert_eq!(lease.deadline(), Some(at(6000)), "an answer that was overtaken takes nothing away");
        lease.renew(at(9000));
        assert!(lease.holds_at(at(13_999)) && !lease.holds_at(at(14_000)));
    }

    #[test]
    fn without_a_lease_it_always_holds() {
        let lease = Lease::none();
        lease.renew(at(1));
        assert_eq!(lease.deadline(), None);
        assert!(lease.holds() && lease.holds_at(BootTime(u64::MAX)));
        assert!(!Lease::new(Duration::MAX).holds());
    }

    #[test]
    fn a_lease_without_end_in_sight_is_still_one() {
        let lease = Lease::new(Duration::MAX);
        lease.renew(at(1));
        assert!(lease.holds() && lease.deadline().is_some());
    }

    #[test]
    fn the_clock_goes_on() {
        let now = BootTime::now();
        let lease = Lease::new(Duration::from_secs(3600));
        lease.renew(now);
        assert!(lease.holds() && BootTime::now() >= now);
        let past = Lease::new(Duration::ZERO);
        past.renew(now);
        assert!(!past.holds());
    }
}
