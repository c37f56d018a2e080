//! Who takes part while the test runs: joins, leaves, losses and returns, and what each is told to run.
//!
//! Slots and lanes are dealt by the dispatch; here is what leads to it. A worker is told its whole share whenever that has
//! changed, and again when its line is new.

use std::time::Duration;

use stampede_proto::assign::Assign;
use stampede_scenarios::describe::per_second;
use stampede_scenarios::rate::Rate;

use super::input::{Effect, Heartbeat, Order, Progress, WorkerId};
use super::state::Run;
use crate::dispatch::{Dispatch, Lanes, Moment, Seat};
use crate::view::Phase;

/// Which revisions of its parts an assignment was made of. Its number, which grows with either, is their sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Revision {
    slots: u64,
    lanes: u64,
}

impl Revision {
    fn number(self) -> u64 {
        self.slots + self.lanes
    }
}

impl Run {
    /// What time says to the dispatch: orders given now take effect a little later.
    pub(super) fn moment(&self, now: Duration) -> Moment {
        let at = self.run_time(now + self.lead());
        let (running, ever) = (self.profile.users_at(at), self.profile.peak_until(at));
        Moment { at, running, ahead: self.profile.peak_from(at), ever, rate: self.takeover_rate() }
    }

    /// How fast slots start again elsewhere: as fast as the profile ever climbs.
    fn takeover_rate(&self) -> Rate {
        self.profile.steepest_climb().unwrap_or(self.setup.spawn_rate)
    }

    /// Deals the users, and where arrivals come at a rate their lanes, to the crew.
    pub(super) fn deal(&mut self) {
        let load = &self.setup.plan.load;
        let users = load.sequence.table(self.profile.peak());
        let users = users.iter().map(|user| (user.class, user.rank));
        let capacities: Vec<_> =
            self.crew.iter().map(|worker| self.members[*worker].hello.capacity).collect();
        self.dispatch = Some(Dispatch::fresh(&capacities, users));
        let open = load.open.as_ref();
        self.lanes = open.map(|open| Lanes::fresh(&capacities, open.users, open.max_users));
        for (seat, worker) in self.crew.iter().enumerate() {
            self.members[*worker].seat = Some(seat);
        }
    }

