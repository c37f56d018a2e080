//! What a load thread of the simulation tells the session: what it follows and released, what it measured, its end.
//!
//! Nothing of it is lost when the queue of events is full: it waits for the next tick, as with a real thread.

use std::mem;

use stampede_worker::engine::Event;
use tokio::time::Instant;

use super::Thread;

impl Thread {
    /// Tells what there is to tell, as far as there is room.
    pub(super) fn tell(&mut self) {
        let thread = self.number;
        while let Ok(room) = self.events.try_reserve() {
            if let Some(revision) = self.followed.take() {
                // What was released before is not departing any more.
                self.released.clear();
                room.send(Event::Followed { thread, revision, departing: self.slots.departing() });
            } else if !self.released.is_empty() {
                room.send(Event::Released { thread, slots: mem::take(&mut self.released) });
            } else if let Some(interval) = self.recorder.take_closed() {
                room.send(Event::Interval { thread, interval });
            } else {
                return;
            }
        }
    }

    pub(super) async fn finish(mut self) {
        self.permits.give_back();
        self.recorder.roll(self.run_time());
        self.recorder.close_last();
        self.shown.users = self.recorder.users().to_vec();
        self.gauges.set(Instant::now().into_std(), &self.shown);
        let thread = self.number;
        if let Some(revision) = self.followed.take() {
            let departing = self.slots.departing();
            let _ = self.events.send(Event::Followed { thread, revision, departing }).await;
        }
        while let Some(interval) = self.recorder.take_closed() {
            // Without a listener the worker has given up on this run.
            let _ = self.events.send(Event::Interval { thread, interval }).await;
        }
        let _ = self.events.send(Event::Ended { thread }).await;
    }
}
