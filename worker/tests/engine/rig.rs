//! One load thread with a target that answers when the test says so, and a lease in the test's hands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use stampede_proto::prepare::ClientChoice;
use stampede_proto::steer::Steer;
use stampede_scenarios::compile::compile;
use stampede_scenarios::profile::Profile;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source};
use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::interval::Interval;
use stampede_worker::clock::RunClock;
use stampede_worker::engine::arrivals::OpenGrant;
use stampede_worker::engine::prepared::Prepared;
use stampede_worker::engine::{Command, Engine, EngineConfig, Event, ThreadGauges};
use stampede_worker::http::probe::{HELD, Probe};
use stampede_worker::http::run::RunHttp;
use stampede_worker::http::{
    ClientError, Exchange, Failure, HttpClient, HttpFactory, HttpThread, Request, Response,
};
use stampede_worker::lease::{BootTime, Lease};
use stampede_worker::slots::SlotGrant;
use tokio::sync::{mpsc, oneshot};

/// Long enough for everything that comes at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a user does at the target; it goes on when it is told, or when this is dropped.
#[derive(Debug)]
pub(crate) struct Hit {
    /// The request's path; `None` while it connects.
    pub(crate) path: Option<String>,
    /// The client that makes it, in the order in which they were made.
    pub(crate) client: usize,
    go_on: oneshot::Sender<(u16, Vec<u8>)>,
}

impl Hit {
    pub(crate) fn go_on(self) {
        self.answer(200, "");
    }

    /// The target answers with this status and body.
    pub(crate) fn answer(self, status: u16, body: &str) {
        // Who was given up meanwhile does not hear it.
        let _ = self.go_on.send((status, body.as_bytes().to_vec()));
    }
}

/// Makes users' clients.
#[derive(Debug, Clone)]
struct Target {
    hits: mpsc::Sender<Hit>,
    clients: Arc<AtomicUsize>,
}

/// One user's client. It connects before its first request.
struct Client {
    hits: mpsc::Sender<Hit>,
    probe: Arc<Probe>,
    connected: bool,
    number: usize,
}

impl HttpFactory for Target {
    type Thread = Self;

    fn thread(&self, _run: &Arc<RunHttp>) -> Result<Self, ClientError> {
        Ok(self.clone())
    }
}

impl HttpThread for Target {
    type Client = Client;

    fn client(&self, probe: &Arc<Probe>) -> Result<Client, ClientError> {
        let number = self.clients.fetch_add(1, Ordering::Relaxed);
        Ok(Client { hits: self.hits.clone(), probe: Arc::clone(probe), connected: false, number })
    }
}

impl Client {
    async fn hit(&self, path: Option<String>) -> (u16, Vec<u8>) {
        let (go_on, told) = oneshot::channel();
        // A test that is over wants no more of it.
        let _ = self.hits.send(Hit { path, client: self.number, go_on }).await;
        told.await.unwrap_or((200, Vec::new()))
    }
}

impl HttpClient for Client {
    async fn exchange(&mut self, request: Request<'_>) -> Exchange {
        self.probe.wrote(false);
        if !self.connected {
            self.hit(None).await;
            self.connected = true;
            if !self.probe.may_write() {
                return exchange(Err(HELD), false);
            }
        }
        self.probe.wrote(true);
        let (status, body) = self.hit(Some(request.path.to_owned())).await;
        exchange(Ok(Box::new(Response { status, body, ..Response::default() })), true)
    }
}

fn exchange(result: Result<Box<Response>, Failure>, written: bool) -> Exchange {
    let end = Instant::now();
    Exchange { result, first_byte: written.then_some(end), end, connecting: Duration::ZERO, written }
}

/// What the thread did, added up.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) requests: RequestCounts,
    pub(crate) iterations: IterationCounts,
    /// The first second that was told of.
    pub(crate) first_s: Option<u32>,
    /// The longest response.
    pub(crate) longest: Duration,
    /// Every row by method and name, requests or not.
    pub(crate) rows: BTreeMap<String, RequestCounts>,
    /// Every failure without a request, with its kind and message, and how often it came.
    pub(crate) errors: Vec<String>,
    failures: BTreeMap<String, u64>,
}

