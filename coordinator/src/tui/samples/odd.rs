//! Made-up views that are meant to be awkward: too much, too little, too large, and meant to harm.

use std::sync::Arc;
use std::time::Duration;

use stampede_stats::outcome::FailureKind;

use super::rows::{detail, endpoint, failure, rule, said, target, worker};
use super::{running, waiting};
use crate::view::{
    ChangeRow, CoursePoint, EndpointDetail, EndpointRow, LatencyBucket, Limited, LoadView, LogKind, Phase,
    RunView, TargetRow, WorkerRow, WorkerState,
};

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

/// Meant to harm, and wide.
const NAME: &str =
    "/日本語/\u{1b}[2J\u{202e}evil\n/👩‍👩‍👧/a/very/long/path/that/nobody/wants/to/read/to/its/very/end";

/// One endpoint in full, with more ranges than there are lines and times that are no numbers.
fn awkward_detail() -> EndpointDetail {
    let bucket = LatencyBucket { from_ms: 0.0, to_ms: f64::MAX, ok: u64::MAX, failed: u64::MAX };
    let mut detail = detail(&endpoint("PROPFIND\u{7}", NAME, 9, 9, f64::MAX));
    detail.buckets = vec![bucket; 90];
    detail.ttfb.avg = Some(f64::NAN);
    detail.service.avg = Some(f64::INFINITY);
    detail
}

/// A plan that cannot be drawn, changed often.
fn awkward_load() -> LoadView {
    let name = NAME.to_owned();
    let change = ChangeRow { what: name.clone(), from: name.clone(), ..ChangeRow::default() };
    LoadView {
        words: name,
        planned: vec![(f64::NAN, f64::INFINITY), (1e300, -1.0)],
        changes: vec![change; 30],
        search: None,
    }
}

/// Text that means harm, wide characters, numbers as large as they get.
pub(crate) fn awkward() -> RunView {
    let name = NAME;
    let huge = EndpointRow {
        avg: Some(f64::MAX),
        min: Some(f64::NAN),
        p99: Some(3_600_000.0),
        rps: f64::INFINITY,
        bytes_in_per_s: f64::MAX,
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
        bytes_in_per_s: f64::NAN,
        bytes_out_per_s: f64::INFINITY,
        endpoints: Arc::new(vec![huge.clone(), endpoint("GET", "/", 0, 0, 0.0)]),
        details: Arc::new(vec![awkward_detail()]),
        aggregated: huge,
        targets: Arc::new(vec![TargetRow { host: name.to_owned(), connections: u64::MAX, ..target() }; 9]),
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
            course: vec![u64::MAX; 90],
            note: name.repeat(3),
            ..worker(name, "2001:db8:85a3:8d3:1319:8a2e:370:7348", WorkerState::Disconnected, 1)
        }]),
        timeline: Arc::new(vec![
            CoursePoint { t: 0.0, rps: f64::MAX, p99: Some(f64::INFINITY), ..CoursePoint::default() },
            CoursePoint { t: 360_000.0, rps: f64::NAN, users: u64::MAX, ..CoursePoint::default() },
        ]),
        load: Arc::new(awkward_load()),
        limited: Some(Limited { now: true, text: name.to_owned() }),
        log: Arc::new(vec![said(360_000, LogKind::Notice, name); 9]),
        thresholds: Arc::new(vec![rule(name, name, Some(f64::NAN)); 9]),
        notices: Arc::new(vec![name.to_owned(); 9]),
        ..running()
    }
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
        thresholds: Arc::new(vec![]),
        load: Arc::default(),
        log: Arc::default(),
        scenario: String::new(),
        target: String::new(),
        ..waiting()
    }
}
