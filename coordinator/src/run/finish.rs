//! The run's result: what was delivered, what is missing, and the counts of both identities.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use stampede_proto::prepare::ClientChoice;
use stampede_scenarios::describe::{describe_load, describe_rate};
use stampede_stats::endpoint::EndpointKey;
use stampede_stats::totals::{MAX_ENDPOINTS, change_row};

use super::member::Member;
use super::state::Run;
use crate::result::{Accounting, MissingInterval, RunResult, StopReason, WorkerResult};

/// What the state does not know because it reads no clock.
#[derive(Debug, Clone)]
pub struct Facts {
    /// When the first user was due.
    pub started_at: Timestamp,
    /// Now.
    pub ended_at: Timestamp,
    /// This program's version.
    pub version: String,
}

impl Run {
    /// Whether the run is over.
    pub fn is_over(&self) -> bool {
        self.phase == crate::view::Phase::Finished
    }

    /// Why the run never began, if so.
    pub fn failed_to_start(&self) -> Option<&str> {
        self.failed_to_start.as_deref()
    }

    /// Run time zero on the coordinator's clock, once it is known.
    pub fn started(&self) -> Option<Duration> {
        self.start
    }

    /// Run seconds for which every live worker has reported.
    pub fn reported(&self) -> u32 {
        self.watermark
    }

    /// Whether every worker of the run was lost.
    pub fn lost_everyone(&self) -> bool {
        !self.crew.is_empty() && self.crew().all(|member| member.lost_at.is_some() && !member.finished)
    }

    fn crew(&self) -> impl Iterator<Item = &Member> {
        self.crew.iter().map(|worker| &self.members[*worker])
    }

    /// The result of a run that is over.
    pub fn result(&self, facts: Facts) -> RunResult {
        let plan = &self.setup.plan;
        let classes = plan.classes.iter().zip(0..).map(|(class, index)| {
            let users = self.merged.classes_at_peak.get::<usize>(index).copied().unwrap_or(0);
            (class.name.clone(), users)
        });
        let load = describe_load(&plan.load);
        RunResult {
            id: self.setup.id.clone(),
            scenario: plan.name.clone(),
            target: plan.target.clone(),
            demo: self.setup.demo,
            labels: self.setup.labels.clone(),
            seed: plan.seed,
            version: facts.version,
            started_at: facts.started_at,
            ended_at: facts.ended_at,
            duration: self.stop.map_or(Duration::ZERO, |stop| stop.at),
            last_end: (!self.merged.last_end.is_zero()).then_some(self.merged.last_end),
            warmup: plan.load.warmup,
            run_time: plan.load.run_time,
            users_peak: self.merged.users_peak,
            users_wanted: if plan.load.open.is_some() { self.merged.users_peak } else { self.profile.peak() },
            classes: classes.collect(),
            spawn_rate: load.is_none().then(|| self.setup.spawn_rate.per_second()),
            load,
            arrivals: plan.load.open.as_ref().map(describe_rate),
            stop_reason: self.stop.map_or(StopReason::NoWorkers, |stop| stop.reason),
            aborted: self.aborted,
            changes: self.changes.clone(),
            thresholds: self.judged(),
            search: self.search_result(),
            replaced: plan.replaced.clone(),
            totals: self.merged.totals.clone(),
            in_window: self.merged.in_window.clone(),
            accounting: self.accounting(),
            timeline: self.merged.timeline.clone(),
            courses: self.merged.courses.clone(),
            workers: self.crew().map(worker_result).collect(),
            notes: self.notes(),
        }
    }

    pub(super) fn accounting(&self) -> Accounting {
        let mut accounting = Accounting::default();
        let mut unknown_by_endpoint = BTreeMap::new();
        for member in self.crew() {
            let applied = &member.applied;
            self.account(member, &mut accounting);
            for (key, counts) in applied.endpoints.iter().filter(|(key, _)| key.is_total()) {
                let open = counts.started.saturating_sub(counts.ended());
                if open > 0 {
                    // In the rows that the totals have.
                    let add = |sum: &mut u64| *sum += open;
                    change_row(&mut unknown_by_endpoint, key, MAX_ENDPOINTS, EndpointKey::other_of, add);
                }
            }
            accounting.missing.extend(self.missing(member));
        }
        accounting.unknown_by_endpoint = unknown_by_endpoint;
        accounting.contradictions.clone_from(&self.disagreements);
        self.account_arrivals(&mut accounting);
        if let Some(ledger) = &self.ledger {
            accounting.planned = Some(ledger.total().saturating_sub(accounting.warmup.iterations_begun));
            accounting.dropped = ledger.left();
            for (index, worker) in self.crew.iter().enumerate() {
                let member = &self.members[*worker];
                let unspent = ledger.granted(index).saturating_sub(iterations_begun(member));
                if member.finished { accounting.dropped += unspent } else { accounting.missed += unspent }
            }
        }
        accounting
    }

