//! Times of one kind: a histogram in microseconds with the exact sum, minimum and maximum beside it.
//!
//! [`Times`] records and merges; [`TimesDelta`] is the same as recorded (value, count) pairs, which is what travels: merging
//! pairs costs a hundredth of decoding a whole histogram, and a message cannot claim more than it carries.

use hdrhistogram::{Counter, Histogram};

use crate::buckets::Buckets;

/// Largest time that is told apart, in microseconds: 120 s. Longer ones are recorded as this and counted as saturated.
pub const HIGHEST_US: u64 = 120_000_000;

/// Significant decimal digits of response and service times.
pub const TIMES_DIGITS: u8 = 3;

/// Significant decimal digits of phases (first byte, connecting), of which there are many.
pub const PHASE_DIGITS: u8 = 2;

/// A histogram that costs nothing until its first sample.
#[derive(Debug, Clone)]
pub struct Times<C: Counter> {
    digits: u8,
    buckets: Option<Buckets<C>>,
    exact: Exact,
}

/// What is known exactly beside the histogram. Nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact {
    /// Values recorded.
    pub count: u64,
    /// Their sum in ns.
    pub sum_ns: u64,
    /// The smallest in ns; `u64::MAX` without values.
    pub min_ns: u64,
    /// The largest in ns; 0 without values.
    pub max_ns: u64,
    /// Values above [`HIGHEST_US`].
    pub saturated: u64,
}

impl Default for Exact {
    fn default() -> Self {
        Self { count: 0, sum_ns: 0, min_ns: u64::MAX, max_ns: 0, saturated: 0 }
    }
}

impl Exact {
    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.saturated = self.saturated.saturating_add(other.saturated);
    }
}

impl<C: Counter> Times<C> {
    /// Nothing recorded yet; `digits` significant digits (1 to 5).
    pub const fn new(digits: u8) -> Self {
        let exact = Exact { count: 0, sum_ns: 0, min_ns: u64::MAX, max_ns: 0, saturated: 0 };
        Self { digits, buckets: None, exact }
    }

    #[inline]
    fn buckets(&mut self) -> &mut Buckets<C> {
        let digits = self.digits;
        self.buckets.get_or_insert_with(|| Buckets::new(digits))
    }

    /// Records one value in nanoseconds.
    pub fn record(&mut self, ns: u64) {
        let us = ns / 1000;
        self.exact.count += 1;
        self.exact.sum_ns = self.exact.sum_ns.saturating_add(ns);
        self.exact.min_ns = self.exact.min_ns.min(ns);
        self.exact.max_ns = self.exact.max_ns.max(ns);
        self.exact.saturated += u64::from(us > HIGHEST_US);
        self.buckets().record(us);
    }

