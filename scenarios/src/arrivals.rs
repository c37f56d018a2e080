//! Which arrival comes when, of which class, and in which lane: the schedule of the open model.
//!
//! Every worker walks the whole schedule, about ten nanoseconds an arrival, and runs what is in its lanes; so the union of what
//! they do is the schedule of one machine. Who has which lanes is dealt by the coordinator; users are the engine's business.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::draw::Draw;
use crate::plan::{OpenPlan, Plan};
use crate::rate_profile::{RateProfile, Straight, Walk};
use crate::sequence::SlotClass;

/// Lanes of a test.
pub const LANES: u16 = 1024;

/// How arrivals follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// Arrival m where the integral of the rate reaches m.
    #[default]
    Even,
    /// As strangers come: the integral grows by an exponential of mean 1 from one arrival to the next, and before the first.
    Poisson,
}

impl Spacing {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Poisson => "poisson",
        }
    }
}

/// One iteration of the open model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the whole test, from 0; its draws follow from it.
    pub number: u64,
    /// Run time at which it is due.
    pub due: Duration,
    /// The user class that runs it.
    pub class: u16,
    /// Its number among those of its class, from 0.
    pub nth: u64,
    /// Its lane, below [`LANES`].
    pub lane: u16,
    /// Where the integral of the rate stands when it is due. It stays when the rate is changed, and gives another instant.
    pub place: i128,
}

/// The lane of the `nth` arrival of a class. Classes begin in lanes of their own, so that the first arrivals of all classes
/// are not the business of one worker.
pub fn lane(class: u16, nth: u64) -> u16 {
    let lane = (nth % u64::from(LANES) + u64::from(class)) % u64::from(LANES);
    u16::try_from(lane).unwrap_or(0)
}

/// Who of `owners` has a lane: in turn, so that each has the same number of every class's arrivals, give or take one.
pub fn owner(lane: u16, owners: usize) -> usize {
    usize::from(lane) % owners.max(1)
}

