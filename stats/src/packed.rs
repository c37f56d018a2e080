//! Recorded values in few bytes, for what is kept for the whole run: the points of the timeline.
//!
//! A second at full rate has some 1500 different values. As pairs they take 24 KB, here 3 to 4: distances and counts as
//! varints (LEB128), most of them one byte each.

use crate::histogram::{Exact, TimesDelta, percentiles};

/// Recorded values, packed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackedTimes {
    /// For each value in ascending order: its distance from the one before, and how many there are.
    bytes: Box<[u8]>,
    exact: Exact,
}

impl PackedTimes {
    /// Packs.
    pub fn new(times: &TimesDelta) -> Self {
        let mut bytes = Vec::with_capacity(times.pairs.len() * 3);
        let mut before = 0;
        for (value, count) in &times.pairs {
            put(u64::from(value - before), &mut bytes);
            put(*count, &mut bytes);
            before = *value;
        }
        Self { bytes: bytes.into(), exact: times.exact }
    }

    /// The exact figures.
    pub fn exact(&self) -> &Exact {
        &self.exact
    }

    /// As pairs.
    pub fn unpack(&self) -> TimesDelta {
        TimesDelta { pairs: self.pairs().collect(), exact: self.exact }
    }

    /// Adds `other`.
    pub fn merge(&mut self, other: &TimesDelta) {
        if self.exact.count == 0 {
            *self = Self::new(other);
        } else if other.exact.count > 0 {
            let mut all = self.unpack();
            all.merge(other);
            *self = Self::new(&all);
        }
    }

    /// The percentiles in ms, as [`TimesDelta::percentiles_ms`].
    pub fn percentiles_ms(&self, wanted: &[f64]) -> Vec<f64> {
        percentiles(self.pairs().map(|(value, count)| (u64::from(value), count)), &self.exact, wanted)
    }

    fn pairs(&self) -> impl Iterator<Item = (u32, u64)> {
        let (mut rest, mut value) = (&*self.bytes, 0_u32);
        std::iter::from_fn(move || {
            let distance = take(&mut rest)?;
            // Only `new` writes these bytes, from values that fit.
            value = value.saturating_add(u32::try_from(distance).unwrap_or(u32::MAX));
            Some((value, take(&mut rest)?))
        })
    }
}

fn put(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn times(values: &BTreeMap<u32, u64>) -> TimesDelta {
        let pairs: Vec<_> = values.iter().map(|(value, count)| (*value, *count)).collect();
        let count = pairs.iter().map(|(_, count)| count).sum();
        if pairs.is_empty() {
            return TimesDelta::default();
        }
        let ns = |value: Option<&(u32, u64)>| value.map_or(0, |(value, _)| u64::from(*value) * 1000);
        let exact = Exact { count, min_ns: ns(pairs.first()), max_ns: ns(pairs.last()), ..Exact::default() };
        TimesDelta { pairs, exact }
    }

    fn values() -> impl Strategy<Value = BTreeMap<u32, u64>> {
        proptest::collection::btree_map(0..120_000_000_u32, 1..5_000_000_000_u64, 0..60)
    }

    proptest! {
        #[test]
        fn packing_loses_nothing(a in values(), b in values()) {
            let (a, b) = (times(&a), times(&b));
            let mut packed = PackedTimes::new(&a);
            prop_assert_eq!(packed.unpack(), a.clone());
            packed.merge(&b);
            let mut both = a;
            both.merge(&b);
            prop_assert_eq!(packed.unpack(), both.clone());
            let wanted = [50.0, 99.0, 100.0];
            prop_assert_eq!(packed.percentiles_ms(&wanted), both.percentiles_ms(&wanted));
        }
    }

    #[test]
    fn a_busy_second_takes_little() {
        let busy = times(&(20..1520).map(|value| (value, 150)).collect());
        assert!(PackedTimes::new(&busy).bytes.len() < 5000);
    }
}
