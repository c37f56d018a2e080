//! `report.json`, field by field. Keys are only ever added.
//!
//! Times are in ms, rates per second over the time between first start and stop instant. A number that does not exist is
//! null, never NaN. What began in the warm-up is only in `accounting.warmup`, `timeline` and `course`. Beyond what the format promises it carries what the other reports need to be made from a saved run:
//! `run.demo`, `run.aborted`, `run.users_wanted`, `run.replaced`, `course`, `notes`, and `seconds` and `late` of a point.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::times::{Percentiles, PhaseReport, TimesReport};

pub use super::accounts::{AccountingReport, IterationsReport, MissingReport, Warmup};
pub use super::thresholds::{SearchReport, Threshold, TryReport, Window};

/// The format's name and version.
pub const SCHEMA: &str = "stampede.report/1";

/// A run that is over, as it is written to files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// What ran.
    pub run: Run,
    /// All endpoints together, merged sample for sample.
    pub totals: Endpoint,
    /// By name, then method.
    pub endpoints: Vec<Endpoint>,
    /// Groups of steps; in no total.
    pub groups: Vec<Endpoint>,
    /// Requests of setup and teardown; in no total.
    #[serde(default)]
    pub asides: Vec<Endpoint>,
    /// Requests by the class of their user once more, of those classes that a rule is of; in no total.
    #[serde(default)]
    pub classes: Vec<Endpoint>,
    /// By count, largest first; without those of the warm-up.
    pub errors: Vec<Failure>,
    /// The counts of both identities.
    pub accounting: AccountingReport,
    /// Users at the peak.
    pub users: Users,
    /// Connections by host.
    pub targets: Vec<Target>,
    /// In order of arrival.
    pub workers: Vec<Worker>,
    /// Rules and whether they hold.
    pub thresholds: Vec<Threshold>,
    /// The search for the highest rate; null where none was asked for.
    #[serde(default)]
    pub search: Option<SearchReport>,
    /// The course of the whole run, draining included.
    pub timeline: Vec<TimelinePoint>,
    /// The course up to the last full second before the stop instant, in at most 60 points: what the charts show.
    pub course: Vec<TimelinePoint>,
    /// What a reader should know, one sentence each.
    pub notes: Vec<String>,
}

/// Whether a run did what was asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// At least one request, none failed, no failed iteration.
    Passed,
    /// Anything else.
    Failed,
}

impl Judgement {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// What ran, when, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the format")]
pub struct Run {
    /// Unique name of the run.
    pub id: String,
    /// The scenario's name.
    pub scenario: String,
    /// Whether it was the built-in demo.
    pub demo: bool,
    /// The base URL aimed at.
    pub target: String,
    /// The run seed.
    pub seed: u64,
    /// The version of Stampede.
    pub version: String,
    /// Labels given by the user.
    pub labels: BTreeMap<String, String>,
    /// UTC, RFC 3339 with milliseconds.
    pub started_at: String,
    /// UTC, RFC 3339 with milliseconds.
    pub ended_at: String,
    /// First start, or end of the warm-up, to stop instant: what rates are divided by.
    pub duration_s: f64,
    /// First start to the end of the last request that completed, draining included; null without one.
    #[serde(default)]
    pub last_end_s: Option<f64>,
    /// The warm-up before it, as far as it came; null where none was asked for.
    #[serde(default)]
    pub warmup_s: Option<f64>,
    /// Run time asked for.
    pub run_time_s: Option<f64>,
    /// Users alive at the peak.
    pub users_peak: u32,
    /// Users asked for at the peak.
    pub users_wanted: u32,
    /// Users started per second; null in the open model, and where they come in stages.
    pub spawn_rate: Option<f64>,
    /// The load in words, with its stages; null where it is a plain ramp of users.
    #[serde(default)]
    pub load: Option<String>,
    /// The open model's arrival rate in words; null where users are planned instead.
    #[serde(default)]
    pub arrivals: Option<String>,
    /// Why it ended: `run_time`, `iterations`, `user`, `signal`, `no_workers`, …
    pub stop_reason: String,
    /// Whether the drain was cut short.
    pub aborted: bool,
    /// Passed or failed.
    pub verdict: Judgement,
    /// Whether every sample is in the result.
    pub complete: bool,
    /// Whether the load generator was the limit.
    pub generator_limited: bool,
    /// Changes made by hand.
    pub changes: Vec<Change>,
    /// What flags replaced of the file, one sentence each.
    pub replaced: Vec<String>,
}

/// A change made by hand while the test ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Run time in s.
    pub t: f64,
    /// What was changed.
    pub what: String,
    /// From what.
    pub from: String,
    /// To what.
    pub to: String,
}

