//! Exact rates: how many events a second, as a fraction.
//!
//! `1/3` per second has no exact decimal, and an error in the tenth digit moves the millionth event by a tenth of a
//! millisecond. A [`Rate`] is therefore a reduced fraction, and both directions (when is event i due; how many are due
//! by t) are integer arithmetic to the nanosecond.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

const NANOS: u128 = 1_000_000_000;

/// Events per second: `num / den`, reduced, both above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    num: u64,
    den: u64,
}

impl Rate {
    /// So fast that everything happens at one instant: more of them in a nanosecond than there can be.
    pub const AT_ONCE: Self = Self { num: u64::MAX, den: 1 };

    /// Whether it is [`Self::AT_ONCE`].
    pub fn is_at_once(self) -> bool {
        self == Self::AT_ONCE
    }

    /// `num` events in `den` seconds. `None` when either is 0.
    pub fn new(num: u64, den: u64) -> Option<Self> {
        if num == 0 || den == 0 {
            return None;
        }
        let common = gcd(num, den);
        Some(Self { num: num / common, den: den / common })
    }

    /// Events in [`den`](Self::den) seconds, after reducing.
    pub fn num(self) -> u64 {
        self.num
    }

    /// The seconds in which [`num`](Self::num) events happen, after reducing.
    pub fn den(self) -> u64 {
        self.den
    }

    /// Events per second, rounded; for showing, never for scheduling.
    pub fn per_second(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// When event `i` (from 0) is due: `i · den / num` seconds, rounded down to a nanosecond.
    ///
    /// At 3 events a second: 0, 0.333333333, 0.666666666, 1 s. What lies beyond [`Duration::MAX`] is that.
    pub fn time_of(self, i: u64) -> Duration {
        let num = u128::from(self.num);
        let scaled = u128::from(i) * u128::from(self.den);
        let nanos = scaled % num * NANOS / num;
        match (u64::try_from(scaled / num), u32::try_from(nanos)) {
            (Ok(secs), Ok(nanos)) => Duration::new(secs, nanos),
            _ => Duration::MAX,
        }
    }

    /// How many events are due by `t`, those at `t` included: the number of i with `time_of(i) ≤ t`; at most [`u64::MAX`].
    ///
    /// With T = `t` in nanoseconds, ⌊i · den · 10⁹ / num⌋ ≤ T holds exactly for i < (T + 1) · num / (den · 10⁹), so the
    /// number is that quotient rounded up. At 3 a second and T = 666 666 666: 666 666 667 · 3 / 10⁹ = 2.000000001, so 3.
    pub fn count_by(self, t: Duration) -> u64 {
        if t == Duration::MAX {
            return u64::MAX;
        }
        let (num, den) = (u128::from(self.num), u128::from(self.den));
        let after = t.as_nanos() + 1;
        // (secs + nanos / 10⁹) · num / den, with secs · num divided first: no product exceeds 2^128.
        let (secs, nanos) = (after / NANOS, after % NANOS);
        let whole = secs * num / den;
        let rest = secs * num % den * NANOS + nanos * num;
        u64::try_from(whole.saturating_add(rest.div_ceil(den * NANOS))).unwrap_or(u64::MAX)
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        (u128::from(self.num) * u128::from(other.den)).cmp(&(u128::from(other.num) * u128::from(self.den)))
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Per second with at most six decimals: `10/s`, `0.5/s`, `0.333333/s`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = format!("{:.6}", self.per_second());
        match rounded.trim_end_matches('0').trim_end_matches('.') {
            "0" => write!(f, "{:.3e}/s", self.per_second()),
            shown => write!(f, "{shown}/s"),
        }
    }
}

/// The greatest common divisor; `gcd(0, b)` is `b`.
pub(crate) fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(num: u64, den: u64) -> Rate {
        Rate::new(num, den).unwrap()
    }

