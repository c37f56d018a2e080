//! A result becomes a report: counts are copied, times come from histograms, rates from what completed in the window.
//!
//! Nothing is corrected here. Where two counts should add up and do not, both stand in the report as they are.

use std::time::Duration;

use jiff::Timestamp;
use stampede_stats::endpoint::{EndpointKey, EndpointStats, Part, RowKind};
use stampede_stats::histogram::{HIGHEST_US, Times};
use stampede_stats::timeline::Timeline;
use stampede_stats::totals::{TargetTotals, Totals};

use super::model::{
    AccountingReport, Change, Endpoint, EndpointPoint, Failure, GeneratorLimit, IterationsReport, Judgement,
    MissingReport, Report, Run, SCHEMA, Target, Users, Warmup, Worker,
};
use super::text::{count_of, number, round6};
use super::times::{Percentiles, PhaseReport, TimesReport};
use super::verdict::judge;
use super::{course, judged, limits};
use crate::result::{Accounting, InWindow, Limit, RunResult, WorkerResult};

/// The name of the row of all endpoints together.
const AGGREGATED: &str = "Aggregated";

impl Report {
    /// The report of a run that is over.
    pub fn from_result(result: &RunResult) -> Self {
        let accounting = accounting(&result.accounting, &result.totals);
        Self {
            schema: SCHEMA.to_owned(),
            run: run(result, judge(&accounting, result)),
            totals: totals(result),
            endpoints: rows(result, RowKind::Request),
            groups: rows(result, RowKind::Group),
            asides: rows(result, RowKind::Aside),
            classes: rows(result, RowKind::Class),
            errors: errors(&result.totals),
            accounting,
            users: Users { peak: result.users_peak, classes: result.classes.iter().cloned().collect() },
            targets: result.totals.targets.iter().map(|(host, totals)| target(host, totals)).collect(),
            workers: result.workers.iter().map(worker).collect(),
            thresholds: result.thresholds.iter().map(judged::threshold).collect(),
            search: result.search.as_ref().map(judged::search),
            timeline: course::timeline(&result.timeline, result.duration),
            course: course::course(&result.timeline, result.duration),
            notes: notes(result),
        }
    }
}

fn run(result: &RunResult, verdict: Judgement) -> Run {
    Run {
        id: result.id.clone(),
        scenario: result.scenario.clone(),
        demo: result.demo,
        target: result.target.clone(),
        seed: result.seed,
        version: result.version.clone(),
        labels: result.labels.clone(),
        started_at: timestamp(result.started_at),
        ended_at: timestamp(result.ended_at),
        duration_s: seconds(result.measured()),
        last_end_s: result.last_end.map(seconds),
        warmup_s: (!result.warmup.is_zero()).then(|| seconds(result.warmup.min(result.duration))),
        run_time_s: result.run_time.map(seconds),
        users_peak: result.users_peak,
        users_wanted: result.users_wanted,
        spawn_rate: result.spawn_rate.and_then(number),
        load: result.load.clone(),
        arrivals: result.arrivals.clone(),
        stop_reason: result.stop_reason.as_str().to_owned(),
        aborted: result.aborted,
        verdict,
        complete: result.is_complete(),
        generator_limited: result.is_generator_limited(),
        changes: result
            .changes
            .iter()
            .map(|change| Change {
                t: seconds(change.at),
                what: change.what.clone(),
                from: change.from.clone(),
                to: change.to.clone(),
            })
            .collect(),
        replaced: result.replaced.clone(),
    }
}

fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn seconds(time: Duration) -> f64 {
    round6(time.as_secs_f64())
}

fn totals(result: &RunResult) -> Endpoint {
    let mut window = InWindow::default();
    for (_, part) in result.in_window.iter().filter(|(key, _)| key.is_total()) {
        window.requests += part.requests;
        window.failures += part.failures;
    }
    let key = EndpointKey::new("", AGGREGATED);
    let mut all = Timeline::short(course::MAX_CHART_POINTS);
    result.courses.iter().filter(|(key, _)| key.is_total()).for_each(|(_, row)| all.absorb(row));
    endpoint(&key, &result.totals.aggregated(), window, course_of(&all, result), result.measured())
}

fn course_of(row: &Timeline, result: &RunResult) -> Vec<EndpointPoint> {
    course::of_row(row, &result.timeline, result.warmup, result.duration)
}

