//! The load as a function of time: how many users run when.
//!
//! A [`Profile`] is a list of changes, each "from here on towards so many users at such a rate"; everything else about it
//! is computed. Slot k is alive exactly while `users_at(t) > k`, so a worker that holds the profile starts and stops its
//! own slots with no further message. It knows nothing of classes (`sequence`) or of workers (`deal`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use extremes::Extremes;

use crate::rate::Rate;

mod extremes;

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
/// Rates are exact fractions, so a climb of 7 users in 3 minutes is a ramp at 7/180 per second. A jump is a ramp at
/// [`Rate::AT_ONCE`].
///
/// A copy shares everything with its original: a profile of a day in tenths of seconds travels through the program as a pointer.
#[derive(Clone, Default)]
pub struct Profile {
    course: Arc<Course>,
}

/// The changes, and what follows from them.
#[derive(Default)]
struct Course {
    changes: Vec<Ramp>,
    /// For each change the number of users it finds.
    found: Vec<u32>,
    /// For each change the most users in its time.
    most: Extremes,
    /// For each change the complement of the fewest users in its time, so that here too the greatest is looked for.
    fewest: Extremes,
    steepest: Option<Rate>,
    mark: u64,
}

impl Profile {
    /// To `users` at `rate` and there for ever: slot k starts at exactly k / rate.
    pub fn ramp(users: u32, rate: Rate) -> Self {
        Self::from_changes(vec![Ramp { at: Duration::ZERO, to: users, rate }])
    }

    /// A profile from its changes, as [`changes`](Self::changes) gave them. One that lies before its predecessor is
    /// moved to it.
    pub fn from_changes(mut changes: Vec<Ramp>) -> Self {
        let mut found = Vec::with_capacity(changes.len());
        let mut last: Option<Segment> = None;
        for ramp in &mut changes {
            ramp.at = ramp.at.max(last.map_or(Duration::ZERO, |last| last.ramp.at));
            let users = last.map_or(0, |last| last.users_at(ramp.at));
            found.push(users);
            last = Some(Segment { ramp: *ramp, found: users, until: None });
        }
        let mut course = Course { changes, found, ..Course::default() };
        let segments = || (0..course.changes.len()).map(|index| course.segment(index));
        let most = Extremes::new(segments().map(|segment| segment.peak()));
        let fewest = Extremes::new(segments().map(|segment| !segment.fewest()));
        let steepest = segments().filter_map(|segment| segment.climb()).max();
        let mark = course.changes.iter().fold(FNV_BASE, marked);
        (course.most, course.fewest, course.steepest, course.mark) = (most, fewest, steepest, mark);
        Self { course: Arc::new(course) }
    }

    /// This profile up to `at`, and from there on only towards `to`: what was to come later does not.
    #[must_use]
    pub fn changed(&self, at: Duration, to: u32, rate: Rate) -> Self {
        let stays = self.changes().partition_point(|ramp| ramp.at <= at);
        let kept = self.changes().iter().take(stays).copied();
        Self::from_changes(kept.chain([Ramp { at, to, rate }]).collect())
    }

    /// How many changes at the beginning are the same as those of `other`.
    pub fn shared_with(&self, other: &Self) -> usize {
        if Arc::ptr_eq(&self.course, &other.course) {
            return self.changes().len();
        }
        self.changes().iter().zip(other.changes()).take_while(|(mine, theirs)| mine == theirs).count()
    }

    /// A number that two profiles share if, as good as certainly only if, they are the same.
    pub fn mark(&self) -> u64 {
        self.course.mark
    }

    /// The changes in order of time.
    pub fn changes(&self) -> &[Ramp] {
        &self.course.changes
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
        let here = self.index_at(from).unwrap_or(0);
        let in_this = || self.course.get(here)?.next_start(slot, from);
        let later = || {
            let later = self.course.most.first_from(here + 1, slot.checked_add(1)?)?;
            self.course.get(later)?.next_start(slot, from)
        };
        in_this().or_else(later)
    }

