//! Who has been silent for too long; and whether it was this process itself that did not listen.

use std::time::Duration;

use stampede_proto::LEASE_MARGIN;

use super::input::{Effect, WorkerId};
use super::phases::HEARD;
use super::state::Run;

/// A tick later than this means this process itself was held up.
const LATE_TICK: Duration = Duration::from_millis(600);

impl Run {
    /// Time was looked at a moment ago, or this process was held up: not the workers were silent then, and what they sent
    /// meanwhile is still in the queues. Every deadline moves by the gap before anybody is judged.
    ///
    /// Returns for how long it was held up, if so.
    pub(super) fn notice_gap(&mut self, now: Duration) -> Option<Duration> {
        let gap = now.saturating_sub(self.last_look);
        self.last_look = now;
        if gap > LATE_TICK {
            for member in &mut self.members {
                member.last_heard = (member.last_heard + gap).min(now);
            }
            self.waiting_since += gap;
            self.preparing_since += gap;
            self.give_up = self.give_up.map(|at| at + gap);
        }
        (gap > LATE_TICK).then_some(gap)
    }

    /// This process stood still for `gap` until now. That is in the numbers where it was longer than a lease.
    pub(super) fn note_gap(&mut self, gap: Duration, now: Duration, effects: &mut Vec<Effect>) {
        let remote = self.crew.iter().any(|worker| !self.members[*worker].hello.embedded);
        if self.is_running() && remote && gap + HEARD > self.setup.lease {
            let to = self.run_time(now);
            let (from, to) = (to.saturating_sub(gap).as_secs_f64(), to.as_secs_f64());
            let lease = self.setup.lease.as_secs_f64();
            let text = format!(
                "the coordinator stood still from second {from:.1} to second {to:.1}; users of remote workers hold after {lease} s without an answer"
            );
            self.note(text, effects);
        }
    }

    /// Time has passed: who is lost, what is over.
    pub(super) fn tick(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let silent = (0..self.members.len()).filter(|worker| self.is_silent(*worker, now));
        effects.extend(silent.map(|worker| Effect::EndIfSilent(worker, self.unanswered_since(worker, now))));
        self.see_users(now);
        self.shown.mark_if_due(now);
    }

    fn is_silent(&self, worker: WorkerId, now: Duration) -> bool {
        let member = &self.members[worker];
        let limit = self.setup.lease + LEASE_MARGIN;
        if member.hello.embedded && member.connected {
            // It has no lease: while its line stands its users run, however late its heartbeats are.
            return false;
        }
        member.lost_at.is_none() && !member.finished && now.saturating_sub(member.last_heard) > limit
    }

    /// Since when no heartbeat of `worker`, which is silent, may have been answered if it is to be lost. Answered and heard of
    /// are not the same: an answer may have been to a heartbeat that was dropped with its session. One that is refused renews
    /// nothing by what is answered: no share of the run comes over its new lines.
    fn unanswered_since(&self, worker: WorkerId, now: Duration) -> Duration {
        let lasts =
            if self.members[worker].refused { Duration::ZERO } else { self.setup.lease + LEASE_MARGIN };
        now.saturating_sub(lasts)
    }

    /// `worker`'s session is dead. That it was heard of meanwhile cannot be, but would count.
    pub(super) fn silent(&mut self, worker: WorkerId, now: Duration, effects: &mut Vec<Effect>) {
        if worker < self.members.len() && self.is_silent(worker, now) {
            self.lose(worker, now, effects);
        }
    }
}
