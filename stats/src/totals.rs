//! Sums over a run: every endpoint's counts and histograms, failures, iterations, connections.

use std::collections::BTreeMap;

use crate::counts::{IterationCounts, RequestCounts};
use crate::endpoint::{EndpointKey, EndpointStats, Part, RowKind};
use crate::histogram::{PHASE_DIGITS, Times};
use crate::snapshot::{ErrorCount, ErrorKey, Snapshot, TargetDelta};

/// Distinct endpoints a run tells apart; the rest is `(other)`.
pub const MAX_ENDPOINTS: usize = 2048;

/// Distinct failures a run tells apart.
pub const MAX_ERRORS: usize = 1024;

/// So many times as many rows as changes are walked by; where there are more, each is looked up.
const SIDE_BY_SIDE: usize = 4;

/// Distinct hosts a run tells apart.
const MAX_TARGETS: usize = 256;

/// Connections to one host over a run.
#[derive(Debug, Clone)]
pub struct TargetTotals {
    /// Connections made.
    pub connections: u64,
    /// Name resolution.
    pub dns: Times<u64>,
    /// Connecting.
    pub connect: Times<u64>,
    /// TLS handshakes.
    pub tls: Times<u64>,
}

impl Default for TargetTotals {
    fn default() -> Self {
        let times = || Times::new(PHASE_DIGITS);
        Self { connections: 0, dns: times(), connect: times(), tls: times() }
    }
}

impl TargetTotals {
    fn merge(&mut self, delta: &TargetDelta) {
        self.connections = self.connections.saturating_add(delta.connections);
        self.dns.merge(&delta.dns);
        self.connect.merge(&delta.connect);
        self.tls.merge(&delta.tls);
    }
}

/// Everything that was counted and timed.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Every row of every kind, those of the warm-up too.
    pub endpoints: BTreeMap<EndpointKey, EndpointStats<u64>>,
    /// Measured requests of all endpoints together.
    pub all: RequestCounts,
    /// Requests of the warm-up.
    pub warmup: RequestCounts,
    /// Failures by cause, those of the warm-up too.
    pub errors: BTreeMap<ErrorKey, ErrorCount>,
    /// Iterations that are measured.
    pub iterations: IterationCounts,
    /// Iterations of the warm-up.
    pub warmup_iterations: IterationCounts,
    /// Connections by host.
    pub targets: BTreeMap<String, TargetTotals>,
    /// Whether names, failures or hosts went beyond their limits.
    pub overflowed: bool,
}

impl Totals {
    /// Adds a snapshot.
    pub fn add(&mut self, snapshot: &Snapshot) {
        for (key, delta) in &snapshot.endpoints {
            self.overflowed |= key.name == crate::endpoint::OTHER && key.method.is_empty();
            match key.part {
                _ if !key.is_request() => {}
                Part::Measured => self.all.add(&delta.counts),
                Part::WarmUp => self.warmup.add(&delta.counts),
            }
        }
        let (rows, deltas) = (&mut self.endpoints, &snapshot.endpoints);
        let fits = change_rows(rows, deltas, MAX_ENDPOINTS, EndpointKey::other_of, EndpointStats::merge);
        self.overflowed |= !fits;
        for (key, count) in &snapshot.errors {
            let known = self.errors.contains_key(key);
            let fits = known || self.errors.len() < MAX_ERRORS;
            self.overflowed |= !fits;
            let key = if fits {
                key.clone()
            } else {
                ErrorKey {
                    endpoint: EndpointKey::other_of(&key.endpoint),
                    message: crate::endpoint::OTHER.into(),
                    ..key.clone()
                }
            };
            self.errors.entry(key).and_modify(|sum| sum.merge(count)).or_insert(*count);
        }
        for (host, delta) in &snapshot.targets {
            let other = |_: &String| crate::endpoint::OTHER.to_owned();
            let fits = change_row(&mut self.targets, host, MAX_TARGETS, other, |row| row.merge(delta));
            self.overflowed |= !fits;
        }
        self.iterations.add(&snapshot.iterations);
        self.warmup_iterations.add(&snapshot.warmup_iterations);
    }

    /// The rows of `kind` in `part`, in order of method and name.
    pub fn rows(
        &self,
        part: Part,
        kind: RowKind,
    ) -> impl Iterator<Item = (&EndpointKey, &EndpointStats<u64>)> {
        self.endpoints.iter().filter(move |(key, _)| (key.part, key.kind) == (part, kind))
    }

    /// Failures that no request had, and that are measured: what `fail` booked on tasks.
    pub fn task_failures(&self) -> u64 {
        let rows = self.rows(Part::Measured, RowKind::Task);
        rows.fold(0, |sum, (_, row)| sum.saturating_add(row.counts.failed))
    }

    /// Measured requests of all endpoints together.
    pub fn requests(&self) -> RequestCounts {
        self.all
    }

    /// All endpoints that are measured together, merged bucket for bucket. Made when it is asked for: adding up fifty rows once a second costs
    /// less than adding to one more with each of fifty thousand merges.
    pub fn aggregated(&self) -> EndpointStats<u64> {
        let mut sum = EndpointStats { counts: self.all, ..EndpointStats::default() };
        self.rows(Part::Measured, RowKind::Request).for_each(|(_, row)| sum.add_times(row));
        sum
    }
}

