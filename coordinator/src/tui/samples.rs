//! Made-up views for the tests: one for each state a run can be in, and some that are meant to be awkward.
//!
//! Fixed values only, so that frames drawn from them can be compared as snapshots.

use std::sync::Arc;
use std::time::Duration;

use stampede_stats::endpoint::RowKind;
use stampede_stats::outcome::FailureKind;

use crate::view::{
    ArrivalsView, CoursePoint, EndpointRow, FailureRow, Phase, RunView, WaitingFor, WorkerRow, WorkerState,
};

fn endpoint(method: &str, name: &str, requests: u64, failures: u64, base: f64) -> EndpointRow {
    EndpointRow {
        kind: RowKind::Request,
        method: method.to_owned(),
        name: name.to_owned(),
        requests,
        failures,
        avg: Some(base * 1.2),
        min: Some(base * 0.3),
        max: Some(base * 27.0),
        med: Some(base),
        p90: Some(base * 2.5),
        p95: Some(base * 3.1),
        p99: Some(base * 6.6),
        rps: requests as f64 / 41.0,
        failures_per_s: failures as f64 / 41.0,
    }
}

fn worker(name: &str, address: &str, state: WorkerState, users: u32) -> WorkerRow {
    WorkerRow {
        name: name.to_owned(),
        address: address.to_owned(),
        state,
        users,
        users_by_class: vec![users * 3 / 4, users - users * 3 / 4],
        rps: f64::from(users) * 6.4,
        cpu: Some(0.41),
        memory: Some(39_845_888),
        lag_p99: Some(0.3),
        lateness_p99: None,
        rtt: Some(0.42),
        last_heard: Some(Duration::from_millis(240)),
        outbox: 0,
        note: String::new(),
    }
}

fn course(seconds: u32) -> Vec<CoursePoint> {
    (0..seconds)
        .map(|second| {
            let t = f64::from(second);
            let users = (t * 10.0).min(200.0);
            let wave = (t / 4.0).sin();
            CoursePoint {
                t,
                users: u64::from((second * 10).min(200)),
                planned_users: u64::from((second * 10 + 10).min(200)),
                rps: users * 6.4 + wave * 30.0 + if second == 0 { 0.0 } else { 40.0 },
                failures_per_s: 0.0,
                p50: (second > 0).then_some(11.0 + wave),
                p95: (second > 0).then_some(44.0 + 6.0 * wave),
                p99: (second > 0).then_some(120.0 + 20.0 * wave),
            }
        })
        .collect()
}

/// Everything is well, at 00:41 of 01:00.
pub(crate) fn running() -> RunView {
    RunView {
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
        in_flight: 38,
        oldest_in_flight: Duration::from_millis(420),
        endpoints: Arc::new(vec![
            endpoint("GET", "/", 10_402, 0, 3.2),
            endpoint("POST", "/api/v1/orders/{id}/items", 1_250, 0, 0.142),
            endpoint("POST", "/predict", 41_771, 0, 14.0),
        ]),
        aggregated: endpoint("", "", 53_423, 0, 12.0),
        failures: Arc::new(vec![]),
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Running, 100),
            worker("w2", "10.0.0.6", WorkerState::Running, 100),
        ]),
        classes: Arc::new(vec!["visitor".to_owned(), "api".to_owned()]),
        timeline: Arc::new(course(41)),
        waiting: None,
        notices: Arc::new(vec![]),
        thresholds: Arc::new(vec![]),
    }
}

/// Arrivals at a rate, and some that nobody was free for.
pub(crate) fn arriving() -> RunView {
    let late = |worker: WorkerRow| WorkerRow { lateness_p99: Some(0.21), ..worker };
    let view = running();
    let workers = view.workers.iter().cloned().map(late).collect();
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
        workers: Arc::new(workers),
        ..view
    }
}

/// One of two workers has come.
pub(crate) fn waiting() -> RunView {
    RunView {
        phase: Phase::Waiting,
        elapsed: Duration::ZERO,
        users: 0,
        users_wanted: 0,
        rps: 0.0,
        in_flight: 0,
        oldest_in_flight: Duration::ZERO,
        endpoints: Arc::new(vec![]),
        aggregated: EndpointRow::default(),
        workers: Arc::new(vec![WorkerRow {
            users_by_class: vec![0, 0],
            cpu: None,
            memory: None,
            lag_p99: None,
            ..worker("w1", "10.0.0.5", WorkerState::Idle, 0)
        }]),
        timeline: Arc::new(vec![]),
        waiting: Some(WaitingFor {
            expected: 2,
            connected: 1,
            since: Duration::from_millis(12_300),
            timeout: Duration::from_secs(60),
            command: "STAMPEDE_TOKEN=7f3a9c worker --connect 192.0.2.10:5557".to_owned(),
        }),
        ..running()
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

/// Two thirds up, the first numbers there.
pub(crate) fn ramping() -> RunView {
    RunView {
        phase: Phase::Ramping,
        elapsed: Duration::from_millis(12_100),
        users: 120,
        users_wanted: 121,
        rps: 768.2,
        endpoints: Arc::new(vec![
            endpoint("GET", "/", 640, 0, 3.2),
            endpoint("POST", "/predict", 4_803, 0, 14.0),
        ]),
        aggregated: endpoint("", "", 5_443, 0, 12.0),
        timeline: Arc::new(course(12)),
        ..running()
    }
}

fn failure(name: &str, kind: FailureKind, message: &str, count: u64, last_s: u32) -> FailureRow {
    FailureRow {
        method: "POST".to_owned(),
        name: name.to_owned(),
        kind,
        message: message.to_owned(),
        count,
        first_s: 12,
        last_s,
    }
}

/// Requests fail in two ways, and a worker is at its limit.
pub(crate) fn failing() -> RunView {
    let base = running();
    let course = base.timeline.iter().map(|point| CoursePoint {
        failures_per_s: if point.t > 12.0 { 130.0 + point.rps / 20.0 } else { 0.0 },
        ..*point
    });
    RunView {
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
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Running, 100),
            WorkerRow {
                cpu: Some(0.97),
                lag_p99: Some(14.0),
                ..worker("w2", "10.0.0.6", WorkerState::Running, 100)
            },
        ]),
        timeline: Arc::new(course.collect()),
        notices: Arc::new(vec!["generator-limited: worker w2 wakes 14.2 ms late (p99) and uses 97 % of a core; the target may be able to take more".to_owned()]),
        ..base
    }
}

