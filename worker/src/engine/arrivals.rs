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
mod tests {
    use stampede_scenarios::compile::compile;
    use stampede_scenarios::rate::Rate;
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
        let lanes = lanes.map(|lane| LaneGrant { lane, from: 0, until: None });
        OpenGrant { lanes: lanes.collect(), first_user: 10, step: 1, max_users: 2 }
    }

    /// The numbers of those it takes from `from` to `until`, as a thread does that looks every 10 ms.
    fn walk(arrivals: &mut Arrivals, from: Duration, until: Duration) -> Vec<u64> {
        let mut numbers = Vec::new();
        let mut now = from;
        while now < until {
            now += Duration::from_millis(10);
            assert!(arrivals.next_due(now).is_none_or(|due| due < now + Duration::from_secs(1)));
            numbers.extend(std::iter::from_fn(|| arrivals.take_before(now)).map(|arrival| arrival.number));
        }
        numbers
    }

    #[test]
    fn threads_together_run_every_arrival_once() {
        let until = Duration::from_secs(2);
        let mut numbers = Vec::new();
        for thread in 0..3_u16 {
            let mut arrivals = arrivals("rate: 1500/s");
            assert_eq!(arrivals.next_due(Duration::ZERO), None, "nothing is its own yet");
            arrivals.assign(&grant((0..LANES).filter(|lane| lane % 3 == thread)));
            let mut now = Duration::ZERO;
            while let Some(due) = arrivals.next_due(now).filter(|due| *due < until) {
                assert_eq!(arrivals.take_before(due), None, "not before it is due");
                let arrival = arrivals.take_before(due + Duration::from_nanos(1)).expect("due");
                assert_eq!((arrival.lane % 3, arrival.due), (thread, due));
                numbers.push(arrival.number);
                now = due;
            }
        }
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..3000));
    }

    #[test]
    fn a_lane_is_handed_over_at_an_arrival() {
        let s = Duration::from_secs;
        let (mut old, mut new) = (arrivals("rate: 1000/s"), arrivals("rate: 1000/s"));
        let lanes = |from, until| {
            let lanes = (0..LANES).map(move |lane| LaneGrant { lane, from, until });
            OpenGrant { lanes: lanes.collect(), first_user: 0, step: 1, max_users: 9 }
        };
        old.assign(&lanes(0, None));
        let mut numbers = walk(&mut old, s(0), s(1));
        assert!(walk(&mut new, s(0), s(1)).is_empty());
        assert_eq!(numbers.len(), 1000);
        // Named ahead of time, as far as the others have walked already and further.
        old.assign(&lanes(0, Some(1020)));
        new.assign(&lanes(1020, None));
        numbers.extend(walk(&mut old, s(1), s(3)));
        let taken_over = walk(&mut new, s(1), s(3));
        assert_eq!(taken_over.first(), Some(&1020));
        numbers.extend(taken_over);
        assert!(numbers.into_iter().eq(0..3000));
        assert_eq!(old.next_due(s(3)), None, "and it does not look for one without end");
    }

    #[test]
    fn another_rate_is_followed_from_its_instant_on() {
        let (s, ms) = (Duration::from_secs, Duration::from_millis);
        let rate = |num| Rate::new(num, 1);
        let mut arrivals = arrivals("rate: 2/s");
        arrivals.assign(&grant(0..LANES));
        assert_eq!(walk(&mut arrivals, s(0), ms(2500)), [0, 1, 2, 3, 4]);
        // The next one, due at 2.5 s, was walked already; it and all that follow wait.
        let constant = RateProfile::constant(rate(2).unwrap()).unwrap();
        let paused = Arc::new(constant.held(ms(2400), None));
        arrivals.follow(Some(&paused));
        assert_eq!(arrivals.next_due(ms(2600)), None);
        assert!(walk(&mut arrivals, ms(2500), s(9)).is_empty());
        let resumed = Arc::new(paused.held(s(9), rate(100)));
        arrivals.follow(Some(&resumed));
        assert_eq!(walk(&mut arrivals, s(9), s(10)), (5..105).collect::<Vec<_>>());
        // Told again it changes nothing.
        arrivals.follow(Some(&resumed));
        assert_eq!(walk(&mut arrivals, s(10), ms(10_020)), [105, 106]);
    }

    #[test]
    fn what_lies_behind_is_not_run_late() {
        let s = Duration::from_secs;
        let mut arrivals = arrivals("rate: 100/s");
        assert!(walk(&mut arrivals, s(0), s(2)).is_empty());
        arrivals.assign(&grant(0..LANES));
        let first = walk(&mut arrivals, s(2), s(3)).first().copied();
        assert_eq!(first, Some(200));
    }

    #[test]
    fn users_have_numbers_of_their_own_and_a_limit() {
        let mut arrivals = arrivals("rate: 1/s");
        assert_eq!(arrivals.open_user(|_| false), None);
        arrivals.assign(&grant(0..4));
        assert_eq!([(); 3].map(|()| arrivals.open_user(|_| false)), [Some(10), Some(11), None]);
        arrivals.close_user(3);
        arrivals.close_user(11);
        assert_eq!([(); 2].map(|()| arrivals.open_user(|_| false)), [Some(11), None]);
        arrivals.assign(&OpenGrant { max_users: 1, ..grant(0..4) });
        assert!(arrivals.may_have(10) && !arrivals.may_have(11) && !arrivals.may_have(9));
        arrivals.close_user(11);
        assert_eq!(arrivals.open_user(|_| false), None);
        arrivals.assign(&OpenGrant { max_users: 3, ..grant(0..4) });
        assert_eq!([(); 3].map(|()| arrivals.open_user(|_| false)), [Some(11), Some(12), None]);
        arrivals.assign(&OpenGrant { first_user: 12, ..grant(0..4) });
        assert_eq!(arrivals.open_user(|number| number == 12), Some(13), "12 is still somebody");
        arrivals.close_user(12);
        assert_eq!([(); 2].map(|()| arrivals.open_user(|_| false)), [Some(12), None]);
    }

    #[test]
    fn users_may_have_every_third_number() {
        let mut arrivals = arrivals("rate: 1/s");
        arrivals.assign(&OpenGrant { step: 3, ..grant(0..4) });
        assert_eq!([(); 3].map(|()| arrivals.open_user(|_| false)), [Some(10), Some(13), None]);
        assert!(arrivals.may_have(13) && !arrivals.may_have(11) && !arrivals.may_have(16));
        arrivals.close_user(13);
        arrivals.close_user(11);
        assert_eq!([(); 2].map(|()| arrivals.open_user(|_| false)), [Some(13), None]);
    }
}
