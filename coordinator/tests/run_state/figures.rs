//! What a run gives to exporters: counts of the measured part that only grow, and what came since the time before.

use stampede_coordinator::figures::{Figures, NOT_TOLD_APART};
use stampede_coordinator::run::Before;
use stampede_coordinator::run::input::{Hello, Input};
use stampede_coordinator::view::{Phase, WorkerState};
use stampede_proto::batch::Batch;
use stampede_stats::endpoint::{EndpointDelta, EndpointKey, OTHER, Part, RowKind};
use stampede_stats::outcome::FailureKind;
use stampede_stats::snapshot::{ErrorCount, ErrorKey};

use crate::world::{World, index};

const LOAD: &str = "users: 9, spawn_rate: 3, run_time: 60s";

fn figures(world: &World, before: &mut Before) -> Figures {
    world.run.figures(before, world.now)
}

/// `worker`'s next second: one ok request for each of these names.
fn named(world: &mut World, worker: usize, names: std::ops::Range<usize>) -> Batch {
    let count = names.len() as u64;
    let mut batch = world.workers[worker].second(count, count, 0, 0);
    let one = world.workers[worker].clone().second(1, 1, 0, 0).snapshot.endpoints[&index()].clone();
    let row = |name: usize| (EndpointKey::new("GET", format!("/{name}")), one.clone());
    batch.snapshot.endpoints = names.map(row).collect();
    batch
}

#[test]
fn counts_grow_and_the_rest_is_what_came_since_the_time_before() {
    let mut world = World::started(2, LOAD);
    let mut before = Before::default();
    let none = figures(&world, &mut before);
    assert!(none.started && none.rows.is_empty() && none.recent.percentiles_ms.is_none());
    assert_eq!((none.second, &*none.identity.run, none.phase), (0, "r1", Phase::Ramping));

    world.second(0, 4, 3, 1);
    world.second(1, 2, 1, 0);
    world.pass(1000, &[0, 1]);
    let first = figures(&world, &mut before);
    assert_eq!((first.second, first.users, first.in_flight), (1, 2, 1));
    let [row] = &first.rows[..] else { panic!("{:?}", first.rows) };
    assert_eq!((row.counts.started, row.counts.ok, row.counts.failed), (6, 4, 1));
    assert_eq!(
        (row.times.count, row.times.at_most[0], row.times.at_most[4]),
        (5, 0, 4),
        "1, 2, 3, 1 and 1 ms"
    );
    assert_eq!((row.recent.requests, row.recent.failures), (5, 1));
    assert_eq!((first.iterations.begun, first.iterations.completed), (6, 4));

    world.second(0, 5, 5, 0);
    let second = figures(&world, &mut before);
    assert_eq!(second.second, 1, "the other worker has not reported");
    let row = &second.rows[0];
    assert_eq!((row.counts.ok, row.recent.requests, row.recent.failures), (9, 5, 0));
    let [p50, p95, p99] = row.recent.percentiles_ms.expect("some");
    assert!((p50 - 3.0).abs() < 0.01 && (p95 - 5.0).abs() < 0.01 && (p99 - 5.0).abs() < 0.01);
    assert_eq!(second.recent, row.recent, "of one row it is that of all");
    let third = figures(&world, &mut before);
    assert_eq!((third.rows[0].recent.requests, third.rows[0].recent.percentiles_ms), (0, None));
    assert_eq!(third.rows[0].counts, second.rows[0].counts);
}

#[test]
fn the_warm_up_is_in_no_count() {
    let mut world = World::warming(1, LOAD, 2);
    let mut warm = world.workers[0].second(5, 3, 1, 0);
    warm.snapshot.warmup_iterations = std::mem::take(&mut warm.snapshot.iterations);
    let rows = std::mem::take(&mut warm.snapshot.endpoints);
    warm.snapshot.endpoints = rows.into_iter().map(|(key, row)| (key.in_part(Part::WarmUp), row)).collect();
    world.deliver(0, warm);
    world.pass(1200, &[0]);
    let mut before = Before::default();
    let warming = figures(&world, &mut before);
    assert_eq!((warming.phase_name(), warming.rows.len(), warming.iterations.begun), ("warm-up", 0, 0));
    assert_eq!((warming.recent.requests, warming.workers[0].requests), (0, 4));
    world.second(0, 0, 0, 0);
    world.second(0, 7, 6, 0);
    world.pass(2000, &[0]);
    let measured = figures(&world, &mut before);
    assert_eq!((measured.requests().ok, measured.recent.requests), (6, 6));
    assert_eq!(measured.requests(), world.result().totals.requests());
}

