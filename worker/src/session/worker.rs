//! The worker's one task: events in, statuses and batches out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use stampede_proto::v1::command::What;
use stampede_proto::v1::{BatchAck, Command, HeartbeatAnswer, SnapshotBatch, WorkerPhase, WorkerStatus};
use stampede_proto::{assign, prepare as wire_prepare, v1};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::link::{Link, LinkError, establish};
use super::prepare::{Assets, Ready, prepare};
use super::run::{ActiveRun, State};
use super::{FIRST_BACK_OFF, Leave, MAX_BACK_OFF, Settings, WorkerError};
use crate::clock::ClockSync;
use crate::engine;
use crate::http::HttpFactory;

/// Events that may wait.
const EVENTS: usize = 256;

/// How often the worker looks whether something has to be told before the next heartbeat.
const LOOK: Duration = Duration::from_millis(25);

/// Heartbeats whose answers are waited for; older ones are given up.
const MAX_UNANSWERED: usize = 64;

/// What happens to a worker.
#[derive(Debug)]
pub(super) enum Event {
    Linked { attempt: u64, result: Result<Link, LinkError> },
    Command { attempt: u64, command: Command },
    Ack { attempt: u64, ack: BatchAck },
    Broken { attempt: u64, why: String },
    Prepared { run: String, result: Result<Ready, String> },
}

/// What was last told in a heartbeat, to see what is news.
#[derive(Debug, Default, PartialEq)]
struct Told {
    phase: i32,
    run: String,
    hungry_at: u64,
    all_begun: bool,
    leaving: bool,
}

struct Worker<F> {
    settings: Settings,
    factory: F,
    instance: [u8; 16],
    epoch: Instant,
    events: mpsc::Sender<Event>,
    link: Option<Link>,
    attempts: u64,
    /// When to connect again.
    redial: Option<Instant>,
    back_off: Duration,
    sync: ClockSync,
    seq: u64,
    /// (seq, sent in µs), oldest first.
    unanswered: VecDeque<(u64, u64)>,
    told: Told,
    last_told: Option<Instant>,
    run: Option<ActiveRun>,
    assets: Assets,
    /// Not to hand over batches before this.
    hold_until: Option<Instant>,
    leaving: bool,
    done: bool,
}

/// Works until told to leave, or for one test.
///
/// # Errors
/// When the coordinator refuses this worker, or a load thread dies.
pub async fn work<F: HttpFactory>(
    settings: Settings,
    factory: F,
    mut leave: Leave,
) -> Result<(), WorkerError> {
    let mut instance = [0; 16];
    getrandom::getrandom(&mut instance).map_err(|error| WorkerError::Random(error.to_string()))?;
    let (sender, mut events) = mpsc::channel(EVENTS);
    let mut worker = Worker::new(settings, factory, instance, sender);
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !worker.done {
        tokio::select! {
            Some(event) = events.recv() => worker.event(event).await?,
            event = engine_event(&mut worker.run) => worker.engine_event(event)?,
            _ = look.tick() => worker.look(),
            changed = leave.changed() => match changed {
                Ok(()) if *leave.borrow_and_update() >= 2 => return Err(WorkerError::LeftAtOnce),
                Ok(()) => worker.leave().await,
                // Whoever could tell is gone; for an embedded worker that is the end.
                Err(_) => return Ok(()),
            },
        }
        worker.hand_over();
    }
    Ok(())
}

/// The next event of the engine, if one runs.
async fn engine_event(run: &mut Option<ActiveRun>) -> engine::Event {
    match run {
        Some(ActiveRun { state: State::Running(running), .. }) => match running.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        _ => std::future::pending().await,
    }
}

impl<F: HttpFactory> Worker<F> {
    fn new(settings: Settings, factory: F, instance: [u8; 16], events: mpsc::Sender<Event>) -> Self {
        let epoch = Instant::now();
        Self {
            settings,
            factory,
            instance,
            epoch,
            events,
            link: None,
            attempts: 0,
            redial: Some(epoch),
            back_off: FIRST_BACK_OFF,
            sync: ClockSync::default(),
            seq: 0,
            unanswered: VecDeque::new(),
            told: Told::default(),
            last_told: None,
            run: None,
            assets: Assets::new(),
            hold_until: None,
            leaving: false,
            done: false,
        }
    }

    fn say(&self, text: &str) {
        (self.settings.say)(text);
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether an event belongs to the line that stands.
    fn is_current(&self, attempt: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.attempt == attempt)
    }

    async fn event(&mut self, event: Event) -> Result<(), WorkerError> {
        match event {
            Event::Linked { attempt, result } if attempt == self.attempts => self.linked(result)?,
            Event::Command { attempt, command } if self.is_current(attempt) => {
                if let Some(what) = command.what {
                    self.command(what).await;
                }
            }
            Event::Ack { attempt, ack } if self.is_current(attempt) => self.acknowledged(&ack),
            Event::Broken { attempt, why } if self.is_current(attempt) => self.broken(&why),
            Event::Prepared { run, result } => self.prepared(&run, result),
            // Of a line that is no more.
            _ => {}
        }
        Ok(())
    }

