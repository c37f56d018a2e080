//! Joins the intervals of a worker's load threads: a second goes out when every thread has closed it.

use std::collections::BTreeMap;

use crate::interval::Interval;
use crate::snapshot::Snapshot;

/// Collects closed intervals of `threads` load threads into snapshots of a second, or of its two sides of the stop instant.
#[derive(Debug)]
pub struct Collector {
    /// For each thread the first second that it has not closed yet.
    through: Vec<u32>,
    /// What some thread has closed, by second and side of the stop instant.
    open: BTreeMap<(u32, bool), Snapshot>,
    /// The first second that did not go out whole yet.
    next: u32,
}

impl Collector {
    /// For `threads` load threads, from second 0.
    pub fn new(threads: usize) -> Self {
        Self { through: vec![0; threads], open: BTreeMap::new(), next: 0 }
    }

    /// Takes what `thread` closed. Intervals of one thread come in order, each second whole.
    pub fn add(&mut self, thread: usize, interval: &Interval) {
        let snapshot = self.open.entry((interval.from_s, interval.draining)).or_insert_with(|| Snapshot {
            from_s: interval.from_s,
            to_s: interval.to_s,
            draining: interval.draining,
            ..Snapshot::default()
        });
        snapshot.add_interval(interval);
        snapshot.add_gauges(&interval.gauges);
        if !interval.partial {
            self.through[thread] = self.through[thread].max(interval.to_s);
        }
    }

    /// The next snapshot that every thread has closed, in order, empty ones too.
    pub fn next_complete(&mut self) -> Option<Snapshot> {
        let complete = self.through.iter().copied().min()?;
        if self.next >= complete {
            return None;
        }
        let first = self.open.first_entry()?.remove();
        let more = self.open.keys().next().is_some_and(|(second, _)| *second == first.from_s);
        self.next = if more { first.from_s } else { first.to_s };
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Gauges;

    fn interval(from_s: u32, in_flight: u64) -> Interval {
        let gauges = Gauges { in_flight, users: vec![1], ..Gauges::default() };
        Interval { gauges, ..Interval::new(from_s, from_s + 1) }
    }

    #[test]
    fn a_second_waits_for_every_thread() {
        let mut collector = Collector::new(2);
        collector.add(0, &interval(0, 2));
        assert!(collector.next_complete().is_none());
        collector.add(0, &interval(1, 2));
        collector.add(1, &interval(0, 3));
        let second = collector.next_complete().expect("both closed it");
        assert_eq!((second.from_s, second.gauges.in_flight, second.gauges.users), (0, 5, vec![2]));
        assert!(collector.next_complete().is_none());
    }

    #[test]
    fn both_sides_of_the_stop_instant_come_out_in_order() {
        let mut collector = Collector::new(2);
        for thread in 0..2 {
            collector.add(thread, &Interval { partial: true, ..interval(0, 1) });
            assert!(collector.next_complete().is_none());
            collector.add(thread, &Interval { draining: true, ..interval(0, 1) });
        }
        let parts: Vec<_> =
            std::iter::from_fn(|| collector.next_complete()).map(|s| (s.from_s, s.draining)).collect();
        assert_eq!(parts, [(0, false), (0, true)]);
    }
}
