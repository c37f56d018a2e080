//! Results of runs as the coordinator makes them: samples through recorder, snapshot, totals and timeline.
//!
//! Instants are fixed, so that the reports are the same each time.

use std::time::Duration;

use stampede_stats::endpoint::{EndpointDelta, EndpointKey, RowKind};
use stampede_stats::interval::Gauges;
use stampede_stats::outcome::{FailureKind, Outcome};
use stampede_stats::recorder::{Connected, IterationEnd, Recorder, Sample};
use stampede_stats::snapshot::Snapshot;
use stampede_stats::timeline::{Point, Timeline};
use stampede_stats::totals::Totals;

use crate::result::{Accounting, RunResult, StopReason, WarmupAccount, WorkerResult};
use crate::view::WorkerState;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A request: endpoint, end in ms, response time in µs, failure.
pub(crate) type Request<'a> = (u32, u64, u64, Option<(FailureKind, &'a str)>);

/// A run of `duration` over these requests, in the order of their ends.
pub(crate) fn run(endpoints: &[(&str, &str)], requests: &[Request<'_>], duration: Duration) -> RunResult {
    run_served(endpoints, requests, duration, Duration::MAX)
}

/// Likewise, with no service time longer than `slowest`.
fn run_served(
    endpoints: &[(&str, &str)],
    requests: &[Request<'_>],
    duration: Duration,
    slowest: Duration,
) -> RunResult {
    let known = endpoints.iter().map(|(method, name)| EndpointKey::new(*method, *name)).collect();
    let mut recorder = Recorder::new(known, 1);
    book(&mut recorder, requests, duration, slowest);
    close(&mut recorder, requests.last().map_or(duration, |(_, at, _, _)| ms(*at).max(duration)));
    result(recorder, duration)
}

fn book(recorder: &mut Recorder, requests: &[Request<'_>], duration: Duration, slowest: Duration) {
    recorder.stop_at(duration);
    for _ in 0..3 {
        recorder.user(0, true);
    }
    for (index, (endpoint, at, us, failure)) in requests.iter().enumerate() {
        let at = ms(*at);
        let outcome = match failure {
            None => Outcome::Ok,
            Some((kind, message)) => Outcome::Failed { kind: *kind, message },
        };
        let part = recorder.begin_iteration(at);
        let row = recorder.begin(*endpoint, at);
        if index == 0 {
            let connected = Connected { dns: None, connect: Some(ms(1)), tls: None };
            recorder.connected("shop.test:80", connected, at);
        }
        let response = Duration::from_micros(*us);
        let service = Some(response.min(slowest));
        let ttfb = Some(response / 2);
        let (bytes_in, bytes_out) = (512, 64);
        let sample = Sample {
            endpoint: row,
            at,
            outcome,
            response,
            service,
            ttfb,
            status: status_of(failure.as_ref()),
            sent: 1,
            hops: 0,
            bytes_in,
            head_bytes_in: 150,
            bytes_out,
        };
        recorder.end(&sample);
        let end = if failure.is_some() { IterationEnd::Failed } else { IterationEnd::Completed };
        recorder.end_iteration(part, end, at);
    }
}

/// What came back: whole responses but where the connection was the matter.
fn status_of(failure: Option<&(FailureKind, &str)>) -> Option<u16> {
    match failure {
        None | Some((FailureKind::Expect, _)) => Some(200),
        Some((FailureKind::Status, _)) => Some(503),
        Some(_) => None,
    }
}

fn close(recorder: &mut Recorder, end: Duration) {
    recorder.roll(end);
    recorder.close_last();
}

fn accounting(totals: &Totals) -> Accounting {
    Accounting {
        started: totals.requests().started,
        iterations_begun: totals.iterations.begun,
        warmup: WarmupAccount {
            started: totals.warmup.started,
            iterations_begun: totals.warmup_iterations.begun,
            ..WarmupAccount::default()
        },
        ..Accounting::default()
    }
}

/// A second that was observed, with its users.
fn seen<'a>(point: &'a mut Point, gauges: &Gauges) -> &'a mut Point {
    point.seconds = 1;
    point.users = gauges.users.iter().map(|users| u64::from(*users)).sum();
    point.planned_users = point.users;
    point
}

fn completed_in(window: &mut crate::result::InWindow, delta: &EndpointDelta) {
    window.requests += delta.counts.completed();
    window.failures += delta.counts.failed;
}

fn result(mut recorder: Recorder, duration: Duration) -> RunResult {
    let mut totals = Totals::default();
    let mut timeline = Timeline::default();
    let mut courses = std::collections::BTreeMap::new();
    let mut last_end = Duration::ZERO;
    let mut in_window = std::collections::BTreeMap::<_, crate::result::InWindow>::new();
    while let Some(interval) = recorder.take_closed() {
        let mut snapshot =
            Snapshot { from_s: interval.from_s, draining: interval.draining, ..Snapshot::default() };
        snapshot.add_interval(&interval);
        last_end = last_end.max(Duration::from_nanos(interval.gauges.last_end_ns));
        let point = seen(timeline.at(interval.from_s), &interval.gauges);
        for (key, delta) in &snapshot.endpoints {
            if key.is_request() {
                point.add(delta);
            }
            if matches!(key.kind, RowKind::Request | RowKind::Group) {
                let course = courses.entry(key.clone());
                course.or_insert_with(|| Timeline::short(60)).at(interval.from_s).add(delta);
            }
            if !snapshot.draining {
                completed_in(in_window.entry(key.clone()).or_default(), delta);
            }
        }
        totals.add(&snapshot);
    }
    let (accounting, completed) = (accounting(&totals), totals.requests().completed());
    RunResult {
        id: "7f3c2a".into(),
        scenario: "shop".into(),
        target: "http://shop.test".into(),
        demo: false,
        labels: std::collections::BTreeMap::new(),
        seed: 42,
        version: "0.1.0".into(),
        started_at: "2026-03-01T12:00:00.25Z".parse().expect("a timestamp"),
        ended_at: "2026-03-01T12:00:10.75Z".parse().expect("a timestamp"),
        duration,
        last_end: (!last_end.is_zero()).then_some(last_end),
        warmup: Duration::ZERO,
        run_time: Some(duration),
        users_peak: 3,
        users_wanted: 3,
        classes: vec![("visitor".into(), 3)],
        spawn_rate: Some(1.5),
        load: None,
        arrivals: None,
        stop_reason: StopReason::RunTime,
        aborted: false,
        changes: Vec::new(),
        thresholds: Vec::new(),
        search: None,
        replaced: Vec::new(),
        totals,
        in_window,
        accounting,
        timeline,
        courses,
        workers: vec![worker("local", completed)],
        notes: Vec::new(),
    }
}

pub(in crate::report) fn worker(name: &str, requests: u64) -> WorkerResult {
    WorkerResult {
        name: name.into(),
        state: WorkerState::Finished,
        users_peak: 3,
        requests,
        cpu_avg: Some(0.41),
        cpu_max: Some(0.876),
        lag_p99: Some(0.312),
        lateness_p99: None,
        lost_at: None,
        limits: Vec::new(),
    }
}

pub(in crate::report) const SHOP: [(&str, &str); 2] = [("GET", "/"), ("POST", "/predict")];

/// Four requests to `/predict` for one to `/`, every 20 ms, slower and slower; three complete while draining.
pub(in crate::report) fn passing() -> RunResult {
    let requests: Vec<_> = (0..503u64)
        .map(|n| {
            let endpoint = u32::from(n % 5 != 0);
            let us = if endpoint == 0 { 900 + n * 3 } else { 10_000 + n * n / 5 };
            (endpoint, 20 * n + 10, us, None)
        })
        .collect();
    let mut result = run(&SHOP, &requests, ms(10_000));
    result.demo = true;
    result.scenario = "demo".into();
    result.replaced = vec!["users 3 instead of 10 (--users)".into()];
    result.changes = vec![crate::result::LoadChange {
        at: ms(4_260),
        what: "users".into(),
        from: "2".into(),
        to: "3".into(),
    }];
    result
}

pub(in crate::report) const HOSTILE: [(&str, &str); 3] = [
    ("GET", "/a|b`c`\n| x | <script>alert(1)</script>"),
    ("PO\u{1b}[31mST", "\u{202e}evil\u{202c} שלום *bold* [x](http://y) \\|"),
    ("GET", "/api/a-name-that-goes-on-and-on-and-on/with/segments/until/nobody/reads/it/items_of_user"),
];

/// Every fifth request fails, with messages a target could have made up.
pub(in crate::report) fn failing() -> RunResult {
    let failures = [
        (FailureKind::Closed, "connection closed before the response"),
        (FailureKind::Status, "status 503 \u{1b}]0;owned\u{7}\r\n| 1 | 2 |"),
        (FailureKind::Expect, "body is `<html>` \u{2066}and not | json\u{2069} $x$ &lt; **loud**"),
        (FailureKind::Timeout, "no answer within 10 s"),
        (FailureKind::Reset, "connection reset"),
        (FailureKind::Protocol, "not HTTP: \"\\x16\\x03\""),
    ];
    let requests: Vec<_> = (0..400usize)
        .map(|n| {
            let failure = (n % 5 == 0).then(|| failures[(n / 5) % 7 % failures.len()]);
            (u32::try_from(n % 3).expect("small"), n as u64 * 10, 1_000 + n as u64 * 700, failure)
        })
        .collect();
    let mut result = run(&HOSTILE, &requests, ms(4_400));
    result.scenario = "shop | `x`\n# not a heading".into();
    result.stop_reason = StopReason::Signal;
    result.run_time = None;
    result.workers[0].name = "w1\u{1b}[2J|".into();
    result.notes = vec!["Worker w1\u{1b}[2J| was at its limit: CPU 97 %.".into()];
    result
}

/// Worker w2 went with what it knew.
pub(in crate::report) fn lost_worker() -> RunResult {
    let mut result = passing();
    result.demo = false;
    result.scenario = "shop".into();
    let lost = |name, requests| WorkerResult {
        state: WorkerState::Lost,
        lost_at: Some(ms(9_125)),
        cpu_avg: None,
        cpu_max: None,
        lag_p99: None,
        lateness_p99: None,
        ..worker(name, requests)
    };
    result.workers = vec![worker("w1", 250), lost("w2", 253)];
    result.accounting.started += 17;
    result.accounting.unknown = 17;
    result.accounting.iterations_begun += 2;
    result.accounting.iterations_unknown = 2;
    result.accounting.missing =
        vec![crate::result::MissingInterval { worker: "w2".into(), from_s: 7, to_s: 9, announced: 17 }];
    result
}

pub(in crate::report) fn no_request() -> RunResult {
    let mut result = run(&SHOP, &[], ms(700));
    result.aborted = true;
    result.stop_reason = StopReason::User;
    result.workers.clear();
    result.users_peak = 0;
    result
}

/// Arrivals at a rate: 497 of 520 begun, 3 dropped, and 20 missed because worker w2 had left.
pub(in crate::report) fn arrivals() -> RunResult {
    let requests: Vec<_> = (0..497u64).map(|n| (0, n * 4, 1_500, None)).collect();
    let mut result = run(&SHOP[..1], &requests, ms(2_000));
    result.stop_reason = StopReason::Profile;
    result.run_time = Some(ms(2_000));
    result.spawn_rate = None;
    result.arrivals = Some("arrivals at 260/s, evenly spaced, by at most 400 users".into());
    result.accounting.planned = Some(520);
    result.accounting.dropped = 3;
    result.accounting.missed = 20;
    let late = |name, requests| WorkerResult { lateness_p99: Some(0.187), ..worker(name, requests) };
    result.workers = vec![late("w1", 260), WorkerResult { lateness_p99: None, ..late("w2", 237) }];
    result
}

/// 500 of 510 planned iterations were begun.
pub(in crate::report) fn iterations() -> RunResult {
    let requests: Vec<_> = (0..500u64).map(|n| (0, n * 4, 1_500, None)).collect();
    let mut result = run(&SHOP[..1], &requests, ms(2_000));
    result.stop_reason = StopReason::Iterations;
    result.run_time = None;
    result.accounting.planned = Some(510);
    result.accounting.dropped = 10;
    result
}

/// Two seconds of warm-up with failures of its own, groups, `fail` steps, and a setup before it all.
pub(in crate::report) fn rows_of_every_kind() -> RunResult {
    let known = vec![
        EndpointKey::new("GET", "/"),
        EndpointKey::new("POST", "/pay"),
        EndpointKey::of(RowKind::Group, "GROUP", "checkout"),
        EndpointKey::of(RowKind::Task, "TASK", "buy"),
        EndpointKey::of(RowKind::Aside, "POST", "(setup) /reset"),
    ];
    let mut recorder = Recorder::new(known, 1).with_warmup(ms(2_000));
    let refused = Some((FailureKind::Status, "status 503"));
    let requests: Vec<Request<'_>> = (0..400u32)
        .map(|n| {
            (
                n % 2,
                u64::from(n) * 20,
                2_000 + u64::from(n),
                if n % 25 == 0 && n < 100 { refused } else { None },
            )
        })
        .collect();
    let setup = recorder.begin(4, ms(0));
    recorder.end(&Sample {
        endpoint: setup,
        at: ms(0),
        outcome: Outcome::Ok,
        response: ms(31),
        service: Some(ms(30)),
        ttfb: Some(ms(29)),
        status: Some(204),
        sent: 1,
        hops: 0,
        bytes_in: 2,
        head_bytes_in: 0,
        bytes_out: 0,
    });
    book(&mut recorder, &requests, ms(8_000), Duration::MAX);
    for n in 0..40 {
        let group = recorder.begin(2, ms(7_990));
        let end = if n % 8 == 0 { IterationEnd::Failed } else { IterationEnd::Completed };
        recorder.end_group(group, ms(100 + n), end, ms(7_990));
    }
    for _ in 0..3 {
        recorder.fail(3, FailureKind::Fail, ms(7_995), "no stock");
    }
    close(&mut recorder, ms(8_000));
    let mut result = result(recorder, ms(8_000));
    result.warmup = ms(2_000);
    result.stop_reason = StopReason::Scenario;
    result.run_time = Some(ms(10_000));
    result
}

/// One thread at full speed, and requests that waited for it.
pub(in crate::report) fn limited() -> RunResult {
    let requests: Vec<_> = (0..500u64).map(|n| (0, n * 8, 1_500 + n * 40, None)).collect();
    let mut result = run_served(&SHOP[..1], &requests, ms(4_000), ms(1));
    let limit = crate::result::Limit {
        from_s: 0,
        to_s: 4,
        seconds: 4,
        cpu: Some(0.985),
        lag_ms: Some(18.4),
        stood_still_ms: None,
    };
    result.workers[0].limits = vec![limit];
    result
}
