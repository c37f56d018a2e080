//! What the users of one load thread have in common: the plan, the clock, the thread's book, the permits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use stampede_stats::endpoint::EndpointKey;
use stampede_stats::recorder::Recorder;
use tokio::sync::Notify;

use super::message::BufferPool;
use super::prepared::Prepared;
use crate::clock::RunClock;
use crate::permits::Permits;

/// One thread's common things. Borrows of the book never live across an await.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) prepared: Arc<Prepared>,
    pub(super) clock: Arc<RunClock>,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) permits: Permits,
    /// Lent to requests with values in them.
    pub(super) buffers: BufferPool,
    /// Requests begun so far.
    pub(super) started: Cell<u64>,
    /// Iterations begun so far.
    pub(super) begun: Cell<u64>,
    /// Iterations ended so far.
    pub(super) ended_iterations: Cell<u64>,
    /// No iteration begins from this run time on.
    pub(super) stop_at: Cell<Duration>,
    /// Slots whose user has ended and was not noticed yet.
    pub(super) ended: RefCell<Vec<u32>>,
    /// A user's task has panicked: what the thread measures is not to be trusted any more.
    pub(super) panicked: Cell<bool>,
    /// Wakes the thread's own loop when a user has ended.
    pub(super) someone_ended: Notify,
}

impl Context {
    pub(super) fn new(prepared: Arc<Prepared>, clock: Arc<RunClock>, permits: Permits) -> Rc<Self> {
        let known =
            prepared.plan.endpoints.iter().map(|name| EndpointKey::new(&name.method, &name.name)).collect();
        let recorder = Recorder::new(known, prepared.plan.classes.len());
        Rc::new(Self {
            prepared,
            clock,
            recorder: RefCell::new(recorder),
            permits,
            buffers: BufferPool::default(),
            started: Cell::new(0),
            begun: Cell::new(0),
            ended_iterations: Cell::new(0),
            stop_at: Cell::new(Duration::MAX),
            ended: RefCell::default(),
            panicked: Cell::new(false),
            someone_ended: Notify::new(),
        })
    }
}

/// What the thread and one of its users have in common.
#[derive(Debug, Default)]
pub(super) struct UserSignals {
    /// The user is to finish.
    stop: Cell<bool>,
    changed: Notify,
    /// Run time at which the request under way began.
    pub(super) request_since: Cell<Option<Duration>>,
}

impl UserSignals {
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

    /// Returns when the user is to finish.
    pub(super) async fn stopped(&self) {
        while !self.stop.get() {
            self.changed.notified().await;
        }
    }
}
