//! One figure in two runs: how far apart, how much of that may be noise, and what follows.

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Completed requests a second.
    Rps,
    /// Failed requests of the completed ones.
    ErrorShare,
    /// Median response time.
    P50,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
}

impl Metric {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Rps, Self::ErrorShare, Self::P50, Self::P95, Self::P99];

    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rps => "req/s",
            Self::ErrorShare => "% fails",
            Self::P50 => "Med",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }

    /// Whether it is a time, in ms.
    pub fn is_time(self) -> bool {
        matches!(self, Self::P50 | Self::P95 | Self::P99)
    }

    /// Whether more of it is better.
    fn more_is_better(self) -> bool {
        self == Self::Rps
    }
}

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The new run is better.
    Better,
    /// The new run is worse.
    Worse,
    /// No difference that can be told from noise, or none that matters.
    Same,
}

/// One figure in two runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Which.
    pub metric: Metric,
    /// In the run that is compared with: ms, a second, or a part of 1.
    pub base: f64,
    /// In the new one.
    pub new: f64,
    /// How far the new one is off: as a part of the base, or for a share in points of it. Infinite where the base is 0.
    pub change: f64,
    /// How far apart two runs of the same thing may be, in the same unit.
    pub noise: f64,
    /// What follows.
    pub judgement: Judgement,
}

/// Compares a figure. `error`: the standard error of the difference, of logarithms where it is no share; `errors_allowed`: as many
/// of these may be noise; a difference of less than `tolerance` of the base does not matter.
pub(super) fn change(
    metric: Metric,
    (base, new): (f64, f64),
    error: f64,
    errors_allowed: f64,
    tolerance: f64,
) -> Change {
    let within = error * errors_allowed;
    let (change, noise, told, matters) = if metric == Metric::ErrorShare {
        let off = new - base;
        (off, within, off.abs() > within, off.abs() > base * tolerance)
    } else if base > 0.0 && new > 0.0 {
        let off = (new / base).ln();
        (new / base - 1.0, within.exp_m1(), off.abs() > within, off.abs() > tolerance.ln_1p())
    } else {
        // Nothing can be said in parts of nothing.
        (f64::INFINITY, f64::INFINITY, false, false)
    };
    let judgement = match (told && matters, (new > base) == metric.more_is_better()) {
        (false, _) => Judgement::Same,
        (true, true) => Judgement::Better,
        (true, false) => Judgement::Worse,
    };
    Change { metric, base, new, change, noise, judgement }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(metric: Metric, base: f64, new: f64, error: f64) -> Judgement {
        change(metric, (base, new), error, 3.0, 0.05).judgement
    }

    #[test]
    fn a_difference_counts_when_it_is_more_than_noise_and_matters() {
        use Judgement::{Better, Same, Worse};
        for (metric, base, new, error, expected) in [
            (Metric::P95, 100.0, 110.0, 0.01, Worse),
            (Metric::P95, 100.0, 90.0, 0.01, Better),
            (Metric::P95, 100.0, 110.0, 0.04, Same),
            (Metric::P95, 100.0, 104.0, 0.001, Same),
            (Metric::Rps, 100.0, 110.0, 0.01, Better),
            (Metric::Rps, 100.0, 80.0, 0.01, Worse),
            (Metric::Rps, 100.0, 0.0, 0.01, Same),
            (Metric::ErrorShare, 0.0, 0.02, 0.005, Worse),
            (Metric::ErrorShare, 0.0, 0.02, 0.01, Same),
            (Metric::ErrorShare, 0.0, 0.0, 0.0, Same),
            (Metric::ErrorShare, 0.5, 0.1, 0.01, Better),
            (Metric::ErrorShare, 0.50, 0.51, 0.001, Same),
        ] {
            assert_eq!(judged(metric, base, new, error), expected, "{metric:?} {base} {new} {error}");
        }
    }
}
