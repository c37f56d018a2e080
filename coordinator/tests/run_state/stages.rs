//! Users in stages: the phases on the way, what workers are told, and the end.

use std::time::Duration;

use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::input::{Input, Person, Progress};
use stampede_coordinator::view::Phase;
use stampede_coordinator::view::Phase::{Ramping as Up, Steady as On};

use crate::world::{World, assigned, is_over, stopped, users};

const STAGES: &str =
    "stages: [{to: 9, over: 3s}, {to: 9, over: 3s}, {by: 3, every: 2s, to: 15}, {to: 0, over: 2s}]";

#[test]
fn stages_are_ramps_and_plateaus_and_their_end_is_that_of_the_run() {
    let mut world = World::started(1, STAGES);
    let mut phases = Vec::new();
    let mut planned = Vec::new();
    for _ in 0..11 {
        world.pass(1000, &[0]);
        world.second(0, 1, 1, 0);
        phases.push(world.phase());
        planned.push(world.run.view(world.now).users_wanted);
    }
    assert_eq!(planned, [4, 7, 9, 9, 9, 12, 12, 15, 15, 14, 7]);
    assert_eq!(phases, [Up, Up, Up, On, On, Up, On, Up, On, Up, Up]);
    world.pass(1000, &[0]);
    assert_eq!(world.phase(), Phase::Draining);
    world.second(0, 1, 1, 0);
    world.says(0, Progress::Finished);
    assert!(is_over(&world.last(0)));
    let result = world.result();
    assert_eq!((result.stop_reason, result.run_time), (StopReason::Profile, Some(Duration::from_secs(12))));
    assert_eq!((result.users_wanted, result.spawn_rate), (15, None));
    let load = "users in 4 stages, at most 15: to 9 users over 3s; 9 users for 3s; by 3 every 2s to 15 users; \
                to 0 users over 2s";
    assert_eq!(result.load.as_deref(), Some(load));
}

#[test]
fn every_user_of_every_stage_is_dealt_at_the_start() {
    let mut world = World::new(Some(3), STAGES);
    (0..3).for_each(|_| drop(world.join()));
    let effects = world.all_ready();
    let shares: Vec<_> = (0..3).map(|worker| users(assigned(&effects, worker).expect("told"))).collect();
    assert_eq!(shares.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 5]);
}

#[test]
fn lost_users_start_again_as_fast_as_the_steepest_stage_climbs() {
    let mut world = World::started(2, "stages: [{to: 12, over: 0s}, {to: 12, over: 1m}, {to: 18, over: 1m}]");
    world.pass(3000, &[0, 1]);
    let mut told = None;
    for _ in 0..20 {
        told = told.or(assigned(&world.pass(500, &[0]), 0).cloned());
    }
    let told = told.expect("the other is lost by now");
    let taken = told.grants.iter().filter(|grant| grant.life > 0);
    let mut starts: Vec<_> = taken
        .flat_map(|grant| {
            let start = |i| grant.from + grant.rate.map_or(Duration::ZERO, |rate| rate.time_of(i));
            (0..grant.ranks.len() as u64).map(start)
        })
        .filter(|start| !start.is_zero())
        .collect();
    starts.sort();
    // A jump of twelve is as steep as twelve a second; the other stage would take a minute for six.
    let (first, last) = (starts.first().expect("some"), starts.last().expect("some"));
    let span = last.saturating_sub(*first);
    assert!(span > Duration::from_millis(150) && span <= Duration::from_millis(500), "{starts:?}");
}

#[test]
fn the_next_stage_is_that_of_the_file_and_not_the_next_step_of_it() {
    let mut world =
        World::started(1, "stages: [{by: 2, every: 10s, to: 8}, {to: 8, over: 10s}, {to: 3, over: 5s}]");
    world.pass(1000, &[0]);
    world.give(Input::Person(Person::NextStage));
    world.pass(400, &[0]);
    assert_eq!(
        world.run.view(world.now).users_wanted,
        8,
        "the plateau is all there at once, as its steps are jumps"
    );
    world.give(Input::Person(Person::NextStage));
    world.pass(2400, &[0]);
    assert_eq!(world.run.view(world.now).users_wanted, 5);
    let after = world.give(Input::Person(Person::NextStage));
    assert!(stopped(&after, 0).is_some(), "behind the last stage is the end");
    assert_eq!(world.result().changes.iter().filter(|change| change.what == "stage").count(), 2);
}
