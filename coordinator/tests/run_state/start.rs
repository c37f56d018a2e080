//! Until every user has an owner.

use std::collections::BTreeSet;
use std::time::Duration;

use stampede_coordinator::run::input::{Input, Order, Person, Progress};
use stampede_coordinator::view::{Phase, WorkerState};

use crate::world::{World, acknowledged, assigned, ends_session, is_over, orders, users};

const LOAD: &str = "users: 9, spawn_rate: 3, run_time: 10s";

#[test]
fn the_embedded_worker_prepares_and_starts_with_everything() {
    let mut world = World::new(None, LOAD);
    assert_eq!(world.phase(), Phase::Waiting);
    let joined = world.join_as(true);
    assert_eq!(orders(&joined, 0), [&Order::Prepare]);
    assert_eq!(acknowledged(&joined), Some((0, false)), "the statistics stream opens with what was applied");
    assert_eq!((world.phase(), world.state(0)), (Phase::Preparing, WorkerState::Preparing));

    world.says(0, Progress::Preparing);
    assert_eq!(world.phase(), Phase::Preparing);
    let ready = world.says(0, Progress::Ready);
    let start = world.now + Duration::from_millis(20);
    let [Order::Assign(assign), Order::Start { start_us, shared }] = orders(&ready, 0)[..] else {
        panic!("{ready:?}");
    };
    assert_eq!((u128::from(*start_us), shared.len()), (start.as_micros(), 0));
    assert_eq!((assign.run.as_str(), assign.revision), ("r1", 1));
    assert_eq!(assign.profile, world.plan.load.profile);
    assert_eq!(users(assign).len(), 9);
    assert_eq!((world.phase(), world.run.started()), (Phase::Ramping, Some(start)));
}

#[test]
fn remote_workers_are_waited_for_and_share_every_user_once() {
    let mut world = World::new(Some(3), LOAD);
    for _ in 0..2 {
        assert!(orders(&world.join(), 0).is_empty());
    }
    let waiting = world.run.view(world.now).waiting.expect("it waits");
    assert_eq!((waiting.expected, waiting.connected), (3, 2));
    let last = world.join();
    for worker in 0..3 {
        assert_eq!(orders(&last, worker), [&Order::Prepare]);
    }
    for worker in 0..2 {
        assert!(orders(&world.says(worker, Progress::Ready), worker).is_empty(), "one is not ready yet");
    }
    world.workers[2].heartbeat.round_trip = Some(Duration::from_millis(40));
    let effects = world.says(2, Progress::Ready);
    let start_us = u64::try_from((world.now + Duration::from_millis(180)).as_micros()).expect("small");
    let mut granted = Vec::new();
    for worker in 0..3 {
        let Some(assign) = assigned(&effects, worker) else { panic!("{effects:?}") };
        assert_eq!(assign.profile, world.plan.load.profile, "every worker knows the whole profile");
        let mine = users(assign);
        assert_eq!(mine.len(), 3);
        assert_eq!(mine.iter().filter(|(class, _)| *class == 0).count(), 2, "every worker runs the same mix");
        granted.extend(mine);
        assert_eq!(
            orders(&effects, worker).last(),
            Some(&&Order::Start { start_us, shared: Vec::new() }),
            "one instant for all"
        );
    }
    let all: BTreeSet<_> = granted.iter().copied().collect();
    let wanted = world.plan.load.sequence.table(9).iter().map(|user| (user.class, user.rank)).collect();
    assert_eq!((all.len(), all), (granted.len(), wanted), "complete and disjoint");
}

#[test]
fn who_is_asked_in_and_never_ready_takes_no_part() {
    let mut world = World::started(2, LOAD);
    let joined = world.join();
    assert_eq!(orders(&joined, 2), [&Order::Prepare]);
    assert_eq!(world.state(2), WorkerState::Preparing);
    let more = world.give(Input::Person(Person::ChangeUsers(3)));
    assert!(orders(&more, 2).is_empty() && assigned(&more, 0).is_some());
    assert!(ends_session(&world.second(2, 5, 5, 0), 2), "it has nothing to report");
    world.pass(10_000, &[0, 1]);
    world.last(0);
    assert!(is_over(&world.last(1)));
    let result = world.result();
    assert_eq!(
        (result.totals.requests().started, result.workers.len()),
        (0, 2),
        "what it sends is not of this run"
    );
}

#[test]
fn a_worker_of_the_other_kind_does_not_count() {
    let mut world = World::new(None, LOAD);
    assert!(orders(&world.join(), 0).is_empty(), "the embedded one is waited for");
    assert_eq!(orders(&world.join_as(true), 1), [&Order::Prepare]);
    let mut world = World::new(Some(1), LOAD);
    assert!(orders(&world.join_as(true), 0).is_empty(), "a remote one is waited for");
    assert_eq!(orders(&world.join(), 1), [&Order::Prepare]);
}

