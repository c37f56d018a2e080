//! Whether a run passed, and the sentence that says so: what failed first, then what was done.
//!
//! Passed means what exit code 0 means: at least one request, none failed, no failed iteration, every sample there, and not
//! cut off by a second Ctrl-C. Exit codes are made elsewhere.

use std::collections::BTreeMap;

use super::judged::{ended_run, measured};
use super::model::{AccountingReport, Judgement, Report};
use super::text::{Place, count_of, figure, percent, safe_cut};
use crate::result::RunResult;

/// Failure kinds that the sentence names.
const MAX_KINDS: usize = 4;

/// Columns of a rule in the sentence.
const MAX_RULE: usize = 160;

/// Columns of a worker's name in the sentence.
const MAX_WORKER: usize = 40;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether at least one request was made, neither a request nor an iteration failed, and nothing is missing.
    pub passed: bool,
    /// Whether every sample is in the result.
    pub complete: bool,
    /// One line for a terminal, with `Stampede: passed.` or `Stampede: failed.` in front.
    pub sentence: String,
}

/// The verdict of a run. Whoever has its report already asks [`Report::verdict`].
pub fn verdict(result: &RunResult) -> Verdict {
    Report::from_result(result).verdict()
}

/// The rule.
pub(super) fn judge(accounting: &AccountingReport, result: &RunResult) -> Judgement {
    let requests = accounting.ok + accounting.failed;
    let all_ok = requests > 0
        && accounting.failed == 0
        && accounting.iterations.failed == 0
        // An iteration with a `fail` step has failed; one in `on_start` or `on_stop` is in no iteration.
        && result.totals.task_failures() == 0;
    let whole = result.is_complete() && !result.aborted;
    // Rules say what failed means, where there are any.
    let all_ok = result.holds().unwrap_or(all_ok);
    if all_ok && whole { Judgement::Passed } else { Judgement::Failed }
}

impl Report {
    /// The verdict with its sentence.
    pub fn verdict(&self) -> Verdict {
        let mut sentences = vec![format!("Stampede: {}.", self.run.verdict.as_str())];
        sentences.extend(self.search.iter().map(|search| search.sentence.clone()));
        sentences.extend(what_broke(self));
        sentences.extend(what_failed(self));
        sentences.extend(what_cut_it_short(self));
        sentences.extend(what_is_missing(self));
        sentences.push(what_was_done(self));
        Verdict {
            passed: self.run.verdict == Judgement::Passed,
            complete: self.run.complete,
            sentence: sentences.join(" "),
        }
    }
}

/// The rules that do not hold, by name the one that ended the run, else the first of them.
fn what_broke(report: &Report) -> Option<String> {
    let broken = || report.thresholds.iter().filter(|rule| !rule.passed);
    let first = broken().find(|rule| rule.ended_at_s.is_some()).or_else(|| broken().next())?;
    let (all, broken) = (report.thresholds.len(), broken().count());
    let ended = ended_run(first).replacen(", ended", ", and ended", 1);
    let shown = format!("{}, measured {}", first.rule, measured(first));
    let shown = safe_cut(&shown, Place::Line, MAX_RULE);
    let of = if all == 1 {
        "The rule does not hold".to_owned()
    } else {
        format!("{broken} of {all} rules do not hold")
    };
    Some(format!("{of}: {shown}{ended}."))
}

fn what_failed(report: &Report) -> Option<String> {
    let accounting = &report.accounting;
    let requests = accounting.ok + accounting.failed;
    if accounting.failed > 0 {
        let share = percent(accounting.failed, requests);
        let of = count_of(requests, "request", "requests");
        return Some(format!("{} of {of} failed ({share}){}.", accounting.failed, kinds(report)));
    }
    if accounting.iterations.failed > 0 {
        let of = count_of(accounting.iterations.begun, "iteration", "iterations");
        return Some(format!("{} of {of} failed.", accounting.iterations.failed));
    }
    let on_tasks: u64 = report.errors.iter().filter(|error| error.row == "task").map(|e| e.count).sum();
    if on_tasks > 0 {
        return Some(format!("{} booked by fail steps.", count_of(on_tasks, "failure", "failures")));
    }
    if requests > 0 {
        return None;
    }
    Some(match accounting.started {
        0 if accounting.warmup.started > 0 => "No request was made after the warm-up.".to_owned(),
        0 => "No request was made.".to_owned(),
        started => {
            format!("No request came to its end; {started} begun, {} cancelled.", accounting.cancelled)
        }
    })
}

/// `: 86 closed, 28 status`, most frequent first.
fn kinds(report: &Report) -> String {
    let mut by_kind = BTreeMap::<&str, u64>::new();
    for failure in report.errors.iter().filter(|failure| failure.row == "request") {
        *by_kind.entry(&failure.kind).or_default() += failure.count;
    }
    let mut by_kind: Vec<_> = by_kind.into_iter().collect();
    by_kind.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest: u64 = by_kind.iter().skip(MAX_KINDS).map(|(_, count)| count).sum();
    let mut parts: Vec<_> =
        by_kind.iter().take(MAX_KINDS).map(|(kind, count)| format!("{count} {kind}")).collect();
    if rest > 0 {
        parts.push(format!("{rest} of other kinds"));
    }
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

fn what_cut_it_short(report: &Report) -> Option<String> {
    if report.run.aborted {
        return Some("Stopped at once, without waiting for users to finish.".to_owned());
    }
    (report.run.stop_reason == "no_workers").then(|| "No worker was left.".to_owned())
}

fn what_is_missing(report: &Report) -> Option<String> {
    if report.run.complete {
        return None;
    }
    let mut workers = Vec::new();
    for missing in &report.accounting.missing_intervals {
        let name = safe_cut(&missing.worker, Place::Line, MAX_WORKER);
        if !workers.contains(&name) {
            workers.push(name);
        }
    }
    let whose = match workers.as_slice() {
        [] => "samples".to_owned(),
        [one] => format!("samples of worker {one}"),
        [one, two] => format!("samples of workers {one} and {two}"),
        [one, two, rest @ ..] => format!("samples of workers {one}, {two} and {} more", rest.len()),
    };
    let unknown = match report.accounting.unknown {
        0 => String::new(),
        n => format!("; what became of {} is unknown", count_of(n, "request", "requests")),
    };
    Some(format!("Incomplete: {whose} are missing{unknown}."))
}

fn what_was_done(report: &Report) -> String {
    let requests = count_of(report.totals.requests, "request", "requests");
    let rate = report.totals.rps.map(|rps| format!(", {} req/s", figure(rps))).unwrap_or_default();
    let p95 = report.totals.percentiles_ms.p95;
    let p95 = p95.map(|p95| format!(", p95 {} ms", figure(p95))).unwrap_or_default();
    let warmup =
        report.run.warmup_s.map(|warmup| format!(" after a warm-up of {warmup} s")).unwrap_or_default();
    format!(
        "{requests} in {:.1} s{warmup}{rate}{p95}; {}, {}, seed {}.",
        report.run.duration_s,
        count_of(u64::from(report.run.users_peak), "user", "users"),
        count_of(report.workers.len() as u64, "worker", "workers"),
        report.run.seed
    )
}
