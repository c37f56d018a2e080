//! A made-up view for each state a run can be in.

use std::sync::Arc;
use std::time::Duration;

use stampede_stats::endpoint::RowKind;
use stampede_stats::outcome::FailureKind;

use super::rows::{course, detail, endpoint, failure, rule, said, target, worker};
use crate::view::{
    ArrivalsView, ChangeRow, CoursePoint, EndpointRow, Limited, LoadView, LogKind, Phase, RunView,
    SearchView, TryRow, WaitingFor, WorkerRow, WorkerState,
};

/// `view` with its endpoints in full.
fn in_full(view: RunView) -> RunView {
    RunView { details: Arc::new(view.endpoints.iter().map(detail).collect()), ..view }
}

/// 200 users after twenty seconds.
fn ramp() -> LoadView {
    let at = |quarter: i32| f64::from(quarter) / 4.0;
    LoadView {
        words: "200 users, started at 10/s (all of them after 20s)".to_owned(),
        planned: (0..=240).map(at).map(|t| (t, (t * 10.0).min(200.0).floor())).collect(),
        ..LoadView::default()
    }
}

/// Everything is well, at 00:41 of 01:00.
pub(crate) fn running() -> RunView {
    in_full(RunView {
        scenario: "shop".to_owned(),
        target: "https://shop.test".to_owned(),
        demo: false,
        phase: Phase::Steady,
        warming_up: false,
        elapsed: Duration::from_millis(41_300),
        run_time: Some(Duration::from_secs(60)),
        iterations: None,
        users: 200,
        users_wanted: 200,
        users_target: 200,
        search: None,
        paused: false,
        arrivals: None,
        rps: 1284.4,
        failures_per_s: 0.0,
        bytes_in_per_s: 1_763_000.0,
        bytes_out_per_s: 107_000.0,
        in_flight: 38,
        oldest_in_flight: Duration::from_millis(420),
        endpoints: Arc::new(vec![
            endpoint("GET", "/", 10_402, 0, 3.2),
            endpoint("POST", "/api/v1/orders/{id}/items", 1_250, 0, 0.142),
            endpoint("POST", "/predict", 41_771, 0, 14.0),
        ]),
        details: Arc::default(),
        aggregated: endpoint("", "", 53_423, 0, 12.0),
        targets: Arc::new(vec![target()]),
        failures: Arc::new(vec![]),
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Running, 100),
            worker("w2", "10.0.0.6", WorkerState::Running, 100),
        ]),
        classes: Arc::new(vec!["visitor".to_owned(), "api".to_owned()]),
        timeline: Arc::new(course(41)),
        load: Arc::new(ramp()),
        limited: None,
        log: Arc::new(vec![
            said(0, LogKind::Line, "worker w1 registered"),
            said(0, LogKind::Line, "worker w2 registered"),
            said(0, LogKind::Phase, "preparing"),
            said(0, LogKind::Phase, "ramping"),
            said(20, LogKind::Phase, "steady"),
        ]),
        waiting: None,
        notices: Arc::new(vec![]),
        thresholds: Arc::new(vec![
            rule("error_rate < 0.1%", "0.00%", Some(1.0)),
            rule("p95 < 60ms", "37.2 ms", Some(0.38)),
            rule("rps > 500/s", "1284/s", Some(1.57)),
        ]),
    })
}

/// Arrivals at a rate, and some that nobody was free for.
pub(crate) fn arriving() -> RunView {
    let late = |worker: WorkerRow| WorkerRow { lateness_p99: Some(0.21), ..worker };
    let view = running();
    let workers = view.workers.iter().cloned().map(late).collect();
    let arrive = |point: &CoursePoint| CoursePoint { arrivals_per_s: point.rps.min(1500.0), ..*point };
    RunView {
        users: 61,
        users_wanted: 0,
        users_target: 0,
        arrivals: Some(ArrivalsView {
            rate: 1500.0,
            target: 1500.0,
            begun_per_s: 1497.6,
            dropped: 24,
            max_users: 400,
        }),
        timeline: Arc::new(view.timeline.iter().map(arrive).collect()),
        load: Arc::new(LoadView {
            words: "arrivals at 1500/s, evenly spaced, by at most 400 users".to_owned(),
            planned: (0..=240).map(|n| (f64::from(n) / 4.0, 1500.0)).collect(),
            ..LoadView::default()
        }),
        workers: Arc::new(workers),
        ..view
    }
}

