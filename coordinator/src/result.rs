//! What is known when a run is over: the one value that reports, the final table and the exit code are made from.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::EndpointKey;
use stampede_stats::timeline::Timeline;
use stampede_stats::totals::Totals;

use crate::rules::Judged;
use crate::view::WorkerState;

/// Why a run ended. The names are part of the report's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The run time was over.
    RunTime,
    /// The stages of the load were over.
    Profile,
    /// All iterations were begun.
    Iterations,
    /// The data was used up.
    Data,
    /// A threshold was crossed that ends the run.
    Threshold,
    /// `q`, from the screen.
    User,
    /// The scenario: a `stop: run`, every user has stopped itself, or its setup failed.
    Scenario,
    /// Ctrl-C or SIGTERM.
    Signal,
    /// Every worker was lost.
    NoWorkers,
}

impl StopReason {
    /// As it is written to reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunTime => "run_time",
            Self::Profile => "profile",
            Self::Iterations => "iterations",
            Self::Data => "data",
            Self::Threshold => "threshold",
            Self::User => "user",
            Self::Scenario => "scenario",
            Self::Signal => "signal",
            Self::NoWorkers => "no_workers",
        }
    }
}

/// A change made by hand while the test ran.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadChange {
    /// Run time.
    pub at: Duration,
    /// What was changed: `users`.
    pub what: String,
    /// From what.
    pub from: String,
    /// To what.
    pub to: String,
}

/// What the search for the highest rate came to.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult {
    /// The highest rate that held, a second.
    pub found: Option<f64>,
    /// Whether it held when it was tried for longer as well: only then it is the answer.
    pub verified: bool,
    /// The same in words.
    pub sentence: String,
    /// Every rate that was tried, in order.
    pub tries: Vec<SearchTry>,
}

/// One rate of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchTry {
    /// Arrivals a second.
    pub rate: f64,
    /// The best, tried for longer.
    pub verifies: bool,
    /// First run second that counts.
    pub from_s: u32,
    /// First run second that does not count any more.
    pub to_s: u32,
    /// Requests completed in them.
    pub requests: u64,
    /// Arrivals dropped in them.
    pub dropped: u64,
    /// The rules, in their order.
    pub rules: Vec<Judged>,
    /// Whether it held.
    pub held: bool,
    /// Why not.
    pub why: Option<String>,
}

/// Requests completed before the stop instant, or passes through a group: what rates are made from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InWindow {
    /// Completed.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Bytes of their response bodies.
    pub bytes_in: u64,
    /// Bytes of their request bodies.
    pub bytes_out: u64,
}

impl InWindow {
    /// What completed of `counts`.
    pub fn of(counts: &RequestCounts) -> Self {
        let RequestCounts { failed, bytes_in, bytes_out, .. } = *counts;
        Self { requests: counts.completed(), failures: failed, bytes_in, bytes_out }
    }

    /// Adds `other`. What a peer makes up must not overflow.
    pub fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failures = self.failures.saturating_add(other.failures);
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
    }
}

/// What began in the warm-up, as far as [`Totals`] does not have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WarmupAccount {
    /// Requests begun: delivered, plus announced by workers that were lost with them.
    pub started: u64,
    /// Requests of lost workers whose end is not known.
    pub unknown: u64,
    /// Iterations begun.
    pub iterations_begun: u64,
    /// Iterations of lost workers whose end is not known.
    pub iterations_unknown: u64,
}

/// Both identities' counts that are not in [`Totals`]. What began in the warm-up is in none but its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Requests begun: delivered, plus announced by workers that were lost with them.
    pub started: u64,
    /// Requests announced by workers that were lost before they told what became of them.
    pub unknown: u64,
    /// The part of `unknown` that is known by endpoint.
    pub unknown_by_endpoint: BTreeMap<EndpointKey, u64>,
    /// Iterations asked for, or arrivals that came due; `None` where nothing is planned.
    pub planned: Option<u64>,
    /// Planned iterations that were not begun because the run ended first, or arrivals that no user was free for.
    pub dropped: u64,
    /// Planned iterations that nobody is known to have begun because their worker was lost, or had left.
    pub missed: u64,
    /// Iterations begun: delivered, plus announced by workers that were lost with them.
    pub iterations_begun: u64,
    /// Iterations of lost workers whose end is not known.
    pub iterations_unknown: u64,
    /// The warm-up's own account.
    pub warmup: WarmupAccount,
    /// Seconds of lost workers that never arrived.
    pub missing: Vec<MissingInterval>,
    /// Workers whose final totals are not what they had sent.
    pub contradictions: Vec<String>,
}

/// Run seconds for which a worker's samples never arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingInterval {
    /// The worker's name.
    pub worker: String,
    /// First missing run second.
    pub from_s: u32,
    /// First run second that is not missing.
    pub to_s: u32,
    /// Requests it had announced as begun and not delivered.
    pub announced: u64,
}

