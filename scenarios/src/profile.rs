//! The load as a function of time: how many users run when.
//!
//! A [`Profile`] is a list of changes, each "from here on towards so many users at such a rate"; everything else about it
//! is computed. Slot k is alive exactly while `users_at(t) > k`, so a worker that holds the profile starts and stops its
//! own slots with no further message. It knows nothing of classes (`sequence`) or of workers (`deal`).

use std::time::Duration;

use crate::rate::Rate;

/// One change: from `at` on, the number of users moves to `to` at `rate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ramp {
    /// Run time of the change.
    pub at: Duration,
    /// Users at its end.
    pub to: u32,
    /// Users started or stopped per second.
    pub rate: Rate,
}

/// The number of users over run time, from 0 users on.
///
/// A change at `at`, where the changes before it give u users, moves one user at a time: upwards slot u + i starts at
/// `at + i/rate`, downwards slot u − 1 − i stops at `at + i/rate`, i = 0, 1, … until `to` is reached. So the first user
/// moves at once, and the last in is the first out.
///
/// `to: 3, rate: 2/s` at 0 s and `to: 1, rate: 1/s` at 10 s: slots 0, 1, 2 start at 0, 0.5 and 1 s; slot 2 stops at 10 s,
/// slot 1 at 11 s; slot 0 stays. A change that comes early takes over where the one before had got to: `to: 0` at 0.6 s
/// finds 2 users and stops slot 1 at 0.6 s.
///
/// Rates are exact fractions, so a climb of 7 users in 3 minutes is a ramp at 7/180 per second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    changes: Vec<Ramp>,
    /// For each change the number of users it finds.
    found: Vec<u32>,
}

impl Profile {
    /// To `users` at `rate` and there for ever: slot k starts at exactly k / rate.
    pub fn ramp(users: u32, rate: Rate) -> Self {
        Self::from_changes(vec![Ramp { at: Duration::ZERO, to: users, rate }])
    }

    /// A profile from its changes, as [`changes`](Self::changes) gave them. One that lies before its predecessor is
    /// moved to it.
    pub fn from_changes(changes: Vec<Ramp>) -> Self {
        let mut profile = Self::default();
        for ramp in changes {
            profile.push(ramp);
        }
        profile
    }

    /// This profile with one more change; an `at` before the last change's is moved to it.
    #[must_use]
    pub fn changed(&self, at: Duration, to: u32, rate: Rate) -> Self {
        let mut profile = self.clone();
        profile.push(Ramp { at, to, rate });
        profile
    }

    fn push(&mut self, mut ramp: Ramp) {
        ramp.at = ramp.at.max(self.changes.last().map_or(Duration::ZERO, |last| last.at));
        self.found.push(self.users_at(ramp.at));
        self.changes.push(ramp);
    }

    /// The changes in order of time.
    pub fn changes(&self) -> &[Ramp] {
        &self.changes
    }

    /// How many slots are alive at `t`: slots 0 to this, without it.
    pub fn users_at(&self, t: Duration) -> u32 {
        self.segment_at(t).map_or(0, |segment| segment.users_at(t))
    }

    /// Where the ramp that is under way at `t` heads; 0 before the first.
    pub fn target_at(&self, t: Duration) -> u32 {
        self.segment_at(t).map_or(0, |segment| segment.ramp.to)
    }

    /// The earliest time from `from` on at which `slot` is alive; `None` if it never is again.
    pub fn next_start(&self, slot: u32, from: Duration) -> Option<Duration> {
        self.segments_from(from).find_map(|segment| segment.next_start(slot, from))
    }

    /// The earliest time from `from` on at which `slot` is not alive; `None` if it lives for ever.
    pub fn next_stop(&self, slot: u32, from: Duration) -> Option<Duration> {
        if self.changes.first().is_none_or(|first| from < first.at) {
            return Some(from);
        }
        self.segments_from(from).find_map(|segment| segment.next_stop(slot, from))
    }

    /// The largest number of users at any time.
    pub fn peak(&self) -> u32 {
        self.segments(0).map(|segment| segment.peak()).max().unwrap_or(0)
    }

