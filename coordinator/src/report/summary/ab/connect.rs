//! The line of ab's table that is about connecting: over all requests, 0 for those on a connection that was there.
//!
//! A report has the times of connecting by host and without their histogram, so a median may not be known; the others are exact.

use super::super::super::model::Target;
use super::super::super::times::PhaseReport;
use super::super::figures::Figures;
use super::Row;

/// Connecting with its TLS handshake.
pub(super) fn connect_row(figures: &Figures<'_>) -> Row {
    let targets = &figures.report.targets;
    let connects: Vec<_> = targets.iter().filter_map(|target| target.connect_ms.as_ref()).collect();
    let handshakes: Vec<_> = targets.iter().filter_map(|target: &Target| target.tls_ms.as_ref()).collect();
    let made: u64 = connects.iter().map(|times| times.count).sum();
    let requests = figures.answered.max(made);
    if requests == 0 || made == 0 {
        return Row::default();
    }
    if !handshakes.is_empty() {
        // Which handshake followed which connecting is not known: only what sums up can be told.
        let mean = (sum(&connects) + sum(&handshakes)) / requests as f64;
        let none = (made < requests).then_some(0.0);
        let median = none.filter(|_| (requests - made) * 2 > requests);
        return Row { min: none, mean: Some(mean), median, ..Row::default() };
    }
    let mean = sum(&connects) / requests as f64;
    let extreme = |of: fn(&PhaseReport) -> Option<f64>, pick: fn(f64, f64) -> f64| {
        connects.iter().filter_map(|times| of(times)).reduce(pick)
    };
    let min = if made < requests { Some(0.0) } else { extreme(|times| times.min_ms, f64::min) };
    let median = match connects.as_slice() {
        _ if (requests - made) * 2 > requests => Some(0.0),
        [one] if made == requests => one.percentiles_ms.p50,
        _ => None,
    };
    Row {
        min,
        mean: Some(mean),
        stdev: stdev(&connects, requests, mean),
        median,
        max: extreme(|times| times.max_ms, f64::max),
    }
}

fn sum(phases: &[&PhaseReport]) -> f64 {
    phases.iter().map(|times| times.avg_ms.unwrap_or_default() * times.count as f64).sum()
}

/// Of `requests` values, of which these are the ones that are not 0.
fn stdev(phases: &[&PhaseReport], requests: u64, mean: f64) -> Option<f64> {
    let squares = phases.iter().map(|times| {
        let count = times.count as f64;
        Some((count - 1.0) * times.stdev_ms?.powi(2) + count * times.avg_ms?.powi(2))
    });
    let squares = squares.sum::<Option<f64>>()?;
    let variance = (squares - requests as f64 * mean.powi(2)) / (requests as f64 - 1.0).max(1.0);
    Some(variance.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_that_of_all_requests() {
        let phase = |values: &[f64]| {
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let stdev_ms = Some((squares / (count - 1.0).max(1.0)).sqrt());
            PhaseReport { count: values.len() as u64, avg_ms: Some(mean), stdev_ms, ..PhaseReport::default() }
        };
        let (one, other) = (phase(&[3.0, 5.0, 10.0]), phase(&[2.0]));
        let all = [3.0, 5.0, 10.0, 2.0, 0.0, 0.0];
        let mean = all.iter().sum::<f64>() / 6.0;
        let expected = (all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 5.0_f64).sqrt();
        let found = stdev(&[&one, &other], 6, mean).expect("known");
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        assert_eq!(stdev(&[&PhaseReport { count: 1, ..PhaseReport::default() }], 6, mean), None);
    }
}
