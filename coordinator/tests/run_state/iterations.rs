//! `--iterations N`: blocks out, announcements in, exactly N and not one more.

use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::input::{Effect, Input, Order, Person, Progress, WorkerId};
use stampede_coordinator::view::Phase;

use crate::world::{World, is_over, orders, stopped};

const LOAD: &str = "users: 9, spawn_rate: 100, iterations: 100";

fn granted(effects: &[Effect], worker: WorkerId) -> Option<u64> {
    orders(effects, worker).into_iter().find_map(|order| match order {
        Order::Iterations { total } => Some(*total),
        _ => None,
    })
}

/// `worker` has done all it was granted and asks for more.
fn asks(world: &mut World, worker: WorkerId, done: u64) -> Vec<Effect> {
    world.workers[worker].heartbeat.iterations_begun = done;
    world.workers[worker].heartbeat.iterations_ended = done;
    world.workers[worker].heartbeat.wants_iterations = true;
    let effects = world.says(worker, Progress::Running);
    world.workers[worker].heartbeat.wants_iterations = false;
    effects
}

#[test]
fn blocks_are_granted_to_those_whose_users_wait_for_them() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    world.join();
    let effects = world.all_ready();
    assert_eq!((granted(&effects, 0), granted(&effects, 1)), (None, None), "a worker may have no users");
    world.workers[0].heartbeat.users = vec![1];
    world.workers[1].heartbeat.users = vec![1];
    // A quarter of 100, then a quarter of what is left.
    assert_eq!(granted(&asks(&mut world, 0, 0), 0), Some(25));
    assert_eq!(granted(&asks(&mut world, 1, 0), 1), Some(18));
}

#[test]
fn a_run_stops_when_all_have_ended() {
    let mut world = World::started(2, LOAD);
    let mut have = [25, 18];
    let mut stop = None;
    for turn in 0..200 {
        let worker = turn % 2;
        let announced = have.iter().sum::<u64>();
        let effects = asks(&mut world, worker, have[worker]);
        stop = stopped(&effects, 0).zip(stopped(&effects, 1));
        if stop.is_some() {
            assert_eq!(announced, 100, "when all have ended and not before");
            break;
        }
        if let Some(total) = granted(&effects, worker) {
            assert!(total > have[worker], "a grant is of something");
            have[worker] = total;
        }
        assert!(have.iter().sum::<u64>() <= 100, "never more than asked for: {have:?}");
    }
    assert!(stop.is_some(), "it stops by itself");
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
fn a_run_does_not_stop_while_an_iteration_is_under_way() {
    let mut world = World::started(1, "users: 1, spawn_rate: 1, iterations: 1");
    world.workers[0].heartbeat.iterations_begun = 1;
    assert_eq!(stopped(&world.says(0, Progress::Running), 0), None);
    world.workers[0].heartbeat.iterations_ended = 1;
    assert!(stopped(&world.says(0, Progress::Running), 0).is_some());
}

#[test]
fn a_worker_without_users_does_not_hold_up_the_end() {
    let mut world = World::started(2, LOAD);
    // It had users when it asked; they were all called off.
    world.workers[1].heartbeat.users = vec![0];
    world.says(1, Progress::Running);
    let mut have = 25;
    let mut stop = None;
    while stop.is_none() {
        let effects = asks(&mut world, 0, have);
        stop = stopped(&effects, 0);
        have = granted(&effects, 0).unwrap_or(have);
    }
    assert_eq!(have, 82);
}

#[test]
fn what_a_leaving_worker_has_not_begun_is_waited_for() {
    let mut world = World::started(2, LOAD);
    let mut have = 25;
    while let Some(total) = granted(&asks(&mut world, 0, have), 0) {
        have = total;
    }
    // Its users have gone, its final batch is still on its way.
    world.workers[1].heartbeat.users = vec![0];
    world.workers[1].heartbeat.leaving = true;
    assert_eq!(stopped(&world.says(1, Progress::Draining), 0), None);
    assert_eq!(granted(&world.last(1), 0), Some(91), "nine of its eighteen: half of what is left");
}

#[test]
fn what_a_lost_worker_held_is_missed_and_the_rest_still_begins() {
    let mut world = World::started(2, LOAD);
    world.workers[1].heartbeat.iterations_begun = 10;
    world.says(1, Progress::Running);
    world.pass(6000, &[0]);
    let mut have = 25;
    while let Some(total) = granted(&asks(&mut world, 0, have), 0) {
        have = total;
    }
    assert_eq!(have, 82, "all but what the lost one was granted");
    world.second(0, have, have, 0);
    let effects = world.says(0, Progress::Running);
    assert!(stopped(&effects, 0).is_some() || world.phase() == Phase::Draining, "{effects:?}");
    assert!(!is_over(&world.last(0)), "the other may still come back and deliver");
    assert!(is_over(&world.pass(16_000, &[])));
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
    assert_eq!(granted(&world.connect(1, false), 1), Some(18));
    assert_eq!(granted(&world.connect(1, false), 1), Some(18));
}
