//! What the users of one load thread have in common: the plan, the clock, the thread's book, the permits.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use stampede_proto::aside::Shared;
use stampede_scenarios::variables::Variables;
use stampede_stats::endpoint::Part;
use stampede_stats::outcome::FailureKind;
use stampede_stats::recorder::Recorder;
use tokio::sync::Notify;

use super::StopWish;
use super::arrivals::Handed;
use super::log_lines::LogLines;
use super::message::BufferPool;
use super::prepared::Prepared;
use crate::clock::RunClock;
use crate::http::probe::Probe;
use crate::lease::Lease;
use crate::permits::Permits;
use crate::timer::Timer;

/// One thread's common things. Borrows of the book never live across an await.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) prepared: Arc<Prepared>,
    pub(super) clock: Arc<RunClock>,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) permits: Permits,
    /// Without it no request begins.
    pub(super) lease: Arc<Lease>,
    /// The lease had ended when somebody last looked. Who holds is waiting for `renewed`.
    pub(super) lapsed: Cell<bool>,
    renewed: Notify,
    /// No iteration begins. Who holds is waiting for `resumed`.
    pub(super) paused: Cell<bool>,
    resumed: Notify,
    /// Lent to requests with values in them.
    pub(super) buffers: BufferPool,
    /// Requests begun so far.
    pub(super) started: Cell<u64>,
    /// Iterations begun so far.
    pub(super) begun: Cell<u64>,
    /// Iterations ended so far.
    pub(super) ended_iterations: Cell<u64>,
    /// Arrivals dropped so far.
    pub(super) dropped: Cell<u64>,
    /// By class the users that wait for an arrival, the one that finished last at the end.
    free: RefCell<Vec<Vec<u32>>>,
    /// Wakes what has to begin at an instant.
    pub(super) timer: Rc<Timer>,
    /// No iteration begins from this run time on.
    pub(super) stop_at: Cell<Duration>,
    /// Slots whose user has ended and was not noticed yet.
    pub(super) ended: RefCell<Vec<u32>>,
    /// Somebody wants the run to end, and why.
    pub(super) stop_wish: Cell<Option<StopWish>>,
    /// What the thread cannot go on without is not to be had.
    pub(super) failure: RefCell<Option<String>>,
    /// What `log` steps write.
    pub(super) log_lines: LogLines,
    /// A user's task has panicked: what the thread measures is not to be trusted any more.
    pub(super) panicked: Cell<bool>,
    /// What setup gave to all users.
    pub(super) shared: OnceCell<Variables>,
    /// Wakes the thread's own loop when a user has ended.
    pub(super) someone_ended: Notify,
}

impl Context {
    pub(super) fn new(
        prepared: Arc<Prepared>,
        clock: Arc<RunClock>,
        permits: Permits,
        lease: Arc<Lease>,
    ) -> Rc<Self> {
        let known = prepared.plan.endpoints.iter().map(stampede_proto::rows::key).collect();
        let classes = prepared.plan.classes.len();
        let recorder = Recorder::new(known, classes).with_warmup(prepared.plan.load.warmup);
        Rc::new(Self {
            prepared,
            clock,
            recorder: RefCell::new(recorder),
            permits,
            // The first look is still to come.
            lapsed: Cell::new(!lease.holds()),
            lease,
            renewed: Notify::new(),
            paused: Cell::new(false),
            resumed: Notify::new(),
            buffers: BufferPool::default(),
            started: Cell::new(0),
            begun: Cell::new(0),
            ended_iterations: Cell::new(0),
            dropped: Cell::new(0),
            free: RefCell::new(vec![Vec::new(); classes]),
            timer: Timer::new(),
            stop_at: Cell::new(Duration::MAX),
            ended: RefCell::default(),
            stop_wish: Cell::new(None),
            failure: RefCell::default(),
            log_lines: LogLines::default(),
            panicked: Cell::new(false),
            shared: OnceCell::new(),
            someone_ended: Notify::new(),
        })
    }

    /// What setup gave is known. The first word counts.
    pub(super) fn set_shared(&self, shared: &Shared) {
        let _ = self.shared.set(Variables::from_json(shared));
    }

    /// Looks at the lease. When it was renewed, everybody who holds goes on.
    pub(super) fn look_at_lease(&self) -> bool {
        let holds = self.lease.holds();
        if self.lapsed.replace(!holds) && holds {
            self.renewed.notify_waiters();
        }
        holds
    }

    /// No iteration begins while `paused`. When that is over, everybody who holds goes on.
    pub(super) fn pause(&self, paused: bool) {
        if self.paused.replace(paused) && !paused {
            self.resumed.notify_waiters();
        }
    }

    /// Waits until the test is paused no more.
    pub(super) async fn resumed(&self) {
        loop {
            // Registered before looking, so that nothing in between is missed.
            let resumed = self.resumed.notified();
            if !self.paused.get() {
                return;
            }
            resumed.await;
        }
    }

    /// The run is to end. The first reason counts.
    pub(super) fn wish_stop(&self, why: StopWish) {
        if self.stop_wish.get().is_none() {
            self.stop_wish.set(Some(why));
            self.someone_ended.notify_one();
        }
    }

    /// The thread cannot go on.
    pub(super) fn give_up(&self, why: String) {
        self.failure.borrow_mut().get_or_insert(why);
        self.someone_ended.notify_one();
    }

    /// A task fails without a request, by a `fail` step.
    pub(super) fn fail(&self, row: u32, message: &str) {
        self.recorder.borrow_mut().fail(row, FailureKind::Fail, self.clock.now(), message);
    }

