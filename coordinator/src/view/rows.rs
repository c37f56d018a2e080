//! The rows of the tables: endpoints, failures, rules, and the points of the charts. Plain values.

use serde::{Deserialize, Serialize};
use stampede_stats::endpoint::RowKind;
use stampede_stats::outcome::FailureKind;

use crate::watch::kinds::{FailureKindOnWire, RowKindOnWire};

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
    /// Bytes of response bodies per second, likewise.
    pub bytes_in_per_s: f64,
    /// Bytes of request bodies per second, likewise.
    pub bytes_out_per_s: f64,
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
    /// Arrivals begun per second; 0 where nothing arrives.
    pub arrivals_per_s: f64,
    /// ms; `None` in a step without a completed request.
    pub p50: Option<f64>,
    /// ms.
    pub p95: Option<f64>,
    /// ms.
    pub p99: Option<f64>,
}
