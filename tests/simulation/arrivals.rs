//! The open model on a load thread of the simulation: it walks the whole schedule and takes what comes due in its lanes.
//!
//! Simpler than the real one, which must not keep a schedule without end: here the run time is known, and the walk is a list.

use std::ops::Range;
use std::time::Duration;

use stampede_scenarios::arrivals::{Arrival, LANES, schedule};
use stampede_scenarios::plan::Plan;
use stampede_scenarios::rate_profile::RateProfile;
use stampede_worker::engine::arrivals::{LaneGrant, OpenGrant};

/// A thread's way through the schedule.
#[derive(Debug)]
pub(crate) struct Walk {
    arrivals: Vec<Arrival>,
    /// What lies before it has come due: whose it was then is settled.
    next: usize,
    /// By lane the numbers of the arrivals that are its own.
    lanes: Vec<Vec<Range<u64>>>,
}

impl Walk {
    /// `None` where users are planned instead.
    pub(crate) fn new(plan: &Plan) -> Option<Self> {
        let until = plan.load.run_time?;
        let arrivals = schedule(plan)?.take_while(|arrival| arrival.due < until).collect();
        Some(Self { arrivals, next: 0, lanes: vec![Vec::new(); usize::from(LANES)] })
    }

    /// Replaces what it may do.
    pub(crate) fn assign(&mut self, grant: &OpenGrant) {
        self.lanes.iter_mut().for_each(Vec::clear);
        for LaneGrant { lane, from, until } in &grant.lanes {
            self.lanes[usize::from(*lane)].push(*from..until.unwrap_or(u64::MAX));
        }
    }

    /// Goes on at another rate: what lies behind stays as it was.
    pub(crate) fn follow(&mut self, plan: &Plan, rate: &RateProfile) {
        let (Some(until), Some(mut schedule)) = (plan.load.run_time, schedule(plan)) else { return };
        schedule.retime(rate, std::iter::empty());
        // Numbered from 0 on: `next` is the same arrival in both.
        self.arrivals.truncate(self.next);
        let following = schedule.skip(self.next).take_while(|arrival| arrival.due < until);
        self.arrivals.extend(following);
    }

    /// The next of its own that is due before `until`.
    pub(crate) fn take(&mut self, until: Duration) -> Option<Arrival> {
        while let Some(arrival) = self.arrivals.get(self.next).filter(|arrival| arrival.due < until) {
            self.next += 1;
            if self.lanes[usize::from(arrival.lane)].iter().any(|numbers| numbers.contains(&arrival.number)) {
                return Some(*arrival);
            }
        }
        None
    }
}
