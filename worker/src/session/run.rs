//! One test on this worker: its engine, its clock, its share of the users, and what it has measured.

use std::sync::Arc;
use std::time::Duration;

use stampede_proto::aside::Shared;
use stampede_proto::assign::{Assign, Held, OpenShare};
use stampede_proto::v1::WorkerPhase;
use stampede_scenarios::profile::Profile;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Settings;
use super::beside::Beside;
use super::prepare::Ready;
use super::running::Running;
use crate::clock::{ClockSync, RunClock};
use crate::engine::prepared::Prepared;
use crate::engine::{Command, EngineConfig, Event, StartEngine, StopWish};
use crate::lease::Lease;
use crate::outbox::Outbox;
use crate::permits::IterationPool;

/// Engine events that may wait: a few seconds of all threads.
const EVENTS: usize = 256;

/// After this the last arrivals of lanes that were taken back have come due: a hand-over names one a second ahead.
const LAST_ARRIVALS: Duration = Duration::from_millis(1500);

/// A test as this worker sees it.
#[derive(Debug)]
pub(super) struct ActiveRun {
    pub(super) id: String,
    pub(super) state: State,
    pub(super) outbox: Outbox,
    clock: Arc<RunClock>,
    /// The start was named.
    started: bool,
    /// Run time zero on the clock of the coordinator there is a line to, and when the clocks were last compared. Another
    /// one, which goes on with the test of one that died, has another clock.
    start: Option<(u64, Instant)>,
    stop: Option<(Duration, Duration)>,
    /// The test, once it is prepared.
    pub(super) prepared: Option<Arc<Prepared>>,
    /// What runs here once in the whole test.
    pub(super) beside: Beside,
}

#[derive(Debug)]
pub(super) enum State {
    Preparing,
    Failed(String),
    Running(Box<Running>),
    /// Every user has ended.
    Finished {
        users: usize,
    },
}

impl ActiveRun {
    pub(super) fn new(id: String, epoch: Instant) -> Self {
        Self {
            outbox: Outbox::new(id.clone()),
            id,
            state: State::Preparing,
            clock: Arc::new(RunClock::new(epoch.into_std())),
            started: false,
            start: None,
            stop: None,
            prepared: None,
            beside: Beside::default(),
        }
    }

    /// The test is prepared: the threads are started and wait.
    pub(super) fn ready<E: StartEngine>(
        &mut self,
        ready: &Ready,
        threads: usize,
        engines: &E,
        lease: &Arc<Lease>,
    ) -> std::io::Result<()> {
        let prepared = Arc::clone(&ready.prepared);
        self.prepared = Some(Arc::clone(&prepared));
        let load = &prepared.plan.load;
        // Arrivals are bounded by their own schedule.
        let pool = load.iterations.filter(|_| load.open.is_none()).map(|_| IterationPool::new(threads));
        let config = EngineConfig {
            prepared: Arc::clone(&prepared),
            threads,
            clock: Arc::clone(&self.clock),
            pool: pool.clone(),
            lease: Arc::clone(lease),
        };
        let (sender, events) = mpsc::channel(EVENTS);
        let engine = engines.start(&config, &sender)?;
        self.state = State::Running(Box::new(Running::new(prepared, engine, events, pool)));
        Ok(())
    }

    /// The load profile that the scenario gives, while there is something to run.
    pub(super) fn planned(&self) -> Option<&Profile> {
        match &self.state {
            State::Running(running) => Some(&running.prepared.plan.load.profile),
            _ => None,
        }
    }

