//! Sums over a run: every endpoint's counts and histograms, failures, iterations, connections.

use std::collections::BTreeMap;

use crate::counts::{IterationCounts, RequestCounts};
use crate::endpoint::{EndpointKey, EndpointStats};
use crate::histogram::{PHASE_DIGITS, Times};
use crate::snapshot::{ErrorCount, ErrorKey, Snapshot, TargetDelta};

/// Distinct endpoints a run tells apart; the rest is `(other)`.
pub const MAX_ENDPOINTS: usize = 2048;

/// Distinct failures a run tells apart.
pub const MAX_ERRORS: usize = 1024;

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
    /// By endpoint.
    pub endpoints: BTreeMap<EndpointKey, EndpointStats<u64>>,
    /// All endpoints together, merged sample for sample.
    pub aggregated: EndpointStats<u64>,
    /// Failures by cause.
    pub errors: BTreeMap<ErrorKey, ErrorCount>,
    /// Iterations.
    pub iterations: IterationCounts,
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
            let other = EndpointKey::other;
            let fits = change_row(&mut self.endpoints, key, MAX_ENDPOINTS, other, |row| row.merge(delta));
            self.overflowed |= !fits;
            self.aggregated.merge(delta);
        }
        for (key, count) in &snapshot.errors {
            let known = self.errors.contains_key(key);
            let fits = known || self.errors.len() < MAX_ERRORS;
            self.overflowed |= !fits;
            let key = if fits {
                key.clone()
            } else {
                ErrorKey {
                    endpoint: EndpointKey::other(),
                    message: crate::endpoint::OTHER.into(),
                    ..key.clone()
                }
            };
            self.errors.entry(key).and_modify(|sum| sum.merge(count)).or_insert(*count);
        }
        for (host, delta) in &snapshot.targets {
            let other = || crate::endpoint::OTHER.to_owned();
            let fits = change_row(&mut self.targets, host, MAX_TARGETS, other, |row| row.merge(delta));
            self.overflowed |= !fits;
        }
        self.iterations.add(&snapshot.iterations);
    }

    /// Requests of all endpoints together.
    pub fn requests(&self) -> RequestCounts {
        self.aggregated.counts
    }
}

/// Gives `change` the value of `key`, made where there is none yet; beyond `most` keys that of `other`. Returns whether it was
/// the key's own. A key is cloned only for its first value.
pub fn change_row<K: Ord + Clone, V: Default>(
    rows: &mut BTreeMap<K, V>,
    key: &K,
    most: usize,
    other: impl FnOnce() -> K,
    change: impl FnOnce(&mut V),
) -> bool {
    if let Some(row) = rows.get_mut(key) {
        change(row);
        return true;
    }
    let fits = rows.len() < most;
    change(rows.entry(if fits { key.clone() } else { other() }).or_default());
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
}
