//! What one worker measured in an interval, merged over its threads: the value that travels.

use std::collections::BTreeMap;

use crate::counts::{IterationCounts, RequestCounts};
use crate::endpoint::{EndpointDelta, EndpointKey, OTHER, Part};
use crate::histogram::TimesDelta;
use crate::interval::{Gauges, Interval};
use crate::outcome::FailureKind;

/// Distinct failures one snapshot tells apart; the rest goes under `(other)`. Keeps it well under the size of a batch.
pub const MAX_ERRORS: usize = 512;

/// Distinct hosts one snapshot tells apart.
pub const MAX_TARGETS: usize = 128;

/// Identity of a failure row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorKey {
    /// Where.
    pub endpoint: EndpointKey,
    /// What kind.
    pub kind: FailureKind,
    /// In words.
    pub message: String,
}

/// How often a failure happened, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCount {
    /// How often.
    pub count: u64,
    /// Run second of the first.
    pub first_s: u32,
    /// Run second of the last.
    pub last_s: u32,
}

impl ErrorCount {
    /// Adds `other`.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.first_s = self.first_s.min(other.first_s);
        self.last_s = self.last_s.max(other.last_s);
    }
}

/// Connections to one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetDelta {
    /// Connections made.
    pub connections: u64,
    /// Name resolution.
    pub dns: TimesDelta,
    /// Connecting.
    pub connect: TimesDelta,
    /// TLS handshakes.
    pub tls: TimesDelta,
}

impl TargetDelta {
    /// Adds `other`.
    pub fn merge(&mut self, other: &Self) {
        self.connections = self.connections.saturating_add(other.connections);
        self.dns.merge(&other.dns);
        self.connect.merge(&other.connect);
        self.tls.merge(&other.tls);
    }
}

/// One worker's measurements of the run seconds `[from_s, to_s)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// First run second.
    pub from_s: u32,
    /// First run second that is not in it.
    pub to_s: u32,
    /// Whether it lies behind the stop instant.
    pub draining: bool,
    /// By endpoint; only those with something in it.
    pub endpoints: BTreeMap<EndpointKey, EndpointDelta>,
    /// Failures by cause.
    pub errors: BTreeMap<ErrorKey, ErrorCount>,
    /// What became of iterations that are measured.
    pub iterations: IterationCounts,
    /// What became of iterations of the warm-up.
    pub warmup_iterations: IterationCounts,
    /// Connections by host.
    pub targets: BTreeMap<String, TargetDelta>,
    /// Gauges at its end: sums over threads, the largest age, the busiest thread's CPU.
    pub gauges: Gauges,
    /// How late the threads' probes were.
    pub lag: TimesDelta,
    /// How late arrivals were begun.
    pub lateness: TimesDelta,
}

impl Snapshot {
    /// Adds what one thread measured. The interval's seconds must lie within the snapshot's.
    pub fn add_interval(&mut self, interval: &Interval) {
        for slot in interval.endpoints.iter().flatten() {
            if slot.stats.counts.is_empty() {
                continue;
            }
            let delta = slot.stats.delta();
            match self.endpoints.get_mut(&*slot.key) {
                Some(known) => known.merge(&delta),
                None => {
                    self.endpoints.insert((*slot.key).clone(), delta);
                }
            }
        }
        for row in &interval.errors {
            let key = ErrorKey { endpoint: (*row.key).clone(), kind: row.kind, message: row.message.clone() };
            let count = ErrorCount { count: row.count, first_s: row.first_s, last_s: row.last_s };
            self.add_error(key, &count);
        }
        for row in &interval.targets {
            let target = self.target(row.host.clone());
            target.connections += row.connections;
            target.dns.merge(&row.dns.delta());
            target.connect.merge(&row.connect.delta());
            target.tls.merge(&row.tls.delta());
        }
        self.iterations.add(&interval.iterations);
        self.warmup_iterations.add(&interval.warmup_iterations);
        if let Some(lag) = &interval.lag {
            self.lag.merge(&lag.delta());
        }
        if let Some(lateness) = &interval.lateness {
            self.lateness.merge(&lateness.delta());
        }
    }

    fn add_error(&mut self, key: ErrorKey, count: &ErrorCount) {
        let full = self.errors.len() >= MAX_ERRORS && !self.errors.contains_key(&key);
        let key = if full {
            let endpoint = EndpointKey::other_of(&key.endpoint);
            ErrorKey { endpoint, message: OTHER.to_owned(), ..key }
        } else {
            key
        };
        self.errors.entry(key).and_modify(|known| known.merge(count)).or_insert(*count);
    }

