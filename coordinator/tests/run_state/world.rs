//! A run with pretended workers. What each of them announced and delivered is kept here, so that tests can compare.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use stampede_coordinator::result::RunResult;
use stampede_coordinator::run::input::{Effect, Heartbeat, Hello, Input, Order, Progress, WorkerId};
use stampede_coordinator::run::{Facts, Run, RunSetup};
use stampede_coordinator::view::{Phase, WorkerState};
use stampede_proto::assign::Assign;
use stampede_proto::batch::{Batch, Finals, Running};
use stampede_proto::prepare::ClientChoice;
use stampede_scenarios::compile::compile;
use stampede_scenarios::plan::Plan;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source};
use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::{EndpointDelta, EndpointKey};
use stampede_stats::histogram::{TIMES_DIGITS, Times};
use stampede_stats::snapshot::Snapshot;

/// The run's name.
pub(crate) const RUN: &str = "r1";

/// The only endpoint.
pub(crate) fn index() -> EndpointKey {
    EndpointKey::new("GET", "/")
}

/// A worker as it sees itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pretended {
    pub(crate) heartbeat: Heartbeat,
    pub(crate) number: u64,
    pub(crate) second: u32,
    pub(crate) requests: RequestCounts,
    pub(crate) iterations: IterationCounts,
}

impl Pretended {
    /// The statistics of its next second: so many begun, so many ended.
    pub(crate) fn second(&mut self, begun: u64, ok: u64, failed: u64, cancelled: u64) -> Batch {
        let times = |count: u64| {
            let mut times = Times::<u32>::new(TIMES_DIGITS);
            (0..count).for_each(|n| times.record(1_000_000 * (n + 1)));
            times.delta()
        };
        let sent = ok + failed;
        let counts =
            RequestCounts { started: begun, sent, ok, failed, cancelled, ..RequestCounts::default() };
        let iterations =
            IterationCounts { begun, completed: ok, failed, cancelled, ..IterationCounts::default() };
        self.requests.add(&counts);
        self.iterations.add(&iterations);
        let delta =
            EndpointDelta { counts, ok: times(ok), failed: times(failed), ..EndpointDelta::default() };
        let mut snapshot =
            Snapshot { from_s: self.second, to_s: self.second + 1, iterations, ..Snapshot::default() };
        if !counts.is_empty() {
            snapshot.endpoints.insert(index(), delta);
        }
        snapshot.gauges.in_flight = self.requests.started - self.requests.ended();
        snapshot.gauges.iterations_in_flight = self.iterations.begun - self.iterations.ended();
        snapshot.gauges.users = vec![1, 1];
        self.number += 1;
        self.second += 1;
        let running = Some(Running { requests: self.requests, iterations: self.iterations });
        Batch { run: RUN.to_owned(), number: self.number, snapshot, last_part: true, running, finals: None }
    }

    /// Its last statistics: everything under way is cancelled.
    pub(crate) fn last(&mut self) -> Batch {
        let open = self.requests.started - self.requests.ended();
        let batch = self.second(0, 0, 0, open);
        let any = !self.requests.is_empty();
        let endpoints = any.then(|| (index(), self.requests)).into_iter().collect();
        Batch { finals: Some(Finals { endpoints, iterations: self.iterations }), ..batch }
    }
}

/// A run, its time and its workers.
pub(crate) struct World {
    pub(crate) run: Run,
    pub(crate) plan: Arc<Plan>,
    pub(crate) now: Duration,
    pub(crate) workers: Vec<Pretended>,
}

/// Two shoppers for each admin.
fn plan(load: &str, more: &str) -> Arc<Plan> {
    let user = "tasks: {main: {steps: [get: /]}}";
    let text = format!(
        "target: http://h\nusers:\n  shopper: {{weight: 2, {user}}}\n  admin: {{weight: 1, {user}}}\nload: {{{load}}}\n{more}"
    );
    let none = |_: &str| None;
    let plan = compile(&Source::new("t.yaml", text), &Overrides::default(), &none, 7);
    Arc::new(plan.unwrap_or_else(|problems| panic!("{problems}")))
}

impl World {
    /// Waits for `expected` remote workers, or for the embedded one.
    pub(crate) fn new(expected: Option<u32>, load: &str) -> Self {
        Self::with(expected, load, "")
    }