    /// The earliest time from `from` on at which `slot` is not alive; `None` if it lives for ever.
    pub fn next_stop(&self, slot: u32, from: Duration) -> Option<Duration> {
        let Some(here) = self.index_at(from) else { return Some(from) };
        let in_this = || self.course.get(here)?.next_stop(slot, from);
        let later = || {
            let later = self.course.fewest.first_from(here + 1, !slot)?;
            self.course.get(later)?.next_stop(slot, from)
        };
        in_this().or_else(later)
    }

    /// The largest number of users at any time.
    pub fn peak(&self) -> u32 {
        self.course.most.greatest_from(0)
    }

    /// The largest number of users at any time up to and with `t`.
    pub fn peak_until(&self, t: Duration) -> u32 {
        let Some(here) = self.index_at(t) else { return 0 };
        let at_its_beginning = self.course.segment(here).users_at(self.course.changes[here].at);
        self.course.most.greatest_before(here).max(at_its_beginning).max(self.users_at(t))
    }

    /// The largest number of users at any time from `t` on.
    pub fn peak_from(&self, t: Duration) -> u32 {
        let here = self.index_at(t).unwrap_or(0);
        let in_this = self.course.get(here).map_or(0, |segment| segment.peak_from(t));
        in_this.max(self.course.most.greatest_from(here + 1))
    }

    /// The rate of the steepest climb; `None` where nothing climbs. A jump of n users counts as n in a second.
    pub fn steepest_climb(&self) -> Option<Rate> {
        self.course.steepest
    }

    /// When the last ramp has arrived: from then on nothing changes.
    pub fn settled_at(&self) -> Duration {
        let Some(last) = self.changes().len().checked_sub(1).and_then(|last| self.course.get(last)) else {
            return Duration::ZERO;
        };
        last.settled_at()
    }

    fn segment_at(&self, t: Duration) -> Option<Segment> {
        self.course.get(self.index_at(t)?)
    }

    /// The change that is the newest at `t`.
    fn index_at(&self, t: Duration) -> Option<usize> {
        self.changes().partition_point(|ramp| ramp.at <= t).checked_sub(1)
    }
}

impl Course {
    fn get(&self, index: usize) -> Option<Segment> {
        (index < self.changes.len()).then(|| self.segment(index))
    }

    fn segment(&self, index: usize) -> Segment {
        let until = self.changes.get(index + 1).map(|next| next.at);
        Segment { ramp: self.changes[index], found: self.found[index], until }
    }
}

impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.course, &other.course) || self.changes() == other.changes()
    }
}

impl Eq for Profile {}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.changes()).finish()
    }
}

const FNV_BASE: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a, with one more change.
fn marked(mark: u64, ramp: &Ramp) -> u64 {
    let words =
        [ramp.at.as_secs(), ramp.at.subsec_nanos().into(), ramp.to.into(), ramp.rate.num(), ramp.rate.den()];
    words
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .fold(mark, |mark, byte| (mark ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

/// The time in which one change is the newest: `ramp.at ≤ t < until`. Empty where the next change has the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) ramp: Ramp,
    pub(crate) found: u32,
    pub(crate) until: Option<Duration>,
}

impl Segment {
    pub(crate) fn users_at(&self, t: Duration) -> u32 {
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

    /// When its ramp has arrived, if it is not ended before.
    pub(crate) fn settled_at(&self) -> Duration {
        let steps = u64::from(self.ramp.to.abs_diff(self.found));
        self.ramp.at.saturating_add(self.ramp.rate.time_of(steps.saturating_sub(1)))
    }

    /// How fast it climbs, if it does.
    fn climb(&self) -> Option<Rate> {
        let users = self.ramp.to.checked_sub(self.found).filter(|users| *users > 0)?;
        if self.ramp.rate.is_at_once() { Rate::new(users.into(), 1) } else { Some(self.ramp.rate) }
    }

    /// The fewest users in this segment; [`u32::MAX`] if it is empty.
    fn fewest(&self) -> u32 {
        let begin = self.users_at(self.ramp.at);
        match self.until {
            None => begin.min(self.ramp.to),
            Some(until) if until <= self.ramp.at => u32::MAX,
            Some(until) => begin.min(self.users_at(until.saturating_sub(Duration::from_nanos(1)))),
        }
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
mod tests;
