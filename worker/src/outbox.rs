//! What this worker has measured and the coordinator has not acknowledged. Pure.
//!
//! A snapshot is numbered when it is first handed to the transport, and is the same to the last byte from then on until it is
//! acknowledged. At most [`MAX_NUMBERED`] are out; what is newer waits unnumbered, as at most [`MAX_WAITING`] intervals: when
//! that is full the two oldest neighbours of equal length merge. So nothing is thrown away and nothing grows.

use std::collections::{BTreeMap, VecDeque};

use stampede_proto::batch::{Batch, Finals, Running, to_wire};
use stampede_proto::{MAX_BATCH, v1};
use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::EndpointKey;
use stampede_stats::snapshot::Snapshot;

/// Batches that may be out unacknowledged.
pub const MAX_NUMBERED: usize = 8;

/// Intervals that may wait.
pub const MAX_WAITING: usize = 64;

/// Bytes reserved in a batch for what is not an endpoint.
const OVERHEAD: usize = 128 << 10;

/// One run's statistics on their way.
#[derive(Debug, Default)]
pub struct Outbox {
    run: String,
    /// Handed to the transport, oldest first.
    numbered: VecDeque<v1::SnapshotBatch>,
    /// How many of these were handed over since the transport was last renewed.
    handed: usize,
    /// Parts of the interval that is being handed over, not numbered yet.
    parts: VecDeque<Batch>,
    waiting: VecDeque<Snapshot>,
    last_number: u64,
    /// Totals up to and with the newest numbered interval.
    running: Running,
    /// Totals up to and with the newest snapshot.
    totals: BTreeMap<EndpointKey, RequestCounts>,
    iterations: IterationCounts,
    /// Last second of the newest snapshot.
    newest_s: u32,
    complete: bool,
}

impl Outbox {
    /// For a run.
    pub fn new(run: String) -> Self {
        Self { run, ..Self::default() }
    }

    /// The run it is for.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Takes the next snapshot; they come in order.
    pub fn push(&mut self, snapshot: Snapshot) {
        for (key, delta) in &snapshot.endpoints {
            match self.totals.get_mut(key) {
                Some(sum) => sum.add(&delta.counts),
                None => {
                    self.totals.insert(key.clone(), delta.counts);
                }
            }
        }
        self.iterations.add(&snapshot.all_iterations());
        self.newest_s = snapshot.to_s.saturating_sub(1);
        if self.waiting.len() >= MAX_WAITING {
            self.merge_oldest();
        }
        self.waiting.push_back(snapshot);
    }

    /// The newest snapshot was the last one: the final totals go with it, or, if it is on its way already, with an empty
    /// one for the same second.
    pub fn complete(&mut self) {
        self.complete = true;
        if self.waiting.is_empty() {
            let (from_s, to_s) = (self.newest_s, self.newest_s + 1);
            self.waiting.push_back(Snapshot { from_s, to_s, draining: true, ..Snapshot::default() });
        }
    }

    /// Merges the two oldest neighbours of equal length; without such, the two shortest ones.
    fn merge_oldest(&mut self) {
        let length = |snapshot: &Snapshot| snapshot.to_s - snapshot.from_s;
        let pairs =
            || (1..self.waiting.len()).filter(|i| self.waiting[i - 1].draining == self.waiting[*i].draining);
        let equal = pairs().find(|i| length(&self.waiting[i - 1]) == length(&self.waiting[*i]));
        let shortest = || pairs().min_by_key(|i| length(&self.waiting[i - 1]) + length(&self.waiting[*i]));
        if let Some(index) = equal.or_else(shortest)
            && let Some(later) = self.waiting.remove(index)
        {
            self.waiting[index - 1].append(later);
        }
    }

    /// The next batch for the transport; `None` when it has all it may have.
    pub fn next_batch(&mut self) -> Option<v1::SnapshotBatch> {
        if let Some(again) = self.numbered.get(self.handed) {
            self.handed += 1;
            return Some(again.clone());
        }
        if self.numbered.len() >= MAX_NUMBERED {
            return None;
        }
        if self.parts.is_empty() {
            self.open_next();
        }
        let mut batch = self.parts.pop_front()?;
        self.last_number += 1;
        batch.number = self.last_number;
        let wire = to_wire(&batch);
        self.numbered.push_back(wire.clone());
        self.handed += 1;
        Some(wire)
    }

