//! Conducts a run: the one task that owns its state, with everything that state must not know of around it.
//!
//! Inputs come from handlers, people and a tick; effects go out to workers' streams; the picture is published ten times a
//! second. The order at the end: the run is over, workers are told and have up to half a second to say that they heard it.

mod paper;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use jiff::Timestamp;
use stampede_proto::prepare::Prepare;
use stampede_proto::v1::{BatchAck, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};
use tonic::Status;

pub use crate::conducted::Conducted;
use crate::export::{Exporting, Feed};
use crate::fleet::{Assets, Door, FleetEvent, Pipe, Registry, Service, memory, order_to_wire, serve};
use crate::journal::{Journal, Outgoing, Replayed, written};
use crate::local;
use crate::run::input::{Effect, Input, Person, WorkerId};
use crate::run::{Run, RunSetup};
use crate::view::RunView;
use crate::watch::{Gallery, WatchService};

/// Events of all workers that may wait for the run's task.
const EVENTS: usize = 1024;

/// Events taken at once before people and time have their turn again.
const ROUND: usize = 64;

/// How often time is looked at and the picture published.
const TICK: Duration = Duration::from_millis(100);

/// How long workers, and those who watch, have to hear that the run is over.
const FAREWELL: Duration = Duration::from_millis(500);

/// A run to be conducted.
#[derive(Debug)]
pub struct Job {
    /// What it is about.
    pub setup: RunSetup,
    /// The test as workers get it.
    pub prepare: Prepare,
    /// Its files.
    pub assets: Assets,
    /// Where remote workers come in.
    pub door: Option<Door>,
    /// The embedded worker, where there is one.
    pub embedded: Option<local::Setup>,
    /// Whether those who watch from elsewhere may change the load.
    pub control: bool,
}

/// A run about to be conducted, and its first picture.
#[derive(Debug)]
pub struct Conductor {
    epoch: Instant,
    run: Run,
    prepare: Prepare,
    registry: Arc<Mutex<Registry>>,
    events: mpsc::Receiver<FleetEvent>,
    controls: HashMap<WorkerId, mpsc::Sender<Result<Command, Status>>>,
    reports: HashMap<WorkerId, mpsc::Sender<Result<BatchAck, Status>>>,
    view: watch::Sender<RunView>,
    gallery: Gallery,
    embedded: Option<local::Embedded>,
    journal: Option<Journal>,
    exporting: Option<Exporting>,
    /// Those whose sessions have just ended for their silence.
    silent: Vec<WorkerId>,
    /// Lines of this process's log, to be shown.
    lines: Option<mpsc::Receiver<String>>,
    over: bool,
}

impl Conductor {
    /// Sets everything up and begins to listen. Must be called within a runtime.
    pub fn new(job: Job) -> (Self, watch::Receiver<RunView>) {
        Self::with_embedded(job, None, None)
    }

    /// As [`new`](Self::new), with everything written down in `journal`; goes on with what was `before`, if anything was.
    pub fn journaled(
        job: Job,
        journal: Journal,
        before: Option<Replayed>,
    ) -> (Self, watch::Receiver<RunView>) {
        Self::with_embedded(job, Some(journal), before)
    }

    fn with_embedded(
        job: Job,
        journal: Option<Journal>,
        before: Option<Replayed>,
    ) -> (Self, watch::Receiver<RunView>) {
        let (pipes, incoming) = memory();
        let embedded = job.embedded.clone().map(|setup| (setup, job.assets.clone()));
        let (mut conductor, view) = Self::set_up(job, incoming, journal, before);
        conductor.embedded = embedded.map(|(setup, files)| local::start(setup, files, pipes));
        (conductor, view)
    }

    /// As [`new`](Self::new), but whoever holds the other end of `pipes` runs the embedded worker.
    pub fn over(
        job: Job,
        pipes: impl Stream<Item = io::Result<Pipe>> + Send + 'static,
    ) -> (Self, watch::Receiver<RunView>) {
        Self::set_up(job, pipes, None, None)
    }

