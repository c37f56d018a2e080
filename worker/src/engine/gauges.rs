//! What a load thread shows between two intervals: running counts for heartbeats, and that it is alive.
//!
//! Written a hundred times a second by its thread, read twice a second by the control side; never per request.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::context::Context;

/// What a thread shows of itself at one moment.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Requests begun so far.
    pub started: u64,
    /// Iterations begun so far.
    pub begun: u64,
    /// Iterations ended so far.
    pub ended: u64,
    /// Arrivals dropped so far.
    pub dropped: u64,
    /// Slots that stay empty because their users have ended by themselves.
    pub stopped: u32,
    /// Users alive by class.
    pub users: Vec<u32>,
}

/// One thread's showing.
#[derive(Debug)]
pub struct ThreadGauges {
    born: Instant,
    /// Requests begun so far.
    started: AtomicU64,
    /// Iterations begun so far.
    begun: AtomicU64,
    /// Iterations ended so far.
    ended: AtomicU64,
    /// Arrivals dropped so far.
    dropped: AtomicU64,
    /// Slots that stay empty because their users have ended by themselves.
    stopped: AtomicU32,
    /// Milliseconds after `born` at which it last came by.
    seen_ms: AtomicU32,
    /// Users alive by class.
    users: Mutex<Vec<u32>>,
}

impl Default for ThreadGauges {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            started: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            stopped: AtomicU32::new(0),
            seen_ms: AtomicU32::new(0),
            users: Mutex::default(),
        }
    }
}

impl ThreadGauges {
    /// The thread came by with these counts.
    pub(super) fn show(&self, now: Instant, context: &Context, stopped: u32, users: &[u32]) {
        self.stopped.store(stopped, Ordering::Relaxed);
        let (begun, ended) = (context.begun.get(), context.ended_iterations.get());
        self.store(now, context.started.get(), (begun, ended, context.dropped.get()), users);
    }

    /// The same, of a thread that is only a model of one.
    pub fn set(&self, now: Instant, shown: &Shown) {
        let Shown { started, begun, ended, dropped, stopped, users } = shown;
        self.stopped.store(*stopped, Ordering::Relaxed);
        self.store(now, *started, (*begun, *ended, *dropped), users);
    }

    fn store(&self, now: Instant, started: u64, (begun, ended, dropped): (u64, u64, u64), users: &[u32]) {
        self.started.store(started, Ordering::Relaxed);
        // Ended before begun: whoever reads in between sees something under way rather than more ended than begun.
        self.ended.store(ended, Ordering::Release);
        self.begun.store(begun, Ordering::Release);
        self.dropped.store(dropped, Ordering::Relaxed);
        let ms = now.saturating_duration_since(self.born).as_millis();
        self.seen_ms.store(u32::try_from(ms).unwrap_or(u32::MAX), Ordering::Relaxed);
        let mut shown = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown != users {
            shown.clear();
            shown.extend_from_slice(users);
        }
    }

    /// Requests begun.
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// Iterations begun.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Iterations ended.
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// Arrivals dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Slots that stay empty because their users have ended by themselves.
    pub fn stopped(&self) -> u32 {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Since the thread last came by.
    pub fn age(&self, now: Instant) -> Duration {
        let seen = Duration::from_millis(u64::from(self.seen_ms.load(Ordering::Relaxed)));
        now.saturating_duration_since(self.born).saturating_sub(seen)
    }

    /// Adds its users alive, by class.
    pub fn add_users(&self, sum: &mut Vec<u32>) {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if sum.len() < users.len() {
            sum.resize(users.len(), 0);
        }
        sum.iter_mut().zip(users.iter()).for_each(|(sum, users)| *sum += users);
    }
}