/// The measured rows of `kind`, by name, then method.
fn rows(result: &RunResult, kind: RowKind) -> Vec<Endpoint> {
    let measured = result.totals.rows(Part::Measured, kind);
    let mut rows: Vec<_> = measured
        .map(|(key, stats)| {
            let window = result.in_window.get(key).copied().unwrap_or_default();
            let course = result.courses.get(key).map(|row| course_of(row, result)).unwrap_or_default();
            endpoint(key, stats, window, course, result.measured())
        })
        .collect();
    rows.sort_by(|a, b| (&a.name, &a.method).cmp(&(&b.name, &b.method)));
    rows
}

fn endpoint(
    key: &EndpointKey,
    stats: &EndpointStats<u64>,
    window: InWindow,
    course: Vec<EndpointPoint>,
    duration: Duration,
) -> Endpoint {
    let all = stats.all_times();
    let percentiles_ms = Percentiles::of(&all);
    // What is around the test has no part of its time.
    let rated = key.kind != RowKind::Aside;
    let per_second = |count: u64| number(count as f64 / duration.as_secs_f64()).filter(|_| rated);
    Endpoint {
        method: key.method.clone(),
        name: key.name.clone(),
        requests: stats.counts.completed(),
        failures: stats.counts.failed,
        avg_ms: all.mean_ms().and_then(number),
        min_ms: all.min_ms().and_then(number),
        max_ms: all.max_ms().and_then(number),
        median_ms: percentiles_ms.p50,
        percentiles_ms,
        rps: per_second(window.requests),
        failures_per_s: per_second(window.failures),
        statuses: stats.statuses.iter().collect(),
        bytes_in: stats.counts.bytes_in,
        head_bytes_in: stats.counts.head_bytes_in,
        bytes_out: stats.counts.bytes_out,
        hops: stats.counts.hops,
        ok: TimesReport::of(&stats.ok),
        failed: TimesReport::of(&stats.failed),
        service: TimesReport::of(&stats.service),
        ttfb: TimesReport::of(&stats.ttfb),
        course,
    }
}

fn errors(totals: &Totals) -> Vec<Failure> {
    let mut rows: Vec<_> = totals
        .errors
        .iter()
        .filter(|(key, _)| key.endpoint.part == Part::Measured)
        .map(|(key, count)| Failure {
            row: row_name(key.endpoint.kind).to_owned(),
            method: key.endpoint.method.clone(),
            name: key.endpoint.name.clone(),
            kind: key.kind.as_str().to_owned(),
            message: key.message.clone(),
            count: count.count,
            first_s: count.first_s,
            last_s: count.last_s,
        })
        .collect();
    // Stable: equal counts stay in the order of their keys.
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

fn row_name(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Request => "request",
        RowKind::Group => "group",
        RowKind::Task => "task",
        RowKind::Aside => "aside",
        RowKind::Class => "class",
    }
}

fn accounting(accounting: &Accounting, totals: &Totals) -> AccountingReport {
    let counts = totals.requests();
    AccountingReport {
        started: accounting.started,
        sent: counts.sent,
        ok: counts.ok,
        failed: counts.failed,
        cancelled: counts.cancelled,
        unknown: accounting.unknown,
        planned: accounting.planned,
        dropped: accounting.dropped,
        missed: accounting.missed,
        iterations: IterationsReport {
            begun: accounting.iterations_begun,
            completed: totals.iterations.completed,
            failed: totals.iterations.failed,
            cancelled: totals.iterations.cancelled,
            unknown: accounting.iterations_unknown,
        },
        warmup: warmup(accounting, totals),
        missing_intervals: accounting
            .missing
            .iter()
            .map(|missing| MissingReport {
                worker: missing.worker.clone(),
                from_s: missing.from_s,
                to_s: missing.to_s,
                announced: missing.announced,
            })
            .collect(),
    }
}

fn warmup(accounting: &Accounting, totals: &Totals) -> Warmup {
    let (account, counts, iterations) = (&accounting.warmup, &totals.warmup, &totals.warmup_iterations);
    Warmup {
        requests: counts.completed(),
        failures: counts.failed,
        started: account.started,
        sent: counts.sent,
        ok: counts.ok,
        cancelled: counts.cancelled,
        unknown: account.unknown,
        dropped: iterations.dropped,
        iterations: IterationsReport {
            begun: account.iterations_begun,
            completed: iterations.completed,
            failed: iterations.failed,
            cancelled: iterations.cancelled,
            unknown: account.iterations_unknown,
        },
    }
}

