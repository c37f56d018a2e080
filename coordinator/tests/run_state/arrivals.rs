//! The open model: lanes and users dealt, arrivals accounted for, whoever is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::input::{Effect, Input, Person, Progress};
use stampede_coordinator::view::Phase;
use stampede_scenarios::arrivals::{count_until, schedule};
use stampede_scenarios::rate_profile::RateProfile;
use stampede_stats::counts::IterationCounts;

use crate::world::{World, assigned, is_over, stopped};

/// `worker` delivers a second in which so many arrivals were begun and ended, and so many dropped.
pub(crate) fn second(world: &mut World, worker: usize, begun: u64, dropped: u64) {
    let mut batch = world.workers[worker].second(begun, begun, 0, 0);
    let more = IterationCounts { planned: begun + dropped, dropped, ..IterationCounts::default() };
    world.workers[worker].iterations.add(&more);
    batch.snapshot.iterations.add(&more);
    batch.running.as_mut().expect("set").iterations.add(&more);
    assert!(world.deliver(worker, batch).iter().all(|effect| !format!("{effect:?}").contains("EndSession")));
}

#[test]
fn every_lane_and_every_user_has_one_worker() {
    for workers in 1..=5 {
        let mut world = World::new(Some(workers), "rate: 100/s, max_users: 50, users: 7, run_time: 10s");
        (0..workers).for_each(|_| drop(world.join()));
        let effects = world.all_ready();
        let (mut lanes, mut numbers, mut beforehand) = (Vec::new(), Vec::new(), 0);
        for worker in 0..workers as usize {
            let assign = assigned(&effects, worker).expect("it takes part");
            let open = assign.open.as_ref().expect("its part of the arrivals");
            let own: Vec<_> = open.lanes.iter().flat_map(|share| share.lanes.iter()).collect();
            assert!(own.len().abs_diff(1024 / workers as usize) <= 1);
            assert!(open.lanes.iter().all(|share| (share.from, share.until) == (0, None)));
            lanes.extend(own);
            numbers.extend(open.first_user..open.first_user + open.max_users);
            beforehand += assign.grants.iter().map(|grant| grant.ranks.len()).sum::<usize>();
        }
        lanes.sort_unstable();
        numbers.sort_unstable();
        assert!(lanes.into_iter().eq(0..1024));
        numbers.dedup();
        assert_eq!(numbers.len(), 43, "nobody shares a number, and the first seven are started beforehand");
        assert!(numbers.iter().all(|number| *number >= 7));
        assert_eq!(beforehand, 7);
    }
}

#[test]
fn planned_is_what_the_workers_saw_come_due() {
    let mut world = World::started(2, "rate: 30/s, run_time: 2s");
    assert_eq!(world.phase(), Phase::Steady, "a constant rate has no ramp");
    for _ in 0..2 {
        world.pass(1000, &[0, 1]);
        second(&mut world, 0, 14, 1);
        second(&mut world, 1, 15, 0);
    }
    assert_eq!(world.phase(), Phase::Draining);
    world.last(0);
    assert!(is_over(&world.last(1)));
    let result = world.result();
    let accounting = &result.accounting;
    assert_eq!((accounting.planned, accounting.dropped, accounting.missed), (Some(60), 2, 0));
    assert_eq!((result.stop_reason, result.spawn_rate), (StopReason::RunTime, None));
}

/// What of the schedule is in the lanes of each of two workers.
fn shares(world: &World, until: Duration) -> [u64; 2] {
    let mut shares = BTreeMap::from([(0, 0), (1, 0)]);
    let arrivals = schedule(&world.plan).expect("arrivals").take_while(|arrival| arrival.due < until);
    arrivals.for_each(|arrival| *shares.entry(arrival.lane % 2).or_default() += 1);
    [shares[&0], shares[&1]]
}

#[test]
fn what_comes_due_in_the_lanes_of_a_lost_worker_is_missed() {
    for spacing in ["even", "poisson"] {
        let load = format!("rate: 31/s, arrivals: {spacing}, run_time: 20s");
        let mut world = World::started(2, &load);
        world.pass(1000, &[0, 1]);
        second(&mut world, 0, 10, 2);
        second(&mut world, 1, 15, 0);
        // It announced more than it delivered, and is never heard of again.
        world.workers[0].heartbeat.iterations_begun = 13;
        world.workers[0].heartbeat.iterations_dropped = 4;
        world.says(0, Progress::Running);
        world.pass(19_000, &[1]);
        let all = count_until(&world.plan, Duration::from_secs(20));
        let [lost, other] = shares(&world, Duration::from_secs(20));
        assert_eq!(lost + other, all);
        second(&mut world, 1, other - 15, 0);
        assert!(is_over(&world.last(1)));
        let result = world.result();
        let accounting = &result.accounting;
        assert_eq!((accounting.planned, accounting.dropped), (Some(all), 4), "{spacing}");
        assert_eq!((accounting.missed, accounting.iterations_unknown), (lost - 17, 3), "{spacing}");
        assert!(result.notes.iter().any(|note| note.contains("w0 is lost") && note.contains("missed")));
    }
}