    /// What was recorded, as pairs.
    pub fn delta(&self) -> TimesDelta {
        let pairs = self.buckets.as_ref().map_or_else(Vec::new, |buckets| buckets.recorded().collect());
        TimesDelta { pairs, exact: self.exact }
    }

    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        if self.exact.count > 0
            && let Some(buckets) = &mut self.buckets
        {
            buckets.clear();
        }
        self.exact = Exact::default();
    }

    /// Values recorded.
    pub fn count(&self) -> u64 {
        self.exact.count
    }

    /// The exact figures beside the histogram.
    pub fn exact(&self) -> Exact {
        self.exact
    }

    /// (microseconds, how many), ascending, to histogram resolution.
    pub fn recorded(&self) -> impl Iterator<Item = (u32, u64)> {
        self.buckets.iter().flat_map(Buckets::recorded)
    }

    /// The mean in ms; `None` without values.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.exact.count > 0).then(|| self.exact.sum_ns as f64 / self.exact.count as f64 / 1e6)
    }

    /// The smallest value in ms, exact.
    pub fn min_ms(&self) -> Option<f64> {
        (self.exact.count > 0).then(|| self.exact.min_ns as f64 / 1e6)
    }

    /// The largest value in ms, exact.
    pub fn max_ms(&self) -> Option<f64> {
        (self.exact.count > 0).then(|| self.exact.max_ns as f64 / 1e6)
    }

    /// The percentiles in ms, for `wanted` in ascending order (0 to 100), in one pass.
    ///
    /// Percentile p of n values is the smallest recorded value with at least p % of the values at or below it, to histogram
    /// resolution, and never outside the exact minimum and maximum. Empty without values.
    pub fn percentiles_ms(&self, wanted: &[f64]) -> Vec<f64> {
        let Some(buckets) = &self.buckets else { return Vec::new() };
        percentiles(buckets.recorded().map(|(value, count)| (u64::from(value), count)), &self.exact, wanted)
    }

    /// The sample standard deviation in ms, as [`TimesDelta::stdev_ms`].
    pub fn stdev_ms(&self) -> Option<f64> {
        self.delta().stdev_ms()
    }

    /// One percentile in ms.
    pub fn percentile_ms(&self, wanted: f64) -> Option<f64> {
        self.percentiles_ms(&[wanted]).first().copied()
    }

    /// As the histogram of the hdrhistogram crate, for encodings that other programs read. `None` without values.
    pub fn to_hdr(&self) -> Option<Histogram<u64>> {
        let buckets = self.buckets.as_ref().filter(|_| self.exact.count > 0)?;
        // It fails only for bounds and digits out of range, and these are constants of this crate.
        let mut histogram = Histogram::new_with_bounds(1, HIGHEST_US, self.digits.clamp(1, 5)).ok()?;
        for (value, count) in buckets.recorded() {
            histogram.saturating_record_n(value.into(), count);
        }
        Some(histogram)
    }
}

impl Times<u64> {
    /// Adds what `delta` recorded, bucket for bucket.
    pub fn merge(&mut self, delta: &TimesDelta) {
        self.exact.add(&delta.exact);
        if !delta.pairs.is_empty() {
            self.buckets().add_pairs(&delta.pairs);
        }
    }

    /// Adds `other`, bucket for bucket. Both have the same digits.
    pub fn add(&mut self, other: &Self) {
        self.exact.add(&other.exact);
        if let Some(theirs) = &other.buckets {
            self.buckets().add(theirs);
        }
    }
}

/// Recorded values as pairs in ascending order, with the exact figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimesDelta {
    /// (microseconds, how many), ascending, each value once.
    pub pairs: Vec<(u32, u64)>,
    /// Exact figures.
    pub exact: Exact,
}

impl TimesDelta {
    /// Adds `other`, pair by pair.
    pub fn merge(&mut self, other: &Self) {
        self.exact.add(&other.exact);
        if other.pairs.is_empty() {
            return;
        }
        if self.pairs.is_empty() {
            self.pairs.clone_from(&other.pairs);
            return;
        }
        let mut merged = Vec::with_capacity(self.pairs.len() + other.pairs.len());
        let (mut a, mut b) = (self.pairs.iter().peekable(), other.pairs.iter().peekable());
        while let (Some(&&(va, ca)), Some(&&(vb, cb))) = (a.peek(), b.peek()) {
            match va.cmp(&vb) {
                std::cmp::Ordering::Less => merged.extend(a.next().copied()),
                std::cmp::Ordering::Greater => merged.extend(b.next().copied()),
                std::cmp::Ordering::Equal => {
                    merged.push((va, ca.saturating_add(cb)));
                    a.next();
                    b.next();
                }
            }
        }
        merged.extend(a.copied());
        merged.extend(b.copied());
        self.pairs = merged;
    }

    /// The percentiles in ms, as [`Times::percentiles_ms`].
    pub fn percentiles_ms(&self, wanted: &[f64]) -> Vec<f64> {
        percentiles(self.pairs.iter().map(|&(v, c)| (u64::from(v), c)), &self.exact, wanted)
    }

    /// The sample standard deviation in ms (divisor n - 1), to histogram resolution; 0 for one value, `None` without values.
    pub fn stdev_ms(&self) -> Option<f64> {
        stdev_ms(self.pairs.iter().copied())
    }

