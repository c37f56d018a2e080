//! The search while the test runs: sets the rate, waits until its seconds are complete, and judges them.
//!
//! A try counts from a while after the rate has changed to a whole number of seconds later; what lies before it is there for the
//! target to settle. Behind one that broke, the first rate is held for a while, so that what queued up can drain. Only seconds
//! for which every worker has reported are judged.

use std::collections::BTreeMap;
use std::time::Duration;

use stampede_scenarios::describe::per_second;
use stampede_scenarios::plan::SearchPlan;
use stampede_scenarios::rate::Rate;
use stampede_stats::counts::IterationCounts;
use stampede_stats::endpoint::{EndpointDelta, EndpointKey, EndpointStats};
use stampede_stats::snapshot::Snapshot;
use stampede_stats::totals::{MAX_ENDPOINTS, change_rows};

use super::input::Effect;
use super::search::{Bounds, Came, Ending, Next, Search};
use super::state::Run;
use crate::result::{InWindow, SearchResult, SearchTry, StopReason};
use crate::rules::{Seen, judge};

/// The part of a try that is left to the target to settle: a fifth of it, and between these.
const SETTLING: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// How long the target settles before a try counts.
fn settling(plan: &SearchPlan) -> Duration {
    (plan.hold / 5).clamp(SETTLING.0, SETTLING.1)
}

/// The highest rate that is ever tried, a second.
const FASTEST: u64 = 10_000_000;

/// A search and what it has seen.
#[derive(Debug)]
pub(super) struct Searching {
    search: Search,
    /// Steps that are one arrival a second.
    one: u64,
    trying: Trying,
    tries: Vec<SearchTry>,
    ending: Option<Ending>,
}

/// The rate that is tried now.
#[derive(Debug, Default)]
struct Trying {
    verifies: bool,
    /// Run seconds that count, first and behind the last.
    from_s: u32,
    to_s: u32,
    /// What came in of them.
    rows: BTreeMap<EndpointKey, EndpointDelta>,
    iterations: IterationCounts,
}

impl Trying {
    /// A try from run time `at` on.
    fn new(at: Duration, plan: &SearchPlan, verifies: bool) -> Self {
        let whole = if verifies { plan.verify } else { plan.hold };
        let settling = settling(plan);
        let from = at + settling;
        let second = |t: Duration| u32::try_from(t.as_secs()).unwrap_or(u32::MAX);
        let from_s = second(from).saturating_add(u32::from(from.subsec_nanos() > 0));
        let seconds = second(whole.saturating_sub(settling)).max(1);
        Self { verifies, from_s, to_s: from_s.saturating_add(seconds), ..Self::default() }
    }

    fn keep(&mut self, snapshot: &Snapshot) {
        if snapshot.from_s >= self.from_s && snapshot.to_s <= self.to_s {
            let merge = EndpointDelta::merge;
            change_rows(&mut self.rows, &snapshot.endpoints, MAX_ENDPOINTS, EndpointKey::other_of, merge);
            self.iterations.add(&snapshot.iterations);
        }
    }
}

impl Run {
    /// Whether the load is set by a search.
    pub(super) fn is_searching(&self) -> bool {
        self.searching.is_some()
    }

    /// The first rate is under way from run time zero on, where a search is asked for, and counts from the end of the warm-up.
    pub(super) fn begin_search(&mut self) {
        let Some(open) = &self.setup.plan.load.open else { return };
        let Some(plan) = &open.search else { return };
        let one = open.rate.denominator();
        let steps = |rate: Rate| {
            let rate = open.rate.fitted(rate);
            rate.num() * (one / rate.den())
        };
        let bounds = Bounds {
            from: steps(plan.from),
            to: plan.to.map_or(FASTEST.saturating_mul(one), steps),
            factor: plan.factor,
            precision: plan.precision,
            one,
        };
        // What users do in the warm-up is in no rule.
        let trying = Trying::new(self.setup.plan.load.warmup, plan, false);
        let search = Search::new(bounds);
        self.searching = Some(Searching { search, one, trying, tries: Vec::new(), ending: None });
    }

    /// Takes what a worker measured, where it is of the try under way.
    pub(super) fn keep_for_search(&mut self, snapshot: &Snapshot) {
        if let Some(searching) = self.searching.as_mut().filter(|searching| searching.ending.is_none()) {
            searching.trying.keep(snapshot);
        }
    }

    /// What is tried now, for the screen.
    pub(super) fn search_view(&self) -> Option<String> {
        let searching = self.searching.as_ref().filter(|searching| searching.ending.is_none())?;
        let rate = per_second(searching.search.now() as f64 / searching.one as f64);
        Some(if searching.trying.verifies {
            format!("verifying {rate}")
        } else {
            format!("try {} at {rate}", searching.tries.len() + 1)
        })
    }

    /// Judges the try under way once its seconds are complete, and goes on to the next.
    pub(super) fn search_on(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let Some(mut searching) = self.searching.take() else { return };
        let done = searching.ending.is_none() && self.watermark >= searching.trying.to_s;
        let next = done.then(|| self.judge_try(&mut searching));
        self.searching = Some(searching);
        let Some((next, said)) = next else { return };
        self.unreported.push(said.clone());
        self.note(said, effects);
        match next {
            Next::Try(steps) => self.try_rate(steps, false, now),
            Next::Verify(steps) => self.try_rate(steps, true, now),
            Next::Over(ending) => {
                if let Some(searching) = &mut self.searching {
                    searching.ending = Some(ending);
                }
                self.end(StopReason::Profile, now, effects);
            }
        }
    }

