//! Every metric that is exported to Prometheus: its name, its help, and where in the figures it comes from.
//!
//! The names are an interface: dashboards and alerts are written against them. They are only ever added to.

use std::borrow::Cow;

use stampede_stats::endpoint::RowKind;

use super::series::{Family, Kind, Label, Series, Value, given};
use crate::figures::{Figures, Row, Worker};
use crate::view::WorkerState;

/// Every family there is something to say in.
pub fn families(figures: &Figures) -> Vec<Family<'_>> {
    let mut families = run(figures);
    families.extend(requests(figures));
    families.extend(beside(figures));
    families.extend(workers(figures));
    families.extend(thresholds(figures));
    families.retain(|family| !family.series.is_empty());
    families
}

fn run(figures: &Figures) -> Vec<Family<'_>> {
    let gauge = |name, help, value: f64| {
        family(name, help, Kind::Gauge, [Series { labels: Vec::new(), value: Value::Number(value) }])
    };
    let names = ["waiting", "preparing", "warm-up", "ramping", "steady", "draining", "finished"];
    let phases = names.map(|name| number([("phase", name)], is(figures.phase_name() == name)));
    let iterations = &figures.iterations;
    let outcomes = [
        ("completed", iterations.completed),
        ("failed", iterations.failed),
        ("cancelled", iterations.cancelled),
        ("dropped", iterations.dropped),
    ];
    let outcomes = outcomes.map(|(outcome, count)| number([("outcome", outcome)], count as f64));
    let begun = Series { labels: Vec::new(), value: Value::Number(iterations.begun as f64) };
    let arrivals = figures.arrivals_per_s.map(|rate| number([], rate));
    vec![
        family("stampede_run", "Which run it is.", Kind::Info, [identity(figures)]),
        family("stampede_run_phase", "1 for the phase that the run is in.", Kind::Gauge, phases),
        gauge(
            "stampede_run_time_seconds",
            "Time since the first user was due.",
            figures.elapsed.as_secs_f64(),
        ),
        gauge(
            "stampede_run_reported_seconds",
            "Run seconds for which every live worker has reported.",
            figures.second.into(),
        ),
        gauge("stampede_users", "Users alive.", figures.users.into()),
        gauge("stampede_users_wanted", "Users the load profile asks for.", figures.users_wanted.into()),
        gauge("stampede_in_flight", "Requests in flight.", figures.in_flight as f64),
        gauge(
            "stampede_oldest_in_flight_seconds",
            "How long the oldest request in flight has been under way.",
            figures.oldest_in_flight.as_secs_f64(),
        ),
        family("stampede_arrival_rate", "Arrivals planned per second.", Kind::Gauge, arrivals),
        gauge(
            "stampede_generator_limited",
            "1 while a worker, and not the target, is the limit.",
            is(figures.generator_limited),
        ),
        family("stampede_iterations_begun", "Iterations begun.", Kind::Counter, [begun]),
        family("stampede_iterations", "Iterations by outcome.", Kind::Counter, outcomes),
    ]
}

fn requests(figures: &Figures) -> Vec<Family<'_>> {
    let rows = || figures.of(RowKind::Request);
    let count = |name, help, count: fn(&Row) -> u64| {
        family(name, help, Kind::Counter, rows().map(|row| number(of_request(row), count(row) as f64)))
    };
    let times = rows().map(|row| Series { labels: labels(of_request(row)), value: Value::Times(&row.times) });
    let recent = rows().filter_map(|row| Some((row, row.recent.percentiles_ms?)));
    let recent = recent.flat_map(|(row, values)| {
        let each = ["0.5", "0.95", "0.99"].into_iter().zip(values);
        each.map(move |(quantile, ms)| {
            let [method, name] = of_request(row);
            number([method, name, ("quantile", quantile)], ms / 1e3)
        })
    });
    vec![
        count("stampede_requests_started", "Requests begun.", |row| row.counts.started),
        family(
            "stampede_requests",
            "Requests by outcome, and failed ones by kind.",
            Kind::Counter,
            rows().flat_map(outcomes),
        ),
        family(
            "stampede_request_duration_seconds",
            "Response times of completed requests.",
            Kind::Histogram,
            times,
        ),
        family(
            "stampede_request_duration_recent_seconds",
            "Percentiles of the response times of the last second, from the full histogram.",
            Kind::Gauge,
            recent,
        ),
        count("stampede_received_bytes", "Bytes of response bodies.", |row| row.counts.bytes_in),
        count("stampede_sent_bytes", "Bytes of request bodies.", |row| row.counts.bytes_out),
        count("stampede_redirects", "Redirects followed.", |row| row.counts.hops),
    ]
}

