//! One timer for all requests of a user.
//!
//! Arming and disarming a timer for every request would cost as much as a histogram. A request that ends in time leaves the
//! timer as it is; it goes off once every timeout at most and is then set to the newest deadline.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::time::Sleep;

/// A user's timer.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When it goes off, and whom it wakes. `None` while it is not set.
    armed: Option<(Instant, Waker)>,
}

impl Deadline {
    /// Sees to it that the task is woken at `due` or before.
    pub(super) fn arm(&mut self, cx: &mut Context<'_>, due: Instant) {
        let is_set = self.armed.as_ref().is_some_and(|(at, waker)| *at <= due && waker.will_wake(cx.waker()));
        // One that went off meanwhile, while its user was connecting or waiting, wakes nobody any more.
        let is_pending = self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed());
        if !is_set || !is_pending {
            self.set(cx, due);
        }
    }

    /// Whether `due` has passed; to be called when the task was woken and found nothing. If not, it is woken then.
    pub(super) fn has_passed(&mut self, cx: &mut Context<'_>, due: Instant) -> bool {
        let passed = Instant::now() >= due;
        if !passed {
            self.arm(cx, due);
        }
        passed
    }

    #[cold]
    fn set(&mut self, cx: &mut Context<'_>, due: Instant) {
        let at = tokio::time::Instant::from_std(due);
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                sleep.as_mut().reset(at);
                sleep
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(at))),
        };
        // A task that has used up its turn would be told to wait without the timer being set.
        let mut sleep = std::pin::pin!(tokio::task::unconstrained(sleep.as_mut()));
        self.armed = match sleep.as_mut().poll(cx) {
            Poll::Pending => Some((due, cx.waker().clone())),
            // It has passed already: whoever asks will see so.
            Poll::Ready(()) => {
                cx.waker().wake_by_ref();
                None
            }
        };
    }
}

/// The last look before a timeout is booked: after a freeze, answers wait in the kernel. The task gives way once, so that the
/// system is asked anew, and reads its socket again.
#[derive(Default)]
pub(super) struct LastLook(Option<Pin<Box<dyn Future<Output = ()>>>>);

impl LastLook {
    /// Whether it was taken; the task is woken when it can be. To be called when nothing could be read.
    pub(super) fn was_taken(&mut self, cx: &mut Context<'_>) -> bool {
        self.0.get_or_insert_with(|| Box::pin(tokio::task::yield_now())).as_mut().poll(cx).is_ready()
    }
}

impl fmt::Debug for LastLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LastLook").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_went_off_meanwhile_is_set_anew() {
        let mut deadline = Deadline::default();
        let now = tokio::time::Instant::now().into_std();
        poll_fn(|cx| {
            deadline.arm(cx, now + Duration::from_secs(1));
            Poll::Ready(())
        })
        .await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let due = now + Duration::from_secs(5);
        poll_fn(|cx| {
            deadline.arm(cx, due);
            Poll::Ready(())
        })
        .await;
        assert_eq!(deadline.armed.as_ref().map(|(at, _)| *at), Some(due));
    }
}
