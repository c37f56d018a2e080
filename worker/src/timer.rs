//! One precise timer for each load thread: what has to begin at an instant is woken within microseconds of it.
//!
//! Tokio's timer counts milliseconds and rounds up; what begins by it is half a millisecond late on average, and that would be
//! in every response time that counts from a due instant. Here one `timerfd` for the whole thread is set to the earliest of all
//! alarms, and wakes the runtime through the poll it already sits in. Arrivals, beats, user starts and the lag probe use it;
//! waits, think times and timeouts enter no latency and use tokio's.
//!
//! Where there is no `timerfd`, or no file descriptor left, it is tokio's timer after all. An alarm never rings early.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::sync::Notify;

/// A thread's timer. [`drive`](Self::drive) has to run beside whoever waits.
pub struct Timer {
    fd: Option<expiry::Expiry>,
    alarms: RefCell<Alarms>,
    /// What the timer is set to.
    armed: Cell<Option<Instant>>,
    /// Wakes the driver where tokio's timer has to be set anew.
    changed: Notify,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("armed", &self.armed).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Alarms {
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// (deadline, slot, setting): one that is not the slot's newest setting means nothing any more.
    heap: BinaryHeap<Reverse<(Instant, usize, u64)>>,
}

#[derive(Default)]
struct Slot {
    deadline: Option<Instant>,
    setting: u64,
    waker: Option<Waker>,
}

impl Timer {
    /// A timer of the present thread's runtime.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            fd: expiry::Expiry::new(),
            alarms: RefCell::default(),
            armed: Cell::new(None),
            changed: Notify::new(),
        })
    }

    /// An alarm that is not set.
    pub fn alarm(self: &Rc<Self>) -> Alarm {
        let mut alarms = self.alarms.borrow_mut();
        let slot = alarms.free.pop().unwrap_or_else(|| {
            alarms.slots.push(Slot::default());
            alarms.slots.len() - 1
        });
        Alarm { timer: Rc::clone(self), slot }
    }

    /// Rings alarms, for ever.
    pub async fn drive(self: Rc<Self>) {
        loop {
            match &self.fd {
                Some(fd) if fd.expired().await => {}
                _ => self.coarse().await,
            }
            self.ring_due(Instant::now());
        }
    }

    /// Tokio's timer, in place of the precise one.
    async fn coarse(&self) {
        match self.armed.get() {
            Some(at) => tokio::select! {
                () = tokio::time::sleep_until(at.into()) => {}
                () = self.changed.notified() => {}
            },
            None => self.changed.notified().await,
        }
    }

    fn ring_due(&self, now: Instant) {
        let mut alarms = self.alarms.borrow_mut();
        while let Some(Reverse((deadline, slot, setting))) = alarms.heap.peek().copied() {
            let current = alarms.is_current(slot, setting);
            if current && deadline > now {
                break;
            }
            alarms.heap.pop();
            if let Some(waker) = alarms.slots[slot].waker.take_if(|_| current) {
                waker.wake();
            }
        }
        let next = alarms.heap.peek().map(|Reverse((deadline, ..))| *deadline);
        drop(alarms);
        // The driver itself asks: it looks at what is set before it waits again, and need not be woken.
        self.armed.set(next);
        if let (Some(fd), Some(next)) = (&self.fd, next) {
            fd.arm(next);
        }
    }

    /// Sees to it that the timer goes off at `at` or before.
    fn arm(&self, at: Instant) {
        if self.armed.get().is_some_and(|armed| armed <= at) {
            return;
        }
        self.armed.set(Some(at));
        if let Some(fd) = &self.fd {
            fd.arm(at);
        } else {
            self.changed.notify_one();
        }
    }
}

impl Alarms {
    fn is_current(&self, slot: usize, setting: u64) -> bool {
        let slot = &self.slots[slot];
        slot.setting == setting && slot.deadline.is_some()
    }

    fn set(&mut self, slot: usize, at: Option<Instant>) {
        let entry = &mut self.slots[slot];
        entry.deadline = at;
        entry.setting += 1;
        let setting = entry.setting;
        if let Some(at) = at {
            // Most alarms ring and leave by that; those that are set anew all the time must not pile up.
            if self.heap.len() > 2 * self.slots.len() + 64 {
                let heap = std::mem::take(&mut self.heap).into_vec();
                let current = |Reverse((_, slot, setting)): &Reverse<(Instant, usize, u64)>| {
                    self.is_current(*slot, *setting)
                };
                self.heap = heap.into_iter().filter(current).collect();
            }
            self.heap.push(Reverse((at, slot, setting)));
        }
    }
}

/// Something that rings at an instant; it can be set again.
#[derive(Debug)]
pub struct Alarm {
    timer: Rc<Timer>,
    slot: usize,
}

impl Alarm {
    /// Sets it to `at`, or to none at all.
    pub fn set(&self, at: Option<Instant>) {
        let mut alarms = self.timer.alarms.borrow_mut();
        if alarms.slots[self.slot].deadline == at {
            return;
        }
        alarms.set(self.slot, at);
        drop(alarms);
        if let Some(at) = at {
            self.timer.arm(at);
        }
    }

