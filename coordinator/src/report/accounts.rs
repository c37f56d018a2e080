//! The counts of `report.json`: both identities, the same for the warm-up, and what is missing.

use serde::{Deserialize, Serialize};

use super::stdout::identity;

/// The counts of the identities; none is computed from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountingReport {
    /// Requests begun.
    pub started: u64,
    /// Requests written to the last byte, redirect hops too.
    pub sent: u64,
    /// Completed as expected.
    pub ok: u64,
    /// Not completed, or not as expected.
    pub failed: u64,
    /// Given up at the end of the drain.
    pub cancelled: u64,
    /// Begun by a worker that was lost with them.
    pub unknown: u64,
    /// Iterations asked for, or arrivals that came due; null where nothing is planned.
    pub planned: Option<u64>,
    /// Planned and not begun: the run ended first, or no user was free.
    pub dropped: u64,
    /// Planned, and not known to be begun because the worker was lost.
    pub missed: u64,
    /// What became of iterations.
    pub iterations: IterationsReport,
    /// What began in the warm-up, in none of the other counts.
    pub warmup: Warmup,
    /// Seconds whose samples never arrived.
    pub missing_intervals: Vec<MissingReport>,
}

/// What became of iterations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationsReport {
    /// Begun.
    pub begun: u64,
    /// Gone through, every request ok.
    pub completed: u64,
    /// Gone through with a failure.
    pub failed: u64,
    /// Given up at the end of the drain.
    pub cancelled: u64,
    /// Begun by a worker that was lost with them.
    pub unknown: u64,
}

/// The account of the warm-up: what began in it, wherever it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Warmup {
    /// Completed.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Begun.
    pub started: u64,
    /// Requests written to the last byte, redirect hops too.
    pub sent: u64,
    /// Completed as expected.
    pub ok: u64,
    /// Given up at the end of the drain.
    pub cancelled: u64,
    /// Begun by a worker that was lost with them.
    pub unknown: u64,
    /// Arrivals of it that no user was free for.
    pub dropped: u64,
    /// What became of its iterations.
    pub iterations: IterationsReport,
}

/// Run seconds for which a worker's samples never arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingReport {
    /// The worker's name.
    pub worker: String,
    /// First missing run second.
    pub from_s: u32,
    /// First run second that is not missing.
    pub to_s: u32,
    /// Requests it had announced as begun and not delivered.
    pub announced: u64,
}

impl AccountingReport {
    /// The identities with their label: requests first, then iterations, then those of the warm-up. A sum that is wrong is said to
    /// be wrong.
    pub(super) fn identities(&self) -> Vec<(&'static str, String)> {
        let requests = identity(
            ("started", self.started),
            &[
                ("ok", self.ok),
                ("failed", self.failed),
                ("cancelled", self.cancelled),
                ("unknown", self.unknown),
            ],
        );
        let mut lines = vec![("requests", requests)];
        if let Some(planned) = self.planned {
            let parts =
                [("begun", self.iterations.begun), ("dropped", self.dropped), ("missed", self.missed)];
            lines.push(("iterations", identity(("planned", planned), &parts)));
        }
        lines.push(("iterations", self.iterations.identity()));
        let warmup = &self.warmup;
        if *warmup != Warmup::default() {
            let parts = [
                ("ok", warmup.ok),
                ("failed", warmup.failures),
                ("cancelled", warmup.cancelled),
                ("unknown", warmup.unknown),
            ];
            lines.push(("warm-up", format!("requests {}", identity(("started", warmup.started), &parts))));
            lines.push(("warm-up", format!("iterations {}", warmup.iterations.identity())));
        }
        lines
    }
}

impl IterationsReport {
    fn identity(&self) -> String {
        let parts = [
            ("completed", self.completed),
            ("failed", self.failed),
            ("cancelled", self.cancelled),
            ("unknown", self.unknown),
        ];
        identity(("begun", self.begun), &parts)
    }
}
