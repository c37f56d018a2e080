//! The open model on one load thread: what comes due in its lanes goes to a free user at once, or is dropped.
//!
//! The thread walks the whole schedule and takes what is its own. Users that are free lie on a stack for each class, the one
//! that finished last on top: so few users do most of the work, with connections that are warm.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use stampede_proto::LEASE_MARGIN;
use stampede_scenarios::arrivals::{Arrival, LANES, Schedule, schedule};
use stampede_scenarios::plan::Plan;
use stampede_scenarios::rate_profile::RateProfile;
use stampede_stats::endpoint::Part;

use super::thread::Loop;
use crate::http::HttpThread;
use crate::slots::SlotGrant;

/// How far ahead of time the schedule is walked in search of the next arrival of its own. The thread comes by every 10 ms; what
/// lies further ahead may still get another owner.
const AHEAD: Duration = Duration::from_millis(50);

/// A lane of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneGrant {
    /// Which, below [`LANES`].
    pub lane: u16,
    /// Number of the first arrival it may run.
    pub from: u64,
    /// Number of the first it may not; `None`: it may run all that follow.
    pub until: Option<u64>,
}

/// A thread's part of the open model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenGrant {
    /// Its lanes.
    pub lanes: Vec<LaneGrant>,
    /// Number of the first user it may start for arrivals.
    pub first_user: u32,
    /// The others follow at this distance; at least 1.
    pub step: u32,
    /// How many it may start.
    pub max_users: u32,
}

/// An arrival in the hands of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) number: u64,
    /// Its number among those of its class.
    pub(super) nth: u64,
    /// Run time at which it was due.
    pub(super) due: Duration,
    /// The part of the run that it began in.
    pub(super) part: Part,
}

/// A thread's way through the schedule.
pub(super) struct Arrivals {
    schedule: Schedule,
    /// The rate it follows, where that is no longer the plan's.
    rate: Option<Arc<RateProfile>>,
    /// Walked and not yet come due, or not yet begun.
    ahead: VecDeque<Arrival>,
    /// So many at the front of these are others'.
    others: usize,
    /// By lane the numbers of the arrivals that are its own.
    lanes: Vec<Vec<Range<u64>>>,
    first_user: u32,
    step: u32,
    max_users: u32,
    /// Users started for arrivals so far.
    opened: u32,
    /// Of these, those that have ended before the run did: their numbers are free again.
    closed: BTreeSet<u32>,
}

impl Arrivals {
    /// `None` where users are planned instead.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        Some(Self {
            schedule: schedule(plan)?,
            rate: None,
            ahead: VecDeque::new(),
            others: 0,
            lanes: vec![Vec::new(); usize::from(LANES)],
            first_user: 0,
            step: 1,
            max_users: 0,
            opened: 0,
            closed: BTreeSet::new(),
        })
    }

    /// Replaces what it may do. What lies behind stays as it was.
    pub(super) fn assign(&mut self, grant: &OpenGrant) {
        self.lanes.iter_mut().for_each(Vec::clear);
        for LaneGrant { lane, from, until } in &grant.lanes {
            if let Some(own) = self.lanes.get_mut(usize::from(*lane)) {
                own.push(*from..until.unwrap_or(u64::MAX));
            }
        }
        // Somebody else's may be its own now.
        self.others = 0;
        let step = grant.step.max(1);
        if (self.first_user, self.step) != (grant.first_user, step) {
            (self.first_user, self.step) = (grant.first_user, step);
            self.opened = 0;
            self.closed.clear();
        }
        self.max_users = grant.max_users;
    }

    /// Goes on at `rate`, if that is another one. What was walked and has not begun is walked again: what was due before the
    /// change still is.
    pub(super) fn follow(&mut self, rate: Option<&Arc<RateProfile>>) {
        let Some(rate) = rate.filter(|rate| self.rate.as_ref() != Some(rate)) else { return };
        self.schedule.retime(rate, self.ahead.drain(..));
        self.others = 0;
        self.rate = Some(Arc::clone(rate));
    }

    /// When the next of its own is due, if that is soon after `now`.
    pub(super) fn next_due(&mut self, now: Duration) -> Option<Duration> {
        self.find(now.saturating_add(AHEAD)).map(|arrival| arrival.due)
    }

    /// The next of its own that is due at `horizon` or before, or the first one after.
    fn find(&mut self, horizon: Duration) -> Option<Arrival> {
        loop {
            match self.ahead.get(self.others) {
                Some(arrival) if self.is_own(arrival) => return Some(*arrival),
                Some(_) => self.others += 1,
                None if self.ahead.back().is_some_and(|last| last.due > horizon) => return None,
                None => self.ahead.push_back(self.schedule.next()?),
            }
        }
    }

    fn is_own(&self, arrival: &Arrival) -> bool {
        let lane = self.lanes.get(usize::from(arrival.lane));
        lane.is_some_and(|own| own.iter().any(|numbers| numbers.contains(&arrival.number)))
    }

    /// The next of its own, if it is due before `until`. What is others' and came due is forgotten: a lane that comes later
    /// begins later.
    fn take_before(&mut self, until: Duration) -> Option<Arrival> {
        let due = self.find(until).filter(|arrival| arrival.due < until);
        if due.is_some() {
            self.ahead.drain(..=self.others);
            self.others = 0;
            return due;
        }
        while self.others > 0 && self.ahead.front().is_some_and(|arrival| arrival.due < until) {
            self.ahead.pop_front();
            self.others -= 1;
        }
        None
    }

    /// Whether user `number` is one of those it may have.
    pub(super) fn may_have(&self, number: u32) -> bool {
        self.nth(number).is_some_and(|nth| nth < self.max_users)
    }

    /// Which of its users has this number.
    fn nth(&self, number: u32) -> Option<u32> {
        let distance = number.checked_sub(self.first_user)?;
        distance.is_multiple_of(self.step).then_some(distance / self.step)
    }

    /// The number of one more user, if there may be one. Who `is_alive` still has its number.
    fn open_user(&mut self, is_alive: impl Fn(u32) -> bool) -> Option<u32> {
        if let Some(number) = self.closed.first().copied().filter(|number| self.may_have(*number)) {
            self.closed.remove(&number);
            return Some(number);
        }
        while self.opened < self.max_users {
            let number = self.first_user.checked_add(self.opened.checked_mul(self.step)?)?;
            self.opened += 1;
            // Its user is from an assignment before, and gives it back when it ends.
            if !is_alive(number) {
                return Some(number);
            }
        }
        None
    }

    /// User `number` has ended, though the run has not.
    pub(super) fn close_user(&mut self, number: u32) {
        if self.nth(number).is_some_and(|nth| nth < self.opened) {
            self.closed.insert(number);
        }
    }
}

