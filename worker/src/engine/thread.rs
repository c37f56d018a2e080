//! A load thread: starts and stops its users by the profile, probes its own lag, hands over its intervals.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stampede_stats::interval::Interval;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::arrivals::Arrivals;
use super::context::{Context, UserSignals};
use super::cpu::CpuMeter;
use super::gauges::ThreadGauges;
use super::user::User;
use super::{Command, EngineConfig, Event};
use crate::http::{HttpFactory, HttpThread};
use crate::permits::Permits;
use crate::slots::{SlotChange, SlotGrant, SlotTable};

/// The lag probe's period.
const PROBE: Duration = Duration::from_millis(10);

/// Everything a load thread is born with.
pub(super) struct LoadThread {
    pub(super) number: usize,
    pub(super) config: EngineConfig,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) spares: mpsc::Receiver<Box<Interval>>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) gauges: Arc<ThreadGauges>,
}

impl LoadThread {
    /// Starts the thread. It tells its end by an event, whatever the end is.
    pub(super) fn spawn<F: HttpFactory>(self, factory: F) -> std::io::Result<()> {
        let (number, events) = (self.number, self.events.clone());
        std::thread::Builder::new().name(format!("load-{number}")).spawn(move || {
            let run = catch_unwind(AssertUnwindSafe(|| self.run(&factory)));
            let why = match run {
                Ok(Ok(())) => return,
                Ok(Err(error)) => format!("no runtime: {error}"),
                Err(panic) => panic_text(&*panic),
            };
            // Nobody listening means the worker is ending anyway.
            let _ = events.blocking_send(Event::Failed { thread: number, why });
        })?;
        Ok(())
    }

    fn run<F: HttpFactory>(self, factory: &F) -> std::io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        let pool = self.config.pool.clone();
        let (context, http) = {
            let _runtime = runtime.enter();
            let (prepared, clock) = (&self.config.prepared, &self.config.clock);
            let context = Context::new(Arc::clone(prepared), Arc::clone(clock), Permits::new(pool));
            (context, factory.thread(&prepared.http).map_err(std::io::Error::other)?)
        };
        runtime.block_on(Loop::new(self, context, http).run());
        Ok(())
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panicked: {}", text.unwrap_or_default())
}

/// A user as its thread sees it.
pub(super) struct UserHandle {
    pub(super) signals: Rc<UserSignals>,
    grant: SlotGrant,
    abort: AbortHandle,
    /// A user that was told to finish is given up at this run time.
    deadline: Option<Duration>,
    /// It was told to finish and then to go on: if it was already past the point of going on, its slot starts anew.
    revived: bool,
}

#[derive(Clone, Copy)]
struct Stop {
    at: Duration,
    timeout: Duration,
}

/// The thread's own loop.
pub(super) struct Loop<T> {
    thread: LoadThread,
    pub(super) context: Rc<Context>,
    http: T,
    slots: SlotTable,
    pub(super) users: HashMap<u32, UserHandle>,
    /// The open model, where that is asked for.
    pub(super) arrivals: Option<Arrivals>,
    /// How often a slot of this thread was started again.
    restarts: HashMap<u32, u32>,
    stop: Option<Stop>,
    /// The run clock is set.
    started: bool,
    /// The stop instant has passed.
    stopping: bool,
    cpu: CpuMeter,
    failure: Option<String>,
}

impl<T: HttpThread> Loop<T> {
    fn new(thread: LoadThread, context: Rc<Context>, http: T) -> Self {
        Self {
            arrivals: Arrivals::new(&context.prepared.plan),
            thread,
            context,
            http,
            slots: SlotTable::default(),
            users: HashMap::new(),
            restarts: HashMap::new(),
            stop: None,
            started: false,
            stopping: false,
            cpu: CpuMeter::new(Instant::now()),
            failure: None,
        }
    }