    /// Follows an assignment newer than the one in force.
    ///
    /// # Errors
    /// When it names users that the scenario does not have, or at first more than the system has room for.
    pub(super) async fn assign(&mut self, assign: Assign, settings: &Settings) -> Result<(), String> {
        let State::Running(running) = &mut self.state else { return Ok(()) };
        if assign.revision <= running.share.newest() {
            return Ok(());
        }
        let lanes_end = |open: &OpenShare| open.lanes.iter().all(|lanes| lanes.until.is_some());
        let is_empty = assign.grants.is_empty() && assign.open.as_ref().is_none_or(lanes_end);
        let since = running.empty_since.unwrap_or_else(|| self.clock.at(Instant::now().into_std()));
        running.empty_since = is_empty.then_some(since);
        running.assign(assign, settings).await
    }

    /// The line is a new one: what was known of the coordinator's clock may be of another coordinator.
    pub(super) fn relinked(&mut self) {
        self.outbox.rewind();
        self.start = None;
    }

    /// The newest assignment that every thread follows, and the users still held beside it.
    pub(super) fn followed(&self) -> (u64, usize) {
        match &self.state {
            State::Running(running) => (running.share.revision(), running.share.held_count()),
            _ => (0, 0),
        }
    }

    /// Users still held beside the assignment.
    pub(super) fn held(&self) -> Vec<Held> {
        match &self.state {
            State::Running(running) => running.share.held(),
            _ => Vec::new(),
        }
    }

    /// The run's beginning is named. Returns whether that was news.
    pub(super) async fn start(&mut self, start_us: u64, shared: Shared, sync: &ClockSync) -> bool {
        let (State::Running(running), Some(offset)) = (&self.state, sync.offset_us()) else { return false };
        if self.start.is_none() {
            self.start = Some((start_us, Instant::now()));
        }
        if std::mem::replace(&mut self.started, true) {
            return false;
        }
        self.clock.start(start_us, offset);
        let shared = Arc::new(shared);
        running.engine.command(|_| Command::Start { shared: Arc::clone(&shared) }).await;
        true
    }

    /// Keeps run time with the coordinator's clock.
    pub(super) fn follow(&mut self, sync: &ClockSync) {
        if let (Some((start_us, last)), Some(offset)) = (&mut self.start, sync.offset_us()) {
            let now = Instant::now();
            self.clock.follow(*start_us, offset, now.saturating_duration_since(*last));
            *last = now;
        }
    }

    /// The run is to end at run time `at`.
    pub(super) async fn stop(&mut self, at: Duration, timeout: Duration) {
        self.stop = Some((at, timeout));
        if let State::Running(running) = &self.state {
            running.engine.command(|_| Command::Stop { at, timeout }).await;
        }
    }

    /// How long its users may take to finish.
    pub(super) fn stop_timeout(&self) -> Duration {
        match &self.state {
            State::Running(running) => running.prepared.plan.load.stop_timeout,
            _ => Duration::ZERO,
        }
    }

    /// Whether its users run.
    pub(super) fn is_started(&self) -> bool {
        self.started && matches!(self.state, State::Running(_))
    }

    /// Whether everything was taken back.
    pub(super) fn is_taken_back(&self) -> bool {
        matches!(&self.state, State::Running(running) if running.empty_since.is_some())
    }

    /// Whether that has been carried out: nobody is held any more, and the last arrivals have come due.
    pub(super) fn is_handed_back(&self) -> bool {
        let State::Running(running) = &self.state else { return false };
        let is_open = running.prepared.plan.load.open.is_some();
        let last_due =
            running.empty_since.map(|since| since + if is_open { LAST_ARRIVALS } else { Duration::ZERO });
        let share = &running.share;
        last_due.is_some_and(|at| self.run_time() >= at)
            && share.revision() == share.newest()
            && share.held_count() == 0
    }

    /// This worker leaves: its users finish now.
    pub(super) async fn leave(&mut self) {
        let now = if self.is_ended() { Duration::ZERO } else { self.run_time() };
        let timeout = self.stop_timeout();
        self.stop(now, timeout).await;
    }

