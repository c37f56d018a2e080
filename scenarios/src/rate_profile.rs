//! The arrival rate as a function of time, and its integral: when has it reached so many arrivals.
//!
//! Everything is an integer, so every machine finds the same nanosecond. It knows nothing of which arrivals those are
//! (`arrivals`) and of users (`profile` is their number over time).

use std::time::Duration;

use thiserror::Error;

use crate::rate::{Rate, gcd};

/// Fastest rate, per second: beyond what any fleet sends, and it keeps all products below within 127 bits.
pub(crate) const FASTEST: u64 = 10_000_000;
/// Largest common denominator of the rates of one profile.
pub(crate) const FINEST: u64 = 1_000_000_000;
/// Ten years, as for any duration of a scenario.
pub(crate) const LONGEST_NS: u64 = 10 * 366 * 86_400 * NANOS;
const NANOS: u64 = 1_000_000_000;

/// Why stages are no profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RateProfileError {
    /// A rate above ten million a second.
    #[error("a rate is at most {FASTEST}/s")]
    TooFast,
    /// Rates that have no common denominator of reasonable size.
    #[error("the rates have more digits than can be kept exactly")]
    TooFine,
    /// Stages of more than ten years in all.
    #[error("the stages take longer than ten years")]
    TooLong,
    /// Nothing ever arrives.
    #[error("all rates are 0, so nothing ever arrives")]
    Nothing,
}

/// One stage: the rate moves in a straight line from the one before to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// The rate at its end; `None`: none at all.
    pub to: Option<Rate>,
    /// How long it takes; zero is a jump.
    pub over: Duration,
}

/// An arrival rate over run time: constant, or straight ramps; after the last stage its rate holds for ever.
///
/// With all rates as whole numbers n over a common denominator q, the integral of a ramp from a/q to b/q over D
/// nanoseconds is, t nanoseconds into it and in units of 1/(2 · 10⁹ · q) arrivals, 2·a·t + (b − a)·t²/D: whole at both of
/// its ends. So a profile of many ramps adds up without any error, and between the ends the one division is rounded on
/// the safe side.
///
/// `to: 500/s` over 2 s, from 0: t²/D counts up to 500 arrivals; the 125th is due at half the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateProfile {
    pub(crate) legs: Vec<Leg>,
    /// q: what the legs' rates are divided by.
    pub(crate) den: u64,
}

/// A stretch of one slope. The one after it may begin before it is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leg {
    /// Run time of its beginning, in ns.
    pub(crate) at: u64,
    /// The integral up to there, in units.
    pub(crate) base: i128,
    /// The rates at both ends, times q.
    pub(crate) from: i128,
    pub(crate) to: i128,
    /// ns; `None`: for ever, at one rate.
    pub(crate) len: Option<u64>,
}

impl RateProfile {
    /// Always the same rate.
    pub fn constant(rate: Rate) -> Result<Self, RateProfileError> {
        Self::staged(&[Stage { to: Some(rate), over: Duration::ZERO }])
    }

    /// One stage after the other, the first from no rate at all.
    pub fn staged(stages: &[Stage]) -> Result<Self, RateProfileError> {
        let rates = || stages.iter().filter_map(|stage| stage.to);
        let den = rates().try_fold(1, |den: u64, rate| {
            let den = den.checked_mul(rate.den() / gcd(den, rate.den()));
            den.filter(|den| *den <= FINEST).ok_or(RateProfileError::TooFine)
        })?;
        if rates().any(|rate| rate.num() / rate.den() >= FASTEST && rate.num() > FASTEST * rate.den()) {
            return Err(RateProfileError::TooFast);
        }
        let (mut legs, mut at, mut base, mut from) = (Vec::new(), 0_u64, 0_i128, 0_i128);
        for stage in stages {
            let to = stage.to.map_or(0, |rate| i128::from(rate.num()) * i128::from(den / rate.den()));
            let len = u64::try_from(stage.over.as_nanos()).unwrap_or(u64::MAX);
            if len > LONGEST_NS - at {
                return Err(RateProfileError::TooLong);
            }
            if len > 0 {
                legs.push(Leg { at, base, from, to, len: Some(len) });
                base += (from + to) * i128::from(len);
                at += len;
            }
            from = to;
        }
        if base == 0 && from == 0 {
            return Err(RateProfileError::Nothing);
        }
        legs.push(Leg { at, base, from, to: from, len: None });
        Ok(Self { legs, den })
    }

