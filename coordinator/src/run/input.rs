//! What a run's state is told, and what it asks for.

use std::time::Duration;

use stampede_proto::aside::{AsideDone, AsideKind, Shared};
use stampede_proto::assign::{Assign, Held};
use stampede_proto::batch::Batch;

/// A worker's number at this coordinator, in order of arrival.
pub type WorkerId = usize;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A worker registered, for the first time or again.
    Registered {
        /// Which; numbers are given out in order.
        worker: WorkerId,
        /// Who.
        hello: Hello,
    },
    /// Its control stream is there.
    ControlOpened {
        /// Which.
        worker: WorkerId,
    },
    /// A heartbeat, already answered.
    Heartbeat {
        /// Which.
        worker: WorkerId,
        /// What it says.
        heartbeat: Heartbeat,
    },
    /// No heartbeat of it was answered for longer than its lease and the margin, and its session is dead now.
    Silent {
        /// Which.
        worker: WorkerId,
    },
    /// Its control stream is closed.
    ControlClosed {
        /// Which.
        worker: WorkerId,
    },
    /// Its statistics stream is there and waits for `applied_through`.
    ReportOpened {
        /// Which.
        worker: WorkerId,
    },
    /// Statistics.
    Batch {
        /// Which.
        worker: WorkerId,
        /// Checked in itself, not yet against what came before.
        batch: Box<Batch>,
    },
    /// Statistics or a heartbeat that are not well formed.
    BadBatch {
        /// Whose.
        worker: WorkerId,
        /// What is wrong.
        why: String,
    },
    /// Something for the notes: that somebody was not let in, or that the journal broke off.
    Refused {
        /// In a sentence.
        text: String,
    },
    /// Something the report has to say of this process.
    Noted {
        /// In one sentence.
        text: String,
    },
    /// Somebody at the keyboard, or a signal.
    Person(Person),
    /// A tenth of a second has passed.
    Tick,
    /// Another process goes on with the run; the one before it was heard of last at `since`.
    Resumed {
        /// See above.
        since: Duration,
    },
}

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// `q`: drain and report.
    Quit,
    /// Ctrl-C or SIGTERM: the first drains, the second stops at once.
    Interrupt,
    /// So many users more or fewer, or arrivals a second.
    ChangeUsers(i32),
    /// A tenth more of either.
    More,
    /// A tenth less.
    Less,
    /// `p`: no iteration begins; pressed again, it goes on.
    Pause,
    /// `n`: the stage under way is skipped.
    NextStage,
}

/// Who registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Its name, made unique.
    pub name: String,
    /// Where it connected from; empty for the embedded one.
    pub address: String,
    /// Whether it runs in this process.
    pub embedded: bool,
    /// Its share of the users, relative to the others'; at least 1.
    pub capacity: u32,
}

/// How far a worker is with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// Has none.
    #[default]
    Idle,
    /// Compiles, fetches, compares clocks.
    Preparing,
    /// Can start.
    Ready,
    /// Runs users.
    Running,
    /// Lets them finish.
    Draining,
    /// Every user has ended.
    Finished,
    /// Cannot take part.
    Failed,
}

/// Why users want a run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A step of the scenario says so.
    Scenario,
    /// A feeder has no rows left.
    Data,
}

/// What a heartbeat says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heartbeat {
    /// The run it speaks of; empty for none.
    pub run: String,
    /// How far it is.
    pub progress: Progress,
    /// Why it failed.
    pub error: String,
    /// Users alive by class.
    pub users: Vec<u32>,
    /// Requests begun so far.
    pub started: u64,
    /// Iterations begun so far.
    pub iterations_begun: u64,
    /// Iterations ended so far.
    pub iterations_ended: u64,
    /// Arrivals dropped so far.
    pub iterations_dropped: u64,
    /// Whether it wants more iterations.
    pub wants_iterations: bool,
    /// Slots that stay empty because their users have ended by themselves.
    pub users_stopped: u32,
    /// Why its users want the run to end, if they do.
    pub wants_stop: Option<Wish>,
    /// Statistics held back.
    pub outbox: u32,
    /// Resident memory in bytes; 0 = not known.
    pub memory: u64,
    /// The slowest load thread's last sign of life.
    pub slowest_thread: Duration,
    /// Round trip of its heartbeats.
    pub round_trip: Option<Duration>,
    /// Whether it is about to leave.
    pub leaving: bool,
    /// The newest assignment that all its load threads follow.
    pub revision: u64,
    /// Users still alive that this assignment does not name.
    pub held: Vec<Held>,
    /// How the steps went that it was told to run once.
    pub aside: Option<Box<AsideDone>>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A command for a worker.
    Order(WorkerId, Order),
    /// Batches of this run up to `applied_through` are in; `over`: the run is, drop the rest.
    Acknowledge {
        /// Whose.
        worker: WorkerId,
        /// Of which run.
        run: String,
        /// Up to which number.
        applied_through: u64,
        /// Whether that run is over.
        over: bool,
    },
    /// End a worker's session, unless a heartbeat of it was answered after this instant, and say so by
    /// [`Input::Silent`].
    EndIfSilent(WorkerId, Duration),
    /// End a worker's session, because of what it sent.
    EndSession(WorkerId, String),
    /// A line for the log.
    Log(String),
    /// The run is over.
    Over,
}

/// A command for a worker.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Prepare the test.
    Prepare,
    /// Take these users.
    Assign(Assign),
    /// Run time zero on the coordinator's clock, in µs.
    Start {
        /// See above.
        start_us: u64,
        /// What setup gave.
        shared: Shared,
    },
    /// Run the steps that run once in the whole test.
    Aside {
        /// Which.
        kind: AsideKind,
        /// What setup gave, for teardown.
        shared: Shared,
    },
    /// End at this run time.
    Stop {
        /// Run time.
        at: Duration,
        /// How long users may finish.
        timeout: Duration,
    },
    /// Iterations granted so far.
    Iterations {
        /// So many in all.
        total: u64,
    },
    /// The run is over.
    RunOver,
    /// A run of another coordinator, which the worker still has, is over.
    Forget(String),
    /// For the person at the worker.
    Notice(String),
}
