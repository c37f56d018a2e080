//! The open model's part of the run's state: who has which lanes and how many users, what has arrived, what is missed.
//!
//! Lanes are dealt once, at the start. What comes due in those of a worker that is lost, or has left, is missed and named.

use std::time::Duration;

use stampede_proto::assign::{LaneShare, OpenShare};
use stampede_scenarios::arrivals::{LANES, count_until, owner};
use stampede_scenarios::plan::OpenPlan;
use stampede_scenarios::ranks::RankSet;

use super::member::Member;
use super::phases::HEARD;
use super::state::Run;
use crate::result::Accounting;
use crate::view::ArrivalsView;

impl Run {
    /// The part of the worker in `seat`, and the revision of it.
    pub(super) fn open_share(&self, seat: usize) -> Option<(OpenShare, u64)> {
        let open = self.open()?;
        let workers = self.crew.len();
        let lanes = (0..LANES).filter(|lane| owner(*lane, workers) == seat).map(u32::from);
        let (first_user, max_users) = user_share(open, seat, workers);
        let lanes = LaneShare { lanes: RankSet::from_sorted(lanes.collect()), from: 0, until: None };
        Some((OpenShare { lanes: vec![lanes], first_user, max_users }, 0))
    }

    fn open(&self) -> Option<&OpenPlan> {
        self.setup.plan.load.open.as_ref()
    }

    /// Whether `iterations` bound the arrivals, all have come and everybody has been heard to be through with them.
    pub(super) fn arrivals_are_spent(&self, run_time: Duration) -> bool {
        let Some(last) = self.last_due else { return false };
        let through = |member: &Member| member.heartbeat.iterations_ended >= member.iterations_begun();
        let mut live =
            self.crew.iter().map(|worker| &self.members[*worker]).filter(|member| member.is_live());
        run_time >= last.saturating_add(HEARD) && live.all(through)
    }

    /// What came due, by those who were there to see it, and what came due with nobody there.
    pub(super) fn account_arrivals(&self, accounting: &mut Accounting) {
        if self.open().is_none() {
            return;
        }
        let crew = || self.crew.iter().map(|worker| &self.members[*worker]);
        let seen: u64 = crew().map(Member::arrivals).sum();
        accounting.dropped += crew().map(Member::iterations_dropped).sum::<u64>();
        let due = count_until(&self.setup.plan, self.stop.map_or(Duration::ZERO, |stop| stop.at));
        // Where everybody stayed to the end, what they saw come due is all there was: two sides of one count.
        let whole = crew().all(|member| member.finished && !member.left);
        accounting.missed = if whole { 0 } else { due.saturating_sub(seen) };
        accounting.planned = Some(seen + accounting.missed);
    }

    /// How arrivals are coming.
    pub(super) fn arrivals_view(&self, run_time: Duration) -> Option<ArrivalsView> {
        let open = self.open()?;
        let crew = || self.crew.iter().map(|worker| &self.members[*worker]);
        Some(ArrivalsView {
            rate: open.rate.rate_at(run_time),
            target: open.rate.last_rate(),
            begun_per_s: self.merged.arrival_rate(self.watermark),
            dropped: crew().map(Member::iterations_dropped).sum(),
            max_users: open.max_users,
        })
    }
}

/// First number and count of the users that worker `index` of `workers` may start.
fn user_share(open: &OpenPlan, index: usize, workers: usize) -> (u32, u32) {
    let part = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (index, workers) = (part(index), part(workers).max(1));
    let left = open.max_users.saturating_sub(open.users);
    let (each, rest) = (left / workers, left % workers);
    (open.users + each * index + index.min(rest), each + u32::from(index < rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stampede_scenarios::arrivals::Spacing;
    use stampede_scenarios::rate::Rate;
    use stampede_scenarios::rate_profile::RateProfile;

    #[test]
    fn users_are_shared_without_a_number_given_twice() {
        let rate = RateProfile::constant(Rate::new(5, 1).expect("positive")).expect("a rate");
        for (max_users, users) in [(100, 7), (3, 3), (4, 1), (10_000, 0)] {
            let open = OpenPlan {
                rate: rate.clone(),
                spacing: Spacing::Even,
                max_users,
                users,
                ends_with_stages: false,
            };
            for workers in 1..9 {
                let mut next = users;
                for index in 0..workers {
                    let (first, count) = user_share(&open, index, workers);
                    assert_eq!(first, next);
                    next += count;
                }
                assert_eq!(next, max_users);
            }
        }
    }
}
