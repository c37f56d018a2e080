//! Profiles made of parts that follow each other: ramps, stages, steps, shapes.
//!
//! [`Draft`] is a load of users in the making, [`RateDraft`] one of arrivals. Each part begins where the one before has got
//! to. What comes out is exact: a stage of 7 users in 3 minutes climbs at 7/180 per second.

use std::time::Duration;

use thiserror::Error;

use crate::profile::{Profile, Ramp, Segment};
use crate::rate::Rate;
use crate::rate_profile::{RateProfile, RateProfileError, Stage};

/// A shape is looked at so often.
pub const SAMPLE: Duration = Duration::from_millis(100);

/// Steps in one stage at most.
pub const MOST_STEPS: u64 = 100_000;

/// A profile of users in the making.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    changes: Vec<Ramp>,
    last: Option<Segment>,
    at: Duration,
}

impl Draft {
    /// Run time at which the next part begins.
    pub fn at(&self) -> Duration {
        self.at
    }

    /// Users that the next part finds.
    pub fn users(&self) -> u32 {
        self.last.map_or(0, |last| last.users_at(self.at))
    }

    /// To `users` at `rate`; takes as long as that takes.
    pub fn ramp(&mut self, to: u32, rate: Rate) {
        self.change(to, rate);
        self.at = self.last.map_or(self.at, |last| last.settled_at()).max(self.at);
    }

    /// In a straight line to `to`, `over` a time. Where that is zero, at `jump`.
    pub fn stage(&mut self, to: u32, over: Duration, jump: Rate) {
        let users = u64::from(self.users().abs_diff(to));
        let nanos = u64::try_from(over.as_nanos()).unwrap_or(u64::MAX);
        // Users and ten years in nanoseconds: far from the end of the range.
        let rate =
            if over.is_zero() { jump } else { Rate::new(users * 1_000_000_000, nanos).unwrap_or(jump) };
        self.change(to, rate);
        self.at = self.at.saturating_add(over);
    }

    /// To `to` in steps of `by`, the first one now; each level, also the last, is held for `every`. A step climbs at `jump`.
    /// Returns `false`, and does nothing, where there would be no step or more than [`MOST_STEPS`].
    pub fn steps(&mut self, by: u32, every: Duration, to: u32, jump: Rate) -> bool {
        let from = self.users();
        let steps = u64::from(from.abs_diff(to)).div_ceil(u64::from(by.max(1)));
        if steps == 0 || steps > MOST_STEPS {
            return false;
        }
        let mut level = from;
        for _ in 0..steps {
            level =
                if to > level { to.min(level.saturating_add(by)) } else { to.max(level.saturating_sub(by)) };
            self.change(level, jump);
            self.at = self.at.saturating_add(every);
        }
        true
    }

    /// One number after the other, each a [`SAMPLE`] after the one before: the first at once, the others in the time up to the
    /// next one, so that a slope stays a slope and is not a stair.
    pub fn samples(&mut self, users: impl Iterator<Item = u32>) {
        let mut before: Option<u32> = None;
        for level in users {
            let rate = before.and_then(|before| Rate::new(u64::from(before.abs_diff(level)) * 10, 1));
            match (before, rate) {
                (None, _) => self.change(level, Rate::AT_ONCE),
                (Some(before), Some(rate)) if self.goes_on(before, level, rate) => {
                    // The same slope: the ramp that is there gets longer.
                    if let (Some(ramp), Some(last)) = (self.changes.last_mut(), &mut self.last) {
                        (ramp.to, last.ramp.to) = (level, level);
                    }
                }
                (Some(_), Some(rate)) => self.change(level, rate),
                // The same number as before.
                (Some(_), None) => {}
            }
            before = Some(level);
            self.at = self.at.saturating_add(SAMPLE);
        }
    }

    /// Whether the newest ramp, which arrives just now, goes on like this.
    fn goes_on(&self, before: u32, level: u32, rate: Rate) -> bool {
        let Some(last) = self.last.filter(|last| last.ramp.rate == rate && last.ramp.to == before) else {
            return false;
        };
        let steps = u64::from(before.abs_diff(last.found));
        (before > last.found) == (level > before)
            && last.ramp.at.checked_add(rate.time_of(steps)) == Some(self.at)
    }

    /// Nothing changes up to `at`. A ramp that is under way goes on.
    pub fn hold_until(&mut self, at: Duration) {
        self.at = at;
    }

    /// What it has come to.
    pub fn build(self) -> Profile {
        Profile::from_changes(self.changes)
    }

    fn change(&mut self, to: u32, rate: Rate) {
        let found = self.users();
        // Nothing moves, and nothing that moves has to be stopped.
        if found == to && self.last.is_none_or(|last| last.ramp.to == to) {
            return;
        }
        let ramp = Ramp { at: self.at, to, rate };
        self.changes.push(ramp);
        self.last = Some(Segment { ramp, found, until: None });
    }
}