    /// When the last stage is over: from then on the rate is constant.
    pub fn settled_at(&self) -> Duration {
        Duration::from_nanos(self.legs.last().map_or(0, |leg| leg.at))
    }

    /// The rate at `t`, per second; for showing, never for scheduling.
    pub fn rate_at(&self, t: Duration) -> f64 {
        let t = nanos(t);
        let leg = &self.legs[self.legs.partition_point(|leg| leg.at <= t).saturating_sub(1)];
        let part = leg.len.map_or(0.0, |len| (t - leg.at) as f64 / len as f64);
        (leg.from as f64 + (leg.to - leg.from) as f64 * part) / self.den as f64
    }

    /// The rate after the last stage, per second; for showing.
    pub fn last_rate(&self) -> f64 {
        self.legs.last().map_or(0.0, |leg| leg.to as f64 / self.den as f64)
    }

    /// The highest rate at any time, per second; for showing.
    pub fn peak_rate(&self) -> f64 {
        let peak = self.legs.iter().map(|leg| leg.from.max(leg.to)).max().unwrap_or(0);
        peak as f64 / self.den as f64
    }

    /// How many whole numbers m there are with `due(m) < t`: the evenly spaced arrivals of the first `t`.
    pub fn count_until(&self, t: Duration) -> u64 {
        let t = nanos(t);
        let leg = &self.legs[self.legs.partition_point(|leg| leg.at <= t).saturating_sub(1)];
        let integral = leg.base + leg.integral(t - leg.at);
        let unit = self.unit();
        u64::try_from((integral + unit - 1) / unit).unwrap_or(u64::MAX)
    }

    /// When the integral has reached `m`, rounded down to a nanosecond; `None` if it never gets beyond.
    ///
    /// At 1500/s arrival 45 000 is due at exactly 30 s. Where the rate is 0 for a while, what is reached at its beginning
    /// is due at its end.
    pub fn due(&self, m: u64) -> Option<Duration> {
        let mut walk = Walk::new(self.clone());
        walk.due(i128::from(m) * self.unit())
    }

    /// The units of one arrival.
    fn unit(&self) -> i128 {
        2 * i128::from(NANOS) * i128::from(self.den)
    }
}

impl Leg {
    /// The integral `t` ns into it, rounded up. `t` is within it.
    pub(crate) fn integral(&self, t: u64) -> i128 {
        let straight = 2 * self.from * i128::from(t);
        let Some(len) = self.len.filter(|_| self.from != self.to) else { return straight };
        let (slope, t, len) = (self.to - self.from, i128::from(t), i128::from(len));
        // slope · t² / len in two steps, so that no product needs more than 127 bits.
        let (whole, rest) = (t * t / len, t * t % len);
        let up = if slope > 0 { len - 1 } else { 0 };
        straight + slope * whole + (slope * rest + up) / len
    }

    /// The last ns within it at which its integral is at most `units`, which it exceeds before its end.
    fn reaches(&self, units: i128) -> Option<u64> {
        if self.from == self.to {
            return (self.from > 0).then(|| units / (2 * self.from)).and_then(|t| u64::try_from(t).ok());
        }
        let last = self.len?.saturating_sub(1);
        let mut t = self.estimate(units).min(last);
        // Off by a nanosecond or two, more where a ramp ends at no rate at all: corrected in integers.
        let fits = |t: u64| self.integral(t) <= units;
        let mut step = 1;
        while t > 0 && !fits(t) {
            t = t.saturating_sub(step);
            step *= 2;
        }
        step = step.max(1);
        while t.saturating_add(step) <= last && fits(t + step) {
            t += step;
            step *= 2;
        }
        while step > 0 {
            if t.saturating_add(step) <= last && fits(t + step) {
                t += step;
            }
            step /= 2;
        }
        Some(t)
    }

