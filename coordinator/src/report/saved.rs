//! Histograms of a saved run, read back from their base64.
//!
//! The file may come from anybody: what its histogram claims to need is looked at before anything is made for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use stampede_stats::histogram::{Exact, HIGHEST_US, TimesDelta};

use super::times::TimesReport;

/// Bytes before the counts of a histogram in V2: cookie, length, normalisation, digits, lowest, highest, ratio.
const HEADER: usize = 40;

/// Why a histogram of a saved run is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// It is no base64.
    #[error("it is no base64")]
    NotBase64,
    /// Its range or its digits are others than this program writes.
    #[error("its range or its digits are not those that Stampede writes")]
    OtherBounds,
    /// Its counts cannot be read.
    #[error("its counts cannot be read")]
    Malformed,
}

/// The histogram, in microseconds.
pub(super) fn histogram(encoded: &str) -> Result<Histogram<u64>, HistogramError> {
    let bytes = STANDARD.decode(encoded).map_err(|_| HistogramError::NotBase64)?;
    let header = bytes.get(..HEADER).ok_or(HistogramError::Malformed)?;
    let word = |at: usize| header[at..at + 8].iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    let digits = word(8) & 0xffff_ffff;
    if word(24) > HIGHEST_US || !(1..=3).contains(&digits) {
        return Err(HistogramError::OtherBounds);
    }
    Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|_| HistogramError::Malformed)
}

/// The recorded values in microseconds and how often each was, ascending.
pub fn recorded(encoded: &str) -> Result<Vec<(u64, u64)>, HistogramError> {
    let histogram = histogram(encoded)?;
    Ok(histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect())
}

/// Times as they were recorded, as near as the file has them: its mean has six digits.
pub fn recorded_times(times: &TimesReport) -> Result<TimesDelta, HistogramError> {
    if times.count == 0 {
        return Ok(TimesDelta::default());
    }
    let pairs = recorded(times.histogram.as_deref().ok_or(HistogramError::Malformed)?)?;
    let pairs: Vec<_> =
        pairs.into_iter().map(|(us, count)| (u32::try_from(us).unwrap_or(u32::MAX), count)).collect();
    let count = pairs.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
    let (Some(avg), Some(min), Some(max)) = (times.avg_ms, times.min_ms, times.max_ms) else {
        return Err(HistogramError::Malformed);
    };
    let (sum_ns, min_ns, max_ns) = (ns(avg * count as f64), ns(min), ns(max.max(min)));
    Ok(TimesDelta { pairs, exact: Exact { count, sum_ns, min_ns, max_ns, saturated: 0 } })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is out of range becomes the end of it"
)]
fn ns(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::{Serializer, V2Serializer};
    use proptest::prelude::*;

    use super::*;

    fn encoded(highest: u64, digits: u8, values: &[u64]) -> Vec<u8> {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, highest, digits).expect("bounds");
        for value in values {
            histogram.record(*value).expect("within bounds");
        }
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&histogram, &mut bytes).expect("into memory");
        bytes
    }

    #[test]
    fn what_was_recorded_comes_back() {
        let bytes = encoded(HIGHEST_US, 3, &[1, 1, 900, 70_000]);
        assert_eq!(recorded(&STANDARD.encode(bytes)), Ok(vec![(1, 2), (900, 1), (70_015, 1)]));
    }

    #[test]
    fn what_claims_too_much_is_refused_before_it_is_made() {
        let wide = encoded(u64::MAX / 4, 5, &[7]);
        assert_eq!(recorded(&STANDARD.encode(wide)), Err(HistogramError::OtherBounds));
        assert_eq!(recorded("HIST"), Err(HistogramError::Malformed));
        assert_eq!(recorded("%"), Err(HistogramError::NotBase64));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), keep in any::<bool>()) {
            if keep {
                let head = encoded(HIGHEST_US, 3, &[5]);
                let from = head.len().min(bytes.len()).min(HEADER);
                bytes[..from].copy_from_slice(&head[..from]);
            }
            let _ = recorded(&STANDARD.encode(bytes));
        }
    }
}
