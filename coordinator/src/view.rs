//! The newest picture of a run: what the terminal shows. Plain values, made by the run's state, read by whoever looks.
//!
//! A [`RunView`] is published through a `watch` channel, so a slow terminal never slows a run; the parts that change once a
//! second are shared, so that publishing ten times a second costs little.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stampede_stats::endpoint::RowKind;
use stampede_stats::outcome::FailureKind;

use crate::watch::kinds::{FailureKindOnWire, RowKindOnWire};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// For workers to connect.
    Waiting,
    /// Workers compile the scenario and fetch its files.
    Preparing,
    /// Users are being started or stopped towards the target.
    Ramping,
    /// As many users as wanted.
    Steady,
    /// No iteration begins any more; users finish.
    Draining,
    /// Over.
    Finished,
}

impl Phase {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Preparing => "preparing",
            Self::Ramping => "ramping",
            Self::Steady => "steady",
            Self::Draining => "draining",
            Self::Finished => "finished",
        }
    }
}

/// Everything a screen needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunView {
    /// The scenario's name.
    pub scenario: String,
    /// The base URL aimed at.
    pub target: String,
    /// Whether it is the built-in demo.
    pub demo: bool,
    /// Where the run stands.
    pub phase: Phase,
    /// The warm-up is under way: rows and times are its own, and are begun anew behind it.
    pub warming_up: bool,
    /// Run time so far; zero before the start.
    pub elapsed: Duration,
    /// Run time asked for; `None` without end.
    pub run_time: Option<Duration>,
    /// Iterations asked for, and begun so far.
    pub iterations: Option<(u64, u64)>,
    /// Users alive now.
    pub users: u32,
    /// Users the profile asks for now.
    pub users_wanted: u32,
    /// Users the present ramp heads for.
    pub users_target: u32,
    /// What a search for the highest rate tries now.
    pub search: Option<String>,
    /// No iteration begins, because somebody wants it so.
    pub paused: bool,
    /// The open model: how arrivals are coming.
    pub arrivals: Option<ArrivalsView>,
    /// Requests completed per second, over the last complete seconds (10 at most).
    pub rps: f64,
    /// Failures per second, likewise.
    pub failures_per_s: f64,
    /// Requests in flight at the last complete second.
    pub in_flight: u64,
    /// How long the oldest of these had been under way.
    pub oldest_in_flight: Duration,
    /// One row for each endpoint, in order of name, then method; behind them groups, and requests around the test.
    pub endpoints: Arc<Vec<EndpointRow>>,
    /// All endpoints together, without those behind them.
    pub aggregated: EndpointRow,
    /// By count, largest first.
    pub failures: Arc<Vec<FailureRow>>,
    /// In order of arrival.
    pub workers: Arc<Vec<WorkerRow>>,
    /// Names of the user classes, in the order of `WorkerRow::users_by_class`.
    pub classes: Arc<Vec<String>>,
    /// The course so far, evenly spaced, oldest first.
    pub timeline: Arc<Vec<CoursePoint>>,
    /// The rules of the test, in its order, over what there is so far.
    pub thresholds: Arc<Vec<ThresholdRow>>,
    /// Set while waiting for workers.
    pub waiting: Option<WaitingFor>,
    /// What a person should know (missing samples, names over the limit, generator-limited), newest last.
    pub notices: Arc<Vec<String>>,
}

impl RunView {
    /// Where the run stands, as it is shown.
    pub fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::Ramping | Phase::Steady if self.warming_up => "warm-up",
            phase => phase.as_str(),
        }
    }
}

/// How arrivals are coming.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ArrivalsView {
    /// Arrivals planned per second at this moment.
    pub rate: f64,
    /// The rate after the last stage.
    pub target: f64,
    /// Arrivals begun per second, over the last complete seconds.
    pub begun_per_s: f64,
    /// Arrivals that no user was free for, so far.
    pub dropped: u64,
    /// Users at most.
    pub max_users: u32,
}

