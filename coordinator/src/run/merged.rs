//! Everything the workers delivered, merged: totals, the course, what completed before the stop instant.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use stampede_scenarios::profile::Profile;
use stampede_stats::endpoint::{EndpointDelta, EndpointKey, Part, RowKind};
use stampede_stats::snapshot::Snapshot;
use stampede_stats::timeline::Timeline;
use stampede_stats::totals::{MAX_ENDPOINTS, Totals, change_row, change_rows};

use super::input::WorkerId;
use crate::result::InWindow;

/// Seconds that current rates are made from.
pub(super) const RATE_WINDOW: u32 = 10;

/// Seconds kept beyond that for workers that report late.
const KEPT: u32 = 60;

/// Rows that have a course of their own. Each takes some 100 KB, and 300 KB more while it is added to.
const MAX_COURSES: usize = 100;

/// Points of a row's course.
const COURSE_POINTS: usize = 60;

/// How a snapshot is taken in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// Its interval is whole with it.
    pub(super) last_part: bool,
    /// It lies behind the stop instant of the run.
    pub(super) draining: bool,
    /// Seconds, first and last, in which its users were not the run's: others had taken them over, or it was leaving.
    pub(super) away: Option<(u32, u32)>,
}

impl Taken {
    fn users_count_in(self, second: u32) -> bool {
        self.away.is_none_or(|(first, last)| second < first || second > last)
    }
}

/// One worker's gauges in a point of the course.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    second: u32,
    users: u64,
    in_flight: u64,
}

/// What a row comes to in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct RowRates {
    /// Completed.
    pub(super) requests: f64,
    /// Of these, failed.
    pub(super) failures: f64,
    /// Bytes of response bodies.
    pub(super) bytes_in: f64,
    /// Bytes of request bodies.
    pub(super) bytes_out: f64,
}

impl RowRates {
    /// What `window` comes to over so many seconds.
    fn of(window: &InWindow, seconds: f64) -> Self {
        let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        Self {
            requests: rate(window.requests),
            failures: rate(window.failures),
            bytes_in: rate(window.bytes_in),
            bytes_out: rate(window.bytes_out),
        }
    }

    /// Both together.
    pub(super) fn plus(self, other: &Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            failures: self.failures + other.failures,
            bytes_in: self.bytes_in + other.bytes_in,
            bytes_out: self.bytes_out + other.bytes_out,
        }
    }
}

/// A run's merged statistics.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) totals: Totals,
    pub(super) in_window: BTreeMap<EndpointKey, InWindow>,
    pub(super) timeline: Timeline,
    /// The course of each row, of what is measured; beyond [`MAX_COURSES`] rows that of the others together.
    pub(super) courses: BTreeMap<EndpointKey, Timeline>,
    /// When a request last completed.
    pub(super) last_end: Duration,
    /// Completed and failed by second and endpoint, of the last seconds.
    recent: BTreeMap<u32, BTreeMap<EndpointKey, InWindow>>,
    /// Arrivals begun in these seconds.
    arrivals: BTreeMap<u32, u64>,
    /// The newest second anybody reported, plus one.
    newest: u32,
    /// Users by class at the end of recent seconds, over the workers that reported it.
    users: BTreeMap<u32, Vec<u32>>,
    /// What each worker last put into a second's point: the stop instant splits a second, and its second part replaces the
    /// first.
    shares: BTreeMap<WorkerId, Share>,
    pub(super) users_peak: u32,
    pub(super) classes_at_peak: Vec<u32>,
}

impl Merged {
    /// Takes in a snapshot that belongs to the run. `profile` is what was planned, `watermark` the second before which
    /// everything was thought to be in.
    pub(super) fn add(
        &mut self,
        worker: WorkerId,
        snapshot: &Snapshot,
        how: Taken,
        profile: &Profile,
        watermark: u32,
    ) {
        self.totals.add(snapshot);
        self.last_end = self.last_end.max(Duration::from_nanos(snapshot.gauges.last_end_ns));
        let second = self.recent.entry(snapshot.from_s).or_default();
        let add = |sum: &mut InWindow, delta: &EndpointDelta| sum.add(&InWindow::of(&delta.counts));
        // The same rows as in the totals: names beyond their limit share one.
        change_rows(second, &snapshot.endpoints, MAX_ENDPOINTS, EndpointKey::other_of, add);
        if !how.draining {
            change_rows(&mut self.in_window, &snapshot.endpoints, MAX_ENDPOINTS, EndpointKey::other_of, add);
        }
        let oldest = self.newest.saturating_sub(KEPT);
        self.recent.retain(|second, _| *second >= oldest);
        let iterations = snapshot.all_iterations();
        if iterations.planned > 0 {
            let begun = self.arrivals.entry(snapshot.from_s).or_default();
            *begun = begun.saturating_add(iterations.begun);
            let point = self.timeline.at(snapshot.from_s);
            point.arrivals = point.arrivals.saturating_add(iterations.begun);
        }
        self.arrivals.retain(|second, _| *second >= oldest);
        self.users.retain(|second, _| *second >= oldest);
        self.plot(snapshot, watermark);
        if how.last_part {
            for second in snapshot.from_s..snapshot.to_s {
                self.gauge(worker, second, snapshot, how, profile);
            }
        }
    }

