//! A coordinator and its workers in one process, on virtual time: the real sessions over gRPC, with engines and network made up.
//!
//! [`play`] runs a history to its end and returns what the coordinator reports beside what really happened. The clock stands
//! still while anything computes, so a run of a minute takes some milliseconds and comes out the same each time.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stampede_coordinator::conduct::{Conducted, Conductor, Job};
use stampede_coordinator::fleet::remote_memory;
use stampede_coordinator::run::RunSetup;
use stampede_coordinator::run::input::Person;
use stampede_coordinator::view::Phase;
use stampede_proto::VERSION;
use stampede_proto::prepare::{ClientChoice, Prepare};
use stampede_scenarios::compile::compile;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source};
use stampede_worker::http::settings::Sources;
use stampede_worker::session::{Assets, Settings, WorkerError, work_as};
use tokio::io::DuplexStream;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::engine::Engines;
use crate::gate::gated;
use crate::history::{History, What};
use crate::ledger::Ledger;
use crate::network::Line;

/// How long after its run time a run may take to end: finals are waited for, then workers are told.
const TO_END: Duration = Duration::from_secs(30);

/// How a history came out.
#[derive(Debug)]
pub(crate) struct Played {
    /// What the coordinator says.
    pub(crate) conducted: Conducted,
    /// What really happened.
    pub(crate) ledger: Ledger,
    /// Workers there were.
    pub(crate) workers: usize,
    /// Those that were killed.
    pub(crate) killed: BTreeSet<usize>,
    /// What was said, by whom.
    pub(crate) said: Vec<String>,
}

/// A worker as those outside see it.
struct Worker {
    line: Line,
    open: watch::Sender<bool>,
    leave: watch::Sender<u32>,
    task: JoinHandle<Result<(), WorkerError>>,
}

struct World {
    history: History,
    epoch: Instant,
    ends: mpsc::Sender<DuplexStream>,
    ledger: Arc<Mutex<Ledger>>,
    said: Arc<Mutex<Vec<String>>>,
    workers: Vec<Worker>,
    coordinator_open: watch::Sender<bool>,
    people: mpsc::Sender<Person>,
    killed: BTreeSet<usize>,
    /// Whose lines stand, up and down.
    stands: Vec<(bool, bool)>,
}

/// Runs `history` to its end.
pub(crate) fn play(history: &History) -> Played {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let played = runtime.block_on(World::play(history.clone()));
    // Tasks of the transport may hold on to what is gone; nobody waits for them.
    runtime.shutdown_background();
    played
}

impl World {
    async fn play(history: History) -> Played {
        let epoch = Instant::now();
        let (ends, incoming) = remote_memory();
        let (conductor, mut view) = Conductor::over(job(&history), incoming);
        let (people, asked) = mpsc::channel(8);
        let (coordinator_open, open) = watch::channel(true);
        let run_time = Duration::from_secs(history.run_time_s);
        let mut world = Self {
            epoch,
            ends,
            ledger: Arc::default(),
            said: Arc::default(),
            workers: Vec::new(),
            coordinator_open,
            people,
            killed: BTreeSet::new(),
            stands: Vec::new(),
            history,
        };
        let mut conducting = tokio::spawn(gated(conductor.conduct(asked), open));
        (0..world.history.workers).for_each(|_| world.join());
        let started = view
            .wait_for(|view| matches!(view.phase, Phase::Ramping | Phase::Steady))
            .await
            .map(|view| view.elapsed);
        let start = Instant::now() - started.expect("it starts");
        for (at, what) in world.history.events.clone() {
            sleep_until(start + at).await;
            if conducting.is_finished() {
                break;
            }
            world.happens(what).await;
        }
        let ended = timeout((start + run_time + TO_END) - Instant::now(), &mut conducting).await;
        let said = |world: &Self| world.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let conducted = ended.unwrap_or_else(|_| panic!("it never ends:\n{}", said(&world).join("\n")));
        let said = said(&world);
        for worker in &world.workers {
            worker.task.abort();
        }
        let ledger = std::mem::take(&mut *world.ledger.lock().unwrap_or_else(PoisonError::into_inner));
        let conducted = conducted.unwrap_or_else(|error| panic!("{error}:\n{}", said.join("\n")));
        Played { conducted, ledger, workers: world.workers.len(), killed: world.killed, said }
    }

    /// Starts one more worker.
    fn join(&mut self) {
        let number = self.workers.len();
        // Of different lengths, so that no two messages arrive at the same instant.
        let line = Line::new(Duration::from_micros(900 + 370 * number as u64));
        let (open, running) = watch::channel(true);
        let (leave, left) = watch::channel(0);
        let (said, epoch) = (Arc::clone(&self.said), self.epoch);
        let settings = Settings {
            name: format!("w{number}"),
            threads: self.history.threads,
            capacity: u32::try_from(self.history.threads).expect("few"),
            once: true,
            dialer: line.dialer(self.ends.clone()),
            address: "the simulation".to_owned(),
            say: Arc::new(move |text| {
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.push(format!("{:?} w{number}: {text}", epoch.elapsed()));
            }),
            spread: true,
            version: VERSION.to_owned(),
            sources: Sources::default(),
            leased: true,
            allow: Arc::default(),
            line: watch::Sender::new(false),
            hosts_target: false,
            known: Assets::default(),
        };
        let (epoch, ledger) = (self.epoch, Arc::clone(&self.ledger));
        let engines = Engines { worker: number, epoch, open: running.clone(), ledger };
        let instance = [u8::try_from(number).expect("few") + 1; 16];
        let task = tokio::spawn(gated(work_as(settings, engines, instance, left), running));
        self.workers.push(Worker { line, open, leave, task });
        self.stands.push((false, false));
    }

