//! The open model's part of the run's state: what has arrived, what is missed. Who has which lanes is dealt as slots are.

use std::time::Duration;

use stampede_scenarios::arrivals::count_at;
use stampede_scenarios::plan::OpenPlan;

use super::member::Member;
use super::phases::HEARD;
use super::state::Run;
use crate::dispatch::{Arriving, Lanes};
use crate::result::Accounting;
use crate::view::ArrivalsView;

impl Run {
    /// Has the lanes, where there are any, decide something at `now`.
    pub(super) fn with_lanes(&mut self, now: Duration, decide: impl FnOnce(&mut Lanes, &Arriving<'_>)) {
        let Some(mut lanes) = self.lanes.take() else { return };
        let at = self.run_time(now + self.lead());
        decide(&mut lanes, &Arriving { at, due_before: &|t| self.due_before(t) });
        self.lanes = Some(lanes);
    }

    /// How many arrivals are due before `t`.
    fn due_before(&self, t: Duration) -> u64 {
        self.rate().map_or(0, |rate| count_at(&self.setup.plan, rate, t))
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
        let due = self.due_before(self.stop.map_or(Duration::ZERO, |stop| stop.at));
        // Where everybody stayed to the end, what they saw come due is all there was: two sides of one
        // count. Who was lost and came back has not seen what came due before others had its lanes.
        let stayed = |member: &Member| member.finished && !member.left && member.absences.is_empty();
        // Nor has anybody what came due in a lane that was on its way to a worker that joined.
        let whole = crew().all(stayed) && !self.lanes.as_ref().is_some_and(Lanes::has_gaps);
        accounting.missed = if whole { 0 } else { due.saturating_sub(seen) };
        // What came due in the warm-up is in an account of its own.
        let warm_dropped: u64 = crew().map(|member| member.applied.warmup_iterations.dropped).sum();
        accounting.dropped = accounting.dropped.saturating_sub(warm_dropped);
        let warm = accounting.warmup.iterations_begun + warm_dropped;
        accounting.planned = Some((seen + accounting.missed).saturating_sub(warm));
    }

    /// How arrivals are coming.
    pub(super) fn arrivals_view(&self, run_time: Duration) -> Option<ArrivalsView> {
        let (open, rate) = (self.open()?, self.rate()?);
        let crew = || self.crew.iter().map(|worker| &self.members[*worker]);
        Some(ArrivalsView {
            rate: rate.rate_at(run_time),
            target: rate.last_rate(),
            begun_per_s: self.merged.arrival_rate(self.watermark),
            dropped: crew().map(Member::iterations_dropped).sum(),
            max_users: open.max_users,
        })
    }
}