    /// Whether the run is in a phase in which users are dealt.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Ramping | Phase::Steady)
    }

    /// Asks `worker` into the test that is under way.
    pub(super) fn invite(&mut self, worker: WorkerId, effects: &mut Vec<Effect>) {
        let member = &mut self.members[worker];
        if member.participates || member.refused || member.left || member.failed || !member.connected {
            return;
        }
        member.participates = true;
        effects.push(Effect::Order(worker, Order::Prepare));
        self.shown.mark();
    }

    /// `worker`, which was asked in, is ready: it gets its share.
    fn give_seat(&mut self, worker: WorkerId, now: Duration, effects: &mut Vec<Effect>) {
        let moment = self.moment(now);
        let capacity = self.members[worker].hello.capacity;
        let seat = self.crew.len();
        self.crew.push(worker);
        if let Some(dispatch) = &mut self.dispatch {
            dispatch.join(capacity, &moment);
        }
        self.with_lanes(now, |lanes, arriving| {
            lanes.join(capacity, arriving);
        });
        if let Some(ledger) = &mut self.ledger {
            ledger.join();
        }
        // What came before its time is nobody's to report. A quick one begins at once, whatever the lead of the others.
        let second = u32::try_from(self.run_time(now).as_secs()).unwrap_or(u32::MAX);
        let member = &mut self.members[worker];
        (member.seat, member.joined) = (Some(seat), true);
        member.applied.through_s = second;
        let name = member.hello.name.clone();
        self.note(format!("worker {name} joined at second {second}"), effects);
        self.repeat_orders(worker, now, effects);
    }

    /// A heartbeat of this run, while it runs: who is ready to join, who leaves, what is released.
    pub(super) fn heard(&mut self, worker: WorkerId, now: Duration, effects: &mut Vec<Effect>) {
        if !self.is_running() {
            return;
        }
        let Some(seat) = self.members[worker].seat else {
            let ready = self.members[worker].heartbeat.progress == Progress::Ready;
            if self.members[worker].participates && ready {
                self.give_seat(worker, now, effects);
            }
            return;
        };
        let member = &mut self.members[worker];
        let Heartbeat { revision, held, .. } = &member.heartbeat;
        let through = member.told.partition_point(|told| told.number() <= *revision);
        // The newest of those it follows is asked for again; older ones never.
        member.told.drain(..through.saturating_sub(1));
        let Some(known) = member.told.first().copied().filter(|_| through > 0) else { return };
        let held = held.clone();
        if self.dispatch.as_mut().is_some_and(|dispatch| dispatch.is_followed(seat, known.slots)) {
            let moment = self.moment(now);
            if let Some(dispatch) = &mut self.dispatch {
                dispatch.follows(seat, known.slots, &held, &moment);
            }
        }
        self.with_lanes(now, |lanes, arriving| lanes.follows(seat, known.lanes, arriving));
    }

    /// `worker` says that it leaves: its users finish, and their slots go to the others as they are released.
    pub(super) fn take_leave(&mut self, worker: WorkerId, now: Duration, effects: &mut Vec<Effect>) {
        let (name, users) = (self.members[worker].hello.name.clone(), self.members[worker].users());
        let at = self.run_time(now).as_secs();
        if let Some(seat) = self.members[worker].seat.filter(|_| self.is_running()) {
            let moment = self.moment(now);
            if let Some(dispatch) = &mut self.dispatch {
                dispatch.leave(seat, &moment);
            }
            self.with_lanes(now, |lanes, arriving| lanes.leave(seat, arriving));
        }
        let part = self.what_becomes_of(users, false);
        self.note(format!("worker {name} left at second {at}; {part}"), effects);
    }

    /// `worker` has left and delivered everything: it holds nothing any more.
    pub(super) fn gone(&mut self, worker: WorkerId, now: Duration) {
        let Some(seat) = self.members[worker].seat.filter(|_| self.is_running()) else { return };
        let moment = self.moment(now);
        if let Some(dispatch) = &mut self.dispatch {
            dispatch.gone(seat, &moment);
        }
        self.with_lanes(now, |lanes, arriving| lanes.gone(seat, arriving));
    }

    /// A worker's lease has passed, and its session is dead: its slots go to others.
    pub(super) fn lose(&mut self, worker: WorkerId, now: Duration, effects: &mut Vec<Effect>) {
        let run_time = self.run_time(now);
        let member = &mut self.members[worker];
        if member.lost_at.replace(run_time).is_some() || !member.participates {
            return;
        }
        let Some(seat) = member.seat else {
            // It never came to run anything; asked again when it is back.
            member.participates = self.start.is_none();
            return;
        };
        let (name, users) = (member.hello.name.clone(), member.users());
        member.users_lost = users;
        member.heartbeat.users.clear();
        member.absences.push((u32::try_from(run_time.as_secs()).unwrap_or(u32::MAX), None));
        if self.is_running() {
            let moment = self.moment(now);
            if let Some(dispatch) = &mut self.dispatch {
                dispatch.lose(seat, &moment);
            }
            self.with_lanes(now, |lanes, arriving| lanes.lose(seat, arriving));
        }
        if self.is_running() || self.phase == Phase::Draining {
            let at = run_time.as_secs();
            let part = self.what_becomes_of(users, true);
            self.note(format!("worker {name} is lost since second {at}; {part}"), effects);
        }
    }

    /// A worker that was lost has a line again. What it ran is run elsewhere by now; for a while it gets only what nobody
    /// runs.
    pub(super) fn come_back(&mut self, worker: WorkerId, now: Duration, effects: &mut Vec<Effect>) {
        let member = &mut self.members[worker];
        if member.lost_at.is_none() || member.finished || member.failed || member.refused {
            return;
        }
        member.lost_at = None;
        let second = u32::try_from(self.run_time(now).as_secs()).unwrap_or(u32::MAX);
        let member = &mut self.members[worker];
        if let Some((_, to @ None)) = member.absences.last_mut() {
            *to = Some(second);
        }
        let (name, seat) = (member.hello.name.clone(), member.seat);
        if let Some(seat) = seat {
            let moment = self.moment(now);
            if let Some(dispatch) = &mut self.dispatch {
                dispatch.back(seat, &moment);
            }
            self.with_lanes(now, |lanes, arriving| lanes.back(seat, arriving));
            self.note(format!("worker {name} is back"), effects);
        }
    }

    /// Tells everybody whose share has changed.
    pub(super) fn tell_shares(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if !self.is_running() {
            return;
        }
        // A moment takes a look at everybody; there is seldom anything that waits for one.
        let awaited = self.dispatch.as_ref().is_some_and(|dispatch| dispatch.next_tick().is_some());
        let moment = awaited.then(|| self.moment(now));
        if let (Some(dispatch), Some(moment)) = (&mut self.dispatch, moment) {
            dispatch.tick(&moment);
        }
        self.with_lanes(now, Lanes::tick);
        self.see_changed();
        let changed = std::mem::take(&mut self.untold);
        let told = |seat: &Seat| {
            self.members[self.crew[*seat]].is_live() && self.members[self.crew[*seat]].connected
        };
        let seats: Vec<_> = changed.into_iter().filter(told).collect();
        for (worker, assign) in self.assignments(&seats, now) {
            effects.push(Effect::Order(worker, Order::Assign(assign)));
        }
    }

    /// Notes whose shares have changed since they were told.
    fn see_changed(&mut self) {
        if let Some(dispatch) = &mut self.dispatch {
            self.untold.extend(dispatch.changed());
        }
        if let Some(lanes) = &mut self.lanes {
            self.untold.extend(lanes.changed());
        }
    }

    /// What the workers in `seats` are to run, whole.
    pub(super) fn assignments(&mut self, seats: &[Seat], now: Duration) -> Vec<(WorkerId, Assign)> {
        if seats.is_empty() {
            return Vec::new();
        }
        let at = self.run_time(now);
        self.see_changed();
        let Some(dispatch) = &self.dispatch else { return Vec::new() };
        let mut assigned = Vec::with_capacity(seats.len());
        for (seat, share) in dispatch.shares_of_first(self.profile.peak(), seats, at) {
            let worker = self.crew[seat];
            self.untold.remove(&seat);
            let (lanes, open) = self.lanes.as_ref().map(|lanes| lanes.share(seat)).unzip();
            let revision = Revision { slots: share.revision, lanes: lanes.unwrap_or(0) };
            let number = revision.number();
            let told = &mut self.members[worker].told;
            if told.last().is_none_or(|last| last.number() < number) {
                told.push(revision);
            }
            let (run, profile, steer) = (self.setup.id.clone(), self.profile.clone(), self.steer());
            let (grants, cut) = (share.grants, share.cut);
            let assign = Assign { run, revision: number, profile, grants, open, cut, steer };
            assigned.push((worker, assign));
        }
        assigned
    }

    /// Said of a worker that is gone: what becomes of its part.
    fn what_becomes_of(&self, users: u32, lost: bool) -> String {
        if self.setup.plan.load.open.is_some() {
            return match (lost, self.is_running()) {
                (true, true) => "others take its arrivals; those in between are missed".to_owned(),
                (true, false) => "what it had not delivered is missing".to_owned(),
                (false, _) => "others take its arrivals".to_owned(),
            };
        }
        let others = self.crew.iter().any(|worker| {
            let member = &self.members[*worker];
            member.is_live() && !member.left
        });
        let users = match users {
            1 => "its user".to_owned(),
            many => format!("its {many} users"),
        };
        match (self.is_running(), others) {
            (false, _) => "what it had not delivered is missing".to_owned(),
            (true, false) => format!("nobody is there to take {users}"),
            (true, true) if lost => {
                format!(
                    "{users} start again on the others at {}",
                    per_second(self.takeover_rate().per_second())
                )
            }
            (true, true) => format!("the others take {users}"),
        }
    }
}
