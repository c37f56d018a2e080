//! An exporter that wants each of a run's figures: a task that takes them one after the other, and an account of what it lost.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::feed::Tick;

/// Where figures are delivered to.
pub(super) trait Receiver: Send + 'static {
    /// Delivers them, or says in a few words why not.
    fn deliver(&mut self, tick: &Arc<Tick>) -> impl Future<Output = Result<(), String>> + Send;
}

/// What an exporter delivered.
#[derive(Debug)]
pub(super) struct Tally {
    /// The exporter as it is called in messages; without secrets.
    pub(super) name: String,
    delivered: AtomicU64,
    /// Why something was not, most recently.
    error: Mutex<Option<String>>,
    /// It was said that nothing arrives, and nothing has since.
    said: AtomicBool,
}

impl Tally {
    pub(super) fn new(name: String) -> Self {
        Self { name, delivered: AtomicU64::new(0), error: Mutex::new(None), said: AtomicBool::new(false) }
    }

    /// Something was delivered.
    pub(super) fn delivered(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        self.said.store(false, Ordering::Relaxed);
    }

    /// Something was not delivered; said once until something is again.
    pub(super) fn failed(&self, why: String) {
        if !self.said.swap(true, Ordering::Relaxed) {
            tracing::warn!("{}: {why}", self.name);
        }
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// What is to be said when so many were `published`, and no more is delivered.
    pub(super) fn losses(&self, published: u64) -> Option<String> {
        let lost = published.saturating_sub(self.delivered.load(Ordering::Relaxed));
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        let why = error.as_deref().unwrap_or("the receiver is too slow");
        let name = &self.name;
        (lost > 0).then(|| format!("{name}: {lost} of {published} seconds were not delivered: {why}"))
    }
}

/// Delivers each of `ticks` that is still there when its turn comes.
pub(super) async fn follow(
    mut receiver: impl Receiver,
    mut ticks: broadcast::Receiver<Arc<Tick>>,
    tally: Arc<Tally>,
) {
    loop {
        match ticks.recv().await {
            Ok(tick) => match receiver.deliver(&tick).await {
                Ok(()) => tally.delivered(),
                Err(why) => tally.failed(why),
            },
            // They count as lost because they were published and are never delivered.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_said_with_their_cause() {
        let tally = Tally::new("--statsd h:8125".to_owned());
        assert_eq!(tally.losses(0), None);
        tally.delivered();
        assert_eq!(tally.losses(1), None);
        let slow = "--statsd h:8125: 2 of 3 seconds were not delivered: the receiver is too slow";
        assert_eq!(tally.losses(3).as_deref(), Some(slow));
        tally.failed("connection refused".to_owned());
        let refused = "--statsd h:8125: 1 of 2 seconds were not delivered: connection refused";
        assert_eq!(tally.losses(2).as_deref(), Some(refused));
    }
}
