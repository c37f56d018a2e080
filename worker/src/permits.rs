//! Iterations as a common good: `--iterations N` comes to the worker in blocks and from there to its threads.
//!
//! Never more begin than were granted; what a thread did not begin it hands back. Without a limit a permit costs nothing.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// A worker's iterations.
#[derive(Debug)]
pub struct IterationPool {
    threads: u64,
    /// Granted by the coordinator and taken by threads, both so far.
    state: Mutex<Pool>,
    changed: Notify,
    /// Wakes whoever can ask the coordinator for more.
    asked: Notify,
}

#[derive(Debug, Default)]
struct Pool {
    granted: u64,
    taken: u64,
    /// Whether a thread found nothing to take since the last grant.
    hungry: bool,
}

impl IterationPool {
    /// An empty pool for `threads` load threads.
    pub fn new(threads: usize) -> Arc<Self> {
        Arc::new(Self {
            threads: threads as u64,
            state: Mutex::default(),
            changed: Notify::new(),
            asked: Notify::new(),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Pool> {
        // Counters stay whole whatever panicked around them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The coordinator granted `total` so far.
    pub fn grant(&self, total: u64) {
        let mut state = self.state();
        state.granted = state.granted.max(total);
        state.hungry = false;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Whether users wait for more.
    pub fn is_hungry(&self) -> bool {
        self.state().hungry
    }

    /// Returns when users have begun to wait for more.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Granted so far.
    pub fn granted(&self) -> u64 {
        self.state().granted
    }

    /// A block for one thread: half an even share of what is left, at least one. `None`: nothing there now.
    fn take(&self) -> Option<u64> {
        let mut state = self.state();
        let left = state.granted - state.taken;
        if left == 0 {
            if !std::mem::replace(&mut state.hungry, true) {
                self.asked.notify_one();
            }
            return None;
        }
        let block = (left / (2 * self.threads)).max(1);
        state.taken += block;
        Some(block)
    }

    fn give_back(&self, block: u64) {
        self.state().taken -= block;
        self.changed.notify_waiters();
    }
}

/// A load thread's hand in the pool.
#[derive(Debug)]
pub struct Permits {
    /// `None`: as many as they like.
    pool: Option<Arc<IterationPool>>,
    left: Cell<u64>,
}

impl Permits {
    /// For one thread; without a pool there is no limit.
    pub fn new(pool: Option<Arc<IterationPool>>) -> Self {
        Self { pool, left: Cell::new(0) }
    }

    /// Takes the permit for one more iteration if it is at hand.
    pub fn try_next(&self) -> bool {
        if self.pool.is_none() {
            return true;
        }
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }

    /// Waits until one more iteration may begin. When there are no more it waits until the run is stopped.
    pub async fn next(&self) {
        let Some(pool) = &self.pool else { return };
        loop {
            // Registered before looking, so that a grant in between is not missed.
            let changed = pool.changed.notified();
            if self.left.get() == 0 {
                if let Some(block) = pool.take() {
                    self.left.set(block);
                } else {
                    changed.await;
                    continue;
                }
            }
            self.left.set(self.left.get() - 1);
            return;
        }
    }

    /// Takes back a permit that was given out: its iteration was not begun.
    pub fn put_back(&self) {
        if self.pool.is_some() {
            self.left.set(self.left.get() + 1);
        }
    }

    /// Gives back what was not begun.
    pub fn give_back(&self) {
        if let Some(pool) = &self.pool {
            pool.give_back(self.left.replace(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins as many as may, and says how many.
    async fn begin_all(permits: &Permits) -> u64 {
        let mut begun = 0;
        loop {
            tokio::select! {
                biased;
                () = permits.next() => begun += 1,
                () = std::future::ready(()) => break,
            }
        }
        begun
    }

    #[tokio::test]
    async fn exactly_what_was_granted_may_begin() {
        let pool = IterationPool::new(2);
        let threads = [Permits::new(Some(Arc::clone(&pool))), Permits::new(Some(Arc::clone(&pool)))];
        pool.grant(7);
        pool.grant(5);
        pool.grant(11);
        assert_eq!(begin_all(&threads[0]).await + begin_all(&threads[1]).await, 11);
        assert!(pool.is_hungry());
    }

    #[tokio::test]
    async fn what_was_not_begun_goes_to_others() {
        let pool = IterationPool::new(1);
        let (a, b) = (Permits::new(Some(Arc::clone(&pool))), Permits::new(Some(Arc::clone(&pool))));
        pool.grant(10);
        a.next().await;
        a.give_back();
        assert_eq!(begin_all(&b).await, 9);
    }

    #[tokio::test]
    async fn a_waiting_user_goes_on_when_more_is_granted() {
        let pool = IterationPool::new(1);
        let permits = Permits::new(Some(Arc::clone(&pool)));
        tokio::join!(permits.next(), async {
            tokio::task::yield_now().await;
            assert!(pool.is_hungry());
            pool.grant(1);
        });
        assert!(!pool.is_hungry());
    }
}