/// One endpoint's row. Times in ms, of all completed requests; `None` before the first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EndpointRow {
    /// What it counts.
    #[serde(with = "RowKindOnWire")]
    pub kind: RowKind,
    /// `GET`; empty for the aggregated row.
    pub method: String,
    /// Its name.
    pub name: String,
    /// Completed requests.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Mean.
    pub avg: Option<f64>,
    /// Exact minimum.
    pub min: Option<f64>,
    /// Exact maximum.
    pub max: Option<f64>,
    /// 50th percentile.
    pub med: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Completed per second, over the last complete seconds.
    pub rps: f64,
    /// Failures per second, likewise.
    pub failures_per_s: f64,
}

/// Failures of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRow {
    /// `GET`, …
    pub method: String,
    /// The endpoint.
    pub name: String,
    /// What kind.
    #[serde(with = "FailureKindOnWire")]
    pub kind: FailureKind,
    /// In words; text from outside, to be shown with care.
    pub message: String,
    /// How often.
    pub count: u64,
    /// Run second of the first.
    pub first_s: u32,
    /// Run second of the last.
    pub last_s: u32,
}

/// A rule and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdRow {
    /// As it was written.
    pub rule: String,
    /// What is measured so far, with its unit; `no sample` before the first. A rule over windows: in the newest of them.
    pub shown: String,
    /// How far that is on the right side of the limit, as a part of it; negative on the wrong side.
    pub margin: Option<f64>,
    /// Whether it holds now; `None` without a sample.
    pub holds: Option<bool>,
    /// The run ends when it breaks.
    pub stops: bool,
    /// A rule over windows that has broken, and stays so whatever follows: its worst window, `612 ms in 00:41-00:51`.
    pub broken: Option<String>,
}

/// How a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerState {
    /// Connected, with nothing to do in this run.
    Idle,
    /// Compiling the scenario, fetching files.
    Preparing,
    /// Ready to start.
    Ready,
    /// Running users.
    Running,
    /// Letting users finish.
    Draining,
    /// Done, everything delivered.
    Finished,
    /// Its control stream is closed; it may come back.
    Disconnected,
    /// Its lease has passed.
    Lost,
}

impl WorkerState {
    /// As it is shown and written to reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Finished => "finished",
            Self::Disconnected => "disconnected",
            Self::Lost => "lost",
        }
    }
}

/// One worker's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerRow {
    /// Its name; text from outside.
    pub name: String,
    /// Where it connected from; empty for the embedded one.
    pub address: String,
    /// How it is.
    pub state: WorkerState,
    /// Users alive.
    pub users: u32,
    /// The same by class.
    pub users_by_class: Vec<u32>,
    /// Completed requests per second, over the last complete seconds.
    pub rps: f64,
    /// CPU of its busiest load thread in the last second, 0 to 1.
    pub cpu: Option<f64>,
    /// Resident memory in bytes.
    pub memory: Option<u64>,
    /// 99th percentile of its probe's lag in the last second, in ms.
    pub lag_p99: Option<f64>,
    /// 99th percentile of how late it began arrivals in the last second, in ms; `None` where nothing arrives.
    pub lateness_p99: Option<f64>,
    /// Round trip of its heartbeats, in ms.
    pub rtt: Option<f64>,
    /// Since the last heartbeat.
    pub last_heard: Option<Duration>,
    /// Statistics it holds back: batches not acknowledged and intervals not numbered.
    pub outbox: u32,
    /// What is to be said of it, for example `00:25-00:26 missing`.
    pub note: String,
}

/// One point of the course.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CoursePoint {
    /// Run second at its beginning.
    pub t: f64,
    /// Users alive.
    pub users: u64,
    /// Users planned.
    pub planned_users: u64,
    /// Completed requests per second.
    pub rps: f64,
    /// Failures per second.
    pub failures_per_s: f64,
    /// ms; `None` in a step without a completed request.
    pub p50: Option<f64>,
    /// ms.
    pub p95: Option<f64>,
    /// ms.
    pub p99: Option<f64>,
}

/// What a waiting coordinator waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingFor {
    /// Workers wanted.
    pub expected: u32,
    /// Workers there.
    pub connected: u32,
    /// Since when.
    pub since: Duration,
    /// After which it gives up.
    pub timeout: Duration,
    /// What to type on the other machine.
    pub command: String,
}