#[test]
fn what_comes_due_after_a_worker_left_is_missed() {
    let mut world = World::started(2, "rate: 30/s, run_time: 4s");
    world.pass(1000, &[0, 1]);
    second(&mut world, 0, 15, 0);
    second(&mut world, 1, 15, 0);
    world.workers[0].heartbeat.leaving = true;
    world.says(0, Progress::Draining);
    world.last(0);
    world.pass(3000, &[1]);
    second(&mut world, 1, 45, 0);
    assert!(is_over(&world.last(1)));
    let accounting = world.result().accounting;
    assert_eq!((accounting.planned, accounting.iterations_begun, accounting.missed), (Some(120), 75, 45));
}

#[test]
fn what_comes_due_before_a_joiner_has_its_lanes_is_missed() {
    for confirms_after in [200, 3000] {
        let mut world = World::started(1, "rate: 30/s, run_time: 6s");
        world.workers[0].heartbeat.revision = 2;
        world.pass(1000, &[0]);
        world.join();
        let effects = world.says(1, Progress::Ready);
        let told = assigned(&effects, 0).expect("told what it hands over").revision;
        world.says(1, Progress::Running);
        world.pass(confirms_after, &[0, 1]);
        world.workers[0].heartbeat.revision = told;
        world.pass(5000 - confirms_after, &[0, 1]);
        let missing = if confirms_after > 1000 { 5 } else { 0 };
        second(&mut world, 0, 100, 0);
        second(&mut world, 1, 80 - missing, 0);
        world.last(0);
        assert!(is_over(&world.last(1)));
        let accounting = world.result().accounting;
        assert_eq!((accounting.planned, accounting.missed), (Some(180), missing), "{confirms_after} ms");
    }
}

#[test]
fn a_bounded_number_ends_the_run_when_the_last_has_ended() {
    let mut world = World::started(1, "rate: 10/s, iterations: 20");
    let announce = |world: &mut World, begun: u64, ended: u64| {
        world.workers[0].heartbeat.iterations_begun = begun;
        world.workers[0].heartbeat.iterations_ended = ended;
    };
    announce(&mut world, 10, 10);
    assert_eq!(stopped(&world.pass(1500, &[0]), 0), None, "the last is due at 1.9 s");
    announce(&mut world, 20, 19);
    assert_eq!(stopped(&world.pass(2000, &[0]), 0), None, "one is under way");
    announce(&mut world, 20, 20);
    assert!(stopped(&world.pass(600, &[0]), 0).is_some());
    second(&mut world, 0, 20, 0);
    assert!(is_over(&world.last(0)));
    let result = world.result();
    assert_eq!((result.accounting.planned, result.stop_reason), (Some(20), StopReason::Iterations));
}

#[test]
fn a_bounded_number_ends_the_run_behind_a_pause_too() {
    let mut world = World::started(1, "rate: 10/s, iterations: 20");
    let announce = |world: &mut World, ended: u64| {
        world.workers[0].heartbeat.iterations_begun = ended;
        world.workers[0].heartbeat.iterations_ended = ended;
    };
    world.give(Input::Person(Person::Pause));
    announce(&mut world, 12);
    assert_eq!(stopped(&world.pass(5000, &[0]), 0), None, "eight are still to come");
    world.give(Input::Person(Person::Pause));
    announce(&mut world, 20);
    assert!(stopped(&world.pass(4000, &[0]), 0).is_some());
}

#[test]
fn stages_end_the_run_and_ramp_on_the_way() {
    let mut world = World::started(1, "stages: [{to: 40/s, over: 2s}, {to: 40/s, over: 1s}]");
    world.pass(1000, &[0]);
    assert_eq!(world.phase(), Phase::Ramping);
    world.pass(2100, &[0]);
    assert_eq!(world.phase(), Phase::Draining);
    second(&mut world, 0, 80, 0);
    assert!(is_over(&world.last(0)));
    assert_eq!(world.result().stop_reason, StopReason::Profile);
}

