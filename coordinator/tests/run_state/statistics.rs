//! Batches: each counted once, in order, or its session ends.

use stampede_coordinator::run::input::{Effect, Input, Order, Person};
use stampede_coordinator::view::WorkerState;
use stampede_proto::batch::Batch;

use crate::world::{World, acknowledged, ends_session, is_over, orders};

const LOAD: &str = "users: 9, spawn_rate: 3, run_time: 60s";

/// Makes a batch say what cannot be.
type Spoil = fn(&mut Batch);

fn counted(world: &World) -> u64 {
    world.result().totals.requests().started
}

#[test]
fn a_batch_that_comes_again_is_acknowledged_and_counted_once() {
    let mut world = World::started(1, LOAD);
    let (first, second) = (world.workers[0].second(4, 3, 0, 0), world.workers[0].second(2, 3, 0, 0));
    assert_eq!(acknowledged(&world.deliver(0, first.clone())), Some((1, false)));
    assert_eq!(acknowledged(&world.deliver(0, first.clone())), Some((1, false)));
    assert_eq!(counted(&world), 4);
    assert_eq!(acknowledged(&world.deliver(0, second)), Some((2, false)));
    assert_eq!(
        acknowledged(&world.deliver(0, first)),
        Some((2, false)),
        "the newest number says all before it"
    );
    assert_eq!(counted(&world), 6);
    assert_eq!(acknowledged(&world.connect(0, false)), Some((2, false)), "and opens the next stream");
}

#[test]
fn a_gap_ends_the_session_and_changes_nothing() {
    let mut world = World::started(1, LOAD);
    let (first, second) = (world.workers[0].second(4, 3, 0, 0), world.workers[0].second(2, 3, 0, 0));
    let effects = world.deliver(0, second.clone());
    assert!(ends_session(&effects, 0) && acknowledged(&effects).is_none(), "{effects:?}");
    assert_eq!(counted(&world), 0);
    world.deliver(0, first);
    world.deliver(0, second);
    assert_eq!(counted(&world), 6);
    assert_eq!(world.state(0), WorkerState::Running, "once is no reason to lose it");
}

#[test]
fn what_does_not_add_up_ends_that_session_only() {
    let spoilt: [(&str, Spoil); 5] = [
        ("a request that no total knows", |b| b.running.as_mut().expect("set").requests.ok -= 1),
        ("one in flight too many", |b| b.snapshot.gauges.in_flight += 1),
        ("an iteration too few", |b| b.snapshot.iterations.begun -= 1),
        ("a class that is not there", |b| b.snapshot.gauges.users = vec![1, 1, 1]),
        ("a second that is not there yet", |b| b.snapshot.to_s += 10),
    ];
    for (name, spoil) in spoilt {
        let mut world = World::started(2, LOAD);
        let good = world.workers[0].second(4, 3, 0, 0);
        let mut bad = good.clone();
        spoil(&mut bad);
        let effects = world.deliver(0, bad);
        assert!(ends_session(&effects, 0) && !ends_session(&effects, 1), "{name}: {effects:?}");
        assert_eq!(counted(&world), 0, "{name}");
        assert!(world.run.view(world.now).notices.iter().any(|text| text.contains("w0 sent what cannot be")));
        world.second(1, 1, 1, 0);
        world.deliver(0, good);
        assert_eq!(counted(&world), 5, "{name}: the run goes on");
    }
}

#[test]
fn three_strikes_in_a_minute_and_a_worker_is_out() {
    let mut world = World::started(2, LOAD);
    let good = world.workers[1].second(4, 4, 0, 0);
    let bad = |world: &mut World| world.give(Input::BadBatch { worker: 1, why: "nonsense".to_owned() });
    assert!(ends_session(&bad(&mut world), 1));
    assert!(ends_session(&bad(&mut world), 1));
    assert_eq!(world.state(1), WorkerState::Running);
    assert!(ends_session(&bad(&mut world), 1));
    assert_eq!(world.state(1), WorkerState::Running, "its users may run as long as its lease");
    assert!(world.run.view(world.now).notices.iter().any(|text| text.contains("refused for this run")));

    // It registers again, as workers do. It stays out, and what it sends is not counted.
    let back = world.connect(1, false);
    assert!(matches!(orders(&back, 1)[..], [Order::RunOver, Order::Notice(_)]), "{back:?}");
    // Heartbeats of a worker that is refused keep nothing alive.
    world.pass(5600, &[0, 1]);
    assert_eq!(world.state(1), WorkerState::Lost);
    assert_eq!(acknowledged(&world.deliver(1, good)), Some((1, true)), "for it, the run is over");
    assert_eq!(counted(&world), 0);
    world.give(Input::Person(Person::Quit));
    assert!(is_over(&world.last(0)), "and nobody waits for it");
}