#[test]
fn failures_have_their_kind_where_it_is_known() {
    let mut world = World::started(1, LOAD);
    let mut batch = world.workers[0].second(9, 2, 5, 0);
    let count = ErrorCount { count: 3, first_s: 0, last_s: 0 };
    let error = |kind, message: &str| ErrorKey { endpoint: index(), kind, message: message.to_owned() };
    batch.snapshot.errors.insert(error(FailureKind::Status, "status 500"), count);
    batch.snapshot.errors.insert(error(FailureKind::Status, "status 404"), ErrorCount { count: 1, ..count });
    world.deliver(0, batch);
    let figures = figures(&world, &mut Before::default());
    assert_eq!(figures.rows[0].failures, [("status", 4), (NOT_TOLD_APART, 1)]);
}

#[test]
fn rows_beyond_the_limit_share_one_and_none_ever_goes_down() {
    let mut world = World::started(1, LOAD);
    let mut before = Before::default();
    // Names that come before those that are known must not take their places.
    // 200 have one of their own.
    for (names, rows, other) in
        [(100..150, 50, 0), (150..400, 201, 100), (0..50, 201, 150), (100..110, 201, 150)]
    {
        let earlier = figures(&world, &mut before);
        let batch = named(&mut world, 0, names);
        world.deliver(0, batch);
        world.pass(1000, &[0]);
        let now = figures(&world, &mut before);
        assert_eq!(now.rows.len(), rows);
        let of = |figures: &Figures, name: &str| {
            figures.rows.iter().find(|row| row.name == name).map_or(0, |row| row.counts.ok)
        };
        assert_eq!(of(&now, OTHER), other);
        assert!(earlier.rows.iter().all(|row| row.counts.ok <= of(&now, &row.name)));
        assert_eq!(now.requests(), world.result().totals.requests());
    }
}

#[test]
fn workers_have_names_of_their_own_and_states() {
    let mut world = World::started(2, LOAD);
    let hello = Hello { name: "w1".to_owned(), address: String::new(), embedded: false, capacity: 1 };
    world.give(Input::Registered { worker: 2, hello });
    world.pass(7000, &[1]);
    let figures = figures(&world, &mut Before::default());
    let names: Vec<_> = figures.workers.iter().map(|worker| (&*worker.name, worker.state)).collect();
    let states = [WorkerState::Lost, WorkerState::Running, WorkerState::Lost];
    assert_eq!(names, ["w0", "w1", "w1 #2"].into_iter().zip(states).collect::<Vec<_>>());
    assert_eq!(figures.states.values().sum::<u32>(), 3);
    assert_eq!(figures.users, 1, "those of a lost worker are not counted");
}

#[test]
fn what_is_beside_requests_has_rows_of_its_own() {
    let mut world = World::with(Some(1), LOAD, "thresholds: [requests > 3, requests > 3, p95 < 1s]\n");
    world.join();
    world.all_ready();
    let mut batch = world.workers[0].second(0, 0, 0, 0);
    let mut failed = EndpointDelta::default();
    (failed.counts.started, failed.counts.failed) = (2, 2);
    batch.snapshot.endpoints.insert(EndpointKey::of(RowKind::Task, "TASK", "main"), failed);
    world.deliver(0, batch);
    let figures = figures(&world, &mut Before::default());
    let rows: Vec<_> = figures.rows.iter().map(|row| (row.kind, row.counts.failed)).collect();
    assert_eq!(rows, [(RowKind::Task, 2)]);
    assert_eq!((figures.requests().failed, figures.recent.requests), (0, 0));
    let rules: Vec<_> = figures.thresholds.iter().map(|rule| (&*rule.rule, rule.holds)).collect();
    assert_eq!(rules, [("requests > 3", Some(false)), ("p95 < 1s", None)], "each once");
}