    fn plot(&mut self, snapshot: &Snapshot, watermark: u32) {
        let point = self.timeline.at(snapshot.from_s);
        // The course is that of the whole run: what users asked of the target, warm-up and all.
        let requests = snapshot.endpoints.iter().filter(|(key, _)| key.is_request());
        for (_, delta) in requests {
            point.add(delta);
        }
        point.late |= snapshot.from_s < watermark;
        for (key, delta) in &snapshot.endpoints {
            if key.part == Part::Measured && matches!(key.kind, RowKind::Request | RowKind::Group) {
                self.plot_row(key, delta, snapshot.from_s);
            }
        }
    }

    fn plot_row(&mut self, key: &EndpointKey, delta: &EndpointDelta, second: u32) {
        let fits = self.courses.len() < MAX_COURSES || self.courses.contains_key(key);
        let key = if fits { key.clone() } else { EndpointKey::other_of(key) };
        let course = self.courses.entry(key).or_insert_with(|| Timeline::short(COURSE_POINTS));
        let point = course.at(second);
        point.add(delta);
    }

    /// Puts the gauges at the end of `second` into its point and among the users of that second.
    fn gauge(&mut self, worker: WorkerId, second: u32, snapshot: &Snapshot, how: Taken, profile: &Profile) {
        let new = second >= self.newest;
        self.newest = self.newest.max(second + 1);
        let newest = self.newest - 1;
        let point = self.timeline.at(second);
        if new {
            point.seconds += 1;
            point.users = 0;
            point.in_flight = 0;
            let end = Duration::from_secs(u64::from(second) + 1);
            point.planned_users = u64::from(profile.users_at(end));
        }
        // A point of several seconds shows the end of its newest one.
        if self.timeline.step_s() == 1 || second == newest {
            let users = snapshot.gauges.users.iter().map(|users| u64::from(*users)).sum::<u64>();
            let users = if how.users_count_in(second) { users } else { 0 };
            let share = Share { second, users, in_flight: snapshot.gauges.in_flight };
            let before = self.shares.insert(worker, share).filter(|before| before.second == second);
            let before = before.unwrap_or_default();
            let point = self.timeline.at(second);
            point.users = point.users.saturating_sub(before.users).saturating_add(users);
            point.in_flight =
                point.in_flight.saturating_sub(before.in_flight).saturating_add(share.in_flight);
        }
        if how.draining || !how.users_count_in(second) {
            return;
        }
        let users = self.users.entry(second).or_default();
        if users.len() < snapshot.gauges.users.len() {
            users.resize(snapshot.gauges.users.len(), 0);
        }
        users
            .iter_mut()
            .zip(&snapshot.gauges.users)
            .for_each(|(sum, users)| *sum = sum.saturating_add(*users));
        let users = users.clone();
        self.see_users(&users);
    }

    /// So many users of each class were alive at one moment.
    pub(super) fn see_users(&mut self, by_class: &[u32]) {
        let sum = by_class.iter().fold(0, |sum: u32, users| sum.saturating_add(*users));
        if sum > self.users_peak {
            self.users_peak = sum;
            self.classes_at_peak = by_class.to_vec();
        }
    }

    /// Arrivals begun per second over the complete seconds before `watermark`.
    pub(super) fn arrival_rate(&self, watermark: u32) -> f64 {
        let from = watermark.saturating_sub(RATE_WINDOW);
        let sum: u64 =
            self.arrivals.range(from..watermark).map(|(_, begun)| *begun).fold(0, u64::saturating_add);
        sum as f64 / f64::from((watermark - from).max(1))
    }

    /// Completed and failed per second from the end of the warm-up to the stop, `measured` behind it, by row.
    pub(super) fn rates_of_run(&self, measured: Duration) -> BTreeMap<EndpointKey, RowRates> {
        let seconds = measured.as_secs_f64();
        let measured = self.in_window.iter().filter(|(key, _)| key.part == Part::Measured);
        measured.map(|(key, window)| (key.clone(), RowRates::of(window, seconds))).collect()
    }