    /// The same with something more in the scenario.
    pub(crate) fn with(expected: Option<u32>, load: &str, more: &str) -> Self {
        Self::of(expected, plan(load, more))
    }

    fn of(expected: Option<u32>, plan: Arc<Plan>) -> Self {
        let setup = RunSetup {
            id: RUN.to_owned(),
            plan: Arc::clone(&plan),
            demo: false,
            labels: std::collections::BTreeMap::new(),
            expected,
            expect_timeout: Duration::from_secs(30),
            lease: Duration::from_secs(5),
            join_command: "worker --connect here".to_owned(),
            spawn_rate: Rate::new(3, 1).expect("positive"),
            client: ClientChoice::Auto,
        };
        let now = Duration::from_secs(100);
        Self { run: Run::new(setup, now), plan, now, workers: Vec::new() }
    }

    /// Has `workers` remote workers whose run time is zero now.
    pub(crate) fn started(workers: u32, load: &str) -> Self {
        Self::new(Some(workers), load).start(workers)
    }

    /// Likewise, with a warm-up of so many seconds.
    pub(crate) fn warming(workers: u32, load: &str, warmup_s: u64) -> Self {
        let mut plan = plan(load, "");
        Arc::make_mut(&mut plan).load.warmup = Duration::from_secs(warmup_s);
        Self::of(Some(workers), plan).start(workers)
    }

    pub(crate) fn start(self, workers: u32) -> Self {
        let mut world = self;
        (0..workers).for_each(|_| drop(world.join()));
        let effects = world.all_ready();
        let start_us = orders(&effects, 0).iter().find_map(|order| match order {
            Order::Start { start_us, .. } => Some(*start_us),
            _ => None,
        });
        world.now = Duration::from_micros(start_us.expect("it starts"));
        for worker in 0..world.workers.len() {
            // The first users come and ask for iterations.
            world.workers[worker].heartbeat.users = vec![1];
            world.workers[worker].heartbeat.wants_iterations = true;
            world.says(worker, Progress::Running);
            world.workers[worker].heartbeat.wants_iterations = false;
        }
        world
    }

    pub(crate) fn give(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = self.run.handle(input, self.now);
        // No answer is ever under way here: who is silent for the state is so for the handlers.
        let silent = effects.iter().filter_map(|effect| match effect {
            Effect::EndIfSilent(worker, _) => Some(*worker),
            _ => None,
        });
        for worker in silent.collect::<Vec<_>>() {
            effects.extend(self.run.handle(Input::ControlClosed { worker }, self.now));
            effects.extend(self.run.handle(Input::Silent { worker }, self.now));
        }
        effects
    }

    /// A new worker registers and opens its streams.
    pub(crate) fn join(&mut self) -> Vec<Effect> {
        self.join_as(false)
    }

    pub(crate) fn join_as(&mut self, embedded: bool) -> Vec<Effect> {
        self.workers.push(Pretended::default());
        self.connect(self.workers.len() - 1, embedded)
    }

    /// `worker` registers, again or for the first time.
    pub(crate) fn connect(&mut self, worker: WorkerId, embedded: bool) -> Vec<Effect> {
        let hello =
            Hello { name: format!("w{worker}"), address: "10.0.0.1".to_owned(), embedded, capacity: 1 };
        let mut effects = self.give(Input::Registered { worker, hello });
        effects.extend(self.give(Input::ControlOpened { worker }));
        effects.extend(self.give(Input::ReportOpened { worker }));
        effects
    }

    pub(crate) fn disconnect(&mut self, worker: WorkerId) -> Vec<Effect> {
        self.give(Input::ControlClosed { worker })
    }

    /// A heartbeat of the run.
    pub(crate) fn says(&mut self, worker: WorkerId, progress: Progress) -> Vec<Effect> {
        let announced = &mut self.workers[worker];
        RUN.clone_into(&mut announced.heartbeat.run);
        announced.heartbeat.progress = progress;
        announced.heartbeat.started = announced.heartbeat.started.max(announced.requests.started);
        announced.heartbeat.iterations_begun =
            announced.heartbeat.iterations_begun.max(announced.iterations.begun);
        let heartbeat = announced.heartbeat.clone();
        self.give(Input::Heartbeat { worker, heartbeat })
    }

    pub(crate) fn all_ready(&mut self) -> Vec<Effect> {
        (0..self.workers.len()).flat_map(|worker| self.says(worker, Progress::Ready)).collect()
    }

