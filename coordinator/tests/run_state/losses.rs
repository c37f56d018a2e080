//! Workers that fall silent, come back, leave, or never do; and a coordinator that was asleep.

use std::time::Duration;

use stampede_coordinator::result::{MissingInterval, StopReason};
use stampede_coordinator::run::input::{Input, Order, Person, Progress};
use stampede_coordinator::view::{Phase, WorkerState};

use crate::world::{World, assigned, is_over, orders, stopped, users};

const LOAD: &str = "users: 9, spawn_rate: 3, run_time: 60s";

#[test]
fn a_closed_stream_is_shown_at_once_and_lost_only_after_the_lease() {
    let mut world = World::started(2, LOAD);
    world.pass(1000, &[0, 1]);
    world.disconnect(1);
    assert_eq!(world.state(1), WorkerState::Disconnected);
    world.pass(5500, &[0]);
    assert_eq!(world.state(1), WorkerState::Disconnected);
    world.pass(100, &[0]);
    assert_eq!((world.state(1), world.state(0)), (WorkerState::Lost, WorkerState::Running));
    let notices = world.run.view(world.now).notices;
    assert!(notices.iter().any(|text| text.contains("w1 disconnected")), "{notices:?}");
    assert!(notices.iter().any(|text| text.contains("w1 is lost since second 6")), "{notices:?}");
    assert_eq!(world.phase(), Phase::Steady, "the others go on");
}

#[test]
fn a_frozen_worker_whose_stream_still_stands_is_lost_as_well() {
    let mut world = World::started(2, LOAD);
    world.pass(5400, &[0]);
    assert_eq!(world.state(1), WorkerState::Running);
    world.pass(200, &[0]);
    assert_eq!(world.state(1), WorkerState::Lost);
}

#[test]
fn who_comes_back_is_told_everything_again_and_nothing_is_missing() {
    let mut world = World::started(2, LOAD);
    world.second(1, 3, 2, 0);
    world.pass(2000, &[0, 1]);
    world.disconnect(1);
    world.pass(8000, &[0]);
    assert_eq!(world.state(1), WorkerState::Lost);
    let start = world.run.started().expect("started");
    let back = world.connect(1, false);
    let [Order::Prepare, Order::Assign(assign), Order::Start { start_us, .. }] = orders(&back, 1)[..] else {
        panic!("{back:?}");
    };
    assert!(
        assign.revision > 1 && assign.cut && users(assign).is_empty(),
        "its users run elsewhere: {assign:?}"
    );
    assert_eq!(u128::from(*start_us), start.as_micros());
    world.says(1, Progress::Running);
    assert_eq!(world.state(1), WorkerState::Running);
    assert!(world.run.view(world.now).notices.iter().any(|text| text.contains("w1 is back")));
    // What it measured meanwhile comes late and counts.
    for _ in 0..8 {
        world.second(1, 1, 1, 0);
    }
    world.give(Input::Person(Person::Quit));
    let stopping = world.connect(1, false);
    assert!(stopped(&stopping, 1).is_some(), "it hears of the stop even if it missed it");
    world.last(0);
    assert!(is_over(&world.last(1)));
    let result = world.result();
    assert!(result.is_complete(), "{:?}", result.accounting);
    assert_eq!((result.totals.requests().ok, result.accounting.started), (10, 11));
    assert_eq!(result.workers[1].lost_at, None);
}

#[test]
fn a_coordinator_that_was_asleep_loses_nobody() {
    let mut world = World::started(2, LOAD);
    world.pass(1000, &[0, 1]);
    world.now += Duration::from_secs(8);
    world.give(Input::Tick);
    let notices = world.run.view(world.now).notices;
    assert!(
        notices.iter().any(|text| text.contains("stood still from second 1.0 to second 9.0")),
        "{notices:?}"
    );
    world.pass(400, &[]);
    assert_eq!((world.state(0), world.state(1)), (WorkerState::Running, WorkerState::Running));
    // Whose heartbeats go on stays; who really died meanwhile is found out after a whole lease.
    world.pass(4500, &[0]);
    assert_eq!(world.state(1), WorkerState::Running);
    world.pass(1000, &[0]);
    assert_eq!((world.state(0), world.state(1)), (WorkerState::Running, WorkerState::Lost));
}

