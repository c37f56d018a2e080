//! How much the figures of a run would differ if it were run again: its steps are drawn anew, many times.
//!
//! Requests of one second are alike, so requests are not drawn one by one: that would promise far too much. What is drawn are
//! steps of the course, whole, and a few neighbours at a time, because what disturbs one second often disturbs the next (block
//! bootstrap: H. R. Künsch, "The jackknife and the bootstrap for general stationary observations", Ann. Statist. 17, 1989). Each
//! comes from within a quarter of the run around its place, so that a ramp stays a ramp (E. Paparoditis and D. N. Politis, "Local
//! block bootstrap", C. R. Acad. Sci. Paris 335, 2002).

use stampede_scenarios::draw::Draw;

use super::change::Metric;
use super::course::{Step, ms_of};

/// Steps that a run must have: with fewer nothing is known of its noise.
pub(super) const FEWEST: usize = 8;

/// How often the steps are drawn anew. A standard deviation is then known to a twentieth.
const DRAWN: u64 = 400;

/// Standard errors of a row's figures, in the order of [`Metric::ALL`]: of the logarithm for times and rates, plain for the
/// share of failures.
pub(super) type Errors = [f64; Metric::ALL.len()];

/// The standard errors of a row with at least [`FEWEST`] steps.
pub(super) fn errors(steps: &[Step], seed: u64) -> Errors {
    let mut sums = [Moments::default(); Metric::ALL.len()];
    let mut weights = vec![0; steps.len()];
    let mut bins = Vec::new();
    for round in 0..DRAWN {
        draw(&mut weights, &mut Draw::shuffle(seed, 0, round));
        let figures = figures(steps, &weights, &mut bins);
        for (sum, figure) in sums.iter_mut().zip(figures) {
            sum.add(figure);
        }
    }
    sums.map(Moments::deviation)
}

/// Steps that are drawn together, of so many.
fn block(steps: usize) -> usize {
    (1..steps).find(|length| length * length * length >= steps).unwrap_or(1)
}

/// How many independent pieces a run of so many steps comes to: how well its noise is known.
pub(super) fn pieces(steps: usize) -> usize {
    steps.div_ceil(block(steps))
}

/// How often each step is drawn: as many draws as steps, in blocks of neighbours, each from near its own place. Blocks are as long
/// as the cube root of the run, which is of the right order for a standard error (P. Hall, J. L. Horowitz and B.-Y. Jing, 1995).
fn draw(weights: &mut [u64], random: &mut Draw) {
    weights.fill(0);
    let count = weights.len();
    let length = block(count);
    let reach = (count / 4).max(2);
    for place in (0..count).step_by(length) {
        let length = length.min(count - place);
        let (first, last) = (place.saturating_sub(reach), (place + reach).min(count - length));
        let number = |place: usize| i64::try_from(place).unwrap_or(i64::MAX);
        let from = usize::try_from(random.int(number(first), number(last))).unwrap_or(0);
        weights[from..from + length].iter_mut().for_each(|weight| *weight += 1);
    }
}

/// The figures of a run of these steps, each so often; as [`Errors`] has them. `bins` is room to work in.
fn figures(steps: &[Step], weights: &[u64], bins: &mut Vec<u64>) -> Errors {
    bins.fill(0);
    let (mut seconds, mut requests, mut failures) = (0.0, 0, 0);
    for (step, weight) in steps.iter().zip(weights).filter(|(_, weight)| **weight > 0) {
        seconds += step.seconds * *weight as f64;
        requests += step.requests * weight;
        failures += step.failures * weight;
        let last = step.bins.last().map_or(0, |(bin, _)| bin + 1);
        if bins.len() < last {
            bins.resize(last, 0);
        }
        step.bins.iter().for_each(|(bin, count)| bins[*bin] += count * weight);
    }
    let rank = |part: f64| {
        let wanted = (requests as f64 * part).ceil();
        let mut seen = 0;
        let found = bins.iter().position(|count| {
            seen += count;
            seen as f64 >= wanted
        });
        found.map_or(0.0, |bin| ms_of(bin).ln())
    };
    Metric::ALL.map(|metric| match metric {
        Metric::Rps => (requests as f64 / f64::max(seconds, 1.0)).max(1e-9).ln(),
        Metric::ErrorShare => failures as f64 / f64::max(requests as f64, 1.0),
        Metric::P50 => rank(0.5),
        Metric::P95 => rank(0.95),
        Metric::P99 => rank(0.99),
    })
}

/// Sums for a standard deviation, by Welford's method: no two large numbers are subtracted.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn deviation(self) -> f64 {
        (self.squares / (self.count - 1.0).max(1.0)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of 100 requests at about `ms`, each step off by a part of its own.
    fn course(ms: f64, off: impl Fn(u64) -> f64) -> Vec<Step> {
        let step = |n: u64| {
            let bin = ((ms * off(n) * 1e3).ln() / 0.005).round();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small positive number"
            )]
            let bins = vec![(bin as usize, 100)];
            Step { seconds: 1.0, requests: 100, failures: n * 7919 % 5, bins }
        };
        (0..40).map(step).collect()
    }

    #[test]
    fn a_run_without_noise_has_none() {
        let steps: Vec<_> =
            course(10.0, |_| 1.0).into_iter().map(|step| Step { failures: 1, ..step }).collect();
        assert!(errors(&steps, 1).iter().all(|error| *error < 1e-9), "{:?}", errors(&steps, 1));
    }

    #[test]
    fn noise_from_step_to_step_is_seen_and_the_same_each_time() {
        let noisy = course(10.0, |n| 1.0 + (n * 7919 % 41) as f64 / 100.0);
        let [rps, failures, p50, ..] = errors(&noisy, 1);
        assert!(rps < 1e-9 && failures > 0.0, "{rps} {failures}");
        assert!((0.005..0.1).contains(&p50), "{p50}");
        assert_eq!(errors(&noisy, 1).map(f64::to_bits), errors(&noisy, 1).map(f64::to_bits));
    }

    #[test]
    fn a_ramp_is_no_noise_as_large_as_itself() {
        let ramp: Vec<_> =
            (0..40).map(|n| Step { seconds: 1.0, requests: n * 10, failures: 0, bins: Vec::new() }).collect();
        // Drawn from everywhere it would be 0.18.
        let [rps, ..] = errors(&ramp, 1);
        assert!((0.01..0.1).contains(&rps), "{rps}");
    }
}
