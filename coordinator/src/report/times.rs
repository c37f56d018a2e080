//! Times as they stand in a report: count, exact mean and extremes, percentiles from the histogram, the histogram itself.
//!
//! Percentiles are never made from percentiles: each comes from the histogram of its own row.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use serde::{Deserialize, Serialize};
use stampede_stats::histogram::{TIMES_DIGITS, Times, TimesDelta};

use super::text::number;

/// Percentiles in ms; all null without values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the percentile of its name; p99_9 is the 99.9th")]
pub struct Percentiles {
    #[serde(rename = "50")]
    pub p50: Option<f64>,
    #[serde(rename = "66")]
    pub p66: Option<f64>,
    #[serde(rename = "75")]
    pub p75: Option<f64>,
    #[serde(rename = "80")]
    pub p80: Option<f64>,
    #[serde(rename = "90")]
    pub p90: Option<f64>,
    #[serde(rename = "95")]
    pub p95: Option<f64>,
    #[serde(rename = "98")]
    pub p98: Option<f64>,
    #[serde(rename = "99")]
    pub p99: Option<f64>,
    #[serde(rename = "99.9")]
    pub p99_9: Option<f64>,
    #[serde(rename = "99.99")]
    pub p99_99: Option<f64>,
    #[serde(rename = "100")]
    pub p100: Option<f64>,
}

impl Percentiles {
    /// Of these times.
    pub(super) fn of(times: &Times<u64>) -> Self {
        let found = times.percentiles_ms(&Self::WANTED);
        let mut found = found.into_iter();
        let mut next = || found.next().and_then(number);
        Self {
            p50: next(),
            p66: next(),
            p75: next(),
            p80: next(),
            p90: next(),
            p95: next(),
            p98: next(),
            p99: next(),
            p99_9: next(),
            p99_99: next(),
            p100: next(),
        }
    }

    /// Which percentiles, ascending.
    pub const WANTED: [f64; 11] = [50.0, 66.0, 75.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.9, 99.99, 100.0];

    /// In the order of [`Self::WANTED`].
    pub fn values(&self) -> [Option<f64>; 11] {
        let Self { p50, p66, p75, p80, p90, p95, p98, p99, p99_9, p99_99, p100 } = *self;
        [p50, p66, p75, p80, p90, p95, p98, p99, p99_9, p99_99, p100]
    }
}

/// Times of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TimesReport {
    /// Values.
    pub count: u64,
    /// Mean.
    pub avg_ms: Option<f64>,
    /// Exact.
    pub min_ms: Option<f64>,
    /// Exact.
    pub max_ms: Option<f64>,
    /// Of the sample, from the histogram.
    #[serde(default)]
    pub stdev_ms: Option<f64>,
    /// From the histogram.
    pub percentiles_ms: Percentiles,
    /// Base64 of `HdrHistogram`'s V2 encoding, in microseconds; null without values.
    pub histogram: Option<String>,
}

/// Times of a phase of connecting: as [`TimesReport`], without the histogram.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PhaseReport {
    /// Values.
    pub count: u64,
    /// Mean.
    pub avg_ms: Option<f64>,
    /// Exact.
    pub min_ms: Option<f64>,
    /// Exact.
    pub max_ms: Option<f64>,
    /// Of the sample, from the histogram.
    #[serde(default)]
    pub stdev_ms: Option<f64>,
    /// From the histogram.
    pub percentiles_ms: Percentiles,
}

impl PhaseReport {
    pub(super) fn of(times: &Times<u64>) -> Self {
        Self {
            count: times.count(),
            avg_ms: times.mean_ms().and_then(number),
            min_ms: times.min_ms().and_then(number),
            max_ms: times.max_ms().and_then(number),
            stdev_ms: times.stdev_ms().and_then(number),
            percentiles_ms: Percentiles::of(times),
        }
    }
}

impl TimesReport {
    pub(super) fn of(times: &Times<u64>) -> Self {
        let PhaseReport { count, avg_ms, min_ms, max_ms, stdev_ms, percentiles_ms } = PhaseReport::of(times);
        Self { count, avg_ms, min_ms, max_ms, stdev_ms, percentiles_ms, histogram: encoded(times) }
    }
}

/// As it stands in [`TimesReport::histogram`].
pub(super) fn encoded_delta(times: &TimesDelta) -> Option<String> {
    let mut whole = Times::new(TIMES_DIGITS);
    whole.merge(times);
    encoded(&whole)
}

/// Writing to memory fails for no histogram that can be made; one that did would be missing, not wrong.
fn encoded(times: &Times<u64>) -> Option<String> {
    let histogram = times.to_hdr()?;
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(&histogram, &mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}
