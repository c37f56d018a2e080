//! Sums over a run: every endpoint's counts and histograms, failures, iterations, connections.

use std::collections::BTreeMap;

use crate::counts::{IterationCounts, RequestCounts};
use crate::endpoint::{EndpointKey, EndpointStats};
use crate::histogram::{PHASE_DIGITS, Times};
use crate::snapshot::{ErrorCount, ErrorKey, Snapshot};

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
            let fits = self.endpoints.len() < MAX_ENDPOINTS;
            entry(&mut self.endpoints, key, fits, EndpointKey::other, &mut self.overflowed).merge(delta);
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
            let fits = self.targets.len() < MAX_TARGETS;
            let other = || crate::endpoint::OTHER.to_owned();
            let target = entry(&mut self.targets, host, fits, other, &mut self.overflowed);
            target.connections += delta.connections;
            target.dns.merge(&delta.dns);
            target.connect.merge(&delta.connect);
            target.tls.merge(&delta.tls);
        }
        self.iterations.add(&snapshot.iterations);
    }

    /// Requests of all endpoints together.
    pub fn requests(&self) -> RequestCounts {
        self.aggregated.counts
    }
}

fn entry<'a, K: Ord + Clone, V: Default>(
    map: &'a mut BTreeMap<K, V>,
    key: &K,
    fits: bool,
    other: impl Fn() -> K,
    overflowed: &mut bool,
) -> &'a mut V {
    let key = if fits || map.contains_key(key) {
        key.clone()
    } else {
        *overflowed = true;
        other()
    };
    map.entry(key).or_default()
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
