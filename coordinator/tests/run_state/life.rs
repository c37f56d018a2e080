//! From the first user to the report: phases, stopping, changes by hand.

use std::time::Duration;

use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::input::{Input, Order, Person, Progress};
use stampede_coordinator::view::{Phase, WorkerState};
use stampede_stats::outcome::FailureKind;

use crate::world::{World, assigned, is_over, orders, stopped, users};

const LOAD: &str = "users: 9, spawn_rate: 3, run_time: 10s";
const ENDLESS: &str = "users: 9, spawn_rate: 3, stop_timeout: 4s";

const ALL: &[usize] = &[0, 1];

/// Whether anybody is told to stop.
fn any_stop(effects: &[stampede_coordinator::run::input::Effect]) -> bool {
    ALL.iter().any(|worker| stopped(effects, *worker).is_some())
}

#[test]
fn a_run_ramps_up_stays_drains_and_ends_by_its_run_time() {
    let mut world = World::started(2, LOAD);
    assert_eq!(world.phase(), Phase::Ramping);
    // Nine users at three a second: the last one starts at 8/3 s, and is heard of within 0.6 s.
    world.pass(3200, ALL);
    assert_eq!(world.phase(), Phase::Ramping);
    world.pass(100, ALL);
    assert_eq!(world.phase(), Phase::Steady);
    world.pass(6600, ALL);
    assert_eq!(world.phase(), Phase::Steady);
    let effects = world.pass(100, ALL);
    assert_eq!(world.phase(), Phase::Draining);
    assert!(!any_stop(&effects), "they know it from the plan");
    world.says(0, Progress::Draining);
    world.pass(500, ALL);
    assert_eq!(world.state(0), WorkerState::Draining);
    assert!(!is_over(&world.last(0)), "the other one's last word is waited for");
    world.pass(500, &[1]);
    assert_eq!(world.state(0), WorkerState::Finished);
    let effects = world.last(1);
    assert!(is_over(&effects));
    for worker in 0..2 {
        assert_eq!(orders(&effects, worker), [&Order::RunOver]);
    }
    let result = world.result();
    assert_eq!((result.duration, result.stop_reason), (Duration::from_secs(10), StopReason::RunTime));
    assert!(result.is_complete() && !result.aborted && !world.run.lost_everyone());
}

#[test]
fn quitting_names_an_instant_ahead_for_all() {
    let mut world = World::started(2, ENDLESS);
    world.pass(3000, ALL);
    let effects = world.give(Input::Person(Person::Quit));
    let stop = stopped(&effects, 0).expect("told");
    assert!(stop.0 > Duration::from_secs(3) && stop.0 < Duration::from_millis(3500), "{stop:?}");
    assert_eq!(stop.1, Duration::from_secs(4));
    assert_eq!(stopped(&effects, 1), Some(stop));
    assert_eq!(world.phase(), Phase::Draining);
    assert!(world.give(Input::Person(Person::Quit)).is_empty(), "once is enough");
    world.last(0);
    assert!(is_over(&world.last(1)));
    let result = world.result();
    assert_eq!((result.duration, result.stop_reason), (stop.0, StopReason::User));
}

#[test]
fn a_second_interrupt_waits_a_second_and_no_longer() {
    let mut world = World::started(2, ENDLESS);
    world.second(0, 5, 3, 0);
    world.pass(2000, ALL);
    let drain = world.give(Input::Person(Person::Interrupt));
    assert!(stopped(&drain, 0).is_some_and(|(_, timeout)| timeout == Duration::from_secs(4)));
    let at = stopped(&drain, 0).expect("told").0;
    world.pass(500, ALL);
    let abort = world.give(Input::Person(Person::Interrupt));
    assert_eq!(stopped(&abort, 0), Some((at, Duration::ZERO)), "users are cut off");
    world.last(1);
    assert!(!is_over(&world.pass(900, ALL)));
    assert!(is_over(&world.pass(100, ALL)));
    let result = world.result();
    assert_eq!(
        (result.stop_reason, result.aborted, result.accounting.unknown),
        (StopReason::Signal, true, 2)
    );
    assert_eq!(result.accounting.missing.len(), 1);
}

#[test]
fn a_third_interrupt_ends_at_once() {
    let mut world = World::started(1, ENDLESS);
    world.give(Input::Person(Person::Interrupt));
    assert!(!is_over(&world.give(Input::Person(Person::Interrupt))));
    assert!(is_over(&world.give(Input::Person(Person::Interrupt))));
}