impl<T: HttpThread> Loop<T> {
    /// Begins what has come due by `run`, each arrival at once, however many there are. Without a lease nothing is begun; what
    /// came due meanwhile is found late.
    pub(super) fn arrive(&mut self, run: Duration) {
        if self.arrivals.is_none() || !self.context.look_at_lease() {
            return;
        }
        // By then the coordinator takes the worker for lost.
        let too_late = self.context.lease.length();
        let stop_at = self.context.stop_at.get();
        while let Some(arrival) = self.take_arrival(run.saturating_add(Duration::from_nanos(1)).min(stop_at))
        {
            let now = self.context.clock.now();
            let late = now.saturating_sub(arrival.due);
            let has_rows = self.context.has_rows(arrival.class, arrival.number);
            let user = if has_rows && now < stop_at && late < too_late {
                self.user_for(arrival.class)
            } else {
                None
            };
            let Some(slot) = user else {
                self.context.drop_arrival(now);
                continue;
            };
            let part = self.context.begin_arrival(late, now);
            if let Some(user) = self.users.get(&slot) {
                let (number, nth, due) = (arrival.number, arrival.nth, arrival.due);
                user.signals.hand(Handed { number, nth, due, part });
            }
        }
    }

    /// When the next arrival is due. Without a lease the thread looks when that is renewed.
    pub(super) fn next_arrival(&mut self, now: Duration) -> Option<Duration> {
        self.arrivals.as_mut().filter(|_| !self.context.lapsed.get())?.next_due(now)
    }

    /// The stop instant has passed: what came due before it and was not begun is not begun any more.
    pub(super) fn drop_arrivals_before(&mut self, stop_at: Duration) {
        let now = self.context.clock.now();
        // Past lease and margin others may have run them: they are not this worker's to book.
        let own = self.context.lease.lapsed_for().map(|lapsed| now.saturating_sub(lapsed) + LEASE_MARGIN);
        while let Some(arrival) = self.take_arrival(stop_at) {
            if own.is_none_or(|own| arrival.due < own) {
                self.context.drop_arrival(now);
            }
        }
    }

    fn take_arrival(&mut self, until: Duration) -> Option<Arrival> {
        self.arrivals.as_mut()?.take_before(until)
    }

    /// The user of `class` that finished last, else a new one.
    fn user_for(&mut self, class: u16) -> Option<u32> {
        while let Some(slot) = self.context.pop_free(class) {
            // One that was told to finish meanwhile takes no more.
            if self.users.get(&slot).is_some_and(|user| !user.signals.is_stopped()) {
                return Some(slot);
            }
        }
        let users = &self.users;
        let slot = self.arrivals.as_mut()?.open_user(|number| users.contains_key(&number))?;
        let life = self.lives.next(slot, 0);
        let started = self.start_user(SlotGrant { slot, class, life, not_before: Duration::ZERO }, true);
        started.then_some(slot)
    }
}

#[cfg(test)]
#[path = "arrivals_tests.rs"]
mod tests;
