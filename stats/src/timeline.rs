//! The course of a run in a bounded number of points: when they are full, neighbours merge and the step doubles.
//!
//! Points keep their recorded values, so the percentiles of a merged point are those of its merged histogram.

use std::collections::VecDeque;

use crate::endpoint::EndpointDelta;
use crate::point_times::PointTimes;

/// Points kept at most. At one a second the step stays one second for 20 minutes.
pub const MAX_POINTS: usize = 1200;

/// Points whose times are open for more. Those touched last: each takes some 150 KB.
const MAX_OPEN: usize = 16;

/// The same of a [`Timeline::short`]: the second that is reported now, and the one before it.
const FEW_OPEN: usize = 2;

/// What happened from `t_s` on, for one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Point {
    /// Requests completed.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Bytes of response bodies.
    pub bytes_in: u64,
    /// Bytes of response heads and of what frames bodies, as far as they were counted.
    pub head_bytes_in: u64,
    /// Bytes of request bodies.
    pub bytes_out: u64,
    /// Response times of the completed ones.
    pub times: PointTimes,
    /// Arrivals begun; 0 where nothing arrives.
    pub arrivals: u64,
    /// Users alive at the end of the step.
    pub users: u64,
    /// Users the profile asked for at the end of the step.
    pub planned_users: u64,
    /// Requests in flight at the end of the step.
    pub in_flight: u64,
    /// Whether something was added after the point had been shown as complete.
    pub late: bool,
    /// Run seconds that were really observed.
    pub seconds: u32,
}

impl Point {
    /// Adds what a worker counted and timed of a row.
    pub fn add(&mut self, delta: &EndpointDelta) {
        let counts = &delta.counts;
        self.requests = self.requests.saturating_add(counts.completed());
        self.failures = self.failures.saturating_add(counts.failed);
        self.bytes_in = self.bytes_in.saturating_add(counts.bytes_in);
        self.head_bytes_in = self.head_bytes_in.saturating_add(counts.head_bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(counts.bytes_out);
        self.times.merge(&delta.ok);
        self.times.merge(&delta.failed);
    }

    /// Adds what was counted and timed; gauges stay.
    fn add_counts(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failures = self.failures.saturating_add(other.failures);
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.head_bytes_in = self.head_bytes_in.saturating_add(other.head_bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
        self.arrivals = self.arrivals.saturating_add(other.arrivals);
        self.times.merge(&other.times.unpack());
    }

    fn merge_next(&mut self, next: &Self) {
        self.add_counts(next);
        self.times.close();
        if next.seconds > 0 {
            self.users = next.users;
            self.planned_users = next.planned_users;
            self.in_flight = next.in_flight;
        }
        self.late |= next.late;
        self.seconds = self.seconds.saturating_add(next.seconds);
    }
}

/// A run's points, all of the same step.
#[derive(Debug, Clone)]
pub struct Timeline {
    step_s: u32,
    max_points: usize,
    max_open: usize,
    points: Vec<Point>,
    /// Indices of points that may be open, the one touched first in front.
    open: VecDeque<usize>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new(MAX_POINTS, MAX_OPEN)
    }
}

impl Timeline {
    fn new(max_points: usize, max_open: usize) -> Self {
        Self { step_s: 1, max_points, max_open, points: Vec::new(), open: VecDeque::new() }
    }

    /// A course in at most so many points (at least two): for one row of many, where memory counts.
    pub fn short(max_points: usize) -> Self {
        Self::new(max_points.max(2), FEW_OPEN)
    }

    /// Adds the counts and times of `other`; gauges and observed seconds are left alone.
    pub fn absorb(&mut self, other: &Self) {
        while self.step_s < other.step_s {
            self.halve();
        }
        for (t, point) in other.points().filter(|(_, point)| point.requests > 0) {
            self.at(t).add_counts(point);
        }
    }

    /// Seconds from point to point.
    pub fn step_s(&self) -> u32 {
        self.step_s
    }

    /// The points with the run second each begins at.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = (u32, &Point)> + ExactSizeIterator {
        self.points.iter().enumerate().map(|(index, point)| {
            (u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(self.step_s), point)
        })
    }

