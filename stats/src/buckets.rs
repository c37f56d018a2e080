//! The counters of a histogram, in the buckets of HdrHistogram: what is recorded and merged millions of times a second.
//!
//! The layout is hdrhistogram's own for values from 1 to [`HIGHEST_US`], and a test holds it to that crate bucket by bucket.
//! What it leaves out makes it several times cheaper: sums, extremes and overflow checks with each value. [`Times`] keeps those
//! exactly and once for each batch.
//!
//! [`Times`]: crate::histogram::Times

use hdrhistogram::Counter;

use crate::histogram::HIGHEST_US;

/// The largest value that has a bucket.
const HIGHEST: u32 = 120_000_000;

const _: () = assert!(HIGHEST as u64 == HIGHEST_US);

/// Counters by bucket.
#[derive(Debug, Clone)]
pub(crate) struct Buckets<C> {
    layout: Layout,
    counters: Vec<C>,
    /// Where something may be other than zero: from the first to before the second.
    used: (usize, usize),
}

/// Which values share a bucket. Up to `2 << half` each has its own; from there on a bucket is twice as wide with each doubling of
/// the value, `1 << half` of them for each doubling.
#[derive(Debug, Clone, Copy)]
struct Layout {
    half: u32,
}

impl Layout {
    /// So many significant decimal digits, 1 to 5: up to 2 × 10^digits every value is told apart.
    fn new(digits: u8) -> Self {
        let apart = 2 * 10_u32.pow(u32::from(digits.clamp(1, 5)));
        Self { half: apart.next_power_of_two().trailing_zeros() - 1 }
    }

    /// The bucket of `value`, which is at most [`HIGHEST`].
    #[inline]
    fn index(self, value: u32) -> usize {
        let apart: u32 = (2 << self.half) - 1;
        let width = apart.leading_zeros() - (value | apart).leading_zeros();
        ((width << self.half) + (value >> width)) as usize
    }

    /// The largest value of a bucket.
    fn highest(self, index: usize) -> u32 {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let width = (index >> self.half).saturating_sub(1);
        let lowest = (index - (width << self.half)) << width;
        lowest + ((1 << width) - 1)
    }
}

impl<C: Counter> Buckets<C> {
    /// None counted; `digits` significant decimal digits (1 to 5).
    pub(crate) fn new(digits: u8) -> Self {
        let layout = Layout::new(digits);
        let counters = vec![C::zero(); layout.index(HIGHEST) + 1];
        let used = (counters.len(), 0);
        Self { layout, counters, used }
    }

    /// Counts one `value`; above [`HIGHEST_US`] it counts as that.
    #[inline]
    pub(crate) fn record(&mut self, value: u64) {
        let value = u32::try_from(value).unwrap_or(HIGHEST).min(HIGHEST);
        let index = self.layout.index(value);
        self.use_up_to(index, index);
        if let Some(counter) = self.counters.get_mut(index) {
            *counter = counter.saturating_add(C::one());
        }
    }

    #[inline]
    fn use_up_to(&mut self, first: usize, last: usize) {
        self.used = (self.used.0.min(first), self.used.1.max(last + 1));
    }

    /// The buckets with something in them: their largest value, which is at most [`HIGHEST_US`], and how many.
    pub(crate) fn recorded(&self) -> impl Iterator<Item = (u32, u64)> {
        let (from, to) = self.used;
        let used = self.counters.get(from..to).unwrap_or_default();
        let counted = (from..).zip(used).filter(|(_, count)| **count != C::zero());
        // The top bucket reaches beyond the range; its own lower end is inside.
        counted.map(|(index, count)| (self.layout.highest(index).min(HIGHEST), count.as_u64()))
    }

    /// Forgets everything but keeps the memory.
    pub(crate) fn clear(&mut self) {
        let (from, to) = self.used;
        if let Some(used) = self.counters.get_mut(from..to) {
            used.fill(C::zero());
        }
        self.used = (self.counters.len(), 0);
    }
}

impl Buckets<u64> {
    /// Adds (value, count) pairs. They are ascending: the first and the last say how far they reach.
    pub(crate) fn add_pairs(&mut self, pairs: &[(u32, u64)]) {
        let (Some((first, _)), Some((last, _))) = (pairs.first(), pairs.last()) else { return };
        let (first, last) = (*first.min(&HIGHEST), *last.min(&HIGHEST));
        let layout = self.layout;
        self.use_up_to(layout.index(first), layout.index(last));
        for (value, count) in pairs {
            if let Some(counter) = self.counters.get_mut(layout.index((*value).min(HIGHEST))) {
                *counter = counter.saturating_add(*count);
            }
        }
    }

    /// Adds what `other` counted, which has as many digits.
    pub(crate) fn add(&mut self, other: &Self) {
        let (from, to) = other.used;
        if from < to {
            self.use_up_to(from, to - 1);
        }
        let mine = self.counters.get_mut(from..to).unwrap_or_default();
        let theirs = other.counters.get(from..to).unwrap_or_default();
        for (sum, count) in mine.iter_mut().zip(theirs) {
            *sum = sum.saturating_add(*count);
        }
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    use super::*;

    fn oracle(digits: u8) -> Histogram<u64> {
        Histogram::new_with_bounds(1, HIGHEST_US, digits).expect("sound bounds")
    }

    fn recorded(oracle: &Histogram<u64>) -> Vec<(u32, u64)> {
        let buckets = oracle.iter_recorded();
        buckets
            .map(|bucket| {
                let value = bucket.value_iterated_to().min(HIGHEST_US);
                (u32::try_from(value).expect("in range"), bucket.count_at_value())
            })
            .collect()
    }

    #[test]
    fn the_ends_of_every_bucket_are_those_of_hdrhistogram() {
        for digits in 1..=5 {
            let (oracle, layout) = (oracle(digits), Layout::new(digits));
            let mut value = 0;
            for index in 0.. {
                assert_eq!(layout.index(value), index, "{value} with {digits} digits");
                assert_eq!(u64::from(layout.highest(index)), oracle.highest_equivalent(value.into()));
                value = layout.highest(index) + 1;
                if value > HIGHEST {
                    break;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_recorded_and_merged_lies_where_hdrhistogram_has_it(
            values in prop::collection::vec((0u64..200_000_000, 0u32..28), 0..200), digits in 1u8..=5) {
            let values: Vec<_> = values.into_iter().map(|(value, shift)| value >> shift).collect();
            let (mut buckets, mut oracle) = (Buckets::<u64>::new(digits), oracle(digits));
            for value in &values {
                buckets.record(*value);
                oracle.saturating_record((*value).min(HIGHEST_US));
            }
            let pairs = recorded(&oracle);
            prop_assert_eq!(buckets.recorded().collect::<Vec<_>>(), pairs.clone());

            let (mut from_pairs, mut sum) = (Buckets::<u64>::new(digits), Buckets::<u64>::new(digits));
            from_pairs.add_pairs(&pairs);
            sum.add(&from_pairs);
            prop_assert_eq!(sum.recorded().collect::<Vec<_>>(), pairs);
            sum.clear();
            prop_assert_eq!(sum.recorded().count(), 0);
        }
    }
}
