//! What a worker tells: heartbeats with how things are, batches with what was measured, each when it is time.

use stampede_proto::aside;
use stampede_proto::assign::held_to_wire;
use stampede_proto::v1::{SnapshotBatch, WorkerPhase, WorkerStatus, WorkerWish};
use tokio::time::Instant;

use super::WorkerError;
use super::run::{ActiveRun, State};
use super::worker::{MAX_UNANSWERED, Sent, Worker};
use crate::engine::{StartEngine, StopWish};

/// What was last told in a heartbeat, to see what is news.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    phase: i32,
    run: String,
    /// What its threads follow, and how many users are held beside that.
    followed: (u64, usize),
    hungry_at: u64,
    all_done: bool,
    aside_done: bool,
    leaving: bool,
    wants_stop: i32,
}

impl<E: StartEngine> Worker<E> {
    /// Hands batches to the transport, as many as it may have.
    pub(super) fn hand_over(&mut self) {
        let (Some(link), Some(run)) = (&self.link, &mut self.run) else { return };
        if self.hold_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.hold_until = None;
        while let Ok(room) = link.report.try_reserve() {
            let Some(batch) = run.outbox.next_batch() else { return };
            room.send(SnapshotBatch { session: link.session, ..batch });
        }
    }

    /// Looks whether something is due or has to be told before the next heartbeat.
    ///
    /// # Errors
    /// When a leaving worker could not deliver in time.
    pub(super) fn look(&mut self) -> Result<(), WorkerError> {
        if self.redial.is_some_and(|at| Instant::now() >= at) {
            self.dial();
        }
        if self.leaving && self.run.as_ref().is_none_or(ActiveRun::is_delivered) {
            self.done = true;
            return Ok(());
        }
        if self.leave_until.is_some_and(|until| Instant::now() >= until) {
            return Err(WorkerError::Undelivered(self.run.as_ref().map_or(0, |run| run.outbox.len())));
        }
        self.tell_hold();
        let Some(link) = &self.link else { return Ok(()) };
        let due = self.last_told.is_none_or(|at| at.elapsed() >= link.heartbeat);
        if due || self.status().1 != self.told {
            self.tell();
        }
        Ok(())
    }

    /// Says when the users begin to hold, and when they go on.
    fn tell_hold(&mut self) {
        if self.link.is_some() && self.owed.is_some() {
            // What becomes of them is only just being heard over the new line.
            return;
        }
        let runs = self.run.as_ref().is_some_and(ActiveRun::is_started);
        let holds = runs && !self.lease.holds();
        if holds != self.said_hold {
            self.said_hold = holds;
            match (holds, runs) {
                (true, _) => {
                    self.say("the coordinator has not answered for longer than the lease: users hold");
                }
                (false, true) => self.say("users go on"),
                (false, false) => {}
            }
        }
    }

    fn status(&self) -> (WorkerStatus, Told) {
        let mut status = WorkerStatus { leaving: self.leaving, ..WorkerStatus::default() };
        let mut told = Told { leaving: self.leaving, ..Told::default() };
        if let Some(run) = &self.run {
            let showing = run.showing();
            status.run.clone_from(&run.id);
            status.set_phase(run.phase(&self.sync));
            told.followed = run.followed();
            status.revision = told.followed.0;
            status.held = run.held().iter().map(held_to_wire).collect();
            status.users = showing.users;
            status.started = showing.started;
            status.iterations_begun = showing.begun;
            status.iterations_ended = showing.ended;
            status.iterations_dropped = showing.dropped;
            status.users_stopped = showing.stopped;
            status.set_wants_stop(match showing.wish {
                None => WorkerWish::None,
                Some(StopWish::Scenario) => WorkerWish::StopByScenario,
                Some(StopWish::Data) => WorkerWish::StopByData,
            });
            status.wants_iterations = showing.hungry;
            status.outbox = u32::try_from(run.outbox.len()).unwrap_or(u32::MAX);
            status.thread_ages_ms = showing.ages_ms;
            // Small, and told again and again: whoever goes on with the test is to hear of it.
            status.aside = run.beside.done.as_ref().map(aside::to_wire);
            told.aside_done = status.aside.is_some();
            if let State::Failed(why) = &run.state {
                status.error.clone_from(why);
            }
            told.run.clone_from(&run.id);
            // Hungry after each grant anew: then the coordinator is to know at once.
            told.hungry_at = if showing.hungry { showing.granted + 1 } else { 0 };
            told.all_done =
                showing.granted > 0 && showing.begun == showing.granted && showing.ended == showing.begun;
        } else {
            status.set_phase(WorkerPhase::Idle);
        }
        told.phase = status.phase;
        told.wants_stop = status.wants_stop;
        (status, told)
    }

    /// Sends a heartbeat with how things are.
    pub(super) fn tell(&mut self) {
        let (mut status, told) = self.status();
        let Some(link) = &self.link else { return };
        status.session = link.session;
        self.seq += 1;
        status.seq = self.seq;
        status.sent_us = self.now_us();
        status.memory_bytes = resident_bytes();
        let rtt = self.sync.round_trip_us().unwrap_or(0);
        status.rtt_us = u32::try_from(rtt).unwrap_or(u32::MAX);
        let sent = Sent { seq: status.seq, at_us: status.sent_us, at: self.engines.boot_time() };
        self.last_told = Some(Instant::now());
        // A full queue means the transport is stuck; the next heartbeat tells the same.
        if link.control.try_send(status).is_ok() {
            self.told = told;
            if self.unanswered.len() == MAX_UNANSWERED {
                self.unanswered.pop_front();
            }
            self.unanswered.push_back(sent);
        }
    }
}

/// Resident memory of this process in bytes; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
