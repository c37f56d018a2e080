//! The run's state as a picture: rows and charts are made again only when something in them changed, clocks every time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::{EndpointKey, EndpointStats, Part, RowKind};
use stampede_stats::histogram::{TIMES_DIGITS, Times};

use super::state::Run;
use crate::view::{
    CoursePoint, EndpointRow, FailureRow, Phase, RunView, ThresholdRow, WaitingFor, WorkerRow,
};

/// Rows of workers show ages; they are made anew this often even when nothing happened.
const REFRESH: Duration = Duration::from_millis(500);

/// Failures shown.
const MAX_FAILURES: usize = 200;

/// What was made for the last picture.
#[derive(Debug, Default)]
pub(super) struct Shown {
    stale: bool,
    refreshed: Duration,
    endpoints: Arc<Vec<EndpointRow>>,
    aggregated: EndpointRow,
    failures: Arc<Vec<FailureRow>>,
    workers: Arc<Vec<WorkerRow>>,
    timeline: Arc<Vec<CoursePoint>>,
    classes: Arc<Vec<String>>,
    notices: Arc<Vec<String>>,
    thresholds: Arc<Vec<ThresholdRow>>,
    made_for: Option<u32>,
}

impl Shown {
    /// Something that is shown has changed.
    pub(super) fn mark(&mut self) {
        self.stale = true;
    }

    pub(super) fn mark_if_due(&mut self, now: Duration) {
        if now.saturating_sub(self.refreshed) >= REFRESH {
            self.stale = true;
            self.refreshed = now;
        }
    }
}

impl Run {
    /// The picture at `now`.
    pub fn view(&mut self, now: Duration) -> RunView {
        if std::mem::take(&mut self.shown.stale) {
            self.make_rows(now);
        }
        let plan = &self.setup.plan;
        let run_time = self.run_time(now);
        let second = u32::try_from(run_time.as_secs()).unwrap_or(u32::MAX);
        let live = || self.members.iter().filter(|member| member.is_live());
        let iterations = plan
            .load
            .iterations
            .filter(|_| self.start.is_some())
            .map(|total| (total, self.members.iter().map(super::member::Member::iterations_begun).sum()));
        RunView {
            scenario: plan.name.clone(),
            target: plan.target.clone(),
            demo: self.setup.demo,
            phase: self.phase,
            warming_up: self.start.is_some() && run_time < plan.load.warmup,
            elapsed: run_time,
            run_time: plan.load.run_time,
            iterations,
            users: live()
                .filter(|member| member.connected && !member.is_just_back(second))
                .map(super::member::Member::users)
                .sum(),
            users_wanted: self.profile.users_at(run_time),
            users_target: self.profile.target_at(run_time),
            arrivals: self.arrivals_view(run_time),
            paused: self.is_paused(),
            search: self.search_view(),
            rps: self.shown.aggregated.rps,
            failures_per_s: self.shown.aggregated.failures_per_s,
            in_flight: live().map(|member| member.applied.in_flight).sum(),
            oldest_in_flight: Duration::from_nanos(
                live().map(|member| member.applied.oldest_ns).max().unwrap_or(0),
            ),
            endpoints: Arc::clone(&self.shown.endpoints),
            aggregated: self.shown.aggregated.clone(),
            failures: Arc::clone(&self.shown.failures),
            workers: Arc::clone(&self.shown.workers),
            classes: Arc::clone(&self.shown.classes),
            timeline: Arc::clone(&self.shown.timeline),
            thresholds: Arc::clone(&self.shown.thresholds),
            waiting: self.waiting_for(now),
            notices: Arc::clone(&self.shown.notices),
        }
    }

