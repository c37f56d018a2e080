//! `--iterations N`: blocks out, announcements in, exactly N and not one more.

use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::input::{Effect, Input, Order, Person, Progress, WorkerId};
use stampede_coordinator::view::Phase;

use crate::world::{World, is_over, orders, stopped};

const LOAD: &str = "users: 9, spawn_rate: 100, iterations: 100";

fn granted(effects: &[Effect], worker: WorkerId) -> Option<(u64, bool)> {
    orders(effects, worker).into_iter().find_map(|order| match order {
        Order::Iterations { total, exhausted } => Some((*total, *exhausted)),
        _ => None,
    })
}

/// `worker` begins all it was granted and asks for more.
fn asks(world: &mut World, worker: WorkerId, begun: u64) -> Vec<Effect> {
    world.workers[worker].heartbeat.iterations_begun = begun;
    world.workers[worker].heartbeat.wants_iterations = true;
    let effects = world.says(worker, Progress::Running);
    world.workers[worker].heartbeat.wants_iterations = false;
    effects
}

#[test]
fn every_worker_starts_with_a_block() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    world.join();
    let effects = world.all_ready();
    // A quarter of 100, then a quarter of what is left.
    assert_eq!((granted(&effects, 0), granted(&effects, 1)), (Some((25, false)), Some((18, false))));
}

#[test]
fn a_run_stops_when_all_have_begun() {
    let mut world = World::started(2, LOAD);
    let mut have = [25, 18];
    let mut announced = 0;
    let mut stop = None;
    for turn in 0..200 {
        let worker = turn % 2;
        announced = have.iter().sum::<u64>();
        let effects = asks(&mut world, worker, have[worker]);
        stop = stopped(&effects, 0).zip(stopped(&effects, 1));
        if stop.is_some() {
            break;
        }
        let (total, _) = granted(&effects, worker).expect("an answer");
        assert!(total >= have[worker], "what was granted stays");
        have[worker] = total;
        assert!(have.iter().sum::<u64>() <= 100, "never more than asked for: {have:?}");
    }
    assert!(stop.is_some(), "it stops by itself");
    assert_eq!(announced, 100, "when all have begun and not before");
    let mut last = Vec::new();
    for (worker, begun) in have.into_iter().enumerate() {
        world.second(worker, begun, begun, 0);
        last = world.last(worker);
    }
    assert!(is_over(&last));
    let result = world.result();
    let accounting = &result.accounting;
    assert_eq!((accounting.planned, accounting.dropped, accounting.missed), (Some(100), 0, 0));
    assert_eq!((accounting.iterations_begun, result.stop_reason), (100, StopReason::Iterations));
}

#[test]
fn what_a_lost_worker_held_is_missed_and_the_rest_still_begins() {
    let mut world = World::started(2, LOAD);
    world.workers[1].heartbeat.iterations_begun = 10;
    world.says(1, Progress::Running);
    world.pass(6000, &[0]);
    let mut have = 25;
    while let Some((total, done)) = granted(&asks(&mut world, 0, have), 0) {
        have = total;
        if done {
            break;
        }
    }
    assert_eq!(have, 82, "all but what the lost one was granted");
    world.second(0, have, have, 0);
    let effects = world.says(0, Progress::Running);
    assert!(stopped(&effects, 0).is_some() || world.phase() == Phase::Draining, "{effects:?}");
    assert!(is_over(&world.last(0)));
    let accounting = world.result().accounting;
    assert_eq!((accounting.iterations_begun, accounting.dropped, accounting.missed), (92, 0, 8));
    assert_eq!(accounting.iterations_unknown, 10);
}

#[test]
fn what_is_not_begun_when_a_person_stops_the_run_is_dropped() {
    let mut world = World::started(2, LOAD);
    world.second(0, 20, 20, 0);
    world.second(1, 5, 5, 0);
    world.give(Input::Person(Person::Quit));
    world.last(0);
    assert!(is_over(&world.last(1)));
    let accounting = world.result().accounting;
    assert_eq!((accounting.iterations_begun, accounting.dropped, accounting.missed), (25, 75, 0));
}

#[test]
fn who_comes_back_is_told_its_total_and_not_given_more() {
    let mut world = World::started(2, LOAD);
    world.disconnect(1);
    let back = world.connect(1, false);
    assert_eq!(granted(&back, 1), Some((18, false)));
    assert_eq!(granted(&world.connect(1, false), 1), Some((18, false)));
}