/// A stretch of run seconds `[from_s, to_s)` in which a worker was the limit, not the target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limit {
    /// First run second.
    pub from_s: u32,
    /// First run second that is not in it.
    pub to_s: u32,
    /// Seconds of it that count; fewer than there are where short pauses were joined.
    pub seconds: u32,
    /// Most that its busiest load thread used of a core, 0 to 1, where that was too much.
    pub cpu: Option<f64>,
    /// Largest 99th percentile of its probe's lag in a second, in ms, where that was too late.
    pub lag_ms: Option<f64>,
    /// How long a load thread did not get to run at all, in ms, where that was seconds.
    pub stood_still_ms: Option<f64>,
}

/// A worker's part in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerResult {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub state: WorkerState,
    /// Users at its peak.
    pub users_peak: u32,
    /// Completed requests, without those of the warm-up.
    pub requests: u64,
    /// CPU of its busiest load thread, mean over the run, 0 to 1.
    pub cpu_avg: Option<f64>,
    /// The same, largest second.
    pub cpu_max: Option<f64>,
    /// 99th percentile of its probe's lag over the run, in ms.
    pub lag_p99: Option<f64>,
    /// 99th percentile of how late it began arrivals over the run, in ms; `None` where nothing arrives.
    pub lateness_p99: Option<f64>,
    /// Run time at which it was declared lost.
    pub lost_at: Option<Duration>,
    /// When it was the limit.
    pub limits: Vec<Limit>,
}

/// A run that is over.
#[derive(Debug, Clone)]
pub struct RunResult {
    /// Unique name of the run.
    pub id: String,
    /// The scenario's name.
    pub scenario: String,
    /// The base URL aimed at.
    pub target: String,
    /// Whether it was the built-in demo.
    pub demo: bool,
    /// What somebody calls it, by key; text from outside.
    pub labels: BTreeMap<String, String>,
    /// The run seed.
    pub seed: u64,
    /// This program's version.
    pub version: String,
    /// When the first user was due.
    pub started_at: Timestamp,
    /// When the last result was in.
    pub ended_at: Timestamp,
    /// First start to stop instant.
    pub duration: Duration,
    /// First start to the end of the last request that completed; `None` without one.
    pub last_end: Option<Duration>,
    /// The warm-up that was asked for; zero for none.
    pub warmup: Duration,
    /// Run time asked for.
    pub run_time: Option<Duration>,
    /// Users at the peak, as they were alive.
    pub users_peak: u32,
    /// Users asked for at the peak.
    pub users_wanted: u32,
    /// Users by class at the peak, by name, in the order of the scenario.
    pub classes: Vec<(String, u32)>,
    /// Users started per second; `None` in the open model.
    pub spawn_rate: Option<f64>,
    /// The load in words; `None` where it is a plain ramp of users.
    pub load: Option<String>,
    /// The arrival rate in words; `None` where users are planned instead.
    pub arrivals: Option<String>,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Whether a second Ctrl-C cut the drain short.
    pub aborted: bool,
    /// Changes made by hand.
    pub changes: Vec<LoadChange>,
    /// The rules of the scenario and whether they hold, in its order.
    pub thresholds: Vec<Judged>,
    /// The search, where that was asked for.
    pub search: Option<SearchResult>,
    /// What flags replaced of the file, one sentence each.
    pub replaced: Vec<String>,
    /// Counts and histograms.
    pub totals: Totals,
    /// What completed before the stop instant, by endpoint.
    pub in_window: BTreeMap<EndpointKey, InWindow>,
    /// Counts for the identities.
    pub accounting: Accounting,
    /// The course.
    pub timeline: Timeline,
    /// The course of each row of requests and groups, of what is measured.
    pub courses: BTreeMap<EndpointKey, Timeline>,
    /// The workers, in order of arrival.
    pub workers: Vec<WorkerResult>,
    /// What a reader should know: anything missing, limits reached.
    pub notes: Vec<String>,
}

impl RunResult {
    /// Whether every rule holds, and a rate was found where one was looked for; `None` where nothing was asked.
    pub fn holds(&self) -> Option<bool> {
        let asked = !self.thresholds.is_empty() || self.search.is_some();
        let found = self.search.as_ref().is_none_or(|search| search.verified);
        asked.then(|| found && self.thresholds.iter().all(|rule| rule.passed))
    }

    /// End of the warm-up to stop instant: what rates are divided by.
    pub fn measured(&self) -> Duration {
        self.duration.saturating_sub(self.warmup)
    }

    /// Whether a worker was at its own limit for some seconds.
    pub fn is_generator_limited(&self) -> bool {
        self.workers.iter().any(|worker| !worker.limits.is_empty())
    }

    /// Whether every sample is in it.
    pub fn is_complete(&self) -> bool {
        self.accounting.missing.is_empty()
            && self.accounting.unknown == 0
            && self.accounting.contradictions.is_empty()
    }
}