#[test]
fn strikes_are_forgotten_after_a_minute() {
    let mut world = World::started(2, "users: 9, spawn_rate: 3");
    let bad = |world: &mut World| world.give(Input::BadBatch { worker: 1, why: "nonsense".to_owned() });
    bad(&mut world);
    bad(&mut world);
    world.pass(60_000, &[0, 1]);
    bad(&mut world);
    assert_eq!(world.state(1), WorkerState::Running);
}

#[test]
fn a_batch_of_another_run_is_acknowledged_as_over_and_dropped() {
    let mut world = World::started(1, LOAD);
    let batch = Batch { run: "older".to_owned(), number: 17, ..world.workers[0].second(4, 4, 0, 0) };
    let effects = world.deliver(0, batch);
    let expected =
        Effect::Acknowledge { worker: 0, run: "older".to_owned(), applied_through: 17, over: true };
    assert_eq!(effects, [expected]);
    assert_eq!(counted(&world), 0);
}

#[test]
fn final_totals_that_disagree_are_named() {
    let mut world = World::started(2, LOAD);
    world.second(0, 4, 4, 0);
    let mut last = world.workers[0].last();
    let finals = last.finals.as_mut().expect("set");
    finals.endpoints.values_mut().for_each(|counts| counts.ok += 1);
    world.deliver(0, last);
    world.give(Input::Person(Person::Quit));
    assert!(is_over(&world.last(1)));
    let result = world.result();
    let [contradiction] = &result.accounting.contradictions[..] else { panic!("{:?}", result.accounting) };
    assert!(contradiction.contains("w0"), "{contradiction}");
    assert!(!result.is_complete());
}

#[test]
fn a_worker_at_its_limit_is_said_once_and_stands_in_the_result() {
    let mut world = World::started(2, "users: 6, spawn_rate: 100, run_time: 60s");
    let second = |world: &mut World, cpu_ms: u64| {
        let mut batch = world.workers[0].second(1, 1, 0, 0);
        batch.snapshot.gauges.cpu_ns = cpu_ms * 1_000_000;
        world.pass(1000, &[0, 1]);
        world.deliver(0, batch);
        world.second(1, 1, 1, 0);
        world.run.view(world.now).notices.to_vec()
    };
    for cpu_ms in [300, 950, 970] {
        assert!(second(&mut world, cpu_ms).is_empty());
    }
    let notice = "generator-limited: worker w0 uses 97 % of a core; the target may be able to take more";
    assert_eq!(second(&mut world, 960), [notice]);
    let view = world.run.view(world.now);
    assert_eq!(view.workers[0].note, "at its own limit: uses 97 % of a core");
    assert_eq!(view.workers.iter().map(|worker| worker.limited).collect::<Vec<_>>(), [true, false]);
    let limited = view.limited.expect("now");
    assert_eq!((limited.now, limited.text.as_str()), (true, "worker w0 uses 97 % of a core"));
    assert_eq!(second(&mut world, 200), [notice]);
    let view = world.run.view(world.now);
    assert_eq!(view.workers[0].note, "");
    let limited = view.limited.expect("before");
    assert_eq!((limited.now, limited.text.as_str()), (false, "worker w0, 00:01-00:04"));
    let result = world.result();
    assert!(result.is_generator_limited() && result.workers[1].limits.is_empty());
    let spans: Vec<_> = result.workers[0].limits.iter().map(|limit| (limit.from_s, limit.to_s)).collect();
    assert_eq!(spans, [(1, 4)]);
    assert!(result.notes.is_empty(), "the report says it in its own words: {:?}", result.notes);
}
