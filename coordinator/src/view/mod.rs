//! The newest picture of a run: what the terminal shows. Plain values, made by the run's state, read by whoever looks.
//!
//! A [`RunView`] is published through a `watch` channel, so a slow terminal never slows a run; the parts that change once a
//! second are shared, so that publishing ten times a second costs little.

mod detail;
mod load;
mod log;
mod rows;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use detail::{EndpointDetail, LatencyBucket, TargetRow, TimesView};
pub use load::{ChangeRow, LoadView, SearchView, TryRow};
pub use log::{LogKind, LogRow};
pub use rows::{CoursePoint, EndpointRow, FailureRow, ThresholdRow};
pub use workers::{Limited, WorkerRow, WorkerState};

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
    /// Bytes of response bodies per second, likewise.
    pub bytes_in_per_s: f64,
    /// Bytes of request bodies per second, likewise.
    pub bytes_out_per_s: f64,
    /// Requests in flight at the last complete second.
    pub in_flight: u64,
    /// How long the oldest of these had been under way.
    pub oldest_in_flight: Duration,
    /// One row for each endpoint, in order of name, then method; behind them groups, and requests around the test.
    pub endpoints: Arc<Vec<EndpointRow>>,
    /// All endpoints together, without those behind them.
    pub aggregated: EndpointRow,
    /// The busiest of them in full, in the same order.
    pub details: Arc<Vec<EndpointDetail>>,
    /// Hosts that connections were made to, those with most first.
    pub targets: Arc<Vec<TargetRow>>,
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
    /// The load, planned and changed.
    pub load: Arc<LoadView>,
    /// Set when the load generator was the limit.
    pub limited: Option<Limited>,
    /// What happened, oldest first.
    pub log: Arc<Vec<LogRow>>,
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