    fn open_next(&mut self) {
        let Some(snapshot) = self.waiting.pop_front() else { return };
        self.running.requests.add(&snapshot.requests());
        self.running.iterations.add(&snapshot.all_iterations());
        let mut parts = split(snapshot, &self.run);
        if let Some(last) = parts.last_mut() {
            last.last_part = true;
            last.running = Some(self.running);
            if self.complete && self.waiting.is_empty() {
                last.finals = Some(Finals { endpoints: self.totals.clone(), iterations: self.iterations });
            }
        }
        self.parts = parts.into();
    }

    /// Everything up to `applied_through` has arrived.
    pub fn acknowledge(&mut self, applied_through: u64) {
        while self.numbered.front().is_some_and(|batch| batch.number <= applied_through) {
            self.numbered.pop_front();
            self.handed = self.handed.saturating_sub(1);
        }
    }

    /// The transport is a new one: what was not acknowledged goes again, unchanged.
    pub fn rewind(&mut self) {
        self.handed = 0;
    }

    /// Batches and intervals not acknowledged.
    pub fn len(&self) -> usize {
        self.numbered.len() + self.parts.len() + self.waiting.len()
    }

    /// Whether everything was acknowledged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The snapshot as one batch, or as several where it would be too large.
fn split(snapshot: Snapshot, run: &str) -> Vec<Batch> {
    use prost::Message;

    let batch = |snapshot| Batch { run: run.to_owned(), snapshot, ..Batch::default() };
    let whole = batch(snapshot);
    if to_wire(&whole).encoded_len() + OVERHEAD <= MAX_BATCH {
        return vec![whole];
    }
    let mut rest = whole.snapshot;
    let endpoints = std::mem::take(&mut rest.endpoints);
    let errors = std::mem::take(&mut rest.errors);
    let empty =
        Snapshot { from_s: rest.from_s, to_s: rest.to_s, draining: rest.draining, ..Snapshot::default() };
    let mut parts = vec![batch(empty.clone())];
    let mut size = OVERHEAD;
    for (key, delta) in endpoints {
        let single = Snapshot { endpoints: BTreeMap::from([(key.clone(), delta.clone())]), ..empty.clone() };
        let bytes = to_wire(&batch(single)).encoded_len();
        if size + bytes > MAX_BATCH {
            parts.push(batch(empty.clone()));
            size = OVERHEAD;
        }
        size += bytes;
        if let Some(part) = parts.last_mut() {
            part.snapshot.endpoints.insert(key, delta);
        }
    }
    // A snapshot bounds its failures and hosts to what fits into one part.
    rest.errors = errors;
    parts.push(batch(rest));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use stampede_proto::batch::from_wire;
    use stampede_stats::endpoint::{EndpointDelta, Part, RowKind};
    use stampede_stats::histogram::{TIMES_DIGITS, Times};

    fn snapshot(second: u32) -> Snapshot {
        let counts = RequestCounts { started: 1, sent: 1, cancelled: 1, ..RequestCounts::default() };
        let delta = EndpointDelta { counts, ..EndpointDelta::default() };
        let endpoints = BTreeMap::from([(EndpointKey::new("GET", "/"), delta)]);
        Snapshot { from_s: second, to_s: second + 1, endpoints, ..Snapshot::default() }
    }

    #[test]
    fn running_totals_are_of_all_requests_and_final_ones_of_every_row() {
        let rows = [
            EndpointKey::new("GET", "/"),
            EndpointKey::new("GET", "/").in_part(Part::WarmUp),
            EndpointKey::of(RowKind::Group, "GROUP", "checkout"),
            EndpointKey::of(RowKind::Aside, "POST", "(setup) /reset"),
        ];
        let counts = RequestCounts { started: 1, cancelled: 1, ..RequestCounts::default() };
        let delta = EndpointDelta { counts, ..EndpointDelta::default() };
        let iterations = IterationCounts { begun: 1, completed: 1, ..IterationCounts::default() };
        let mut outbox = Outbox::new("r".into());
        outbox.push(Snapshot {
            to_s: 1,
            endpoints: rows.into_iter().map(|key| (key, delta.clone())).collect(),
            iterations,
            warmup_iterations: iterations,
            ..Snapshot::default()
        });
        outbox.complete();
        let batch = from_wire(outbox.next_batch().expect("one batch")).expect("well formed");
        let (running, finals) = (batch.running.expect("set"), batch.finals.expect("set"));
        assert_eq!((running.requests.started, running.iterations.begun), (2, 2));
        assert_eq!((finals.endpoints.len(), finals.iterations), (4, running.iterations));
        assert_eq!(batch.snapshot.iterations, iterations);
    }

    fn outbox(seconds: u32) -> Outbox {
        let mut outbox = Outbox::new("r".into());
        (0..seconds).for_each(|second| outbox.push(snapshot(second)));
        outbox
    }

    fn all(outbox: &mut Outbox) -> Vec<v1::SnapshotBatch> {
        std::iter::from_fn(|| outbox.next_batch()).collect()
    }

    #[test]
    fn what_is_not_acknowledged_goes_again_unchanged() {
        let mut outbox = outbox(3);
        let first = all(&mut outbox);
        assert_eq!(first.iter().map(|batch| batch.number).collect::<Vec<_>>(), [1, 2, 3]);
        outbox.acknowledge(1);
        outbox.push(snapshot(3));
        outbox.rewind();
        let again = all(&mut outbox);
        assert_eq!(again[..2], first[1..]);
        assert_eq!(again[2].number, 4);
        assert_eq!(again[2].running.as_ref().and_then(|r| r.requests).expect("set").started, 4);
        outbox.acknowledge(4);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_slow_coordinator_makes_intervals_longer_and_loses_nothing() {
        let mut outbox = outbox(1000);
        assert_eq!(outbox.waiting.len(), MAX_WAITING);
        outbox.complete();
        let mut started = 0;
        let mut through = 0;
        loop {
            let batches = all(&mut outbox);
            if batches.is_empty() {
                break;
            }
            assert!(batches.len() <= MAX_NUMBERED);
            for wire in batches {
                let batch = from_wire(wire).expect("well formed");
                assert_eq!(batch.snapshot.from_s, through);
                through = batch.snapshot.to_s;
                started += batch.snapshot.requests().started;
                assert_eq!(batch.finals.is_some(), through == 1000);
                outbox.acknowledge(batch.number);
            }
        }
        assert_eq!((started, through), (1000, 1000));
    }

    #[test]
    fn final_totals_go_even_when_the_last_snapshot_has_gone() {
        let mut outbox = outbox(2);
        assert_eq!(all(&mut outbox).len(), 2);
        outbox.complete();
        let last = from_wire(all(&mut outbox).remove(0)).expect("well formed");
        assert_eq!((last.number, last.snapshot.from_s, last.last_part), (3, 1, true));
        assert_eq!(last.finals.map(|finals| finals.endpoints.len()), Some(1));
    }

    #[test]
    fn the_two_sides_of_the_stop_instant_never_merge() {
        let mut outbox = Outbox::new("r".into());
        for second in 0..500 {
            let draining = second >= 250;
            outbox.push(Snapshot { draining, ..snapshot(second) });
        }
        let (mut before, mut after) = (0, 0);
        for snapshot in &outbox.waiting {
            let counts = snapshot.requests().started;
            if snapshot.draining { after += counts } else { before += counts }
        }
        assert_eq!((before, after), (250, 250));
    }

    #[test]
    fn a_full_interval_goes_as_several_batches() {
        let mut times = Times::<u32>::new(TIMES_DIGITS);
        (1..4000).for_each(|n| times.record(n * 7_000_000));
        let counts = RequestCounts { started: 3999, ok: 3999, ..RequestCounts::default() };
        let delta = EndpointDelta { counts, ok: times.delta(), ..EndpointDelta::default() };
        let endpoints = (0..300).map(|n| (EndpointKey::new("GET", format!("/{n}")), delta.clone())).collect();
        let mut outbox = Outbox::new("r".into());
        outbox.push(Snapshot { from_s: 0, to_s: 1, endpoints, ..Snapshot::default() });
        outbox.complete();
        let batches = all(&mut outbox);
        assert!(batches.len() > 2, "{} batches", batches.len());
        let parts: Vec<_> = batches.iter().map(|batch| batch.last_part).collect();
        assert_eq!(parts.iter().filter(|last| **last).count(), 1);
        assert_eq!(parts.last(), Some(&true));
        assert!(batches.iter().all(|batch| prost::Message::encoded_len(batch) <= MAX_BATCH));
        let started: u64 = batches
            .into_iter()
            .map(|wire| from_wire(wire).expect("well formed").snapshot.requests().started)
            .sum();
        assert_eq!(started, 300 * 3999);
    }
}