    fn try_rate(&mut self, steps: u64, verifies: bool, now: Duration) {
        let mut at = self.rate_change_at(now);
        let plan = self.setup.plan.load.open.as_ref().and_then(|open| open.search.clone());
        let (Some(plan), Some(searching)) = (plan, &self.searching) else { return };
        let (one, broke) = (searching.one, searching.tries.last().is_some_and(|last| !last.held));
        if broke {
            // What queued up at a target that had too much cannot drain at a rate near to what it takes.
            self.hold_rate(at, plan.from);
            at += settling(&plan) * 2;
        }
        if let Some(rate) = Rate::new(steps, one) {
            self.hold_rate(at, rate);
        }
        if let Some(searching) = &mut self.searching {
            searching.trying = Trying::new(at, &plan, verifies);
        }
    }

    /// What came of the seconds of a try; what is next, and how it is said.
    fn judge_try(&self, searching: &mut Searching) -> (Next, String) {
        let Trying { verifies, from_s, to_s, rows, iterations } = std::mem::take(&mut searching.trying);
        let rate = searching.search.now() as f64 / searching.one as f64;
        let stats: BTreeMap<_, _> = rows
            .iter()
            .map(|(key, delta)| {
                let mut stats = EndpointStats::<u64>::default();
                stats.merge(delta);
                (key.clone(), stats)
            })
            .collect();
        let in_window: BTreeMap<_, _> =
            stats.iter().map(|(key, row)| (key.clone(), InWindow::of(&row.counts))).collect();
        let seconds = f64::from(to_s - from_s);
        let dropped = iterations.dropped;
        let seen = Seen { rows: &stats, in_window: &in_window, seconds, iterations, dropped };
        let open = self.setup.plan.load.open.as_ref();
        let rules = open.and_then(|open| open.search.as_ref()).map_or(&[][..], |plan| &plan.thresholds);
        let rules: Vec<_> = rules.iter().map(|rule| judge(rule, &seen)).collect();
        let broke =
            rules.iter().find(|rule| !rule.passed).map(|rule| format!("{}: {}", rule.rule, rule.shown));
        let (came, why) = match (self.limited_in(from_s, to_s), broke) {
            (Some(worker), _) => (Came::Limited, Some(format!("worker {worker} was at its own limit"))),
            (None, Some(broke)) => (Came::Broke, Some(broke)),
            (None, None) if dropped > 0 => {
                let most = open.map_or(0, |open| open.max_users);
                (Came::Broke, Some(format!("{dropped} arrivals dropped: none of {most} users was free")))
            }
            (None, None) => (Came::Held, None),
        };
        let next = searching.search.came(came);
        let what = if verifies { "verified at" } else { "tried at" };
        let how = why.as_ref().map_or_else(|| "every rule holds".to_owned(), Clone::clone);
        let said = format!("search: {what} {}; {how}", per_second(rate));
        searching.tries.push(SearchTry {
            rate,
            verifies,
            from_s,
            to_s,
            requests: in_window
                .iter()
                .filter(|(key, _)| key.is_total())
                .map(|(_, window)| window.requests)
                .sum(),
            dropped,
            rules,
            held: came == Came::Held,
            why,
        });
        (next, said)
    }

    /// A worker that was at its own limit in these seconds.
    fn limited_in(&self, from_s: u32, to_s: u32) -> Option<&str> {
        let members = self.crew.iter().map(|worker| &self.members[*worker]);
        let mut limited = members.filter(|member| {
            member.applied.limit.all().iter().any(|limit| limit.from_s < to_s && limit.to_s > from_s)
        });
        limited.next().map(|member| member.hello.name.as_str())
    }

    /// What the search came to.
    pub(super) fn search_result(&self) -> Option<SearchResult> {
        let Searching { search, one, tries, ending, .. } = self.searching.as_ref()?;
        let shown = |steps: u64| steps as f64 / *one as f64;
        let best = search.held().map(shown);
        let at = |rate: Option<f64>| rate.map_or_else(|| "none".to_owned(), per_second);
        let (found, verified, sentence) = match ending {
            Some(Ending::Found(steps)) => {
                let rate = shown(*steps);
                (
                    Some(rate),
                    true,
                    format!("The highest rate at which every rule held is {}.", per_second(rate)),
                )
            }
            Some(Ending::Nothing) => {
                let first = tries.first().map_or(0.0, |first| first.rate);
                (None, false, format!("Not even {} holds every rule.", per_second(first)))
            }
            Some(Ending::Unsteady) => (None, false, "No rate held when it was tried for longer.".to_owned()),
            Some(Ending::Limited) => {
                let text =
                    "The load generator was the limit, not the target; the highest rate that held before is";
                (best, false, format!("{text} {}.", at(best)))
            }
            None => {
                let text = "The search was ended before it was through; the highest rate that held so far is";
                (best, false, format!("{text} {}.", at(best)))
            }
        };
        Some(SearchResult { found, verified, sentence, tries: tries.clone() })
    }
}
