//! An arrival rate that is changed while it is followed.
//!
//! What lies before a change stays as it is, to the nanosecond, and so does the number of every arrival that is due there. What
//! follows is a rate held, or another profile from some place of it on. It decides nothing: when and to what a rate is
//! changed is the coordinator's business.

use std::time::Duration;

use crate::rate::Rate;
use crate::rate_profile::{FASTEST, FINEST, LONGEST_NS, Leg, RateProfile, RateProfileError, nanos};

/// A stretch of one slope, as it travels. The one after it may begin before it is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLeg {
    /// Run time of its beginning.
    pub at: Duration,
    /// The rate at its beginning, times the profile's denominator.
    pub from: u64,
    /// Likewise at its end.
    pub to: u64,
    /// How long it takes; `None`: for ever, at one rate.
    pub len: Option<Duration>,
}

impl RateProfile {
    /// What the rates of its legs are divided by. It stays the same through every change.
    pub fn denominator(&self) -> u64 {
        self.den
    }

    /// Its legs in order of time.
    pub fn legs(&self) -> impl Iterator<Item = RateLeg> {
        let rate = |rate: i128| u64::try_from(rate).unwrap_or(u64::MAX);
        self.legs.iter().map(move |leg| RateLeg {
            at: Duration::from_nanos(leg.at),
            from: rate(leg.from),
            to: rate(leg.to),
            len: leg.len.map(Duration::from_nanos),
        })
    }

    /// A profile from its legs, as [`legs`](Self::legs) gave them.
    ///
    /// # Errors
    /// When there is none, a rate is too fast, they are not in order of time or lie beyond ten years, or a ramp has no end.
    pub fn from_legs(den: u64, legs: &[RateLeg]) -> Result<Self, RateProfileError> {
        if den == 0 || den > FINEST {
            return Err(RateProfileError::TooFine);
        }
        let mut profile = Self { legs: Vec::with_capacity(legs.len()), den };
        for leg in legs {
            if leg.from.max(leg.to) > FASTEST.saturating_mul(den) {
                return Err(RateProfileError::TooFast);
            }
            let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            let (at, len) = (ns(leg.at), leg.len.map(ns));
            let follows = match profile.legs.last() {
                None => at == 0,
                Some(last) => at > last.at && last.len.is_none_or(|len| at - last.at <= len),
            };
            let is_whole = len.is_some_and(|len| len > 0) || (len.is_none() && leg.from == leg.to);
            if !follows || !is_whole || at.max(len.unwrap_or(0)) > 2 * LONGEST_NS {
                return Err(RateProfileError::TooLong);
            }
            let base = profile.reached(at);
            profile.legs.push(Leg { at, base, from: leg.from.into(), to: leg.to.into(), len });
        }
        match profile.legs.last() {
            None => Err(RateProfileError::Nothing),
            Some(last) if last.len.is_some() => Err(RateProfileError::TooLong),
            Some(_) => Ok(profile),
        }
    }

    /// The same rates over a denominator that is a multiple of this one by `by`: so many finer steps a change may take.
    /// To be asked for before anybody follows it.
    ///
    /// # Errors
    /// When that is finer than can be kept.
    pub fn finer(&self, by: u64) -> Result<Self, RateProfileError> {
        let den = self.den.checked_mul(by).filter(|den| *den <= FINEST && by > 0);
        let den = den.ok_or(RateProfileError::TooFine)?;
        let by = i128::from(by);
        let scaled = |leg: &Leg| Leg { base: leg.base * by, from: leg.from * by, to: leg.to * by, ..*leg };
        Ok(Self { legs: self.legs.iter().map(scaled).collect(), den })
    }

    /// `rate` in the steps that this profile has, to the nearest, at least one of them; no faster than anything may be.
    pub fn fitted(&self, rate: Rate) -> Rate {
        let most = u128::from(FASTEST) * u128::from(self.den);
        let num = (2 * u128::from(rate.num()) * u128::from(self.den) + u128::from(rate.den()))
            / (2 * u128::from(rate.den()));
        let num = u64::try_from(num.clamp(1, most)).unwrap_or(u64::MAX);
        Rate::new(num, self.den).unwrap_or(rate)
    }

    /// The rate at `t`, in the steps that this profile has; `None`: none at all.
    pub fn exact_rate_at(&self, t: Duration) -> Option<Rate> {
        Rate::new(u64::try_from(self.numerator_at(nanos(t))).ok()?, self.den)
    }

    /// This profile up to `at`, and `rate` from there on; `None`: nothing arrives any more. The rate is [`fitted`](Self::fitted).
    /// An `at` before the last change is moved behind it.
    #[must_use]
    pub fn held(&self, at: Duration, rate: Option<Rate>) -> Self {
        let rate = rate.map_or(0, |rate| {
            let rate = self.fitted(rate);
            i128::from(rate.num()) * i128::from(self.den / rate.den())
        });
        let mut profile = self.cut(nanos(at));
        profile.begin(nanos(at), rate, rate, None);
        profile
    }

