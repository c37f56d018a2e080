//! The last picture and the report are of one mind, and neither grows with the length of a run.

use std::time::Duration;

use stampede_coordinator::report::{Endpoint, Format, Report};
use stampede_coordinator::run::input::{Input, Progress};
use stampede_coordinator::view::EndpointRow;
use stampede_stats::timeline::MAX_POINTS;

use crate::world::World;

/// A rate or a time as a report has it: to six significant digits.
fn same(shown: Option<f64>, reported: Option<f64>) -> bool {
    match (shown, reported) {
        (Some(shown), Some(reported)) => (shown - reported).abs() <= reported.abs() * 1e-5 + 1e-9,
        (shown, reported) => shown.is_none() && reported.is_none(),
    }
}

fn check_row(shown: &EndpointRow, reported: &Endpoint) {
    assert_eq!((shown.requests, shown.failures), (reported.requests, reported.failures), "{}", shown.name);
    let percentiles = &reported.percentiles_ms;
    for (what, shown, reported) in [
        ("avg", shown.avg, reported.avg_ms),
        ("min", shown.min, reported.min_ms),
        ("max", shown.max, reported.max_ms),
        ("med", shown.med, percentiles.p50),
        ("p90", shown.p90, percentiles.p90),
        ("p95", shown.p95, percentiles.p95),
        ("p99", shown.p99, percentiles.p99),
        ("rps", Some(shown.rps), reported.rps),
        ("failures/s", Some(shown.failures_per_s), reported.failures_per_s),
    ] {
        assert!(same(shown, reported), "{what}: {shown:?} on the screen, {reported:?} in the report");
    }
}

#[test]
fn the_last_picture_shows_what_the_report_says() {
    let rules = "thresholds: [p95 < 20ms, error_rate < 50%, \"rps > 1000\"]";
    let mut world = World::with(Some(3), "users: 9, spawn_rate: 9, run_time: 20s", rules).start(3);
    for second in 0..20_u64 {
        world.pass(1000, &[0, 1, 2]);
        for worker in 0..3_u64 {
            let (ok, failed) = (3 + (second * 7 + worker) % 11, (second + worker) % 3);
            world.second(usize::try_from(worker).expect("small"), ok + failed, ok, failed);
        }
    }
    world.pass(500, &[0, 1, 2]);
    (0..3).for_each(|worker| drop(world.last(worker)));
    world.pass(1000, &[]);
    let view = world.run.view(world.now);
    let report = Report::from_result(&world.result());

    check_row(&view.aggregated, &report.totals);
    assert_eq!(view.endpoints.len(), report.endpoints.len());
    view.endpoints.iter().zip(&report.endpoints).for_each(|(shown, reported)| check_row(shown, reported));
    let failures: u64 = view.failures.iter().map(|row| row.count).sum();
    assert_eq!(failures, report.errors.iter().map(|row| row.count).sum::<u64>());
    let names = |report: &Report| report.workers.iter().map(|worker| worker.name.clone()).collect::<Vec<_>>();
    assert_eq!(view.workers.iter().map(|worker| worker.name.clone()).collect::<Vec<_>>(), names(&report));
    for (shown, reported) in view.thresholds.iter().zip(&report.thresholds) {
        assert_eq!((&shown.rule, &shown.shown), (&reported.rule, &reported.shown));
        assert_eq!(shown.holds, Some(reported.passed), "{}", shown.rule);
    }
    assert_eq!((view.thresholds.len(), report.thresholds.len()), (3, 3));
    assert!(view.timeline.len() >= 20);
    for (shown, reported) in view.timeline.iter().zip(&report.timeline) {
        assert!(same(Some(shown.t), Some(f64::from(reported.t))));
        assert!(
            same(shown.p50, reported.p50_ms)
                && same(shown.p95, reported.p95_ms)
                && same(shown.p99, reported.p99_ms)
        );
        assert_eq!((shown.users, shown.planned_users), (reported.users, reported.planned_users));
        // Behind the stop instant a report has no rate.
        assert!(reported.rps.is_none() || same(Some(shown.rps), reported.rps), "{}", shown.t);
    }
}

#[test]
fn a_day_leaves_no_more_than_an_hour() {
    let size_after = |hours: u32| {
        let mut world = World::started(1, &format!("users: 9, spawn_rate: 9, run_time: {hours}h"));
        for second in 0..hours * 3600 {
            world.now += Duration::from_secs(1);
            world.says(0, Progress::Running);
            world.give(Input::Tick);
            world.second(0, 5, 4 + u64::from(second % 2), u64::from(second % 2 == 0));
        }
        let result = world.result();
        assert_eq!(result.duration, Duration::from_secs(u64::from(hours) * 3600));
        assert_eq!(result.totals.requests().started, u64::from(hours) * 3600 * 5);
        assert!(result.timeline.points().len() <= MAX_POINTS);
        assert!(result.courses.values().all(|course| course.points().len() <= 60));
        let report = Report::from_result(&result);
        let sum: u64 = report.timeline.iter().map(|point| point.requests).sum();
        assert_eq!(sum, u64::from(hours) * 3600 * 5, "no second is lost");
        [Format::Json, Format::Markdown].map(|format| format.render(&report).expect("text").len())
    };
    let (hour, day) = (size_after(1), size_after(24));
    for (hour, day) in hour.into_iter().zip(day) {
        assert!(day < hour * 3 / 2, "{day} bytes after a day, {hour} after an hour");
    }
}
