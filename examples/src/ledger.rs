//! What the target has seen: the counts and, when asked for, the log. It is written before a request is
//! routed, so it knows nothing of answers; and it never forgets by itself, only when it is full.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::http::{HeaderMap, Method, Uri};
use serde::{Deserialize, Serialize};

/// Distinct pairs of method and path; what comes later is counted under [`OTHER`]. A scenario with random
/// values in its paths must not fill the memory of the target.
const MAX_PATHS: usize = 10_000;

/// The row of everything beyond [`MAX_PATHS`].
const OTHER: &str = "(other)";

/// Requests the log keeps, some 200 MB; later ones are counted but not logged.
const MAX_LOG: usize = 1_000_000;

/// One request as `/__log` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When its head had been parsed, in microseconds since the target was started. Never falls from one
    /// entry to the next.
    pub t_us: u64,
    /// The method, as sent.
    pub method: String,
    /// The path, as sent: still percent-encoded, without the query.
    pub path: String,
    /// The query without its `?`; empty when there is none.
    pub query: String,
    /// The headers whose name begins with `x-`, names in lower case; a repeated one joined by `, `.
    pub headers: BTreeMap<String, String>,
}

/// The counts and the log of one target.
#[derive(Debug)]
pub(crate) struct Ledger {
    started: Instant,
    connections: AtomicU64,
    counts: Mutex<Counts>,
    /// `None` when nothing is logged.
    log: Option<Mutex<Vec<LogEntry>>>,
}

/// One lock for all of it: it is held for one look-up, less than parsing one header takes.
#[derive(Debug, Default)]
struct Counts {
    /// By method first, so that a look-up borrows the path and allocates nothing.
    seen: HashMap<Method, HashMap<Box<str>, u64>>,
    /// How many pairs `seen` holds.
    distinct: usize,
    other: u64,
}

impl Ledger {
    pub(crate) fn new(record_log: bool) -> Self {
        Self {
            started: Instant::now(),
            connections: AtomicU64::new(0),
            counts: Mutex::default(),
            log: record_log.then(Mutex::default),
        }
    }

    /// Notes a request. What asks for the truth is not part of it.
    pub(crate) fn request(&self, method: &Method, uri: &Uri, headers: &HeaderMap) {
        if matches!(uri.path(), "/__counts" | "/__log") {
            return;
        }
        lock(&self.counts).add(method, uri.path());
        if let Some(log) = &self.log {
            self.write_log(log, method, uri, headers);
        }
    }

    pub(crate) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// The counts by `METHOD /path`.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let counts = lock(&self.counts);
        let rows = counts.seen.iter().flat_map(|(method, paths)| {
            paths.iter().map(move |(path, count)| (format!("{method} {path}"), *count))
        });
        let other = (counts.other > 0).then(|| (OTHER.to_owned(), counts.other));
        rows.chain(other).collect()
    }

    /// Begins counting requests and connections from zero. The log stays.
    pub(crate) fn reset(&self) {
        *lock(&self.counts) = Counts::default();
        self.connections.store(0, Ordering::Relaxed);
    }

    /// The log in order of arrival; `None` when there is none.
    pub(crate) fn log(&self) -> Option<Vec<LogEntry>> {
        self.log.as_ref().map(|log| lock(log).clone())
    }

    fn write_log(&self, log: &Mutex<Vec<LogEntry>>, method: &Method, uri: &Uri, headers: &HeaderMap) {
        let mut entry = LogEntry {
            t_us: 0,
            method: method.as_str().to_owned(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: joined(headers, |name| name.starts_with("x-")),
        };
        let mut log = lock(log);
        if log.len() < MAX_LOG {
            // The clock is read under the lock: otherwise two threads could write their times in the wrong
            // order.
            entry.t_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
            log.push(entry);
        }
    }
}

impl Counts {
    fn add(&mut self, method: &Method, path: &str) {
        if let Some(count) = self.seen.get_mut(method).and_then(|paths| paths.get_mut(path)) {
            *count += 1;
        } else if self.distinct < MAX_PATHS {
            self.distinct += 1;
            self.seen.entry(method.clone()).or_default().insert(path.into(), 1);
        } else {
            self.other += 1;
        }
    }
}

/// The chosen headers as text, those of one name joined by `, `.
pub(crate) fn joined(headers: &HeaderMap, choose: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers.iter().filter(|(name, _)| choose(name.as_str())) {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    joined
}

/// Nothing panics while it holds one of these locks, and a count would still be one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(ledger: &Ledger, method: &Method, uri: &str) {
        ledger.request(method, &uri.parse().expect("a valid URI"), &HeaderMap::new());
    }

    #[test]
    fn paths_beyond_the_limit_share_one_row() {
        let ledger = Ledger::new(false);
        for i in 0..MAX_PATHS + 5 {
            see(&ledger, &Method::GET, &format!("/{i}"));
        }
        see(&ledger, &Method::GET, "/7?known=path");
        see(&ledger, &Method::POST, "/7");
        let counts = ledger.counts();
        assert_eq!(counts.len(), MAX_PATHS + 1);
        assert_eq!(counts["GET /7"], 2);
        assert_eq!(counts[OTHER], 6);
        assert_eq!(counts.values().sum::<u64>(), MAX_PATHS as u64 + 7);
    }

    #[test]
    fn the_log_keeps_order_and_x_headers() {
        let ledger = Ledger::new(true);
        let mut headers = HeaderMap::new();
        headers.append("x-a", "1".parse().expect("valid"));
        headers.append("x-a", "2".parse().expect("valid"));
        headers.append("accept", "text/html".parse().expect("valid"));
        ledger.request(&Method::GET, &"/a%20b?q=1".parse().expect("valid"), &headers);
        see(&ledger, &Method::GET, "/__log");
        see(&ledger, &Method::PUT, "/c");
        let log = ledger.log().expect("enabled");
        assert_eq!(log.len(), 2);
        assert_eq!((log[0].path.as_str(), log[0].query.as_str()), ("/a%20b", "q=1"));
        assert_eq!(log[0].headers, BTreeMap::from([("x-a".to_owned(), "1, 2".to_owned())]));
        assert_eq!((log[1].method.as_str(), log[1].path.as_str(), log[1].query.as_str()), ("PUT", "/c", ""));
        assert!(log[0].t_us <= log[1].t_us);
    }
}