#[test]
fn a_drain_ends_after_stop_timeout_and_lease_without_last_words() {
    let mut world = World::started(1, ENDLESS);
    world.give(Input::Person(Person::Quit));
    // Alive all the time, but never done.
    assert!(!is_over(&world.pass(9400, &[0])));
    assert!(is_over(&world.pass(100, &[0])));
    assert!(world.run.lost_everyone());
    assert!(!world.result().is_complete());
}

#[test]
fn more_users_are_a_new_revision_that_moves_nobody() {
    let mut world = World::started(2, LOAD);
    world.pass(4000, ALL);
    let before = world.give(Input::Person(Person::ChangeUsers(3)));
    let (first, second) =
        (assigned(&before, 0).expect("told").clone(), assigned(&before, 1).expect("told").clone());
    assert_eq!((first.revision, second.revision), (2, 2));
    assert_eq!(first.profile, second.profile);
    let change = first.profile.changes().last().expect("a change");
    assert_eq!((change.at, change.to), (Duration::from_millis(4100), 12));
    assert_eq!(users(&first).len() + users(&second).len(), 12);

    let after = world.give(Input::Person(Person::ChangeUsers(6)));
    let (more, others) =
        (users(assigned(&after, 0).expect("told")), users(assigned(&after, 1).expect("told")));
    assert!(users(&first).iter().all(|user| more.contains(user)), "what was granted stays");
    assert!(more.iter().all(|user| !others.contains(user)), "nobody has two owners");
    assert_eq!((more.len() + others.len(), assigned(&after, 0).map(|assign| assign.revision)), (18, Some(3)));
    assert_eq!(world.run.view(world.now).users_target, 9, "not before the instant named");
    world.pass(200, ALL);
    assert_eq!(world.run.view(world.now).users_target, 18);
    let result = world.result();
    let said: Vec<_> = result.changes.iter().map(|c| format!("{} {} {}", c.what, c.from, c.to)).collect();
    assert_eq!(said, ["users 9 12", "users 12 18"]);
    assert_eq!(result.users_wanted, 18);
}

#[test]
fn fewer_users_leave_the_grants_and_change_the_profile() {
    let mut world = World::started(2, LOAD);
    world.pass(4000, ALL);
    let effects = world.give(Input::Person(Person::ChangeUsers(-4)));
    let assign = assigned(&effects, 0).expect("told");
    assert_eq!(assign.profile.changes().last().map(|change| change.to), Some(5));
    assert_eq!(users(assign).len() + users(assigned(&effects, 1).expect("told")).len(), 9);
    assert_eq!(world.phase(), Phase::Ramping, "users are about to be stopped");
    let none = world.give(Input::Person(Person::ChangeUsers(-100)));
    assert_eq!(assigned(&none, 0).and_then(|a| a.profile.changes().last().map(|c| c.to)), Some(0));
    assert!(world.give(Input::Person(Person::ChangeUsers(-1))).is_empty(), "below none there is nothing");
    world.pass(6000, ALL);
    assert!(world.give(Input::Person(Person::ChangeUsers(5))).is_empty(), "too late for that");
}

#[test]
fn the_picture_follows_what_workers_say() {
    let mut world = World::started(2, LOAD);
    world.workers[0].heartbeat.users = vec![2, 1];
    world.workers[1].heartbeat.users = vec![1, 0];
    world.pass(1000, ALL);
    assert_eq!(world.phase(), Phase::Ramping);
    world.second(0, 4, 3, 1);
    let view = world.run.view(world.now);
    assert_eq!((view.users, view.aggregated.requests), (4, 0), "a second is shown when all have reported it");
    world.second(1, 2, 2, 0);
    world.give(Input::Tick);
    let view = world.run.view(world.now);
    assert_eq!((view.aggregated.requests, view.aggregated.failures, view.timeline.len()), (6, 1, 1));
    assert_eq!((view.workers[0].users, view.workers[0].users_by_class.clone()), (3, vec![2, 1]));
    world.last(0);
    world.last(1);
    let result = world.result();
    assert_eq!(result.classes, [("shopper".to_owned(), 3), ("admin".to_owned(), 1)]);
    assert!(result.totals.errors.keys().all(|key| key.kind == FailureKind::Status));
}
