//! How long one prediction takes: a log-normal draw with a given mean and standard deviation. It only draws;
//! the waiting is `timer`'s.

use std::f64::consts::TAU;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Config;

/// The step of `SplitMix64`: 2^64 divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Draws service times. Log-normal, because that is how services behave: never below zero, most draws a
/// little under the mean, a few far above.
///
/// With mean *m* and standard deviation *s* the logarithm is normal with variance `σ² = ln(1 + s²/m²)` and
/// mean `µ = ln m - σ²/2`. For 20 ms ± 10 ms: σ = 0.47, median 17.9 ms, 99th percentile 53 ms.
#[derive(Debug)]
pub(crate) struct ServiceTime {
    mean: Duration,
    mu: f64,
    sigma: f64,
    /// The state of the generator is a counter, so threads share it with one atomic addition and no lock.
    state: AtomicU64,
}

impl ServiceTime {
    pub(crate) fn new(config: &Config) -> Self {
        let mean = config.predict_time.as_secs_f64();
        let ratio = if mean > 0.0 { config.predict_jitter.as_secs_f64() / mean } else { 0.0 };
        let variance = (ratio * ratio).ln_1p();
        Self {
            mean: config.predict_time,
            mu: mean.ln() - variance / 2.0,
            sigma: variance.sqrt(),
            state: AtomicU64::new(config.seed),
        }
    }

    /// The next service time.
    pub(crate) fn draw(&self) -> Duration {
        if self.mean.is_zero() || self.sigma == 0.0 {
            return self.mean;
        }
        // Two steps at once, for the two uniform numbers that Box and Muller need.
        let state = self.state.fetch_add(GAMMA.wrapping_mul(2), Ordering::Relaxed);
        let first = uniform(mix(state.wrapping_add(GAMMA)));
        let second = uniform(mix(state.wrapping_add(GAMMA.wrapping_mul(2))));
        let normal = (-2.0 * first.ln()).sqrt() * (TAU * second).cos();
        // Only a mean of centuries overflows; it then takes the mean.
        Duration::try_from_secs_f64((self.mu + self.sigma * normal).exp()).unwrap_or(self.mean)
    }
}

/// The output function of `SplitMix64` (Steele, Lea, Flood 2014).
fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The upper 53 bits as a number in (0, 1]: never zero, whose logarithm would be infinite.
fn uniform(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(mean_ms: u64, jitter_ms: u64, seed: u64, count: usize) -> Vec<f64> {
        let time = ServiceTime::new(&Config {
            predict_time: Duration::from_millis(mean_ms),
            predict_jitter: Duration::from_millis(jitter_ms),
            seed,
            ..Config::default()
        });
        (0..count).map(|_| time.draw().as_secs_f64() * 1e3).collect()
    }

    /// 100 000 draws of a standard deviation *s* leave a standard error of *s*/316; four of them are allowed.
    #[test]
    fn mean_and_deviation_are_the_configured_ones() {
        for (mean, jitter) in [(20, 10), (80, 20), (5, 5), (100, 1)] {
            let values = draws(mean, jitter, 7, 100_000);
            let average = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|v| (v - average).powi(2)).sum::<f64>() / values.len() as f64;
            let allowed = jitter as f64 * 4.0 / 316.0;
            assert!((average - mean as f64).abs() < allowed, "mean {average} of {mean} ± {jitter}");
            assert!(
                (variance.sqrt() / jitter as f64 - 1.0).abs() < 0.05,
                "sd {} of {jitter}",
                variance.sqrt()
            );
        }
    }

    #[test]
    fn presets_have_the_mean_they_say() {
        for config in [Config::default(), Config::saturated()] {
            let time = ServiceTime::new(&config);
            let sum: f64 = (0..50_000).map(|_| time.draw().as_secs_f64()).sum();
            let ratio = sum / 50_000.0 / config.predict_time.as_secs_f64();
            assert!((ratio - 1.0).abs() < 0.01, "{ratio} of {config:?}");
        }
    }

    #[test]
    fn without_jitter_every_draw_is_the_mean() {
        assert_eq!(draws(20, 0, 1, 5), [20.0; 5]);
        assert_eq!(draws(0, 10, 1, 5), [0.0; 5]);
    }

    #[test]
    fn the_seed_decides_the_draws() {
        assert_eq!(draws(20, 10, 3, 50), draws(20, 10, 3, 50));
        assert_ne!(draws(20, 10, 3, 50), draws(20, 10, 4, 50));
    }
}
