//! The workers: how each is and what it carries. Plain values.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Whether it is at its own limit now, so that the times measured are not only the target's.
    pub limited: bool,
    /// Completed requests of its last seconds, oldest first.
    pub course: Vec<u64>,
    /// What is to be said of it, for example `00:25-00:26 missing`.
    pub note: String,
}

/// The load generator was the limit, not the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limited {
    /// Whether it is now, or only was.
    pub now: bool,
    /// Who and how, in words: `worker w2 wakes 14.2 ms late (p99) and uses 97 % of a core`.
    pub text: String,
}