/// Counts, times and rates of one endpoint, or of all together. Times are of all completed requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `GET`, …; empty for all together.
    pub method: String,
    /// Its name; `Aggregated` for all together.
    pub name: String,
    /// Completed: ok and failed.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Mean.
    pub avg_ms: Option<f64>,
    /// Exact.
    pub min_ms: Option<f64>,
    /// Exact.
    pub max_ms: Option<f64>,
    /// 50th percentile.
    pub median_ms: Option<f64>,
    /// All of them.
    pub percentiles_ms: Percentiles,
    /// Requests completed before the stop instant, by the time up to it.
    pub rps: Option<f64>,
    /// Of these, failed.
    pub failures_per_s: Option<f64>,
    /// Completed requests that got a whole response, by its status; 0 for those beyond the first 32 codes.
    #[serde(default)]
    pub statuses: BTreeMap<u16, u64>,
    /// Bytes of response bodies, as they came.
    pub bytes_in: u64,
    /// Bytes of response heads and of what frames bodies, as far as they were counted: over HTTP/1.1, by the native client.
    #[serde(default)]
    pub head_bytes_in: u64,
    /// Bytes of request bodies.
    pub bytes_out: u64,
    /// Redirects followed.
    pub hops: u64,
    /// Response times of ok requests.
    pub ok: TimesReport,
    /// Response times of failed requests.
    pub failed: TimesReport,
    /// First byte written to last byte read.
    pub service: TimesReport,
    /// Begin to first byte of the response.
    pub ttfb: TimesReport,
    /// Its course, in at most 60 steps; the counts of all of them are the ones above. Of the 100 rows that came first; the row
    /// behind them, `(other)`, has that of the rest.
    #[serde(default)]
    pub course: Vec<EndpointPoint>,
}

/// One step of an endpoint's course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointPoint {
    /// Run second at its beginning.
    pub t: u32,
    /// Run seconds of it that were observed.
    pub seconds: u32,
    /// Completed.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Completed per second. Null for a step that was not observed, that the end of the warm-up or the stop instant cuts, or
    /// that lies behind it.
    pub rps: Option<f64>,
    /// Of all completed requests; null without one.
    pub p50_ms: Option<f64>,
    /// Likewise.
    pub p95_ms: Option<f64>,
    /// Likewise.
    pub p99_ms: Option<f64>,
    /// Response times of all completed requests, encoded as those of [`TimesReport`]: what runs are compared by.
    pub histogram: Option<String>,
}

/// Failures of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where: `request`, `task` (what a `fail` step booked) or `aside` (setup and teardown).
    #[serde(default = "request")]
    pub row: String,
    /// `GET`, …; `TASK`.
    pub method: String,
    /// The endpoint, or the task.
    pub name: String,
    /// What kind.
    pub kind: String,
    /// In words; text from outside.
    pub message: String,
    /// How often.
    pub count: u64,
    /// Run second of the first.
    pub first_s: u32,
    /// Run second of the last.
    pub last_s: u32,
}

/// What a failure was booked on before there was anything else.
fn request() -> String {
    "request".to_owned()
}

/// Users at the peak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users {
    /// All.
    pub peak: u32,
    /// By class.
    pub classes: BTreeMap<String, u32>,
}

/// Connections to one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// `host:port`.
    pub host: String,
    /// Connections made.
    pub connections: u64,
    /// Name resolution; null where there was none.
    pub dns_ms: Option<PhaseReport>,
    /// Connecting.
    pub connect_ms: Option<PhaseReport>,
    /// TLS handshakes, where they can be told from connecting.
    pub tls_ms: Option<PhaseReport>,
}

/// A worker's part in the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// Its name; text from outside.
    pub name: String,
    /// How it ended: `finished`, `lost`, …
    pub state: String,
    /// Users at its peak.
    pub users_peak: u32,
    /// Completed requests.
    pub requests: u64,
    /// CPU of its busiest load thread, mean over the run, 0 to 1.
    pub cpu_avg: Option<f64>,
    /// The same, largest second.
    pub cpu_max: Option<f64>,
    /// 99th percentile of its probe's lag.
    pub lag_ms_p99: Option<f64>,
    /// 99th percentile of how late it began arrivals; null where nothing arrives.
    #[serde(default)]
    pub lateness_ms_p99: Option<f64>,
    /// Run time at which it was declared lost.
    pub lost_at_s: Option<f64>,
    /// When it, and not the target, was the limit.
    #[serde(default)]
    pub limits: Vec<GeneratorLimit>,
}

/// A stretch of run seconds `[from_s, to_s)` in which a worker was the limit; what was within bounds is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratorLimit {
    /// First run second.
    pub from_s: u32,
    /// First run second that is not in it.
    pub to_s: u32,
    /// Seconds of it that count.
    pub seconds: u32,
    /// Most that the busiest load thread used of a core, 0 to 1.
    pub cpu_max: Option<f64>,
    /// Largest 99th percentile of its probe's lag in a second.
    pub lag_ms_p99: Option<f64>,
    /// How long a load thread did not get to run at all.
    pub stood_still_ms: Option<f64>,
}

/// One step of the course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// Run second at its beginning.
    pub t: u32,
    /// Run seconds of it that were observed.
    pub seconds: u32,
    /// Users alive at its end.
    pub users: u64,
    /// Users planned at its end.
    pub planned_users: u64,
    /// Completed.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Bytes of response bodies.
    #[serde(default)]
    pub bytes_in: u64,
    /// Bytes of response heads and framing, as far as they were counted.
    #[serde(default)]
    pub head_bytes_in: u64,
    /// Bytes of request bodies.
    #[serde(default)]
    pub bytes_out: u64,
    /// Completed per second. Null for a step that was not observed, that the stop instant cuts or that lies behind it: what
    /// drains is in no rate.
    pub rps: Option<f64>,
    /// Of all completed requests; null without one.
    pub p50_ms: Option<f64>,
    /// Likewise.
    pub p95_ms: Option<f64>,
    /// Likewise.
    pub p99_ms: Option<f64>,
    /// Requests in flight at its end.
    pub in_flight: u64,
    /// Whether something arrived after the step had been shown as complete.
    pub late: bool,
}
