//! The warm-up: run and shown, with an account of its own.

use stampede_coordinator::run::input::Progress;
use stampede_coordinator::view::RunView;
use stampede_proto::batch::Batch;
use stampede_stats::endpoint::Part;

use crate::world::{World, ends_session, index};

const LOAD: &str = "users: 9, spawn_rate: 3, run_time: 60s";

/// `worker`'s next second, in which everything began in the warm-up.
fn warm(world: &mut World, worker: usize, begun: u64, ok: u64, failed: u64) -> Batch {
    let mut batch = world.workers[worker].second(begun, ok, failed, 0);
    let snapshot = &mut batch.snapshot;
    snapshot.warmup_iterations = std::mem::take(&mut snapshot.iterations);
    let rows = std::mem::take(&mut snapshot.endpoints);
    snapshot.endpoints = rows.into_iter().map(|(key, row)| (key.in_part(Part::WarmUp), row)).collect();
    batch
}

fn shown(view: &RunView) -> (bool, u64, Vec<(String, u64)>) {
    let rows = view.endpoints.iter().map(|row| (row.name.clone(), row.requests)).collect();
    (view.warming_up, view.aggregated.requests, rows)
}

#[test]
fn what_began_in_it_is_in_no_other_account() {
    let mut world = World::warming(1, LOAD, 2);
    let first = warm(&mut world, 0, 5, 3, 1);
    world.deliver(0, first);
    world.pass(1200, &[0]);
    assert_eq!(shown(&world.run.view(world.now)), (true, 4, vec![("/".to_owned(), 4)]));
    world.second(0, 0, 0, 0);
    world.second(0, 7, 6, 0);
    world.pass(2000, &[0]);
    let view = world.run.view(world.now);
    assert_eq!(shown(&view), (false, 6, vec![("/".to_owned(), 6)]));
    assert!(view.rps > 3.0, "what the target sees now, wherever it began: {}", view.rps);

    let result = world.result();
    let (totals, accounting) = (&result.totals, &result.accounting);
    assert_eq!((totals.requests().ok, totals.warmup.ok, totals.warmup.failed), (6, 3, 1));
    assert_eq!((accounting.started, accounting.unknown), (7, 1));
    assert_eq!((accounting.warmup.started, accounting.warmup.unknown), (5, 1));
    assert_eq!((accounting.iterations_begun, accounting.warmup.iterations_begun), (7, 5));
    assert_eq!(accounting.unknown_by_endpoint[&index()], 1);
    assert_eq!(result.in_window[&index()].requests, 6);
    assert_eq!(result.workers[0].requests, 6);
    let course: u64 = result.timeline.points().map(|(_, point)| point.requests).sum();
    assert_eq!(course, 10, "the course is that of the whole run");
}

#[test]
fn iterations_of_it_are_of_those_asked_for() {
    let mut world = World::warming(1, "users: 3, spawn_rate: 3, iterations: 20", 1);
    let first = warm(&mut world, 0, 5, 5, 0);
    world.deliver(0, first);
    world.second(0, 4, 4, 0);
    // That planned is begun, dropped and missed is checked with every result.
    let accounting = world.result().accounting;
    assert_eq!((accounting.planned, accounting.iterations_begun), (Some(15), 4));
}

#[test]
fn who_is_lost_in_it_takes_along_what_began_in_it() {
    let mut world = World::warming(2, LOAD, 30);
    world.workers[0].heartbeat.started = 7;
    world.workers[0].heartbeat.iterations_begun = 7;
    world.says(0, Progress::Running);
    world.pass(8000, &[1]);
    let result = world.result();
    assert!(!result.is_complete());
    assert_eq!((result.accounting.started, result.accounting.unknown), (0, 0));
    assert_eq!((result.accounting.warmup.started, result.accounting.warmup.unknown), (7, 7));
    assert_eq!(result.accounting.warmup.iterations_unknown, 7);
}

#[test]
fn nothing_begins_in_it_when_it_is_over() {
    for warmup_s in [0, 1] {
        let mut world = World::warming(1, LOAD, warmup_s);
        world.pass(3000, &[0]);
        (0..3).for_each(|_| drop(world.second(0, 1, 1, 0)));
        let late = warm(&mut world, 0, 1, 1, 0);
        assert!(ends_session(&world.deliver(0, late), 0));
        assert_eq!(world.result().totals.warmup.started, 0);
    }
}