    /// The largest number of users at any time up to and with `t`.
    pub fn peak_until(&self, t: Duration) -> u32 {
        let through = self.changes.partition_point(|ramp| ramp.at <= t);
        let before = self.segments(0).take(through.saturating_sub(1)).map(|segment| segment.peak());
        let here = self.segment_at(t).map(|segment| segment.users_at(segment.ramp.at));
        before.chain(here).chain([self.users_at(t)]).max().unwrap_or(0)
    }

    /// The largest number of users at any time from `t` on.
    pub fn peak_from(&self, t: Duration) -> u32 {
        self.segments_from(t).map(|segment| segment.peak_from(t)).max().unwrap_or(0)
    }

    /// The rate of the steepest climb; `None` where nothing climbs.
    pub fn steepest_climb(&self) -> Option<Rate> {
        let climbs = self.segments(0).filter(|segment| segment.ramp.to > segment.found);
        let by_size = |a: &Rate, b: &Rate| {
            (u128::from(a.num()) * u128::from(b.den())).cmp(&(u128::from(b.num()) * u128::from(a.den())))
        };
        climbs.map(|segment| segment.ramp.rate).max_by(by_size)
    }

    /// When the last ramp has arrived: from then on nothing changes.
    pub fn settled_at(&self) -> Duration {
        let Some(last) = self.segments(self.changes.len().saturating_sub(1)).next() else {
            return Duration::ZERO;
        };
        let steps = u64::from(last.ramp.to.abs_diff(last.found));
        last.ramp.at.saturating_add(last.ramp.rate.time_of(steps.saturating_sub(1)))
    }

    fn segment_at(&self, t: Duration) -> Option<Segment> {
        let through = self.changes.partition_point(|ramp| ramp.at <= t);
        self.segments(through.checked_sub(1)?).next()
    }

    /// What holds at or after `from`, in order of time.
    fn segments_from(&self, from: Duration) -> impl Iterator<Item = Segment> {
        let through = self.changes.partition_point(|ramp| ramp.at <= from);
        self.segments(through.saturating_sub(1))
    }

    fn segments(&self, first: usize) -> impl Iterator<Item = Segment> {
        self.changes.iter().zip(&self.found).enumerate().skip(first).map(|(index, (&ramp, &found))| Segment {
            ramp,
            found,
            until: self.changes.get(index + 1).map(|next| next.at),
        })
    }
}

/// The time in which one change is the newest: `ramp.at ≤ t < until`. Empty where the next change has the same time.
#[derive(Debug, Clone, Copy)]
struct Segment {
    ramp: Ramp,
    found: u32,
    until: Option<Duration>,
}

impl Segment {
    fn users_at(&self, t: Duration) -> u32 {
        let moved = self.ramp.rate.count_by(t.saturating_sub(self.ramp.at));
        let moved = u32::try_from(moved).unwrap_or(u32::MAX);
        if self.ramp.to >= self.found {
            self.found.saturating_add(moved).min(self.ramp.to)
        } else {
            self.found.saturating_sub(moved).max(self.ramp.to)
        }
    }

    fn next_start(&self, slot: u32, from: Duration) -> Option<Duration> {
        let from = from.max(self.ramp.at);
        if self.users_at(from) > slot {
            return self.held(from);
        }
        // Alive later in this segment only if it is on the way up; then `found` is not above the slot.
        (self.ramp.to > slot).then(|| self.moved(slot.checked_sub(self.found)?)).flatten()
    }

    fn next_stop(&self, slot: u32, from: Duration) -> Option<Duration> {
        let from = from.max(self.ramp.at);
        if self.users_at(from) <= slot {
            return self.held(from);
        }
        (self.ramp.to <= slot).then(|| self.moved(self.found.checked_sub(slot)?.checked_sub(1)?)).flatten()
    }

    /// When the i-th user of this ramp moves, if it gets to that.
    fn moved(&self, i: u32) -> Option<Duration> {
        self.held(self.ramp.at.checked_add(self.ramp.rate.time_of(u64::from(i)))?)
    }