/// All arrivals of a plan in order of time, without regard to the run time; `None` where users are planned instead.
pub fn schedule(plan: &Plan) -> Option<Schedule> {
    let load = &plan.load;
    let open = load.open.as_ref()?;
    let most = usize::try_from(load.iterations.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let classes = Box::new(load.sequence.iter().take(most));
    Some(Schedule { classes, dues: Dues::new(open, &open.rate, plan.seed), waiting: VecDeque::new() })
}

/// The arrivals of a plan, one after the other. It ends where no more are due, and goes on when the rate is changed so that
/// there are.
pub struct Schedule {
    classes: Box<dyn Iterator<Item = SlotClass>>,
    dues: Dues,
    /// Walked before, and to be given out with the instants of another rate; or not due at all, as the rate is.
    waiting: VecDeque<Arrival>,
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule")
            .field("due", &self.dues.due)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl Schedule {
    /// Goes on at another rate. `ahead`, the newest that were given out and have not begun, in their order, are given out
    /// again: what was due before the change still is, then; what follows has another instant and stays what it is.
    pub fn retime(&mut self, rate: &RateProfile, ahead: impl DoubleEndedIterator<Item = Arrival>) {
        self.dues.retime(rate);
        ahead.rev().for_each(|arrival| self.waiting.push_front(arrival));
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        if let Some(first) = self.waiting.front() {
            let due = self.dues.walk.due(first.place)?;
            return self.waiting.pop_front().map(|arrival| Arrival { due, ..arrival });
        }
        let SlotClass { slot, class, rank } = self.classes.next()?;
        let due = self.dues.advance();
        let nth = u64::from(rank);
        let lane = lane(class, nth);
        let place = self.dues.units;
        let arrival = Arrival { number: slot, due: due.unwrap_or(Duration::MAX), class, nth, lane, place };
        if due.is_none() {
            // Its class is drawn and its place known: it waits for a rate at which it is due.
            self.waiting.push_back(arrival);
            return None;
        }
        Some(arrival)
    }
}

/// How many arrivals of a plan are due before `t`; 0 where users are planned instead.
///
/// Even ones are counted by arithmetic, Poisson ones one by one.
pub fn count_until(plan: &Plan, t: Duration) -> u64 {
    plan.load.open.as_ref().map_or(0, |open| count_at(plan, &open.rate, t))
}

/// The same, where the rate has become another one while the test ran.
pub fn count_at(plan: &Plan, rate: &RateProfile, t: Duration) -> u64 {
    let Some(open) = &plan.load.open else { return 0 };
    let all = match open.spacing {
        Spacing::Even => rate.count_until(t),
        Spacing::Poisson => Dues::new(open, rate, plan.seed)
            .zip(1..=plan.load.iterations.unwrap_or(u64::MAX))
            .take_while(|(due, _)| *due < t)
            .last()
            .map_or(0, |(_, count)| count),
    };
    all.min(plan.load.iterations.unwrap_or(u64::MAX))
}

/// When the last arrival is due, where there is one: `iterations` bounds them.
pub fn last_due(plan: &Plan) -> Option<Duration> {
    last_due_at(plan, &plan.load.open.as_ref()?.rate)
}

/// The same, where the rate has become another one while the test ran.
pub fn last_due_at(plan: &Plan, rate: &RateProfile) -> Option<Duration> {
    let last = plan.load.iterations?.checked_sub(1)?;
    let open = plan.load.open.as_ref()?;
    match open.spacing {
        Spacing::Even => rate.due(last),
        Spacing::Poisson => Dues::new(open, rate, plan.seed).nth(usize::try_from(last).ok()?),
    }
}

/// The due instants in order, without end unless the rate ends in nothing.
struct Dues {
    walk: Walk,
    /// The newest one, and where the integral stood then.
    due: Duration,
    units: i128,
    gaps: Gaps,
}

enum Gaps {
    /// One arrival after the other at one rate: a sum instead of a division.
    Even {
        straight: Option<Straight>,
        first: bool,
    },
    Poisson(Draw),
}

impl Dues {
    fn new(open: &OpenPlan, rate: &RateProfile, seed: u64) -> Self {
        let gaps = match open.spacing {
            Spacing::Even => Gaps::Even { straight: None, first: true },
            Spacing::Poisson => Gaps::Poisson(Draw::arrivals(seed)),
        };
        Self { walk: Walk::new(rate.clone()), due: Duration::ZERO, units: 0, gaps }
    }

    /// From here on the places are reached at another rate, of the same denominator.
    fn retime(&mut self, rate: &RateProfile) {
        self.walk = Walk::new(rate.clone());
        if let Gaps::Even { straight, .. } = &mut self.gaps {
            *straight = None;
        }
    }

    /// Goes on to the next place, `units`, and says when it is reached, if it is.
    fn advance(&mut self) -> Option<Duration> {
        match &mut self.gaps {
            Gaps::Even { straight: Some(straight), .. } if straight.left > 0 => {
                let mut step = straight.whole;
                straight.into += straight.part;
                if straight.into >= straight.den {
                    straight.into -= straight.den;
                    step += 1;
                }
                straight.left -= 1;
                self.units += self.walk.unit();
                self.due += Duration::from_nanos(step);
            }
            Gaps::Even { straight, first } => {
                if !std::mem::take(first) {
                    self.units += self.walk.unit();
                }
                *straight = None;
                self.due = self.walk.due(self.units)?;
                *straight = self.walk.straight(self.units);
            }
            Gaps::Poisson(draw) => {
                self.units += gap(draw.next_u64(), self.walk.unit());
                self.due = self.walk.due(self.units)?;
            }
        }
        Some(self.due)
    }
}

impl Iterator for Dues {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.advance()
    }
}

/// An exponential of mean `unit`, from 64 random bits.
fn gap(bits: u64, unit: i128) -> i128 {
    // In steps of 2^-40 arrivals; the longest is 36.7 arrivals.
    const STEPS: f64 = (1_u64 << 40) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "below 2^46")]
    let steps = (minus_ln(((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64) * STEPS) as i128;
    (steps >> 40) * unit + (((steps & ((1 << 40) - 1)) * unit) >> 40)
}

/// −ln(x) for 0 < x ≤ 1, by sums and products alone: the logarithm of the standard library may differ in the last digit from
/// one system to the next, and every worker has to walk the same schedule.
///
/// With x = m · 2^e and m near 1, ln m = 2 · (s + s³/3 + s⁵/5 + …) for s = (m − 1)/(m + 1), |s| < 0.172.
fn minus_ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0) - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    let (mantissa, exponent) = if mantissa > std::f64::consts::SQRT_2 {
        (mantissa / 2.0, exponent + 1)
    } else {
        (mantissa, exponent)
    };
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    // From the smallest term on; 23 is where they vanish.
    let sum = (0..12).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    // Adding zero makes −0 the 0 it is.
    0.0 - (2.0 * s * sum + f64::from(exponent) * std::f64::consts::LN_2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rate::Rate;
    use crate::rate_profile::{RateProfile, Stage};

    fn open(stages: &[(u64, u64)], spacing: Spacing) -> OpenPlan {
        let stage =
            |&(to, over): &(u64, u64)| Stage { to: Rate::new(to, 7), over: Duration::from_millis(over) };
        let rate = RateProfile::staged(&stages.iter().map(stage).collect::<Vec<_>>()).unwrap();
        OpenPlan { rate, spacing, max_users: 10, users: 0, search: None }
    }

    fn dues(open: &OpenPlan, seed: u64) -> Dues {
        Dues::new(open, &open.rate, seed)
    }

    fn even(rate: u64) -> impl Iterator<Item = Duration> {
        dues(&open(&[(rate, 0)], Spacing::Even), 0)
    }

    #[test]
    fn lanes_go_round_by_class() {
        assert_eq!([0, 1, 1023, 1024].map(|nth| lane(0, nth)), [0, 1, 1023, 0]);
        assert_eq!([0, 1023].map(|nth| lane(2, nth)), [2, 1]);
        assert_eq!([0, 1, 2, 3, 1023].map(|lane| owner(lane, 3)), [0, 1, 2, 0, 0]);
    }

    #[test]
    fn the_logarithm_is_one() {
        for x in [1.0, 0.999_999, 0.75, 0.5, 0.1, 1e-6, 2.0_f64.powi(-53)] {
            assert!((minus_ln(x) + x.ln()).abs() <= 1e-15 * x.ln().abs(), "{x}: {} {}", minus_ln(x), -x.ln());
        }
        assert_eq!(minus_ln(1.0).to_bits(), 0);
    }

    /// These never change: all workers of a test, whatever they run on, walk the same schedule.
    #[test]
    fn poisson_arrivals_are_pinned() {
        let dues = dues(&open(&[(7000, 0)], Spacing::Poisson), 42);
        let nanos: Vec<u128> = dues.take(5).map(|due| due.as_nanos()).collect();
        insta::assert_debug_snapshot!(nanos);
    }

    #[test]
    fn poisson_gaps_have_their_mean_and_their_spread() {
        let mut draw = Draw::arrivals(1);
        let gaps: Vec<f64> =
            (0..100_000).map(|_| gap(draw.next_u64(), 1 << 40) as f64 / (1_u64 << 40) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / 1e5;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 1e5;
        // Three standard errors: 0.0095 of the mean, 0.027 of the variance.
        assert!((mean - 1.0).abs() < 0.0095 && (variance - 1.0).abs() < 0.027, "{mean} {variance}");
        let short = gaps.iter().filter(|gap| **gap < 0.1).count();
        assert!(short.abs_diff(9516) < 280, "{short}");
    }

    #[test]
    fn a_long_walk_does_not_drift() {
        let rate = Rate::new(1, 7).unwrap();
        assert_eq!(even(1).nth(1_000_000), Some(rate.time_of(1_000_000)));
    }

    proptest! {
        #[test]
        fn the_walk_finds_what_is_asked_for_one_by_one(
            stages in prop::collection::vec((0_u64..900, 0_u64..3000), 1..5),
        ) {
            prop_assume!(stages.iter().any(|(to, over)| *to > 0 && *over > 0) || stages.last().is_some_and(|last| last.0 > 0));
            let open = open(&stages, Spacing::Even);
            let walked: Vec<_> = dues(&open, 0).take(500).collect();
            let asked: Vec<_> = (0..walked.len() as u64).map(|m| open.rate.due(m)).collect();
            prop_assert_eq!(walked.iter().copied().map(Some).collect::<Vec<_>>(), asked);
            prop_assert!(walked.len() == 500 || open.rate.due(walked.len() as u64).is_none());
        }

        #[test]
        fn poisson_arrivals_come_in_order_and_about_as_many_as_even_ones(
            stages in prop::collection::vec((1_u64..9000, 1_u64..3000), 1..4), seed: u64,
        ) {
            let open = open(&stages, Spacing::Poisson);
            let end = open.rate.settled_at() + Duration::from_secs(1);
            let dues: Vec<_> = dues(&open, seed).take_while(|due| *due < end).collect();
            prop_assert!(dues.is_sorted());
            let mean = open.rate.count_until(end) as f64;
            // Six standard deviations, once in a thousand million.
            prop_assert!((dues.len() as f64 - mean).abs() <= 6.0 * mean.sqrt() + 2.0, "{} for {mean}", dues.len());
        }
    }
}
