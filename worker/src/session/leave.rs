//! How a worker's part in a test ends otherwise than by the plan: the run is over elsewhere, the coordinator is gone, or the
//! worker itself is told to leave.

use std::time::Duration;

use tokio::time::Instant;

use super::worker::Worker;
use crate::engine::StartEngine;

/// A worker without its coordinator for this long ends the test. Its users have held since the lease passed and made no
/// load, so there is time for the coordinator to be started again.
const ORPHANED: Duration = Duration::from_secs(15 * 60);

/// How long a leaving worker tries to deliver, beyond what its users may take to finish.
const LEAVE_LIMIT: Duration = Duration::from_secs(30);

/// How long the coordinator may take to take everything back. After that the worker ends its users by itself.
const TAKE_BACK_LIMIT: Duration = Duration::from_secs(3);

impl<E: StartEngine> Worker<E> {
    /// The run is no more, at least for this worker: its users and what is left of its statistics are dropped.
    pub(super) fn end_run(&mut self) {
        self.run = None;
        self.say("the test is over");
        self.done |= self.settings.once;
        self.tell();
    }

    /// Ends the users of a test whose coordinator has been gone for long. What they measured is kept for its return.
    pub(super) async fn end_orphaned(&mut self) {
        if self.alone_since.is_some_and(|since| since.elapsed() >= ORPHANED) {
            self.alone_since = None;
            if let Some(run) = self.run.as_mut().filter(|run| !run.is_ended()) {
                run.leave().await;
                self.say(&format!("no coordinator for {ORPHANED:?}: the users of the test are ended"));
            }
        }
    }

    /// Ends a leaving worker's part when everything was taken back from it, or the coordinator does not come to that.
    pub(super) async fn end_when_handed_back(&mut self) {
        let Some(until) = self.take_back_until else { return };
        let Some(run) = &mut self.run else { return };
        let given_up = Instant::now() >= until && !run.is_taken_back();
        if run.is_handed_back() || given_up {
            self.take_back_until = None;
            run.leave().await;
        }
    }

    pub(super) async fn leave(&mut self) {
        self.leaving = true;
        let mut limit = LEAVE_LIMIT;
        match &mut self.run {
            Some(run) => {
                limit += run.stop_timeout();
                if self.link.is_some() && run.is_started() {
                    // The users end as the coordinator takes them back: so none is missing before others have them.
                    self.take_back_until = Some(Instant::now() + TAKE_BACK_LIMIT);
                } else {
                    run.leave().await;
                }
                self.say("leaving: users finish, then everything is delivered");
            }
            None => self.say("leaving"),
        }
        self.leave_until = Some(Instant::now() + limit);
        self.tell();
        self.done |= self.link.is_none() && self.run.is_none();
    }
}
