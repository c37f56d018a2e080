//! One endpoint in full: how its times are spread, what its requests came to, its course; and the hosts that connections
//! were made to. Plain values.

use serde::{Deserialize, Serialize};
use stampede_stats::endpoint::RowKind;

use super::CoursePoint;
use crate::watch::kinds::RowKindOnWire;

/// One endpoint, beyond its row in the table. Only the busiest have one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EndpointDetail {
    /// What it counts.
    #[serde(with = "RowKindOnWire")]
    pub kind: RowKind,
    /// `GET`.
    pub method: String,
    /// Its name.
    pub name: String,
    /// Requests begun.
    pub started: u64,
    /// Begun, and not known to have ended.
    pub under_way: u64,
    /// Given up at the end of the drain.
    pub cancelled: u64,
    /// Redirects followed.
    pub hops: u64,
    /// Bytes of response bodies.
    pub bytes_in: u64,
    /// Bytes of request bodies.
    pub bytes_out: u64,
    /// Response times of all completed requests.
    pub all: TimesView,
    /// Of those that were ok.
    pub ok: TimesView,
    /// Of those that failed.
    pub failed: TimesView,
    /// First byte written to last byte read, of those that got a response.
    pub service: TimesView,
    /// Begin to first byte of the response, of the same.
    pub ttfb: TimesView,
    /// How response times are spread: neighbours on a logarithmic scale, from the first that has something to the last.
    pub buckets: Vec<LatencyBucket>,
    /// Its course so far, evenly spaced, oldest first; users are not in it.
    pub course: Vec<CoursePoint>,
}

/// Times of one kind, in ms; `None` where there are none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TimesView {
    /// How many.
    pub count: u64,
    /// Mean.
    pub avg: Option<f64>,
    /// Exact minimum.
    pub min: Option<f64>,
    /// Exact maximum.
    pub max: Option<f64>,
    /// (percentile, ms), ascending; empty where there are none.
    pub percentiles: Vec<(f64, f64)>,
}

impl TimesView {
    /// One of the percentiles, in ms.
    pub fn percentile(&self, wanted: f64) -> Option<f64> {
        self.percentiles.iter().find(|(percentile, _)| (percentile - wanted).abs() < 1e-9).map(|(_, ms)| *ms)
    }
}

/// Requests whose response time was in a range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyBucket {
    /// Where it begins, in ms; this is in it.
    pub from_ms: f64,
    /// Where it ends, in ms; this is in the next.
    pub to_ms: f64,
    /// Requests that were ok.
    pub ok: u64,
    /// Requests that failed.
    pub failed: u64,
}

/// A host that connections were made to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetRow {
    /// Its name and port.
    pub host: String,
    /// Connections made.
    pub connections: u64,
    /// Name resolution.
    pub dns: TimesView,
    /// Connecting.
    pub connect: TimesView,
    /// TLS handshakes.
    pub tls: TimesView,
}