    fn waiting_for(&self, now: Duration) -> Option<WaitingFor> {
        let expected = self.setup.expected.filter(|_| self.phase == Phase::Waiting)?;
        let connected =
            self.members.iter().filter(|member| member.connected && !member.hello.embedded).count();
        Some(WaitingFor {
            expected,
            connected: u32::try_from(connected).unwrap_or(u32::MAX),
            since: now.saturating_sub(self.waiting_since),
            timeout: self.setup.expect_timeout,
            command: self.setup.join_command.clone(),
        })
    }

    fn make_rows(&mut self, now: Duration) {
        self.shown.workers = Arc::new(self.members.iter().map(|member| worker_row(member, now)).collect());
        self.shown.notices = Arc::new(self.notices.clone());
        if self.shown.classes.is_empty() {
            self.shown.classes =
                Arc::new(self.setup.plan.classes.iter().map(|class| class.name.clone()).collect());
        }
        // Tables and charts show complete seconds; between them nothing in them changes.
        let version = if self.phase == Phase::Finished { u32::MAX } else { self.watermark };
        if self.shown.made_for == Some(version) {
            return;
        }
        self.shown.made_for = Some(version);
        let rates = match self.stop.filter(|_| self.phase == Phase::Finished) {
            // In the end those of the whole run, which the report has too.
            Some(stop) => self.merged.rates_of_run(stop.at.saturating_sub(self.setup.plan.load.warmup)),
            None => self.merged.rates(self.watermark),
        };
        let totals = &self.merged.totals;
        let mut all = Times::new(TIMES_DIGITS);
        // One histogram for all rows, one after the other.
        let mut times = Times::new(TIMES_DIGITS);
        let part = shown_part(self.phase, self.watermark, self.setup.plan.load.warmup);
        let rows = sorted(&totals.endpoints, part).map(|(key, stats)| {
            times.clear();
            times.add(&stats.ok);
            times.add(&stats.failed);
            if key.is_request() {
                all.add(&times);
            }
            endpoint_row(Some(key), stats.counts, &times, &rates)
        });
        self.shown.endpoints = Arc::new(rows.collect());
        let requests = if part == Part::WarmUp { totals.warmup } else { totals.requests() };
        self.shown.aggregated = endpoint_row(None, requests, &all, &rates);
        self.shown.failures = Arc::new(self.failure_rows());
        self.shown.timeline = Arc::new(self.course());
        self.shown.thresholds = Arc::new(self.threshold_rows());
    }