    fn dial(&mut self) {
        self.redial = None;
        self.attempts += 1;
        let (settings, instance, attempt) = (self.settings.clone(), self.instance, self.attempts);
        let events = self.events.clone();
        tokio::spawn(async move {
            let result = establish(settings, instance, attempt, events.clone()).await;
            // Nobody listening: the worker has ended meanwhile.
            let _ = events.send(Event::Linked { attempt, result }).await;
        });
    }

    fn linked(&mut self, result: Result<Link, LinkError>) -> Result<(), WorkerError> {
        match result {
            Ok(link) => {
                self.say(&format!("connected to the coordinator at {}", self.settings.address));
                if !link.notice.is_empty() {
                    self.say(&link.notice);
                }
                self.back_off = FIRST_BACK_OFF;
                self.sync = ClockSync::default();
                self.unanswered.clear();
                self.told = Told::default();
                self.link = Some(link);
                if let Some(run) = &mut self.run {
                    run.outbox.rewind();
                }
                self.tell();
                Ok(())
            }
            Err(LinkError::Refused(why)) => Err(WorkerError::Refused(why)),
            Err(LinkError::Unreachable(why)) => {
                let address = &self.settings.address;
                self.say(&format!(
                    "no coordinator at {address} ({why}); trying again in {:?}",
                    self.back_off
                ));
                self.wait_and_redial();
                Ok(())
            }
        }
    }

    fn wait_and_redial(&mut self) {
        if self.leaving {
            self.done = true;
        }
        self.redial = Some(Instant::now() + self.back_off);
        self.back_off = (self.back_off * 2).min(MAX_BACK_OFF);
    }

    fn broken(&mut self, why: &str) {
        self.link = None;
        let idle = self.run.is_none();
        let text =
            if idle { "the coordinator is gone" } else { "the line to the coordinator broke; users go on" };
        self.say(&format!("{text} ({why})"));
        self.wait_and_redial();
    }

    async fn command(&mut self, what: What) {
        match what {
            What::Answer(answer) => self.answered(&answer),
            What::Prepare(wire) => self.prepare(wire),
            What::Assign(wire) => self.assign(wire).await,
            What::Start(start) => {
                if let Some(run) = self.run.as_mut().filter(|run| run.id == start.run) {
                    run.start(start.start_us, &self.sync).await;
                    self.say("the test starts");
                    self.tell();
                }
            }
            What::Stop(stop) => {
                if let Some(run) = self.run.as_mut().filter(|run| run.id == stop.run) {
                    let (at, timeout) =
                        (Duration::from_nanos(stop.at_ns), Duration::from_nanos(stop.stop_timeout_ns));
                    run.stop(at, timeout).await;
                }
            }
            What::Iterations(grant) => {
                if let Some(run) = self.run.as_ref().filter(|run| run.id == grant.run)
                    && let State::Running(running) = &run.state
                    && let Some(pool) = &running.pool
                {
                    pool.grant(grant.total, grant.exhausted);
                }
            }
            What::RunOver(over) => {
                if self.run.as_ref().is_some_and(|run| run.id == over.run) {
                    self.run = None;
                    self.say("the test is over");
                    self.done |= self.settings.once;
                    self.tell();
                }
            }
            What::Notice(text) => self.say(&text),
        }
    }

    fn answered(&mut self, answer: &HeartbeatAnswer) {
        let now = self.now_us();
        while let Some((seq, sent)) = self.unanswered.pop_front() {
            if seq == answer.seq {
                self.sync.exchange(sent, answer.received_us, answer.answered_us, now);
                break;
            }
            if seq > answer.seq {
                self.unanswered.push_front((seq, sent));
                break;
            }
        }
        if self.sync.is_ready() {
            if let Some(run) = &mut self.run {
                run.follow(&self.sync);
            }
        } else {
            self.tell();
        }
    }

    fn prepare(&mut self, wire: v1::Prepare) {
        let Some(link) = &self.link else { return };
        if self.run.as_ref().is_some_and(|run| run.id == wire.run) {
            return;
        }
        let run = wire.run.clone();
        self.run = Some(ActiveRun::new(run.clone(), self.epoch));
        let (session, data, known) = (link.session, link.data.clone(), self.assets.clone());
        let events = self.events.clone();
        self.say("preparing a test");
        tokio::spawn(async move {
            let result = match wire_prepare::from_wire(wire) {
                Ok(what) => prepare(what, session, data, known).await,
                Err(error) => Err(error.to_string()),
            };
            let _ = events.send(Event::Prepared { run, result }).await;
        });
    }

    fn prepared(&mut self, id: &str, result: Result<Ready, String>) {
        let Some(run) = self.run.as_mut().filter(|run| run.id == id) else { return };
        let result = result.and_then(|ready| {
            self.assets.clone_from(&ready.assets);
            run.ready(&ready, self.settings.threads, &self.factory).map_err(|error| error.to_string())
        });
        if let Err(why) = result {
            (self.settings.say)(&format!("cannot take part in the test: {why}"));
            run.state = State::Failed(why);
        }
        self.tell();
    }

