//! Where pictures of the run hang for whoever watches it: each is made once, however many look, and only while somebody does.
//!
//! One task makes them from the newest view, five a second at most. A follower takes the newest one when it is ready for it;
//! what it missed in between is gone. So neither many followers nor slow ones cost the run anything but that one task.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::picture::pack;
use crate::view::{Phase, RunView};

/// Between two pictures.
const PACE: Duration = Duration::from_millis(200);

/// Followers at a time.
const MAX_FOLLOWERS: usize = 64;

/// The newest picture, and those who follow it.
#[derive(Debug, Clone)]
pub struct Gallery {
    newest: Arc<watch::Sender<Bytes>>,
    come: Arc<Notify>,
}

/// Follows the pictures.
#[derive(Debug)]
pub struct Follower(watch::Receiver<Bytes>);

impl Gallery {
    /// Pictures of `view`. Must be called within a runtime; its task ends with the run.
    pub fn new(view: watch::Receiver<RunView>) -> Self {
        let gallery = Self { newest: Arc::new(watch::Sender::default()), come: Arc::default() };
        tokio::spawn(gallery.clone().paint(view));
        gallery
    }

    /// Somebody looks; `None` when there are too many.
    pub fn follow(&self) -> Option<Follower> {
        // Two at once may both find the last place; one more does no harm.
        if self.newest.receiver_count() >= MAX_FOLLOWERS {
            return None;
        }
        let follower = Follower(self.newest.subscribe());
        self.come.notify_one();
        Some(follower)
    }

    /// Waits until nobody looks.
    pub async fn left(&self) {
        self.newest.closed().await;
    }

    async fn paint(self, mut view: watch::Receiver<RunView>) {
        loop {
            while self.newest.receiver_count() == 0 {
                self.come.notified().await;
            }
            let seen = view.borrow_and_update().clone();
            let finished = seen.phase == Phase::Finished;
            // Packing the picture of a thousand workers takes some milliseconds, which belong to nobody's messages.
            match tokio::task::spawn_blocking(move || pack(&seen)).await {
                Ok(Ok(picture)) => drop(self.newest.send_replace(picture)),
                Ok(Err(error)) => tracing::warn!("no picture for those who watch: {error}"),
                // The runtime is ending.
                Err(_) => return,
            }
            let changed = if finished {
                // Nothing changes any more; who comes now gets the last one.
                self.come.notified().await;
                Ok(())
            } else {
                self.wait(&mut view).await
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// Until the next picture is due: not too soon, but the last one at once.
    async fn wait(&self, view: &mut watch::Receiver<RunView>) -> Result<(), watch::error::RecvError> {
        // With eyes of its own: what it looks at while it waits counts as seen.
        let mut end = view.clone();
        tokio::select! {
            biased;
            last = end.wait_for(|view| view.phase == Phase::Finished) => return last.map(drop),
            () = tokio::time::sleep(PACE) => {}
        }
        tokio::select! {
            changed = view.changed() => changed,
            () = self.come.notified() => Ok(()),
        }
    }
}

impl Follower {
    /// The next picture that was not taken yet: the newest. `None` when there will be none.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}