    /// Completed and failed per second over the complete seconds before `watermark`, by row: what ends now counts for its
    /// row whether it began in the warm-up or not.
    pub(super) fn rates(&self, watermark: u32) -> BTreeMap<EndpointKey, RowRates> {
        let from = watermark.saturating_sub(RATE_WINDOW);
        let seconds = f64::from((watermark - from).max(1));
        let mut sums: BTreeMap<EndpointKey, InWindow> = BTreeMap::new();
        for (key, counts) in self.recent.range(from..watermark).flat_map(|(_, second)| second) {
            let measured = match key.part {
                Part::Measured => Cow::Borrowed(key),
                Part::WarmUp => Cow::Owned(key.clone().in_part(Part::Measured)),
            };
            change_row(&mut sums, &measured, MAX_ENDPOINTS, EndpointKey::other_of, |sum| sum.add(counts));
        }
        sums.into_iter().map(|(key, sum)| (key, RowRates::of(&sum, seconds))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stampede_scenarios::rate::Rate;
    use stampede_stats::counts::RequestCounts;

    fn taken(snapshot: &Snapshot) -> Taken {
        Taken { last_part: true, draining: snapshot.draining, away: None }
    }

    fn add(merged: &mut Merged, worker: WorkerId, snapshot: &Snapshot, profile: &Profile, watermark: u32) {
        merged.add(worker, snapshot, taken(snapshot), profile, watermark);
    }

    fn snapshot(second: u32, cancelled_as_ok: u64, draining: bool) -> Snapshot {
        let counts = RequestCounts { failed: cancelled_as_ok, ..RequestCounts::default() };
        let delta = EndpointDelta { counts, ..EndpointDelta::default() };
        let endpoints = BTreeMap::from([(EndpointKey::new("GET", "/"), delta)]);
        let mut snapshot =
            Snapshot { from_s: second, to_s: second + 1, draining, endpoints, ..Snapshot::default() };
        snapshot.gauges.users = vec![3, 1];
        snapshot
    }

    #[test]
    fn what_completes_while_draining_is_in_counts_and_not_in_rates() {
        let profile = Profile::ramp(8, Rate::new(100, 1).expect("positive"));
        let mut merged = Merged::default();
        for worker in 0..2 {
            add(&mut merged, worker, &snapshot(0, 5, false), &profile, 0);
            add(&mut merged, worker, &snapshot(1, 1, false), &profile, 0);
            add(&mut merged, worker, &snapshot(1, 7, true), &profile, 0);
        }
        assert_eq!(merged.totals.requests().failed, 26);
        assert_eq!(merged.in_window[&EndpointKey::new("GET", "/")].requests, 12);
        assert_eq!((merged.users_peak, merged.classes_at_peak.clone()), (8, vec![6, 2]));
        let points: Vec<_> =
            merged.timeline.points().map(|(t, p)| (t, p.requests, p.users, p.seconds)).collect();
        assert_eq!(points, [(0, 10, 8, 1), (1, 16, 8, 1)]);
    }

    #[test]
    fn the_course_is_of_all_requests_and_of_nothing_else() {
        let mut merged = Merged::default();
        let mut second = snapshot(0, 3, false);
        let delta = second.endpoints.values().next().expect("one").clone();
        let warm = EndpointKey::new("GET", "/").in_part(Part::WarmUp);
        let group = EndpointKey::of(RowKind::Group, "GROUP", "checkout");
        second.endpoints.extend([(warm, delta.clone()), (group.clone(), delta)]);
        add(&mut merged, 0, &second, &Profile::default(), 0);
        let points: Vec<_> = merged.timeline.points().map(|(_, point)| point.requests).collect();
        assert_eq!(points, [6]);
        let rates = merged.rates(1);
        assert!((rates[&EndpointKey::new("GET", "/")].requests - 6.0).abs() < 1e-9);
        assert!((rates[&group].requests - 3.0).abs() < 1e-9);
        assert_eq!(merged.totals.requests().failed, 3);
        let of_row = |key: &EndpointKey| {
            merged.courses[key].points().map(|(t, point)| (t, point.requests)).collect::<Vec<_>>()
        };
        assert_eq!(of_row(&EndpointKey::new("GET", "/")), [(0, 3)], "without the warm-up");
        assert_eq!(of_row(&group), [(0, 3)]);
    }

    #[test]
    fn rows_beyond_the_limit_share_a_course() {
        let mut merged = Merged::default();
        for n in 0..MAX_COURSES + 5 {
            let mut second = snapshot(7, 2, false);
            let delta = second.endpoints.pop_first().expect("one").1;
            second.endpoints.insert(EndpointKey::new("GET", format!("/{n}")), delta);
            add(&mut merged, 0, &second, &Profile::default(), 0);
        }
        assert_eq!(merged.courses.len(), MAX_COURSES + 1);
        let others = &merged.courses[&EndpointKey::other()];
        assert_eq!(others.points().map(|(_, point)| point.requests).sum::<u64>(), 10);
    }

    #[test]
    fn rates_are_of_the_last_complete_seconds() {
        let profile = Profile::default();
        let mut merged = Merged::default();
        for second in 0..30 {
            add(&mut merged, 0, &snapshot(second, u64::from(second), false), &profile, second);
        }
        let RowRates { requests, failures, .. } = merged.rates(25)[&EndpointKey::new("GET", "/")];
        assert!((requests - 19.5).abs() < 1e-9 && (failures - 19.5).abs() < 1e-9);
        assert!(merged.rates(0).is_empty());
    }
}