    async fn assign(&mut self, wire: v1::Assign) {
        let result = match assign::from_wire(wire) {
            Ok(assign) => match self.run.as_mut().filter(|run| run.id == assign.run) {
                Some(run) => run.assign(assign).await,
                None => Ok(()),
            },
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = result {
            self.say(&format!("the coordinator assigned what cannot be: {why}"));
            if let Some(run) = &mut self.run {
                run.state = State::Failed(why);
            }
        }
        self.tell();
    }

    fn acknowledged(&mut self, ack: &BatchAck) {
        if let Some(run) = self.run.as_mut().filter(|run| run.id == ack.run) {
            run.outbox.acknowledge(ack.applied_through);
        }
    }

    fn engine_event(&mut self, event: engine::Event) -> Result<(), WorkerError> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let before = run.outbox.len();
        if let Some((thread, why)) = run.engine_event(event) {
            return Err(WorkerError::Thread { thread, why });
        }
        let finished = matches!(run.state, State::Finished { .. });
        if finished {
            self.hold_until = None;
            self.say("every user has ended");
            self.tell();
        } else if run.outbox.len() > before && self.settings.spread {
            self.hold_until = Some(Instant::now() + self.spread());
        }
        Ok(())
    }

    /// This worker's own moment after the full second, 0 to 225 ms.
    fn spread(&self) -> Duration {
        LOOK * u32::from(self.instance[0] % 10)
    }

    /// Hands batches to the transport, as many as it may have.
    fn hand_over(&mut self) {
        let (Some(link), Some(run)) = (&self.link, &mut self.run) else { return };
        if self.hold_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.hold_until = None;
        while let Ok(room) = link.report.try_reserve() {
            let Some(batch) = run.outbox.next_batch() else { return };
            room.send(SnapshotBatch { session: link.session, ..batch });
        }
    }

    /// Looks whether something is due or has to be told before the next heartbeat.
    fn look(&mut self) {
        if self.redial.is_some_and(|at| Instant::now() >= at) {
            self.dial();
        }
        if self.leaving && self.run.as_ref().is_none_or(ActiveRun::is_delivered) {
            self.done = true;
            return;
        }
        let Some(link) = &self.link else { return };
        let due = self.last_told.is_none_or(|at| at.elapsed() >= link.heartbeat);
        if due || self.status().1 != self.told {
            self.tell();
        }
    }

    fn status(&self) -> (WorkerStatus, Told) {
        let mut status = WorkerStatus { leaving: self.leaving, ..WorkerStatus::default() };
        let mut told = Told { leaving: self.leaving, ..Told::default() };
        if let Some(run) = &self.run {
            let showing = run.showing();
            status.run.clone_from(&run.id);
            status.set_phase(run.phase(&self.sync));
            status.revision = run.revision;
            status.users = showing.users;
            status.started = showing.started;
            status.iterations_begun = showing.begun;
            status.wants_iterations = showing.hungry;
            status.outbox = u32::try_from(run.outbox.len()).unwrap_or(u32::MAX);
            status.thread_ages_ms = showing.ages_ms;
            if let State::Failed(why) = &run.state {
                status.error.clone_from(why);
            }
            told.run.clone_from(&run.id);
            // Hungry after each grant anew: then the coordinator is to know at once.
            told.hungry_at = if showing.hungry { showing.granted + 1 } else { 0 };
            told.all_begun = showing.granted > 0 && showing.begun == showing.granted;
        } else {
            status.set_phase(WorkerPhase::Idle);
        }
        told.phase = status.phase;
        (status, told)
    }

    /// Sends a heartbeat with how things are.
    fn tell(&mut self) {
        let (mut status, told) = self.status();
        let Some(link) = &self.link else { return };
        status.session = link.session;
        self.seq += 1;
        status.seq = self.seq;
        status.sent_us = self.now_us();
        status.memory_bytes = resident_bytes();
        let rtt = self.sync.round_trip_us().unwrap_or(0);
        status.rtt_us = u32::try_from(rtt).unwrap_or(u32::MAX);
        let (seq, sent) = (status.seq, status.sent_us);
        self.last_told = Some(Instant::now());
        // A full queue means the transport is stuck; the next heartbeat tells the same.
        if link.control.try_send(status).is_ok() {
            self.told = told;
            if self.unanswered.len() == MAX_UNANSWERED {
                self.unanswered.pop_front();
            }
            self.unanswered.push_back((seq, sent));
        }
    }

    async fn leave(&mut self) {
        self.leaving = true;
        match &mut self.run {
            Some(run) => {
                run.leave().await;
                self.say("leaving: users finish, then everything is delivered");
            }
            None => self.say("leaving"),
        }
        self.tell();
        if self.link.is_none() {
            self.done = true;
        }
    }
}

/// Resident memory of this process in bytes; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
