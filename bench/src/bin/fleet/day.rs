//! A day in minutes: the run's state is told what three workers measured in 86 400 seconds, one after the other, with no clock and no
//! connection. What a coordinator's memory and reports come to over a long run.
//!
//! `cargo run --release -p stampede-bench --bin fleet -- day`; `ENDPOINTS` (20 here) and `SAMPLES` (50) say how much a second is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use stampede_coordinator::report::{Format, Report};
use stampede_coordinator::run::input::{Effect, Heartbeat, Hello, Input, Order, Progress};
use stampede_coordinator::run::{Facts, Run, RunSetup};
use stampede_proto::batch::{Batch, Running};
use stampede_proto::prepare::ClientChoice;
use stampede_scenarios::compile::compile;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source};
use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::EndpointKey;
use stampede_stats::snapshot::Snapshot;

use crate::Shape;
use crate::meter::memory_mib;
use crate::second::second;

const WORKERS: usize = 3;

const HOURS: u32 = 24;

/// Seconds that differ; a worker measures them in turn.
const VARIANTS: u64 = 16;

/// Lets the day pass, and prints what there is after each second hour.
#[expect(clippy::print_stdout, reason = "a benchmark is there to say something")]
pub(crate) fn run(shape: Shape) -> Result<(), String> {
    let shape = Shape { workers: 3, users: 60, ..shape };
    let keys: Vec<_> =
        (0..shape.endpoints).map(|n| EndpointKey::new("GET", format!("/v1/resource/{n}"))).collect();
    let seconds: Vec<_> = (0..VARIANTS).map(|seed| second(&keys, shape, seed)).collect();
    let mut day = Day::new()?;
    println!(
        "{} workers, {} endpoints, {} requests a second each; {HOURS} h",
        WORKERS, shape.endpoints, shape.samples
    );
    println!("hour | requests | resident MiB | report.json KiB | report.md KiB | seconds taken");
    let begun = Instant::now();
    for at in 0..HOURS * 3600 {
        day.pass(&seconds, at);
        if (at + 1) % 7200 == 0 || at + 1 == 3600 {
            let (hour, resident) = ((at + 1) / 3600, memory_mib("VmRSS").unwrap_or(0.0));
            let report = day.report();
            let size = |format: Format| format.render(&report).map_or(0, |text| text.len() / 1024);
            let (json, md) = (size(Format::Json), size(Format::Markdown));
            let requests = report.totals.requests;
            println!(
                "{hour} | {requests} | {resident:.1} | {json} | {md} | {:.1}",
                begun.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

/// The run and what its workers have told so far.
struct Day {
    run: Run,
    start: Duration,
    requests: [RequestCounts; WORKERS],
}

impl Day {
    fn new() -> Result<Self, String> {
        let text = "target: http://h\nusers: {visitor: {tasks: {main: {steps: [get: /]}}}}\nload: {users: 60, spawn_rate: 60}\n";
        let plan = compile(&Source::new("day.yaml", text), &Overrides::default(), &|_| None, 7);
        let mut plan = plan.map_err(|problems| problems.to_string())?;
        plan.load.run_time = Some(Duration::from_secs(u64::from(HOURS) * 3600));
        let setup = RunSetup {
            id: "day".to_owned(),
            labels: std::collections::BTreeMap::new(),
            plan: Arc::new(plan),
            demo: false,
            expected: Some(u32::try_from(WORKERS).unwrap_or(0)),
            expect_timeout: Duration::from_secs(30),
            lease: Duration::from_secs(5),
            join_command: String::new(),
            spawn_rate: Rate::new(60, 1).ok_or("a rate")?,
            client: ClientChoice::Auto,
        };
        let mut run = Run::new(setup, Duration::ZERO);
        for worker in 0..WORKERS {
            let hello =
                Hello { name: format!("w{worker}"), address: String::new(), embedded: false, capacity: 1 };
            run.handle(Input::Registered { worker, hello }, Duration::ZERO);
            run.handle(Input::ControlOpened { worker }, Duration::ZERO);
            run.handle(Input::ReportOpened { worker }, Duration::ZERO);
        }
        let mut day = Self { run, start: Duration::ZERO, requests: Default::default() };
        let effects: Vec<_> =
            (0..WORKERS).flat_map(|worker| day.says(worker, Progress::Ready, Duration::ZERO)).collect();
        let start = effects.iter().find_map(|effect| match effect {
            Effect::Order(_, Order::Start { start_us, .. }) => Some(Duration::from_micros(*start_us)),
            _ => None,
        });
        day.start = start.ok_or("the run does not start")?;
        Ok(day)
    }

    fn says(&mut self, worker: usize, progress: Progress, now: Duration) -> Vec<Effect> {
        let started = self.requests[worker].started;
        let heartbeat =
            Heartbeat { run: "day".to_owned(), progress, users: vec![20], started, ..Heartbeat::default() };
        self.run.handle(Input::Heartbeat { worker, heartbeat }, now)
    }

    /// Run second `at`.
    fn pass(&mut self, seconds: &[Snapshot], at: u32) {
        let now = self.start + Duration::from_secs(u64::from(at) + 1);
        for worker in 0..WORKERS {
            self.says(worker, Progress::Running, now);
            let variant = &seconds[(at as usize + worker * 5) % seconds.len()];
            let mut snapshot = Snapshot { from_s: at, to_s: at + 1, ..variant.clone() };
            for count in snapshot.errors.values_mut() {
                (count.first_s, count.last_s) = (at, at);
            }
            snapshot.gauges.users = vec![20];
            self.requests[worker].add(&snapshot.requests());
            let running = Some(Running { requests: self.requests[worker], ..Running::default() });
            let number = u64::from(at) + 1;
            let batch =
                Batch { run: "day".to_owned(), number, snapshot, last_part: true, running, finals: None };
            self.run.handle(Input::Batch { worker, batch: Box::new(batch) }, now);
        }
        self.run.handle(Input::Tick, now);
        self.run.view(now);
    }

    fn report(&self) -> Report {
        let zero = Timestamp::UNIX_EPOCH;
        Report::from_result(&self.run.result(Facts {
            started_at: zero,
            ended_at: zero,
            version: "1".to_owned(),
        }))
    }
}