/// The rate that `worker` is told.
fn told_rate(effects: &[Effect], worker: usize) -> RateProfile {
    let assign = assigned(effects, worker).expect("told");
    RateProfile::clone(assign.steer.rate.as_ref().expect("another rate"))
}

#[test]
fn the_rate_is_changed_by_hand_ahead_of_time() {
    let mut world = World::started(2, "rate: 40/s, run_time: 20s");
    world.pass(5000, &[0, 1]);
    let effects = world.give(Input::Person(Person::ChangeUsers(10)));
    let rate = told_rate(&effects, 0);
    assert_eq!(told_rate(&effects, 1), rate);
    // Two heartbeats and the way there.
    let rates = [6099, 6100].map(|ms| rate.rate_at(Duration::from_millis(ms)));
    assert!((rates[0] - 40.0).abs() < 1e-9 && (rates[1] - 50.0).abs() < 1e-9, "{rates:?}");
    assert_eq!(rate.count_until(Duration::from_millis(6100)), 244, "what is due before stays");
    let more = told_rate(&world.give(Input::Person(Person::More)), 0);
    assert!((more.last_rate() - 55.0).abs() < 1e-9 && more.denominator() == 1);
    for _ in 0..40 {
        world.give(Input::Person(Person::ChangeUsers(-10)));
    }
    assert!(world.give(Input::Person(Person::Less)).is_empty(), "one a second is the least");
    let changes: Vec<_> = world
        .run
        .result(crate::world::facts())
        .changes
        .iter()
        .map(|c| format!("{} {} {}", c.what, c.from, c.to))
        .collect();
    assert_eq!(changes[..2], ["rate 40/s 50/s", "rate 50/s 55/s"]);
}

#[test]
fn nothing_is_planned_in_a_pause_and_run_time_goes_on() {
    let mut world = World::started(1, "rate: 40/s, run_time: 20s");
    world.pass(3000, &[0]);
    let paused = told_rate(&world.give(Input::Person(Person::Pause)), 0);
    assert_eq!((paused.last_rate(), paused.count_until(Duration::from_secs(60))), (0.0, 164));
    assert!(world.run.view(world.now).paused);
    assert!(
        world.give(Input::Person(Person::More)).iter().all(|effect| !matches!(effect, Effect::Order(..)))
    );
    world.pass(8000, &[0]);
    let resumed = told_rate(&world.give(Input::Person(Person::Pause)), 0);
    // From 12.1 s on, to the end of the run.
    assert_eq!(resumed.count_until(Duration::from_secs(20)), 164 + 316);
    (0..20).for_each(|_| drop(world.pass(500, &[0])));
    assert_eq!(world.phase(), Phase::Draining);
    for seen in [40; 12] {
        second(&mut world, 0, seen, 0);
    }
    world.last(0);
    let accounting = world.result().accounting;
    assert_eq!((accounting.planned, accounting.missed), (Some(480), 0));
}

#[test]
fn the_next_stage_comes_at_once_and_the_run_ends_earlier() {
    let mut world =
        World::started(1, "stages: [{to: 40/s, over: 10s}, {to: 40/s, over: 10s}, {to: 0, over: 10s}]");
    world.pass(3000, &[0]);
    let skipped = told_rate(&world.give(Input::Person(Person::NextStage)), 0);
    // Into the second from where the rate is: up to 40 in ten seconds, then down.
    let rates =
        [4.099, 4.1, 14.1, 24.1].map(|t| format!("{:.0}", skipped.rate_at(Duration::from_secs_f64(t))));
    assert_eq!(rates, ["16", "16", "40", "0"]);
    world.give(Input::Person(Person::NextStage));
    let after = world.give(Input::Person(Person::NextStage));
    assert!(stopped(&after, 0).is_some(), "behind the last stage is the end");
    assert_eq!(world.phase(), Phase::Draining);
    assert_eq!(world.result().stop_reason, StopReason::Profile);
}

#[test]
fn arrivals_that_do_not_add_up_end_the_session() {
    let mut world = World::started(1, "rate: 40/s");
    world.pass(1000, &[0]);
    let mut batch = world.workers[0].second(5, 5, 0, 0);
    batch.snapshot.iterations.planned = 6;
    batch.running.as_mut().expect("set").iterations.planned = 6;
    let effects = world.deliver(0, batch);
    assert!(crate::world::ends_session(&effects, 0));
}
