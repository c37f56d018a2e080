//! The search for the highest rate, against a target whose capacity is known: a second of n requests takes n ms at most.

use std::time::Duration;

use stampede_coordinator::result::{RunResult, StopReason};
use stampede_coordinator::run::input::{Input, Person};
use stampede_coordinator::view::Phase;

use crate::arrivals::second;
use crate::world::World;

/// Half of the requests of a second are done by so many ms as are half of their number: this holds up to 319 a second.
const SEARCH: &str =
    "find_max: {from: 50/s, factor: 2, hold: 10s, verify: 20s, precision: 5%, thresholds: [\"p50 < 160ms\"]}";

/// Runs for so many seconds, or until it drains; `capacity` arrivals a second are begun at most.
fn run(world: &mut World, seconds: u32, capacity: u64) {
    for _ in 0..seconds {
        if world.phase() == Phase::Draining {
            return;
        }
        let rate = world.run.view(world.now).arrivals.expect("arrivals").rate;
        world.pass(1000, &[0]);
        let planned = format!("{rate:.0}").parse::<u64>().expect("a number");
        second(world, 0, planned.min(capacity), planned.saturating_sub(capacity));
    }
}

fn ended(mut world: World) -> RunResult {
    assert_eq!(world.phase(), Phase::Draining);
    world.last(0);
    world.result()
}

#[test]
fn the_highest_rate_is_found_and_verified() {
    let mut world = World::started(1, SEARCH);
    run(&mut world, 5, 10_000);
    assert_eq!(world.run.view(world.now).search.as_deref(), Some("try 1 at 50/s"));
    run(&mut world, 600, 10_000);
    let result = ended(world);
    let search = result.search.as_ref().expect("a search");
    let tries: Vec<_> = search.tries.iter().map(|one| (one.rate, one.held, one.verifies)).collect();
    assert_eq!(
        tries,
        [
            (50.0, true, false),
            (100.0, true, false),
            (200.0, true, false),
            (400.0, false, false),
            (300.0, true, false),
            (350.0, false, false),
            (325.0, false, false),
            (312.0, true, false),
            (312.0, true, true),
        ]
    );
    assert_eq!((search.found, search.verified, result.holds()), (Some(312.0), true, Some(true)));
    assert_eq!(result.stop_reason, StopReason::Profile);
    for one in &search.tries {
        // What came in before the rate had settled is in none of it.
        let seconds = one.to_s - one.from_s;
        assert_eq!(one.requests.to_string(), (f64::from(seconds) * one.rate).to_string(), "{one:?}");
        assert_eq!(seconds, if one.verifies { 18 } else { 8 });
    }
    assert_eq!(search.tries[3].rules[0].shown, "200 ms");
    assert!(result.changes.is_empty(), "nobody changed it by hand");
}

#[test]
fn a_try_counts_from_the_end_of_the_warm_up() {
    let mut world = World::started(1, &format!("{SEARCH}, warmup: 30s"));
    run(&mut world, 29, 10_000);
    assert_eq!(world.run.view(world.now).search.as_deref(), Some("try 1 at 50/s"));
    run(&mut world, 600, 10_000);
    let search = ended(world).search.expect("a search");
    assert_eq!((search.tries[0].from_s, search.tries[0].to_s), (32, 40));
    assert_eq!((search.found, search.verified), (Some(312.0), true));
}

#[test]
fn dropped_arrivals_are_not_holding() {
    let mut world = World::started(1, SEARCH);
    run(&mut world, 600, 70);
    let result = ended(world);
    let search = result.search.as_ref().expect("a search");
    assert!(search.found.is_some_and(|found| (66.0..=70.0).contains(&found)), "{search:?}");
    assert!(search.tries[1].why.as_ref().is_some_and(|why| why.contains("dropped")), "{search:?}");
}

#[test]
fn not_even_the_first_rate_holds() {
    let mut world = World::started(1, SEARCH);
    run(&mut world, 60, 20);
    let result = ended(world);
    assert_eq!(result.holds(), Some(false));
    let search = result.search.expect("a search");
    assert_eq!((search.found, search.verified, search.tries.len()), (None, false, 1));
    assert!(search.sentence.contains("Not even 50/s"), "{}", search.sentence);
}

#[test]
fn a_search_that_is_stopped_says_how_far_it_came() {
    let mut world = World::started(1, SEARCH);
    run(&mut world, 30, 10_000);
    world.give(Input::Person(Person::More));
    assert!(world.run.view(world.now).notices.iter().any(|note| note.contains("by itself")));
    world.give(Input::Person(Person::Quit));
    world.now += Duration::from_millis(100);
    let result = ended(world);
    let search = result.search.as_ref().expect("a search");
    assert_eq!((search.found, search.verified), (Some(100.0), false), "{search:?}");
    assert_eq!(result.holds(), Some(false));
}

#[test]
fn rules_are_judged_over_the_whole_run() {
    let rules =
        "thresholds:\n  - p100 < 41ms\n  - p100 of \"GET /\" < 40ms\n  - rps >= 40\n  - requests > 100\n";
    let mut world = World::with(Some(1), "rate: 40/s, run_time: 2s", rules);
    world.join();
    world.all_ready();
    world.now += Duration::from_millis(200);
    for _ in 0..2 {
        world.pass(1000, &[0]);
        second(&mut world, 0, 40, 0);
    }
    let result = ended(world);
    let judged: Vec<_> = result.thresholds.iter().map(|rule| (rule.shown.as_str(), rule.passed)).collect();
    assert_eq!(judged, [("40.0 ms", true), ("40.0 ms", false), ("40/s", true), ("80", false)]);
    assert_eq!(result.holds(), Some(false));
}