/// A profile of arrivals in the making. A rate is `None` where nothing arrives.
#[derive(Debug, Clone, Default)]
pub struct RateDraft {
    stages: Vec<Stage>,
    at: Duration,
    rate: Option<Rate>,
}

impl RateDraft {
    /// Run time at which the next part begins.
    pub fn at(&self) -> Duration {
        self.at
    }

    /// The rate that the next part finds.
    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// In a straight line to `to`, `over` a time; zero is a jump.
    pub fn stage(&mut self, to: Option<Rate>, over: Duration) {
        self.stages.push(Stage { to, over });
        self.at = self.at.saturating_add(over);
        self.rate = to;
    }

    /// To `to` in steps of `by`, the first one now; each rate, also the last, is held for `every`. Returns `false` where there
    /// would be no step, more than [`MOST_STEPS`], or rates that cannot be kept exactly.
    pub fn steps(&mut self, by: Rate, every: Duration, to: Option<Rate>) -> bool {
        let mut steps = 0;
        while self.rate != to {
            let Some(level) = stepped(self.rate, by, to).filter(|_| steps < MOST_STEPS) else { return false };
            self.stage(level, Duration::ZERO);
            self.stage(level, every);
            steps += 1;
        }
        steps > 0
    }

    /// The rate stays as it is up to `at`.
    pub fn hold_until(&mut self, at: Duration) {
        if let Some(over) = at.checked_sub(self.at).filter(|over| !over.is_zero()) {
            self.stage(self.rate, over);
        }
    }

    /// What it has come to.
    ///
    /// # Errors
    /// When rates or times are beyond what can be kept exactly, or nothing ever arrives.
    pub fn build(&self) -> Result<RateProfile, RateProfileError> {
        RateProfile::staged(&self.stages)
    }
}

/// `by` nearer to `to`, and not beyond it; `None` where that cannot be kept exactly.
#[expect(clippy::option_option, reason = "not exact, and none at all")]
fn stepped(from: Option<Rate>, by: Rate, to: Option<Rate>) -> Option<Option<Rate>> {
    let up = to > from;
    let (num, den) = from.map_or((0, 1), |rate| (u128::from(rate.num()), u128::from(rate.den())));
    let (by_num, by_den) = (u128::from(by.num()), u128::from(by.den()));
    let (a, b) = (num.checked_mul(by_den)?, by_num.checked_mul(den)?);
    let sum = if up { a.checked_add(b)? } else { a.saturating_sub(b) };
    let level = reduced(sum, den.checked_mul(by_den)?)?;
    Some(if up { level.min(to) } else { level.max(to) })
}

/// `num / den`, where 0 is none at all; `None` where it is beyond a [`Rate`].
#[expect(clippy::option_option, reason = "not exact, and none at all")]
fn reduced(num: u128, den: u128) -> Option<Option<Rate>> {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let (num, den) = (u64::try_from(num / a.max(1)).ok()?, u64::try_from(den / a.max(1)).ok()?);
    Some(Rate::new(num, den))
}

/// Why a shape is none.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ShapeError<E> {
    /// It cannot be computed.
    #[error("at t = {0}: {1}")]
    Evaluate(f64, E),
    /// It is no number.
    #[error("at t = {0} it is {1}, which is no number of users")]
    NoNumber(f64, f64),
    /// More users than any one test has.
    #[error("at t = {0} it asks for {1} users; there are at most {2}")]
    TooMany(f64, f64, u32),
}

/// The numbers of users that `shape`, a function of seconds, gives for each [`SAMPLE`] of `time`: rounded, and 0 for less than
/// nothing.
///
/// # Errors
/// Where it first is no number of users, up to `most`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `most`")]
pub fn sampled<E>(
    time: Duration,
    most: u32,
    mut shape: impl FnMut(f64) -> Result<f64, E>,
) -> Result<Vec<u32>, ShapeError<E>> {
    let count = time.as_nanos().div_ceil(SAMPLE.as_nanos());
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let at = |k: u64| {
        // From whole tenths, so that 0.3 is the 0.3 a person writes.
        let t = k as f64 / 10.0;
        let users = shape(t).map_err(|error| ShapeError::Evaluate(t, error))?.round();
        if users.is_nan() || users == f64::INFINITY {
            return Err(ShapeError::NoNumber(t, users));
        }
        if users > f64::from(most) {
            return Err(ShapeError::TooMany(t, users, most));
        }
        Ok(users.max(0.0) as u32)
    };
    (0..count).map(at).collect()
}

#[cfg(test)]
mod tests;