    fn target(&mut self, host: String) -> &mut TargetDelta {
        let full = self.targets.len() >= MAX_TARGETS && !self.targets.contains_key(&host);
        self.targets.entry(if full { OTHER.to_owned() } else { host }).or_default()
    }

    /// Adds the gauges of another thread at the same moment.
    pub fn add_gauges(&mut self, gauges: &Gauges) {
        self.gauges.in_flight += gauges.in_flight;
        self.gauges.iterations_in_flight += gauges.iterations_in_flight;
        self.gauges.oldest_ns = self.gauges.oldest_ns.max(gauges.oldest_ns);
        self.gauges.last_end_ns = self.gauges.last_end_ns.max(gauges.last_end_ns);
        self.gauges.cpu_ns = self.gauges.cpu_ns.max(gauges.cpu_ns);
        if self.gauges.users.len() < gauges.users.len() {
            self.gauges.users.resize(gauges.users.len(), 0);
        }
        for (sum, users) in self.gauges.users.iter_mut().zip(&gauges.users) {
            *sum += users;
        }
    }

    /// Takes in the snapshot that follows this one, on the same side of the stop instant: counts add, the later gauges stand.
    pub fn append(&mut self, later: Self) {
        self.to_s = later.to_s;
        for (key, delta) in later.endpoints {
            match self.endpoints.get_mut(&key) {
                Some(known) => known.merge(&delta),
                None => {
                    self.endpoints.insert(key, delta);
                }
            }
        }
        for (key, count) in later.errors {
            self.add_error(key, &count);
        }
        for (host, target) in later.targets {
            self.target(host).merge(&target);
        }
        self.iterations.add(&later.iterations);
        self.warmup_iterations.add(&later.warmup_iterations);
        let cpu_ns = self.gauges.cpu_ns + later.gauges.cpu_ns;
        let last_end_ns = self.gauges.last_end_ns.max(later.gauges.last_end_ns);
        self.gauges = later.gauges;
        (self.gauges.cpu_ns, self.gauges.last_end_ns) = (cpu_ns, last_end_ns);
        self.lag.merge(&later.lag);
        self.lateness.merge(&later.lateness);
    }

    /// Requests of all endpoints together, those of the warm-up too: what the target saw of users.
    pub fn requests(&self) -> RequestCounts {
        self.sum(EndpointKey::is_request)
    }

    /// Requests of the warm-up.
    pub fn warmup_requests(&self) -> RequestCounts {
        self.sum(|key| key.is_request() && key.part == Part::WarmUp)
    }

    fn sum(&self, which: impl Fn(&EndpointKey) -> bool) -> RequestCounts {
        let mut sum = RequestCounts::default();
        let rows = self.endpoints.iter().filter(|(key, _)| which(key));
        rows.for_each(|(_, row)| sum.add(&row.counts));
        sum
    }

    /// All iterations, those of the warm-up too.
    pub fn all_iterations(&self) -> IterationCounts {
        let mut sum = self.iterations;
        sum.add(&self.warmup_iterations);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::RowKind;
    use crate::outcome::Outcome;
    use crate::recorder::{Recorder, Sample};
    use std::time::Duration;

    fn second(recorder: &mut Recorder, second: u64) -> Snapshot {
        let at = Duration::from_secs(second);
        recorder.begin(0, at);
        let outcome = Outcome::Failed { kind: FailureKind::Status, message: "status 500" };
        recorder.end(&Sample {
            endpoint: 0,
            at,
            outcome,
            response: Duration::from_millis(second + 1),
            service: None,
            ttfb: None,
            status: None,
            sent: 1,
            hops: 0,
            bytes_in: 1,
            head_bytes_in: 0,
            bytes_out: 2,
        });
        recorder.roll(at + Duration::from_secs(1));
        let interval = recorder.take_closed().expect("closed");
        let mut snapshot = Snapshot { from_s: interval.from_s, to_s: interval.to_s, ..Snapshot::default() };
        snapshot.add_interval(&interval);
        snapshot.add_gauges(&interval.gauges);
        snapshot
    }

    #[test]
    fn appended_seconds_are_one_longer_interval() {
        let mut recorder = Recorder::new(vec![EndpointKey::new("GET", "/")], 1);
        recorder.user(0, true);
        let mut first = second(&mut recorder, 0);
        first.append(second(&mut recorder, 1));
        assert_eq!((first.from_s, first.to_s), (0, 2));
        let delta = &first.endpoints[&EndpointKey::new("GET", "/")];
        assert!(delta.is_consistent(RowKind::Request));
        assert_eq!((delta.counts.failed, delta.failed.pairs.len()), (2, 2));
        let error = first.errors.values().next().expect("one row");
        assert_eq!((error.count, error.first_s, error.last_s), (2, 0, 1));
        assert_eq!(first.gauges.users, [1]);
    }
}
