//! Rules over windows: what each second counted and timed for them, and what came of every window of their length. Pure.
//!
//! A window is looked at as soon as its seconds are complete, and again when something of them comes late, until they are
//! older than late statistics may be; then only the worst of them is kept. So a rule costs its window and that time, however
//! long the run is. Times of a window come from its seconds' histograms, merged.
//!
//! A worker that was cut off may report several seconds as one. No window begins or ends within them: what happened in which
//! of them is not known.

use std::collections::{BTreeMap, BTreeSet};

use stampede_scenarios::threshold::{Clock, Metric, Rule, Scope};
use stampede_stats::counts::IterationCounts;
use stampede_stats::endpoint::{EndpointDelta, EndpointKey};
use stampede_stats::histogram::TimesDelta;
use stampede_stats::point_times::PointTimes;
use stampede_stats::snapshot::Snapshot;

use crate::rules::{Stretch, Sum, is_of, part};

/// Seconds for which late statistics still change what came of a window.
const LATE: u32 = 60;

/// Seconds beyond those in which a window waits for a worker that is behind all others.
const PATIENCE: u32 = 600;

/// Rows that a rule of `each` tells apart second by second; the rest is one row.
const MOST_ROWS: u32 = 256;

/// What the rules over windows have seen.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// The first whole second behind the warm-up.
    first_s: u32,
    tracks: Vec<Track>,
    /// By their number in the plan.
    watched: BTreeMap<usize, Watched>,
    /// The newest second that anybody reported, plus one.
    newest_s: u32,
    /// The oldest second that is still kept.
    kept_s: u32,
    /// Seconds that were reported together with the one before.
    joined: BTreeSet<u32>,
}

/// A window and what was measured in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    /// `None` without a sample.
    pub(super) value: Option<f64>,
    /// Its seconds.
    pub(super) stretch: Stretch,
}

/// The seconds of what one rule, or several, are of.
#[derive(Debug)]
struct Track {
    scope: Scope,
    /// Which times, if any.
    clock: Option<Clock>,
    seconds: BTreeMap<u32, Second>,
    /// Those whose histograms are still open.
    open: BTreeSet<u32>,
    /// Numbers of the rows of `each`; all others have only row 0.
    rows: BTreeMap<EndpointKey, u32>,
}

#[derive(Debug, Default)]
struct Second {
    rows: BTreeMap<u32, Cell>,
    iterations: IterationCounts,
}

#[derive(Debug, Default)]
struct Cell {
    completed: u64,
    failed: u64,
    times: PointTimes,
}

/// A rule and its windows.
#[derive(Debug)]
struct Watched {
    rule: Rule,
    track: usize,
    length_s: u32,
    /// The first window that is not final.
    next_s: u32,
    /// What came of it and those behind it, by their first second; `None` where a joined report is cut.
    values: BTreeMap<u32, Option<Window>>,
    newest: Option<Window>,
    /// Of those that are final.
    worst: Option<Window>,
}

impl Windows {
    /// For those of `rules` that have a window, from the first whole second behind the warm-up on.
    pub(super) fn new(rules: &[Rule], first_s: u32) -> Self {
        let mut windows = Self { first_s, kept_s: first_s, ..Self::default() };
        for (number, rule) in rules.iter().enumerate() {
            let Some(length) = rule.window else { continue };
            let length_s = u32::try_from(length.as_secs()).unwrap_or(u32::MAX).max(1);
            let track = windows.track(rule);
            let watched = Watched {
                rule: rule.clone(),
                track,
                length_s,
                next_s: first_s,
                values: BTreeMap::new(),
                newest: None,
                worst: None,
            };
            windows.watched.insert(number, watched);
        }
        windows
    }

    fn track(&mut self, rule: &Rule) -> usize {
        let clock = match rule.metric {
            Metric::Time(clock, _) => Some(clock),
            _ => None,
        };
        let known = self.tracks.iter().position(|track| track.scope == rule.scope && track.clock == clock);
        known.unwrap_or_else(|| {
            self.tracks.push(Track {
                scope: rule.scope.clone(),
                clock,
                seconds: BTreeMap::new(),
                open: BTreeSet::new(),
                rows: BTreeMap::new(),
            });
            self.tracks.len() - 1
        })
    }

