//! The course of a run as points of a report: every step for `timeline`, at most 60 merged ones for the charts.
//!
//! Merged points take their percentiles from merged histograms and their rates from the seconds that were really observed.
//! The charts end with the last step that lies wholly before the stop instant, so that neither a last partial second nor the
//! drain looks like a collapse.

use std::time::Duration;

use stampede_stats::histogram::TimesDelta;
use stampede_stats::timeline::{Point, Timeline};

use super::model::{EndpointPoint, TimelinePoint};
use super::text::round6;
use super::times::encoded_delta;

/// Points of a chart.
pub(super) const MAX_CHART_POINTS: usize = 60;

/// Percentiles of a step.
const SHOWN: [f64; 3] = [50.0, 95.0, 99.0];

/// Every step of the run.
pub(super) fn timeline(timeline: &Timeline, duration: Duration) -> Vec<TimelinePoint> {
    let step = timeline.step_s();
    timeline.points().map(|(t, point)| merged(&[(t, point)], step, is_whole(t, step, duration))).collect()
}

/// The steps before the stop instant, neighbours merged until they are few enough.
pub(super) fn course(timeline: &Timeline, duration: Duration) -> Vec<TimelinePoint> {
    let step = timeline.step_s();
    let whole: Vec<_> = timeline.points().filter(|(t, _)| is_whole(*t, step, duration)).collect();
    let each = whole.len().div_ceil(MAX_CHART_POINTS).max(1);
    whole.chunks(each).map(|chunk| merged(chunk, step, true)).collect()
}

/// A row's steps from the end of the warm-up on; `whole` is the run's own timeline, which knows what was observed.
pub(super) fn of_row(
    row: &Timeline,
    whole: &Timeline,
    warmup: Duration,
    duration: Duration,
) -> Vec<EndpointPoint> {
    let step = row.step_s();
    let begins = |t: u32| Duration::from_secs(t.into());
    let measured = row.points().filter(|(t, _)| begins(t.saturating_add(step)) > warmup);
    let of_step = |(t, point): (u32, &Point)| {
        let within = whole.points().filter(|(at, _)| *at >= t && *at < t.saturating_add(step));
        let seconds = within.map(|(_, point)| point.seconds).sum::<u32>().min(step);
        let times = point.times.unpack();
        let found = times.percentiles_ms(&SHOWN);
        let percentile = |index: usize| found.get(index).copied().map(round6);
        let rated = begins(t) >= warmup && is_whole(t, step, duration) && seconds > 0;
        EndpointPoint {
            t,
            seconds,
            requests: point.requests,
            failures: point.failures,
            rps: rated.then(|| round6(point.requests as f64 / f64::from(seconds))),
            p50_ms: percentile(0),
            p95_ms: percentile(1),
            p99_ms: percentile(2),
            histogram: encoded_delta(&times),
        }
    };
    measured.map(of_step).collect()
}

/// Whether the step ends at or before the stop instant.
fn is_whole(t: u32, step: u32, duration: Duration) -> bool {
    Duration::from_secs(u64::from(t) + u64::from(step)) <= duration
}

fn merged(points: &[(u32, &Point)], step: u32, rated: bool) -> TimelinePoint {
    let mut times = TimesDelta::default();
    let (mut requests, mut failures, mut seconds, mut late) = (0, 0, 0, false);
    let (mut bytes_in, mut head_bytes_in, mut bytes_out) = (0, 0, 0);
    for (_, point) in points {
        times.merge(&point.times.unpack());
        requests += point.requests;
        failures += point.failures;
        bytes_in += point.bytes_in;
        head_bytes_in += point.head_bytes_in;
        bytes_out += point.bytes_out;
        seconds += point.seconds.min(step);
        late |= point.late;
    }
    // Gauges are those of the last moment that was observed.
    let last = points.iter().rev().find(|(_, point)| point.seconds > 0).or(points.last());
    let gauges = last.map_or((0, 0, 0), |(_, point)| (point.users, point.planned_users, point.in_flight));
    let found = times.percentiles_ms(&SHOWN);
    let percentile = |index: usize| found.get(index).copied().map(round6);
    TimelinePoint {
        t: points.first().map_or(0, |(t, _)| *t),
        seconds,
        users: gauges.0,
        planned_users: gauges.1,
        requests,
        failures,
        bytes_in,
        head_bytes_in,
        bytes_out,
        rps: (rated && seconds > 0).then(|| round6(requests as f64 / f64::from(seconds))),
        p50_ms: percentile(0),
        p95_ms: percentile(1),
        p99_ms: percentile(2),
        in_flight: gauges.2,
        late,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stampede_stats::histogram::{TIMES_DIGITS, Times};

    fn filled(seconds: u32) -> Timeline {
        let mut timeline = Timeline::default();
        for second in 0..seconds {
            let mut times = Times::<u64>::new(TIMES_DIGITS);
            for n in 0..10 {
                times.record(u64::from(second * 10 + n + 1) * 1_000_000);
            }
            let point = timeline.at(second);
            point.requests += 10;
            point.seconds += 1;
            point.users = u64::from(second) + 1;
            point.times.merge(&times.delta());
        }
        timeline
    }

    #[test]
    fn a_long_course_is_merged_from_histograms() {
        let course = course(&filled(130), Duration::from_secs(130));
        assert_eq!(course.len(), 44);
        let first = &course[0];
        assert_eq!((first.t, first.seconds, first.requests, first.users), (0, 3, 30, 3));
        assert_eq!((first.rps, first.p50_ms, first.p95_ms), (Some(10.0), Some(15.007), Some(29.007)));
        let last = &course[43];
        assert_eq!((last.t, last.seconds, last.rps), (129, 1, Some(10.0)));
    }

    #[test]
    fn a_row_has_rates_for_whole_steps_that_are_measured() {
        let whole = filled(100);
        let mut row = Timeline::short(60);
        for second in 5..100 {
            row.at(second).requests += 4;
        }
        let (warmup, duration) = (Duration::from_secs(5), Duration::from_secs(97));
        let points = of_row(&row, &whole, warmup, duration);
        assert_eq!(points.iter().map(|point| point.requests).sum::<u64>(), 95 * 4);
        let first: Vec<_> = points.iter().take(2).map(|point| (point.t, point.seconds, point.rps)).collect();
        assert_eq!(first, [(4, 2, None), (6, 2, Some(4.0))]);
        assert_eq!(points.last().map(|point| (point.t, point.rps)), Some((98, None)));
    }

    #[test]
    fn what_the_stop_instant_cuts_has_no_rate() {
        let timeline_of = filled(5);
        let duration = Duration::from_millis(3400);
        let rates: Vec<_> = timeline(&timeline_of, duration).iter().map(|point| point.rps).collect();
        assert_eq!(rates, [Some(10.0), Some(10.0), Some(10.0), None, None]);
        assert_eq!(course(&timeline_of, duration).len(), 3);
    }

    #[test]
    fn seconds_nobody_observed_have_no_rate() {
        let mut timeline_of = filled(1);
        timeline_of.at(3).seconds = 1;
        let points = course(&timeline_of, Duration::from_secs(4));
        let rates: Vec<_> = points.iter().map(|point| point.rps).collect();
        assert_eq!(rates, [Some(10.0), None, None, Some(0.0)]);
    }
}
