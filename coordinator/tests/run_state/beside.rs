//! `setup` and `teardown`: on one worker, once, and what becomes of the run when they do not come to their end.

use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::input::{Effect, Input, Order, Person, Progress};
use stampede_coordinator::view::Phase;
use stampede_proto::aside::{AsideDone, AsideKind, Shared};
use stampede_stats::snapshot::Snapshot;

use crate::world::{World, is_over, orders};

const ASIDE: &str = "setup: [{get: /s, extract: {a: $.a}}]\nteardown: [get: /t]\n";
const LOAD: &str = "users: 4, spawn_rate: 4, run_time: 10s";

fn done(kind: AsideKind, failure: Option<&str>) -> Box<AsideDone> {
    let rows = Snapshot { to_s: 1, ..Snapshot::default() };
    let shared = vec![Some("1".to_owned())];
    Box::new(AsideDone { kind, failure: failure.map(str::to_owned), shared, rows })
}

/// Two workers, of which the first runs setup now.
fn setting_up() -> World {
    let mut world = World::with(Some(2), LOAD, ASIDE);
    world.join();
    world.join();
    let effects = world.all_ready();
    assert_eq!(orders(&effects, 0), [&Order::Aside { kind: AsideKind::Setup, shared: Shared::new() }]);
    assert!(orders(&effects, 1).is_empty());
    world
}

fn set_up() -> World {
    let mut world = setting_up();
    world.pass(120_000, &[0, 1]);
    assert_eq!(world.phase(), Phase::Preparing, "it may take longer than workers are waited for");
    world.workers[0].heartbeat.aside = Some(done(AsideKind::Setup, None));
    let effects = world.says(0, Progress::Ready);
    for worker in 0..2 {
        let Some(Order::Start { start_us, shared }) = orders(&effects, worker).last().copied() else {
            panic!("{effects:?}")
        };
        assert_eq!(shared, &[Some("1".to_owned())], "all users know what it gave");
        world.now = world.now.max(std::time::Duration::from_micros(*start_us));
    }
    world.says(0, Progress::Running);
    world.says(1, Progress::Running);
    world
}

#[test]
fn the_run_goes_on_when_setup_is_done_and_ends_when_teardown_is() {
    let mut world = set_up();
    world.pass(10_500, &[0, 1]);
    world.last(0);
    let torn_down = Order::Aside { kind: AsideKind::Teardown, shared: vec![Some("1".to_owned())] };
    let effects = world.last(1);
    assert!(orders(&effects, 0).contains(&&torn_down) && !is_over(&effects), "{effects:?}");
    assert!(!is_over(&world.pass(3000, &[0, 1])));
    world.workers[0].heartbeat.aside = Some(done(AsideKind::Teardown, Some("GET (teardown) /t: status 500")));
    assert!(is_over(&world.says(0, Progress::Finished)));
    let result = world.result();
    assert_eq!(result.stop_reason, StopReason::RunTime);
    assert!(result.notes.iter().any(|notice| notice.contains("teardown failed: GET")), "{:?}", result.notes);
}

#[test]
fn no_user_starts_after_a_setup_that_failed() {
    let mut world = setting_up();
    world.workers[0].heartbeat.aside = Some(done(AsideKind::Setup, Some("GET (setup) /s: status 500")));
    let effects = world.says(0, Progress::Ready);
    assert!(is_over(&effects));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Order(_, Order::Start { .. }))));
    let result = world.result();
    assert_eq!(result.stop_reason, StopReason::Scenario);
    assert!(result.notes.iter().any(|notice| notice.contains("setup failed")), "{:?}", result.notes);
}

#[test]
fn a_setup_whose_worker_is_gone_is_not_begun_again() {
    let mut world = setting_up();
    world.disconnect(0);
    world.join();
    let ready = world.says(2, Progress::Ready);
    assert!(orders(&ready, 2).is_empty());
    let effects = world.pass(20_000, &[1, 2]);
    assert!(is_over(&effects), "{effects:?}");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Order(_, Order::Aside { .. }))));
    assert_eq!(world.result().stop_reason, StopReason::NoWorkers);
}

#[test]
fn a_worker_that_is_back_is_told_again() {
    let mut world = setting_up();
    world.disconnect(0);
    let back = world.connect(0, false);
    assert!(orders(&back, 0).contains(&&Order::Aside { kind: AsideKind::Setup, shared: Shared::new() }));
}

#[test]
fn a_person_can_stop_either() {
    let mut world = setting_up();
    assert!(is_over(&world.give(Input::Person(Person::Interrupt))));

    let mut world = set_up();
    world.pass(10_500, &[0, 1]);
    world.last(0);
    world.last(1);
    assert!(!is_over(&world.give(Input::Person(Person::Interrupt))));
    assert!(is_over(&world.give(Input::Person(Person::Interrupt))));
    assert!(world.result().notes.iter().any(|notice| notice.contains("teardown did not come to its end")));
}

#[test]
fn teardown_runs_on_a_worker_that_is_there() {
    let mut world = set_up();
    world.pass(10_500, &[0, 1]);
    world.last(1);
    // The first one lives, and never comes to its end: it is given up.
    let effects = world.pass(30_000, &[0, 1]);
    let torn_down = Order::Aside { kind: AsideKind::Teardown, shared: vec![Some("1".to_owned())] };
    assert!(orders(&effects, 1).contains(&&torn_down), "{effects:?}");
    assert!(!orders(&effects, 0).contains(&&torn_down), "{effects:?}");
}