fn target(host: &str, totals: &TargetTotals) -> Target {
    let known = |times: &Times<u64>| (times.count() > 0).then(|| PhaseReport::of(times));
    Target {
        host: host.to_owned(),
        connections: totals.connections,
        dns_ms: known(&totals.dns),
        connect_ms: known(&totals.connect),
        tls_ms: known(&totals.tls),
    }
}

fn worker(worker: &WorkerResult) -> Worker {
    Worker {
        name: worker.name.clone(),
        state: worker.state.as_str().to_owned(),
        users_peak: worker.users_peak,
        requests: worker.requests,
        cpu_avg: worker.cpu_avg.and_then(number),
        cpu_max: worker.cpu_max.and_then(number),
        lag_ms_p99: worker.lag_p99.and_then(number),
        lateness_ms_p99: worker.lateness_p99.and_then(number),
        lost_at_s: worker.lost_at.map(seconds),
        limits: worker.limits.iter().map(limit).collect(),
    }
}

fn limit(limit: &Limit) -> GeneratorLimit {
    GeneratorLimit {
        from_s: limit.from_s,
        to_s: limit.to_s,
        seconds: limit.seconds,
        cpu_max: limit.cpu.and_then(number),
        lag_ms_p99: limit.lag_ms.and_then(number),
        stood_still_ms: limit.stood_still_ms.and_then(number),
    }
}

/// The run's own notes, then what follows from the counts.
fn notes(result: &RunResult) -> Vec<String> {
    let mut notes = result.notes.clone();
    notes.extend(limits::sentences(&result.workers));
    for missing in &result.accounting.missing {
        let what = match missing.announced {
            0 => "no request of them had been announced".to_owned(),
            1 => "1 request it had announced is counted as unknown".to_owned(),
            n => format!("{n} requests it had announced are counted as unknown"),
        };
        let (worker, from_s, to_s) = (&missing.worker, missing.from_s, missing.to_s);
        notes.push(format!("Samples of worker {worker} from {from_s} s to {to_s} s are missing; {what}."));
    }
    if let (Some(_), dropped @ 1..) = (&result.arrivals, result.accounting.dropped) {
        let arrivals = count_of(dropped, "arrival was", "arrivals were");
        notes.push(format!(
            "{arrivals} dropped: no user was free, and there were as many as there may be, or the run ended first."
        ));
    }
    if result.totals.overflowed {
        notes.push(
            "More names, failures or hosts than are told apart: the row (other) collects the rest."
                .to_owned(),
        );
    }
    let failed = result.totals.iterations.failed;
    if failed > 0 && result.totals.errors.is_empty() {
        let iterations = count_of(failed, "iteration", "iterations");
        notes.push(format!(
            "{iterations} failed and no request did: a step needed a value that was not there, or a loop reached its `max`. The log says which."
        ));
    }
    notes.extend(warmup_failures(&result.totals));
    // A class has the requests of other rows.
    let is_own = |key: &EndpointKey| key.part == Part::Measured && key.kind != RowKind::Class;
    let rows = result.totals.endpoints.iter().filter(|(key, _)| is_own(key));
    let rows = rows.map(|(_, row)| row);
    let saturated: u64 = rows.map(|row| row.ok.exact().saturated + row.failed.exact().saturated).sum();
    if saturated > 0 {
        let times = count_of(saturated, "response time", "response times");
        let limit = HIGHEST_US / 1_000_000;
        notes.push(format!("{times} over {limit} s: percentiles that fall there are shown as the maximum."));
    }
    notes
}

/// What failed in the warm-up, which no table has: how much, and what most.
fn warmup_failures(totals: &Totals) -> Option<String> {
    let failed = totals.warmup.failed;
    if failed == 0 {
        return None;
    }
    let of = count_of(totals.warmup.completed(), "request", "requests");
    let of_warmup = totals.errors.iter().filter(|(key, _)| key.endpoint.part == Part::WarmUp);
    let requests = of_warmup.filter(|(key, _)| key.endpoint.is_request());
    let most = requests.max_by_key(|(_, count)| count.count);
    let most = most.map(|(key, count)| {
        let (endpoint, times) = (&key.endpoint, count.count);
        let times = count_of(times, "time", "times");
        format!(
            "; most often {} {} with {} ({}), {times}",
            endpoint.method, endpoint.name, key.message, key.kind
        )
    });
    Some(format!("In the warm-up {failed} of {of} failed{}.", most.unwrap_or_default()))
}