    /// Whether the pairs are in order, within range and as many as the exact count says, and whether sum, smallest and largest
    /// can be theirs.
    pub fn is_consistent(&self) -> bool {
        let ordered = self.pairs.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let in_range = self.pairs.iter().all(|&(v, c)| u64::from(v) <= HIGHEST_US && c > 0);
        let sum = self.pairs.iter().try_fold(0u64, |sum, &(_, c)| sum.checked_add(c));
        ordered && in_range && sum == Some(self.exact.count) && self.exact_is_theirs()
    }

    /// Whether sum, smallest and largest can be those of these pairs, which are in order and as many as the exact count says.
    pub fn exact_is_theirs(&self) -> bool {
        let exact = &self.exact;
        let (Some(&(first, _)), Some(&(last, in_last))) = (self.pairs.first(), self.pairs.last()) else {
            return *exact == Exact::default();
        };
        let most = u128::from(exact.max_ns) * u128::from(exact.count);
        let fewest = u128::from(exact.min_ns) * u128::from(exact.count);
        // A sum that is at its end is none any more; no worker measures for centuries.
        let sum_fits = (fewest..=most).contains(&u128::from(exact.sum_ns)) && exact.sum_ns < u64::MAX;
        let above = if u64::from(last) == HIGHEST_US { in_last } else { 0 };
        sum_fits
            && exact.min_ns <= exact.max_ns
            && is_bucket_of(first, exact.min_ns)
            && is_bucket_of(last, exact.max_ns)
            && exact.saturated <= above
    }
}

/// Whether `ns` may have been recorded as `us`. A bucket is named by its upper end, and is at most an eighth of its values wide
/// with one digit, a thousandth with three.
fn is_bucket_of(us: u32, ns: u64) -> bool {
    let (us, value) = (u64::from(us), (ns / 1000).min(HIGHEST_US));
    value <= us && us - value <= value / 8 + 1
}

pub(crate) fn percentiles(
    recorded: impl Iterator<Item = (u64, u64)>,
    exact: &Exact,
    wanted: &[f64],
) -> Vec<f64> {
    if exact.count == 0 {
        return Vec::new();
    }
    let mut found = Vec::with_capacity(wanted.len());
    let mut seen = 0;
    let mut wanted = wanted.iter().map(|p| rank(*p, exact.count)).peekable();
    for (us, count) in recorded {
        seen = u64::saturating_add(seen, count);
        while wanted.next_if(|rank| *rank <= seen).is_some() {
            // In the top bucket lies everything beyond the range.
            let ns = if us >= HIGHEST_US { exact.max_ns } else { us.saturating_mul(1000) };
            found.push(ns.clamp(exact.min_ns, exact.max_ns) as f64 / 1e6);
        }
    }
    found.extend(wanted.map(|_| exact.max_ns as f64 / 1e6));
    found
}

/// In two passes: sums of squares of times that differ little would cancel. The mean is that of the buckets, not the exact one,
/// so that naming each bucket by its upper end moves nothing.
fn stdev_ms(recorded: impl Iterator<Item = (u32, u64)> + Clone) -> Option<f64> {
    let count = recorded.clone().map(|(_, count)| count as f64).sum::<f64>();
    let mean = recorded.clone().map(|(us, count)| f64::from(us) * count as f64).sum::<f64>() / count;
    let squares = recorded.map(|(us, count)| (f64::from(us) - mean).powi(2) * count as f64).sum::<f64>();
    (count > 0.0).then(|| (squares / (count - 1.0).max(1.0)).sqrt() / 1e3)
}