    /// This profile up to `at`, and from there on what `course` has from `from` on. A ramp that is under way there begins at
    /// the rate of the course, or, with `as_it_is`, at the one that this profile has.
    #[must_use]
    pub fn followed(&self, at: Duration, course: &Self, from: Duration, as_it_is: bool) -> Self {
        let (at, from) = (nanos(at), nanos(from));
        let by = i128::from(self.den.checked_div(course.den).unwrap_or(1));
        let here = self.numerator_at(at);
        let mut profile = self.cut(at);
        let under_way = course.legs.partition_point(|leg| leg.at <= from).saturating_sub(1);
        let mut legs = course.legs.iter().skip(under_way);
        if let Some(leg) = legs.next() {
            let rate = if as_it_is && leg.len.is_some() { here } else { course.numerator_at(from) * by };
            let left = leg.len.map(|len| len.saturating_sub(from - leg.at));
            if left != Some(0) {
                profile.begin(at, rate, leg.to * by, left);
            }
        }
        for leg in legs {
            profile.begin(at + (leg.at - from), leg.from * by, leg.to * by, leg.len);
        }
        profile
    }

    /// When the stage after the one under way at `t` begins, and whether its ramp goes on from the rate before it; `None` in
    /// the last.
    pub fn next_stage(&self, t: Duration) -> Option<(Duration, bool)> {
        let t = nanos(t);
        let next = self.legs.partition_point(|leg| leg.at <= t);
        let (leg, before) = (self.legs.get(next)?, self.legs.get(next.checked_sub(1)?)?);
        Some((Duration::from_nanos(leg.at), leg.from == before.to))
    }

    /// Its legs before `at`.
    fn cut(&self, at: u64) -> Self {
        let kept = self.legs.partition_point(|leg| leg.at < at);
        Self { legs: self.legs[..kept].to_vec(), den: self.den }
    }

    /// One more leg, where there is nothing yet.
    fn begin(&mut self, at: u64, from: i128, to: i128, len: Option<u64>) {
        let leg = Leg { at, base: self.reached(at), from, to, len };
        self.legs.push(leg);
    }

    /// The integral up to `at`, which is in the last leg, rounded up: whoever is due before `at` is below it.
    fn reached(&self, at: u64) -> i128 {
        self.legs.last().map_or(0, |leg| leg.base + leg.integral(at - leg.at))
    }

