//! The course of the run and of its endpoints, point by point.
//!
//! Percentiles of a point are made once: a point is made anew only when requests were added to it, or the step has doubled.

use std::collections::BTreeMap;

use stampede_stats::endpoint::EndpointKey;
use stampede_stats::timeline::{Point, Timeline};

use crate::run::state::Run;
use crate::view::{CoursePoint, Phase};

/// A course as it was made the last time.
#[derive(Debug, Default)]
struct Made {
    step_s: u32,
    /// With the requests each was made of.
    points: Vec<(u64, CoursePoint)>,
}

/// Courses as they were made the last time.
#[derive(Debug, Default)]
pub(super) struct Courses {
    all: Made,
    rows: BTreeMap<EndpointKey, Made>,
}

impl Made {
    /// The points of `timeline` that `is_complete` says are, in a second `observed` or not.
    fn renew(
        &mut self,
        timeline: &Timeline,
        is_complete: impl Fn(u32) -> bool,
        observed: bool,
    ) -> Vec<CoursePoint> {
        let step = timeline.step_s();
        let before = if self.step_s == step { std::mem::take(&mut self.points) } else { Vec::new() };
        self.step_s = step;
        let complete = timeline.points().take_while(|(t, _)| is_complete(*t)).enumerate();
        self.points = complete
            .map(|(at, (t, point))| {
                let times = before.get(at).filter(|(requests, _)| *requests == point.requests);
                let seconds = if observed { point.seconds.max(1) } else { step };
                (point.requests, made(t, point, f64::from(seconds), times.map(|(_, made)| made)))
            })
            .collect();
        self.points.iter().map(|(_, point)| *point).collect()
    }
}

/// One point; its percentiles are those of `known` where there is one.
fn made(t: u32, point: &Point, seconds: f64, known: Option<&CoursePoint>) -> CoursePoint {
    let times = if let Some(known) = known {
        [known.p50, known.p95, known.p99]
    } else {
        let times = point.times.percentiles_ms(&[50.0, 95.0, 99.0]);
        [0, 1, 2].map(|at| times.get::<usize>(at).copied())
    };
    CoursePoint {
        t: f64::from(t),
        users: point.users,
        planned_users: point.planned_users,
        rps: point.requests as f64 / seconds,
        failures_per_s: point.failures as f64 / seconds,
        arrivals_per_s: point.arrivals as f64 / seconds,
        p50: times[0],
        p95: times[1],
        p99: times[2],
    }
}

impl Run {
    /// The course of the run so far.
    pub(super) fn course(&mut self) -> Vec<CoursePoint> {
        let timeline = &self.merged.timeline;
        let is_complete = is_complete(timeline.step_s(), self.watermark, self.phase);
        self.shown.courses.all.renew(timeline, is_complete, true)
    }

    /// The course of one row so far.
    pub(super) fn course_of(&self, courses: &mut Courses, key: &EndpointKey) -> Vec<CoursePoint> {
        let Some(timeline) = self.merged.courses.get(key) else { return Vec::new() };
        let is_complete = is_complete(timeline.step_s(), self.watermark, self.phase);
        courses.rows.entry(key.clone()).or_default().renew(timeline, is_complete, false)
    }
}

/// Which points everybody has reported on. In the end the last one counts too, however much of it there is.
fn is_complete(step: u32, watermark: u32, phase: Phase) -> impl Fn(u32) -> bool {
    move |t| t.saturating_add(step) <= watermark || (phase == Phase::Finished && t < watermark)
}

#[cfg(test)]
mod tests {
    use stampede_stats::histogram::{TIMES_DIGITS, Times};

    use super::*;

    fn add(timeline: &mut Timeline, second: u32, ms: u64) {
        let mut times = Times::<u32>::new(TIMES_DIGITS);
        times.record(ms * 1_000_000);
        let point = timeline.at(second);
        point.requests += 1;
        point.seconds = 1;
        point.times.merge(&times.delta());
    }

    #[test]
    fn what_was_made_before_is_what_would_be_made_now() {
        let (mut timeline, mut made) = (Timeline::short(4), Made::default());
        for second in 0..20 {
            add(&mut timeline, second, 1 + u64::from(second) % 3);
            // Late, for a point that was shown.
            add(&mut timeline, second.saturating_sub(2), 40);
            let until = second + 1;
            let is_complete = |t| t < until;
            let fresh = Made::default().renew(&timeline, is_complete, false);
            assert_eq!(made.renew(&timeline, is_complete, false), fresh, "second {second}");
            assert!(fresh.iter().any(|point| point.p99 > Some(39.0)));
        }
    }

    #[test]
    fn only_complete_points_are_shown_until_the_end() {
        let at = |phase| (0..30).step_by(10).filter(|t| is_complete(10, 25, phase)(*t)).collect::<Vec<u32>>();
        assert_eq!(at(Phase::Steady), [0, 10]);
        assert_eq!(at(Phase::Finished), [0, 10, 20]);
    }
}
