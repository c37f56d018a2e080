//! The rules of the test: looked at once a second while it runs, and judged when it is over. One that says so ends the run.

use std::time::Duration;

use stampede_scenarios::threshold::Rule;

use super::input::Effect;
use super::state::Run;
use super::windows::{Window, Windows};
use crate::format;
use crate::result::StopReason;
use crate::rules::{Judged, Seen, judge, judge_value, samples};
use crate::view::{Phase, ThresholdRow};

/// No rule ends the run before so many seconds behind the warm-up.
const NOT_BEFORE: u32 = 10;

/// And before there are so many samples of what it is of.
const FEWEST: u64 = 100;

/// What the rules have seen so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    windows: Windows,
    /// The watermark when they were last looked at.
    looked_at: u32,
    /// The rule that ended the run, by its number, and how it stood then.
    ended_by: Option<(usize, Judged)>,
}

impl Watch {
    /// For the rules of a test with this warm-up.
    pub(super) fn new(rules: &[Rule], warmup: Duration) -> Self {
        Self { windows: Windows::new(rules, whole_second_behind(warmup)), ..Self::default() }
    }

    /// Takes in what a worker measured before the stop instant.
    pub(super) fn add(&mut self, snapshot: &stampede_stats::snapshot::Snapshot) {
        self.windows.add(snapshot);
    }
}

fn whole_second_behind(warmup: Duration) -> u32 {
    second(warmup).saturating_add(u32::from(warmup.subsec_nanos() > 0))
}

fn second(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

impl Run {
    /// Looks at the rules when another second is complete. Where one breaks that ends the run, the run ends.
    pub(super) fn watch_rules(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.watch.looked_at == self.watermark || self.setup.plan.thresholds.is_empty() {
            return;
        }
        self.watch.looked_at = self.watermark;
        let stop_s = self.stop.map_or(u32::MAX, |stop| second(stop.at));
        self.watch.windows.look(self.watermark, stop_s);
        if matches!(self.phase, Phase::Ramping | Phase::Steady)
            && let Some((number, judged)) = self.broken_for_good()
        {
            let at = self.run_time(now);
            let text =
                format!("{}, at {}: measured {}; the run ends", judged.rule, format::clock(at), judged.shown);
            self.watch.ended_by = Some((number, Judged { ended_at: Some(at), ..judged }));
            self.note(format!("threshold: {text}"), effects);
            self.end(StopReason::Threshold, now, effects);
        }
    }

    /// The first rule that ends the run and does not hold.
    fn broken_for_good(&self) -> Option<(usize, Judged)> {
        let rules = &self.setup.plan.thresholds;
        let behind = whole_second_behind(self.setup.plan.load.warmup).saturating_add(NOT_BEFORE);
        if self.watermark < behind || !rules.iter().any(|rule| rule.or_stop) {
            return None;
        }
        self.seen(|seen| {
            let ending = rules.iter().enumerate().filter(|(_, rule)| rule.or_stop);
            let enough = ending.filter(|(_, rule)| samples(rule, seen) >= FEWEST);
            let mut judged = enough.filter_map(|(number, rule)| match rule.window {
                None => Some((number, judge(rule, seen))),
                Some(_) => Some((number, of_window(rule, self.watch.windows.newest(number)?))),
            });
            judged.find(|(_, judged)| !judged.passed)
        })
    }

    /// What was measured behind the warm-up so far.
    fn seen<T>(&self, look: impl FnOnce(&Seen<'_>) -> T) -> T {
        let merged = &self.merged;
        let until = self.stop.map_or(Duration::from_secs(self.watermark.into()), |stop| stop.at);
        look(&Seen {
            rows: &merged.totals.endpoints,
            in_window: &merged.in_window,
            seconds: until.saturating_sub(self.setup.plan.load.warmup).as_secs_f64(),
            iterations: merged.totals.iterations,
            dropped: self.accounting().dropped,
        })
    }

    /// Everything that can be there is there.
    pub(super) fn settle_rules(&mut self) {
        let stop_s = self.stop.map_or(0, |stop| second(stop.at));
        self.watch.windows.finish(stop_s);
    }

    /// The rules of the test over the whole run, or what there is of it so far: the worst window of those that have one.
    pub(super) fn judged(&self) -> Vec<Judged> {
        let rules = &self.setup.plan.thresholds;
        if rules.is_empty() {
            return Vec::new();
        }
        self.seen(|seen| {
            let numbered = rules.iter().enumerate();
            numbered.map(|(number, rule)| self.judge_one(number, rule, seen)).collect()
        })
    }

    fn judge_one(&self, number: usize, rule: &Rule, seen: &Seen<'_>) -> Judged {
        if let Some((_, judged)) = self.watch.ended_by.as_ref().filter(|(by, _)| *by == number) {
            // What came in afterwards does not make it hold.
            return judged.clone();
        }
        // A run that is shorter than a window is one.
        self.watch.windows.worst(number).map_or_else(|| judge(rule, seen), |worst| of_window(rule, worst))
    }

    /// The rules as they stand now: the newest window of those that have one, and what has broken before.
    pub(super) fn threshold_rows(&self) -> Vec<ThresholdRow> {
        let worst = self.judged();
        let rules = worst.into_iter().zip(&self.setup.plan.thresholds).enumerate();
        rules.map(|(number, (worst, rule))| self.threshold_row(number, rule, worst)).collect()
    }

    fn threshold_row(&self, number: usize, rule: &Rule, worst: Judged) -> ThresholdRow {
        let windows = &self.watch.windows;
        let is_over = self.phase == Phase::Finished;
        let has_broken = worst.window.is_some() && !worst.passed;
        let broken = has_broken.then(|| worst.shown.clone());
        let shown = match (rule.window, windows.newest(number)) {
            (Some(_), Some(newest)) if !is_over => of_window(rule, newest),
            (Some(_), None) if !is_over => {
                let shown = "no window yet".to_owned();
                Judged { observed: None, shown, margin: None, room: String::new(), ..worst }
            }
            _ => worst,
        };
        ThresholdRow {
            // A window without a sample does not hold; before the first one nothing is known.
            holds: (shown.observed.is_some() || shown.window.is_some()).then_some(shown.passed),
            rule: shown.rule,
            shown: shown.shown,
            margin: shown.margin,
            stops: rule.or_stop,
            broken,
        }
    }
}

fn of_window(rule: &Rule, window: Window) -> Judged {
    judge_value(rule, window.value, Some(window.stretch))
}
