//! What the picture of a run holds beside the tables: endpoints in full, the load, the log, what became of a worker.

use std::time::Duration;

use stampede_coordinator::run::input::{Input, Person};
use stampede_coordinator::view::{LogKind, Phase, RunView};

use crate::world::World;

const LOAD: &str = "users: 9, spawn_rate: 3, run_time: 60s";

fn lines(view: &RunView, kind: LogKind) -> Vec<(u64, &str)> {
    let of_kind = view.log.iter().filter(|row| row.kind == kind);
    of_kind.map(|row| (row.at.as_secs(), row.text.as_str())).collect()
}

#[test]
fn an_endpoint_in_full_adds_up_with_its_row() {
    let mut world = World::started(2, LOAD);
    for second in 0..4 {
        world.pass(1000, &[0, 1]);
        world.second(0, 7, 5, 1);
        world.second(1, 7, 5, 1);
        let view = world.run.view(world.now);
        let ([row], [detail]) = (&view.endpoints[..], &view.details[..]) else {
            panic!("one endpoint: {view:?}")
        };
        assert_eq!((&detail.method, &detail.name), (&row.method, &row.name));
        let sum = |of: fn(&stampede_coordinator::view::LatencyBucket) -> u64| {
            detail.buckets.iter().map(of).sum::<u64>()
        };
        assert_eq!(
            (sum(|bucket| bucket.ok), sum(|bucket| bucket.failed)),
            (row.requests - row.failures, row.failures)
        );
        assert_eq!((detail.all.count, detail.failed.count), (row.requests, row.failures));
        assert_eq!((detail.all.percentile(95.0), detail.all.max), (row.p95, row.max));
        assert_eq!((detail.started, detail.under_way), (14 * (second + 1), 2 * (second + 1)));
        let requests: f64 = detail.course.iter().map(|point| point.rps).sum();
        assert!((requests - row.requests as f64).abs() < 1e-9, "{:?}", detail.course);
    }
}

#[test]
fn the_plan_stays_what_it_was_when_the_load_is_changed_by_hand() {
    let mut world = World::started(1, LOAD);
    world.pass(5000, &[0]);
    let planned = world.run.view(world.now).load.planned.clone();
    let at = |seconds: f64| planned.iter().find(|(t, _)| *t >= seconds).map(|(_, users)| *users);
    assert_eq!((at(0.0), at(30.0), planned.last()), (Some(1.0), Some(9.0), Some(&(60.0, 9.0))));
    world.give(Input::Person(Person::ChangeUsers(5)));
    world.pass(1000, &[0]);
    let view = world.run.view(world.now);
    assert_eq!(view.load.planned, planned);
    let [change] = &view.load.changes[..] else { panic!("{:?}", view.load) };
    assert_eq!((change.what.as_str(), change.from.as_str(), change.to.as_str()), ("users", "9", "14"));
    assert!(change.at >= Duration::from_secs(5));
    assert_eq!(view.load.words, "9 users, started at 3/s (all of them after 2.667s)");
    assert_eq!(view.load.search, None);
}

#[test]
fn the_log_has_phases_notices_and_changes_with_their_time() {
    let mut world = World::started(2, LOAD);
    world.pass(4000, &[0, 1]);
    world.give(Input::Person(Person::ChangeUsers(1)));
    world.pass(4000, &[0]);
    world.disconnect(1);
    world.pass(6000, &[0]);
    let view = world.run.view(world.now);
    let phases = lines(&view, LogKind::Phase);
    assert_eq!(phases[..3], [(0, "preparing"), (0, "ramping"), (3, "steady")], "{phases:?}");
    let changes = lines(&view, LogKind::Change);
    assert!(matches!(changes[..], [(4, text)] if text.starts_with("users: 9 → 10, from 4.")), "{changes:?}");
    let notices = lines(&view, LogKind::Notice);
    assert!(notices.iter().any(|(at, text)| *at == 8 && text.contains("w1 disconnected")), "{notices:?}");
    assert!(lines(&view, LogKind::Line).contains(&(0, "worker w0 registered")));
    assert!(view.log.is_sorted_by_key(|row| row.at));
}

#[test]
fn a_lost_worker_stays_with_what_it_took_and_what_is_missing() {
    let mut world = World::started(2, LOAD);
    world.pass(1000, &[0, 1]);
    for worker in 0..2 {
        world.workers[worker].heartbeat.users = vec![3, 1];
        world.second(worker, 9, 7, 0);
    }
    world.workers[1].heartbeat.started = 12;
    world.pass(1000, &[0, 1]);
    world.pass(7000, &[0]);
    let view = world.run.view(world.now);
    let worker = &view.workers[1];
    let note =
        "lost at 00:07 with 4 users; nothing delivered since 00:01, 5 requests begun and not heard of again";
    assert_eq!(worker.note, note);
    assert_eq!((worker.users, worker.course.as_slice()), (0, &[7][..]));
    assert_eq!(view.phase, Phase::Steady);
}
