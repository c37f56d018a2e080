//! The parts of made-up views.

use std::time::Duration;

use stampede_stats::endpoint::RowKind;
use stampede_stats::outcome::FailureKind;

use crate::view::{
    CoursePoint, EndpointDetail, EndpointRow, FailureRow, LatencyBucket, LogKind, LogRow, TargetRow,
    ThresholdRow, TimesView, WorkerRow, WorkerState,
};

pub(super) fn endpoint(method: &str, name: &str, requests: u64, failures: u64, base: f64) -> EndpointRow {
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
        bytes_in_per_s: requests as f64 * 33.0,
        bytes_out_per_s: requests as f64 * 2.0,
    }
}

fn times(row: &EndpointRow, count: u64, factor: f64) -> TimesView {
    let base = row.med.unwrap_or(1.0) * factor;
    let percentile = |p: f64, times: f64| (p, base * times);
    TimesView {
        count,
        avg: Some(base * 1.2),
        min: Some(base * 0.3),
        max: Some(base * 27.0),
        percentiles: vec![
            percentile(50.0, 1.0),
            percentile(90.0, 2.5),
            percentile(95.0, 3.1),
            percentile(99.0, 6.6),
            percentile(99.9, 14.0),
            percentile(99.99, 22.0),
        ],
    }
}

/// A row in full.
pub(super) fn detail(row: &EndpointRow) -> EndpointDetail {
    let ok = row.requests - row.failures;
    let spread = [1_u64, 4, 20, 60, 140, 260, 200, 110, 70, 50, 30, 20, 14, 9, 6, 3, 0, 1, 1, 1];
    let whole: u64 = spread.iter().sum();
    let from = |at: usize| row.med.unwrap_or(1.0) * 0.3 * 1.2589_f64.powi(i32::try_from(at).unwrap());
    let buckets = spread.iter().enumerate().map(|(at, part)| LatencyBucket {
        from_ms: from(at),
        to_ms: from(at + 1),
        ok: ok / whole * part,
        failed: if at > 8 { row.failures / whole * part } else { 0 },
    });
    let mut course = course(41);
    for point in &mut course {
        point.rps *= row.requests as f64 / 53_423.0;
        point.users = 0;
    }
    EndpointDetail {
        kind: row.kind,
        method: row.method.clone(),
        name: row.name.clone(),
        started: row.requests + 12,
        under_way: 12,
        cancelled: 0,
        hops: 0,
        bytes_in: row.requests * 1_353,
        bytes_out: row.requests * 82,
        all: times(row, row.requests, 1.0),
        ok: times(row, ok, 1.0),
        failed: times(row, row.failures, 2.0),
        service: times(row, row.requests, 0.96),
        ttfb: times(row, row.requests, 0.9),
        buckets: buckets.collect(),
        course,
    }
}

pub(super) fn target() -> TargetRow {
    let times = |avg: f64| TimesView { count: 200, avg: Some(avg), ..TimesView::default() };
    TargetRow {
        host: "shop.test:443".to_owned(),
        connections: 200,
        dns: times(0.2),
        connect: times(0.41),
        tls: times(2.1),
    }
}

pub(super) fn worker(name: &str, address: &str, state: WorkerState, users: u32) -> WorkerRow {
    let course = (0..41_u64).map(|second| (second * 10).min(200) * u64::from(users) / 31 + second % 5 * 9);
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
        limited: false,
        course: course.collect(),
        note: String::new(),
    }
}

pub(super) fn course(seconds: u32) -> Vec<CoursePoint> {
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
                arrivals_per_s: 0.0,
                p50: (second > 0).then_some(11.0 + wave),
                p95: (second > 0).then_some(44.0 + 6.0 * wave),
                p99: (second > 0).then_some(120.0 + 20.0 * wave),
            }
        })
        .collect()
}

pub(super) fn failure(name: &str, kind: FailureKind, message: &str, count: u64, last_s: u32) -> FailureRow {
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

pub(super) fn rule(rule: &str, shown: &str, margin: Option<f64>) -> ThresholdRow {
    ThresholdRow {
        rule: rule.to_owned(),
        shown: shown.to_owned(),
        margin,
        holds: margin.map(|margin| margin >= 0.0),
        stops: false,
        broken: None,
    }
}

pub(super) fn said(second: u64, kind: LogKind, text: &str) -> LogRow {
    LogRow { at: Duration::from_secs(second), kind, text: text.to_owned() }
}
