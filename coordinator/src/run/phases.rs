//! From phase to phase: waiting, preparing, running. What time alone decides is decided here; the end is in `ending`.

use std::time::Duration;

use stampede_scenarios::arrivals::last_due;

use super::input::{Effect, Order, Progress, WorkerId};
use super::ledger::Ledger;
use super::state::{Run, Stop};
use crate::result::StopReason;
use crate::view::Phase;

/// After this what a worker did has been heard of by its next heartbeat.
pub(super) const HEARD: Duration = Duration::from_millis(600);

/// The longest round trip of a worker that the others wait for; it says itself what it is.
const MAX_TRIP: Duration = Duration::from_secs(1);

impl Run {
    /// Goes on to the next phase where it is time to.
    pub(super) fn progress(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Waiting => self.gather(now, effects),
            Phase::Preparing => self.await_ready(now, effects),
            Phase::Ramping | Phase::Steady => self.run_on(now, effects),
            Phase::Draining => self.await_finals(now, effects),
            Phase::Finished => {}
        }
        self.raise_watermark();
        self.watch_rules(now, effects);
    }

    fn gather(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let remote = self.setup.expected.is_some();
        let here: Vec<_> = (0..self.members.len())
            .filter(|worker| {
                let member = &self.members[*worker];
                member.connected && member.hello.embedded != remote
            })
            .collect();
        let wanted = self.setup.expected.unwrap_or(1) as usize;
        if here.len() >= wanted {
            for worker in &here {
                self.members[*worker].participates = true;
                effects.push(Effect::Order(*worker, Order::Prepare));
                self.repeat_aside(*worker, effects);
            }
            self.crew = here;
            self.phase = Phase::Preparing;
            self.preparing_since = now;
            self.shown.mark();
        } else if now.saturating_sub(self.waiting_since) > self.setup.expect_timeout {
            let (came, timeout) = (here.len(), self.setup.expect_timeout);
            self.fail_to_start(format!("{came} of {wanted} workers came within {timeout:?}"), effects);
        }
    }

    pub(super) fn cannot_take_part(&mut self, worker: WorkerId, why: &str, effects: &mut Vec<Effect>) {
        let name = &self.members[worker].hello.name;
        self.fail_to_start(format!("worker {name} cannot take part: {why}"), effects);
    }

    fn fail_to_start(&mut self, why: String, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log(why.clone()));
        self.failed_to_start = Some(why);
        self.finish(effects);
    }

    fn await_ready(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let failed = self.crew.iter().copied().find(|worker| {
            let member = &self.members[*worker];
            member.heartbeat.progress == Progress::Failed
        });
        if let Some(worker) = failed {
            let why = self.members[worker].heartbeat.error.clone();
            return self.cannot_take_part(worker, &why, effects);
        }
        if let Some(gone) = self.crew.iter().copied().find(|worker| !self.members[*worker].connected) {
            // Back to waiting: with whoever is there, or comes.
            let name = self.members[gone].hello.name.clone();
            effects.push(Effect::Log(format!("worker {name} went away before the start")));
            for worker in std::mem::take(&mut self.crew) {
                self.members[worker].participates = false;
            }
            self.phase = Phase::Waiting;
            self.shown.mark();
            return;
        }
        let ready = |worker: &WorkerId| self.members[*worker].heartbeat.progress == Progress::Ready;
        if self.is_setting_up() {
            self.await_setup(now, effects);
        } else if self.crew.iter().all(ready) {
            if self.needs_setup() { self.begin_setup(effects) } else { self.launch(now, effects) }
        } else if now.saturating_sub(self.preparing_since) > self.setup.expect_timeout {
            let slow: Vec<_> =
                self.crew.iter().filter(|w| !ready(w)).map(|w| self.members[*w].hello.name.clone()).collect();
            self.fail_to_start(format!("not ready in time: {}", slow.join(", ")), effects);
        }
    }

    fn launch(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let load = &self.setup.plan.load;
        // Arrivals are bounded by their own schedule.
        let blocks = load.iterations.filter(|_| load.open.is_none());
        self.ledger = blocks.map(|total| Ledger::new(total, self.crew.len()));
        self.last_due = last_due(&self.setup.plan);
        self.begin_search();
        self.deal();
        let seats: Vec<_> = (0..self.crew.len()).collect();
        for (worker, assign) in self.assignments(&seats, now) {
            effects.push(Effect::Order(worker, Order::Assign(assign)));
        }
        let start = now + self.lead();
        self.start = Some(start);
        let start_us = u64::try_from(start.as_micros()).unwrap_or(u64::MAX);
        for worker in &self.crew {
            self.members[*worker].last_heard = now;
            let shared = self.beside.shared.clone();
            effects.push(Effect::Order(*worker, Order::Start { start_us, shared }));
        }
        self.phase = Phase::Ramping;
        self.shown.mark();
        for worker in 0..self.members.len() {
            self.invite(worker, effects);
        }
    }

    /// How far ahead an instant has to be named so that every worker knows of it in time.
    pub(super) fn lead(&self) -> Duration {
        if self.crew.iter().all(|worker| self.members[*worker].hello.embedded) {
            return Duration::from_millis(20);
        }
        let slowest = self.crew.iter().filter_map(|worker| self.members[*worker].heartbeat.round_trip).max();
        Duration::from_millis(100) + slowest.unwrap_or_default().min(MAX_TRIP) * 2
    }

    fn run_on(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let run_time = self.run_time(now);
        // Until the last start has been heard of, the screen would show fewer users than it says.
        let load = &self.setup.plan.load;
        let is_steady = match self.rate() {
            Some(rate) => run_time >= rate.settled_at(),
            // Between two stages too, from when the last start has been heard of to when something is about to change.
            None => run_time.checked_sub(HEARD).is_some_and(|heard| {
                let (users, target) = (self.profile.users_at(heard), self.profile.target_at(run_time));
                users == target && self.profile.target_at(run_time + HEARD) == target
            }),
        };
        self.phase = if is_steady { Phase::Steady } else { Phase::Ramping };
        if let Some(at) = load.run_time.filter(|at| run_time >= *at) {
            // The workers know it from the plan; nobody has to be told.
            let reason = if load.ends_with_profile { StopReason::Profile } else { StopReason::RunTime };
            let stop = Stop { at, reason, timeout: load.stop_timeout };
            return self.drain(stop, now);
        }
        self.search_on(now, effects);
        if self.phase == Phase::Draining {
            return;
        }
        if self.course_is_over(now) {
            return self.end(StopReason::Profile, now, effects);
        }
        // Somebody who is about to join takes what nobody runs.
        let joins = |member: &super::member::Member| {
            member.participates && member.seat.is_none() && member.connected && !member.left
        };
        // Asked last: it looks at every member, and this is gone through with each of thousands of messages a second.
        let nobody_joins = || !self.awaits_workers(now) && !self.members.iter().any(joins);
        if self.crew.iter().all(|worker| self.members[*worker].lost_at.is_some()) && nobody_joins() {
            let stop = Stop { at: run_time, reason: StopReason::NoWorkers, timeout: Duration::ZERO };
            self.drain(stop, now);
            self.give_up = Some(now);
            return;
        }
        let nobody_runs =
            || self.crew.iter().all(|worker| !self.members[*worker].is_live()) && nobody_joins();
        if self.users_have_left(now) {
            self.end(StopReason::Scenario, now, effects);
        } else if self.iterations_are_spent() || self.arrivals_are_spent(run_time) {
            self.end(StopReason::Iterations, now, effects);
        } else if nobody_runs() {
            let stop = Stop { at: run_time, reason: StopReason::NoWorkers, timeout: Duration::ZERO };
            self.drain(stop, now);
        }
    }

    /// Whether all were begun and have ended: what the last ones did is then in the rates. A worker without users begins
    /// none of what it may still have.
    fn iterations_are_spent(&self) -> bool {
        let Some(ledger) = &self.ledger else { return false };
        let is_done = |(index, worker): (usize, &WorkerId)| {
            let member = &self.members[*worker];
            let begun = member.iterations_begun();
            let nothing_under_way = member.heartbeat.iterations_ended >= begun;
            // Of one that leaves, what it has not begun is still to be handed on.
            let no_users = member.users() == 0 && !member.heartbeat.wants_iterations && !member.left;
            let no_more = begun >= ledger.granted(index) || no_users;
            !member.is_live() || (nothing_under_way && no_more)
        };
        ledger.left() == 0 && self.crew.iter().enumerate().all(is_done)
    }

    /// Gives `worker`, whose users wait for it, its next block of iterations.
    pub(super) fn grant_iterations(&mut self, worker: WorkerId, effects: &mut Vec<Effect>) {
        let Some(index) = self.members[worker].seat else { return };
        let holders = self.crew.iter().filter(|worker| self.members[**worker].is_live()).count();
        let Some(ledger) = self.ledger.as_mut().filter(|ledger| ledger.left() > 0) else { return };
        let member = &self.members[worker];
        if member.is_live() && !member.left {
            let total = ledger.grant(index, holders);
            effects.push(Effect::Order(worker, Order::Iterations { total }));
        }
    }

    /// `worker` has left and delivered everything: what it has not begun goes to those who wait for more.
    pub(super) fn hand_on_iterations(&mut self, worker: WorkerId, effects: &mut Vec<Effect>) {
        let Some(index) = self.members[worker].seat else { return };
        let Some(ledger) = self.ledger.as_mut() else { return };
        ledger.take_back(index, self.members[worker].applied.iterations.begun);
        for other in self.crew.clone() {
            let member = &self.members[other];
            if member.is_live() && member.heartbeat.wants_iterations {
                self.grant_iterations(other, effects);
            }
        }
    }

    /// What a worker that is back may have missed.
    pub(super) fn repeat_orders(&mut self, worker: WorkerId, now: Duration, effects: &mut Vec<Effect>) {
        effects.push(Effect::Order(worker, Order::Prepare));
        self.repeat_aside(worker, effects);
        let (Some(start), Some(seat)) = (self.start, self.members[worker].seat) else { return };
        self.members[worker].told_start = now;
        for (_, assign) in self.assignments(&[seat], now) {
            effects.push(Effect::Order(worker, Order::Assign(assign)));
        }
        if let Some(ledger) = &self.ledger {
            let total = ledger.granted(seat);
            effects.push(Effect::Order(worker, Order::Iterations { total }));
        }
        let start_us = u64::try_from(start.as_micros()).unwrap_or(u64::MAX);
        let shared = self.beside.shared.clone();
        effects.push(Effect::Order(worker, Order::Start { start_us, shared }));
        if let Some(stop) = self.stop {
            let timeout = if self.aborted { Duration::ZERO } else { stop.timeout };
            effects.push(Effect::Order(worker, Order::Stop { at: stop.at, timeout }));
        }
    }

    /// The last second for which every live worker has reported.
    fn raise_watermark(&mut self) {
        let is_behind =
            |member: &super::member::Member| member.is_live() && member.applied.through_s <= self.watermark;
        if self.laggard.is_some_and(|worker| is_behind(&self.members[worker])) {
            // Nearly always so: all the others need not be looked at with each of thousands of messages a second.
            return;
        }
        let crew = || self.crew.iter().copied();
        let through_s = |worker: &WorkerId| self.members[*worker].applied.through_s;
        self.laggard = crew().filter(|worker| self.members[*worker].is_live()).min_by_key(through_s);
        let finished = || crew().filter(|worker| self.members[*worker].finished);
        let last = self.laggard.map(|worker| through_s(&worker));
        let through = last.or_else(|| finished().map(|worker| through_s(&worker)).max()).unwrap_or(0);
        if through > self.watermark {
            self.watermark = through;
            self.shown.mark();
        }
    }
}