/// What is in no total: groups, failures of tasks, setup and teardown.
fn beside(figures: &Figures) -> Vec<Family<'_>> {
    let groups = || figures.of(RowKind::Group);
    let passes = groups().flat_map(|row| {
        let each =
            [("ok", row.counts.ok), ("failed", row.counts.failed), ("cancelled", row.counts.cancelled)];
        each.map(|(outcome, count)| number([("name", &*row.name), ("outcome", outcome)], count as f64))
    });
    let times = groups()
        .map(|row| Series { labels: labels([("name", &*row.name)]), value: Value::Times(&row.times) });
    let failures = figures.of(RowKind::Task).flat_map(|row| {
        let each = row.failures.iter();
        each.map(|(kind, count)| number([("name", &*row.name), ("kind", *kind)], *count as f64))
    });
    let asides = figures.of(RowKind::Aside).flat_map(outcomes);
    vec![
        family("stampede_group_passes", "Passes through groups by outcome.", Kind::Counter, passes),
        family(
            "stampede_group_duration_seconds",
            "How long passes through groups took.",
            Kind::Histogram,
            times,
        ),
        family(
            "stampede_task_failures",
            "Failures that fail steps booked on tasks.",
            Kind::Counter,
            failures,
        ),
        family("stampede_aside_requests", "Requests of setup and teardown.", Kind::Counter, asides),
    ]
}

fn workers(figures: &Figures) -> Vec<Family<'_>> {
    let states = figures.states.iter().map(|(state, count)| number([("state", *state)], (*count).into()));
    let gauge = |name, help, value: fn(&Worker) -> Option<f64>| {
        let known = figures.workers.iter().filter_map(|worker| Some((worker, value(worker)?)));
        family(
            name,
            help,
            Kind::Gauge,
            known.map(|(worker, value)| number([("worker", &*worker.name)], value)),
        )
    };
    let connected =
        |worker: &Worker| Some(is(!matches!(worker.state, WorkerState::Disconnected | WorkerState::Lost)));
    let completed =
        figures.workers.iter().map(|worker| number([("worker", &*worker.name)], worker.requests as f64));
    vec![
        family("stampede_workers", "Workers by state.", Kind::Gauge, states),
        gauge("stampede_worker_connected", "1 for a worker that is heard.", connected),
        gauge("stampede_worker_lost", "1 for a worker whose lease has passed.", |worker| {
            Some(is(worker.state == WorkerState::Lost))
        }),
        gauge("stampede_worker_users", "Users alive on a worker.", |worker| Some(worker.users.into())),
        gauge(
            "stampede_worker_cpu_ratio",
            "Part of a core that its busiest load thread used in the last second.",
            |worker| worker.cpu,
        ),
        gauge(
            "stampede_worker_lag_seconds",
            "How late its probe was in the last second, 99th percentile.",
            |worker| worker.lag_ms.map(|ms| ms / 1e3),
        ),
        gauge("stampede_worker_outbox", "Statistics that a worker holds back.", |worker| {
            Some(worker.outbox.into())
        }),
        family(
            "stampede_worker_requests",
            "Requests that a worker completed, warm-up and all.",
            Kind::Counter,
            completed,
        ),
    ]
}

fn thresholds(figures: &Figures) -> Vec<Family<'_>> {
    let rules = || figures.thresholds.iter();
    let holds = rules().filter_map(|rule| Some(number([("rule", &*rule.rule)], is(rule.holds?))));
    let observed = rules().filter_map(|rule| Some(number([("rule", &*rule.rule)], rule.observed?)));
    vec![
        family("stampede_threshold_holds", "1 while a rule holds.", Kind::Gauge, holds),
        family(
            "stampede_threshold_observed",
            "What a rule is about, so far: ms, a number a second, a part from 0 to 1, or a count.",
            Kind::Gauge,
            observed,
        ),
    ]
}

/// What became of the requests of a row; failed ones by kind.
fn outcomes(row: &Row) -> impl Iterator<Item = Series<'_>> {
    let [method, name] = of_request(row);
    let plain = [("ok", row.counts.ok), ("cancelled", row.counts.cancelled)];
    let plain = plain.map(|(outcome, count)| number([method, name, ("outcome", outcome)], count as f64));
    let failed = row.failures.iter().map(move |(kind, count)| {
        number([method, name, ("outcome", "failed"), ("kind", *kind)], *count as f64)
    });
    plain.into_iter().chain(failed)
}

fn identity(figures: &Figures) -> Series<'_> {
    let identity = &*figures.identity;
    let mut all = labels([
        ("run", &*identity.run),
        ("scenario", &*identity.scenario),
        ("target", &*identity.target),
        ("version", &*identity.version),
    ]);
    all.extend(given(identity).into_iter().map(|(name, value)| (Cow::Owned(name), Cow::Borrowed(value))));
    Series { labels: all, value: Value::Number(1.0) }
}

fn family<'a>(
    name: &'static str,
    help: &'static str,
    kind: Kind,
    series: impl IntoIterator<Item = Series<'a>>,
) -> Family<'a> {
    Family { name, help, kind, series: series.into_iter().collect() }
}

fn of_request(row: &Row) -> [(&'static str, &str); 2] {
    [("method", &*row.method), ("name", &*row.name)]
}

fn labels<'a, const N: usize>(pairs: [(&'static str, &'a str); N]) -> Vec<Label<'a>> {
    pairs.into_iter().map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))).collect()
}

fn number<'a, const N: usize>(pairs: [(&'static str, &'a str); N], value: f64) -> Series<'a> {
    Series { labels: labels(pairs), value: Value::Number(value) }
}

fn is(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}
