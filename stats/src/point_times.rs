//! The recorded times of one point of the course: a histogram while much is added to it, packed for the rest of the run.
//!
//! A thousand workers with fifty endpoints each add to the newest points fifty thousand times a second. Into a histogram that
//! costs a few ns a value; unpacking and packing each time would take more than a core.

use crate::histogram::{Exact, TIMES_DIGITS, Times, TimesDelta};
use crate::packed::PackedTimes;

/// Times of a point.
#[derive(Debug, Clone, Default)]
pub struct PointTimes {
    packed: PackedTimes,
    /// Everything, while it is open; `packed` is then empty.
    open: Option<Box<Times<u64>>>,
}

impl PointTimes {
    /// Adds `other`; opens it.
    pub fn merge(&mut self, other: &TimesDelta) {
        if other.exact.count == 0 {
            return;
        }
        let packed = &mut self.packed;
        let open = self.open.get_or_insert_with(|| {
            let mut open = Box::new(Times::new(TIMES_DIGITS));
            open.merge(&std::mem::take(packed).unpack());
            open
        });
        open.merge(other);
    }

    /// Packs what was added. It can be added to later.
    pub fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.packed = PackedTimes::new(&open.delta());
        }
    }

    /// The exact figures.
    pub fn exact(&self) -> Exact {
        self.open.as_ref().map_or(*self.packed.exact(), |open| open.exact())
    }

    /// As pairs.
    pub fn unpack(&self) -> TimesDelta {
        self.open.as_ref().map_or_else(|| self.packed.unpack(), |open| open.delta())
    }

    /// The percentiles in ms, as [`Times::percentiles_ms`].
    pub fn percentiles_ms(&self, wanted: &[f64]) -> Vec<f64> {
        match &self.open {
            Some(open) => open.percentiles_ms(wanted),
            None => self.packed.percentiles_ms(wanted),
        }
    }
}

impl PartialEq for PointTimes {
    fn eq(&self, other: &Self) -> bool {
        self.unpack() == other.unpack()
    }
}

impl Eq for PointTimes {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times(values: &[u64]) -> TimesDelta {
        let mut times = Times::<u32>::new(TIMES_DIGITS);
        for value in values {
            times.record(*value);
        }
        times.delta()
    }

    proptest! {
        #[test]
        fn open_or_packed_it_is_the_same(
            parts in prop::collection::vec(prop::collection::vec(0u64..130_000_000_000, 0..20), 0..6),
            closed_after in 0usize..6,
        ) {
            let (mut point, mut all) = (PointTimes::default(), TimesDelta::default());
            for (index, values) in parts.iter().enumerate() {
                point.merge(&times(values));
                all.merge(&times(values));
                if index == closed_after {
                    point.close();
                }
                let wanted = [50.0, 99.0, 100.0];
                prop_assert_eq!(point.percentiles_ms(&wanted), all.percentiles_ms(&wanted));
                prop_assert_eq!((point.unpack(), point.exact()), (all.clone(), all.exact));
            }
        }
    }
}
