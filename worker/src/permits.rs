//! Iterations as a common good: `--iterations N` comes to the worker in blocks and from there to its threads.
//!
//! Never more begin than were granted; what a thread did not begin it hands back. Without a limit a permit costs nothing.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// A worker's iterations.
#[derive(Debug)]
pub struct IterationPool {
    threads: u64,
    /// Granted by the coordinator and taken by threads, both so far.
    state: Mutex<Pool>,
    /// Whether a thread found nothing to take.
    hungry: AtomicBool,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pool {
    granted: u64,
    taken: u64,
    exhausted: bool,
}

impl IterationPool {
    /// An empty pool for `threads` load threads.
    pub fn new(threads: usize) -> Arc<Self> {
        Arc::new(Self {
            threads: threads as u64,
            state: Mutex::default(),
            hungry: AtomicBool::new(false),
            changed: Notify::new(),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Pool> {
        // Counters stay whole whatever panicked around them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The coordinator granted `total` so far; `exhausted`: there will be no more.
    pub fn grant(&self, total: u64, exhausted: bool) {
        let mut state = self.state();
        state.granted = state.granted.max(total);
        state.exhausted |= exhausted;
        drop(state);
        self.hungry.store(false, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Whether users wait for more.
    pub fn is_hungry(&self) -> bool {
        self.hungry.load(Ordering::Relaxed)
    }

    /// Granted so far.
    pub fn granted(&self) -> u64 {
        self.state().granted
    }

    /// A block for one thread: half an even share of what is left, at least one. `None`: nothing there now.
    fn take(&self) -> Result<u64, Empty> {
        let mut state = self.state();
        let left = state.granted - state.taken;
        if left == 0 {
            return Err(if state.exhausted { Empty::ForGood } else { Empty::ForNow });
        }
        let block = (left / (2 * self.threads)).max(1);
        state.taken += block;
        Ok(block)
    }

    fn give_back(&self, block: u64) {
        self.state().taken -= block;
        self.changed.notify_waiters();
    }
}

enum Empty {
    ForNow,
    ForGood,
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

    /// Waits until one more iteration may begin; `false`: never again.
    pub async fn next(&self) -> bool {
        let Some(pool) = &self.pool else { return true };
        loop {
            // Registered before looking, so that a grant in between is not missed.
            let changed = pool.changed.notified();
            if self.left.get() == 0 {
                match pool.take() {
                    Ok(block) => self.left.set(block),
                    Err(Empty::ForGood) => return false,
                    Err(Empty::ForNow) => {
                        pool.hungry.store(true, Ordering::Relaxed);
                        changed.await;
                        continue;
                    }
                }
            }
            self.left.set(self.left.get() - 1);
            return true;
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

    #[tokio::test]
    async fn exactly_what_was_granted_may_begin() {
        let pool = IterationPool::new(2);
        let threads = [Permits::new(Some(Arc::clone(&pool))), Permits::new(Some(Arc::clone(&pool)))];
        pool.grant(7, false);
        pool.grant(5, false);
        pool.grant(11, true);
        let mut begun = 0;
        while threads[begun % 2].next().await {
            begun += 1;
        }
        let other = &threads[(begun + 1) % 2];
        while other.next().await {
            begun += 1;
        }
        assert_eq!(begun, 11);
    }

    #[tokio::test]
    async fn what_was_not_begun_goes_to_others() {
        let pool = IterationPool::new(1);
        let (a, b) = (Permits::new(Some(Arc::clone(&pool))), Permits::new(Some(Arc::clone(&pool))));
        pool.grant(10, true);
        assert!(a.next().await);
        a.give_back();
        let mut begun = 0;
        while b.next().await {
            begun += 1;
        }
        assert_eq!(begun, 9);
    }

    #[tokio::test]
    async fn a_waiting_user_goes_on_when_more_is_granted() {
        let pool = IterationPool::new(1);
        let permits = Permits::new(Some(Arc::clone(&pool)));
        let (got, ()) = tokio::join!(permits.next(), async {
            tokio::task::yield_now().await;
            assert!(pool.is_hungry());
            pool.grant(1, false);
        });
        assert!(got);
        assert!(!pool.is_hungry());
    }
}
