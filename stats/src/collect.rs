//! Joins the intervals of a worker's load threads: a second goes out when every thread has closed it.

use std::collections::BTreeMap;

use crate::interval::{Gauges, Interval};
use crate::snapshot::Snapshot;

/// Collects closed intervals of `threads` load threads into snapshots of a second, or of its two sides of the stop instant.
///
/// Threads hear of a stop at different moments, so one may split a second that another closed whole. What a thread has under
/// way is therefore taken from its last interval before the snapshot: then begun, ended and under way add up at every cut.
#[derive(Debug)]
pub struct Collector {
    /// For each thread the first second that it has not closed yet.
    through: Vec<u32>,
    /// What some thread has closed, by second and side of the stop instant.
    open: BTreeMap<(u32, bool), Open>,
    /// For each thread the gauges of its last interval that went out.
    last: Vec<Gauges>,
    /// The first second that did not go out whole yet.
    next: u32,
}

#[derive(Debug)]
struct Open {
    snapshot: Snapshot,
    /// (thread, gauges) of those that closed it.
    gauges: Vec<(usize, Gauges)>,
}

impl Collector {
    /// For `threads` load threads, from second 0.
    pub fn new(threads: usize) -> Self {
        Self {
            through: vec![0; threads],
            open: BTreeMap::new(),
            last: vec![Gauges::default(); threads],
            next: 0,
        }
    }

    /// Takes what `thread` closed. Intervals of one thread come in order, each second whole.
    pub fn add(&mut self, thread: usize, interval: &Interval) {
        let open = self.open.entry((interval.from_s, interval.draining)).or_insert_with(|| Open {
            snapshot: Snapshot {
                from_s: interval.from_s,
                to_s: interval.to_s,
                draining: interval.draining,
                ..Snapshot::default()
            },
            gauges: Vec::new(),
        });
        open.snapshot.add_interval(interval);
        open.gauges.push((thread, interval.gauges.clone()));
        if !interval.partial {
            self.through[thread] = self.through[thread].max(interval.to_s);
        }
    }

    /// `thread` has ended: it has closed everything, and has nothing to say of the seconds in which others still drain.
    pub fn end(&mut self, thread: usize) {
        self.through[thread] = u32::MAX;
    }

    /// The next snapshot that every thread has closed, in order, empty ones too.
    pub fn next_complete(&mut self) -> Option<Snapshot> {
        let complete = self.through.iter().copied().min()?;
        if self.next >= complete {
            return None;
        }
        let Open { mut snapshot, gauges } = self.open.first_entry()?.remove();
        for (thread, gauges) in gauges {
            self.last[thread] = gauges;
        }
        for last in &mut self.last {
            snapshot.add_gauges(last);
            // CPU is of an interval, not of a moment.
            last.cpu_ns = 0;
        }
        let more = self.open.keys().next().is_some_and(|(second, _)| *second == snapshot.from_s);
        self.next = if more { snapshot.from_s } else { snapshot.to_s };
        Some(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::EndpointKey;
    use crate::outcome::Outcome;
    use crate::recorder::{Recorder, Sample};
    use std::time::Duration;

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
    fn a_thread_that_has_ended_is_not_waited_for() {
        let mut collector = Collector::new(2);
        (0..2).for_each(|thread| collector.add(thread, &interval(0, 1)));
        collector.end(0);
        collector.add(1, &interval(1, 0));
        collector.end(1);
        let seconds: Vec<_> = std::iter::from_fn(|| collector.next_complete()).map(|s| s.from_s).collect();
        assert_eq!(seconds, [0, 1]);
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

    #[test]
    fn a_worker_that_joins_later_has_nothing_to_say_of_before() {
        let mut collector = Collector::new(2);
        collector.add(0, &interval(37, 1));
        collector.add(0, &interval(38, 1));
        assert!(collector.next_complete().is_none());
        // Its other thread heard of the start a second later.
        collector.add(1, &interval(38, 2));
        let seconds: Vec<_> = std::iter::from_fn(|| collector.next_complete())
            .map(|snapshot| (snapshot.from_s, snapshot.gauges.in_flight))
            .collect();
        assert_eq!(seconds, [(37, 1), (38, 3)]);
    }

    /// A thread that begins a request every 10 ms, each taking 25 ms, and hears of a stop at `at` when it is `heard`.
    fn busy(collector: &mut Collector, thread: usize, at: Duration, heard: Duration) {
        let mut recorder = Recorder::new(vec![EndpointKey::new("GET", "/")], 1);
        for ms in 0..4000 {
            let now = Duration::from_millis(ms);
            if now == heard {
                recorder.stop_at(at);
            }
            if ms % 10 == 0 {
                recorder.begin(0, now);
            }
            if ms >= 25 && (ms - 25) % 10 == 0 {
                recorder.end(&Sample {
                    endpoint: 0,
                    at: now,
                    outcome: Outcome::Cancelled,
                    response: Duration::ZERO,
                    service: None,
                    ttfb: None,
                    status: None,
                    sent: 0,
                    hops: 0,
                    bytes_in: 0,
                    head_bytes_in: 0,
                    bytes_out: 0,
                });
            }
        }
        recorder.close_last();
        while let Some(interval) = recorder.take_closed() {
            collector.add(thread, &interval);
        }
    }

    #[test]
    fn threads_that_hear_of_the_stop_in_different_seconds_still_add_up() {
        let ms = Duration::from_millis;
        for (first, second) in [(990, 1003), (1003, 990), (500, 3000), (990, 991)] {
            let mut collector = Collector::new(2);
            busy(&mut collector, 0, ms(985), ms(first));
            busy(&mut collector, 1, ms(985), ms(second));
            let (mut started, mut ended) = (0, 0);
            while let Some(snapshot) = collector.next_complete() {
                let counts = snapshot.requests();
                started += counts.started;
                ended += counts.ended();
                assert_eq!(started, ended + snapshot.gauges.in_flight, "after second {}", snapshot.from_s);
            }
            assert_eq!(started, 800);
        }
    }
}