/// One worker is lost, one away for the moment.
pub(crate) fn worker_lost() -> RunView {
    RunView {
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Running, 200),
            WorkerRow {
                last_heard: Some(Duration::from_millis(2_400)),
                ..worker("w2", "10.0.0.6", WorkerState::Disconnected, 66)
            },
            WorkerRow {
                last_heard: Some(Duration::from_millis(12_400)),
                note: "66 users taken over at 00:31; 00:25-00:26 missing".to_owned(),
                ..worker("w3", "10.0.0.7", WorkerState::Lost, 0)
            },
        ]),
        notices: Arc::new(vec![
            "worker w2 does not answer since 00:39; its users go on until its lease ends".to_owned(),
            "worker w3 is lost; its 66 users started again on w1 at 00:31".to_owned(),
            "samples of 00:25-00:26 from w3 are missing".to_owned(),
        ]),
        ..running()
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

/// It is over.
pub(crate) fn finished() -> RunView {
    RunView {
        phase: Phase::Finished,
        users: 0,
        elapsed: Duration::from_secs(61),
        workers: Arc::new(vec![
            worker("w1", "10.0.0.5", WorkerState::Finished, 0),
            worker("w2", "10.0.0.6", WorkerState::Finished, 0),
        ]),
        ..draining()
    }
}

/// More endpoints than fit, with failures of each.
pub(crate) fn many_endpoints(count: u32) -> RunView {
    RunView {
        endpoints: Arc::new(
            (0..count)
                .map(|n| endpoint("GET", &format!("/catalog/{n:03}"), 900 + u64::from(n), 0, 3.0))
                .collect(),
        ),
        failures: Arc::new(
            (0..count)
                .map(|n| {
                    failure(&format!("/catalog/{n:03}"), FailureKind::Timeout, "no response in 5 s", 3, n)
                })
                .collect(),
        ),
        ..running()
    }
}

/// Text that means harm, wide characters, numbers as large as they get.
pub(crate) fn awkward() -> RunView {
    let name =
        "/日本語/\u{1b}[2J\u{202e}evil\n/👩‍👩‍👧/a/very/long/path/that/nobody/wants/to/read/to/its/very/end";
    let huge = EndpointRow {
        avg: Some(f64::MAX),
        min: Some(f64::NAN),
        p99: Some(3_600_000.0),
        rps: f64::INFINITY,
        ..endpoint("PROPFIND\u{7}", name, u64::MAX, u64::MAX, 120_000.0)
    };
    RunView {
        scenario: name.to_owned(),
        target:
            "https://\u{9b}31mexample.test/with/a/path/longer/than/any/terminal/should/have/to/show/at/all"
                .to_owned(),
        demo: true,
        elapsed: Duration::from_secs(360_000),
        run_time: None,
        iterations: Some((u64::MAX, u64::MAX / 3)),
        users: u32::MAX,
        users_target: u32::MAX,
        rps: 1e18,
        failures_per_s: 123_456.7,
        endpoints: Arc::new(vec![huge.clone(), endpoint("GET", "/", 0, 0, 0.0)]),
        aggregated: huge,
        failures: Arc::new(vec![failure(
            name,
            FailureKind::TooLarge,
            "\u{1b}]0;title\u{7}\r\nnext",
            u64::MAX,
            u32::MAX,
        )]),
        workers: Arc::new(vec![WorkerRow {
            memory: Some(u64::MAX),
            cpu: Some(f64::NAN),
            outbox: u32::MAX,
            users: u32::MAX,
            users_by_class: vec![],
            note: name.repeat(3),
            ..worker(name, "2001:db8:85a3:8d3:1319:8a2e:370:7348", WorkerState::Disconnected, 1)
        }]),
        timeline: Arc::new(vec![
            CoursePoint { t: 0.0, rps: f64::MAX, p99: Some(f64::INFINITY), ..CoursePoint::default() },
            CoursePoint { t: 360_000.0, rps: f64::NAN, users: u64::MAX, ..CoursePoint::default() },
        ]),
        notices: Arc::new(vec![name.to_owned(); 9]),
        ..running()
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

/// Begun, but nothing has been measured.
pub(crate) fn empty() -> RunView {
    RunView {
        phase: Phase::Ramping,
        elapsed: Duration::ZERO,
        run_time: None,
        waiting: None,
        workers: Arc::new(vec![]),
        classes: Arc::new(vec![]),
        scenario: String::new(),
        target: String::new(),
        ..waiting()
    }
}
