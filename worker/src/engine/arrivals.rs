//! The open model on one load thread: what comes due in its lanes goes to a free user at once, or is dropped.
//!
//! The thread walks the whole schedule and takes what is its own. Users that are free lie on a stack for each class, the one
//! that finished last on top: so few users do most of the work, with connections that are warm.

use std::iter::Peekable;
use std::time::Duration;

use stampede_scenarios::arrivals::{Arrival, LANES, schedule};
use stampede_scenarios::plan::Plan;

use super::thread::Loop;
use crate::http::HttpThread;
use crate::slots::SlotGrant;

/// An arrival found later than this is dropped: by then the coordinator takes the worker for lost.
const TOO_LATE: Duration = Duration::from_secs(5);

/// A thread's part of the open model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenGrant {
    /// Its lanes.
    pub lanes: Vec<u16>,
    /// Number of the first user it may start for arrivals; the others follow.
    pub first_user: u32,
    /// How many it may start.
    pub max_users: u32,
}

/// An arrival in the hands of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) number: u64,
    /// Run time at which it was due.
    pub(super) due: Duration,
}

/// A thread's way through the schedule.
pub(super) struct Arrivals {
    schedule: Peekable<Box<dyn Iterator<Item = Arrival>>>,
    lanes: Vec<bool>,
    first_user: u32,
    max_users: u32,
    /// Users started for arrivals so far.
    opened: u32,
    /// Of these, those that have ended before the run did: their numbers are free again.
    closed: Vec<u32>,
}

impl Arrivals {
    /// `None` where users are planned instead.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let schedule: Box<dyn Iterator<Item = Arrival>> = Box::new(schedule(plan)?);
        let lanes = vec![false; usize::from(LANES)];
        let schedule = schedule.peekable();
        Some(Self { schedule, lanes, first_user: 0, max_users: 0, opened: 0, closed: Vec::new() })
    }

    /// Replaces what it may do. What lies behind stays as it was.
    pub(super) fn assign(&mut self, grant: &OpenGrant) {
        self.lanes.fill(false);
        for lane in &grant.lanes {
            if let Some(own) = self.lanes.get_mut(usize::from(*lane)) {
                *own = true;
            }
        }
        self.first_user = grant.first_user;
        self.max_users = grant.max_users;
    }

    /// When the next of its own is due.
    pub(super) fn next_due(&mut self) -> Option<Duration> {
        if !self.lanes.contains(&true) {
            return None;
        }
        let lanes = &self.lanes;
        while self.schedule.next_if(|arrival| !lanes[usize::from(arrival.lane)]).is_some() {}
        self.schedule.peek().map(|arrival| arrival.due)
    }

    /// The next of its own, if it is due before `until`.
    fn take_before(&mut self, until: Duration) -> Option<Arrival> {
        let due = self.next_due()?;
        self.schedule.next_if(|_| due < until)
    }

    /// The number of one more user, if there may be one.
    fn open_user(&mut self) -> Option<u32> {
        if let Some(number) = self.closed.pop() {
            return Some(number);
        }
        let number = (self.opened < self.max_users).then(|| self.first_user.checked_add(self.opened))??;
        self.opened += 1;
        Some(number)
    }

    /// User `number` has ended, though the run has not.
    pub(super) fn close_user(&mut self, number: u32) {
        if number.checked_sub(self.first_user).is_some_and(|nth| nth < self.opened) {
            self.closed.push(number);
        }
    }
}

impl<T: HttpThread> Loop<T> {
    /// Begins what has come due by `run`, each arrival at once, however many there are.
    pub(super) fn arrive(&mut self, run: Duration) {
        let stop_at = self.context.stop_at.get();
        while let Some(arrival) = self.take_arrival(run.saturating_add(Duration::from_nanos(1)).min(stop_at))
        {
            let now = self.context.clock.now();
            let late = now.saturating_sub(arrival.due);
            let user = if now < stop_at && late < TOO_LATE { self.user_for(arrival.class) } else { None };
            let Some(slot) = user else {
                self.context.drop_arrival(now);
                continue;
            };
            self.context.begin_arrival(late, now);
            if let Some(user) = self.users.get(&slot) {
                user.signals.hand(Handed { number: arrival.number, due: arrival.due });
            }
        }
    }

    /// The stop instant has passed: what came due before it and was not begun is not begun any more.
    pub(super) fn drop_arrivals_before(&mut self, stop_at: Duration) {
        let now = self.context.clock.now();
        while self.take_arrival(stop_at).is_some() {
            self.context.drop_arrival(now);
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
        let slot = self.arrivals.as_mut()?.open_user()?;
        let started = self.start_user(SlotGrant { slot, class, life: 0, not_before: Duration::ZERO });
        started.then_some(slot)
    }
}

#[cfg(test)]
mod tests {
    use stampede_scenarios::compile::compile;
    use stampede_scenarios::source::{Overrides, Source};

    use super::*;

    fn arrivals(load: &str) -> Arrivals {
        let text = format!(
            "target: http://h\nusers:\n  a: {{weight: 2, tasks: {{t: {{steps: [get: /]}}}}}}\n  b: {{tasks: {{t: {{steps: [get: /]}}}}}}\nload: {{{load}}}\n"
        );
        let plan = compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 7);
        Arrivals::new(&plan.unwrap_or_else(|problems| panic!("{problems}"))).expect("arrivals")
    }

    fn grant(lanes: impl Iterator<Item = u16>) -> OpenGrant {
        OpenGrant { lanes: lanes.collect(), first_user: 10, max_users: 2 }
    }

    #[test]
    fn threads_together_run_every_arrival_once() {
        let until = Duration::from_secs(2);
        let mut numbers = Vec::new();
        for thread in 0..3_u16 {
            let mut arrivals = arrivals("rate: 1500/s");
            assert_eq!(
                (arrivals.next_due(), arrivals.take_before(until)),
                (None, None),
                "nothing is its own yet"
            );
            arrivals.assign(&grant((0..LANES).filter(|lane| lane % 3 == thread)));
            while let Some(due) = arrivals.next_due().filter(|due| *due < until) {
                assert_eq!(arrivals.take_before(due), None, "not before it is due");
                let arrival = arrivals.take_before(due + Duration::from_nanos(1)).expect("due");
                assert_eq!((arrival.lane % 3, arrival.due), (thread, due));
                numbers.push(arrival.number);
            }
        }
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..3000));
    }

    #[test]
    fn users_have_numbers_of_their_own_and_a_limit() {
        let mut arrivals = arrivals("rate: 1/s");
        assert_eq!(arrivals.open_user(), None);
        arrivals.assign(&grant(0..4));
        assert_eq!([(); 3].map(|()| arrivals.open_user()), [Some(10), Some(11), None]);
        arrivals.close_user(3);
        arrivals.close_user(11);
        assert_eq!([(); 2].map(|()| arrivals.open_user()), [Some(11), None]);
    }
}