impl Sum {
    /// With what is shown of it made ready.
    fn told(mut self) -> Self {
        self.errors = self.failures.iter().map(|(what, count)| format!("{what} ({count})")).collect();
        self
    }

    fn add(&mut self, interval: &Interval) {
        for error in &interval.errors {
            let what = format!("{} {}: {}: {}", error.key.method, error.key.name, error.kind, error.message);
            if matches!(&*error.key.method, "GROUP" | "TASK") {
                *self.failures.entry(what).or_default() += error.count;
            }
        }
        self.first_s.get_or_insert(interval.from_s);
        self.iterations.add(&interval.iterations);
        for slot in interval.endpoints.iter().flatten() {
            let row = self.rows.entry(format!("{} {}", slot.key.method, slot.key.name)).or_default();
            row.add(&slot.stats.counts);
            if matches!(&*slot.key.method, "GROUP" | "TASK") {
                continue;
            }
            self.requests.add(&slot.stats.counts);
            self.longest = self.longest.max(Duration::from_nanos(slot.stats.ok.exact().max_ns));
        }
    }
}

/// A load thread with nothing but its users, which begin at once.
pub(crate) struct Alone {
    pub(crate) rig: Rig,
    /// What is not answered before its user is told to finish.
    last: Option<Hit>,
}

impl Alone {
    /// One user of `class`.
    pub(crate) async fn new(class: &str) -> Self {
        Self::with(class, 1).await
    }

    /// So many users of `class`.
    pub(crate) async fn with(class: &str, users: u32) -> Self {
        let mut rig = Rig::new(class, "users: 9", Lease::new(Duration::from_secs(3600)), Duration::ZERO);
        rig.renew();
        let grants: Vec<_> = (0..users).map(|slot| grant(slot, 0)).collect();
        rig.assign(&grants, false).await;
        rig.start().await;
        assert!(rig.followed().await.is_empty());
        Self { rig, last: None }
    }

    /// Its next request.
    pub(crate) async fn next(&mut self) -> Hit {
        self.rig.request().await
    }

    /// Its next request is answered; its path.
    pub(crate) async fn goes_on(&mut self) -> String {
        let mut hit = self.next().await;
        let path = hit.path.take().unwrap_or_default();
        hit.go_on();
        path
    }

    /// Its next request goes to `path`, and is answered when it is told to finish.
    pub(crate) async fn stays_at(&mut self, path: &str) {
        let hit = self.next().await;
        assert_eq!(hit.path.as_deref(), Some(path));
        self.last = Some(hit);
    }

    /// The iteration under way, which waits for an answer, is the last.
    pub(crate) async fn stop(mut self) -> Sum {
        self.rig.assign(&[], false).await;
        self.rig.followed().await;
        drop(self.last);
        self.rig.stop(Duration::from_secs(3600)).await;
        self.rig.ended().await
    }
}

/// The load thread.
pub(crate) struct Rig {
    engine: Engine,
    events: mpsc::Receiver<Event>,
    hits: mpsc::Receiver<Hit>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) clock: Arc<RunClock>,
    revision: u64,
    /// Goes with the assignments that follow.
    pub(crate) steer: Steer,
    pub(crate) sum: Sum,
}

/// A grant of a slot with a life.
pub(crate) fn grant(slot: u32, life: u32) -> SlotGrant {
    SlotGrant { slot, class: 0, life, not_before: Duration::ZERO }
}

