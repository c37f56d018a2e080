//! What really happened, as the target would know it: every request with its user, life and worker, and what became of it.
//!
//! The laws are checked against it: a slot's user begins no request after the first of its next life, no life runs on two
//! workers, and no wanted slot is without a user for longer than a take-over needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stampede_stats::counts::{IterationCounts, RequestCounts};

/// A slot as the target sees it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    life: u32,
    worker: usize,
    /// Run time of its last request.
    last: Duration,
    /// The longest it was silent since its first one, and up to when.
    silence: (Duration, Duration),
}

/// The truth of one run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    slots: BTreeMap<u32, Seen>,
    /// Arrivals that were begun or dropped.
    arrived: BTreeSet<u64>,
    /// By worker.
    pub(crate) requests: BTreeMap<usize, RequestCounts>,
    /// By worker.
    pub(crate) iterations: BTreeMap<usize, IterationCounts>,
    /// What was against the laws.
    pub(crate) violations: Vec<String>,
}

impl Ledger {
    /// A user of `slot` in its life `life` begins a request on `worker` at run time `at`.
    pub(crate) fn begin(&mut self, worker: usize, slot: u32, life: u32, at: Duration) {
        self.requests.entry(worker).or_default().started += 1;
        let first = Seen { life, worker, last: at, silence: (Duration::ZERO, at) };
        let seen = self.slots.entry(slot).or_insert(first);
        if life < seen.life || (life == seen.life && worker != seen.worker) {
            let Seen { life: newest, worker: owner, last, .. } = *seen;
            self.violations.push(format!(
                "slot {slot}: life {life:#x} on w{worker} begins a request at {at:?}; life {newest:#x} on w{owner} did at {last:?}"
            ));
            return;
        }
        let silent = at.saturating_sub(seen.last);
        if silent > seen.silence.0 {
            seen.silence = (silent, at);
        }
        (seen.life, seen.worker, seen.last) = (life, worker, at);
    }

    /// Arrival `number` comes due on `worker`, which begins or drops it.
    pub(crate) fn arrive(&mut self, worker: usize, number: u64, begins: bool) {
        let iterations = self.iterations.entry(worker).or_default();
        iterations.planned += 1;
        iterations.dropped += u64::from(!begins);
        if !self.arrived.insert(number) {
            self.violations.push(format!("arrival {number} comes due once more on w{worker}"));
        }
    }

    /// All requests.
    pub(crate) fn all_requests(&self, workers: impl Iterator<Item = usize>) -> RequestCounts {
        let mut sum = RequestCounts::default();
        workers.filter_map(|worker| self.requests.get(&worker)).for_each(|counts| sum.add(counts));
        sum
    }

    /// All iterations.
    pub(crate) fn all_iterations(&self, workers: impl Iterator<Item = usize>) -> IterationCounts {
        let mut sum = IterationCounts::default();
        workers.filter_map(|worker| self.iterations.get(&worker)).for_each(|counts| sum.add(counts));
        sum
    }

    /// The slot that was silent longest: which, how long, up to which run time.
    pub(crate) fn longest_silence(&self) -> Option<(u32, Duration, Duration)> {
        let silences = self.slots.iter().map(|(slot, seen)| (*slot, seen.silence.0, seen.silence.1));
        silences.max_by_key(|(_, silent, _)| *silent)
    }

    /// Of slots 0 to `users` − 1, those without a request since run time `since`.
    pub(crate) fn silent_since(&self, users: u32, since: Duration) -> Vec<u32> {
        (0..users).filter(|slot| self.slots.get(slot).is_none_or(|seen| seen.last < since)).collect()
    }

    /// Slots that are in a later life than their first.
    pub(crate) fn moved(&self) -> usize {
        self.slots.values().filter(|seen| seen.life >> 16 > 0).count()
    }
}