    #[test]
    fn rates_are_reduced_and_shown() {
        assert_eq!(Rate::new(0, 1), None);
        assert_eq!(Rate::new(1, 0), None);
        assert_eq!((rate(300, 60).num(), rate(300, 60).den()), (5, 1));
        let shown = [(10, 1), (1, 2), (1500, 1), (1, 3), (7, 180), (25, 2), (1, 1_000_000), (1, 10_000_000)];
        let shown = shown.map(|(num, den)| rate(num, den).to_string());
        let expected =
            ["10/s", "0.5/s", "1500/s", "0.333333/s", "0.038889/s", "12.5/s", "0.000001/s", "1.000e-7/s"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn events_are_due_to_the_nanosecond() {
        let thirds = [0, 333_333_333, 666_666_666, 1_000_000_000].map(Duration::from_nanos);
        assert_eq!([0, 1, 2, 3].map(|i| rate(3, 1).time_of(i)), thirds);
        assert_eq!(rate(3, 1).count_by(Duration::from_nanos(666_666_665)), 2);
        assert_eq!(rate(3, 1).count_by(Duration::from_nanos(666_666_666)), 3);
        assert_eq!(rate(10, 1).count_by(Duration::ZERO), 1);
        // Faster than the clock: several in one nanosecond.
        assert_eq!(rate(5_000_000_000, 1).count_by(Duration::ZERO), 5);
    }

    #[test]
    fn rates_are_compared_exactly() {
        let mut rates =
            [rate(1, 2), rate(u64::MAX, 3), rate(1, 3), Rate::AT_ONCE, rate(u64::MAX, u64::MAX - 1)];
        rates.sort();
        let sorted = [rate(1, 3), rate(1, 2), rate(u64::MAX, u64::MAX - 1), rate(u64::MAX, 3), Rate::AT_ONCE];
        assert_eq!(rates, sorted);
        assert!(Rate::AT_ONCE.is_at_once() && !rate(1, 1).is_at_once());
        assert_eq!(Rate::AT_ONCE.time_of(u64::from(u32::MAX)), Duration::ZERO);
        assert!(Rate::AT_ONCE.count_by(Duration::ZERO) > u64::from(u32::MAX));
    }

    #[test]
    fn the_ends_of_the_range_saturate() {
        let slow = rate(1, u64::MAX);
        assert_eq!(slow.time_of(1), Duration::from_secs(u64::MAX));
        assert_eq!(slow.time_of(2), Duration::MAX);
        assert_eq!(slow.count_by(Duration::from_secs(u64::MAX)), 2);
        assert_eq!(slow.count_by(Duration::from_secs(u64::MAX) - Duration::from_nanos(1)), 1);
        let fast = rate(u64::MAX, 1);
        assert_eq!(fast.time_of(u64::MAX), Duration::from_secs(1));
        assert_eq!(fast.count_by(Duration::from_secs(2)), u64::MAX);
        assert_eq!(slow.count_by(Duration::MAX), u64::MAX);
    }

    proptest! {
        #[test]
        fn the_two_directions_are_inverse(num in 1_u64.., den in 1_u64..1_000_000, i in 0_u64..1 << 40) {
            let rate = rate(num % 1_000_000_000 + 1, den);
            let t = rate.time_of(i);
            prop_assert!(rate.count_by(t) > i);
            if let Some(before) = t.checked_sub(Duration::from_nanos(1)) {
                prop_assert!(rate.count_by(before) <= i);
            }
        }

        #[test]
        fn what_is_counted_has_come_and_the_next_has_not(
            num in prop_oneof![1_u64..1000, 1_u64..],
            den in prop_oneof![1_u64..1000, 1_u64..],
            nanos in prop_oneof![0_u64..10_000_000_000, 0_u64..],
        ) {
            let (rate, t) = (rate(num, den), Duration::from_nanos(nanos));
            let count = rate.count_by(t);
            prop_assert!(count > 0, "event 0 is due at 0");
            prop_assert!(rate.time_of(count - 1) <= t);
            if count < u64::MAX {
                prop_assert!(rate.time_of(count) > t);
            }
        }
    }
}
