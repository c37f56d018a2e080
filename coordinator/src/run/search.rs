//! The search for the highest rate at which rules hold: which rate is tried next. Pure.
//!
//! It climbs by a factor while they hold, halves the distance when they broke, and tries the best once more for longer. If
//! that breaks it goes down a step. Rates are whole numbers of steps, so that each is one that arrivals can be planned at.

/// How often the best may break when it is tried again.
const MOST_VERIFICATIONS: usize = 5;

/// Tries between the highest rate that held and the lowest that broke.
const MOST_HALVINGS: usize = 16;

/// What bounds a search, rates in steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The first rate.
    pub(super) from: u64,
    /// The highest.
    pub(super) to: u64,
    /// From one to the next while rules hold.
    pub(super) factor: f64,
    /// How near to each other the two ends come, as a part.
    pub(super) precision: f64,
    /// Steps that are one arrival a second: above twenty of those only whole ones are tried.
    pub(super) one: u64,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Every rule held.
    Held,
    /// One did not.
    Broke,
    /// The load generator was the limit.
    Limited,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Try this rate.
    Try(u64),
    /// Try this rate for longer.
    Verify(u64),
    /// It is over.
    Over(Ending),
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// This rate held, also when it was tried for longer.
    Found(u64),
    /// Not even the first rate held.
    Nothing,
    /// Some held, and none when it was tried for longer.
    Unsteady,
    /// The load generator was the limit.
    Limited,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Climb,
    Halve,
    Verify,
}

/// A search under way.
#[derive(Debug, Clone)]
pub(super) struct Search {
    bounds: Bounds,
    stage: Stage,
    now: u64,
    held: Option<u64>,
    broke: Option<u64>,
    halvings: usize,
    verifications: usize,
}

impl Search {
    /// Begins at the first rate.
    pub(super) fn new(bounds: Bounds) -> Self {
        let (stage, now) = (Stage::Climb, bounds.from);
        Self { bounds, stage, now, held: None, broke: None, halvings: 0, verifications: 0 }
    }

    /// The rate that is tried now.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// The highest rate that held, tried for as long as any.
    pub(super) fn held(&self) -> Option<u64> {
        self.held
    }

    /// What follows from what came of the rate tried.
    pub(super) fn came(&mut self, came: Came) -> Next {
        if came == Came::Limited {
            return Next::Over(Ending::Limited);
        }
        if self.stage == Stage::Verify {
            return self.verified(came);
        }
        match came {
            Came::Held => self.held = Some(self.now),
            Came::Broke | Came::Limited => self.broke = Some(self.now),
        }
        let Some(held) = self.held else { return Next::Over(Ending::Nothing) };
        match self.broke {
            None if held >= self.bounds.to => self.verify(held),
            None => {
                let next = scaled(held, self.bounds.factor).max(held + 1);
                self.attempt(self.whole(next).min(self.bounds.to))
            }
            Some(broke) => self.halve(held, broke),
        }
    }

    fn halve(&mut self, held: u64, broke: u64) -> Next {
        self.stage = Stage::Halve;
        self.halvings += 1;
        let near = (broke - held) as f64 <= self.bounds.precision * held as f64;
        let middle = self.whole(held + (broke - held) / 2);
        if near || self.halvings > MOST_HALVINGS || middle <= held || middle >= broke {
            return self.verify(held);
        }
        self.attempt(middle)
    }

    fn verified(&mut self, came: Came) -> Next {
        if came == Came::Held {
            return Next::Over(Ending::Found(self.now));
        }
        let lower = self.whole(scaled(self.now, 1.0 - self.bounds.precision)).min(self.now - 1);
        self.held = Some(lower).filter(|lower| *lower >= self.bounds.from);
        match self.held {
            Some(lower) if self.verifications < MOST_VERIFICATIONS => self.verify(lower),
            _ => {
                self.held = None;
                Next::Over(Ending::Unsteady)
            }
        }
    }

    fn attempt(&mut self, rate: u64) -> Next {
        self.now = rate;
        Next::Try(rate)
    }

    fn verify(&mut self, rate: u64) -> Next {
        (self.stage, self.now) = (Stage::Verify, rate);
        self.verifications += 1;
        Next::Verify(rate)
    }