    fn set_up(
        job: Job,
        pipes: impl Stream<Item = io::Result<Pipe>> + Send + 'static,
        journal: Option<Journal>,
        before: Option<Replayed>,
    ) -> (Self, watch::Receiver<RunView>) {
        let epoch = journal.as_ref().map_or_else(Instant::now, Journal::epoch);
        let (sender, events) = mpsc::channel(EVENTS);
        let (mut run, workers, since) = match before {
            Some(Replayed { run, workers, last, .. }) => (run, workers, Some(last)),
            None => (Run::new(job.setup.clone(), Duration::ZERO), Vec::new(), None),
        };
        let registry = Arc::new(Mutex::new(Registry::restored(workers)));
        let lease = job.setup.lease;
        let service = Service::new(Arc::clone(&registry), sender, Arc::new(job.assets), epoch, lease);
        let (view, receiver) = watch::channel(run.view(since.unwrap_or_default()));
        let gallery = Gallery::new(receiver.clone());
        let watching = WatchService::new(gallery.clone(), service.events(), job.control);
        serve(&service, Some(&watching), job.door, pipes);
        let mut conductor = Self {
            epoch,
            run,
            prepare: job.prepare,
            registry,
            events,
            controls: HashMap::new(),
            reports: HashMap::new(),
            view,
            gallery,
            embedded: None,
            journal,
            exporting: None,
            silent: Vec::new(),
            lines: None,
            over: false,
        };
        if let Some(since) = since {
            conductor.handle(Input::Resumed { since });
        }
        (conductor, receiver)
    }

    /// Has the run's figures put into `feed` as well.
    #[must_use]
    pub fn exporting(mut self, feed: Option<Feed>) -> Self {
        self.exporting = feed.map(|feed| Exporting::new(feed, &self.run, self.epoch));
        self
    }

    /// Shows `lines` of this process's log among what happened.
    #[must_use]
    pub fn with_log(self, lines: mpsc::Receiver<String>) -> Self {
        Self { lines: Some(lines), ..self }
    }

    /// Conducts the run to its end.
    pub async fn conduct(mut self, mut people: mpsc::Receiver<Person>) -> Conducted {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut people_listen = true;
        let mut queued = Vec::with_capacity(ROUND);
        while !self.over {
            tokio::select! {
                // A fleet that always has something to say must not keep people and time from being heard.
                biased;
                person = people.recv(), if people_listen => match person {
                    Some(person) => self.handle(Input::Person(person)),
                    None => people_listen = false,
                },
                written = written(&mut self.journal) => self.written(written),
                _ = tick.tick() => {
                    // What has queued is read before anybody is judged by his silence.
                    // Not what comes meanwhile: that can go on for as long as a burst of statistics.
                    for _ in 0..self.events.len() {
                        let Ok(event) = self.events.try_recv() else { break };
                        self.fleet(event);
                    }
                    self.handle(Input::Tick);
                    self.publish();
                }
                _ = self.events.recv_many(&mut queued, ROUND) => {
                    queued.drain(..).for_each(|event| self.fleet(event));
                }
            }
        }
        self.publish();
        let gallery = self.gallery.clone();
        let until = Instant::now() + FAREWELL;
        // Who watches hangs up when it has seen the end; nobody is waited for longer than workers are.
        let (_, ()) = tokio::join!(timeout_at(until, gallery.left()), self.farewell(until));
        self.settle().await;
        self.conclude()
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn publish(&mut self) {
        let now = self.now();
        if let Some(lines) = &mut self.lines {
            // Not what comes meanwhile: that can go on.
            for _ in 0..lines.len() {
                let Ok(line) = lines.try_recv() else { break };
                self.run.log_line(line, now);
            }
        }
        let view = self.run.view(now);
        self.view.send_replace(view);
        if let Some(exporting) = &mut self.exporting {
            exporting.look(&self.run, now);
        }
    }

    fn fleet(&mut self, event: FleetEvent) {
        match event {
            FleetEvent::Input(input) => self.handle(input),
            FleetEvent::Person(person) => self.handle(Input::Person(person)),
            FleetEvent::Refused(text) => self.handle(Input::Refused { text }),
            FleetEvent::From(session, worker, input) if self.is_newest(session, worker) => self.handle(input),
            FleetEvent::Statistics(session, worker, input, _place) if self.is_newest(session, worker) => {
                self.handle(input);
            }
            FleetEvent::Control(session, worker, commands) if self.is_newest(session, worker) => {
                self.controls.insert(worker, commands);
            }
            FleetEvent::Report(session, worker, acks) if self.is_newest(session, worker) => {
                self.reports.insert(worker, acks);
            }
            // Of a session that is over.
            _ => {}
        }
    }

    fn is_newest(&self, session: u64, worker: WorkerId) -> bool {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.worker_of(session) == Some(worker)
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        if let Some(journal) = &mut self.journal {
            let registry = &self.registry;
            journal.note(&input, now, |worker| {
                registry.lock().unwrap_or_else(PoisonError::into_inner).instance_of(worker)
            });
        }
        for effect in self.run.handle(input, now) {
            self.carry_out(effect);
        }
        while let Some(worker) = self.silent.pop() {
            self.close_streams(worker, "no heartbeat for longer than the lease");
            self.handle(Input::Silent { worker });
        }
        if let Some(journal) = &mut self.journal {
            journal.write_if_due(now);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Order(worker, order) => {
                if let Some(commands) = self.controls.get(&worker) {
                    let command = order_to_wire(&order, &self.prepare, self.run.planned());
                    self.say(Outgoing::Command(worker, commands.clone(), Box::new(command)));
                }
            }
            Effect::Acknowledge { worker, run, applied_through, over } => {
                if let Some(acks) = self.reports.get(&worker) {
                    self.say(Outgoing::Ack(acks.clone(), BatchAck { run, applied_through, over }));
                }
            }
            Effect::EndIfSilent(worker, since) => {
                let registry = &mut *self.registry.lock().unwrap_or_else(PoisonError::into_inner);
                if registry.end_if_silent(worker, since) {
                    self.silent.push(worker);
                }
            }
            Effect::EndSession(worker, why) => self.end_session(worker, &why),
            Effect::Log(text) => tracing::info!("{text}"),
            Effect::Over => self.over = true,
        }
    }

    /// Says it, or keeps it until its reason is on disk.
    fn say(&mut self, outgoing: Outgoing) {
        match &mut self.journal {
            Some(journal) => journal.hold(outgoing),
            None => self.send(outgoing),
        }
    }

    fn send(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Command(worker, line, command) => {
                let is_newest = |commands: &mpsc::Sender<_>| commands.same_channel(&line);
                if line.try_send(Ok(*command)).is_err() && self.controls.get(&worker).is_some_and(is_newest) {
                    // It does not read: its session ends, and when it is back it is told everything again.
                    self.end_session(worker, "commands are not read");
                }
            }
            Outgoing::Ack(line, ack) => {
                // A full queue is fine: every acknowledgement says all that the ones before it said.
                let _ = line.try_send(Ok(ack));
            }
        }
    }

