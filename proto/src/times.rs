//! Recorded times as packed pairs: values as distances, counts beside them.

use stampede_stats::histogram::{Exact, TimesDelta};

use crate::counts::COUNT_LIMIT;
use crate::{WireError, v1};

/// Most pairs one histogram can have: more than the buckets of the widest one.
const MAX_PAIRS: usize = 32_768;

/// To the wire.
pub fn to_wire(times: &TimesDelta) -> Option<v1::Times> {
    if times.exact.count == 0 {
        return None;
    }
    let mut last = 0;
    let values = times
        .pairs
        .iter()
        .map(|&(value, _)| {
            let distance = value - last;
            last = value;
            distance
        })
        .collect();
    Some(v1::Times {
        values,
        counts: times.pairs.iter().map(|&(_, count)| count).collect(),
        sum_ns: times.exact.sum_ns,
        min_ns: times.exact.min_ns,
        max_ns: times.exact.max_ns,
        saturated: times.exact.saturated,
    })
}

/// From the wire, checked.
///
/// # Errors
/// When values and counts do not match, are out of order or range, or do not fit the exact figures.
pub fn from_wire(times: Option<v1::Times>) -> Result<TimesDelta, WireError> {
    let Some(times) = times else { return Ok(TimesDelta::default()) };
    if times.values.len() != times.counts.len() || times.values.len() > MAX_PAIRS {
        return Err(WireError::invalid("times", "values and counts do not match"));
    }
    let mut pairs = Vec::with_capacity(times.values.len());
    let (mut value, mut count) = (0u32, 0u64);
    for (distance, n) in times.values.into_iter().zip(times.counts) {
        let overflow = || WireError::invalid("times", "beyond all range");
        value = value.checked_add(distance).ok_or_else(overflow)?;
        count = count.checked_add(n).ok_or_else(overflow)?;
        pairs.push((value, n));
    }
    if count >= COUNT_LIMIT {
        return Err(WireError::invalid("times", "beyond all range"));
    }
    let exact = Exact {
        count,
        sum_ns: times.sum_ns,
        min_ns: times.min_ns,
        max_ns: times.max_ns,
        saturated: times.saturated,
    };
    let delta = TimesDelta { pairs, exact };
    if delta.is_consistent() {
        Ok(delta)
    } else {
        Err(WireError::invalid("times", "values out of order or at odds with their sums"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stampede_stats::histogram::{TIMES_DIGITS, Times};

    use super::*;

    #[test]
    fn times_that_cannot_have_been_measured_are_refused() {
        type Spoil = fn(&mut v1::Times);
        let mut times = Times::<u32>::new(TIMES_DIGITS);
        for ns in [3_000_000, 4_000_000, 900_000_000] {
            times.record(ns);
        }
        let good = to_wire(&times.delta()).expect("not empty");
        assert!(from_wire(Some(good.clone())).is_ok());
        let cases: [(&str, Spoil); 9] = [
            ("a sum above what they can sum up to", |w| w.sum_ns = 3 * w.max_ns + 1),
            ("a sum below it", |w| w.sum_ns = 3 * w.min_ns - 1),
            ("a sum without end", |w| w.sum_ns = u64::MAX),
            ("a smallest one that is in no bucket", |w| w.min_ns = 1_000_000),
            ("a largest one that is in no bucket", |w| w.max_ns = 2_000_000_000),
            ("one below the smallest", |w| w.min_ns = 3_500_000),
            ("one above the largest", |w| w.max_ns = 100_000_000),
            ("saturated without a value up there", |w| w.saturated = 1),
            ("none of a value", |w| w.counts[1] = 0),
        ];
        for (name, spoil) in cases {
            let mut wire = good.clone();
            spoil(&mut wire);
            assert!(from_wire(Some(wire)).is_err(), "{name} was accepted");
        }
    }

    proptest! {
        #[test]
        fn what_was_recorded_arrives(values in prop::collection::vec(0u64..200_000_000_000, 0..100),
                                     digits in 1u8..=5, shift in 0u32..38) {
            let mut times = Times::<u32>::new(digits);
            let values: Vec<_> = values.into_iter().map(|value| value >> shift).collect();
            for value in values {
                times.record(value);
            }
            prop_assert_eq!(from_wire(to_wire(&times.delta())), Ok(times.delta()));
        }

        #[test]
        fn rubbish_is_refused_or_consistent(values in prop::collection::vec(any::<u32>(), 0..8),
                                            counts in prop::collection::vec(any::<u64>(), 0..8), sum in any::<u64>()) {
            let wire = v1::Times { values, counts, sum_ns: sum, min_ns: 1, max_ns: 2, saturated: 0 };
            if let Ok(delta) = from_wire(Some(wire)) {
                prop_assert!(delta.is_consistent());
            }
        }
    }
}