    /// Returns when it rings, with the instant it was set to; it is not set then. Without being set it never rings.
    pub async fn ring(&self) -> Instant {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Instant> {
        let mut alarms = self.timer.alarms.borrow_mut();
        if let Some(at) = alarms.slots[self.slot].deadline
            && at <= Instant::now()
        {
            alarms.set(self.slot, None);
            return Poll::Ready(at);
        }
        match &mut alarms.slots[self.slot].waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let mut alarms = self.timer.alarms.borrow_mut();
        alarms.set(self.slot, None);
        alarms.slots[self.slot].waker = None;
        alarms.free.push(self.slot);
    }
}

#[cfg(target_os = "linux")]
mod expiry {
    //! The `timerfd`, as the runtime waits for it.

    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    pub(super) struct Expiry(AsyncFd<OwnedFd>);

    impl Expiry {
        /// `None` where the system gives none.
        pub(super) fn new() -> Option<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
            watch(fd).ok().map(Self)
        }

        /// Lets it go off at `at`, and not at what it was set to before.
        pub(super) fn arm(&self, at: Instant) {
            // Zero would disarm it instead of letting it go off.
            let left = at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
            let Ok(left) = Timespec::try_from(left) else { return };
            let once = Itimerspec { it_interval: Timespec::default(), it_value: left };
            // Only a bad descriptor or a bad time could fail, and these are good.
            let _ = timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once);
        }

        /// Returns when it has gone off; `false` if that cannot be waited for.
        pub(super) async fn expired(&self) -> bool {
            loop {
                let Ok(mut ready) = self.0.readable().await else { return false };
                let read =
                    ready.try_io(|fd| Ok::<_, io::Error>(rustix::io::read(fd.get_ref(), &mut [0; 8])?));
                match read {
                    Ok(Ok(_)) => return true,
                    Ok(Err(_)) => return false,
                    // It was set anew between going off and being read.
                    Err(_) => {}
                }
            }
        }
    }

    #[expect(
        deprecated,
        reason = "its successor is unsafe for types that may lie about their descriptor; OwnedFd cannot"
    )]
    fn watch(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
        AsyncFd::with_interest(timer, Interest::READABLE)
    }
}

#[cfg(not(target_os = "linux"))]
mod expiry {
    //! There is no `timerfd` here.

    use std::time::Instant;

    pub(super) enum Expiry {}

    impl Expiry {
        pub(super) fn new() -> Option<Self> {
            None
        }

        pub(super) fn arm(&self, _at: Instant) {
            match *self {}
        }

        #[expect(clippy::unused_async, reason = "as where there is one")]
        pub(super) async fn expired(&self) -> bool {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::LocalSet;

    use super::*;

    fn coarse() -> Rc<Timer> {
        let (alarms, armed) = (RefCell::default(), Cell::new(None));
        Rc::new(Timer { fd: None, alarms, armed, changed: Notify::new() })
    }

    /// Runs `test` with a precise timer, then with tokio's.
    async fn with_both<F: Future<Output = ()>>(test: impl Fn(Rc<Timer>) -> F) {
        for timer in [Timer::new(), coarse()] {
            let local = LocalSet::new();
            local.spawn_local(Rc::clone(&timer).drive());
            local.run_until(test(timer)).await;
        }
    }

    #[tokio::test]
    async fn alarms_ring_in_their_order_and_never_early() {
        with_both(|timer| async move {
            let start = Instant::now();
            let order = Rc::new(RefCell::new(Vec::new()));
            let rings = [5_000, 300, 0, 2_500, 300].map(|micros| {
                let (timer, order) = (Rc::clone(&timer), Rc::clone(&order));
                tokio::task::spawn_local(async move {
                    let (alarm, at) = (timer.alarm(), start + Duration::from_micros(micros));
                    alarm.set(Some(at));
                    assert_eq!(alarm.ring().await, at);
                    assert!(Instant::now() >= at);
                    order.borrow_mut().push(at);
                })
            });
            for ring in rings {
                ring.await.expect("rings");
            }
            assert!(order.borrow().is_sorted());
        })
        .await;
    }

    #[tokio::test]
    async fn an_alarm_can_be_set_again_and_not_at_all() {
        with_both(|timer| async move {
            let (alarm, other) = (timer.alarm(), timer.alarm());
            let now = Instant::now();
            alarm.set(Some(now + Duration::from_secs(3600)));
            other.set(Some(now + Duration::from_millis(1)));
            tokio::select! {
                _ = alarm.ring() => panic!("in an hour"),
                _ = other.ring() => {}
            }
            let soon = now + Duration::from_millis(2);
            alarm.set(Some(soon));
            assert_eq!(alarm.ring().await, soon);
            other.set(Some(soon + Duration::from_millis(1)));
            tokio::select! {
                _ = alarm.ring() => panic!("it has rung and was not set again"),
                _ = other.ring() => {}
            }
        })
        .await;
    }

    #[tokio::test]
    async fn alarms_that_are_set_all_the_time_do_not_pile_up() {
        let timer = Timer::new();
        let far = Instant::now() + Duration::from_secs(3600);
        let alarm = timer.alarm();
        (0..10_000).for_each(|n| alarm.set(Some(far + Duration::from_millis(n))));
        (0..1000).for_each(|_| timer.alarm().set(Some(far)));
        let alarms = timer.alarms.borrow();
        assert!(alarms.heap.len() < 100 && alarms.slots.len() == 2, "{}", alarms.heap.len());
    }
}