/// The highest rate is looked for; the fourth try is under way.
pub(crate) fn searching() -> RunView {
    let tried = |rate: f64, from_s: u32, why: Option<&str>| TryRow {
        rate,
        verifies: false,
        from_s,
        to_s: from_s + 8,
        requests: 8 * 2 * 400,
        dropped: if why.is_some() { 310 } else { 0 },
        held: why.is_none(),
        why: why.map(str::to_owned),
    };
    let now = Some("try 4 at 600/s".to_owned());
    let view = arriving();
    RunView {
        search: now.clone(),
        load: Arc::new(LoadView {
            words: "the highest arrival rate is looked for from 200/s on, each tried for 10s, the best for 60s, evenly spaced, by at most 400 users".to_owned(),
            search: Some(SearchView {
                now,
                sentence: None,
                tries: vec![
                    tried(200.0, 2, None),
                    tried(400.0, 14, None),
                    tried(800.0, 26, Some("p95 < 60ms: 212 ms")),
                ],
            }),
            ..LoadView::default()
        }),
        ..view
    }
}

/// One of two workers has come.
pub(crate) fn waiting() -> RunView {
    let base = running();
    RunView {
        phase: Phase::Waiting,
        elapsed: Duration::ZERO,
        users: 0,
        users_wanted: 0,
        rps: 0.0,
        bytes_in_per_s: 0.0,
        bytes_out_per_s: 0.0,
        in_flight: 0,
        oldest_in_flight: Duration::ZERO,
        endpoints: Arc::new(vec![]),
        details: Arc::new(vec![]),
        targets: Arc::new(vec![]),
        aggregated: EndpointRow::default(),
        workers: Arc::new(vec![WorkerRow {
            users_by_class: vec![0, 0],
            cpu: None,
            memory: None,
            lag_p99: None,
            course: vec![],
            ..worker("w1", "10.0.0.5", WorkerState::Idle, 0)
        }]),
        timeline: Arc::new(vec![]),
        log: Arc::new(vec![said(0, LogKind::Line, "worker w1 registered")]),
        thresholds: Arc::new(base.thresholds.iter().map(|row| rule(&row.rule, "no sample", None)).collect()),
        waiting: Some(WaitingFor {
            expected: 2,
            connected: 1,
            since: Duration::from_millis(12_300),
            timeout: Duration::from_secs(60),
            command: "STAMPEDE_TOKEN=7f3a9c worker --connect 192.0.2.10:5557".to_owned(),
        }),
        ..base
    }
}

/// Both are there and compile.
pub(crate) fn preparing() -> RunView {
    RunView {
        phase: Phase::Preparing,
        waiting: None,
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Ready, 0),
            worker("w2", "10.0.0.6", WorkerState::Preparing, 0),
        ]),
        ..waiting()
    }
}

/// Two thirds up, the first numbers there, and a change by hand.
pub(crate) fn ramping() -> RunView {
    let base = running();
    let change = ChangeRow {
        at: Duration::from_millis(9_400),
        what: "users".to_owned(),
        from: "200".to_owned(),
        to: "210".to_owned(),
    };
    let log = base.log.iter().take(4).cloned();
    let log = log.chain([said(9, LogKind::Change, "users: 200 → 210, from 9.4 s on")]);
    in_full(RunView {
        phase: Phase::Ramping,
        elapsed: Duration::from_millis(12_100),
        users: 120,
        users_wanted: 121,
        users_target: 210,
        rps: 768.2,
        endpoints: Arc::new(vec![
            endpoint("GET", "/", 640, 0, 3.2),
            endpoint("POST", "/predict", 4_803, 0, 14.0),
        ]),
        aggregated: endpoint("", "", 5_443, 0, 12.0),
        timeline: Arc::new(course(12)),
        load: Arc::new(LoadView { changes: vec![change], ..LoadView::clone(&base.load) }),
        log: Arc::new(log.collect()),
        ..base
    })
}

