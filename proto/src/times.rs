//! Recorded times as packed pairs: values as distances, counts beside them, both as varints one after the other.
//!
//! This is most of what a coordinator reads, so it is read by hand: once, from the message's own bytes, checked on the way.

use stampede_stats::histogram::{Exact, HIGHEST_US, TimesDelta};

use crate::counts::COUNT_LIMIT;
use crate::{WireError, v1};

/// Most pairs one histogram can have: more than the buckets of the widest one.
const MAX_PAIRS: usize = 32_768;

/// To the wire.
pub fn to_wire(times: &TimesDelta) -> Option<v1::Times> {
    if times.exact.count == 0 {
        return None;
    }
    let mut values = Vec::with_capacity(times.pairs.len() * 2);
    let mut counts = Vec::with_capacity(times.pairs.len());
    let mut last = 0;
    for &(value, count) in &times.pairs {
        put(u64::from(value - last), &mut values);
        put(count, &mut counts);
        last = value;
    }
    Some(v1::Times {
        values: values.into(),
        counts: counts.into(),
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
    let many = how_many(&times.values)?;
    if how_many(&times.counts)? != many || many > MAX_PAIRS {
        return Err(WireError::invalid("times", "values and counts do not match"));
    }
    let out_of_order = || WireError::invalid("times", "values out of order or at odds with their sums");
    let mut pairs = Vec::with_capacity(many);
    let (mut values, mut counts) = (&*times.values, &*times.counts);
    // Nearly all counts are 1.
    let short = counts.len() == many;
    let (mut value, mut count, mut in_order) = (0_u64, 0_u64, true);
    pairs.extend((0..many).map(|index| {
        // What is no number is one beyond all range.
        let distance = take(&mut values).unwrap_or(u64::MAX);
        let n = if short { u64::from(counts[index]) } else { take(&mut counts).unwrap_or(u64::MAX) };
        in_order &= n > 0 && (distance > 0 || index == 0);
        value = value.saturating_add(distance);
        count = count.saturating_add(n);
        (u32::try_from(value).unwrap_or(u32::MAX), n)
    }));
    if count >= COUNT_LIMIT || value > HIGHEST_US {
        return Err(WireError::invalid("times", "beyond all range"));
    }
    if !in_order {
        return Err(out_of_order());
    }
    let exact = Exact {
        count,
        sum_ns: times.sum_ns,
        min_ns: times.min_ns,
        max_ns: times.max_ns,
        saturated: times.saturated,
    };
    let delta = TimesDelta { pairs, exact };
    if delta.exact_is_theirs() { Ok(delta) } else { Err(out_of_order()) }
}

/// How many varints `bytes` are.
fn how_many(bytes: &[u8]) -> Result<usize, WireError> {
    if bytes.last().is_some_and(|last| last & 0x80 != 0) {
        return Err(WireError::invalid("times", "it ends within a number"));
    }
    Ok(bytes.iter().filter(|byte| **byte & 0x80 == 0).count())
}

fn put(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

/// The next varint; `None` when there is none or it is longer than a number can be.
///
/// Distances take one byte or two, in no order that a processor could foresee: what both have in common is done without asking
/// which it is.
#[inline]
fn take(rest: &mut &[u8]) -> Option<u64> {
    if let [first, second, ..] = **rest
        && first & second & 0x80 == 0
    {
        let is_two = first >> 7;
        *rest = &rest[1 + usize::from(is_two)..];
        let low = u64::from(first & 0x7f);
        return Some(low | ((u64::from(second) << 7) * u64::from(is_two)));
    }
    take_any(rest)
}

fn take_any(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    // Nine bytes hold 63 bits, and counts end long before.
    for shift in (0..63).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
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
        let cases: [(&str, Spoil); 13] = [
            ("a sum above what they can sum up to", |w| w.sum_ns = 3 * w.max_ns + 1),
            ("a sum below it", |w| w.sum_ns = 3 * w.min_ns - 1),
            ("a sum without end", |w| w.sum_ns = u64::MAX),
            ("a smallest one that is in no bucket", |w| w.min_ns = 1_000_000),
            ("a largest one that is in no bucket", |w| w.max_ns = 2_000_000_000),
            ("one below the smallest", |w| w.min_ns = 3_500_000),
            ("one above the largest", |w| w.max_ns = 100_000_000),
            ("saturated without a value up there", |w| w.saturated = 1),
            ("none of a value", |w| w.counts = vec![1, 0, 1].into()),
            ("a value twice", |w| w.values = vec![1, 0, 1].into()),
            ("more values than counts", |w| w.counts = vec![1, 1].into()),
            ("an end within a number", |w| w.counts = vec![1, 1, 1, 0x80].into()),
            ("a number longer than there are", |w| {
                w.counts = [&[1, 1][..], &[0xff; 11], &[1]].concat().into();
            }),
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
        fn numbers_are_written_as_packed_fields_are(numbers in prop::collection::vec((any::<u64>(), 1u32..64), 0..50)) {
            let numbers: Vec<_> = numbers.into_iter().map(|(number, shift)| number >> shift).collect();
            let (mut bytes, mut packed) = (Vec::new(), Vec::new());
            for number in &numbers {
                put(*number, &mut bytes);
                prost::encoding::encode_varint(*number, &mut packed);
            }
            prop_assert_eq!(&bytes, &packed);
            prop_assert_eq!(how_many(&bytes), Ok(numbers.len()));
            let mut rest = &*bytes;
            prop_assert_eq!(std::iter::from_fn(|| take(&mut rest)).collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn rubbish_is_refused_or_consistent(values in prop::collection::vec(any::<u8>(), 0..12),
                                            counts in prop::collection::vec(any::<u8>(), 0..12), sum in any::<u64>()) {
            let (values, counts) = (values.into(), counts.into());
            let wire = v1::Times { values, counts, sum_ns: sum, min_ns: 1, max_ns: 2, saturated: 0 };
            if let Ok(delta) = from_wire(Some(wire)) {
                prop_assert!(delta.is_consistent());
            }
        }
    }
}
