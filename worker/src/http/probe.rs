//! What a client lets the engine see while a request is under way, and after its future was dropped.
//!
//! Connections are told when they are made; of a request no more is told than one relaxed store. Atomics because reqwest makes
//! connections on other tasks; nothing contends for them.
//!
//! The other way round it tells the client whether a request may be written: between the begin of a request and its first byte
//! lies the time of connecting, and in that the worker's lease may have ended.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stampede_stats::outcome::FailureKind;
use stampede_stats::recorder::Connected;

use super::Failure;
use crate::lease::Lease;

/// What an exchange ends with that was given up before its first byte. Nobody gets to see it: the request is made again.
pub const HELD: Failure = Failure::new(FailureKind::Other, "held: the lease has ended");

/// The client does not say when a request is written: it is judged by its connections.
const GUESSED: u8 = 0;
/// The request under way is not written to its last byte.
const UNWRITTEN: u8 = 1;
/// The request under way is written to its last byte.
const WRITTEN: u8 = 2;

/// One user's connections, as far as its client tells.
#[derive(Debug, Default)]
pub struct Probe {
    /// Being made now.
    pending: AtomicU32,
    /// Made so far.
    made: AtomicU32,
    /// Whether one was given up since the exchange under way began.
    gave_up: AtomicBool,
    /// Time spent on making them, in ns.
    spent_ns: AtomicU64,
    /// Whether `news` has something.
    has_news: AtomicBool,
    /// Made and not yet booked, each with its target.
    news: Mutex<Vec<(String, Connected)>>,
    /// Where the exchange under way goes: a connection that is made belongs to it.
    target: Mutex<String>,
    /// Whether the request under way is written: one of the constants above.
    written: AtomicU8,
    /// Requests written so far by a pipeline.
    piped: AtomicU64,
    /// Under which its requests are made.
    lease: Arc<Lease>,
    /// Its user makes no request any more, whatever the lease says.
    revoked: AtomicBool,
    /// Whether the exchange under way, or the last one, was given up before its first byte.
    held: AtomicBool,
    /// The last name resolution, until the connection it was for is made.
    dns: Mutex<Option<Duration>>,
}

impl Probe {
    /// Of a user whose requests are made under `lease`.
    pub fn under(lease: Arc<Lease>) -> Self {
        Self { lease, ..Self::default() }
    }

    /// Whether a request may begin now.
    #[inline]
    pub fn may_begin(&self) -> bool {
        self.lease.holds() && !self.is_revoked()
    }

    /// No request may begin any more.
    pub fn revoke(&self) {
        self.revoked.store(true, Ordering::Relaxed);
    }

    /// Whether no request may begin any more.
    pub fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    /// To be asked by a client that had to connect, before the first byte of the request. If `false` comes the exchange ends
    /// there, with [`HELD`]; the connection is kept for when it is made again.
    #[must_use]
    pub fn may_write(&self) -> bool {
        let may = self.may_begin();
        if !may {
            self.held.store(true, Ordering::Relaxed);
        }
        may
    }

    /// Whether the last exchange was given up before its first byte; asked once.
    pub fn take_held(&self) -> bool {
        self.held.swap(false, Ordering::Relaxed)
    }

    /// An exchange with `target` begins, of a client that does not say when it has written a request.
    pub fn exchange_begins(&self, target: &str) {
        self.gave_up.store(false, Ordering::Relaxed);
        // A connection may have come too late for the exchange before.
        self.held.store(false, Ordering::Relaxed);
        self.written.store(GUESSED, Ordering::Relaxed);
        let mut known = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != target {
            target.clone_into(&mut known);
        }
    }

    /// The port of the exchange's target, if that is called `host`; 0 for others, such as proxies.
    pub fn target_port(&self, host: &str) -> u16 {
        let target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let port = target.strip_prefix(host).and_then(|rest| rest.strip_prefix(':'));
        port.and_then(|port| port.parse().ok()).unwrap_or(0)
    }

    /// An exchange begins, or has written its request to the last byte: of a client that says so.
    pub fn wrote(&self, all: bool) {
        self.written.store(if all { WRITTEN } else { UNWRITTEN }, Ordering::Relaxed);
    }

    /// A pipeline has written one more request to its last byte.
    pub fn wrote_one(&self) {
        self.piped.store(self.piped() + 1, Ordering::Relaxed);
    }

    /// Requests written so far by a pipeline.
    pub fn piped(&self) -> u64 {
        self.piped.load(Ordering::Relaxed)
    }

    /// A connection to `target` was made, by a client that knows everything about it.
    pub fn made(&self, target: String, connected: Connected) {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).push((target, connected));
        self.has_news.store(true, Ordering::Release);
    }

    /// A connection is being made.
    pub fn connecting(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    /// A name was resolved.
    pub fn resolved(&self, took: Duration) {
        *self.dns.lock().unwrap_or_else(PoisonError::into_inner) = Some(took);
    }

    /// It was made, or (`None`) it was not.
    pub fn connected(&self, made: Option<Duration>) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
        let dns = self.dns.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(took) = made else {
            self.gave_up.store(true, Ordering::Relaxed);
            return;
        };
        self.made.fetch_add(1, Ordering::Relaxed);
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.spent_ns.fetch_add(ns, Ordering::Relaxed);
        let connect = took.saturating_sub(dns.unwrap_or_default());
        let connected = Connected { dns, connect: Some(connect), tls: None };
        let target = self.target.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.made(target, connected);
    }

    /// Whether the request of the exchange under way, or just given up, was written.
    pub fn has_written(&self) -> bool {
        match self.written.load(Ordering::Relaxed) {
            GUESSED => self.has_connection(),
            state => state == WRITTEN,
        }
    }

    /// Whether the exchange under way can have written its request: there was a connection, and none was being made for it or
    /// given up with it.
    pub fn has_connection(&self) -> bool {
        self.made.load(Ordering::Relaxed) > 0
            && self.pending.load(Ordering::Relaxed) == 0
            && !self.gave_up.load(Ordering::Relaxed)
    }

    /// Time spent on making connections so far.
    pub fn spent_connecting(&self) -> Duration {
        Duration::from_nanos(self.spent_ns.load(Ordering::Relaxed))
    }

    /// Connections made since the last call, each with its target.
    pub fn take_news(&self) -> Vec<(String, Connected)> {
        if !self.has_news.load(Ordering::Acquire) {
            return Vec::new();
        }
        self.has_news.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_can_be_written_only_over_a_finished_connection() {
        let probe = Probe::default();
        assert!(!probe.has_connection());
        probe.connecting();
        assert!(!probe.has_connection());
        probe.resolved(Duration::from_millis(2));
        probe.connected(Some(Duration::from_millis(5)));
        assert!(probe.has_connection());
        probe.connecting();
        assert!(!probe.has_connection(), "the old one is gone, or there would be no new one");
        probe.connected(None);
        assert!(!probe.has_connection(), "it was given up, and the request with it");
        probe.exchange_begins("h:80");
        assert!(probe.has_connection() && probe.has_written());
        probe.wrote(false);
        assert!(!probe.has_written());
        probe.wrote(true);
        assert!(probe.has_written());
        let news = probe.take_news();
        assert_eq!(news.len(), 1);
        assert_eq!(news[0].1.dns, Some(Duration::from_millis(2)));
        assert_eq!(news[0].1.connect, Some(Duration::from_millis(3)));
        assert!(probe.take_news().is_empty());
    }
}
