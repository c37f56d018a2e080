//! The book of a load thread: what is booked where, and when a second is closed.

use super::*;
use crate::snapshot::Snapshot;

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn sample(endpoint: u32, ms: u64, outcome: Outcome<'_>) -> Sample<'_> {
    Sample {
        endpoint,
        at: at(ms),
        outcome,
        response: at(10),
        service: Some(at(9)),
        ttfb: Some(at(8)),
        status: None,
        sent: 1,
        hops: 0,
        bytes_in: 100,
        head_bytes_in: 0,
        bytes_out: 0,
    }
}

fn recorder() -> Recorder {
    Recorder::new(vec![EndpointKey::new("GET", "/")], 1)
}

#[test]
fn every_arrival_is_begun_or_dropped() {
    let mut recorder = recorder();
    recorder.begin_arrival(at(2), at(10));
    recorder.drop_arrival(at(11));
    recorder.end_iteration(Part::Measured, IterationEnd::Completed, at(1500));
    recorder.begin_arrival(at(0), at(1500));
    recorder.roll(at(2000));
    let parts: Vec<_> = std::iter::from_fn(|| recorder.take_closed())
        .map(|i| {
            let late = i.lateness.as_ref().map_or(0, |late| late.exact().max_ns);
            (i.iterations.planned, i.iterations.begun, i.iterations.dropped, late)
        })
        .collect();
    assert_eq!(parts, [(2, 1, 1, 2_000_000), (1, 1, 0, 0)]);
}

#[test]
fn a_request_is_booked_in_the_second_in_which_it_ended() {
    let mut recorder = recorder();
    recorder.begin(0, at(990));
    recorder.end(&sample(0, 1005, Outcome::Ok));
    recorder.roll(at(2000));
    let first = recorder.take_closed().expect("second 0");
    let second = recorder.take_closed().expect("second 1");
    let counts = |interval: &Interval| interval.endpoints[0].as_ref().expect("used").stats.counts;
    assert_eq!((counts(&first).started, counts(&first).ok, first.gauges.in_flight), (1, 0, 1));
    assert_eq!((counts(&second).started, counts(&second).ok, second.gauges.in_flight), (0, 1, 0));
}

#[test]
fn seconds_without_events_are_reported_empty() {
    let mut recorder = recorder();
    recorder.begin(0, at(100));
    recorder.roll(at(4200));
    let spans: Vec<_> = std::iter::from_fn(|| recorder.take_closed())
        .map(|i| (i.from_s, i.to_s, i.gauges.in_flight))
        .collect();
    assert_eq!(spans, [(0, 1, 1), (1, 2, 1), (2, 3, 1), (3, 4, 1)]);
    assert_eq!(recorder.current.from_s, 4);
}

#[test]
fn who_joins_later_begins_with_the_running_second() {
    let mut recorder = recorder();
    recorder.join(at(37_400));
    recorder.begin(0, at(37_500));
    recorder.end(&sample(0, 38_005, Outcome::Ok));
    recorder.join(at(10_000));
    recorder.roll(at(39_000));
    let spans: Vec<_> =
        std::iter::from_fn(|| recorder.take_closed()).map(|i| (i.from_s, i.gauges.in_flight)).collect();
    assert_eq!(spans, [(37, 1), (38, 0)]);
}

#[test]
fn the_stop_instant_splits_its_second() {
    let mut recorder = recorder();
    recorder.stop_at(at(1300));
    for ms in [1200, 1400, 2100] {
        recorder.begin(0, at(ms));
        recorder.end(&sample(0, ms, Outcome::Ok));
    }
    recorder.roll(at(3000));
    let parts: Vec<_> = std::iter::from_fn(|| recorder.take_closed())
        .map(|i| {
            let ok = i.endpoints.iter().flatten().map(|slot| slot.stats.counts.ok).sum::<u64>();
            (i.from_s, i.draining, i.partial, ok)
        })
        .collect();
    assert_eq!(parts, [(0, false, false, 0), (1, false, true, 1), (1, true, false, 1), (2, true, false, 1)]);
}

#[test]
fn a_stop_at_a_full_second_splits_nothing() {
    let mut recorder = recorder();
    recorder.stop_at(at(1000));
    recorder.roll(at(2000));
    let parts: Vec<_> =
        std::iter::from_fn(|| recorder.take_closed()).map(|i| (i.from_s, i.draining, i.partial)).collect();
    assert_eq!(parts, [(0, false, false), (1, true, false)]);
}

#[test]
fn spares_come_back_clean() {
    let mut recorder = recorder();
    recorder.begin(0, at(0));
    recorder.end(&sample(0, 1, Outcome::Failed { kind: FailureKind::Closed, message: "gone" }));
    recorder.roll(at(1000));
    let mut closed = recorder.take_closed().expect("closed");
    assert_eq!(closed.errors[0].count, 1);
    closed.reset(0, 0);
    recorder.give_spare(closed);
    recorder.roll(at(2000));
    recorder.roll(at(3000));
    recorder.take_closed();
    let reused = recorder.take_closed().expect("second 2");
    assert!(reused.errors.is_empty());
    assert!(reused.endpoints[0].as_ref().expect("kept").stats.counts.is_empty());
}

#[test]
fn cancelled_requests_count_but_have_no_time() {
    let mut recorder = recorder();
    recorder.begin(0, at(0));
    recorder.end(&sample(0, 1, Outcome::Cancelled));
    recorder.close_last();
    let closed = recorder.take_closed().expect("closed");
    let stats = &closed.endpoints[0].as_ref().expect("used").stats;
    assert_eq!((stats.counts.cancelled, stats.ok.count() + stats.failed.count()), (1, 0));
    assert_eq!(closed.gauges.in_flight, 0);
}

#[test]
fn completed_responses_are_counted_by_status_and_the_last_of_them_is_remembered() {
    let mut recorder = recorder();
    let refused = Outcome::Failed { kind: FailureKind::Status, message: "status 503" };
    let closed = Outcome::Failed { kind: FailureKind::Closed, message: "gone" };
    let ends = [
        (Outcome::Ok, Some(200)),
        (refused, Some(503)),
        (Outcome::Ok, Some(200)),
        (closed, None),
        (Outcome::Cancelled, Some(200)),
    ];
    for (ms, (outcome, status)) in (10..).zip(ends) {
        recorder.begin(0, at(ms));
        recorder.end(&Sample { status, ..sample(0, ms, outcome) });
    }
    recorder.roll(at(2000));
    let mut closed = recorder.take_closed().expect("closed");
    let stats = &closed.endpoints[0].as_ref().expect("used").stats;
    assert_eq!(stats.statuses.iter().collect::<Vec<_>>(), [(200, 2), (503, 1)]);
    assert_eq!(closed.gauges.last_end_ns, 13_000_000, "the fifth was given up");
    assert_eq!(recorder.take_closed().expect("closed").gauges.last_end_ns, 13_000_000);
    closed.reset(0, 0);
    assert!(closed.endpoints[0].as_ref().expect("kept").stats.statuses.is_empty());
}

fn rows(interval: &Interval) -> Vec<(Part, RowKind, crate::counts::RequestCounts)> {
    let slots = interval.endpoints.iter().flatten().filter(|slot| !slot.stats.counts.is_empty());
    slots.map(|slot| (slot.key.part, slot.key.kind, slot.stats.counts)).collect()
}

#[test]
fn what_began_in_the_warm_up_stays_in_it() {
    let mut recorder = recorder().with_warmup(at(1500));
    let (warm, part) = (recorder.begin(0, at(1400)), recorder.begin_iteration(at(1400)));
    assert_eq!((part, warm), (Part::WarmUp, 1));
    let measured = recorder.begin(0, at(1500));
    let outcome = Outcome::Failed { kind: FailureKind::Closed, message: "gone" };
    recorder.end(&sample(warm, 2100, outcome));
    recorder.end(&sample(measured, 2200, Outcome::Ok));
    recorder.end_iteration(part, IterationEnd::Failed, at(2200));
    recorder.drop_arrival(at(2300));
    assert_eq!((recorder.started(), recorder.in_flight()), (2, 0));
    recorder.roll(at(3000));
    let last = std::iter::from_fn(|| recorder.take_closed()).last().expect("second 2");
    let ended: Vec<_> =
        rows(&last).iter().map(|(part, _, counts)| (*part, counts.ok, counts.failed)).collect();
    assert_eq!(ended, [(Part::Measured, 1, 0), (Part::WarmUp, 0, 1)]);
    assert_eq!((last.iterations.dropped, last.warmup_iterations.failed), (1, 1));
    assert_eq!((last.iterations.ended(), last.warmup_iterations.dropped), (0, 0));
    assert_eq!(last.errors[0].key.part, Part::WarmUp);
}

#[test]
fn groups_tasks_and_what_is_around_the_test_are_no_requests() {
    let key = |kind, method, name| EndpointKey::of(kind, method, name);
    let mut recorder = Recorder::new(
        vec![
            key(RowKind::Group, "GROUP", "checkout"),
            key(RowKind::Task, "TASK", "buy"),
            key(RowKind::Aside, "POST", "(setup) /reset"),
        ],
        1,
    )
    .with_warmup(at(500));
    let setup = recorder.begin(2, at(0));
    recorder.end(&sample(setup, 5, Outcome::Ok));
    for end in [IterationEnd::Completed, IterationEnd::Failed, IterationEnd::Cancelled] {
        let group = recorder.begin(0, at(600));
        recorder.end_group(group, at(40), end, at(640));
    }
    recorder.fail(1, FailureKind::Fail, at(700), "no stock");
    recorder.set_aside();
    recorder.fail(2, FailureKind::Fail, at(800), "not there");
    let named = recorder.endpoint("DELETE", "(teardown) /items/7");
    let row = recorder.begin(named, at(800));
    recorder.end(&sample(row, 810, Outcome::Ok));
    assert_eq!((recorder.started(), recorder.in_flight()), (0, 0));
    recorder.roll(at(1000));
    let closed = recorder.take_closed().expect("second 0");
    let counted: Vec<_> = rows(&closed)
        .iter()
        .map(|(part, kind, c)| (*part, *kind, c.started, c.ok, c.failed, c.cancelled))
        .collect();
    let measured = Part::Measured;
    assert_eq!(
        counted,
        [
            (measured, RowKind::Group, 3, 1, 1, 1),
            (measured, RowKind::Task, 1, 0, 1, 0),
            (measured, RowKind::Aside, 2, 1, 1, 0),
            (measured, RowKind::Aside, 1, 1, 0, 0),
        ]
    );
    let errors: Vec<_> = closed.errors.iter().map(|row| (row.key.kind, &*row.message)).collect();
    // A group's failures are its requests'.
    assert_eq!(errors, [(RowKind::Task, "no stock"), (RowKind::Aside, "not there")]);
    assert!(closed.errors.iter().all(|row| row.kind == FailureKind::Fail));
    for slot in closed.endpoints.iter().flatten() {
        assert!(slot.stats.delta().is_consistent(slot.key.kind));
    }
}

#[test]
fn a_class_has_its_requests_once_more_and_no_failures() {
    let keys = vec![EndpointKey::new("GET", "/"), EndpointKey::of(RowKind::Class, "", "shopper")];
    let mut recorder = Recorder::new(keys, 1).with_warmup(at(100));
    let failed = Outcome::Failed { kind: FailureKind::Status, message: "status 500" };
    for (begun, ended, outcome) in
        [(50, 200, Outcome::Ok), (300, 310, Outcome::Ok), (310, 350, failed), (400, 420, Outcome::Cancelled)]
    {
        let (row, class) = (recorder.begin(0, at(begun)), recorder.begin(1, at(begun)));
        let sample = sample(row, ended, outcome);
        recorder.end(&sample);
        recorder.end_also(class, &sample);
    }
    // Begun once each, whatever else they are booked in.
    assert_eq!((recorder.started(), recorder.in_flight()), (4, 0));
    recorder.roll(at(1000));
    let closed = recorder.take_closed().expect("second 0");
    let mut snapshot = Snapshot { to_s: 1, ..Snapshot::default() };
    snapshot.add_interval(&closed);
    assert_eq!((snapshot.requests().started, snapshot.warmup_requests().started), (4, 1));
    assert_eq!(snapshot.errors.values().map(|count| count.count).sum::<u64>(), 1);
    for part in [Part::Measured, Part::WarmUp] {
        let row = &snapshot.endpoints[&EndpointKey::new("GET", "/").in_part(part)];
        let class = &snapshot.endpoints[&EndpointKey::of(RowKind::Class, "", "shopper").in_part(part)];
        assert_eq!(class, row, "{part:?}");
        assert!(class.is_consistent(RowKind::Class));
    }
    let mut totals = crate::totals::Totals::default();
    totals.add(&snapshot);
    assert_eq!((totals.requests().started, totals.warmup.started), (3, 1));
    assert_eq!(totals.aggregated().all_times().count(), 2);
}