/// Requests fail in two ways.
pub(crate) fn failing() -> RunView {
    let base = running();
    let course = base.timeline.iter().map(|point| CoursePoint {
        failures_per_s: if point.t > 12.0 { 130.0 + point.rps / 20.0 } else { 0.0 },
        ..*point
    });
    in_full(RunView {
        failures_per_s: 212.0,
        endpoints: Arc::new(vec![
            endpoint("GET", "/", 10_402, 0, 3.2),
            endpoint("POST", "/api/v1/orders/{id}/items", 1_250, 1_250, 0.142),
            endpoint("POST", "/predict", 41_771, 5_386, 14.0),
        ]),
        aggregated: endpoint("", "", 53_423, 6_636, 12.0),
        failures: Arc::new(vec![
            failure("/predict", FailureKind::Closed, "connection closed before the response", 5_386, 39),
            failure("/api/v1/orders/{id}/items", FailureKind::Status, "status 503, expected 2xx", 1_250, 38),
        ]),
        timeline: Arc::new(course.collect()),
        thresholds: Arc::new(vec![
            rule("p95 < 60ms", "37.2 ms", Some(0.38)),
            rule("rps > 500/s", "1284/s", Some(1.57)),
            rule("p95(checkout) < 1s", "no sample", None),
            rule("error_rate < 0.1%", "12.42%", Some(-123.2)),
        ]),
        ..base
    })
}

/// A worker is at its limit.
pub(crate) fn limited() -> RunView {
    let base = running();
    let how = "wakes 14.2 ms late (p99) and uses 97 % of a core";
    let notice = format!("generator-limited: worker w2 {how}; the target may be able to take more");
    let log = base.log.iter().cloned().chain([said(38, LogKind::Notice, &notice)]);
    RunView {
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Running, 100),
            WorkerRow {
                cpu: Some(0.97),
                lag_p99: Some(14.2),
                limited: true,
                note: format!("at its own limit: {how}"),
                ..worker("w2", "10.0.0.6", WorkerState::Running, 100)
            },
        ]),
        limited: Some(Limited { now: true, text: format!("worker w2 {how}") }),
        log: Arc::new(log.collect()),
        notices: Arc::new(vec![notice]),
        ..base
    }
}

/// One worker is lost, one away for the moment.
pub(crate) fn worker_lost() -> RunView {
    let base = running();
    let notices = [
        (31, "worker w3 is lost since second 31; its 66 users start again on the others"),
        (39, "worker w2 disconnected"),
        (41, "worker w4 joined at second 41"),
    ];
    let said = notices.iter().map(|(second, text)| said(*second, LogKind::Notice, text));
    RunView {
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Running, 200),
            WorkerRow {
                last_heard: Some(Duration::from_millis(2_400)),
                ..worker("w2", "10.0.0.6", WorkerState::Disconnected, 66)
            },
            WorkerRow {
                last_heard: Some(Duration::from_millis(12_400)),
                note: "lost at 00:31 with 66 users; nothing delivered since 00:25, 812 requests begun and not heard of again".to_owned(),
                course: worker("w3", "", WorkerState::Running, 66).course[..26].to_vec(),
                ..worker("w3", "10.0.0.7", WorkerState::Lost, 0)
            },
        ]),
        log: Arc::new(base.log.iter().cloned().chain(said).collect()),
        notices: Arc::new(notices.iter().map(|(_, text)| (*text).to_owned()).collect()),
        ..base
    }
}

/// The end is near.
pub(crate) fn draining() -> RunView {
    RunView {
        phase: Phase::Draining,
        elapsed: Duration::from_millis(60_800),
        users: 45,
        users_wanted: 0,
        users_target: 0,
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Draining, 45),
            worker("w2", "10.0.0.6", WorkerState::Finished, 0),
        ]),
        timeline: Arc::new(course(60)),
        ..running()
    }
}

/// It is over, and for some seconds a worker was the limit.
pub(crate) fn finished() -> RunView {
    RunView {
        phase: Phase::Finished,
        users: 0,
        elapsed: Duration::from_secs(61),
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Finished, 0),
            worker("w2", "10.0.0.6", WorkerState::Finished, 0),
        ]),
        limited: Some(Limited { now: false, text: "worker w2, 00:38-00:44".to_owned() }),
        ..draining()
    }
}

/// In the warm-up, with a group and a setup behind the endpoints.
pub(crate) fn warming_up() -> RunView {
    let beside = |kind, row| EndpointRow { kind, ..row };
    let group = beside(RowKind::Group, endpoint("GROUP", "checkout", 2_610, 4, 98.0));
    let setup = beside(RowKind::Aside, endpoint("POST", "(setup) /reset", 1, 0, 31.0));
    let rows = running().endpoints.iter().cloned().chain([group, setup]).collect();
    RunView { warming_up: true, endpoints: Arc::new(rows), ..running() }
}
