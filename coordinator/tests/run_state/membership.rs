//! Workers that join, leave, are lost and come back while a test runs: who is told to run what.

use std::time::Duration;

use stampede_coordinator::run::input::{Effect, Heartbeat, Input, Order, Progress};
use stampede_coordinator::view::WorkerState;
use stampede_proto::assign::Held;
use stampede_scenarios::ranks::RankSet;

use crate::world::{World, assigned, ends_session, is_over, orders, users};

const LOAD: &str = "users: 12, spawn_rate: 6, run_time: 60s";

/// `worker` follows the newest assignment it was told in `effects`, and still holds `held` ranks of class 0.
fn follow(world: &mut World, worker: usize, effects: &[Effect], held: &[u32]) -> Vec<Effect> {
    let revision = assigned(effects, worker).expect("told").revision;
    let heartbeat = &mut world.workers[worker].heartbeat;
    heartbeat.revision = revision;
    let ranks = RankSet::from_sorted(held.to_vec());
    heartbeat.held = if held.is_empty() { Vec::new() } else { vec![Held { class: 0, ranks }] };
    world.says(worker, Progress::Running)
}

/// Everybody follows what was dealt at the start.
fn settled(workers: u32) -> World {
    let mut world = World::started(workers, LOAD);
    for worker in 0..workers as usize {
        world.workers[worker].heartbeat.revision = 1;
        world.says(worker, Progress::Running);
    }
    world
}

#[test]
fn a_lost_workers_slots_start_again_elsewhere_at_the_spawn_rate() {
    let mut world = settled(3);
    world.pass(4000, &[0, 1, 2]);
    let effects = world.pass(6000, &[0, 1]);
    assert_eq!(world.state(2), WorkerState::Lost);
    assert!(assigned(&effects, 2).is_none());
    let mut starts = Vec::new();
    for worker in 0..2 {
        let assign = assigned(&effects, worker).expect("told");
        assert_eq!(users(assign).len(), 6);
        assert!(!assign.cut, "nobody healthy is stopped");
        for grant in assign.grants.iter().filter(|grant| grant.life > 0) {
            assert_eq!(grant.life, 1);
            let rate = grant.rate;
            starts.extend(
                (0..grant.ranks.len())
                    .map(|nth| grant.from + rate.map_or(Duration::ZERO, |rate| rate.time_of(nth as u64))),
            );
        }
    }
    starts.sort_unstable();
    assert_eq!(starts.len(), 4);
    let sixth = Duration::from_secs(1) / 6;
    for (nth, start) in (0_u32..).zip(&starts) {
        let due = starts[0] + sixth * nth;
        assert!(start.abs_diff(due) < Duration::from_millis(1), "{starts:?}");
    }
}

#[test]
fn who_joins_gets_what_others_have_released() {
    let mut world = settled(2);
    world.pass(3000, &[0, 1]);
    assert_eq!(orders(&world.join(), 2), [&Order::Prepare]);
    let ready = world.says(2, Progress::Ready);
    let [Order::Prepare, Order::Assign(first), Order::Start { .. }] = orders(&ready, 2)[..] else {
        panic!("{ready:?}");
    };
    assert!(users(first).is_empty(), "all run elsewhere");
    let taken: Vec<_> =
        (0..2).map(|worker| 6 - users(assigned(&ready, worker).expect("told")).len()).collect();
    assert_eq!(taken, [2, 2]);
    let mut moved = Vec::new();
    let effects = follow(&mut world, 0, &ready, &[]);
    moved.extend(users(assigned(&effects, 2).expect("more")));
    assert_eq!(moved.len(), 2);
    let effects = follow(&mut world, 1, &ready, &[]);
    let all = users(assigned(&effects, 2).expect("more"));
    assert_eq!(all.len(), 4);
    assert!(moved.iter().all(|user| all.contains(user)));
    let assign = assigned(&effects, 2).expect("told");
    assert!(assign.grants.iter().all(|grant| grant.life == 1), "each has had a life before");
}

#[test]
fn what_a_leaving_worker_holds_is_waited_for() {
    let mut world = settled(2);
    world.pass(3000, &[0, 1]);
    world.workers[1].heartbeat.leaving = true;
    let said = world.says(1, Progress::Draining);
    let assign = assigned(&said, 1).expect("told");
    assert!(users(assign).is_empty());
    let theirs: Vec<u32> = (0..8).collect();
    let effects = follow(&mut world, 1, &said, &theirs);
    let released = users(assigned(&effects, 0).expect("told")).len() - 6;
    assert_eq!(released, 2, "its two of the other class");
    let effects = world.last(1);
    assert_eq!(users(assigned(&effects, 0).expect("told")).len(), 12, "its last words release the rest");
}

#[test]
fn who_comes_back_soon_goes_on_and_who_comes_late_is_cut() {
    let mut world = settled(2);
    world.pass(3000, &[0, 1]);
    world.disconnect(1);
    world.pass(4000, &[0]);
    let back = world.connect(1, false);
    let assign = assigned(&back, 1).expect("told");
    assert!(!assign.cut && users(assign).len() == 6, "its lease has not passed: {assign:?}");
    world.pass(1000, &[0, 1]);
    world.disconnect(1);
    let effects = world.pass(6000, &[0]);
    assert_eq!(users(assigned(&effects, 0).expect("told")).len(), 12);
    let back = world.connect(1, false);
    let assign = assigned(&back, 1).expect("told");
    assert!(assign.cut && users(assign).is_empty(), "{assign:?}");
    // For 30 s it gets only what nobody runs; then its share like one that joins.
    follow(&mut world, 1, &back, &[]);
    assert_eq!(assigned(&world.pass(25_000, &[0, 1]), 0), None);
    let effects = world.pass(6000, &[0, 1]);
    assert_eq!(users(assigned(&effects, 0).expect("told")).len(), 6);
}

