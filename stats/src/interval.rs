//! What one load thread measured in one interval of run time: filled on the hot path, read and cleared elsewhere.

use std::sync::Arc;

use crate::counts::IterationCounts;
use crate::endpoint::{EndpointKey, EndpointStats};
use crate::histogram::{PHASE_DIGITS, Times};
use crate::outcome::FailureKind;

/// Distinct failures kept for one interval of one thread; the rest goes under `(other)`.
pub const MAX_ERRORS: usize = 128;

/// Longest failure message kept, in bytes.
pub const MAX_MESSAGE: usize = 300;

/// Distinct target hosts kept for one interval of one thread.
const MAX_TARGETS: usize = 64;

/// One thread's measurements of the run seconds `[from_s, to_s)`.
#[derive(Debug, Default)]
pub struct Interval {
    /// First run second.
    pub from_s: u32,
    /// First run second that is not in it.
    pub to_s: u32,
    /// Whether it lies behind the stop instant.
    pub draining: bool,
    /// Whether another part of the same second follows: the stop instant splits its second.
    pub partial: bool,
    /// By endpoint number of the thread; `None` where nothing happened yet since the interval's memory was made.
    pub endpoints: Vec<Option<Box<EndpointSlot>>>,
    /// Failures by cause.
    pub errors: Vec<ErrorRow>,
    /// What became of iterations that are measured.
    pub iterations: IterationCounts,
    /// What became of iterations of the warm-up.
    pub warmup_iterations: IterationCounts,
    /// Connections made, by host.
    pub targets: Vec<TargetRow>,
    /// Gauges at the moment it was closed.
    pub gauges: Gauges,
    /// How late the thread's own 100 Hz probe was.
    pub lag: Option<Box<Times<u32>>>,
    /// How late arrivals were begun.
    pub lateness: Option<Box<Times<u32>>>,
}

/// An endpoint's key beside its figures, so that an interval can be read without the thread's tables.
#[derive(Debug)]
pub struct EndpointSlot {
    /// Which endpoint.
    pub key: Arc<EndpointKey>,
    /// Its figures.
    pub stats: EndpointStats<u32>,
}

/// Failures of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRow {
    /// Where.
    pub key: Arc<EndpointKey>,
    /// What kind.
    pub kind: FailureKind,
    /// In words.
    pub message: String,
    /// How often.
    pub count: u64,
    /// Run second of the first.
    pub first_s: u32,
    /// Run second of the last.
    pub last_s: u32,
}

/// Connections to one host. DNS, connecting and TLS are a target's, not an endpoint's.
#[derive(Debug, Clone)]
pub struct TargetRow {
    /// `host:port`.
    pub host: String,
    /// Connections made.
    pub connections: u64,
    /// Name resolution.
    pub dns: Times<u32>,
    /// Connecting (with TLS where the client cannot tell them apart).
    pub connect: Times<u32>,
    /// TLS handshakes.
    pub tls: Times<u32>,
}

/// What is true at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Requests begun and not ended.
    pub in_flight: u64,
    /// Iterations begun and not ended.
    pub iterations_in_flight: u64,
    /// How long the oldest of the requests in flight has been, in ns.
    pub oldest_ns: u64,
    /// Run time at which a request last completed, in ns; 0 before the first.
    pub last_end_ns: u64,
    /// Users alive, by class.
    pub users: Vec<u32>,
    /// CPU time of the thread within the interval, in ns.
    pub cpu_ns: u64,
}

impl Interval {
    /// Empty, for the seconds `[from_s, to_s)`.
    pub fn new(from_s: u32, to_s: u32) -> Self {
        Self { from_s, to_s, ..Self::default() }
    }

    /// Empties it for other seconds, keeping the memory.
    pub fn reset(&mut self, from_s: u32, to_s: u32) {
        self.from_s = from_s;
        self.to_s = to_s;
        self.draining = false;
        self.partial = false;
        self.endpoints.iter_mut().flatten().for_each(|slot| slot.stats.clear());
        self.errors.clear();
        self.targets.clear();
        self.iterations = IterationCounts::default();
        self.warmup_iterations = IterationCounts::default();
        self.gauges = Gauges::default();
        for times in [&mut self.lag, &mut self.lateness].into_iter().flatten() {
            times.clear();
        }
    }