    /// `t` if this segment still holds then.
    fn held(&self, t: Duration) -> Option<Duration> {
        self.until.is_none_or(|until| t < until).then_some(t)
    }

    /// The most users in this segment, which has them at its beginning or at its end; 0 if it is empty.
    fn peak(&self) -> u32 {
        self.peak_from(self.ramp.at)
    }

    /// The same from `t` on, if that lies in it.
    fn peak_from(&self, t: Duration) -> u32 {
        let from = t.max(self.ramp.at);
        let Some(until) = self.until else {
            return self.users_at(from).max(self.ramp.to);
        };
        if until <= from {
            return 0;
        }
        let last = until.saturating_sub(Duration::from_nanos(1));
        self.users_at(from).max(self.users_at(last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(num: u64, den: u64) -> Rate {
        Rate::new(num, den).unwrap()
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// `users_at` by moving one user after the other.
    fn walked(changes: &[Ramp], t: Duration) -> u32 {
        let mut users = 0_u32;
        for (index, ramp) in changes.iter().enumerate().take_while(|(_, ramp)| ramp.at <= t) {
            let until = changes.get(index + 1).map_or(t, |next| next.at.min(t));
            let steps = u64::from(users.abs_diff(ramp.to));
            for _ in (0..steps).take_while(|&i| ramp.at + ramp.rate.time_of(i) <= until) {
                users = if ramp.to > users { users + 1 } else { users - 1 };
            }
        }
        users
    }

    /// Every instant at which the number of users may change.
    fn instants(changes: &[Ramp]) -> Vec<Duration> {
        let of_ramp = |ramp: &Ramp| {
            let ramp = *ramp;
            (0..40).map(move |i| ramp.at + ramp.rate.time_of(i))
        };
        let mut instants: Vec<_> = changes.iter().flat_map(of_ramp).collect();
        instants.sort();
        instants
    }

    #[test]
    fn a_plain_ramp_starts_slot_k_at_k_over_rate() {
        let profile = Profile::ramp(9, rate(2, 1));
        for slot in 0..9 {
            assert_eq!(profile.next_start(slot, Duration::ZERO), Some(ms(u64::from(slot) * 500)));
            assert_eq!(profile.next_stop(slot, ms(4000)), None);
        }
        assert_eq!(profile.next_start(9, Duration::ZERO), None);
        assert_eq!((profile.users_at(ms(499)), profile.users_at(ms(500))), (1, 2));
        assert_eq!((profile.settled_at(), profile.peak(), profile.target_at(ms(0))), (ms(4000), 9, 9));
    }

    #[test]
    fn down_is_last_in_first_out() {
        let profile = Profile::ramp(3, rate(2, 1)).changed(ms(10_000), 1, rate(1, 1));
        let stops = [0, 1, 2].map(|slot| profile.next_stop(slot, ms(5000)));
        assert_eq!(stops, [None, Some(ms(11_000)), Some(ms(10_000))]);
        assert_eq!((profile.settled_at(), profile.peak()), (ms(11_000), 3));
        assert_eq!((profile.target_at(ms(9999)), profile.target_at(ms(10_000))), (3, 1));
    }

    #[test]
    fn an_early_change_takes_over_where_the_last_had_got_to() {
        let profile = Profile::ramp(3, rate(2, 1)).changed(ms(600), 0, rate(1, 1));
        assert_eq!([599, 600, 1599, 1600].map(|t| profile.users_at(ms(t))), [2, 1, 1, 0]);
        assert_eq!(
            (profile.peak(), profile.next_start(2, ms(0)), profile.next_stop(0, ms(0))),
            (2, None, Some(ms(1600)))
        );
        let earlier = profile.changed(ms(1), 5, rate(1, 1));
        assert_eq!(earlier.changes()[2].at, ms(600));
    }

    #[test]
    fn nothing_and_before_the_first_change() {
        let nothing = Profile::default();
        assert_eq!((nothing.users_at(ms(5)), nothing.peak(), nothing.settled_at()), (0, 0, ms(0)));
        assert_eq!((nothing.next_start(0, ms(1)), nothing.next_stop(0, ms(1))), (None, Some(ms(1))));
        let late = nothing.changed(ms(100), 2, rate(10, 1));
        assert_eq!((late.users_at(ms(99)), late.target_at(ms(99))), (0, 0));
        assert_eq!((late.next_start(1, ms(5)), late.next_stop(0, ms(5))), (Some(ms(200)), Some(ms(5))));
    }

    #[test]
    fn the_ends_of_the_range_saturate() {
        let slow = Profile::ramp(u32::MAX, rate(1, u64::MAX));
        assert_eq!(slow.settled_at(), Duration::MAX);
        assert_eq!(slow.next_start(1, ms(0)), Some(Duration::from_secs(u64::MAX)));
        let fast = Profile::ramp(u32::MAX, rate(u64::MAX, 1)).changed(Duration::MAX, 0, rate(u64::MAX, 1));
        assert_eq!((fast.users_at(ms(1000)), fast.users_at(Duration::MAX)), (u32::MAX, 0));
    }

    fn any_ramp() -> impl Strategy<Value = Ramp> {
        (0_u64..60, 0_u32..25, 1_u64..30, 1_u64..4).prop_map(|(at, to, num, den)| Ramp {
            at: ms(at * 100),
            to,
            rate: rate(num, den),
        })
    }

    fn any_changes() -> impl Strategy<Value = Vec<Ramp>> {
        prop::collection::vec(any_ramp(), 0..6).prop_map(|mut changes| {
            changes.sort_by_key(|ramp| ramp.at);
            changes
        })
    }

    proptest! {
        #[test]
        fn users_at_is_what_moving_one_by_one_gives(changes in any_changes()) {
            let profile = Profile::from_changes(changes.clone());
            prop_assert_eq!(profile.changes(), &changes[..]);
            for t in instants(&changes) {
                for t in [t.saturating_sub(Duration::from_nanos(1)), t] {
                    prop_assert_eq!(profile.users_at(t), walked(&changes, t), "at {:?}", t);
                }
            }
        }

        #[test]
        fn starts_and_stops_are_the_first_instants_of_their_kind(changes in any_changes(), from in 0_u64..80) {
            let profile = Profile::from_changes(changes.clone());
            let from = ms(from * 100);
            let mut times = instants(&changes);
            times.retain(|t| *t > from);
            times.insert(0, from);
            for slot in 0..26 {
                let start = times.iter().copied().find(|t| profile.users_at(*t) > slot);
                prop_assert_eq!(profile.next_start(slot, from), start, "start of {}", slot);
                let stop = times.iter().copied().find(|t| profile.users_at(*t) <= slot);
                prop_assert_eq!(profile.next_stop(slot, from), stop, "stop of {}", slot);
            }
        }

        #[test]
        fn peak_and_settling_are_those_of_the_course(changes in any_changes()) {
            let profile = Profile::from_changes(changes.clone());
            let times = instants(&changes);
            let peak = times.iter().map(|t| profile.users_at(*t)).max().unwrap_or(0);
            prop_assert_eq!(profile.peak(), peak);
            for t in &times {
                let until = times.iter().filter(|time| *time <= t).map(|time| profile.users_at(*time)).max();
                prop_assert_eq!(profile.peak_until(*t), until.unwrap_or(0), "until {:?}", t);
                let from = times.iter().filter(|time| *time >= t).map(|time| profile.users_at(*time)).max();
                prop_assert_eq!(profile.peak_from(*t), from.unwrap_or(0), "from {:?}", t);
            }
            let end = changes.last().map_or(0, |last| last.to);
            let settled = profile.settled_at();
            prop_assert_eq!(profile.users_at(settled), end);
            if let (Some(last), Some(before)) = (changes.last(), settled.checked_sub(Duration::from_nanos(1))) {
                prop_assert!(before < last.at || profile.users_at(before) != end);
            }
        }
    }
}
