//! A row of a saved run as steps that can be drawn again: what [`noise`](super::noise) works on.

use crate::report::{Endpoint, HistogramError, recorded};

/// Width of a bin, as the logarithm of its ends' ratio: half a percent, well below any difference that is told apart.
const BIN: f64 = 0.005;

/// One step of a row's course.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// Observed seconds.
    pub(super) seconds: f64,
    /// Completed requests.
    pub(super) requests: u64,
    /// Of these, failed.
    pub(super) failures: u64,
    /// (bin, requests in it), ascending.
    pub(super) bins: Vec<(usize, u64)>,
}

/// The whole steps of a row's course: what the end of the warm-up or the stop instant cuts is left out.
pub(super) fn steps(row: &Endpoint) -> Result<Vec<Step>, HistogramError> {
    let whole = row.course.iter().filter(|point| point.rps.is_some());
    whole
        .map(|point| {
            let times = point.histogram.as_deref().map_or_else(|| Ok(Vec::new()), recorded)?;
            let mut bins: Vec<(usize, u64)> = Vec::new();
            for (us, count) in times {
                let bin = bin_of(us);
                match bins.last_mut().filter(|(last, _)| *last == bin) {
                    Some((_, sum)) => *sum += count,
                    None => bins.push((bin, count)),
                }
            }
            let (seconds, requests, failures) = (f64::from(point.seconds), point.requests, point.failures);
            Ok(Step { seconds, requests, failures, bins })
        })
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm of a u64 plus 1, at least 0"
)]
fn bin_of(us: u64) -> usize {
    ((us as f64 + 1.0).ln() / BIN).round() as usize
}

/// The time in ms that stands for a bin.
pub(super) fn ms_of(bin: usize) -> f64 {
    (bin as f64 * BIN).exp() / 1e3
}