    /// The rate at `t`, times the denominator, rounded towards the beginning of its ramp.
    fn numerator_at(&self, t: u64) -> i128 {
        let index = self.legs.partition_point(|leg| leg.at <= t).saturating_sub(1);
        let Some(leg) = self.legs.get(index) else { return 0 };
        leg.len.map_or(leg.from, |len| {
            leg.from + (leg.to - leg.from) * i128::from(t.saturating_sub(leg.at).min(len)) / i128::from(len)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rate_profile::Stage;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn rate(num: u64, den: u64) -> Rate {
        Rate::new(num, den).unwrap()
    }

    fn staged(stages: &[(u64, u64)]) -> RateProfile {
        let stage = |&(to, over): &(u64, u64)| Stage { to: Rate::new(to, 7), over: ms(over) };
        RateProfile::staged(&stages.iter().map(stage).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_rate_is_held_from_an_instant_on() {
        let profile = RateProfile::constant(rate(10, 1)).unwrap().held(ms(1050), Some(rate(20, 1)));
        // The eleventh is due at 1 s; of the next tenth of a second half has passed.
        let dues = [10, 11, 12].map(|m| profile.due(m));
        assert_eq!(dues, [Some(ms(1000)), Some(ms(1075)), Some(ms(1125))]);
        let paused = profile.held(ms(1100), None);
        assert_eq!(
            (paused.due(11), paused.due(12), paused.count_until(ms(99_000))),
            (Some(ms(1075)), None, 12)
        );
        let resumed = paused.held(ms(5000), Some(rate(20, 1)));
        assert_eq!((resumed.due(12), resumed.count_until(ms(5026))), (Some(ms(5025)), 13));
    }

    #[test]
    fn a_course_is_followed_from_any_place_of_it_on() {
        let course = staged(&[(70, 1000), (70, 1000), (140, 1000), (0, 0), (0, 500)]);
        assert_eq!(course.next_stage(ms(0)), Some((ms(1000), true)));
        assert_eq!(course.next_stage(ms(2500)), Some((ms(3000), false)), "a jump");
        assert_eq!(course.next_stage(ms(3500)), None);
        // From the middle of the first ramp to the third stage, from where the rate is.
        let skipped = course.followed(ms(500), &course, ms(2000), true);
        let rates = [499, 500, 1000, 1499, 1500].map(|t| format!("{:.0}", skipped.rate_at(ms(t)) * 7.0));
        assert_eq!(rates, ["35", "35", "88", "140", "0"]);
        assert_eq!(skipped.settled_at(), ms(2000));
        // Back to the course itself after a pause.
        let back = course.held(ms(200), None).followed(ms(2500), &course, ms(2500), false);
        let rates = [199, 200, 2499, 2500, 2999].map(|t| format!("{:.0}", back.rate_at(ms(t)) * 7.0));
        assert_eq!(rates, ["14", "0", "0", "105", "140"]);
    }

    #[test]
    fn rates_keep_to_the_steps_of_the_profile() {
        let profile = staged(&[(70, 0)]);
        assert_eq!(profile.denominator(), 1, "ten a second");
        assert_eq!(profile.fitted(rate(5, 2)), rate(3, 1));
        assert_eq!(profile.fitted(rate(1, 900)), rate(1, 1));
        let finer = profile.finer(1000).unwrap();
        assert_eq!((finer.fitted(rate(5, 2)), finer.due(25)), (rate(5, 2), profile.due(25)));
        assert_eq!(profile.finer(2_000_000_000), Err(RateProfileError::TooFine));
    }

    #[test]
    fn legs_that_cannot_be_are_refused() {
        let leg = RateLeg { at: ms(0), from: 3, to: 3, len: None };
        let ramp = RateLeg { to: 9, len: Some(ms(10)), ..leg };
        assert!(RateProfile::from_legs(7, &[ramp, RateLeg { at: ms(5), ..leg }]).is_ok());
        for (den, legs) in [
            (0, vec![leg]),
            (7, vec![]),
            (7, vec![ramp]),
            (7, vec![RateLeg { at: ms(1), ..leg }]),
            (7, vec![RateLeg { to: 4, ..leg }]),
            (7, vec![leg, leg]),
            (7, vec![ramp, RateLeg { at: ms(11), ..leg }]),
            (7, vec![RateLeg { len: Some(ms(0)), ..leg }, RateLeg { at: ms(5), ..leg }]),
            (7, vec![RateLeg { from: u64::MAX, to: u64::MAX, ..leg }]),
            (7, vec![leg, RateLeg { at: Duration::MAX, ..leg }]),
        ] {
            assert!(RateProfile::from_legs(den, &legs).is_err(), "{den} {legs:?}");
        }
    }

    fn any_stages() -> impl Strategy<Value = RateProfile> {
        let stages = prop::collection::vec((0_u64..900, 0_u64..3000), 1..5);
        stages.prop_filter_map("something arrives", |stages| {
            let stage = |(to, over): (u64, u64)| Stage { to: Rate::new(to, 7), over: ms(over) };
            RateProfile::staged(&stages.into_iter().map(stage).collect::<Vec<_>>()).ok()
        })
    }

    fn changed(course: &RateProfile, changes: &[(u64, u8, u64)]) -> RateProfile {
        let (mut profile, mut now) = (course.clone(), 0);
        for (after, kind, value) in changes {
            now += after;
            profile = match kind {
                0 => profile.held(ms(now), None),
                1 => profile.held(ms(now), Some(rate(value + 1, 7))),
                _ => profile.followed(ms(now), course, ms(*value), kind % 2 == 0),
            };
        }
        profile
    }

    proptest! {
        #[test]
        fn what_is_due_before_a_change_stays(
            course in any_stages(),
            changes in prop::collection::vec((1_u64..2000, 0_u8..4, 0_u64..4000), 0..6),
            next in (1_u64..2000, 0_u8..4, 0_u64..4000),
        ) {
            let before = changed(&course, &changes);
            let at = ms(changes.iter().map(|change| change.0).sum::<u64>() + next.0);
            let after = changed(&course, &[changes, vec![next]].concat());
            let count = before.count_until(at);
            prop_assert_eq!(after.count_until(at), count);
            for m in 0..count {
                prop_assert_eq!(before.due(m), after.due(m), "arrival {}", m);
            }
            prop_assert!(after.due(count).is_none_or(|due| due >= at));
            // One after the other, and as many as are counted.
            let end = at + ms(3000);
            let all = after.count_until(end);
            let dues: Vec<_> = (0..all).filter_map(|m| after.due(m)).collect();
            prop_assert!(dues.is_sorted() && dues.len() as u64 == all && dues.last().is_none_or(|last| *last < end));
            // And the same again on the other side.
            let legs: Vec<_> = after.legs().collect();
            prop_assert_eq!(RateProfile::from_legs(after.denominator(), &legs), Ok(after));
        }
    }
}
