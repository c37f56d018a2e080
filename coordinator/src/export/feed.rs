//! From the run's task to the exporters: figures once a second, handed on without ever waiting for anybody.
//!
//! The newest are in a `watch` channel, for scrapes. Those who want each of them read a `broadcast` channel, which keeps so
//! many and drops the oldest: who is too slow loses seconds, and nobody else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::figures::Figures;
use crate::run::{Before, Run};

/// Figures kept for an exporter that is slow.
pub const QUEUE: usize = 64;

/// Figures are made when the seconds that everybody has reported are more, but no sooner than this after the last.
const SOONEST: Duration = Duration::from_millis(500);

/// And at the latest so long after the last.
const LATEST: Duration = Duration::from_millis(1500);

/// Figures and when they were made.
#[derive(Debug, Clone)]
pub struct Tick {
    /// On a wall clock that was read once, so that it never goes back.
    pub at: Timestamp,
    /// The figures.
    pub figures: Figures,
    /// Of a run that was gone on with: what the first figures count was exported before its coordinator died.
    pub resumed: bool,
}

/// Where figures go.
#[derive(Debug, Clone)]
pub struct Feed {
    newest: watch::Sender<Option<Arc<Tick>>>,
    each: broadcast::Sender<Arc<Tick>>,
    published: Arc<AtomicU64>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            newest: watch::Sender::new(None),
            each: broadcast::Sender::new(QUEUE),
            published: Arc::default(),
        }
    }
}

impl Feed {
    /// The newest figures, whenever somebody looks.
    pub fn newest(&self) -> watch::Receiver<Option<Arc<Tick>>> {
        self.newest.subscribe()
    }

    /// Figures one after the other, from the start of the run.
    pub fn each(&self) -> broadcast::Receiver<Arc<Tick>> {
        self.each.subscribe()
    }

    /// How many were given to each exporter so far; counts on when the feed is gone.
    pub fn published(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.published)
    }

    /// Hands figures on.
    pub fn publish(&self, tick: Tick) {
        let tick = Arc::new(tick);
        self.newest.send_replace(Some(Arc::clone(&tick)));
        // Before the start there is nothing that somebody would want to keep.
        if tick.figures.started {
            self.published.fetch_add(1, Ordering::Relaxed);
            // Without exporters that want each of them there is no receiver.
            let _ = self.each.send(tick);
        }
    }
}

/// The run's side of it: when figures are made.
#[derive(Debug)]
pub struct Exporting {
    feed: Feed,
    before: Before,
    /// Wall clock at zero of the coordinator's clock.
    zero: Timestamp,
    resumed: bool,
    last: Option<Last>,
}

/// The figures made last.
#[derive(Debug, Clone, Copy)]
struct Last {
    at: Duration,
    second: u32,
    started: bool,
    over: bool,
}

impl Exporting {
    /// Of a run whose clock was zero at `epoch`. What it has measured already is not recent.
    pub fn new(feed: Feed, run: &Run, epoch: Instant) -> Self {
        let (now, since) = (Timestamp::now(), epoch.elapsed());
        let mut before = Before::default();
        run.figures(&mut before, since);
        let zero = now.checked_sub(since).unwrap_or(now);
        Self { feed, before, zero, resumed: run.started().is_some(), last: None }
    }

    /// Makes figures if it is time to.
    pub fn look(&mut self, run: &Run, now: Duration) {
        let next =
            Last { at: now, second: run.reported(), started: run.started().is_some(), over: run.is_over() };
        if !is_due(self.last, next) {
            return;
        }
        self.last = Some(next);
        let figures = run.figures(&mut self.before, now);
        let at = self.zero.checked_add(now).unwrap_or(self.zero);
        self.feed.publish(Tick { at, figures, resumed: self.resumed });
    }
}

fn is_due(last: Option<Last>, next: Last) -> bool {
    let Some(last) = last else { return true };
    let since = next.at.saturating_sub(last.at);
    let more = next.second > last.second && since >= SOONEST;
    // The last ones of a run are made once.
    !last.over && (more || since >= LATEST || next.started != last.started || next.over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_made_once_a_second_at_the_start_and_at_the_end() {
        let last = Last { at: Duration::from_secs(10), second: 4, started: true, over: false };
        let later = |ms| Last { at: last.at + Duration::from_millis(ms), ..last };
        assert!(is_due(None, last));
        assert!(!is_due(Some(last), later(1400)), "nothing new");
        assert!(is_due(Some(last), later(1500)), "nothing new, and long ago");
        assert!(is_due(Some(last), Last { second: 5, ..later(500) }));
        assert!(!is_due(Some(last), Last { second: 5, ..later(400) }));
        assert!(is_due(Some(last), Last { over: true, ..later(100) }));
        assert!(!is_due(Some(Last { over: true, ..last }), Last { over: true, ..later(5000) }));
        assert!(is_due(Some(Last { started: false, ..last }), later(100)));
    }
}