    /// The point that run second `second` belongs to.
    pub fn at(&mut self, second: u32) -> &mut Point {
        while (second / self.step_s) as usize >= self.max_points {
            self.halve();
        }
        let index = (second / self.step_s) as usize;
        if index >= self.points.len() {
            self.points.resize_with(index + 1, Point::default);
        }
        if self.open.back() != Some(&index) {
            self.touch(index);
        }
        &mut self.points[index]
    }

    /// `index` is the point touched last; the one touched longest ago is closed when there are too many.
    fn touch(&mut self, index: usize) {
        self.open.retain(|open| *open != index);
        if self.open.len() == self.max_open
            && let Some(point) = self.open.pop_front().and_then(|index| self.points.get_mut(index))
        {
            point.times.close();
        }
        self.open.push_back(index);
    }

    fn halve(&mut self) {
        self.points.iter_mut().for_each(|point| point.times.close());
        self.open.clear();
        self.points = self
            .points
            .chunks(2)
            .map(|pair| {
                let mut merged = pair[0].clone();
                pair.iter().skip(1).for_each(|next| merged.merge_next(next));
                merged
            })
            .collect();
        self.step_s *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::{TIMES_DIGITS, Times};

    #[test]
    fn a_long_run_keeps_every_count_in_few_points() {
        let mut timeline = Timeline::default();
        for second in 0..100_000 {
            let point = timeline.at(second);
            point.requests += 3;
            point.seconds += 1;
            point.users = u64::from(second);
        }
        assert!(timeline.points().len() <= MAX_POINTS);
        assert_eq!(timeline.points().map(|(_, p)| p.requests).sum::<u64>(), 300_000);
        assert_eq!(timeline.step_s(), 128);
        let (t, last) = timeline.points().last().expect("has points");
        assert_eq!((t, last.users), (99_968, 99_999));
    }

    #[test]
    fn courses_of_different_steps_add_up() {
        let mut recorded = Times::<u32>::new(TIMES_DIGITS);
        recorded.record(5_000_000);
        let row = |seconds: std::ops::Range<u32>| {
            let mut timeline = Timeline::short(60);
            for second in seconds {
                let point = timeline.at(second);
                point.requests += 1;
                point.times.merge(&recorded.delta());
            }
            timeline
        };
        let rows = [row(0..10), row(0..500), row(100..130)];
        assert_eq!(rows.each_ref().map(Timeline::step_s), [1, 16, 4]);
        let mut all = Timeline::short(60);
        for row in &rows {
            all.absorb(row);
        }
        assert_eq!((all.step_s(), all.points().len()), (16, 32));
        assert_eq!(all.points().map(|(_, point)| point.requests).sum::<u64>(), 540);
        assert_eq!(all.points().map(|(_, point)| point.times.exact().count).sum::<u64>(), 540);
        assert_eq!(all.points().next().map(|(_, point)| point.requests), Some(26));
    }

    #[test]
    fn only_the_points_touched_last_are_open() {
        let mut recorded = Times::<u32>::new(TIMES_DIGITS);
        recorded.record(5_000_000);
        let mut timeline = Timeline::default();
        for second in (0..100).chain([3, 99, 50]) {
            timeline.at(second).times.merge(&recorded.delta());
        }
        assert_eq!(timeline.open.len(), MAX_OPEN);
        assert!(timeline.open.iter().rev().take(3).eq(&[50, 99, 3]));
        assert_eq!(timeline.points().map(|(_, point)| point.times.exact().count).sum::<u64>(), 103);
        timeline.at(5000);
        let kept: u64 = timeline.points().map(|(_, point)| point.times.exact().count).sum();
        assert_eq!((kept, timeline.open.len()), (103, 1), "points that merge are closed first");
    }

    #[test]
    fn a_late_second_finds_its_point() {
        let mut timeline = Timeline::default();
        timeline.at(5000).requests = 1;
        timeline.at(3).requests += 1;
        assert_eq!(timeline.points().next().map(|(t, p)| (t, p.requests)), Some((0, 1)));
    }
}
