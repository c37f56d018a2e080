//! Batches over the wire and back, and what is refused.

use super::*;
use stampede_stats::endpoint::{Part, RowKind};
use stampede_stats::histogram::{TIMES_DIGITS, Times};

fn batch() -> Batch {
    let mut ok = Times::<u32>::new(TIMES_DIGITS);
    ok.record(1_500_000);
    let counts = RequestCounts { started: 2, sent: 1, ok: 1, ..RequestCounts::default() };
    let statuses = Statuses::from_iter([(201, 1)]);
    let delta = EndpointDelta { counts, ok: ok.delta(), statuses, ..EndpointDelta::default() };
    let group = EndpointDelta { statuses: Statuses::default(), ..delta.clone() };
    let mut task = EndpointDelta::default();
    (task.counts.started, task.counts.failed) = (1, 1);
    let key = EndpointKey::new("GET", "/");
    let others = [
        (EndpointKey::of(RowKind::Group, "GROUP", "/"), group),
        (EndpointKey::of(RowKind::Class, "", "shopper"), delta.clone()),
        (EndpointKey::of(RowKind::Class, "", "shopper").in_part(Part::WarmUp), delta.clone()),
        (EndpointKey::of(RowKind::Task, "TASK", "buy").in_part(Part::WarmUp), task),
        (key.clone().in_part(Part::WarmUp), delta.clone()),
    ];
    let error = ErrorKey { endpoint: key.clone(), kind: FailureKind::Closed, message: "gone".into() };
    let iterations = IterationCounts { planned: 3, dropped: 1, begun: 2, ..IterationCounts::default() };
    let snapshot = Snapshot {
        from_s: 3,
        to_s: 4,
        endpoints: [(key.clone(), delta)].into_iter().chain(others).collect(),
        errors: BTreeMap::from([(error, ErrorCount { count: 1, first_s: 3, last_s: 3 })]),
        targets: BTreeMap::from([("h:80".into(), TargetDelta { connections: 2, ..TargetDelta::default() })]),
        iterations,
        warmup_iterations: IterationCounts { begun: 1, completed: 1, ..IterationCounts::default() },
        lateness: ok.delta(),
        gauges: Gauges { users: vec![3, 4], last_end_ns: 3_999_999_999, ..Gauges::default() },
        ..Snapshot::default()
    };
    let running = Running { requests: counts, iterations };
    let finals = Finals { endpoints: BTreeMap::from([(key, counts)]), ..Finals::default() };
    Batch {
        run: "r".into(),
        number: 7,
        snapshot,
        last_part: true,
        running: Some(running),
        finals: Some(finals),
    }
}

#[test]
fn a_batch_arrives_as_it_was_sent() {
    assert_eq!(from_wire(to_wire(&batch())), Ok(batch()));
}

#[test]
fn what_does_not_add_up_is_refused() {
    type Spoil = fn(&mut v1::SnapshotBatch);
    let cases: [(&str, Spoil); 27] = [
        ("arrivals", |w| w.iterations.as_mut().expect("set").dropped = 2),
        ("no interval", |w| w.to_s = w.from_s),
        ("count without times", |w| w.endpoints[0].counts.as_mut().expect("set").ok = 2),
        ("twice", |w| w.endpoints.push(w.endpoints[0].clone())),
        ("a failure twice", |w| w.errors.push(w.errors[0].clone())),
        ("a host twice", |w| w.targets.push(w.targets[0].clone())),
        ("a final total twice", |w| {
            let finals = w.r#final.as_mut().expect("set");
            finals.endpoints.push(finals.endpoints[0].clone());
        }),
        ("a failure of another second", |w| w.errors[0].last_s = 4),
        ("a failure that ends before it begins", |w| (w.errors[0].first_s, w.to_s) = (4, 5)),
        ("more hosts than are told apart", |w| {
            let host = |n| v1::TargetDelta { host: format!("h{n}"), ..v1::TargetDelta::default() };
            w.targets = (0..300).map(host).collect();
        }),
        ("a batch larger than may be", |w| {
            let name = |n| format!("{n:02000}");
            let row = |n| v1::EndpointDelta { name: name(n), ..w.endpoints[0].clone() };
            w.endpoints = (0..600).map(row).collect();
        }),
        ("a row of an unknown kind", |w| w.endpoints[0].row = 9),
        ("a failure of an unknown kind of row", |w| w.errors[0].row = -1),
        ("a total of an unknown kind of row", |w| w.r#final.as_mut().expect("set").endpoints[0].row = 5),
        ("a task's failure that took time", |w| w.endpoints[0].row = v1::RowKind::Task.into()),
        ("no iterations of the warm-up", |w| w.warmup_iterations = None),
        ("unknown kind", |w| w.errors[0].kind = 99),
        ("last part without totals", |w| w.running = None),
        ("a request that ended later", |w| w.gauges.as_mut().expect("set").last_end_ns = 4_000_000_001),
        ("more statuses than requests", |w| w.endpoints[0].statuses = vec![200, 2]),
        ("a status without its count", |w| w.endpoints[0].statuses = vec![200]),
        ("a status that no response had", |w| w.endpoints[0].statuses = vec![200, 0, 201, 1]),
        ("no status of HTTP", |w| w.endpoints[0].statuses = vec![99, 1]),
        ("a status beyond all", |w| w.endpoints[0].statuses = vec![(1 << 16) + 200, 1]),
        ("a status twice", |w| w.endpoints[0].statuses = vec![200, 1, 200, 1]),
        ("statuses of a group", |w| {
            let group = w.endpoints.iter_mut().find(|row| row.row == i32::from(v1::RowKind::Group));
            group.expect("has one").statuses = vec![200, 1];
        }),
        ("count beyond range", |w| w.endpoints[0].counts.as_mut().expect("set").bytes_in = u64::MAX),
    ];
    for (name, spoil) in cases {
        let mut wire = to_wire(&batch());
        spoil(&mut wire);
        assert!(from_wire(wire).is_err(), "{name} was accepted");
    }
}