    /// Time passes, in ticks; `alive` send heartbeats twice a second.
    pub(crate) fn pass(&mut self, ms: u64, alive: &[WorkerId]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for tick in 1..=ms / 100 {
            self.now += Duration::from_millis(100);
            if tick % 5 == 0 {
                for worker in alive {
                    let progress = self.workers[*worker].heartbeat.progress;
                    effects.extend(self.says(*worker, progress));
                }
            }
            effects.extend(self.give(Input::Tick));
        }
        effects
    }

    pub(crate) fn deliver(&mut self, worker: WorkerId, batch: Batch) -> Vec<Effect> {
        self.give(Input::Batch { worker, batch: Box::new(batch) })
    }

    /// `worker` measures and delivers a second.
    pub(crate) fn second(&mut self, worker: WorkerId, begun: u64, ok: u64, failed: u64) -> Vec<Effect> {
        let batch = self.workers[worker].second(begun, ok, failed, 0);
        self.deliver(worker, batch)
    }

    /// `worker` delivers its last batch.
    pub(crate) fn last(&mut self, worker: WorkerId) -> Vec<Effect> {
        let batch = self.workers[worker].last();
        self.deliver(worker, batch)
    }

    pub(crate) fn phase(&mut self) -> Phase {
        self.run.view(self.now).phase
    }

    pub(crate) fn state(&mut self, worker: WorkerId) -> WorkerState {
        self.run.view(self.now).workers[worker].state
    }

    /// The result, after both identities were checked.
    pub(crate) fn result(&self) -> RunResult {
        let result = self.run.result(facts());
        let (requests, accounting) = (result.totals.requests(), &result.accounting);
        assert_eq!(
            accounting.started,
            requests.ended() + accounting.unknown,
            "started = ok + failed + cancelled + unknown"
        );
        let ended = result.totals.iterations.ended();
        assert_eq!(
            accounting.iterations_begun,
            ended + accounting.iterations_unknown,
            "begun = ended + unknown"
        );
        if let Some(planned) = accounting.planned {
            let sum = accounting.iterations_begun + accounting.dropped + accounting.missed;
            assert_eq!(planned, sum, "planned = begun + dropped + missed");
        }
        result
    }
}

/// The orders of `worker`.
pub(crate) fn orders(effects: &[Effect], worker: WorkerId) -> Vec<&Order> {
    let order = |effect| match effect {
        &Effect::Order(who, ref order) if who == worker => Some(order),
        _ => None,
    };
    effects.iter().filter_map(order).collect()
}

/// What `worker` is assigned.
pub(crate) fn assigned(effects: &[Effect], worker: WorkerId) -> Option<&Assign> {
    orders(effects, worker).into_iter().find_map(|order| match order {
        Order::Assign(assign) => Some(assign),
        _ => None,
    })
}

/// What the state does not know itself.
pub(crate) fn facts() -> Facts {
    let zero = Timestamp::UNIX_EPOCH;
    Facts { started_at: zero, ended_at: zero, version: "1".to_owned() }
}

/// The stop that `worker` is told: run time and timeout.
pub(crate) fn stopped(effects: &[Effect], worker: WorkerId) -> Option<(Duration, Duration)> {
    orders(effects, worker).into_iter().find_map(|order| match order {
        Order::Stop { at, timeout } => Some((*at, *timeout)),
        _ => None,
    })
}

/// The users of an assignment: (class, rank), in order.
pub(crate) fn users(assign: &Assign) -> Vec<(u16, u32)> {
    let of_grant = |grant: &stampede_proto::assign::Grant| {
        let class = grant.class;
        grant.ranks.iter().map(move |rank| (class, rank)).collect::<Vec<_>>()
    };
    assign.grants.iter().flat_map(of_grant).collect()
}

pub(crate) fn is_over(effects: &[Effect]) -> bool {
    effects.contains(&Effect::Over)
}

/// How far `worker` is acknowledged.
pub(crate) fn acknowledged(effects: &[Effect]) -> Option<(u64, bool)> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::Acknowledge { applied_through, over, .. } => Some((*applied_through, *over)),
        _ => None,
    })
}

/// Whether `worker`'s session ends.
pub(crate) fn ends_session(effects: &[Effect], worker: WorkerId) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::EndSession(who, _) if *who == worker))
}
