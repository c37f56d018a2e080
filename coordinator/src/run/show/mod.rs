//! The run's state as a picture: rows and charts are made again only when something in them changed, clocks every time.
//!
//! Tables and charts are of complete seconds, so they are made once a second, workers twice; every list in them has a limit.
//! What is expensive to make of a point of a course is kept for the next second (`course`).

mod course;
mod detail;
mod load;
mod log;
mod rows;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use stampede_stats::endpoint::Part;

use self::course::Courses;
use self::load::Planned;
pub(super) use self::log::RunLog;
use super::member::Member;
use super::state::Run;
use crate::view::{
    CoursePoint, EndpointDetail, EndpointRow, FailureRow, LoadView, LogRow, Phase, RunView, TargetRow,
    ThresholdRow, WaitingFor, WorkerRow,
};

/// Rows of workers show ages; they are made anew this often even when nothing happened.
const REFRESH: Duration = Duration::from_millis(500);

/// What was made for the last picture.
#[derive(Debug, Default)]
pub(super) struct Shown {
    stale: bool,
    refreshed: Duration,
    endpoints: Arc<Vec<EndpointRow>>,
    details: Arc<Vec<EndpointDetail>>,
    aggregated: EndpointRow,
    targets: Arc<Vec<TargetRow>>,
    failures: Arc<Vec<FailureRow>>,
    workers: Arc<Vec<WorkerRow>>,
    timeline: Arc<Vec<CoursePoint>>,
    classes: Arc<Vec<String>>,
    notices: Arc<Vec<String>>,
    thresholds: Arc<Vec<ThresholdRow>>,
    load: Arc<LoadView>,
    log: Arc<Vec<LogRow>>,
    courses: Courses,
    planned: Planned,
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
            .map(|total| (total, self.members.iter().map(Member::iterations_begun).sum()));
        let shown = &self.shown;
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
                .map(Member::users)
                .sum(),
            users_wanted: self.profile.users_at(run_time),
            users_target: self.profile.target_at(run_time),
            arrivals: self.arrivals_view(run_time),
            paused: self.is_paused(),
            search: self.search_view(),
            rps: shown.aggregated.rps,
            failures_per_s: shown.aggregated.failures_per_s,
            bytes_in_per_s: shown.aggregated.bytes_in_per_s,
            bytes_out_per_s: shown.aggregated.bytes_out_per_s,
            in_flight: live().map(|member| member.applied.in_flight).sum(),
            oldest_in_flight: Duration::from_nanos(
                live().map(|member| member.applied.oldest_ns).max().unwrap_or(0),
            ),
            endpoints: Arc::clone(&shown.endpoints),
            aggregated: shown.aggregated.clone(),
            details: Arc::clone(&shown.details),
            targets: Arc::clone(&shown.targets),
            failures: Arc::clone(&shown.failures),
            workers: Arc::clone(&shown.workers),
            classes: Arc::clone(&shown.classes),
            timeline: Arc::clone(&shown.timeline),
            thresholds: Arc::clone(&shown.thresholds),
            load: Arc::clone(&shown.load),
            limited: self.limited(),
            log: Arc::clone(&shown.log),
            waiting: self.waiting_for(now),
            notices: Arc::clone(&shown.notices),
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
        self.shown.workers = Arc::new(self.worker_rows(now));
        self.shown.notices = Arc::new(self.notices.clone());
        if let Some(rows) = self.log.changed() {
            self.shown.log = Arc::new(rows);
        }
        if self.shown.classes.is_empty() {
            self.shown.classes =
                Arc::new(self.setup.plan.classes.iter().map(|class| class.name.clone()).collect());
        }
        self.shown.load = Arc::new(self.load_view(now));
        // Tables and charts show complete seconds; between them nothing in them changes.
        let version = if self.phase == Phase::Finished { u32::MAX } else { self.watermark };
        if self.shown.made_for == Some(version) {
            return;
        }
        self.shown.made_for = Some(version);
        self.make_tables();
        self.shown.failures = Arc::new(self.failure_rows());
        self.shown.targets = Arc::new(self.target_rows());
        self.shown.timeline = Arc::new(self.course());
        self.shown.thresholds = Arc::new(self.threshold_rows());
    }
}

/// The part of the run whose rows are shown: the warm-up while that is under way, and what is measured from then on. As if the
/// statistics were reset.
fn shown_part(phase: Phase, watermark: u32, warmup: Duration) -> Part {
    let warming = phase != Phase::Finished && Duration::from_secs(watermark.into()) < warmup;
    if warming { Part::WarmUp } else { Part::Measured }
}
