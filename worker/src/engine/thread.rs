//! A load thread: its loop, which does what is due, probes its own lag and hands over the intervals. Its users are the roster's.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stampede_stats::interval::Interval;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;

use super::arrivals::Arrivals;
use super::context::Context;
use super::cpu::CpuMeter;
use super::gauges::ThreadGauges;
use super::roster::{Untold, UserHandle};
use super::{Command, EngineConfig, Event};
use crate::http::{HttpFactory, HttpThread};
use crate::permits::Permits;
use crate::slots::{Lives, SlotTable};

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
            let context = Context::new(
                Arc::clone(prepared),
                Arc::clone(clock),
                Permits::new(pool),
                Arc::clone(&self.config.lease),
            );
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

#[derive(Clone, Copy)]
struct Stop {
    at: Duration,
    timeout: Duration,
}

/// The thread's own loop.
pub(super) struct Loop<T> {
    pub(super) thread: LoadThread,
    pub(super) context: Rc<Context>,
    pub(super) http: Rc<T>,
    pub(super) slots: SlotTable,
    pub(super) users: HashMap<u32, UserHandle>,
    /// The open model, where that is asked for.
    pub(super) arrivals: Option<Arrivals>,
    /// Of users started for arrivals.
    pub(super) lives: Lives,
    pub(super) untold: Untold,
    stop: Option<Stop>,
    /// The run clock is set.
    started: bool,
    /// The stop instant has passed.
    stopping: bool,
    cpu: CpuMeter,
    pub(super) failure: Option<String>,
}

impl<T: HttpThread> Loop<T> {
    fn new(thread: LoadThread, context: Rc<Context>, http: T) -> Self {
        Self {
            arrivals: Arrivals::new(&context.prepared.plan),
            thread,
            context,
            http: Rc::new(http),
            slots: SlotTable::default(),
            users: HashMap::new(),
            lives: Lives::default(),
            untold: Untold::default(),
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
            self.tell();
        }
        self.finish().await;
    }

    fn is_over(&self) -> bool {
        self.stopping && self.users.is_empty() && self.context.ended.borrow().is_empty()
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Assign { revision, profile, grants, open, cut, steer } => {
                self.context.pause(steer.paused);
                if let (Some(arrivals), Some(open)) = (&mut self.arrivals, &open) {
                    arrivals.follow(steer.rate.as_ref());
                    arrivals.assign(open);
                    self.end_surplus(cut);
                }
                let changes = self.slots.assign(profile, grants, cut);
                self.apply(changes);
                self.follows(revision);
            }
            Command::Start { shared } => {
                self.context.set_shared(&shared);
                self.started = true;
                self.context.look_at_lease();
                // Who joins a running test has nothing to say of the seconds before.
                self.context.recorder.borrow_mut().join(self.context.clock.now());
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
        let clock = Arc::clone(&self.context.clock);
        let start = clock.instant(Duration::ZERO)?;
        if Instant::now() < start {
            return Some(start);
        }
        if self.stopping {
            // Deadlines are looked at by the probe's ticks.
            return None;
        }
        let now = clock.now();
        let slots = self.slots.next(now);
        let arrival = self.next_arrival(now);
        let due = slots.into_iter().chain(arrival).chain(self.stop.map(|stop| stop.at)).min()?;
        clock.instant(due)
    }

    /// Does what is due.
    fn advance(&mut self) {
        self.reap();
        self.untold.stop_wanted(self.context.stop_wish.get());
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

    fn stop_everyone(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        // The second up to the stop is closed with the users that were alive in it.
        let run = self.context.clock.now();
        self.context.recorder.borrow_mut().roll(run);
        self.drop_arrivals_before(self.context.stop_at.get());
        for user in self.users.values_mut() {
            user.signals.set_stop(true);
        }
    }

    /// A hundred times a second: lag, deadlines, what the thread shows, hand-over.
    fn probe(&mut self, due: Instant) {
        let now = Instant::now();
        let run = self.context.clock.at(now);
        self.context.look_at_lease();
        if !self.started || run.is_zero() {
            // What passes before the start is in no second.
            self.cpu = CpuMeter::new(now);
        } else {
            let mut recorder = self.context.recorder.borrow_mut();
            recorder.lag(now.saturating_duration_since(due), run);
            recorder.roll(run);
        }
        self.give_up_late(run, self.stop.filter(|_| self.stopping).map(|stop| stop.at + stop.timeout));
        let context = &self.context;
        let users = context.recorder.borrow();
        context.log_lines.look(run);
        self.thread.gauges.show(now, context, self.slots.stopped_count(), users.users());
        drop(users);
        self.hand_over(run);
        if let Some(why) = self.failure.take().or_else(|| self.context.failure.take()) {
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

    fn hand_over(&mut self, run: Duration) {
        loop {
            // What finds no room stays in the book until the next tick; nothing is lost.
            let Ok(room) = self.thread.events.try_reserve() else { return };
            let Some(mut interval) = self.context.recorder.borrow_mut().take_closed() else { return };
            self.cpu.read(Instant::now());
            self.cpu.book(&mut interval);
            interval.gauges.oldest_ns = self.oldest_ns(run);
            room.send(Event::Interval { thread: self.thread.number, interval });
        }
    }

    async fn finish(mut self) {
        self.context.permits.give_back();
        self.tell_all().await;
        let run = self.context.clock.now();
        {
            let mut recorder = self.context.recorder.borrow_mut();
            recorder.roll(run);
            recorder.close_last();
        }
        let now = Instant::now();
        let users = self.context.recorder.borrow().users().to_vec();
        self.thread.gauges.show(now, &self.context, self.slots.stopped_count(), &users);
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
