//! How long a user pauses: between iterations (`wait`) and between steps (`think`).
//!
//! A sample is a pure function of the draws. Pacing and throughput are no pause but a beat: the engine begins an iteration once
//! every period, so their sample is zero and the period is asked for instead.

use std::time::Duration;

use crate::draw::Draw;

/// A pause, or a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// No pause at all.
    None,
    /// Always the same.
    Constant(Duration),
    /// Anything between the two, all equally likely.
    Uniform {
        /// The shortest.
        lo: Duration,
        /// The longest.
        hi: Duration,
    },
    /// The bell curve; what would be less than nothing is nothing.
    Normal {
        /// The mean.
        mean: Duration,
        /// The standard deviation.
        sd: Duration,
    },
    /// As between the events of a Poisson process.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// An iteration begins every so often, or when the one before it ends if that is later.
    Pacing {
        /// From beginning to beginning.
        period: Duration,
    },
    /// The same as [`Wait::Pacing`], said as a rate for each user.
    Throughput {
        /// From beginning to beginning.
        period: Duration,
    },
}

impl Wait {
    /// The next pause. Uniform and exponential take exactly one draw, normal exactly two, the others none.
    pub fn sample(&self, draw: &mut Draw) -> Duration {
        match *self {
            Self::None | Self::Pacing { .. } | Self::Throughput { .. } => Duration::ZERO,
            Self::Constant(pause) => pause,
            Self::Uniform { lo, hi } => lo + (hi.saturating_sub(lo)).mul_f64(draw.next_f64()),
            Self::Exponential { mean } => seconds(mean.as_secs_f64() * -(1.0 - draw.next_f64()).ln()),
            Self::Normal { mean, sd } => {
                // Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958). The first draw is below 1, so
                // the logarithm is finite; the second value the method gives is left, so that draws stay countable.
                let radius = (-2.0 * (1.0 - draw.next_f64()).ln()).sqrt();
                let angle = std::f64::consts::TAU * draw.next_f64();
                seconds(mean.as_secs_f64() + sd.as_secs_f64() * radius * angle.cos())
            }
        }
    }

    /// From the beginning of an iteration to the beginning of the next, if it is a beat.
    pub fn period(&self) -> Option<Duration> {
        match self {
            Self::Pacing { period } | Self::Throughput { period } => Some(*period),
            _ => None,
        }
    }
}

/// Clamped at zero.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_ms(wait: Wait) -> f64 {
        let mut draw = Draw::from_seed(1);
        let total: Duration = (0..20_000).map(|_| wait.sample(&mut draw)).sum();
        total.as_secs_f64() * 1_000.0 / 20_000.0
    }

    #[test]
    fn means_are_what_was_asked_for() {
        let s = Duration::from_secs;
        for (wait, mean) in [
            (Wait::None, 0.0),
            (Wait::Constant(s(2)), 2_000.0),
            (Wait::Uniform { lo: s(1), hi: s(3) }, 2_000.0),
            (Wait::Normal { mean: s(2), sd: Duration::from_millis(500) }, 2_000.0),
            (Wait::Exponential { mean: s(2) }, 2_000.0),
            (Wait::Pacing { period: s(2) }, 0.0),
        ] {
            let measured = mean_ms(wait);
            assert!((measured - mean).abs() <= mean * 0.03, "{wait:?}: {measured}");
        }
    }

    #[test]
    fn each_form_takes_its_number_of_draws() {
        let s = Duration::from_secs;
        for (wait, draws) in [
            (Wait::Constant(s(1)), 0),
            (Wait::Uniform { lo: s(1), hi: s(1) }, 1),
            (Wait::Normal { mean: s(1), sd: s(5) }, 2),
            (Wait::Exponential { mean: s(1) }, 1),
            (Wait::Throughput { period: s(1) }, 0),
        ] {
            let (mut a, mut b) = (Draw::from_seed(3), Draw::from_seed(3));
            wait.sample(&mut a);
            for _ in 0..draws {
                b.next_f64();
            }
            assert_eq!(a.next_u64(), b.next_u64(), "{wait:?}");
        }
    }
}