    /// What a step of `task` needs cannot be computed.
    pub(super) fn task_failed(&self, task: &str, message: &str) {
        let now = self.clock.now();
        let mut recorder = self.recorder.borrow_mut();
        let row = recorder.task(task);
        recorder.fail(row, FailureKind::Template, now, message);
    }

    /// A user of `class` waits for an arrival.
    pub(super) fn push_free(&self, class: u16, slot: u32) {
        if let Some(free) = self.free.borrow_mut().get_mut(usize::from(class)) {
            free.push(slot);
        }
    }

    /// The user of `class` that has waited least. It may have ended meanwhile.
    pub(super) fn pop_free(&self, class: u16) -> Option<u32> {
        self.free.borrow_mut().get_mut(usize::from(class))?.pop()
    }

    /// An arrival begins, so much after it was due. Whoever it is handed to ends it, in the part of the run that it belongs to.
    pub(super) fn begin_arrival(&self, late: Duration, at: Duration) -> Part {
        self.begun.set(self.begun.get() + 1);
        self.recorder.borrow_mut().begin_arrival(late, at)
    }

    /// An arrival came due, and there is nobody to run it.
    pub(super) fn drop_arrival(&self, at: Duration) {
        self.recorder.borrow_mut().drop_arrival(at);
        self.dropped.set(self.dropped.get() + 1);
    }
}

/// What the thread and one of its users have in common.
#[derive(Debug)]
pub(super) struct UserSignals {
    /// The user is to finish.
    stop: Cell<bool>,
    changed: Notify,
    /// The arrival the user is to run next.
    arrival: Cell<Option<Handed>>,
    /// Run time at which the request under way began.
    pub(super) request_since: Cell<Option<Duration>>,
    /// It waits for the lease: if a request has begun, then nothing of it is on its way.
    holding: Cell<bool>,
    /// What its client tells, and is told.
    pub(super) probe: Arc<Probe>,
    /// Those of its other clients, where it has some.
    lanes: RefCell<Vec<Rc<UserSignals>>>,
    /// How often it has begun anew by itself.
    pub(super) restarts: Cell<u32>,
    /// Iterations before the newest of them: what its rows go on from.
    pub(super) rows_from: Cell<u64>,
    /// It has ended by itself, and its slot is to stay empty.
    pub(super) has_left: Cell<bool>,
    /// The row of its class, where one is asked for.
    pub(super) class_row: Option<u32>,
}

/// A user that waits for the lease.
struct Holding<'a>(&'a Cell<bool>);

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl UserSignals {
    /// Of a user whose requests are made under the thread's lease, and are booked in `class_row` as well.
    pub(super) fn new(context: &Context, class_row: Option<u32>) -> Self {
        Self {
            class_row,
            stop: Cell::new(false),
            changed: Notify::new(),
            arrival: Cell::new(None),
            request_since: Cell::new(None),
            holding: Cell::new(false),
            probe: Arc::new(Probe::under(Arc::clone(&context.lease))),
            lanes: RefCell::default(),
            restarts: Cell::new(0),
            rows_from: Cell::new(0),
            has_left: Cell::new(false),
        }
    }

    /// Waits until a request may begin; for ever, if its user makes none any more: the thread ends that user.
    pub(super) async fn hold(&self, context: &Context) {
        self.holding.set(true);
        let _holding = Holding(&self.holding);
        loop {
            // Registered before looking, so that a renewal in between is not missed.
            let renewed = context.renewed.notified();
            if self.probe.is_revoked() {
                std::future::pending::<()>().await;
            }
            if self.probe.may_begin() {
                return;
            }
            context.lapsed.set(true);
            renewed.await;
        }
    }

    /// Signals of another client of the same user.
    pub(super) fn add_lane(&self, lane: Rc<Self>) {
        if self.probe.is_revoked() {
            lane.probe.revoke();
        }
        self.lanes.borrow_mut().push(lane);
    }

    /// Its other clients are no more.
    pub(super) fn forget_lanes(&self) {
        self.lanes.borrow_mut().clear();
    }

    /// Since when a request has been on its way.
    pub(super) fn waits_since(&self) -> Option<Duration> {
        let own = self.request_since.get().filter(|_| !self.holding.get());
        let lanes = self.lanes.borrow();
        own.into_iter().chain(lanes.iter().filter_map(|lane| lane.waits_since())).min()
    }

    /// The user is to begin no request more.
    pub(super) fn cut(&self) {
        self.probe.revoke();
        self.lanes.borrow().iter().for_each(|lane| lane.probe.revoke());
        self.set_stop(true);
    }

    /// Tells the user to finish, or to go on after all.
    pub(super) fn set_stop(&self, stop: bool) {
        self.stop.set(stop);
        if stop {
            self.changed.notify_one();
        }
    }

    /// Whether the user is to finish.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.get()
    }

    /// Hands the user an arrival; it has none.
    pub(super) fn hand(&self, arrival: Handed) {
        self.arrival.set(Some(arrival));
        self.changed.notify_one();
    }

    /// The arrival it was handed and has not begun with.
    pub(super) fn take_arrival(&self) -> Option<Handed> {
        self.arrival.take()
    }

    /// The next arrival; `None` when the user is to finish. One that was handed over is run first.
    pub(super) async fn next_arrival(&self) -> Option<Handed> {
        loop {
            if let Some(arrival) = self.arrival.take() {
                return Some(arrival);
            }
            if self.stop.get() {
                return None;
            }
            self.changed.notified().await;
        }
    }

    /// Returns when the user is to finish.
    pub(super) async fn stopped(&self) {
        while !self.stop.get() {
            self.changed.notified().await;
        }
    }
}
