//! Runs users: one OS thread per core, each with a current-thread runtime of its own, users as local tasks that never migrate.
//!
//! Commands go in ([`Engine::command`]), what happened comes out as [`Event`]s: closed intervals once a second, and the end.
//! Nothing is shared between load threads on the hot path.

mod allowed;
pub mod arrivals;
mod aside;
mod bodies;
mod context;
mod cookies;
mod cpu;
mod credentials;
mod extract;
mod flow;
mod gauges;
mod guard;
mod judge;
mod last;
mod log_lines;
mod message;
mod order;
mod parallel;
mod pipelined;
pub mod prepared;
mod program;
mod redirects;
mod request;
mod roster;
mod rows;
mod scope;
mod serve;
mod steps;
mod targets;
mod thread;
mod turns;
mod unpack;
mod user;

use std::sync::Arc;
use std::time::Duration;

use stampede_proto::aside::{AsideDone, Shared};
use stampede_proto::steer::Steer;
use stampede_scenarios::profile::Profile;
use stampede_stats::interval::Interval;
use tokio::sync::{mpsc, oneshot};

use arrivals::OpenGrant;
pub use aside::AsideConfig;
pub use gauges::{Shown, ThreadGauges};
use prepared::Prepared;
use thread::LoadThread;

use crate::clock::RunClock;
use crate::http::HttpFactory;
use crate::lease::{BootTime, Lease};
use crate::permits::IterationPool;
use crate::slots::SlotGrant;

/// Commands a thread may have waiting. They come a few times in a run.
const COMMANDS: usize = 64;

/// What a load thread is told.
#[derive(Debug, Clone)]
pub enum Command {
    /// What it is to run, whole. Users that are not in it finish their iteration and end.
    Assign {
        /// Which of the coordinator's assignments it is from.
        revision: u64,
        /// `users_at(t)` of the whole test.
        profile: Arc<Profile>,
        /// This thread's users.
        grants: Vec<SlotGrant>,
        /// Where arrivals come at a rate, its part of them.
        open: Option<OpenGrant>,
        /// Users that are not in it with their life run elsewhere: they begin no request more, and end.
        cut: bool,
        /// How the load differs from the scenario's.
        steer: Steer,
    },
    /// The run clock is set: go.
    Start {
        /// What setup gave.
        shared: Arc<Shared>,
    },
    /// No iteration begins from run time `at` on; what has not ended by then and `timeout` is given up.
    Stop {
        /// Run time.
        at: Duration,
        /// How long users may finish.
        timeout: Duration,
    },
}

/// What a load thread tells.
#[derive(Debug)]
pub enum Event {
    /// It closed an interval.
    Interval {
        /// Which thread.
        thread: usize,
        /// What it measured. To be given back emptied.
        interval: Box<Interval>,
    },
    /// It follows an assignment. Of several that came close behind each other only the newest is told.
    Followed {
        /// Which thread.
        thread: usize,
        /// The assignment's revision.
        revision: u64,
        /// All slots that it does not name and whose users are still alive here.
        departing: Vec<u32>,
    },
    /// The users of departing slots have ended.
    Released {
        /// Which thread.
        thread: usize,
        /// Which slots.
        slots: Vec<u32>,
    },
    /// A user wants the run to end.
    StopWanted {
        /// Which thread.
        thread: usize,
        /// Why.
        why: StopWish,
    },
    /// Every user has ended and everything was told. It follows no assignment any more, and holds no slot.
    Ended {
        /// Which thread.
        thread: usize,
    },
    /// It panicked or could not run.
    Failed {
        /// Which thread.
        thread: usize,
        /// Why.
        why: String,
    },
}

/// Why users want the run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopWish {
    /// A step of the scenario says so.
    Scenario,
    /// A feeder has no rows left.
    Data,
}

/// What a run needs beside its plan.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The compiled test.
    pub prepared: Arc<Prepared>,
    /// Load threads.
    pub threads: usize,
    /// The run clock, set before `Start`.
    pub clock: Arc<RunClock>,
    /// The iterations, where they are limited.
    pub pool: Option<Arc<IterationPool>>,
    /// Without it no request begins.
    pub lease: Arc<Lease>,
}

/// The load threads of one run.
#[derive(Debug)]
pub struct Engine {
    threads: Vec<Handle>,
}

/// Starts engines. The session does not know what is behind it: load threads here, a model of them in simulations.
pub trait StartEngine: Send + 'static {
    /// Starts what runs the users of `config`; it tells `events`.
    ///
    /// # Errors
    /// When the system gives no more threads.
    fn start(&self, config: &EngineConfig, events: &mpsc::Sender<Event>) -> std::io::Result<Engine>;

    /// Runs `setup` or `teardown` and tells how it went; gives it up when nobody listens any more.
    ///
    /// # Errors
    /// When the system gives no more threads.
    fn aside(&self, config: AsideConfig, done: oneshot::Sender<AsideDone>) -> std::io::Result<()>;

    /// Now, on the clock by which the users hold when their lease has passed.
    fn boot_time(&self) -> BootTime {
        BootTime::now()
    }
}

impl<F: HttpFactory> StartEngine for F {
    fn start(&self, config: &EngineConfig, events: &mpsc::Sender<Event>) -> std::io::Result<Engine> {
        Engine::start(config, self, events)
    }

    fn aside(&self, config: AsideConfig, done: oneshot::Sender<AsideDone>) -> std::io::Result<()> {
        aside::start(config, self.clone(), done)
    }
}

/// The control side's ends of what joins it with one load thread.
#[derive(Debug)]
pub struct Handle {
    /// What it is told.
    pub commands: mpsc::Sender<Command>,
    /// Emptied intervals go back to it.
    pub spares: mpsc::Sender<Box<Interval>>,
    /// What it shows of itself.
    pub gauges: Arc<ThreadGauges>,
}

impl Engine {
    /// An engine of these threads.
    pub fn of(threads: Vec<Handle>) -> Self {
        Self { threads }
    }

    /// Starts the threads; they wait for `Assign` and `Start`.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start<F: HttpFactory>(
        config: &EngineConfig,
        factory: &F,
        events: &mpsc::Sender<Event>,
    ) -> std::io::Result<Self> {
        let threads = (0..config.threads)
            .map(|thread| {
                let (commands, command_queue) = mpsc::channel(COMMANDS);
                let (spares, spare_queue) = mpsc::channel(8);
                let gauges = Arc::new(ThreadGauges::default());
                let load = LoadThread {
                    number: thread,
                    config: config.clone(),
                    commands: command_queue,
                    spares: spare_queue,
                    events: events.clone(),
                    gauges: Arc::clone(&gauges),
                };
                load.spawn(factory.clone())?;
                Ok(Handle { commands, spares, gauges })
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// Tells every thread; `command` makes the one for thread i.
    pub async fn command(&self, command: impl Fn(usize) -> Command) {
        for (number, thread) in self.threads.iter().enumerate() {
            // A thread that is gone has said why on its way out.
            let _ = thread.commands.send(command(number)).await;
        }
    }

    /// Gives an emptied interval back to the thread it came from.
    pub fn give_back(&self, thread: usize, spare: Box<Interval>) {
        // A full queue means the thread has enough; this one is freed.
        let _ = self.threads[thread].spares.try_send(spare);
    }

    /// What the threads last showed of themselves.
    pub fn gauges(&self) -> impl Iterator<Item = &ThreadGauges> {
        self.threads.iter().map(|thread| &*thread.gauges)
    }

    /// Load threads.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }
}