impl Rig {
    /// A thread in a run that began `ago`, whose users do `steps`.
    pub(crate) fn new(class: &str, load: &str, lease: Lease, ago: Duration) -> Self {
        let text = format!("target: http://h\nusers:\n  v: {{{class}}}\nload: {{{load}}}\n");
        let plan = compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 7);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let prepared = Prepared::new(plan, &[], ClientChoice::Auto).expect("it fits");
        let epoch = Instant::now().checked_sub(ago).expect("the system has run for so long");
        let (clock, lease) = (Arc::new(RunClock::new(epoch)), Arc::new(lease));
        let (sender, events) = mpsc::channel(4);
        let (hits, seen) = mpsc::channel(64);
        let config = EngineConfig {
            prepared: Arc::new(prepared),
            threads: 1,
            clock: Arc::clone(&clock),
            pool: None,
            lease: Arc::clone(&lease),
        };
        let engine =
            Engine::start(&config, &Target { hits, clients: Arc::default() }, &sender).expect("a thread");
        Self {
            engine,
            events,
            hits: seen,
            lease,
            clock,
            revision: 0,
            steer: Steer::default(),
            sum: Sum::default(),
        }
    }

    pub(crate) fn renew(&self) {
        self.lease.renew(BootTime::now());
    }

    pub(crate) async fn start(&self) {
        self.clock.start(0, 0);
        self.engine.command(|_| Command::Start { shared: Arc::default() }).await;
    }

    pub(crate) async fn assign(&mut self, grants: &[SlotGrant], cut: bool) {
        self.assign_open(grants, None, cut).await;
    }

    pub(crate) async fn assign_open(&mut self, grants: &[SlotGrant], open: Option<OpenGrant>, cut: bool) {
        self.revision += 1;
        let profile = Arc::new(Profile::ramp(100, Rate::new(1_000_000, 1).expect("positive")));
        let (revision, grants, steer) = (self.revision, grants.to_vec(), self.steer.clone());
        let assign = Command::Assign { revision, profile, grants, open, cut, steer };
        self.engine.command(|_| assign.clone()).await;
    }

    /// No iteration begins any more; what has not ended after `timeout` is given up.
    pub(crate) async fn stop(&self, timeout: Duration) {
        let at = self.clock.now();
        self.engine.command(|_| Command::Stop { at, timeout }).await;
    }

    /// What somebody does next at the target.
    pub(crate) async fn hit(&mut self) -> Hit {
        let next = tokio::time::timeout(PATIENCE, self.hits.recv()).await;
        next.expect("somebody does something").expect("the thread lives")
    }

    /// The next request; who connects goes on.
    pub(crate) async fn request(&mut self) -> Hit {
        loop {
            let hit = self.hit().await;
            if hit.path.is_some() {
                return hit;
            }
            hit.go_on();
        }
    }

    /// The next `count` requests, by path.
    pub(crate) async fn requests(&mut self, count: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        for _ in 0..count {
            hits.push(self.request().await);
        }
        hits.sort_by(|a, b| a.path.cmp(&b.path));
        hits
    }

    /// Whether nobody has done anything at the target that was not looked at.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.hits.try_recv().is_err()
    }

    /// The next event; intervals are added up.
    pub(crate) async fn event(&mut self) -> Event {
        let next = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        let event = next.expect("something happens").expect("the thread lives");
        if let Event::Interval { interval, .. } = &event {
            self.sum.add(interval);
        }
        event
    }

    /// Waits until the newest assignment is followed. Returns the departing slots.
    pub(crate) async fn followed(&mut self) -> Vec<u32> {
        loop {
            if let Event::Followed { revision, departing, .. } = self.event().await
                && revision == self.revision
            {
                return departing;
            }
        }
    }

    /// Waits until slots are released.
    pub(crate) async fn released(&mut self) -> Vec<u32> {
        loop {
            if let Event::Released { slots, .. } = self.event().await {
                return slots;
            }
        }
    }

    /// Waits for a whole second with `users` alive in the end.
    pub(crate) async fn second_with(&mut self, users: u32) {
        loop {
            if let Event::Interval { interval, .. } = self.event().await
                && interval.gauges.users == [users]
            {
                return;
            }
        }
    }

    /// Slots that stay empty, as the thread shows it.
    pub(crate) fn stopped(&self) -> u32 {
        self.engine.gauges().map(ThreadGauges::stopped).sum()
    }

    /// Waits for the end of every user; who does something goes on.
    pub(crate) async fn ended(mut self) -> Sum {
        loop {
            tokio::select! {
                Some(hit) = self.hits.recv() => hit.go_on(),
                event = self.events.recv() => match event.expect("the thread lives") {
                    Event::Interval { interval, .. } => self.sum.add(&interval),
                    Event::Ended { .. } => return self.sum.told(),
                    Event::Failed { why, .. } => panic!("{why}"),
                    Event::Followed { .. } | Event::Released { .. } | Event::StopWanted { .. } => {}
                },
            }
        }
    }
}
