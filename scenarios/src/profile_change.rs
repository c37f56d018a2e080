//! A number of users that is changed while it is followed.
//!
//! What lies before a change stays as it is. What follows is a ramp to another number, or another profile from some place of it
//! on. It decides nothing: when and to what a load is changed is the coordinator's business.

use std::time::Duration;

use crate::profile::{Profile, Ramp};
use crate::rate::Rate;

impl Profile {
    /// This profile up to `at`, and from there on to `to` users at `rate`, whatever came after it before.
    ///
    /// Whoever was the last to start or stop is not followed at once where users move the same way already: a ramp of that rate
    /// gets longer or shorter, else the next user moves one step after the last. So ten changes by one user are as fast as one
    /// by ten.
    #[must_use]
    pub fn steered(&self, at: Duration, to: u32, rate: Rate) -> Self {
        let (through, here) = (self.changes().partition_point(|ramp| ramp.at <= at), self.users_at(at));
        let Some(ramp) = through.checked_sub(1).and_then(|last| self.changes().get(last)) else {
            return self.changed(at, to, rate);
        };
        let found = Self::from_changes(self.before(ramp.at).collect()).users_at(ramp.at);
        let moved = here.abs_diff(found);
        let goes_on = moved > 0 && here != to && (here > found) == (to > here);
        if goes_on && here != ramp.to && ramp.rate == rate {
            return Self::from_changes(self.before(ramp.at).chain([Ramp { to, ..*ramp }]).collect());
        }
        let last = ramp.at.saturating_add(ramp.rate.time_of(u64::from(moved.saturating_sub(1))));
        let at = if goes_on { at.max(last.saturating_add(rate.time_of(1))) } else { at };
        // A ramp of another rate ends where it is.
        let stays = (goes_on && here != ramp.to).then_some(Ramp { to: here, ..*ramp });
        let before = self.before(if stays.is_some() { ramp.at } else { at }).chain(stays);
        Self::from_changes(before.chain([Ramp { at, to, rate }]).collect())
    }

    /// This profile up to `at`, and from there on what `course` has from `from` on: a ramp that is under way there goes on to its
    /// end from as many users as there are.
    #[must_use]
    pub fn followed(&self, at: Duration, course: &Self, from: Duration) -> Self {
        let under_way = course.changes().partition_point(|ramp| ramp.at <= from).saturating_sub(1);
        let later = |ramp: &Ramp| Ramp { at: at.saturating_add(ramp.at.saturating_sub(from)), ..*ramp };
        let follows = course.changes().iter().skip(under_way).map(later);
        Self::from_changes(self.before(at).chain(follows).collect())
    }

    /// Its changes before `at`.
    fn before(&self, at: Duration) -> impl Iterator<Item = Ramp> {
        self.changes().iter().copied().take_while(move |ramp| ramp.at < at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn rate(num: u64, den: u64) -> Rate {
        Rate::new(num, den).unwrap()
    }

    fn staged() -> Profile {
        Profile::ramp(10, rate(10, 1)).changed(ms(5000), 30, rate(5, 1)).changed(ms(20_000), 0, rate(30, 1))
    }

    #[test]
    fn quick_changes_by_one_are_no_faster_than_one_change() {
        let mut profile = Profile::ramp(10, rate(2, 1));
        for press in 0..5_u32 {
            profile = profile.steered(ms(6000) + ms(20) * press, 11 + press, rate(2, 1));
        }
        let users = [5999, 6000, 6499, 6500, 7000, 7500, 8000, 9000].map(|t| profile.users_at(ms(t)));
        assert_eq!(users, [10, 11, 11, 12, 13, 14, 15, 15]);
        // The other way users move at once.
        let fewer = profile.steered(ms(6100), 9, rate(2, 1));
        assert_eq!([6099, 6100, 6600].map(|t| fewer.users_at(ms(t))), [11, 10, 9]);
    }

    #[test]
    fn a_change_replaces_the_stages_after_it() {
        let profile = staged().steered(ms(2000), 12, rate(1, 1));
        assert_eq!([1999, 2000, 3000, 9000, 30_000].map(|t| profile.users_at(ms(t))), [10, 11, 12, 12, 12]);
    }

    #[test]
    fn a_course_is_gone_on_with() {
        let course = staged();
        let skipped = course.followed(ms(550), &course, ms(5000));
        let users = [549, 550, 750, 5150, 15_549, 15_550].map(|t| skipped.users_at(ms(t)));
        assert_eq!(users, [6, 7, 8, 30, 30, 29]);
        let by_hand = course.steered(ms(2000), 3, rate(10, 1));
        let back = by_hand.followed(ms(9000), &course, ms(6000));
        assert_eq!([8999, 9000, 9200, 23_000].map(|t| back.users_at(ms(t))), [3, 4, 5, 29]);
    }

    proptest! {
        #[test]
        fn no_change_the_same_way_is_faster_than_its_rate(
            presses in prop::collection::vec((0_u64..400, 1_u32..4), 1..8),
        ) {
            let one_each = rate(4, 1);
            let (mut profile, mut now) = (Profile::ramp(3, one_each), 300);
            for (after, more) in presses {
                now += after;
                let to = profile.target_at(ms(now)).max(3) + more;
                profile = profile.steered(ms(now), to, one_each);
            }
            // In any quarter of a second at most one user more, but for the nanosecond.
            for t in (0..12_000).step_by(50) {
                let (before, after) = (profile.users_at(ms(t)), profile.users_at(ms(t + 249)));
                prop_assert!(after <= before + 1, "{} users at {} ms, {} soon after: {:?}", before, t, after, profile);
            }
        }
    }
}
