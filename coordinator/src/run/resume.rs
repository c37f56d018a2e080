//! A run whose coordinator died and which another process goes on with.
//!
//! Nobody has a line; what every worker was granted counts as renewed now, for its lease may have been renewed by an answer that
//! was never written down. An embedded worker died with the process.

use std::time::Duration;

use stampede_proto::LEASE_MARGIN;

use super::input::Effect;
use super::state::Run;

/// A worker that found nobody tries again at least this often, with time to register. Where the lease is shorter, waiting for
/// the lease alone would take slots from workers that are on their way.
const REDIAL: Duration = Duration::from_millis(2500);

impl Run {
    /// Goes on at `now` after nobody looked since `since`.
    pub(super) fn resumed(&mut self, since: Duration, now: Duration, effects: &mut Vec<Effect>) {
        let started = self.start.is_some();
        let heard = now + REDIAL.saturating_sub(self.setup.lease);
        for member in &mut self.members {
            member.connected = false;
            if member.lost_at.is_none() {
                member.last_heard = if member.hello.embedded { since } else { heard };
            }
            if started && member.seat.is_none() {
                // It was only about to join; asked in again over its next line.
                member.participates = false;
            }
        }
        self.await_workers_until = Some(heard + self.setup.lease + LEASE_MARGIN);
        self.shown.mark();
        if !started || self.is_over() {
            return;
        }
        let (from, to) = (self.run_time(since).as_secs_f64(), self.run_time(now).as_secs_f64());
        self.note(format!("the coordinator was away from second {from:.1} to second {to:.1}"), effects);
        for worker in 0..self.members.len() {
            let member = &mut self.members[worker];
            if member.hello.embedded && member.is_live() {
                // Nobody will ever speak for it again.
                member.failed = true;
                self.lose(worker, now, effects);
            }
        }
    }

    /// What to type on another machine to take part now.
    pub fn invite_by(&mut self, join_command: String) {
        self.setup.join_command = join_command;
    }

    /// Whether workers of a coordinator that died may still find this one.
    pub(super) fn awaits_workers(&self, now: Duration) -> bool {
        self.await_workers_until.is_some_and(|until| now < until)
    }
}
