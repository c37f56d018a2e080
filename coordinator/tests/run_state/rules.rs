//! Rules while the test runs: over windows, and such that end it.

use std::time::Duration;

use stampede_coordinator::result::{RunResult, StopReason};
use stampede_coordinator::view::{Phase, ThresholdRow};

use crate::world::{World, stopped};

fn world(load: &str, rules: &[&str]) -> World {
    let rules: Vec<_> = rules.iter().map(|rule| format!("  - {rule}\n")).collect();
    let mut world = World::with(Some(1), load, &format!("thresholds:\n{}", rules.concat()));
    world.join();
    world.all_ready();
    world.now += Duration::from_millis(200);
    world
}

const LOAD: &str = "users: 3, spawn_rate: 3, run_time: 60s";

/// A second with so many ok and failed requests. Times are 1 ms, 2 ms, … of each.
fn second(world: &mut World, ok: u64, failed: u64) {
    world.pass(1000, &[0]);
    world.second(0, ok + failed, ok, failed);
    world.pass(100, &[0]);
    world.now -= Duration::from_millis(100);
}

fn rows(world: &mut World) -> Vec<ThresholdRow> {
    world.run.view(world.now).thresholds.to_vec()
}

fn ended(mut world: World) -> RunResult {
    world.last(0);
    assert_eq!(world.phase(), Phase::Finished);
    world.result()
}

#[test]
fn a_rule_that_says_so_ends_the_run() {
    let mut world = world(LOAD, &["p95 < 1s", "error_rate < 50% or stop"]);
    // All of it fails, and it is too early to say.
    (0..9).for_each(|_| second(&mut world, 0, 20));
    assert_eq!(world.phase(), Phase::Steady);
    let row = &rows(&mut world)[1];
    assert_eq!((row.shown.as_str(), row.holds, row.stops), ("100.00%", Some(false), true));
    world.pass(900, &[0]);
    let effects = world.second(0, 20, 0, 20);
    assert!(stopped(&effects, 0).is_some(), "it is told");
    assert_eq!(world.phase(), Phase::Draining);
    let notices = world.run.view(world.now).notices;
    let said = "threshold: error_rate < 50% or stop, at 00:10: measured 100.00%; the run ends";
    assert!(notices.iter().any(|notice| notice == said), "{notices:?}");
    // What is done while draining is so good that all together would hold.
    world.pass(1000, &[0]);
    world.second(0, 900, 900, 0);
    let result = ended(world);
    assert_eq!((result.stop_reason, result.holds()), (StopReason::Threshold, Some(false)));
    assert!(result.thresholds[0].passed && !result.thresholds[1].passed);
    assert_eq!(result.thresholds[1].ended_at.map(|at| at.as_secs()), Some(10));
    assert!(result.notes.iter().any(|note| note == said), "{:?}", result.notes);
}

#[test]
fn no_rule_ends_the_run_before_there_are_a_hundred_samples() {
    let rules = ["p95 of \"GET /\" < 1ms or stop", "p95 of \"GET /\" < 1ms for 2s or stop"];
    let mut world = world(LOAD, &rules);
    (0..12).for_each(|_| second(&mut world, 8, 0));
    assert_eq!(world.phase(), Phase::Steady, "96 so far");
    second(&mut world, 8, 0);
    assert_eq!(world.phase(), Phase::Draining);
}

#[test]
fn a_rule_with_a_window_ends_the_run_by_the_newest_of_them() {
    let mut world = world(LOAD, &["error_rate < 30% for 3s or stop"]);
    // Early windows that break are forgiven.
    (0..5).for_each(|_| second(&mut world, 0, 20));
    (0..20).for_each(|_| second(&mut world, 20, 0));
    assert_eq!(world.phase(), Phase::Steady);
    second(&mut world, 10, 10);
    assert_eq!(world.phase(), Phase::Steady, "one of six");
    second(&mut world, 10, 10);
    assert_eq!(world.phase(), Phase::Draining, "one of three");
    let result = ended(world);
    let rule = &result.thresholds[0];
    assert_eq!((rule.shown.as_str(), rule.room.as_str()), ("33.33% in 00:24-00:27", "11 % over"));
}

#[test]
fn a_window_breaks_although_the_whole_run_holds() {
    let rules = ["error_rate < 30%", "error_rate < 30% for 5s", "p90 of \"GET /\" < 40ms for 5s"];
    let mut world = world(LOAD, &rules);
    assert_eq!(rows(&mut world)[1].shown, "no window yet");
    (0..10).for_each(|_| second(&mut world, 20, 0));
    (0..3).for_each(|_| second(&mut world, 5, 15));
    let row = rows(&mut world)[1].clone();
    assert_eq!((row.shown.as_str(), row.holds), ("45.00% in 00:08-00:13", Some(false)));
    (0..10).for_each(|_| second(&mut world, 20, 0));
    let now = rows(&mut world);
    assert_eq!((now[1].shown.as_str(), now[1].holds), ("0.00% in 00:18-00:23", Some(true)));
    assert_eq!(now[1].broken.as_deref(), Some("45.00% in 00:08-00:13"), "and that stays");
    assert_eq!((now[0].broken.as_deref(), now[2].broken.as_deref()), (None, None));
    (0..37).for_each(|_| second(&mut world, 20, 0));
    let result = ended(world);
    let passed: Vec<_> = result.thresholds.iter().map(|rule| rule.passed).collect();
    assert_eq!(passed, [true, false, true]);
    assert_eq!(result.thresholds[1].shown, "45.00% in 00:08-00:13");
    assert_eq!((result.stop_reason, result.holds()), (StopReason::RunTime, Some(false)));
}

#[test]
fn a_run_that_is_shorter_than_a_window_is_one() {
    let mut world =
        world("users: 3, spawn_rate: 3, run_time: 2s", &["requests < 50 for 10s", "rps > 9 for 1s"]);
    second(&mut world, 20, 0);
    second(&mut world, 10, 0);
    let result = ended(world);
    let shown: Vec<_> = result.thresholds.iter().map(|rule| (rule.shown.as_str(), rule.passed)).collect();
    assert_eq!(shown, [("30", true), ("10/s in 00:01-00:02", true)]);
}