    /// Adds what a worker began, and what of it nobody knows the end of.
    fn account(&self, member: &Member, accounting: &mut Accounting) {
        let applied = &member.applied;
        // A worker that delivered everything is taken by what it delivered, not by what it announced.
        let begun = if member.finished { applied.requests.started } else { member.started() };
        let requests = Begun {
            delivered: applied.requests.started,
            announced: begun.saturating_sub(applied.requests.started),
            ended: applied.requests.ended(),
            warm: applied.warmup.started,
            warm_ended: applied.warmup.ended(),
        };
        let iterations = Begun {
            delivered: applied.iterations.begun,
            announced: iterations_begun(member).saturating_sub(applied.iterations.begun),
            ended: applied.iterations.ended(),
            warm: applied.warmup_iterations.begun,
            warm_ended: applied.warmup_iterations.ended(),
        };
        // What was only announced has no instant. It is the warm-up's if its last word came from there.
        let warming = self.start.is_some_and(|start| member.last_heard < start + self.setup.plan.load.warmup);
        let [(started, unknown), (warm_started, warm_unknown)] = requests.by_part(warming);
        accounting.started += started;
        accounting.unknown += unknown;
        let [(begun, open), (warm_begun, warm_open)] = iterations.by_part(warming);
        accounting.iterations_begun += begun;
        accounting.iterations_unknown += open;
        let warmup = &mut accounting.warmup;
        warmup.started += warm_started;
        warmup.unknown += warm_unknown;
        warmup.iterations_begun += warm_begun;
        warmup.iterations_unknown += warm_open;
    }

    /// The seconds a worker never delivered.
    fn missing(&self, member: &Member) -> Option<MissingInterval> {
        if member.finished || self.start.is_none() {
            return None;
        }
        let heard = self.start.map_or(Duration::ZERO, |start| member.last_heard.saturating_sub(start));
        let from_s = member.applied.through_s;
        // It may have made requests until its lease had passed.
        let last = (heard + self.setup.lease).as_secs();
        let to_s = u32::try_from(last).unwrap_or(u32::MAX).saturating_add(1).max(from_s + 1);
        let announced = member.started().saturating_sub(member.applied.requests.ended());
        Some(MissingInterval { worker: member.hello.name.clone(), from_s, to_s, announced })
    }

    /// What a reader should know and no other part of the report says.
    fn notes(&self) -> Vec<String> {
        let elsewhere =
            |notice: &String| self.limit_notices.contains(notice) || self.unreported.contains(notice);
        let own = self.notices.iter().filter(|notice| !elsewhere(notice)).cloned();
        own.chain(self.other_client()).collect()
    }

    /// Which requests the native client did not make.
    fn other_client(&self) -> Option<String> {
        match self.setup.client {
            ClientChoice::Reqwest => Some("Every request was made by reqwest (--http-client reqwest).".to_owned()),
            ClientChoice::Auto => self.setup.plan.needs_reqwest().map(|why| {
                format!("Requests through a proxy were made by reqwest, which takes more CPU than the native client: {why}.")
            }),
            ClientChoice::Native => None,
        }
    }
}

/// Requests or iterations that a worker began.
struct Begun {
    /// In its batches.
    delivered: u64,
    /// Beyond these, in its heartbeats.
    announced: u64,
    ended: u64,
    /// What of `delivered` and `ended` belongs to the warm-up.
    warm: u64,
    warm_ended: u64,
}

impl Begun {
    /// How many began, and how many of these have no known end: what is measured, then the warm-up. What was only announced
    /// belongs to the latter if `warming`.
    fn by_part(&self, warming: bool) -> [(u64, u64); 2] {
        let measured = self.delivered.saturating_sub(self.warm) + if warming { 0 } else { self.announced };
        let warm = self.warm + if warming { self.announced } else { 0 };
        let measured_ended = self.ended.saturating_sub(self.warm_ended);
        [(measured, measured.saturating_sub(measured_ended)), (warm, warm.saturating_sub(self.warm_ended))]
    }
}

/// Iterations a worker began: by what it delivered, if that was everything.
fn iterations_begun(member: &Member) -> u64 {
    if member.finished { member.applied.iterations.begun } else { member.iterations_begun() }
}

fn worker_result(member: &Member) -> WorkerResult {
    let applied = &member.applied;
    WorkerResult {
        name: member.hello.name.clone(),
        state: member.state(),
        users_peak: member.users_peak,
        requests: applied.requests.completed().saturating_sub(applied.warmup.completed()),
        cpu_avg: (applied.seconds > 0).then(|| applied.cpu_ns as f64 / 1e9 / f64::from(applied.seconds)),
        cpu_max: applied.cpu_max,
        lag_p99: applied.lag.percentiles_ms(&[99.0]).first().copied(),
        lateness_p99: applied.lateness.percentiles_ms(&[99.0]).first().copied(),
        lost_at: member.lost_at.filter(|_| !member.finished),
        limits: applied.limit.all(),
    }
}
