//! Waiting, more precisely than the runtime does. It knows nothing of who waits or why.
//!
//! Tokio's timer counts milliseconds and rounds up, so a wait of 5 ms takes 5 to 7. What a load tester
//! measures is compared with what this target says it took, and 1 ms is too coarse for that. On Linux each
//! wait has a `timerfd` of its own, which wakes the runtime through the poll it already sits in: late by some
//! 0.1 ms (and by what an idle machine needs to wake up, up to 1 ms in a virtual one), a handful of system
//! calls for each wait, and no core spent on spinning, which would be taken from the load generator beside
//! it.
//!
//! Elsewhere, and when the process has no file descriptor left, it is tokio's timer after all: late by up to
//! 2 ms. A wait is never shorter than asked.

use std::time::Instant;

/// Returns at `deadline` or a little later.
pub(crate) async fn wait_until(deadline: Instant) {
    #[cfg(target_os = "linux")]
    if timerfd::wait_until(deadline).await.is_ok() {
        return;
    }
    tokio::time::sleep_until(deadline.into()).await;
}

#[cfg(target_os = "linux")]
mod timerfd {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    pub(super) async fn wait_until(deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        // Zero would disarm the timer instead of firing it.
        if left.is_zero() {
            return Ok(());
        }
        let timer = arm(left)?;
        let timer = watch(timer)?;
        // Dropped with the timer; its one expiry is never read, because nobody waits on it twice.
        timer.readable().await.map(drop)
    }

    #[expect(
        deprecated,
        reason = "its successor is unsafe for types that may lie about their descriptor; OwnedFd cannot"
    )]
    fn watch(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
        AsyncFd::with_interest(timer, Interest::READABLE)
    }

    /// A timer that fires once. It counts from a moment after `left` was measured, so it is never early.
    fn arm(left: Duration) -> io::Result<OwnedFd> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let once = Itimerspec { it_interval: Timespec::default(), it_value: left };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_wait_is_never_too_short() {
        for micros in [0, 1, 150, 999, 1000, 1500, 3333] {
            let wanted = Duration::from_micros(micros);
            let begin = Instant::now();
            wait_until(begin + wanted).await;
            assert!(begin.elapsed() >= wanted, "{:?} instead of {wanted:?}", begin.elapsed());
        }
    }

    #[tokio::test]
    async fn a_moment_that_has_passed_needs_no_wait() {
        let now = Instant::now();
        wait_until(now.checked_sub(Duration::from_millis(1)).unwrap_or(now)).await;
    }
}