#[test]
fn what_a_lost_worker_announced_is_unknown_and_its_seconds_are_missing() {
    let mut world = World::started(2, LOAD);
    world.second(0, 10, 10, 0);
    world.second(1, 10, 6, 1);
    world.workers[1].heartbeat.started = 14;
    world.workers[1].heartbeat.iterations_begun = 13;
    world.pass(2000, &[0, 1]);
    world.pass(6000, &[0]);
    world.give(Input::Person(Person::Quit));
    assert!(!is_over(&world.last(0)), "the other may still come back and deliver");
    assert!(is_over(&world.pass(16_000, &[])));
    let result = world.result();
    let accounting = &result.accounting;
    assert_eq!((accounting.started, accounting.unknown, accounting.iterations_unknown), (24, 7, 6));
    assert_eq!(
        accounting.unknown_by_endpoint.values().sum::<u64>(),
        3,
        "those that began in seconds delivered"
    );
    let missing = MissingInterval { worker: "w1".to_owned(), from_s: 1, to_s: 8, announced: 7 };
    assert_eq!(accounting.missing, [missing]);
    assert_eq!(
        (result.workers[1].state, result.workers[0].state),
        (WorkerState::Lost, WorkerState::Finished)
    );
    assert_eq!(result.workers[1].lost_at.map(|at| at.as_secs()), Some(7));
    assert!(!result.is_complete() && !world.run.lost_everyone());
}

#[test]
fn a_lost_worker_gets_none_of_the_new_users() {
    let mut world = World::started(3, LOAD);
    world.pass(1000, &[0, 1, 2]);
    world.pass(6000, &[0, 2]);
    assert_eq!(world.state(1), WorkerState::Lost);
    let effects = world.give(Input::Person(Person::ChangeUsers(6)));
    assert_eq!(assigned(&effects, 1), None, "it is told nothing");
    let counts = [0, 2].map(|worker| users(assigned(&effects, worker).expect("told")).len());
    assert_eq!(counts.iter().sum::<usize>(), 15, "with the three that it had: {counts:?}");
}

#[test]
fn a_run_whose_workers_are_all_lost_is_over() {
    let mut world = World::started(2, LOAD);
    world.second(0, 4, 4, 0);
    assert!(!is_over(&world.pass(5500, &[])));
    assert!(is_over(&world.pass(200, &[])));
    let result = world.result();
    assert_eq!(result.stop_reason, StopReason::NoWorkers);
    assert!(world.run.lost_everyone() && result.accounting.missing.len() == 2);
}

#[test]
fn who_leaves_politely_is_waited_for_and_not_missed() {
    let mut world = World::started(2, LOAD);
    world.second(1, 4, 3, 0);
    world.workers[1].heartbeat.users = vec![2, 1];
    world.workers[1].heartbeat.leaving = true;
    let said = world.says(1, Progress::Draining);
    assert!(
        said.iter()
            .any(|effect| format!("{effect:?}").contains("w1 left at second 0; the others take its 3 users")),
        "{said:?}"
    );
    world.last(1);
    world.disconnect(1);
    world.pass(7000, &[0]);
    assert_eq!(world.state(1), WorkerState::Finished);
    assert_eq!(world.phase(), Phase::Steady);
    world.workers[0].heartbeat.leaving = true;
    world.says(0, Progress::Draining);
    world.last(0);
    assert!(is_over(&world.pass(100, &[])), "nobody is left");
    let result = world.result();
    assert!(result.is_complete() && !world.run.lost_everyone());
    assert_eq!(result.stop_reason, StopReason::NoWorkers);
}

#[test]
fn a_run_ends_when_one_half_has_left_and_the_other_is_lost() {
    let mut world = World::started(2, LOAD);
    world.workers[1].heartbeat.leaving = true;
    world.says(1, Progress::Draining);
    world.last(1);
    world.disconnect(1);
    let effects = world.pass(6000, &[]);
    assert!(is_over(&effects), "nobody runs any more: {:?}", world.phase());
    assert_eq!(world.result().stop_reason, StopReason::NoWorkers);
}

#[test]
fn who_comes_back_after_the_end_is_told_that_it_is_over() {
    let mut world = World::started(2, LOAD);
    world.disconnect(1);
    world.pass(6000, &[0]);
    world.give(Input::Person(Person::Quit));
    assert!(!is_over(&world.last(0)), "the other may still come back and deliver");
    assert!(is_over(&world.pass(16_000, &[])));
    assert_eq!(orders(&world.connect(1, false), 1), [&Order::RunOver]);
}

#[test]
fn who_is_lost_as_the_run_stops_may_come_back_and_deliver() {
    let mut world = World::started(2, "users: 9, spawn_rate: 3, run_time: 10s");
    world.second(1, 4, 2, 0);
    world.pass(8000, &[0, 1]);
    let effects = world.pass(6000, &[0]);
    assert!(!is_over(&effects));
    assert_eq!((world.phase(), world.state(1)), (Phase::Draining, WorkerState::Lost));
    assert!(!is_over(&world.last(0)));
    world.pass(3000, &[]);
    world.connect(1, false);
    world.second(1, 0, 1, 0);
    assert!(is_over(&world.last(1)), "nobody else is waited for");
    let result = world.result();
    assert!(result.is_complete(), "{:?}", result.accounting);
    assert_eq!((result.accounting.unknown, result.totals.requests().ended()), (0, 4));
}