    async fn run(mut self) {
        let context = Rc::clone(&self.context);
        tokio::task::spawn_local(Rc::clone(&context.timer).drive());
        let (probe, alarm) = (context.timer.alarm(), context.timer.alarm());
        probe.set(Some(Instant::now()));
        while !self.is_over() {
            alarm.set(self.next_alarm());
            tokio::select! {
                biased;
                command = self.thread.commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => return self.give_up_all(),
                },
                due = probe.ring() => {
                    self.probe(due);
                    // After a stall one late probe tells it all; a burst of them would only add load.
                    probe.set(Some(Instant::now() + PROBE));
                }
                _ = alarm.ring() => {}
                () = context.someone_ended.notified() => {}
                Some(spare) = self.thread.spares.recv() => context.recorder.borrow_mut().give_spare(spare),
            }
            self.advance();
        }
        self.finish().await;
    }

    fn is_over(&self) -> bool {
        self.stopping && self.users.is_empty() && self.context.ended.borrow().is_empty()
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Assign(profile, grants, open) => {
                if let (Some(arrivals), Some(open)) = (&mut self.arrivals, &open) {
                    arrivals.assign(open);
                }
                let changes = self.slots.assign(profile, grants);
                self.apply(changes);
            }
            Command::Start => {
                self.started = true;
                let load = &self.context.prepared.plan.load;
                if let Some(at) = load.run_time {
                    self.set_stop(Stop { at, timeout: load.stop_timeout });
                }
            }
            Command::Stop { at, timeout } => self.set_stop(Stop { at, timeout }),
        }
    }

    fn set_stop(&mut self, stop: Stop) {
        let at = self.stop.map_or(stop.at, |known| known.at.min(stop.at));
        self.stop = Some(Stop { at, timeout: stop.timeout });
        self.context.stop_at.set(at);
        self.context.recorder.borrow_mut().stop_at(at);
    }

    /// The instant at which something is due by itself.
    fn next_alarm(&mut self) -> Option<Instant> {
        if !self.started {
            return None;
        }
        let clock = &self.context.clock;
        let start = clock.instant(Duration::ZERO)?;
        if Instant::now() < start {
            return Some(start);
        }
        if self.stopping {
            // Deadlines are looked at by the probe's ticks.
            return None;
        }
        let slots = self.slots.next(clock.now());
        let arrival = self.arrivals.as_mut().and_then(Arrivals::next_due);
        let due = slots.into_iter().chain(arrival).chain(self.stop.map(|stop| stop.at)).min()?;
        clock.instant(due)
    }

    /// Does what is due.
    fn advance(&mut self) {
        self.reap();
        let now = Instant::now();
        let clock = &self.context.clock;
        if !self.started || clock.instant(Duration::ZERO).is_none_or(|start| now < start) {
            // Called off before the start: there is nothing to wait for.
            self.stopping |= self.stop.is_some_and(|stop| stop.at.is_zero());
            return;
        }
        let run = clock.at(now);
        if self.stop.is_some_and(|stop| run >= stop.at) {
            self.stop_everyone();
        } else {
            let changes = self.slots.step(run);
            self.apply(changes);
            self.arrive(run);
        }
    }

    fn apply(&mut self, changes: Vec<SlotChange>) {
        for change in changes {
            match change {
                SlotChange::Start(grant) => {
                    if self.start_user(grant) && self.arrivals.is_some() {
                        // Started beforehand: free from the beginning.
                        self.context.push_free(grant.class, grant.slot);
                    }
                }
                SlotChange::Stop(slot) => {
                    let deadline = self.context.clock.now() + self.context.prepared.plan.load.stop_timeout;
                    if let Some(user) = self.users.get_mut(&slot) {
                        user.signals.set_stop(true);
                        user.deadline = Some(deadline);
                        user.revived = false;
                    }
                }
            }
        }
    }

    /// Starts a user, or lets the slot's old one go on. Returns whether there is a new one.
    pub(super) fn start_user(&mut self, grant: SlotGrant) -> bool {
        if let Some(user) = self.users.get_mut(&grant.slot) {
            // Still finishing: it simply goes on.
            user.signals.set_stop(false);
            user.deadline = None;
            user.revived = true;
            return false;
        }
        let restarts = self.restarts.entry(grant.slot).and_modify(|times| *times += 1).or_insert(0);
        let lived = SlotGrant { life: grant.life + *restarts, ..grant };
        let signals = Rc::new(UserSignals::default());
        match User::new(&self.context, &signals, lived, &self.http) {
            Ok(user) => {
                let user = Box::new(user);
                let task = if self.arrivals.is_some() {
                    tokio::task::spawn_local(user.serve())
                } else {
                    tokio::task::spawn_local(user.run())
                };
                let abort = task.abort_handle();
                self.users
                    .insert(grant.slot, UserHandle { signals, grant, abort, deadline: None, revived: false });
                true
            }
            Err(error) => {
                self.failure = Some(error.to_string());
                false
            }
        }
    }

    fn stop_everyone(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        // The second up to the stop is closed with the users that were alive in it.
        let run = self.context.clock.now();
        self.context.recorder.borrow_mut().roll(run);
        self.drop_arrivals_before(self.context.stop_at.get());
        for user in self.users.values_mut() {
            user.revived = false;
            user.signals.set_stop(true);
        }
    }

    /// Forgets users that have ended.
    ///
    /// # Panics
    /// When a user's task did: the runtime keeps that to itself, and the thread ends as with a panic of its own.
    fn reap(&mut self) {
        assert!(!self.context.panicked.get(), "a user's task panicked");
        let ended = std::mem::take(&mut *self.context.ended.borrow_mut());
        for slot in ended {
            let Some(user) = self.users.remove(&slot).filter(|_| !self.stopping) else { continue };
            if let Some(arrivals) = &mut self.arrivals {
                arrivals.close_user(slot);
            } else if user.revived {
                self.start_user(user.grant);
            }
        }
        if self.users.is_empty() {
            // A thread without users has no use for iterations; another one may.
            self.context.permits.give_back();
        }
    }

    /// A hundred times a second: lag, deadlines, what the thread shows, hand-over.
    fn probe(&mut self, due: Instant) {
        let now = Instant::now();
        let run = self.context.clock.at(now);
        if run.is_zero() {
            // What passes before the start is in no second.
            self.cpu = CpuMeter::new(now);
        } else {
            let mut recorder = self.context.recorder.borrow_mut();
            recorder.lag(now.saturating_duration_since(due), run);
            recorder.roll(run);
        }
        self.give_up_late(run);
        let context = &self.context;
        let users = context.recorder.borrow();
        self.thread.gauges.show(now, context, users.users());
        drop(users);
        self.hand_over(run);
        if let Some(why) = self.failure.take() {
            // A full queue tries again at the next tick.
            if self
                .thread
                .events
                .try_send(Event::Failed { thread: self.thread.number, why: why.clone() })
                .is_err()
            {
                self.failure = Some(why);
            }
        }
    }

    fn give_up_late(&self, run: Duration) {
        let all = self.stop.filter(|_| self.stopping).map(|stop| stop.at + stop.timeout);
        for user in self.users.values() {
            let deadline = user.deadline.into_iter().chain(all).min();
            if deadline.is_some_and(|deadline| run >= deadline) {
                user.abort.abort();
            }
        }
    }

    fn hand_over(&mut self, run: Duration) {
        loop {
            // What finds no room stays in the book until the next tick; nothing is lost.
            let Ok(room) = self.thread.events.try_reserve() else { return };
            let Some(mut interval) = self.context.recorder.borrow_mut().take_closed() else { return };
            self.cpu.read(Instant::now());
            self.cpu.book(&mut interval);
            interval.gauges.oldest_ns = oldest(&self.users, run);
            room.send(Event::Interval { thread: self.thread.number, interval });
        }
    }

    fn give_up_all(self) {
        for user in self.users.values() {
            user.abort.abort();
        }
    }

    async fn finish(mut self) {
        self.context.permits.give_back();
        let run = self.context.clock.now();
        {
            let mut recorder = self.context.recorder.borrow_mut();
            recorder.roll(run);
            recorder.close_last();
        }
        let now = Instant::now();
        let users = self.context.recorder.borrow().users().to_vec();
        self.thread.gauges.show(now, &self.context, &users);
        self.cpu.read(now);
        loop {
            let Some(mut interval) = self.context.recorder.borrow_mut().take_closed() else { break };
            self.cpu.book(&mut interval);
            // Without a listener the worker has given up on this run.
            let _ = self.thread.events.send(Event::Interval { thread: self.thread.number, interval }).await;
        }
        let _ = self.thread.events.send(Event::Ended { thread: self.thread.number }).await;
    }
}

fn oldest(users: &HashMap<u32, UserHandle>, run: Duration) -> u64 {
    let since = users.values().filter_map(|user| user.signals.request_since.get()).min();
    let age = since.map_or(Duration::ZERO, |since| run.saturating_sub(since));
    u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)
}
