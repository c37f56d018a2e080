//! How a run ends: the stop is named, users finish, last words are waited for, everybody is told that it is over.

use std::time::Duration;

use stampede_proto::LEASE_MARGIN;

use super::input::{Effect, Order, Wish, WorkerId};
use super::phases::HEARD;
use super::state::{Run, Stop};
use crate::result::StopReason;
use crate::view::Phase;

/// How long finals are waited for after a second Ctrl-C.
const ABORT_WAIT: Duration = Duration::from_secs(1);

impl From<Wish> for StopReason {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Scenario => Self::Scenario,
            Wish::Data => Self::Data,
        }
    }
}

impl Run {
    /// Ends the run soon: everybody is told an instant that all know of in time.
    pub(super) fn end(&mut self, reason: StopReason, now: Duration, effects: &mut Vec<Effect>) {
        let timeout = self.setup.plan.load.stop_timeout;
        if self.start.is_none() {
            self.stop = Some(Stop { at: Duration::ZERO, reason, timeout });
            return self.finish(effects);
        }
        let at = self.run_time(now + self.lead() / 2);
        self.order_stop(at, timeout, effects);
        self.drain(Stop { at, reason, timeout }, now);
    }

    /// Whether every user there is, and is to be, has ended by itself. Slots that start later or come back may be anything, so
    /// the load must have settled; nobody is on the way from one worker to another.
    pub(super) fn users_have_left(&self, now: Duration) -> bool {
        let run_time = self.run_time(now);
        let live = || self.crew.iter().map(|worker| &self.members[*worker]).filter(|member| member.is_live());
        // Asked first: nearly always somebody is there.
        let nobody = || live().all(|member| member.users() == 0);
        let left = || live().fold(0_u32, |sum, member| sum.saturating_add(member.heartbeat.users_stopped));
        self.setup.plan.load.open.is_none()
            && run_time >= self.profile.settled_at().saturating_add(HEARD)
            && nobody()
            && left() > 0
            && left() >= self.profile.users_at(run_time)
    }

    fn order_stop(&self, at: Duration, timeout: Duration, effects: &mut Vec<Effect>) {
        let live = self.crew.iter().filter(|worker| !self.members[**worker].finished);
        effects.extend(live.map(|worker| Effect::Order(*worker, Order::Stop { at, timeout })));
    }

    pub(super) fn drain(&mut self, stop: Stop, now: Duration) {
        let wait = stop.timeout + self.setup.lease + LEASE_MARGIN;
        self.give_up = Some(now + wait);
        self.stop = Some(stop);
        self.phase = Phase::Draining;
        self.shown.mark();
    }

    /// A second Ctrl-C: users are cut off, finals are waited for briefly.
    pub(super) fn abort(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if std::mem::replace(&mut self.aborted, true) {
            self.give_up = Some(now);
            return;
        }
        let at = self.stop.map_or_else(|| self.run_time(now), |stop| stop.at);
        self.order_stop(at, Duration::ZERO, effects);
        self.give_up = Some(now + ABORT_WAIT);
    }

    pub(super) fn await_finals(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let open = |worker: &WorkerId| self.members[*worker].is_live();
        let silent = self.crew.iter().find(|worker| self.may_still_deliver(**worker)).copied();
        let all_others = !self.crew.iter().any(open);
        if let Some(worker) =
            silent.filter(|_| all_others && !std::mem::replace(&mut self.said_waiting, true))
        {
            let name = &self.members[worker].hello.name;
            let text = format!("waiting for what worker {name} has not delivered");
            effects.push(Effect::Log(text.clone()));
            self.notices.push(text.clone());
            self.unreported.push(text);
            self.shown.mark();
        }
        let waiting = silent.is_some() || !all_others;
        if waiting && self.give_up.is_none_or(|at| now < at) {
            return;
        }
        let late: Vec<_> = self.crew.iter().copied().filter(open).collect();
        for worker in late {
            self.lose(worker, now, effects);
        }
        if self.is_torn_down(now, effects) {
            self.finish(effects);
        }
    }

    /// Whether `worker` fell silent about when the run stopped. It may only be cut off, or stand still: it has as long to come
    /// back and deliver as the others have for their last words. One that was lost before has had its time.
    fn may_still_deliver(&self, worker: WorkerId) -> bool {
        let (member, stop) = (&self.members[worker], self.stop);
        // Where nobody runs any more the run ends with what there is.
        let stop = stop.filter(|stop| stop.reason != StopReason::NoWorkers).map(|stop| stop.at);
        let recently = member.lost_at.zip(stop).is_some_and(|(lost, stop)| lost + self.setup.lease >= stop);
        recently && !member.finished && !member.failed && !member.refused && !member.hello.embedded
    }

    pub(super) fn finish(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Finished;
        self.settle_rules();
        self.shown.mark();
        let told = |member: &super::member::Member| member.participates && member.connected;
        let told = (0..self.members.len()).filter(|worker| told(&self.members[*worker]));
        effects.extend(told.map(|worker| Effect::Order(worker, Order::RunOver)));
        effects.push(Effect::Over);
    }
}