    fn say(&self, text: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push(format!("{:?} {text}", self.epoch.elapsed()));
    }

    async fn happens(&mut self, what: What) {
        self.say(&format!("{what:?}"));
        let line = |world: &Self, worker: usize| world.workers[worker].line.clone();
        match what {
            What::StandUp(worker) => self.stand(worker, |stands| stands.0 = true),
            What::StandDown(worker) => self.stand(worker, |stands| stands.1 = true),
            What::Heal(worker) => {
                let delay = Duration::from_millis(1 + worker as u64);
                line(self, worker).change(|state| {
                    (state.up.delay, state.down.delay, state.slow_acks) = (delay, delay, Duration::ZERO);
                });
                self.stand(worker, |stands| *stands = (false, false));
            }
            What::Slow(worker, delay) => {
                line(self, worker).change(|state| (state.up.delay, state.down.delay) = (delay, delay));
            }
            What::SlowAcks(worker, delay) => line(self, worker).change(|state| state.slow_acks = delay),
            What::Cut(worker) => line(self, worker).cut(),
            What::Hold(worker) => line(self, worker).hold_present(),
            What::Leave(worker) => line(self, worker).leave_held(),
            What::Release(worker) => line(self, worker).release_held(),
            What::Freeze(worker) => self.freeze(worker, false),
            What::Thaw(worker) => self.freeze(worker, true),
            What::FreezeCoordinator => {
                self.coordinator_open.send_replace(false);
                self.stand_as_told();
            }
            What::ThawCoordinator => {
                self.coordinator_open.send_replace(true);
                self.stand_as_told();
            }
            What::Kill(worker) => {
                self.killed.insert(worker);
                self.workers[worker].task.abort();
                line(self, worker).cut();
            }
            What::GoAway(worker) => self.workers[worker].leave.send_modify(|times| *times = 1),
            What::Join => self.join(),
            What::Users(change) => {
                self.people.send(Person::ChangeUsers(change)).await.expect("somebody listens");
            }
            What::Pause => self.people.send(Person::Pause).await.expect("somebody listens"),
        }
        self.stand_as_told();
    }

    /// A stopped process hears and says nothing.
    fn freeze(&mut self, worker: usize, open: bool) {
        self.workers[worker].open.send_replace(open);
    }

    fn stand(&mut self, worker: usize, change: impl FnOnce(&mut (bool, bool))) {
        change(&mut self.stands[worker]);
    }

    /// Brings every line to what is true of it and of the processes at its ends.
    fn stand_as_told(&self) {
        let coordinator_stands = !*self.coordinator_open.borrow();
        for (worker, (up, down)) in self.workers.iter().zip(&self.stands) {
            let stands = coordinator_stands || !*worker.open.borrow();
            worker.line.change(|state| {
                (state.up.stands, state.down.stands) = (*up || stands, *down || stands);
            });
        }
    }
}

/// The test: two classes of users that make one request after another.
fn job(history: &History) -> Job {
    let History { users, spawn_rate, run_time_s, .. } = history;
    let task = "tasks: {main: {steps: [{get: /}]}}";
    let asked = match history.rate {
        Some(rate) => format!("rate: {rate}/s"),
        None if history.staged => {
            let (up, valley, step) = (users.div_ceil(*spawn_rate), users / 3, users.div_ceil(4));
            let stages = format!(
                "{{to: {users}, over: {up}s}}, {{to: {users}, over: 5s}}, {{to: {valley}, over: 3s}}, \
                 {{to: {valley}, over: 4s}}, {{by: {step}, every: 2s, to: {users}}}"
            );
            format!("stages: [{stages}], spawn_rate: {spawn_rate}")
        }
        None => format!("users: {users}, spawn_rate: {spawn_rate}"),
    };
    let load = format!("{{{asked}, run_time: {run_time_s}s, stop_timeout: 2s}}");
    let text =
        format!("target: http://h\nusers:\n  a: {{weight: 2, {task}}}\n  b: {{{task}}}\nload: {load}\n");
    let source = Source::new("simulation.yaml", text);
    let overrides = Overrides { iterations: history.iterations, ..Overrides::default() };
    let plan = compile(&source, &overrides, &|_| None, 7).unwrap_or_else(|wrong| panic!("{wrong}"));
    let prepare = Prepare {
        run: "simulated".to_owned(),
        source,
        overrides,
        env: plan.env.clone(),
        seed: plan.seed,
        assets: Vec::new(),
        client: ClientChoice::Auto,
    };
    let setup = RunSetup {
        id: "simulated".to_owned(),
        plan: Arc::new(plan),
        demo: false,
        labels: std::collections::BTreeMap::new(),
        expected: Some(u32::try_from(history.workers).expect("few")),
        expect_timeout: Duration::from_secs(30),
        lease: history.lease,
        join_command: String::new(),
        spawn_rate: Rate::new(u64::from(*spawn_rate), 1).expect("positive"),
        client: ClientChoice::Auto,
    };
    Job { setup, prepare, assets: HashMap::new(), door: None, embedded: None, control: false }
}