/// How many values must lie at or below percentile `p` of `count` values: ⌈p·count/100⌉, at least one.
fn rank(p: f64, count: u64) -> u64 {
    // Percentiles are given with at most six decimals; whole numbers keep 99.9 % of 1000 at 999.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=10^8")]
    let millionths = (p.clamp(0.0, 100.0) * 1e6).round() as u128;
    let rank = (millionths * u128::from(count)).div_ceil(100_000_000);
    u64::try_from(rank).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recorded(values: &[u64]) -> Times<u32> {
        let mut times = Times::new(TIMES_DIGITS);
        for us in values {
            times.record(us * 1000);
        }
        times
    }

    #[test]
    fn percentile_is_the_smallest_value_with_that_share_at_or_below() {
        let times = recorded(&(1..=1000).collect::<Vec<_>>());
        let shown = times.percentiles_ms(&[0.0, 50.0, 99.0, 99.9, 100.0]);
        assert_eq!(shown, [0.001, 0.5, 0.99, 0.999, 1.0]);
        assert_eq!(recorded(&[7, 9]).percentile_ms(50.0), Some(0.007));
        assert!(Times::<u32>::new(3).percentiles_ms(&[50.0]).is_empty());
    }

    #[test]
    fn values_above_the_range_saturate_and_are_counted() {
        let mut times = recorded(&[5]);
        times.record(HIGHEST_US * 1000 + 7_000_000);
        assert_eq!(times.exact().saturated, 1);
        assert_eq!(times.percentile_ms(100.0), Some(120_007.0));
        assert!(times.delta().is_consistent());
    }

    #[test]
    fn percentiles_never_leave_the_exact_extremes() {
        let mut times = Times::<u32>::new(TIMES_DIGITS);
        times.record(521_538);
        times.record(521_900);
        let shown = times.percentiles_ms(&[0.0, 50.0, 100.0]);
        assert!(shown.iter().all(|ms| (0.521_538..=0.521_9).contains(ms)), "{shown:?}");
    }

    #[test]
    fn the_standard_deviation_is_that_of_the_sample() {
        // Of 2 4 4 4 5 5 7 9 the squared deviations sum up to 32.
        let values = [2, 4, 4, 4, 5, 5, 7, 9].map(|ms| ms * 1000);
        let shown = recorded(&values).stdev_ms().expect("has values");
        assert!((shown - (32.0_f64 / 7.0).sqrt()).abs() < 0.01, "{shown}");
        assert_eq!(recorded(&values).delta().stdev_ms(), Some(shown));
        assert_eq!(recorded(&[7]).stdev_ms(), Some(0.0));
        assert_eq!(Times::<u32>::new(3).stdev_ms(), None);
    }

    #[test]
    fn clearing_keeps_nothing() {
        let mut times = recorded(&[1, 2, 3]);
        times.clear();
        assert_eq!(times.delta(), TimesDelta::default());
        times.record(4000);
        assert_eq!(times.percentile_ms(50.0), Some(0.004));
    }

    fn pairs_of(values: &[u64]) -> TimesDelta {
        recorded(values).delta()
    }

    proptest! {
        #[test]
        fn merging_deltas_is_recording_everything(a in prop::collection::vec(0u64..200_000_000, 0..200),
                                                  b in prop::collection::vec(0u64..200_000_000, 0..200)) {
            let mut all = a.clone();
            all.extend(&b);
            let mut merged = pairs_of(&a);
            merged.merge(&pairs_of(&b));
            prop_assert_eq!(&merged, &pairs_of(&all));
            prop_assert!(merged.is_consistent());

            let mut total = Times::<u64>::new(TIMES_DIGITS);
            total.merge(&pairs_of(&a));
            total.merge(&pairs_of(&b));
            prop_assert_eq!(total.delta(), merged);
        }

        #[test]
        fn percentiles_stay_within_three_digits_of_the_sorted_values(
            mut values in prop::collection::vec(1u64..100_000_000, 1..300), p in 0.0f64..100.0) {
            let times = recorded(&values);
            values.sort_unstable();
            let rank = usize::try_from(rank(p, values.len() as u64)).expect("small");
            let exact = values[rank - 1] as f64 / 1e3;
            let shown = times.percentile_ms(p).expect("has values");
            prop_assert!((shown - exact).abs() <= exact * 0.001 + 1e-9, "{} is not {}", shown, exact);
        }
    }
}