    /// The root of 2·a·t + (b − a)·t²/D = units, in the form that cancels no digits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a guess, corrected afterwards"
    )]
    fn estimate(&self, units: i128) -> u64 {
        let (from, units) = (self.from as f64, units as f64);
        let bend = (self.to - self.from) as f64 / self.len.map_or(1.0, |len| len as f64);
        let root = (from * from + bend * units).max(0.0).sqrt();
        if from + root > 0.0 { (units / (from + root)) as u64 } else { 0 }
    }
}

/// A way along the integral, from one place to a later one: places are asked for in ascending order.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    profile: RateProfile,
    leg: usize,
}

impl Walk {
    pub(crate) fn new(profile: RateProfile) -> Self {
        Self { profile, leg: 0 }
    }

    /// The units of one arrival.
    pub(crate) fn unit(&self) -> i128 {
        self.profile.unit()
    }

    /// When the integral has reached `units`; `None` if it never gets beyond.
    pub(crate) fn due(&mut self, units: i128) -> Option<Duration> {
        let legs = &self.profile.legs;
        while legs.get(self.leg + 1).is_some_and(|next| next.base <= units) {
            self.leg += 1;
        }
        let leg = legs.get(self.leg)?;
        leg.reaches(units - leg.base).and_then(|t| t.checked_add(leg.at)).map(Duration::from_nanos)
    }

    /// Where the rate is constant from here on to the next bend: the time from one arrival to the next, as whole ns and so
    /// many `den`-ths; what is left up to the bend, in units; and how far into an ns the place `units` is.
    pub(crate) fn straight(&self, units: i128) -> Option<Straight> {
        let legs = &self.profile.legs;
        let leg = legs.get(self.leg).filter(|leg| leg.from == leg.to && leg.from > 0)?;
        let (unit, den) = (self.unit(), 2 * leg.from);
        let left = legs.get(self.leg + 1).map(|next| u64::try_from((next.base - units - 1) / unit));
        Some(Straight {
            whole: u64::try_from(unit / den).ok()?,
            part: u64::try_from(unit % den).ok()?,
            den: u64::try_from(den).ok()?,
            into: u64::try_from((units - leg.base) % den).ok()?,
            left: left.map_or(u64::MAX, |left| left.unwrap_or(u64::MAX)),
        })
    }
}

/// A stretch of one constant rate, for a walk that only adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Straight {
    pub(crate) whole: u64,
    pub(crate) part: u64,
    pub(crate) den: u64,
    pub(crate) into: u64,
    /// Arrivals that still come before the next bend.
    pub(crate) left: u64,
}