    fn failure_rows(&self) -> Vec<FailureRow> {
        let mut rows: Vec<_> = self
            .merged
            .totals
            .errors
            .iter()
            .map(|(key, count)| FailureRow {
                method: key.endpoint.method.clone(),
                name: match key.endpoint.part {
                    Part::Measured => key.endpoint.name.clone(),
                    Part::WarmUp => format!("{} (warm-up)", key.endpoint.name),
                },
                kind: key.kind,
                message: key.message.clone(),
                count: count.count,
                first_s: count.first_s,
                last_s: count.last_s,
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows.truncate(MAX_FAILURES);
        rows
    }

    fn course(&self) -> Vec<CoursePoint> {
        let step = self.merged.timeline.step_s();
        let complete =
            |t: u32| t + step <= self.watermark || (self.phase == Phase::Finished && t < self.watermark);
        let points = self.merged.timeline.points().filter(|(t, _)| complete(*t));
        points
            .map(|(t, point)| {
                let seconds = f64::from(point.seconds.max(1));
                let times = point.times.percentiles_ms(&[50.0, 95.0, 99.0]);
                CoursePoint {
                    t: f64::from(t),
                    users: point.users,
                    planned_users: point.planned_users,
                    rps: point.requests as f64 / seconds,
                    failures_per_s: point.failures as f64 / seconds,
                    p50: times.first().copied(),
                    p95: times.get(1).copied(),
                    p99: times.get(2).copied(),
                }
            })
            .collect()
    }
}

/// The part of the run whose rows are shown: the warm-up while that is under way, and what is measured from then on. As if the
/// statistics were reset.
fn shown_part(phase: Phase, watermark: u32, warmup: Duration) -> Part {
    let warming = phase != Phase::Finished && Duration::from_secs(watermark.into()) < warmup;
    if warming { Part::WarmUp } else { Part::Measured }
}

/// The rows of a part: requests, groups, what is around the test; each by name, then method. What `fail` books on tasks is
/// among the failures.
fn sorted(
    endpoints: &BTreeMap<EndpointKey, EndpointStats<u64>>,
    part: Part,
) -> impl Iterator<Item = (&EndpointKey, &EndpointStats<u64>)> {
    let shown = |key: &EndpointKey| match key.kind {
        RowKind::Request | RowKind::Group => key.part == part,
        RowKind::Aside => true,
        RowKind::Task | RowKind::Class => false,
    };
    let mut rows: Vec<_> = endpoints.iter().filter(|(key, _)| shown(key)).collect();
    rows.sort_by(|(a, _), (b, _)| (a.kind, &a.name, &a.method).cmp(&(b.kind, &b.name, &b.method)));
    rows.into_iter()
}

fn endpoint_row(
    key: Option<&EndpointKey>,
    counts: RequestCounts,
    times: &Times<u64>,
    rates: &BTreeMap<EndpointKey, (f64, f64)>,
) -> EndpointRow {
    let shown = times.percentiles_ms(&[50.0, 90.0, 95.0, 99.0]);
    let (rps, failures_per_s) = match key {
        Some(key) if key.part == Part::Measured => rates.get(key).copied().unwrap_or_default(),
        Some(key) => rates.get(&key.clone().in_part(Part::Measured)).copied().unwrap_or_default(),
        None => {
            let requests = rates.iter().filter(|(key, _)| key.is_request());
            requests.fold((0.0, 0.0), |sum, (_, rate)| (sum.0 + rate.0, sum.1 + rate.1))
        }
    };
    EndpointRow {
        kind: key.map_or(RowKind::Request, |key| key.kind),
        method: key.map_or_else(String::new, |key| key.method.clone()),
        name: key.map_or_else(|| "Aggregated".to_owned(), |key| key.name.clone()),
        requests: counts.completed(),
        failures: counts.failed,
        avg: times.mean_ms(),
        min: times.min_ms(),
        max: times.max_ms(),
        med: shown.first().copied(),
        p90: shown.get(1).copied(),
        p95: shown.get(2).copied(),
        p99: shown.get(3).copied(),
        rps,
        failures_per_s,
    }
}

fn worker_row(member: &super::member::Member, now: Duration) -> WorkerRow {
    let heartbeat = &member.heartbeat;
    let stuck = heartbeat.slowest_thread > Duration::from_secs(2);
    let note = match member.lost_at {
        Some(at) if !member.finished => {
            format!("lost at second {}; delivered up to second {}", at.as_secs(), member.applied.through_s)
        }
        _ if stuck => {
            format!("a load thread was last seen {:.1} s ago", heartbeat.slowest_thread.as_secs_f64())
        }
        _ if member.is_live() && member.applied.limit.now().is_some() => "at its own limit".to_owned(),
        _ if !member.participates && member.connected => "takes part in the next test".to_owned(),
        _ => String::new(),
    };
    WorkerRow {
        name: member.hello.name.clone(),
        address: member.hello.address.clone(),
        state: member.state(),
        users: member.users(),
        users_by_class: heartbeat.users.clone(),
        rps: if member.is_live() { member.applied.rate() } else { 0.0 },
        cpu: member.applied.cpu_last,
        memory: (heartbeat.memory > 0).then_some(heartbeat.memory),
        lag_p99: member.applied.lag_last,
        lateness_p99: member.applied.lateness_last,
        rtt: heartbeat.round_trip.map(|trip| trip.as_secs_f64() * 1e3),
        last_heard: Some(now.saturating_sub(member.last_heard)),
        outbox: heartbeat.outbox,
        note,
    }
}
