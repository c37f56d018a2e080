//! The load as it is planned, and what was changed of it.

use std::time::Duration;

use stampede_scenarios::describe::{describe_load, describe_users};

use crate::run::state::Run;
use crate::view::{ChangeRow, LoadView, SearchView, TryRow};

/// Points of the plan: two for each column of a wide chart.
const POINTS: u32 = 240;

/// Changes shown: the newest.
const MAX_CHANGES: usize = 200;

/// The plan as it was sampled the last time.
#[derive(Debug, Default)]
pub(super) struct Planned {
    until: Duration,
    points: Vec<(f64, f64)>,
}

impl Run {
    pub(super) fn load_view(&mut self, now: Duration) -> LoadView {
        let load = &self.setup.plan.load;
        let words = describe_load(load).unwrap_or_else(|| describe_users(load));
        let search = self.search_result().map(|result| SearchView {
            now: self.search_view(),
            sentence: self.search_view().is_none().then_some(result.sentence),
            tries: result
                .tries
                .into_iter()
                .map(|tried| TryRow {
                    rate: tried.rate,
                    verifies: tried.verifies,
                    from_s: tried.from_s,
                    to_s: tried.to_s,
                    requests: tried.requests,
                    dropped: tried.dropped,
                    held: tried.held,
                    why: tried.why,
                })
                .collect(),
        });
        let newest = self.changes.len().saturating_sub(MAX_CHANGES);
        let changes = self.changes.iter().skip(newest).map(|change| ChangeRow {
            at: change.at,
            what: change.what.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
        });
        let changes = changes.collect();
        self.plan_until(now);
        let planned = if search.is_some() { Vec::new() } else { self.shown.planned.points.clone() };
        LoadView { words, planned, changes, search }
    }

    /// Samples the plan, if it was not sampled as far as that yet.
    fn plan_until(&mut self, now: Duration) {
        let load = &self.setup.plan.load;
        let until = horizon(self.run_time(now), load.run_time);
        if self.shown.planned.until == until {
            return;
        }
        let value = |t: Duration| match &load.open {
            Some(open) => open.rate.rate_at(t),
            None => f64::from(load.profile.users_at(t)),
        };
        let times = (0..=POINTS).map(|at| until * at / POINTS);
        let points = times.map(|t| (t.as_secs_f64(), value(t))).collect();
        self.shown.planned = Planned { until, points };
    }
}

/// How far the plan is shown: to the run's end, or to a round time ahead of now.
fn horizon(elapsed: Duration, run_time: Option<Duration>) -> Duration {
    if let Some(run_time) = run_time.filter(|time| !time.is_zero()) {
        return run_time;
    }
    let minutes = u32::try_from(elapsed.as_secs() / 60 + 1).unwrap_or(u32::MAX);
    Duration::from_secs(60) * minutes.checked_next_power_of_two().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_shown_to_its_end_or_some_way_ahead() {
        let secs = Duration::from_secs;
        for (elapsed, run_time, until) in [
            (5, Some(90), 90),
            (0, None, 60),
            (59, None, 60),
            (60, None, 120),
            (200, None, 240),
            (300, None, 480),
        ] {
            assert_eq!(horizon(secs(elapsed), run_time.map(secs)), secs(until), "{elapsed}");
        }
        assert!(horizon(Duration::MAX, None) > secs(1));
    }
}