    /// Takes in what a worker measured before the stop instant.
    pub(super) fn add(&mut self, snapshot: &Snapshot) {
        if self.watched.is_empty() {
            return;
        }
        let (from_s, to_s) = (snapshot.from_s, snapshot.to_s);
        self.newest_s = self.newest_s.max(to_s);
        self.joined.extend((from_s.max(self.kept_s)..to_s).filter(|second| *second > from_s));
        for watched in self.watched.values_mut() {
            watched.forget(from_s, to_s);
        }
        if from_s >= self.kept_s {
            self.tracks.iter_mut().for_each(|track| track.add(snapshot));
        }
    }

    /// Looks at the windows whose seconds lie before `watermark`, before which everybody has reported, and before the stop.
    pub(super) fn look(&mut self, watermark: u32, stop_s: u32) {
        let patient = watermark.max(self.newest_s.saturating_sub(LATE + PATIENCE));
        self.look_through(patient.min(stop_s), self.newest_s.saturating_sub(LATE));
    }

    /// Looks at all windows before the stop, as far as anybody has reported: nothing comes any more.
    pub(super) fn finish(&mut self, stop_s: u32) {
        self.look_through(self.newest_s.min(stop_s), u32::MAX);
    }

    fn look_through(&mut self, through_s: u32, final_s: u32) {
        let final_s = final_s.min(through_s);
        self.tracks.iter_mut().for_each(|track| track.close(through_s));
        for watched in self.watched.values_mut() {
            watched.look(&self.tracks[watched.track], through_s, &self.joined);
            watched.settle(final_s);
        }
        self.kept_s = self.watched.values().map(|watched| watched.next_s).min().unwrap_or(self.first_s);
        self.joined = self.joined.split_off(&self.kept_s);
        for track in &mut self.tracks {
            track.seconds = track.seconds.split_off(&self.kept_s);
            track.open = track.open.split_off(&self.kept_s);
        }
    }

    /// The newest window of a rule that was looked at.
    pub(super) fn newest(&self, rule: usize) -> Option<Window> {
        self.watched.get(&rule)?.newest
    }

    /// The worst window of a rule so far, the first of them.
    pub(super) fn worst(&self, rule: usize) -> Option<Window> {
        self.watched.get(&rule)?.worst()
    }
}

impl Track {
    fn add(&mut self, snapshot: &Snapshot) {
        let second = self.seconds.entry(snapshot.from_s).or_default();
        second.iterations.add(&snapshot.iterations);
        for (key, delta) in snapshot.endpoints.iter().filter(|(key, _)| is_of(&self.scope, key)) {
            let row = match (&self.scope, self.rows.get(key)) {
                (Scope::Each, Some(row)) => *row,
                (Scope::Each, None) => {
                    let row = u32::try_from(self.rows.len()).unwrap_or(MOST_ROWS);
                    if row < MOST_ROWS {
                        self.rows.insert(key.clone(), row);
                    }
                    row
                }
                _ => 0,
            };
            let cell = second.rows.entry(row).or_default();
            cell.completed = cell.completed.saturating_add(delta.counts.completed());
            cell.failed = cell.failed.saturating_add(delta.counts.failed);
            let Some(clock) = self.clock else { continue };
            times(&self.scope, clock, delta).into_iter().flatten().for_each(|times| cell.times.merge(times));
            self.open.insert(snapshot.from_s);
        }
    }

    /// Packs the histograms of the seconds before `through_s`.
    fn close(&mut self, through_s: u32) {
        let open = self.open.split_off(&through_s);
        for second in std::mem::replace(&mut self.open, open) {
            let cells = self.seconds.get_mut(&second).into_iter().flat_map(|second| second.rows.values_mut());
            cells.for_each(|cell| cell.times.close());
        }
    }