    /// Takes what an engine event brings. Returns why the worker cannot go on, if so.
    pub(super) fn engine_event(&mut self, event: Event) -> Option<(usize, String)> {
        let State::Running(running) = &mut self.state else { return None };
        match event {
            Event::Interval { thread, interval } => {
                running.take(thread, interval, &mut self.outbox);
                None
            }
            Event::Followed { thread, revision, departing } => {
                running.share.followed(thread, revision, departing);
                None
            }
            Event::Released { thread, slots } => {
                running.share.released(thread, &slots);
                None
            }
            Event::StopWanted { why, .. } => {
                running.stop_wish.get_or_insert(why);
                None
            }
            Event::Ended { thread } => {
                running.ended += 1;
                running.share.ended(thread);
                running.end(thread, &mut self.outbox);
                if running.ended == running.engine.threads() {
                    self.outbox.complete();
                    self.state = State::Finished { users: running.prepared.plan.classes.len() };
                }
                None
            }
            Event::Failed { thread, why } => Some((thread, why)),
        }
    }

    /// Its iterations, where they are limited.
    pub(super) fn pool(&self) -> Option<Arc<IterationPool>> {
        match &self.state {
            State::Running(running) => running.pool.clone(),
            _ => None,
        }
    }

    fn run_time(&self) -> Duration {
        self.clock.at(Instant::now().into_std())
    }

    /// Whether no user runs any more.
    pub(super) fn is_ended(&self) -> bool {
        !matches!(self.state, State::Running(_))
    }

    /// Whether it has ended here and everything was acknowledged.
    pub(super) fn is_delivered(&self) -> bool {
        match self.state {
            State::Running(_) => false,
            State::Preparing | State::Failed(_) => true,
            State::Finished { .. } => self.outbox.is_empty(),
        }
    }

    /// Where it stands, for the coordinator.
    pub(super) fn phase(&self, sync: &ClockSync) -> WorkerPhase {
        match &self.state {
            State::Preparing => WorkerPhase::Preparing,
            State::Failed(_) => WorkerPhase::Failed,
            State::Running(_) if !self.started => {
                if sync.is_ready() {
                    WorkerPhase::Ready
                } else {
                    WorkerPhase::Preparing
                }
            }
            State::Running(_) => {
                let draining = self.stop.is_some_and(|(at, _)| self.run_time() >= at);
                if draining { WorkerPhase::Draining } else { WorkerPhase::Running }
            }
            State::Finished { .. } => WorkerPhase::Finished,
        }
    }

    /// Requests and iterations begun, users by class, age of each thread in ms.
    pub(super) fn showing(&self) -> Showing {
        let mut showing = Showing::default();
        match &self.state {
            State::Running(running) => {
                let now = Instant::now().into_std();
                for thread in running.engine.gauges() {
                    showing.started += thread.started();
                    showing.ended += thread.ended();
                    showing.dropped += thread.dropped();
                    showing.stopped = showing.stopped.saturating_add(thread.stopped());
                    showing.begun += thread.begun();
                    thread.add_users(&mut showing.users);
                    showing.ages_ms.push(u32::try_from(thread.age(now).as_millis()).unwrap_or(u32::MAX));
                }
                showing.wish = running.stop_wish;
                showing.hungry = running.pool.as_ref().is_some_and(|pool| pool.is_hungry());
                showing.granted = running.pool.as_ref().map_or(0, |pool| pool.granted());
            }
            State::Finished { users } => showing.users = vec![0; *users],
            State::Preparing | State::Failed(_) => {}
        }
        showing
    }
}

/// What a heartbeat tells of a run.
#[derive(Debug, Default)]
pub(super) struct Showing {
    pub(super) started: u64,
    pub(super) begun: u64,
    pub(super) ended: u64,
    pub(super) dropped: u64,
    pub(super) stopped: u32,
    /// Why users want the run to end, if they do.
    pub(super) wish: Option<StopWish>,
    pub(super) users: Vec<u32>,
    pub(super) ages_ms: Vec<u32>,
    pub(super) hungry: bool,
    pub(super) granted: u64,
}
