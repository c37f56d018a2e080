//! Users that want the run to end, and users that have all ended by themselves.

use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::input::{Progress, Wish};
use stampede_coordinator::view::Phase;

use crate::world::{World, stopped};

const LOAD: &str = "users: 9, spawn_rate: 100";

#[test]
fn a_user_can_end_the_run_for_everybody() {
    for (wish, reason) in [(Wish::Scenario, StopReason::Scenario), (Wish::Data, StopReason::Data)] {
        let mut world = World::started(2, LOAD);
        world.pass(500, &[0, 1]);
        world.workers[1].heartbeat.wants_stop = Some(wish);
        let effects = world.says(1, Progress::Running);
        assert!(stopped(&effects, 0).is_some() && stopped(&effects, 1).is_some());
        // It is said with every heartbeat.
        assert!(stopped(&world.says(1, Progress::Running), 0).is_none());
        for worker in 0..2 {
            world.last(worker);
        }
        assert_eq!(world.result().stop_reason, reason);
    }
}

#[test]
fn a_run_ends_when_all_its_users_have_left() {
    let mut world = World::started(2, LOAD);
    let says = |world: &mut World, worker: usize, users: u32, left: u32| {
        world.workers[worker].heartbeat.users = vec![users];
        world.workers[worker].heartbeat.users_stopped = left;
        stopped(&world.says(worker, Progress::Running), 0).is_some()
    };
    // Still on the way up: others are to come.
    assert!(!says(&mut world, 0, 0, 1) && !says(&mut world, 1, 0, 1));
    world.pass(1500, &[0, 1]);
    assert!(!says(&mut world, 0, 0, 5));
    assert!(!says(&mut world, 1, 1, 3), "one is left");
    assert_ne!(world.phase(), Phase::Draining);
    assert!(!says(&mut world, 1, 0, 3), "one is on its way");
    assert!(says(&mut world, 1, 0, 4));
    for worker in 0..2 {
        world.last(worker);
    }
    assert_eq!(world.result().stop_reason, StopReason::Scenario);
}

#[test]
fn nobody_there_is_not_everybody_gone() {
    let mut world = World::started(1, LOAD);
    world.workers[0].heartbeat.users = vec![0];
    world.pass(3000, &[0]);
    assert!(stopped(&world.says(0, Progress::Running), 0).is_none());
}
