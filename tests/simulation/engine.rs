//! The engine of a simulation: it obeys the session as load threads do, on virtual time and without a target.
//!
//! Slots, recorder, intervals and events are the real ones; only requests are made up: they begin while the lease holds, take
//! a drawn time, and are entered in the [`Ledger`], which is the truth that reports are compared with.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use stampede_proto::aside::AsideDone;
use stampede_stats::endpoint::Part;
use stampede_stats::outcome::{FailureKind, Outcome};
use stampede_stats::recorder::{IterationEnd, Recorder, Sample};
use stampede_stats::snapshot::Snapshot;
use stampede_worker::engine::{
    AsideConfig, Command, Engine, EngineConfig, Event, Handle, Shown, StartEngine, ThreadGauges,
};
use stampede_worker::lease::BootTime;
use stampede_worker::permits::Permits;
use stampede_worker::slots::{SlotChange, SlotGrant, SlotTable};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::arrivals::Walk;
use crate::gate::gated;
use crate::ledger::Ledger;

mod tell;

/// How often a thread looks at everything.
const TICK: Duration = Duration::from_millis(10);

/// How long a user waits between two iterations.
const WAIT: Duration = Duration::from_millis(200);

/// How long the machines have been up when the simulation begins.
const UPTIME: Duration = Duration::from_secs(1000);

/// Starts the engines of one worker.
#[derive(Debug, Clone)]
pub(crate) struct Engines {
    /// Which worker.
    pub(crate) worker: usize,
    /// When the simulation began.
    pub(crate) epoch: Instant,
    /// Whether the worker's process runs.
    pub(crate) open: watch::Receiver<bool>,
    /// The truth.
    pub(crate) ledger: Arc<Mutex<Ledger>>,
}

impl StartEngine for Engines {
    fn start(&self, config: &EngineConfig, events: &mpsc::Sender<Event>) -> io::Result<Engine> {
        let thread = |number| {
            let ((commands, orders), (spares, given)) = (mpsc::channel(64), mpsc::channel(8));
            let gauges = Arc::new(ThreadGauges::default());
            let thread = Thread::new(number, self.clone(), config, Arc::clone(&gauges), events.clone());
            tokio::spawn(gated(thread.run(orders, given), self.open.clone()));
            Handle { commands, spares, gauges }
        };
        Ok(Engine::of((0..config.threads).map(thread).collect()))
    }

    fn aside(&self, config: AsideConfig, done: oneshot::Sender<AsideDone>) -> io::Result<()> {
        let rows = Snapshot { to_s: 1, ..Snapshot::default() };
        let _ = done.send(AsideDone { kind: config.kind, failure: None, shared: config.shared, rows });
        Ok(())
    }

    fn boot_time(&self) -> BootTime {
        BootTime::at(UPTIME + self.epoch.elapsed())
    }
}

/// What a user does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    /// Nothing until this run time, and then until the lease holds.
    Waits(Duration),
    /// A request, from one run time to another.
    Requests(Duration, Duration),
}

#[derive(Debug)]
struct User {
    grant: SlotGrant,
    doing: Doing,
    /// It ends with its iteration; cut or not makes no difference where an iteration is one request.
    ends: bool,
    /// Given up at this run time.
    deadline: Option<Duration>,
    requests: u64,
}

/// A load thread.
struct Thread {
    number: usize,
    of: Engines,
    config: EngineConfig,
    gauges: Arc<ThreadGauges>,
    events: mpsc::Sender<Event>,
    slots: SlotTable,
    users: BTreeMap<u32, User>,
    /// The open model, where that is asked for.
    walk: Option<Walk>,
    /// Users with an arrival each.
    serving: Vec<User>,
    recorder: Recorder,
    permits: Permits,
    /// No iteration begins.
    paused: bool,
    shown: Shown,
    started: bool,
    stop: Option<(Duration, Duration)>,
    stopping: bool,
    followed: Option<u64>,
    released: Vec<u32>,
}

impl Thread {
    fn new(
        number: usize,
        of: Engines,
        config: &EngineConfig,
        gauges: Arc<ThreadGauges>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let plan = &config.prepared.plan;
        let known = plan.endpoints.iter().map(stampede_proto::rows::key).collect();
        Self {
            number,
            of,
            gauges,
            events,
            slots: SlotTable::default(),
            users: BTreeMap::new(),
            walk: Walk::new(plan),
            serving: Vec::new(),
            recorder: Recorder::new(known, plan.classes.len()),
            permits: Permits::new(config.pool.clone()),
            paused: false,
            shown: Shown::default(),
            started: false,
            stop: None,
            stopping: false,
            followed: None,
            released: Vec::new(),
            config: config.clone(),
        }
    }

