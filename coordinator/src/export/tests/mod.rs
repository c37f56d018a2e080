//! Figures to export, with names that want to break out of every format.

mod binary;
mod lines;
mod names;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::RowKind;

use crate::figures::{Buckets, Figures, Identity, NOT_TOLD_APART, Recent, Row, Threshold, Worker};
use crate::view::{Phase, WorkerState};

pub(crate) fn row(kind: RowKind, method: &str, name: &str, n: u64) -> Row {
    let times = [(900, 10 * n), (40_000, 5 * n), (2_000_700, n)];
    Row {
        kind,
        method: method.to_owned(),
        name: name.to_owned(),
        counts: RequestCounts {
            started: 17 * n,
            sent: 17 * n,
            ok: 13 * n,
            failed: 3 * n,
            cancelled: n,
            hops: 2 * n,
            bytes_in: 1000 * n,
            bytes_out: 10 * n,
            head_bytes_in: 100 * n,
        },
        failures: vec![("status", 2 * n), (NOT_TOLD_APART, n)],
        times: Buckets::of(&times, 16 * n, 2_209_700_000 * n),
        recent: Recent { requests: n, failures: 0, percentiles_ms: Some([0.9, 40.0, 2000.7]) },
    }
}

fn worker(name: &str, state: WorkerState, n: u64) -> Worker {
    let heard = state == WorkerState::Running;
    Worker {
        name: name.to_owned(),
        state,
        users: 3,
        requests: 8 * n,
        cpu: heard.then_some(0.25),
        lag_ms: heard.then_some(0.5),
        outbox: 2,
    }
}

/// Everything there is, once. `n` scales what is cumulative.
pub(crate) fn figures(n: u64) -> Figures {
    let hostile = "quote\" back\\slash\nline,comma=equals {brace} |pipe#tag:é\u{1b}[31m";
    let mut task = row(RowKind::Task, "TASK", "buy", n);
    task.times = Buckets::default();
    task.recent.percentiles_ms = None;
    Figures {
        identity: Arc::new(Identity {
            run: "00ff".to_owned(),
            scenario: "shop \"night\"".to_owned(),
            target: "http://h/".to_owned(),
            version: "0.1.0".to_owned(),
            labels: BTreeMap::from([
                ("team-a".to_owned(), "b\\c".to_owned()),
                ("team.a".to_owned(), "d".to_owned()),
            ]),
        }),
        started: true,
        phase: Phase::Steady,
        warming_up: false,
        second: 7,
        elapsed: Duration::from_millis(7250),
        users: 6,
        users_wanted: 9,
        in_flight: 4,
        oldest_in_flight: Duration::from_millis(1500),
        iterations: IterationCounts {
            planned: 30 * n,
            dropped: 2 * n,
            begun: 28 * n,
            completed: 20 * n,
            failed: 4 * n,
            cancelled: n,
        },
        arrivals_per_s: Some(12.5),
        generator_limited: true,
        rows: vec![
            row(RowKind::Request, "GET", "/", 2 * n),
            row(RowKind::Request, "POST", hostile, n),
            row(RowKind::Group, "GROUP", "check\\out", n),
            task,
            row(RowKind::Aside, "POST", "(setup) /reset", n),
        ],
        recent: Recent { requests: 3 * n, failures: n, percentiles_ms: Some([1.0, 2.0, 3.0]) },
        workers: vec![worker("w0", WorkerState::Running, n), worker("w\n1", WorkerState::Lost, n)],
        states: BTreeMap::from([("lost", 1), ("running", 1)]),
        thresholds: vec![
            Threshold {
                rule: "p95 of \"GET /\" < 300ms".to_owned(),
                observed: Some(41.5),
                holds: Some(true),
            },
            Threshold { rule: "rps > 5".to_owned(), observed: None, holds: None },
        ],
    }
}