    /// What a rule is compared with over some seconds.
    fn value(&self, rule: &Rule, from_s: u32, to_s: u32) -> Option<f64> {
        let seconds = || self.seconds.range(from_s..to_s).map(|(_, second)| second);
        let mut iterations = IterationCounts::default();
        match rule.metric {
            Metric::Dropped | Metric::IterationErrorRate => {
                seconds().for_each(|second| iterations.add(&second.iterations));
            }
            _ => {}
        }
        match rule.metric {
            Metric::Dropped => return Some(iterations.dropped as f64),
            Metric::IterationErrorRate => return part(iterations.failed, iterations.ended()),
            _ => {}
        }
        let mut sum = Sum::of(rule.metric);
        let last = u32::try_from(self.rows.len()).unwrap_or(MOST_ROWS);
        let values = (0..=last).filter_map(|row| {
            sum.clear();
            for cell in seconds().filter_map(|second| second.rows.get(&row)) {
                sum.completed = sum.completed.saturating_add(cell.completed);
                sum.failed = sum.failed.saturating_add(cell.failed);
                if self.clock.is_some() {
                    sum.times.merge(&cell.times.unpack());
                }
            }
            (sum.rated.requests, sum.rated.failures) = (sum.completed, sum.failed);
            let is_there = sum.completed > 0 || rule.scope != Scope::Each;
            sum.value(rule.metric, f64::from(to_s - from_s)).filter(|_| is_there)
        });
        values.reduce(|a, b| rule.worse(a, b))
    }
}

/// The times of a row that a rule is of.
fn times<'a>(scope: &Scope, clock: Clock, delta: &'a EndpointDelta) -> [Option<&'a TimesDelta>; 2] {
    match clock {
        Clock::Response => [Some(&delta.ok), (*scope != Scope::Ok).then_some(&delta.failed)],
        Clock::FirstByte => [Some(&delta.ttfb), None],
        Clock::Service => [Some(&delta.service), None],
    }
}

impl Watched {
    /// What came of windows that have one of these seconds is to be looked at again.
    fn forget(&mut self, from_s: u32, to_s: u32) {
        let length_s = self.length_s;
        if self.values.last_key_value().is_some_and(|(last, _)| last.saturating_add(length_s) > from_s) {
            self.values.retain(|first, _| *first >= to_s || first.saturating_add(length_s) <= from_s);
        }
    }

    fn look(&mut self, track: &Track, through_s: u32, joined: &BTreeSet<u32>) {
        let Some(last) = through_s.checked_sub(self.length_s).filter(|last| *last >= self.next_s) else {
            return;
        };
        for from_s in self.next_s..=last {
            if self.values.contains_key(&from_s) {
                continue;
            }
            let to_s = from_s + self.length_s;
            let is_whole = !joined.contains(&from_s) && !joined.contains(&to_s);
            let window = is_whole.then(|| Window {
                value: track.value(&self.rule, from_s, to_s),
                stretch: Stretch { from_s, to_s },
            });
            self.values.insert(from_s, window);
        }
        let newest = self.windows().next_back();
        self.newest = newest.or(self.newest);
    }

    /// Windows that end at or before `final_s` do not change any more.
    fn settle(&mut self, final_s: u32) {
        while let Some(first) = self.values.first_entry()
            && first.key().saturating_add(self.length_s) <= final_s
        {
            let (from_s, window) = first.remove_entry();
            self.next_s = from_s + 1;
            self.worst = self.worst.into_iter().chain(window).reduce(|a, b| self.worse(a, b));
        }
    }

    fn windows(&self) -> impl DoubleEndedIterator<Item = Window> {
        self.values.values().filter_map(|window| *window)
    }

    fn worst(&self) -> Option<Window> {
        self.worst.into_iter().chain(self.windows()).reduce(|a, b| self.worse(a, b))
    }

    /// The worse one of two windows; the first of equals. A window without a sample does not hold, whatever the rule.
    fn worse(&self, a: Window, b: Window) -> Window {
        match (a.value, b.value) {
            (None, _) => a,
            (_, None) => b,
            #[expect(clippy::float_cmp, reason = "it is one of the two, unchanged")]
            (Some(x), Some(y)) => {
                if self.rule.worse(x, y) == x {
                    a
                } else {
                    b
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