pub(crate) fn nanos(t: Duration) -> u64 {
    u64::try_from(t.as_nanos()).unwrap_or(u64::MAX).min(2 * LONGEST_NS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn per_second(num: u64, den: u64) -> Option<Rate> {
        Rate::new(num, den)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn staged(stages: &[(u64, u64)]) -> RateProfile {
        let stage = |&(to, over): &(u64, u64)| Stage { to: per_second(to, 1), over: ms(over) };
        RateProfile::staged(&stages.iter().map(stage).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_constant_rate_is_that_of_its_rate() {
        for (num, den) in [(1500, 1), (3, 1), (7, 180), (1, 3)] {
            let rate = per_second(num, den).unwrap();
            let profile = RateProfile::constant(rate).unwrap();
            for m in [0, 1, 2, 3, 1000, 44_999, 45_000] {
                assert_eq!(profile.due(m), Some(rate.time_of(m)), "{m} at {rate}");
            }
        }
        let profile = RateProfile::constant(per_second(1500, 1).unwrap()).unwrap();
        assert_eq!(profile.count_until(Duration::from_secs(30)), 45_000);
        assert_eq!(profile.count_until(Duration::from_secs(30) + Duration::from_nanos(1)), 45_001);
        assert_eq!((profile.count_until(ms(0)), profile.settled_at()), (0, ms(0)));
    }

    #[test]
    fn ramps_follow_the_square() {
        let profile = staged(&[(500, 2000), (500, 1000), (0, 1000)]);
        assert_eq!(profile.due(125), Some(ms(1000)));
        assert_eq!(profile.due(500), Some(ms(2000)));
        assert_eq!(profile.due(750), Some(ms(2500)));
        // Down: 1000 + 500·t − 250·t² from 3 s on; 1249 is reached 1/√250 s before the end.
        assert_eq!(profile.due(1249).map(|due| due.as_micros()), Some(3_936_754));
        assert_eq!((profile.due(1250), profile.count_until(Duration::from_secs(900))), (None, 1250));
        let rates = [0, 1000, 2500, 3500, 9000].map(|t| profile.rate_at(ms(t)));
        assert_eq!((rates, profile.peak_rate()), ([0.0, 250.0, 500.0, 250.0, 0.0], 500.0));
    }

    #[test]
    fn what_is_reached_where_nothing_comes_waits_for_the_next_ramp() {
        let profile = staged(&[(10, 1000), (0, 1000), (0, 5000), (10, 0)]);
        assert_eq!(profile.due(9).map(|due| due.as_millis()), Some(1552));
        assert_eq!((profile.due(10), profile.due(11)), (Some(ms(7000)), Some(ms(7100))));
        assert_eq!((profile.count_until(ms(7000)), profile.count_until(ms(7001))), (10, 11));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let stage = |to| Stage { to, over: Duration::from_secs(1) };
        assert_eq!(RateProfile::staged(&[stage(None)]), Err(RateProfileError::Nothing));
        assert_eq!(RateProfile::staged(&[]), Err(RateProfileError::Nothing));
        assert_eq!(RateProfile::staged(&[stage(per_second(10_000_001, 1))]), Err(RateProfileError::TooFast));
        let fine = [stage(per_second(1, 999_999_937)), stage(per_second(1, 2))];
        assert_eq!(RateProfile::staged(&fine), Err(RateProfileError::TooFine));
        let long = Stage { to: per_second(1, 1), over: Duration::from_secs(LONGEST_NS / NANOS) };
        assert_eq!(RateProfile::staged(&[long, stage(None)]), Err(RateProfileError::TooLong));
        assert!(RateProfile::staged(&[stage(per_second(10_000_000, 1))]).is_ok());
    }

    fn any_stages() -> impl Strategy<Value = Vec<Stage>> {
        let stage = (0_u64..2000, 1_u64..70, prop_oneof![Just(0), 1_u64..5_000_000_000]);
        let stage = stage
            .prop_map(|(num, den, over)| Stage { to: Rate::new(num, den), over: Duration::from_nanos(over) });
        prop::collection::vec(stage, 1..5)
    }

    proptest! {
        #[test]
        fn due_and_count_are_inverse(stages in any_stages(), picks in prop::collection::vec(0.0..1.0_f64, 8)) {
            let Ok(profile) = RateProfile::staged(&stages) else { return Ok(()) };
            let all = profile.count_until(profile.settled_at() + Duration::from_secs(3));
            for pick in picks {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "of small numbers")]
                let m = (pick * all as f64) as u64;
                let Some(due) = profile.due(m) else { continue };
                prop_assert!(profile.count_until(due) <= m, "{m} is due at {due:?}");
                prop_assert!(profile.count_until(due + Duration::from_nanos(1)) > m, "{m} is due at {due:?}");
                prop_assert!(m == 0 || profile.due(m - 1) <= Some(due));
            }
        }

        #[test]
        fn the_count_is_the_area(stages in any_stages(), t in 0_u64..25_000_000_000) {
            let Ok(profile) = RateProfile::staged(&stages) else { return Ok(()) };
            let t = Duration::from_nanos(t);
            let (mut at, mut area, mut from) = (0.0, 0.0, 0.0);
            for stage in &stages {
                let (to, len) = (stage.to.map_or(0.0, Rate::per_second), stage.over.as_secs_f64());
                let part = (t.as_secs_f64() - at).clamp(0.0, len);
                if len > 0.0 {
                    area += from * part + (to - from) * part * part / (2.0 * len);
                }
                (at, from) = (at + len, to);
            }
            area += from * (t.as_secs_f64() - at).max(0.0);
            let count = profile.count_until(t) as f64;
            prop_assert!(count + 1e-5 >= area && count < area + 1.0 + 1e-5, "{count} for {area}");
        }
    }
}