/// Gives `change` the value of `key`, made where there is none yet; beyond `most` keys that of `other`. Returns whether it was
/// the key's own. A key is cloned only for its first value.
pub fn change_row<K: Ord + Clone, V: Default>(
    rows: &mut BTreeMap<K, V>,
    key: &K,
    most: usize,
    other: impl FnOnce(&K) -> K,
    change: impl FnOnce(&mut V),
) -> bool {
    if let Some(row) = rows.get_mut(key) {
        change(row);
        return true;
    }
    let fits = rows.len() < most;
    change(rows.entry(if fits { key.clone() } else { other(key) }).or_default());
    fits
}

/// [`change_row`] for all of `deltas`. Both maps are in order and mostly have the same keys: walked side by side, a key is
/// compared once or twice and not with half a dozen others. Returns whether all had a row of their own.
pub fn change_rows<K: Ord + Clone, V: Default, D>(
    rows: &mut BTreeMap<K, V>,
    deltas: &BTreeMap<K, D>,
    most: usize,
    other: impl Fn(&K) -> K,
    mut change: impl FnMut(&mut V, &D),
) -> bool {
    let mut left = Vec::new();
    if rows.len() / SIDE_BY_SIDE > deltas.len() {
        left.extend(deltas);
    } else {
        let mut known = rows.iter_mut().peekable();
        for (key, delta) in deltas {
            while known.next_if(|(known, _)| *known < key).is_some() {}
            match known.next_if(|(known, _)| *known == key) {
                Some((_, row)) => change(row, delta),
                None => left.push((key, delta)),
            }
        }
    }
    let mut fits = true;
    for (key, delta) in left {
        fits &= change_row(rows, key, most, &other, |row| change(row, delta));
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::EndpointDelta;

    #[test]
    fn endpoints_beyond_the_limit_are_collected_and_said() {
        let mut totals = Totals::default();
        for n in 0..MAX_ENDPOINTS + 10 {
            let mut delta = EndpointDelta::default();
            delta.counts.started = 1;
            let key = EndpointKey::new("GET", format!("/{n}"));
            totals.add(&Snapshot { endpoints: BTreeMap::from([(key, delta)]), ..Snapshot::default() });
        }
        assert_eq!(totals.endpoints.len(), MAX_ENDPOINTS + 1);
        assert_eq!(totals.endpoints[&EndpointKey::other()].counts.started, 10);
        assert_eq!(totals.requests().started, MAX_ENDPOINTS as u64 + 10);
        assert!(totals.overflowed);
    }

    #[test]
    fn only_measured_requests_are_in_the_totals() {
        let keys = [
            EndpointKey::new("GET", "/"),
            EndpointKey::new("GET", "/").in_part(Part::WarmUp),
            EndpointKey::of(RowKind::Group, "GROUP", "checkout"),
            EndpointKey::of(RowKind::Aside, "POST", "(setup) /reset").in_part(Part::WarmUp),
        ];
        let mut times = Times::<u32>::new(crate::histogram::TIMES_DIGITS);
        times.record(1_000_000);
        let mut delta = EndpointDelta { ok: times.delta(), ..EndpointDelta::default() };
        (delta.counts.started, delta.counts.ok) = (1, 1);
        let task = EndpointKey::of(RowKind::Task, "TASK", "buy");
        let mut failed = EndpointDelta::default();
        (failed.counts.started, failed.counts.failed) = (3, 3);
        let rows = keys.into_iter().map(|key| (key, delta.clone())).chain([(task, failed)]);
        let snapshot = Snapshot { endpoints: rows.collect(), ..Snapshot::default() };
        let mut totals = Totals::default();
        totals.add(&snapshot);
        assert_eq!((totals.requests().ok, totals.warmup.ok, totals.task_failures()), (1, 1, 3));
        assert_eq!(totals.aggregated().all_times().count(), 1);
        assert_eq!((snapshot.requests().started, snapshot.warmup_requests().started), (2, 1));
        let kinds: Vec<_> = totals.endpoints.keys().map(|key| (key.part, key.kind)).collect();
        let measured = [RowKind::Request, RowKind::Group, RowKind::Task, RowKind::Aside];
        let measured = measured.map(|kind| (Part::Measured, kind));
        assert_eq!(kinds, [measured.as_slice(), &[(Part::WarmUp, RowKind::Request)]].concat());
    }

    #[test]
    fn rows_walked_side_by_side_are_those_looked_up() {
        let sets =
            [vec![1, 2, 3], vec![2, 5, 9], vec![], vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9], vec![3], vec![4, 11]];
        let (mut walked, mut looked_up) = (BTreeMap::new(), BTreeMap::new());
        for set in sets {
            let deltas: BTreeMap<u32, u32> = set.into_iter().map(|key| (key, key + 1)).collect();
            let all = change_rows(&mut walked, &deltas, 8, |_| 99, |sum: &mut u32, delta| *sum += delta);
            let one = |(key, delta): (&u32, &u32)| {
                change_row(&mut looked_up, key, 8, |_| 99, |sum: &mut u32| *sum += delta)
            };
            // Every one of them changes its row, whether the one before had a place or not.
            let each: Vec<_> = deltas.iter().map(one).collect();
            assert_eq!(all, each.into_iter().all(|fits| fits));
        }
        assert_eq!(walked, looked_up);
        assert!(walked.contains_key(&99));
    }
}