#[test]
fn nobody_is_lost_whose_heartbeat_was_answered_just_now() {
    let mut world = settled(2);
    world.now += Duration::from_millis(500);
    for _ in 0..11 {
        world.says(0, Progress::Running);
        world.now += Duration::from_millis(500);
        let effects = world.run.handle(Input::Tick, world.now);
        assert!(!ends_session(&effects, 1));
    }
    world.now += Duration::from_millis(100);
    let effects = world.run.handle(Input::Tick, world.now);
    // An answer to a heartbeat that was dropped with its session counts, but not for ever.
    let since = world.now.saturating_sub(Duration::from_millis(5500));
    assert!(effects.contains(&Effect::EndIfSilent(1, since)), "{effects:?}");
    assert_eq!(world.state(1), WorkerState::Running, "who answers heartbeats has the last word");
}

#[test]
fn a_joiner_takes_over_when_everybody_else_is_lost() {
    let mut world = settled(1);
    world.pass(3000, &[0]);
    world.join();
    let effects = world.pass(6000, &[1]);
    assert!(!is_over(&effects));
    assert_eq!(world.state(0), WorkerState::Lost);
    let ready = world.says(1, Progress::Ready);
    assert_eq!(users(assigned(&ready, 1).expect("told")).len(), 12);
}

#[test]
fn users_of_a_frozen_worker_are_not_counted_beside_those_that_took_over() {
    let mut world = settled(2);
    world.pass(3000, &[0, 1]);
    (0..3).for_each(|_| drop(world.second(1, 4, 4, 0)));
    world.pass(6000, &[0]);
    assert_eq!(world.state(1), WorkerState::Lost);
    world.pass(3000, &[0]);
    for second in 0..12 {
        let mut batch = world.workers[0].second(4, 4, 0, 0);
        batch.snapshot.gauges.users = if second < 8 { vec![4, 2] } else { vec![8, 4] };
        world.deliver(0, batch);
    }
    world.workers[0].heartbeat.users = vec![8, 4];
    world.pass(500, &[0]);
    let back = world.connect(1, false);
    // Before it has heard of anything, its users are still there.
    world.workers[1].heartbeat.users = vec![4, 2];
    world.says(1, Progress::Running);
    world.pass(500, &[0]);
    assert_eq!(world.run.view(world.now).users, 12);
    world.workers[1].heartbeat.users = vec![0, 0];
    follow(&mut world, 1, &back, &[]);
    // It stood still for nine seconds, which it reports as one interval.
    let mut batch = world.workers[1].second(4, 4, 0, 0);
    batch.snapshot.to_s = 12;
    batch.snapshot.gauges.users = vec![4, 2];
    assert!(!ends_session(&world.deliver(1, batch), 1));
    assert_eq!(world.result().users_peak, 12);
}

#[test]
fn others_have_the_users_of_one_that_is_refused() {
    for says_so in [true, false] {
        let mut world = settled(2);
        world.pass(4000, &[0, 1]);
        for _ in 0..3 {
            world.give(Input::BadBatch { worker: 1, why: "nonsense".to_owned() });
            world.disconnect(1);
            world.connect(1, false);
        }
        assert_eq!(world.state(1), WorkerState::Running);
        let effects = if says_so {
            // It heard that the run is over for it, and has ended its users.
            world.give(Input::Heartbeat { worker: 1, heartbeat: Heartbeat::default() })
        } else {
            // It goes on, and what it says over ever new lines is answered: by that it must not keep its users.
            let (mut effects, begin) = (Vec::new(), world.now);
            while world.state(1) != WorkerState::Lost {
                world.now += Duration::from_millis(100);
                world.says(0, Progress::Running);
                world.says(1, Progress::Running);
                effects = world.run.handle(Input::Tick, world.now);
                if effects.contains(&Effect::EndIfSilent(1, world.now)) {
                    world.disconnect(1);
                    effects = world.run.handle(Input::Silent { worker: 1 }, world.now);
                }
                assert!(world.now < begin + Duration::from_secs(6), "it is never lost");
            }
            effects
        };
        assert_eq!(users(assigned(&effects, 0).expect("told")).len(), 12, "{says_so}");
        assert_eq!(world.state(1), WorkerState::Lost);
    }
}

#[test]
fn who_was_only_asked_in_and_cannot_come_ends_nothing() {
    let mut world = World::new(Some(1), LOAD);
    world.join();
    world.all_ready();
    world.join();
    world.workers[1].heartbeat.error = "no room".to_owned();
    world.now += Duration::from_millis(200);
    assert!(!is_over(&world.says(1, Progress::Failed)));
    let notices = world.run.view(world.now).notices;
    assert!(notices.iter().any(|text| text.contains("w1 cannot take part: no room")), "{notices:?}");
}
