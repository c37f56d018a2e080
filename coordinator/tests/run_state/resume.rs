//! A coordinator that died, and a run that another process goes on with.

use std::time::Duration;

use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::input::{Effect, Input, Order, Person, Progress};
use stampede_coordinator::view::{Phase, WorkerState};

use crate::world::{World, assigned, is_over, orders, users};

const LOAD: &str = "users: 9, spawn_rate: 3, run_time: 60s";

/// The coordinator dies, and after so many milliseconds there is another one.
fn away(world: &mut World, ms: u64) -> Vec<Effect> {
    let since = world.now;
    world.now += Duration::from_millis(ms);
    world.give(Input::Resumed { since })
}

#[test]
fn slots_stay_with_their_owners_and_go_elsewhere_only_after_lease_and_margin() {
    let mut world = World::started(2, LOAD);
    world.pass(4000, &[0, 1]);
    let effects = away(&mut world, 20_000);
    assert!(
        !effects.iter().any(|effect| matches!(effect, Effect::Order(..))),
        "nobody has a line: {effects:?}"
    );
    let notices = world.run.view(world.now).notices;
    assert!(notices.iter().any(|text| text.contains("away from second 4.0 to second 24.0")), "{notices:?}");
    assert_eq!([world.state(0), world.state(1)], [WorkerState::Disconnected; 2]);
    let back = world.connect(0, false);
    let kept = users(assigned(&back, 0).expect("told again"));
    assert!(orders(&back, 0).iter().any(|order| matches!(order, Order::Start { .. })), "{back:?}");
    assert!(!kept.is_empty() && kept.len() < 9, "its own users: {kept:?}");
    world.says(0, Progress::Running);
    world.pass(5500, &[0]);
    assert_eq!(world.state(1), WorkerState::Disconnected);
    let effects = world.pass(1000, &[0]);
    assert_eq!(world.state(1), WorkerState::Lost);
    let more = users(assigned(&effects, 0).expect("it takes over"));
    assert_eq!(more.len(), 9, "{more:?}");
}

#[test]
fn a_run_whose_workers_have_not_come_back_yet_is_not_over() {
    let mut world = World::started(2, LOAD);
    world.pass(2000, &[0, 1]);
    away(&mut world, 1000);
    world.pass(5500, &[]);
    assert_eq!(world.phase(), Phase::Steady);
    let effects = world.pass(1000, &[]);
    assert!(is_over(&effects), "nobody came");
    let result = world.result();
    assert_eq!((result.stop_reason, result.accounting.missing.len()), (StopReason::NoWorkers, 2));
}

#[test]
fn an_embedded_worker_is_lost_at_once_and_the_next_one_takes_its_users() {
    let mut world = World::new(None, LOAD);
    world.join_as(true);
    world.all_ready();
    world.says(0, Progress::Running);
    world.pass(3000, &[0]);
    away(&mut world, 500);
    assert_eq!(world.state(0), WorkerState::Lost);
    let invited = world.join_as(true);
    assert!(orders(&invited, 1).contains(&&Order::Prepare), "{invited:?}");
    let joined = world.says(1, Progress::Ready);
    assert!(!users(assigned(&joined, 1).expect("a share")).is_empty());
    world.says(1, Progress::Running);
    world.give(Input::Person(Person::Quit));
    world.workers[1].second = 3;
    world.last(1);
    let missing = world.result().accounting.missing;
    assert_eq!((missing.len(), missing[0].worker.as_str()), (1, "w0"), "{missing:?}");
}

#[test]
fn finals_are_waited_for_by_the_next_coordinator_too() {
    let mut world = World::started(2, LOAD);
    world.pass(2000, &[0, 1]);
    world.give(Input::Person(Person::Quit));
    assert_eq!(world.phase(), Phase::Draining);
    away(&mut world, 60_000);
    assert_eq!(world.phase(), Phase::Draining, "the time it was away does not count");
    for worker in 0..2 {
        let back = world.connect(worker, false);
        assert!(orders(&back, worker).iter().any(|order| matches!(order, Order::Stop { .. })), "{back:?}");
    }
    world.last(0);
    assert!(is_over(&world.last(1)));
    assert!(world.result().accounting.missing.is_empty());
}

#[test]
fn before_the_start_the_next_coordinator_waits_anew() {
    let mut world = World::new(Some(2), LOAD);
    world.join();
    away(&mut world, 1000);
    assert_eq!(world.phase(), Phase::Waiting);
    assert!(world.run.view(world.now).notices.is_empty(), "nothing was missed");
    world.connect(0, false);
    let effects = world.join();
    assert!(orders(&effects, 0).contains(&&Order::Prepare), "{effects:?}");
}