    /// The figures of endpoint number `index`, made at its first use.
    pub(crate) fn endpoint(&mut self, index: usize, key: &Arc<EndpointKey>) -> &mut EndpointStats<u32> {
        if index >= self.endpoints.len() {
            self.endpoints.resize_with(index + 1, || None);
        }
        let slot = self.endpoints[index].get_or_insert_with(|| {
            Box::new(EndpointSlot { key: Arc::clone(key), stats: EndpointStats::default() })
        });
        &mut slot.stats
    }

    /// Books a failure.
    pub(crate) fn error(&mut self, key: &Arc<EndpointKey>, kind: FailureKind, message: &str, second: u32) {
        let message = clip(message);
        let found = self.errors.iter().position(|row| {
            row.kind == kind && row.message == message && (Arc::ptr_eq(&row.key, key) || row.key == *key)
        });
        let full = self.errors.len() >= MAX_ERRORS;
        let index = match found {
            Some(index) => index,
            None if full => self.other_error(key, second),
            None => {
                self.errors.push(ErrorRow {
                    key: Arc::clone(key),
                    kind,
                    message: message.to_owned(),
                    count: 0,
                    first_s: second,
                    last_s: second,
                });
                self.errors.len() - 1
            }
        };
        let row = &mut self.errors[index];
        row.count += 1;
        row.last_s = second;
    }

    fn other_error(&mut self, key: &EndpointKey, second: u32) -> usize {
        let other = EndpointKey::other_of(key);
        let found = self.errors.iter().position(|row| *row.key == other);
        found.unwrap_or_else(|| {
            self.errors.push(ErrorRow {
                key: Arc::new(other.clone()),
                kind: FailureKind::Other,
                message: other.name,
                count: 0,
                first_s: second,
                last_s: second,
            });
            self.errors.len() - 1
        })
    }

    /// The row of `host`, made at its first use; beyond a limit the row `(other)`.
    pub(crate) fn target(&mut self, host: &str) -> &mut TargetRow {
        let name = if self.targets.len() < MAX_TARGETS { host } else { crate::endpoint::OTHER };
        let found = self.targets.iter().position(|row| row.host == host);
        let found = found.or_else(|| self.targets.iter().position(|row| row.host == name));
        let index = found.unwrap_or_else(|| {
            self.targets.push(TargetRow {
                host: name.to_owned(),
                connections: 0,
                dns: Times::new(PHASE_DIGITS),
                connect: Times::new(PHASE_DIGITS),
                tls: Times::new(PHASE_DIGITS),
            });
            self.targets.len() - 1
        });
        &mut self.targets[index]
    }
}

/// `message` cut to what a report keeps, at a character's border.
fn clip(message: &str) -> &str {
    cut(message, MAX_MESSAGE)
}

/// `text` cut to `most` bytes, at a character's border.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_failures_beyond_the_limit_share_a_row() {
        let mut interval = Interval::new(0, 1);
        let key = Arc::new(EndpointKey::new("GET", "/"));
        for n in 0..MAX_ERRORS + 50 {
            interval.error(&key, FailureKind::Status, &format!("status {n}"), 0);
        }
        assert_eq!(interval.errors.len(), MAX_ERRORS + 1);
        let last = interval.errors.last().expect("has rows");
        assert_eq!((last.key.name.as_str(), last.count), ("(other)", 50));
        let total: u64 = interval.errors.iter().map(|row| row.count).sum();
        assert_eq!(total, MAX_ERRORS as u64 + 50);
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let text = "é".repeat(MAX_MESSAGE);
        assert_eq!(clip(&text).len(), MAX_MESSAGE);
        assert_eq!(clip(&text[2..]).chars().next(), Some('é'));
    }

    #[test]
    fn hosts_beyond_the_limit_share_a_row() {
        let mut interval = Interval::new(0, 1);
        for n in 0..100 {
            interval.target(&format!("h{n}:80")).connections += 1;
        }
        assert_eq!(interval.targets.len(), MAX_TARGETS + 1);
        assert_eq!(interval.targets.iter().map(|t| t.connections).sum::<u64>(), 100);
    }
}