#[test]
fn a_worker_that_cannot_prepare_ends_the_run_before_it_begins() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    world.join();
    world.workers[1].heartbeat.error = "the scenario does not compile here".to_owned();
    world.says(0, Progress::Ready);
    let effects = world.says(1, Progress::Failed);
    assert!(is_over(&effects) && orders(&effects, 0) == [&Order::RunOver], "{effects:?}");
    let why = world.run.failed_to_start().expect("a reason");
    assert!(why.contains("w1") && why.contains("does not compile here"), "{why}");
}

#[test]
fn a_worker_without_room_for_its_users_ends_the_run_before_anybody_starts() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    world.join();
    world.all_ready();
    world.workers[1].heartbeat.error = "its 5000 users need 5064 open files".to_owned();
    let effects = world.says(1, Progress::Failed);
    assert!(is_over(&effects) && orders(&effects, 0) == [&Order::RunOver], "{effects:?}");
    let why = world.run.failed_to_start().expect("a reason");
    assert_eq!(why, "worker w1 cannot take part: its 5000 users need 5064 open files");
}

#[test]
fn a_worker_that_fails_after_it_has_begun_is_lost_and_the_run_goes_on() {
    let mut world = World::started(2, LOAD);
    world.workers[1].heartbeat.started = 1;
    let effects = world.says(1, Progress::Failed);
    assert!(!is_over(&effects) && world.run.failed_to_start().is_none());
    assert_eq!(world.state(1), WorkerState::Lost);
}

#[test]
fn too_few_workers_in_time_end_the_run() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    assert!(!is_over(&world.pass(30_000, &[0])));
    assert!(is_over(&world.pass(100, &[0])));
    let why = world.run.failed_to_start().expect("a reason");
    assert!(why.contains("1 of 2 workers"), "{why}");
}

#[test]
fn a_worker_that_is_never_ready_ends_the_run() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    world.join();
    world.says(0, Progress::Ready);
    world.says(1, Progress::Preparing);
    assert!(!is_over(&world.pass(30_000, &[0, 1])));
    assert!(is_over(&world.pass(100, &[0, 1])));
    let why = world.run.failed_to_start().expect("a reason");
    assert!(why.contains("not ready in time") && why.contains("w1") && !why.contains("w0"), "{why}");
}

#[test]
fn who_goes_before_the_start_is_replaced_by_who_comes() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    world.join();
    world.says(0, Progress::Ready);
    world.disconnect(0);
    assert_eq!(world.phase(), Phase::Waiting);
    let joined = world.join();
    assert_eq!(orders(&joined, 2), [&Order::Prepare]);
    world.says(1, Progress::Ready);
    let effects = world.says(2, Progress::Ready);
    assert!(
        assigned(&effects, 0).is_none() && assigned(&effects, 1).is_some() && assigned(&effects, 2).is_some()
    );
}

#[test]
fn who_comes_back_before_the_start_has_to_be_ready_again() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    world.join();
    world.says(0, Progress::Ready);
    world.disconnect(0);
    assert_eq!(orders(&world.connect(0, false), 0), [&Order::Prepare]);
    // Its clock is to be compared anew; that it was ready over the old line says nothing.
    assert!(assigned(&world.says(1, Progress::Ready), 0).is_none());
    assert!(assigned(&world.says(0, Progress::Ready), 0).is_some());
}

#[test]
fn a_run_that_is_ended_before_its_start_has_nothing_and_misses_nothing() {
    for person in [Person::Quit, Person::Interrupt] {
        let mut world = World::new(Some(1), LOAD);
        world.join();
        let effects = world.give(Input::Person(person));
        assert!(is_over(&effects) && orders(&effects, 0) == [&Order::RunOver], "{effects:?}");
        let result = world.result();
        assert!(result.is_complete(), "{:?}", result.accounting);
        assert_eq!((result.duration, world.run.failed_to_start()), (Duration::ZERO, None));
    }
}

#[test]
fn who_did_not_hear_of_the_start_is_told_again() {
    let mut world = World::started(2, LOAD);
    world.says(1, Progress::Ready);
    assert!(orders(&world.pass(1000, &[0, 1]), 1).is_empty(), "it may be on its way");
    let again = world.pass(500, &[0, 1]);
    assert!(
        matches!(orders(&again, 1)[..], [Order::Prepare, Order::Assign(_), Order::Start { .. }]),
        "{again:?}"
    );
    assert!(orders(&again, 0).is_empty(), "the other one runs");
}