    fn end_session(&mut self, worker: WorkerId, why: &str) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).end(worker);
        self.close_streams(worker, why);
    }

    fn close_streams(&mut self, worker: WorkerId, why: &str) {
        if let Some(commands) = self.controls.remove(&worker) {
            let _ = commands.try_send(Err(Status::aborted(why)));
        }
        if let Some(acks) = self.reports.remove(&worker) {
            let _ = acks.try_send(Err(Status::aborted(why)));
        }
        self.handle(Input::ControlClosed { worker });
    }

    /// Waits, not long, until every worker has said that it is through with this run, or is gone.
    async fn farewell(&mut self, until: Instant) {
        let mut open: HashSet<WorkerId> = self.controls.keys().copied().collect();
        while !open.is_empty() {
            let event = tokio::select! {
                event = self.events.recv() => event,
                written = written(&mut self.journal) => {
                    self.written(written);
                    continue;
                }
                () = sleep_until(until) => None,
            };
            let Some(event) = event else { return };
            match &event {
                FleetEvent::From(_, worker, Input::Heartbeat { heartbeat, .. })
                    if heartbeat.run.is_empty() =>
                {
                    open.remove(worker);
                }
                FleetEvent::From(_, worker, Input::ControlClosed { .. }) => {
                    open.remove(worker);
                }
                _ => {}
            }
            self.fleet(event);
        }
    }

    fn conclude(self) -> Conducted {
        let now = Timestamp::now();
        // The wall clock is read once; the start is counted back on the clock that the run was measured with.
        let since_start =
            self.run.started().map_or(Duration::ZERO, |start| self.epoch.elapsed().saturating_sub(start));
        let started_at = now.checked_sub(since_start).unwrap_or(now);
        if let Some(embedded) = self.embedded {
            embedded.end();
        }
        Conducted::of(&self.run, started_at, now)
    }
}