    async fn run(
        mut self,
        mut orders: mpsc::Receiver<Command>,
        mut spares: mpsc::Receiver<Box<stampede_stats::interval::Interval>>,
    ) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !(self.stopping && self.users.is_empty() && self.serving.is_empty()) {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    // The worker has given up on this run.
                    None => return,
                },
                _ = tick.tick() => {}
            }
            while let Ok(spare) = spares.try_recv() {
                self.recorder.give_spare(spare);
            }
            self.advance();
            self.tell();
        }
        self.finish().await;
    }

    fn run_time(&self) -> Duration {
        self.config.clock.at(Instant::now().into_std())
    }

    fn obey(&mut self, order: Command) {
        match order {
            Command::Assign { revision, profile, grants, open, cut, steer } => {
                self.paused = steer.paused;
                if let (Some(walk), Some(rate)) = (&mut self.walk, &steer.rate) {
                    walk.follow(&self.config.prepared.plan, rate);
                }
                if let (Some(walk), Some(open)) = (&mut self.walk, &open) {
                    walk.assign(open);
                }
                let changes = self.slots.assign(profile, grants, cut);
                self.apply(changes);
                self.followed = Some(revision);
            }
            Command::Start { .. } => {
                self.started = true;
                self.recorder.join(self.run_time());
                let load = &self.config.prepared.plan.load;
                if let Some(at) = load.run_time {
                    self.stop_at(at, load.stop_timeout);
                }
            }
            Command::Stop { at, timeout } => self.stop_at(at, timeout),
        }
    }

    fn stop_at(&mut self, at: Duration, timeout: Duration) {
        let at = self.stop.map_or(at, |(known, _)| known.min(at));
        self.stop = Some((at, timeout));
        self.recorder.stop_at(at);
    }

    fn apply(&mut self, changes: Vec<SlotChange>) {
        let now = self.run_time();
        let deadline = now + self.config.prepared.plan.load.stop_timeout;
        for change in changes {
            match change {
                SlotChange::Start(grant) => {
                    let doing = Doing::Waits(now);
                    let user = User { grant, doing, ends: false, deadline: None, requests: 0 };
                    let old = self.users.insert(grant.slot, user);
                    assert!(old.is_none(), "slot {} has two users on one thread", grant.slot);
                    self.recorder.user(usize::from(grant.class), true);
                }
                SlotChange::GoOn(slot) => {
                    if let Some(user) = self.users.get_mut(&slot) {
                        (user.ends, user.deadline) = (false, None);
                    }
                }
                SlotChange::Stop(slot) | SlotChange::Cut(slot) => {
                    if let Some(user) = self.users.get_mut(&slot) {
                        user.ends = true;
                        user.deadline.get_or_insert(deadline);
                    }
                }
            }
        }
    }

    fn advance(&mut self) {
        let now = self.run_time();
        let called_off = self.stop.is_some_and(|(at, _)| at.is_zero());
        if !self.started || now.is_zero() {
            self.stopping |= called_off;
            return;
        }
        self.recorder.roll(now);
        match self.stop {
            Some((at, timeout)) if now >= at => {
                self.stopping = true;
                self.users.values_mut().chain(&mut self.serving).for_each(|user| {
                    user.ends = true;
                    user.deadline.get_or_insert(at + timeout);
                });
            }
            _ => {
                let changes = self.slots.step(now);
                self.apply(changes);
            }
        }
        let holds = self.config.lease.holds_at(self.of.boot_time());
        self.arrive(now, holds);
        let mut serving = std::mem::take(&mut self.serving);
        serving.retain_mut(|user| self.lives_on(user, now, holds));
        self.serving = serving;
        let slots: Vec<u32> = self.users.keys().copied().collect();
        for slot in slots {
            if let Some(mut user) = self.users.remove(&slot) {
                if self.lives_on(&mut user, now, holds) {
                    self.users.insert(slot, user);
                } else {
                    self.recorder.user(usize::from(user.grant.class), false);
                    if self.slots.ended(slot) {
                        self.released.push(slot);
                    }
                }
            }
        }
        self.shown.users = self.recorder.users().to_vec();
        self.gauges.set(Instant::now().into_std(), &self.shown);
    }

    /// Begins what has come due. Without a lease it waits; what is found too late, or after the stop, is dropped.
    fn arrive(&mut self, now: Duration, holds: bool) {
        let stop_at = self.stop.map_or(Duration::MAX, |(at, _)| at);
        if !holds && now < stop_at {
            return;
        }
        let too_late = self.config.lease.length();
        while let Some(arrival) = self.walk.as_mut().and_then(|walk| walk.take(now.min(stop_at))) {
            let late = now.saturating_sub(arrival.due);
            let begins = now < stop_at && late < too_late;
            self.of.ledger.lock().unwrap_or_else(PoisonError::into_inner).arrive(
                self.of.worker,
                arrival.number,
                begins,
            );
            if !begins {
                self.recorder.drop_arrival(now);
                self.shown.dropped += 1;
                continue;
            }
            let slot = u32::try_from(arrival.number).expect("few");
            let grant = SlotGrant { slot, class: arrival.class, life: 0, not_before: now };
            let mut user = User {
                grant,
                doing: Doing::Waits(now),
                ends: true,
                deadline: None,
                requests: arrival.number,
            };
            self.begin_request(&mut user, now, Some(late));
            self.serving.push(user);
        }
    }

    /// Brings a user to `now`. Returns whether it is still there.
    fn lives_on(&mut self, user: &mut User, now: Duration, holds: bool) -> bool {
        let late = user.deadline.is_some_and(|deadline| now >= deadline);
        match user.doing {
            Doing::Requests(since, until) if now >= until || late => {
                self.end_request(user, since, now, now < until);
                user.doing = Doing::Waits(now + WAIT);
                !user.ends
            }
            Doing::Requests(..) => true,
            Doing::Waits(_) if user.ends => false,
            Doing::Waits(until) => {
                // Where iterations are limited, it waits for one.
                if now >= until && holds && !self.paused && self.permits.next().now_or_never().is_some() {
                    self.begin_request(user, now, None);
                }
                true
            }
        }
    }

    fn begin_request(&mut self, user: &mut User, now: Duration, late: Option<Duration>) {
        let SlotGrant { slot, life, .. } = user.grant;
        user.requests += 1;
        // Mostly quick; now and then one is under way for as long as a take-over lasts.
        let draw = (u64::from(slot) * 7919 + user.requests * 104_729 + u64::from(life)) % 97;
        let takes = if draw == 0 { 1500 } else { 20 + draw };
        user.doing = Doing::Requests(now, now + Duration::from_millis(takes));
        // There is no warm-up here: everything ends in the part in which it began.
        match late {
            Some(late) => self.recorder.begin_arrival(late, now),
            None => self.recorder.begin_iteration(now),
        };
        self.recorder.begin(0, now);
        self.shown.started += 1;
        self.shown.begun += 1;
        let mut ledger = self.of.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.begin(self.of.worker, slot, life, now);
        ledger.iterations.entry(self.of.worker).or_default().begun += 1;
    }

    fn end_request(&mut self, user: &User, since: Duration, now: Duration, given_up: bool) {
        let mut ledger = self.of.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = ledger.requests.entry(self.of.worker).or_default();
        let (outcome, end, sent) = if given_up {
            requests.cancelled += 1;
            (Outcome::Cancelled, IterationEnd::Cancelled, 0)
        } else if user.requests.is_multiple_of(10) {
            requests.failed += 1;
            (Outcome::Failed { kind: FailureKind::Status, message: "500" }, IterationEnd::Failed, 1)
        } else {
            requests.ok += 1;
            (Outcome::Ok, IterationEnd::Completed, 1)
        };
        requests.sent += sent;
        let iterations = ledger.iterations.entry(self.of.worker).or_default();
        match end {
            IterationEnd::Completed => iterations.completed += 1,
            IterationEnd::Failed => iterations.failed += 1,
            IterationEnd::Cancelled => iterations.cancelled += 1,
        }
        let response = now.saturating_sub(since);
        self.recorder.end(&Sample {
            endpoint: 0,
            at: now,
            outcome,
            response,
            service: Some(response),
            ttfb: Some(response),
            status: None,
            sent: u32::from(sent > 0),
            hops: 0,
            bytes_in: 0,
            head_bytes_in: 0,
            bytes_out: 0,
        });
        self.recorder.end_iteration(Part::Measured, end, now);
        self.shown.ended += 1;
    }
}