    /// A rate that a person would write: from twenty a second on without a fraction.
    fn whole(&self, rate: u64) -> u64 {
        if rate >= 20 * self.bounds.one { rate / self.bounds.one * self.bounds.one } else { rate.max(1) }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are far below 2^53, and factors positive"
)]
fn scaled(rate: u64, factor: f64) -> u64 {
    (rate as f64 * factor).round() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bounds(from: u64, to: u64) -> Bounds {
        Bounds { from: from * 1000, to: to * 1000, factor: 2.0, precision: 0.05, one: 1000 }
    }

    /// Every rate tried, in arrivals a second, with `!` behind what was verified, and the end.
    fn played(bounds: Bounds, came: impl Fn(u64, bool) -> Came) -> (Vec<String>, Ending) {
        let mut search = Search::new(bounds);
        let (mut tries, mut verifies) = (Vec::new(), false);
        for _ in 0..200 {
            let rate = search.now();
            tries.push(format!("{}{}", rate as f64 / 1000.0, if verifies { "!" } else { "" }));
            match search.came(came(rate, verifies)) {
                Next::Try(rate) => assert_eq!(rate, search.now()),
                Next::Verify(_) => verifies = true,
                Next::Over(ending) => return (tries, ending),
            }
        }
        panic!("it does not end: {tries:?}");
    }

    fn up_to(capacity: u64) -> impl Fn(u64, bool) -> Came {
        move |rate, _| if rate <= capacity * 1000 { Came::Held } else { Came::Broke }
    }

    #[test]
    fn it_climbs_halves_and_verifies() {
        let (tries, ending) = played(bounds(50, 100_000), up_to(333));
        assert_eq!(tries, ["50", "100", "200", "400", "300", "350", "325", "337", "325!"]);
        assert_eq!(ending, Ending::Found(325_000));
    }

    #[test]
    fn it_says_when_nothing_holds_and_when_everything_does() {
        assert_eq!(played(bounds(50, 1000), up_to(10)), (vec!["50".to_owned()], Ending::Nothing));
        let (tries, ending) = played(bounds(50, 150), up_to(1000));
        assert_eq!((tries.join(" "), ending), ("50 100 150 150!".to_owned(), Ending::Found(150_000)));
    }

    #[test]
    fn it_goes_down_a_step_when_the_best_breaks_in_the_end() {
        let came = |rate: u64, verifies: bool| {
            if rate > if verifies { 290_000 } else { 333_000 } { Came::Broke } else { Came::Held }
        };
        let (tries, ending) = played(bounds(50, 100_000), came);
        assert_eq!(tries[8..], ["325!", "308!", "292!", "277!"]);
        assert_eq!(ending, Ending::Found(277_000));
        let (_, ending) =
            played(
                bounds(50, 100_000),
                |rate, verifies| {
                    if verifies || rate > 333_000 { Came::Broke } else { Came::Held }
                },
            );
        assert_eq!(ending, Ending::Unsteady);
    }

    #[test]
    fn it_ends_where_the_generator_is_the_limit() {
        let came = |rate: u64, _| if rate > 300_000 { Came::Limited } else { Came::Held };
        assert_eq!(played(bounds(50, 100_000), came).1, Ending::Limited);
    }

    proptest! {
        #[test]
        fn a_capacity_is_found_to_within_the_precision(
            capacity in 21_u64..90_000, from in 1_u64..20, factor in 11_u32..50, precision in 1_u32..20,
        ) {
            let bounds = Bounds {
                factor: f64::from(factor) / 10.0, precision: f64::from(precision) / 100.0, ..bounds(from, 1_000_000)
            };
            let (tries, ending) = played(bounds, up_to(capacity));
            let Ending::Found(found) = ending else { panic!("{ending:?} after {tries:?}") };
            let (found, capacity) = (found as f64 / 1000.0, capacity as f64);
            prop_assert!(found <= capacity, "{} of {}: {:?}", found, capacity, tries);
            // One arrival a second is the least step there.
            prop_assert!(found * (1.0 + bounds.precision) + 1.0 >= capacity, "{} of {}: {:?}", found, capacity, tries);
            // At a tenth more each time it takes 120 to climb there.
            prop_assert!(tries.len() < 160);
        }
    }
}
